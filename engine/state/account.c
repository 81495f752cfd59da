/* account: see account.h. */
#include "engine/state/account.h"

#include "base/file.h"
#include "base/near.h"
#include "base/tzif.h"
#include "engine/state/address.h"
#include "engine/state/store_private.h"

#include <jansson.h>
#include <stdio.h>

#define ACCOUNT_BYTES_MAX (64u << 10)
#define VALUE_BYTES_MAX   1024

/* --- the keys of `account put` --- */

static bool good_id(struct text t)
{
    return name_is_safe(t);
}

static bool good_mailbox(struct text t)
{
    return address_of_mailbox(t).data != NULL;
}

static bool good_locale(struct text t)
{
    if (t.bytes < 2 || t.bytes > 35)
        return false;
    for (size_t i = 0; i < t.bytes; i++) {
        char c = t.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '-' || c == '_')))
            return false;
    }
    return true;
}

static bool good_timezone(struct text t)
{
    struct tzif *zone;
    if (tzif_open(t, &zone, NULL))
        return false;
    tzif_close(&zone);
    return true;
}

static bool good_url(struct text t)
{
    size_t scheme = t.bytes > 8 && memcmp(t.data, "https://", 8) == 0  ? 8
                    : t.bytes > 7 && memcmp(t.data, "http://", 7) == 0 ? 7
                                                                       : 0;
    return scheme > 0 && !memchr(t.data, ' ', t.bytes);
}

static const struct key {
    const char *name;
    size_t offset; /* of a struct text, or of a bool when is_bool */
    bool is_bool;
    bool (*good)(struct text t); /* NULL: any line of text */
    const char *wanted;
} keys[] = {
    {"id", offsetof(struct account, id), false, good_id,
     "an id: up to 128 letters, digits, `.`, `_` or `-`"},
    {"name", offsetof(struct account, name), false, NULL, NULL},
    {"owner_email", offsetof(struct account, owner_email), false, address_is_email,
     "an email address"},
    {"locale", offsetof(struct account, locale), false, good_locale,
     "a locale like it or en-GB"},
    {"timezone", offsetof(struct account, timezone), false, good_timezone,
     "a time zone like Europe/Rome"},
    {"tier", offsetof(struct account, tier), false, NULL, NULL},
    {"marketing_suite", offsetof(struct account, marketing_suite), true, NULL, NULL},
    {"email_from", offsetof(struct account, email_from), false, good_mailbox,
     "an address, or `Name <address>`"},
    {"sms_from", offsetof(struct account, sms_from), false, NULL, NULL},
    {"upgrade_url", offsetof(struct account, upgrade_url), false, good_url,
     "a link that starts with https:// or http://"},
    {"support_contact", offsetof(struct account, support_contact), false, NULL, NULL},
};

/* --- parse --- */

struct parse {
    struct text json;
    const char *name;
    struct arena *arena;
    struct account *out;
    struct error *err;
};

/* key_line: the line of a key of the outermost object. jansson knows lines only for
 * syntax errors; the text is valid JSON when we come here, so counting brackets and
 * strings is enough. */
static unsigned key_line(struct text json, struct text key)
{
    unsigned line = 1, depth = 0;
    for (size_t i = 0; i < json.bytes; i++) {
        char c = json.data[i];
        line += c == '\n';
        depth += c == '{' || c == '[';
        depth -= c == '}' || c == ']';
        if (c != '"')
            continue;
        size_t start = ++i;
        while (i < json.bytes && json.data[i] != '"')
            i += json.data[i] == '\\' ? 2 : 1;
        struct text string = {json.data + start, i - start};
        size_t next = i + 1;
        while (next < json.bytes && strchr(" \t\r\n", json.data[next]))
            next++;
        if (depth == 1 && next < json.bytes && json.data[next] == ':' &&
            text_equal(string, key))
            return line;
    }
    return 1;
}

static int complain(const struct parse *p, struct text key, const char *what)
{
    return error_set(p->err, ERROR_INPUT, "%s:%u: \"%.*s\" %s", p->name,
                     key_line(p->json, key), (int)(key.bytes < 64 ? key.bytes : 64),
                     key.data, what);
}

static int unknown_key(const struct parse *p, struct text name)
{
    struct near near = {.wanted = name};
    char hint[128], what[192];
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++)
        near_offer(&near, text_of(keys[i].name));
    snprintf(what, sizeof(what), "is no key of an account%s",
             near_hint(&near, hint, sizeof(hint)));
    return complain(p, name, what);
}

static bool is_one_line(struct text t)
{
    for (size_t i = 0; i < t.bytes; i++) {
        if ((unsigned char)t.data[i] < 0x20 || t.data[i] == 0x7F)
            return false;
    }
    return true;
}

static int parse_value(const struct parse *p, const struct key *key, const json_t *value)
{
    char *field = (char *)p->out + key->offset, what[192];
    if (json_is_null(value))
        return 0;
    if (key->is_bool) {
        if (!json_is_boolean(value))
            return complain(p, text_of(key->name), "must be true or false");
        *(bool *)field = json_is_true(value);
        return 0;
    }
    if (!json_is_string(value))
        return complain(p, text_of(key->name), "must be a text in quotes");
    struct text t = {json_string_value(value), json_string_length(value)};
    if (t.bytes > VALUE_BYTES_MAX || !is_one_line(t))
        return complain(
            p, text_of(key->name),
            "must be one line of at most 1024 bytes, without control characters");
    if (key->good && t.bytes > 0 && !key->good(t)) {
        snprintf(what, sizeof(what), "must be %s, not \"%.*s\"", key->wanted,
                 (int)(t.bytes < 60 ? t.bytes : 60), t.data);
        return complain(p, text_of(key->name), what);
    }
    *(struct text *)field = arena_text(p->arena, t);
    return arena_overflowed(p->arena) ? store_arena_full(p->err) : 0;
}

static int parse_object(const struct parse *p, json_t *object)
{
    const char *name;
    json_t *value;
    if (!json_is_object(object))
        return error_set(p->err, ERROR_INPUT, "%s:1: an account is an object in braces",
                         p->name);
    json_object_foreach(object, name, value)
    {
        const struct key *key = NULL;
        for (size_t i = 0; i < ARRAY_COUNT(keys) && !key; i++)
            key = strcmp(keys[i].name, name) == 0 ? &keys[i] : NULL;
        int rc = key ? parse_value(p, key, value) : unknown_key(p, text_of(name));
        if (rc)
            return rc;
    }
    if (p->out->id.bytes == 0)
        return error_set(p->err, ERROR_INPUT, "%s: the key \"id\" is missing", p->name);
    return 0;
}

int account_parse(struct text json, const char *name, struct arena *arena,
                  struct account *out, struct error *err)
{
    if (json.bytes > ACCOUNT_BYTES_MAX)
        return error_set(err, ERROR_INPUT, "%s is larger than 64 KiB", name);
    *out = (struct account){0};
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        if (!keys[i].is_bool)
            *(struct text *)((char *)out + keys[i].offset) = TEXT("");
    }
    out->blocked_reason = TEXT("");
    json_error_t why;
    json_t *object =
        json_loadb(json.data ? json.data : "", json.bytes, JSON_REJECT_DUPLICATES, &why);
    if (!object)
        return error_set(err, ERROR_INPUT, "%s:%d: %s", name, why.line > 0 ? why.line : 1,
                         why.text);
    struct parse p = {json, name, arena, out, err};
    int rc = parse_object(&p, object);
    json_decref(object);
    return rc;
}

/* --- state.db --- */

#define ACCOUNT_COLUMNS                                                                  \
    "id, name, owner_email, locale, timezone, tier, email_from, sms_from, upgrade_url, " \
    "support_contact, marketing_suite"

int account_put(struct store *store, const struct account *a, struct error *err)
{
    sqlite3_stmt *insert = store_bind(
        store,
        "INSERT INTO account (" ACCOUNT_COLUMNS
        ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET name = excluded.name, owner_email = "
        "excluded.owner_email,"
        " locale = excluded.locale, timezone = excluded.timezone, tier = excluded.tier,"
        " email_from = excluded.email_from, sms_from = excluded.sms_from,"
        " upgrade_url = excluded.upgrade_url, support_contact = excluded.support_contact,"
        " marketing_suite = excluded.marketing_suite",
        "tttttttttti", text_or_empty(a->id), text_or_empty(a->name),
        text_or_empty(a->owner_email), text_or_empty(a->locale),
        text_or_empty(a->timezone), text_or_empty(a->tier), text_or_empty(a->email_from),
        text_or_empty(a->sms_from), text_or_empty(a->upgrade_url),
        text_or_empty(a->support_contact), (int64_t)a->marketing_suite);
    return store_run(store, insert, err);
}

static int read_account(sqlite3_stmt *row, struct arena *arena, struct account *out,
                        struct error *err)
{
    struct text *texts[] = {
        &out->id,          &out->name,           &out->owner_email, &out->locale,
        &out->timezone,    &out->tier,           &out->email_from,  &out->sms_from,
        &out->upgrade_url, &out->support_contact};
    for (int i = 0; i < (int)ARRAY_COUNT(texts); i++)
        *texts[i] = store_column(row, i, arena);
    out->marketing_suite = sqlite3_column_int(row, 10) != 0;
    out->blocked = sqlite3_column_int(row, 11) != 0;
    out->exception = sqlite3_column_int(row, 12) != 0;
    out->blocked_reason = store_column(row, 13, arena);
    return arena_overflowed(arena) ? store_arena_full(err) : 0;
}

#define SELECT_ACCOUNTS                                                                  \
    "SELECT " ACCOUNT_COLUMNS ", blocked, exception, blocked_reason FROM account "

int account_get(struct store *store, struct text id, struct arena *arena,
                struct account *out, struct error *err)
{
    sqlite3_stmt *row = store_bind(store, SELECT_ACCOUNTS "WHERE id = ?", "t", id);
    int rc = store_step(store, row, err);
    if (rc != 1)
        return rc;
    rc = read_account(row, arena, out, err);
    sqlite3_reset(row);
    return rc ? rc : 1;
}

int account_list(struct store *store, struct arena *arena, struct account **out,
                 size_t *count_out, struct error *err)
{
    struct account *accounts = NULL;
    size_t count = 0;
    int rc;
    sqlite3_stmt *rows = store_bind(store, SELECT_ACCOUNTS "ORDER BY id", "");
    while ((rc = store_step(store, rows, err)) == 1) {
        accounts = store_grow(arena, accounts, count, sizeof(*accounts));
        rc = accounts ? read_account(rows, arena, &accounts[count], err)
                      : store_arena_full(err);
        if (rc) {
            sqlite3_reset(rows);
            return rc;
        }
        count++;
    }
    *out = accounts;
    *count_out = count;
    return rc;
}

int account_block(struct store *store, struct text id, bool blocked, struct text reason,
                  struct error *err)
{
    /* Unblocking is the exception of R20: from then on protection lets the account send.
     */
    sqlite3_stmt *update = store_bind(store,
                                      "UPDATE account SET blocked = ?2, exception = NOT "
                                      "?2, blocked_reason = ?3 WHERE id = ?1",
                                      "tit", id, (int64_t)blocked,
                                      blocked && reason.data ? reason : TEXT(""));
    int rc = store_run(store, update, err);
    if (rc == 0 && store_changes(store) == 0)
        return store_unknown(store, "account", id, "SELECT id FROM account", err);
    return rc;
}

void account_blocked_sentence(const struct account *account,
                              char out[ACCOUNT_BLOCKED_BYTES])
{
    snprintf(out, ACCOUNT_BLOCKED_BYTES,
             "account \"%.*s\" is blocked from sending%s%.*s%s%.*s",
             TEXT_ARGS(account->id), account->blocked_reason.bytes ? ": " : "",
             TEXT_ARGS(account->blocked_reason),
             account->support_contact.bytes ? "; contact " : "",
             TEXT_ARGS(account->support_contact));
}

int account_blocked(struct store *store, struct text id, char out[ACCOUNT_BLOCKED_BYTES],
                    struct error *err)
{
    sqlite3_stmt *row = store_bind(
        store,
        "SELECT blocked_reason, support_contact FROM account WHERE id = ? AND blocked",
        "t", id);
    int rc = store_step(store, row, err);
    if (rc != 1)
        return rc;
    struct account account = {.id = id,
                              .blocked_reason = store_column_view(row, 0),
                              .support_contact = store_column_view(row, 1)};
    account_blocked_sentence(&account, out);
    sqlite3_reset(row);
    return 1;
}

int account_list_blocked(struct store *store, struct arena *arena, struct text **out,
                         size_t *count_out, struct error *err)
{
    struct text *ids = NULL;
    size_t count = 0;
    int rc;
    sqlite3_stmt *rows = store_bind(store, "SELECT id FROM account WHERE blocked", "");
    while ((rc = store_step(store, rows, err)) == 1) {
        ids = store_grow(arena, ids, count, sizeof(*ids));
        if (!ids || !(ids[count] = store_column(rows, 0, arena)).data) {
            sqlite3_reset(rows);
            return store_arena_full(err);
        }
        count++;
    }
    *out = ids;
    *count_out = count;
    return rc;
}
