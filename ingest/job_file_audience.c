/* job_file_audience: whom a job is for. */
#include "ingest/job_file_parts.h"

#include "base/file.h"
#include "ingest/json_lines.h"

static void read_snapshot(struct json_reader *reader, const char *key,
                          const json_t *value)
{
    struct text *out = &job_of(reader)->audience.snapshot;
    if (json_reader_text(reader, key, value, PATH_BYTES - 1, out) &&
        (!path_is_inside(*out) || !text_is_plain(*out)))
        json_reader_problem(reader,
                            "\"%s\" must be a path inside the home, like "
                            "\"snapshots/studio.arrow\"",
                            key);
}

static void read_where(struct json_reader *reader, const char *key, const json_t *value)
{
    json_reader_text(reader, key, value, JSON_READER_TEXT_BYTES_MAX,
                     &job_of(reader)->audience.where);
    job_of(reader)->audience.where_line =
        json_line(reader->content, reader->path, reader->depth);
}

static void read_params(struct json_reader *reader, const char *key, const json_t *value)
{
    job_file_pairs(reader, key, value, &job_of(reader)->audience.params,
                   &job_of(reader)->audience.param_count);
}

static void read_saved(struct json_reader *reader, const char *key, const json_t *value)
{
    json_reader_plain(reader, key, value, &job_of(reader)->audience.saved);
}

/* read_recipient: a customer id; numbers are ids of snapshots that count their customers.
 */
static void read_recipient(struct json_reader *reader, const json_t *value,
                           struct text *out)
{
    if (json_is_integer(value))
        *out = arena_format(reader->arena, "%lld", json_integer_value(value));
    else if (json_is_string(value))
        json_reader_plain(reader, "recipients", value, out);
    else
        json_reader_problem(reader, "\"recipients\" must be a list of customer ids");
}

static void read_recipients(struct json_reader *reader, const char *key,
                            const json_t *value)
{
    size_t count = json_array_size(value);
    if (!json_is_array(value) || count == 0) {
        json_reader_problem(reader, "\"%s\" must be a list of at least one customer id",
                            key);
        return;
    }
    struct text *ids = arena_zalloc(reader->arena, count * sizeof(*ids));
    if (!ids)
        return;
    reader->path[reader->depth++] = 0;
    for (size_t i = 0; i < count; i++) {
        reader->path[reader->depth - 1] = i;
        read_recipient(reader, json_array_get(value, i), &ids[i]);
    }
    reader->depth--;
    job_of(reader)->audience.recipients = ids;
    job_of(reader)->audience.recipient_count = count;
}

static const struct json_key audience_keys[] = {
    {"snapshot", true, read_snapshot},      {"where", false, read_where},
    {"params", false, read_params},         {"saved", false, read_saved},
    {"recipients", false, read_recipients},
};

void job_file_audience(struct json_reader *reader, const char *key, const json_t *value)
{
    (void)key;
    json_reader_object(reader, "\"audience\"", value, audience_keys,
                       ARRAY_COUNT(audience_keys));
    bool where = json_object_get(value, "where"), saved = json_object_get(value, "saved");
    bool recipients = json_object_get(value, "recipients");
    if (where + saved + recipients > 1)
        json_reader_problem(
            reader, "\"audience\" takes one of \"where\", \"saved\" and \"recipients\", "
                    "not several; none of them means everybody");
    if (!where && !saved && job_of(reader)->audience.param_count > 0)
        json_reader_problem(reader,
                            "\"params\" needs a \"where\" or a \"saved\" that uses them");
}
