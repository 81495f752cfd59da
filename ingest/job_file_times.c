/* job_file_times: when a job begins, how long it takes its time, when it should and when it must be
 * over. */
#include "base/clock.h"
#include "base/units.h"
#include "ingest/job_file_parts.h"

#define SPREAD_MIN_NS NS_PER_S
#define SPREAD_MAX_NS (30 * 86400 * NS_PER_S)

/* check_order: called behind each key, so that the later one is blamed. */
static void check_order(struct json_reader *reader)
{
    const struct job_file *job = job_of(reader);
    if (job->send_at_ns && job->expires_at_ns && job->expires_at_ns <= job->send_at_ns)
        json_reader_problem(reader, "\"expires_at\" must be later than \"send_at\"");
    else if (job->send_at_ns && job->finish_by_ns && job->finish_by_ns <= job->send_at_ns)
        json_reader_problem(reader, "\"finish_by\" must be later than \"send_at\"");
    else if (job->finish_by_ns && job->expires_at_ns &&
             job->finish_by_ns > job->expires_at_ns)
        json_reader_problem(
            reader, "\"finish_by\" must not be later than \"expires_at\", at which the "
                    "job ends");
}

void job_file_send_at(struct json_reader *reader, const char *key, const json_t *value)
{
    if (json_reader_time(reader, key, value, &job_of(reader)->send_at_ns))
        check_order(reader);
}

void job_file_expires_at(struct json_reader *reader, const char *key, const json_t *value)
{
    if (json_reader_time(reader, key, value, &job_of(reader)->expires_at_ns))
        check_order(reader);
}

void job_file_finish_by(struct json_reader *reader, const char *key, const json_t *value)
{
    if (json_reader_time(reader, key, value, &job_of(reader)->finish_by_ns))
        check_order(reader);
}

void job_file_spread_over(struct json_reader *reader, const char *key,
                          const json_t *value)
{
    int64_t span_ns;
    if (json_is_string(value) && units_duration(json_text(value), &span_ns) == 0 &&
        span_ns >= SPREAD_MIN_NS && span_ns <= SPREAD_MAX_NS)
        job_of(reader)->spread_over_ns = span_ns;
    else
        json_reader_problem(reader,
                            "\"%s\" must be a duration like \"2h\", from 1s to 30d", key);
}
