/* json_reader: see json_reader.h. */
#include "ingest/json_reader.h"

#include "base/clock.h"
#include "base/near.h"
#include "ingest/json_lines.h"

#include <stdio.h>

/* Finding a line walks the text; a broken file of 64 MiB must not take minutes. */
#define PROBLEMS_MAX 50

void json_reader_report(struct json_reader *reader, unsigned line, const char *sentence)
{
    if (++reader->problems > PROBLEMS_MAX)
        return;
    if (reader->problems == PROBLEMS_MAX)
        sentence = "too many problems; the rest is not shown";
    if (reader->problem_fn)
        reader->problem_fn(reader->arg, line, sentence);
    if (reader->problems > 1)
        return;
    if (line > 0)
        error_set(reader->err, ERROR_INPUT, "%s:%u: %s", reader->name, line, sentence);
    else
        error_set(reader->err, ERROR_INPUT, "%s: %s", reader->name, sentence);
}

void json_reader_problem(struct json_reader *reader, const char *format, ...)
{
    char sentence[ERROR_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof(sentence), format, args);
    va_end(args);
    unsigned line = 0;
    if (reader->problems < PROBLEMS_MAX)
        line = json_line(reader->content, reader->path, reader->depth);
    json_reader_report(reader, line, sentence);
}

static void syntax_problem(struct json_reader *reader, const json_error_t *why)
{
    char sentence[ERROR_TEXT_BYTES];
    unsigned line = why->line > 0 ? (unsigned)why->line : 0;
    if (json_error_code(why) == json_error_duplicate_key)
        snprintf(sentence, sizeof(sentence), "a key stands twice in one object: %s",
                 why->text);
    else
        snprintf(sentence, sizeof(sentence), "this is not valid JSON: %s", why->text);
    json_reader_report(reader, line, sentence);
}

json_t *json_reader_parse(struct json_reader *reader)
{
    json_error_t why;
    json_t *root = json_loadb(reader->content.data ? reader->content.data : "",
                              reader->content.bytes, JSON_REJECT_DUPLICATES, &why);
    if (!root)
        syntax_problem(reader, &why);
    return root;
}

bool text_is_plain(struct text t)
{
    for (size_t i = 0; i < t.bytes; i++) {
        if ((unsigned char)t.data[i] < 0x20 || t.data[i] == 0x7F)
            return false;
    }
    return true;
}

bool json_reader_text(struct json_reader *reader, const char *key, const json_t *value,
                      size_t bytes_max, struct text *out)
{
    struct text t = json_text(value);
    if (!t.data)
        json_reader_problem(reader, "\"%s\" must be a text in quotes", key);
    else if (t.bytes == 0)
        json_reader_problem(reader, "\"%s\" is empty", key);
    else if (t.bytes > bytes_max)
        json_reader_problem(reader, "\"%s\" is longer than %zu bytes", key, bytes_max);
    else
        *out = arena_text(reader->arena, t);
    return t.bytes > 0 && t.bytes <= bytes_max;
}

bool json_reader_plain(struct json_reader *reader, const char *key, const json_t *value,
                       struct text *out)
{
    if (!json_reader_text(reader, key, value, JSON_READER_NAME_BYTES_MAX, out))
        return false;
    if (!text_is_plain(*out))
        json_reader_problem(reader, "\"%s\" contains a control character", key);
    return text_is_plain(*out);
}

int json_reader_choice(struct json_reader *reader, const char *key, const json_t *value,
                       const char *const *names, size_t count)
{
    char all[128] = "", hint[160];
    struct text t = json_text(value);
    struct near near = {.wanted = t};
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (text_is(t, names[i]))
            return (int)i;
        near_offer(&near, text_of(names[i]));
        const char *between = i == 0 ? "" : i + 1 == count ? " or " : ", ";
        used += (size_t)snprintf(all + used, sizeof(all) - used, "%s\"%s\"", between,
                                 names[i]);
        CHECK(used < sizeof(all));
    }
    json_reader_problem(reader, "\"%s\" must be %s%s", key, all,
                        near_hint(&near, hint, sizeof(hint)));
    return -1;
}

bool json_reader_count(struct json_reader *reader, const char *key, const json_t *value,
                       uint64_t *out)
{
    bool ok = json_is_integer(value) && json_integer_value(value) >= 1;
    if (ok)
        *out = (uint64_t)json_integer_value(value);
    else
        json_reader_problem(reader, "\"%s\" must be a whole number of at least 1", key);
    return ok;
}

bool json_reader_time(struct json_reader *reader, const char *key, const json_t *value,
                      int64_t *ns_out)
{
    bool has_offset;
    int64_t ns;
    if (clock_parse(json_text(value), &ns, &has_offset))
        json_reader_problem(
            reader, "\"%s\" must be a time like \"2026-11-22T09:00:00+01:00\"", key);
    else if (!has_offset)
        json_reader_problem(
            reader,
            "\"%s\" has no offset; write `Z` for UTC or one like `+01:00` "
            "behind it",
            key);
    else if (ns <= 0)
        json_reader_problem(reader, "\"%s\" must be later than 1970", key);
    else {
        *ns_out = ns;
        return true;
    }
    return false;
}

bool json_reader_minutes(struct json_reader *reader, const char *key, const json_t *value,
                         int32_t *out)
{
    struct text t = json_text(value);
    bool ok = t.bytes == 5 && t.data[2] == ':';
    for (size_t i = 0; ok && i < 5; i++)
        ok = i == 2 || (t.data[i] >= '0' && t.data[i] <= '9');
    int32_t hour = ok ? (t.data[0] - '0') * 10 + t.data[1] - '0' : 24;
    int32_t minute = ok ? (t.data[3] - '0') * 10 + t.data[4] - '0' : 60;
    ok = hour <= 23 && minute <= 59;
    if (ok)
        *out = hour * 60 + minute;
    else
        json_reader_problem(reader, "\"%s\" must be a time of day like \"21:00\"", key);
    return ok;
}

static const struct json_key *find_key(struct json_reader *reader,
                                       const struct json_key *keys, size_t count,
                                       const char *name)
{
    char hint[160];
    struct near near = {.wanted = text_of(name)};
    for (size_t i = 0; i < count; i++) {
        if (strcmp(keys[i].name, name) == 0)
            return &keys[i];
        near_offer(&near, text_of(keys[i].name));
    }
    json_reader_problem(reader, "unknown key \"%.100s\"%s", name,
                        near_hint(&near, hint, sizeof(hint)));
    return NULL;
}

void json_reader_object(struct json_reader *reader, const char *what, const json_t *value,
                        const struct json_key *keys, size_t count)
{
    if (!json_is_object(value)) {
        json_reader_problem(reader, "%s must be an object, in braces", what);
        return;
    }
    const char *name;
    json_t *member;
    reader->path[reader->depth++] = 0;
    json_object_foreach((json_t *)value, name, member)
    {
        const struct json_key *key = find_key(reader, keys, count, name);
        if (key)
            key->read(reader, name, member);
        reader->path[reader->depth - 1]++;
    }
    reader->depth--;
    for (size_t i = 0; i < count; i++) {
        if (keys[i].required && !json_object_get(value, keys[i].name))
            json_reader_problem(reader, "%s needs the key \"%s\"", what, keys[i].name);
    }
}
