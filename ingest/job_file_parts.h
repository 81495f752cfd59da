/* job_file_parts: what job_file.c leaves to a file of its own: each reads the value of one key into the
 * job, and reports what is wrong with it. */
#ifndef INGEST_JOB_FILE_PARTS_H
#define INGEST_JOB_FILE_PARTS_H

#include "ingest/job_file.h"
#include "ingest/json_reader.h"

static inline struct job_file *job_of(struct json_reader *reader)
{
    return reader->target;
}

/* job_file_pairs: an object of names and values, as `vars` and `params` are. */
void job_file_pairs(struct json_reader *reader, const char *key, const json_t *value,
                    struct job_pair **pairs_out, size_t *count_out);
void job_file_audience(struct json_reader *reader, const char *key, const json_t *value);
void job_file_send_at(struct json_reader *reader, const char *key, const json_t *value);
void job_file_spread_over(struct json_reader *reader, const char *key,
                          const json_t *value);
void job_file_finish_by(struct json_reader *reader, const char *key, const json_t *value);
void job_file_expires_at(struct json_reader *reader, const char *key,
                         const json_t *value);
void job_file_auto_hold(struct json_reader *reader, const char *key, const json_t *value);

#endif
