/* change: see change.h. */
#include "outbox/dispatch/change.h"

#include "outbox/dispatch/domain.h"

#define STRING(name)                                                                     \
    {                                                                                    \
#name, offsetof(struct provider_config, name)                                    \
    }
#define NUMBER(key, name)                                                                \
    {                                                                                    \
        key, offsetof(struct provider_config, name),                                     \
            sizeof(((struct provider_config *)0)->name)                                  \
    }

static const struct {
    const char *key;
    size_t offset;
} strings[] = {
    STRING(name),       STRING(type),          STRING(url),           STRING(account_sid),
    STRING(auth_token), STRING(from),          STRING(username),      STRING(password),
    STRING(tls_ca),     STRING(verp),          STRING(region),        STRING(access_key),
    STRING(secret_key), STRING(session_token), STRING(api_key),       STRING(credentials),
    STRING(body),       STRING(batch_body),    STRING(batch_replies), STRING(id),
    STRING(detail),
};

static const struct {
    const char *key;
    size_t offset, bytes;
} numbers[] = {
    NUMBER("auth", auth),
    NUMBER("tls", tls),
    NUMBER("tls_verify", tls_unverified),
    NUMBER("sandbox_mode", sandbox_mode),
    NUMBER("batch", batch),
    NUMBER("form", form),
    NUMBER("on_unknown", on_unknown_given),
    NUMBER("lookup_after", lookup_after_ns),
};

static bool same_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool same_headers(const struct provider_config *a, const struct provider_config *b)
{
    bool same = a->header_count == b->header_count;
    for (size_t i = 0; i < a->header_count && same; i++)
        same = same_text(a->headers[i].name, b->headers[i].name) &&
               same_text(a->headers[i].value, b->headers[i].value);
    return same;
}

static bool same_replies(const struct provider_config *a, const struct provider_config *b)
{
    bool same = a->reply_count == b->reply_count;
    for (size_t i = 0; i < a->reply_count && same; i++) {
        const struct provider_reply *x = &a->replies[i], *y = &b->replies[i];
        same = same_text(x->status, y->status) && same_text(x->field, y->field) &&
               same_text(x->is, y->is) && x->means == y->means;
    }
    return same;
}

/* The first key that differs, or NULL. */
static const char *find_change(const struct provider_config *a,
                               const struct provider_config *b)
{
    for (size_t i = 0; i < ARRAY_COUNT(strings); i++) {
        if (!same_text(*(const char *const *)((const char *)a + strings[i].offset),
                       *(const char *const *)((const char *)b + strings[i].offset)))
            return strings[i].key;
    }
    for (size_t i = 0; i < ARRAY_COUNT(numbers); i++) {
        if (memcmp((const char *)a + numbers[i].offset,
                   (const char *)b + numbers[i].offset, numbers[i].bytes) != 0)
            return numbers[i].key;
    }
    if (a->on_unknown_given && a->on_unknown != b->on_unknown)
        return "on_unknown";
    return !same_headers(a, b) ? "headers" : !same_replies(a, b) ? "replies" : NULL;
}

int change_check(const struct provider_config *from, const struct provider_config *to,
                 struct error *err)
{
    const char *key = find_change(from, to);
    if (key)
        return error_set(
            err, ERROR_CONFIG,
            "providers.%s.%s: this cannot change while volley runs; restart it, "
            "or put the old value back",
            from->name, key);
    return domain_check(to, err);
}
