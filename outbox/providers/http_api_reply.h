/* http_api_reply: what a reply to a call of type http means, by the rules of volley.yaml. Pure.
 *
 * A path names a place in JSON: members and, in arrays, numbers from 0, joined by dots
 * (`errors.0.code`); "" and "$" are the whole. */
#ifndef OUTBOX_HTTP_API_REPLY_H
#define OUTBOX_HTTP_API_REPLY_H

#include "outbox/dispatch/provider.h"

#include <jansson.h>

/* http_api_find: the value at a path, or NULL; root may be NULL. */
const json_t *http_api_find(const json_t *root, const char *path);

struct http_api_rules;

/* http_api_rules_parse: the texts are copied.
 * Errors: ERROR_CONFIG naming the rule by its number, from 1. */
int http_api_rules_parse(const struct provider_reply *replies, size_t count,
                         struct http_api_rules **out, struct error *err) MUST_USE;
void http_api_rules_destroy(struct http_api_rules **rules);

/* http_api_rules_match: the meaning by the first rule that fits, or -1.
 * root: the message's own reply; NULL when the reply is no JSON. */
int http_api_rules_match(const struct http_api_rules *rules, unsigned status,
                         const json_t *root);

/* http_api_rules_need_json: does a rule for this status look at a field? */
bool http_api_rules_need_json(const struct http_api_rules *rules, unsigned status);

#endif
