/* job_file_pairs: names and values, as `vars` and `params` are. */
#include "ingest/job_file_parts.h"

#include <stdio.h>
#include <stdlib.h>

/* format_real: the shortest digits that read back as the same number. */
static struct text format_real(struct arena *arena, double real)
{
    char digits[32];
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(digits, sizeof(digits), "%.*g", precision, real);
        if (strtod(digits, NULL) == real)
            break;
    }
    return arena_text(arena, text_of(digits));
}

static bool read_scalar(struct arena *arena, const json_t *value, struct job_pair *out)
{
    switch (json_typeof(value)) {
    case JSON_STRING:
        out->kind = JOB_TEXT;
        out->value = arena_text(arena, json_text(value));
        return json_string_length(value) <= JSON_READER_TEXT_BYTES_MAX;
    case JSON_INTEGER:
        out->kind = JOB_INTEGER;
        out->value = arena_format(arena, "%lld", json_integer_value(value));
        return true;
    case JSON_REAL:
        out->kind = JOB_REAL;
        out->value = format_real(arena, json_real_value(value));
        return true;
    case JSON_TRUE:
    case JSON_FALSE:
        out->kind = JOB_BOOL;
        out->value = json_is_true(value) ? TEXT("true") : TEXT("false");
        return true;
    case JSON_NULL:
        out->kind = JOB_NULL;
        out->value = TEXT_NONE;
        return true;
    default:
        return false;
    }
}

void job_file_pairs(struct json_reader *reader, const char *key, const json_t *value,
                    struct job_pair **pairs_out, size_t *count_out)
{
    if (!json_is_object(value)) {
        json_reader_problem(reader, "\"%s\" must be an object of names and values", key);
        return;
    }
    struct arena *arena = reader->arena;
    struct job_pair *pairs =
        arena_zalloc(arena, json_object_size(value) * sizeof(struct job_pair));
    if (!pairs)
        return;
    size_t count = 0;
    const char *name;
    json_t *member;
    reader->path[reader->depth++] = 0;
    json_object_foreach((json_t *)value, name, member)
    {
        struct text t = text_of(name);
        if (t.bytes == 0 || t.bytes > JSON_READER_NAME_BYTES_MAX || !text_is_plain(t))
            json_reader_problem(
                reader,
                "a name in \"%s\" must have 1 to %d bytes, none of them control "
                "characters",
                key, JSON_READER_NAME_BYTES_MAX);
        pairs[count].name = arena_text(arena, t);
        if (!read_scalar(arena, member, &pairs[count++]))
            json_reader_problem(
                reader,
                "\"%.100s\" in \"%s\" must be a text of up to %d bytes, a number, "
                "true, false or null",
                name, key, JSON_READER_TEXT_BYTES_MAX);
        reader->path[reader->depth - 1]++;
    }
    reader->depth--;
    *pairs_out = pairs;
    *count_out = count;
}
