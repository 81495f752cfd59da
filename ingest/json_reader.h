/* json_reader: read a JSON text against tables of keys and report every problem with its
 * line, not only the first. */
#ifndef INGEST_JSON_READER_H
#define INGEST_JSON_READER_H

#include "base/arena.h"

#include <jansson.h>

#define JSON_READER_NAME_BYTES_MAX 128
#define JSON_READER_TEXT_BYTES_MAX 65536
#define JSON_READER_DEPTH_MAX      3

struct json_reader {
    struct text content;
    const char *name; /* of the file, for messages */
    void (*problem_fn)(void *arg, unsigned line, const char *sentence); /* or NULL */
    void *arg;
    struct error *err;   /* gets the first problem as `name:line: sentence` */
    struct arena *arena; /* texts are copied into it */
    void *target;        /* what the key functions fill */
    unsigned problems;   /* so far */
    size_t
        path[JSON_READER_DEPTH_MAX]; /* the member or element being read, as json_line */
    size_t depth;
};

/* A key of an object and the function that reads it; the path stands at the member. */
struct json_key {
    const char *name;
    bool required;
    void (*read)(struct json_reader *reader, const char *key, const json_t *value);
};

/* json_reader_parse: the whole text as a tree; double keys and NUL bytes are problems.
 * Owns:   the caller calls json_decref
 * Errors: NULL after a problem was reported */
json_t *json_reader_parse(struct json_reader *reader);

/* json_reader_report: a problem of a line; 0 is the whole file. */
void json_reader_report(struct json_reader *reader, unsigned line, const char *sentence);

/* json_reader_problem: a problem of what the path stands at. */
void json_reader_problem(struct json_reader *reader, const char *format, ...)
    PRINTF_LIKE(2, 3);

/* json_reader_object: read each member, in file order, with its key's function; then
 * report the required keys that are missing. `what` starts a sentence. */
void json_reader_object(struct json_reader *reader, const char *what, const json_t *value,
                        const struct json_key *keys, size_t count);

/* The following read one value; after a problem *out is unchanged and false, or -1, is
 * returned. text has 1 … bytes_max bytes; plain is a text of at most 128 bytes without
 * control characters; choice gives an index into names. */
bool json_reader_text(struct json_reader *reader, const char *key, const json_t *value,
                      size_t bytes_max, struct text *out);
bool json_reader_plain(struct json_reader *reader, const char *key, const json_t *value,
                       struct text *out);
int json_reader_choice(struct json_reader *reader, const char *key, const json_t *value,
                       const char *const *names, size_t count);
bool json_reader_count(struct json_reader *reader, const char *key, const json_t *value,
                       uint64_t *out);

/* json_reader_time: RFC 3339 with an offset, later than 1970, in nanoseconds. */
bool json_reader_time(struct json_reader *reader, const char *key, const json_t *value,
                      int64_t *ns_out);

/* json_reader_minutes: "HH:MM" as minutes after midnight. */
bool json_reader_minutes(struct json_reader *reader, const char *key, const json_t *value,
                         int32_t *out);

/* text_is_plain: no control characters, which would tear logs, headers and lists apart.
 */
bool text_is_plain(struct text t);

static inline struct text json_text(const json_t *value)
{
    if (!json_is_string(value))
        return TEXT_NONE;
    return (struct text){json_string_value(value), json_string_length(value)};
}

#endif
