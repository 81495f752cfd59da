/* http_api_reply: see http_api_reply.h. */
#include "outbox/providers/http_api_reply.h"

#include "base/units.h"

#include <stdio.h>
#include <stdlib.h>

#define RANGES_MAX 8

struct rule {
    struct {
        unsigned low, high;
    } statuses[RANGES_MAX];
    size_t status_count; /* 0: any */
    char *field, *is;    /* "" as in struct provider_reply */
    enum provider_meaning means;
};

struct http_api_rules {
    struct rule *rules;
    size_t count;
};

/* cut: the part of *rest before the separator; moves *rest behind it. */
static struct text cut(struct text *rest, char separator)
{
    const char *end = memchr(rest->data, separator, rest->bytes);
    struct text part = {rest->data, end ? (size_t)(end - rest->data) : rest->bytes};
    size_t used = part.bytes + (end != NULL);
    *rest = (struct text){rest->data + used, rest->bytes - used};
    return part;
}

const json_t *http_api_find(const json_t *root, const char *path)
{
    struct text rest = text_of(path);
    if (text_is(rest, "$"))
        rest = TEXT("");
    while (root && rest.bytes > 0) {
        struct text step = cut(&rest, '.');
        uint64_t index;
        if (json_is_array(root))
            root = units_count(step, &index) == 0 ? json_array_get(root, index) : NULL;
        else
            root = json_object_getn(root, step.data, step.bytes);
    }
    return root;
}

/* --- rules --- */

static int read_status(struct text part, unsigned *out)
{
    uint64_t number;
    part = text_trim(part);
    if (units_count(part, &number) || number < 100 || number > 599)
        return -1;
    *out = (unsigned)number;
    return 0;
}

/* "200", "200,202", "500-599". */
static int read_statuses(const char *text, struct rule *rule)
{
    struct text rest = text_of(text);
    while (rest.bytes > 0) {
        struct text range = cut(&rest, ',');
        struct text low = cut(&range, '-');
        if (rule->status_count == RANGES_MAX ||
            read_status(low, &rule->statuses[rule->status_count].low) ||
            read_status(range.bytes > 0 ? range : low,
                        &rule->statuses[rule->status_count].high))
            return -1;
        rule->status_count++;
    }
    return 0;
}

int http_api_rules_parse(const struct provider_reply *replies, size_t count,
                         struct http_api_rules **out, struct error *err)
{
    struct http_api_rules *rules = calloc(1, sizeof(*rules));
    CHECK(rules);
    rules->rules = calloc(count + 1, sizeof(*rules->rules));
    CHECK(rules->rules);
    *out = rules;
    int rc = 0;
    for (; rules->count < count && rc == 0; rules->count++) {
        struct rule *rule = &rules->rules[rules->count];
        const struct provider_reply *reply = &replies[rules->count];
        rule->field = text_copy(text_of(reply->field));
        rule->is = text_copy(text_of(reply->is));
        rule->means = reply->means;
        if (read_statuses(reply->status, rule))
            rc = error_set(err, ERROR_CONFIG,
                           "replies.%zu.status: \"%s\" is no status like 200, 500-599 or "
                           "200,202",
                           rules->count + 1, reply->status);
        else if (reply->is[0] && !reply->field[0])
            rc = error_set(err, ERROR_CONFIG,
                           "replies.%zu.is: there is no field that could be it; add "
                           "`field:`",
                           rules->count + 1);
        else if (rule->status_count == 0 && !reply->field[0])
            rc = error_set(err, ERROR_CONFIG,
                           "replies.%zu: a rule needs a status, a field or both",
                           rules->count + 1);
    }
    if (rc)
        http_api_rules_destroy(out);
    return rc;
}

void http_api_rules_destroy(struct http_api_rules **rules)
{
    if (!*rules)
        return;
    for (size_t i = 0; i < (*rules)->count; i++) {
        free((*rules)->rules[i].field);
        free((*rules)->rules[i].is);
    }
    free((*rules)->rules);
    free(*rules);
    *rules = NULL;
}

static bool has_status(const struct rule *rule, unsigned status)
{
    for (size_t i = 0; i < rule->status_count; i++) {
        if (status >= rule->statuses[i].low && status <= rule->statuses[i].high)
            return true;
    }
    return rule->status_count == 0;
}

/* A plain value as its text; TEXT_NONE for null, objects and arrays. */
static struct text plain_text(const json_t *value, char number[32])
{
    switch (value ? json_typeof(value) : JSON_NULL) {
    case JSON_STRING:
        return (struct text){json_string_value(value), json_string_length(value)};
    case JSON_INTEGER:
        snprintf(number, 32, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return text_of(number);
    case JSON_REAL:
        snprintf(number, 32, "%.15g", json_real_value(value));
        return text_of(number);
    case JSON_TRUE:
        return TEXT("true");
    case JSON_FALSE:
        return TEXT("false");
    default:
        return TEXT_NONE;
    }
}

static bool has_field(const struct rule *rule, const json_t *root)
{
    if (!rule->field[0])
        return true;
    const json_t *value = http_api_find(root, rule->field);
    if (!rule->is[0])
        return value && !json_is_null(value);
    char number[32];
    struct text text = plain_text(value, number);
    for (struct text rest = text_of(rule->is); text.data && rest.bytes > 0;) {
        if (text_equal(text_trim(cut(&rest, '|')), text))
            return true;
    }
    return false;
}

int http_api_rules_match(const struct http_api_rules *rules, unsigned status,
                         const json_t *root)
{
    for (size_t i = 0; i < rules->count; i++) {
        const struct rule *rule = &rules->rules[i];
        if (has_status(rule, status) && has_field(rule, root))
            return (int)rule->means;
    }
    return -1;
}

bool http_api_rules_need_json(const struct http_api_rules *rules, unsigned status)
{
    for (size_t i = 0; i < rules->count; i++) {
        const struct rule *rule = &rules->rules[i];
        if (has_status(rule, status) && rule->field[0])
            return true;
    }
    return false;
}
