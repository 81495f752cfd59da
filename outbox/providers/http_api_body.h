/* http_api_body: the body of a call of type http, a template with `##{{name}}`. Pure.
 *
 * A value is written as fits its place: in a JSON string with what JSON escapes; in JSON outside
 * one as a string with its quotes, or null when there is none; in a form percent-encoded.
 * `##{{#name}}…##{{/name}}` stands only where the value is there. */
#ifndef OUTBOX_HTTP_API_BODY_H
#define OUTBOX_HTTP_API_BODY_H

#include "base/buffer.h"
#include "base/error.h"

enum http_api_value {
    HTTP_API_TO,
    HTTP_API_FROM,
    HTTP_API_FROM_NAME,
    HTTP_API_SENDER, /* name and address as they stand in a From line */
    HTTP_API_SUBJECT,
    HTTP_API_TEXT,
    HTTP_API_HTML,
    HTTP_API_BODY, /* what is said on the channel: a text, or the MIME message */
    HTTP_API_TITLE,
    HTTP_API_UNSUBSCRIBE,
    HTTP_API_ID,
    HTTP_API_CHANNEL,
    HTTP_API_MIME_BASE64,
    HTTP_API_VALUES
};

struct http_api_body;

/* http_api_body_parse: parse once, write often.
 * Owns:   the caller destroys it; source is not needed any more.
 * Errors: ERROR_CONFIG with the line of the template: an unknown name, with the nearest one; a
 *         section that is not closed; what is no JSON once there are values. */
int http_api_body_parse(struct text source, bool form, struct http_api_body **out,
                        struct error *err) MUST_USE;
void http_api_body_destroy(struct http_api_body **body);

/* http_api_body_uses: is a value looked at? What is not need not be made. */
bool http_api_body_uses(const struct http_api_body *body, enum http_api_value value);

/* http_api_body_write: append the template with values[HTTP_API_VALUES]. A value without bytes is
 * none for a section; TEXT_NONE is null outside JSON strings. */
void http_api_body_write(const struct http_api_body *body, const struct text *values,
                         struct buffer *out);

#endif
