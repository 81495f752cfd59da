/* job_file_auto_hold: `auto_hold`, where it differs from the configuration's. */
#include "ingest/job_file_parts.h"

#include "base/clock.h"
#include "base/units.h"

#define WAIT_MAX_NS  (3600 * NS_PER_S)
#define MESSAGES_MAX 1000000

static void read_hold_enabled(struct json_reader *reader, const char *key,
                              const json_t *value)
{
    if (json_is_boolean(value))
        job_of(reader)->auto_hold.enabled = json_is_true(value);
    else
        json_reader_problem(reader, "\"%s\" must be true or false", key);
}

static void read_share(struct json_reader *reader, const char *key, const json_t *value,
                       double *out)
{
    double share;
    if (json_is_string(value) && units_fraction(json_text(value), &share) == 0)
        *out = share;
    else
        json_reader_problem(reader, "\"%s\" must be a share like \"10%%\"", key);
}

static void read_canary(struct json_reader *reader, const char *key, const json_t *value)
{
    json_reader_count(reader, key, value, &job_of(reader)->auto_hold.canary);
}

static void read_canary_share(struct json_reader *reader, const char *key,
                              const json_t *value)
{
    read_share(reader, key, value, &job_of(reader)->auto_hold.canary_share);
}

static void read_min_messages(struct json_reader *reader, const char *key,
                              const json_t *value)
{
    json_reader_count(reader, key, value, &job_of(reader)->auto_hold.min_messages);
}

static void read_failure_rate(struct json_reader *reader, const char *key,
                              const json_t *value)
{
    read_share(reader, key, value, &job_of(reader)->auto_hold.failure_rate);
}

static void read_window(struct json_reader *reader, const char *key, const json_t *value)
{
    json_reader_count(reader, key, value, &job_of(reader)->auto_hold.window);
}

static void read_wait(struct json_reader *reader, const char *key, const json_t *value)
{
    int64_t wait_ns;
    if (json_is_string(value) && units_duration(json_text(value), &wait_ns) == 0 &&
        wait_ns <= WAIT_MAX_NS)
        job_of(reader)->auto_hold.wait_ns = wait_ns;
    else
        json_reader_problem(reader,
                            "\"%s\" must be a duration like \"30s\", up to an hour", key);
}

/* check_hold: a window of them lies in memory. */
static void check_hold(struct json_reader *reader)
{
    const struct job_file *job = job_of(reader);
    if (job->auto_hold.canary > MESSAGES_MAX ||
        job->auto_hold.min_messages > MESSAGES_MAX ||
        job->auto_hold.window > MESSAGES_MAX)
        json_reader_problem(reader, "\"auto_hold\" counts up to %d messages",
                            MESSAGES_MAX);
}

void job_file_auto_hold(struct json_reader *reader, const char *key, const json_t *value)
{
    static const struct json_key keys[] = {{"enabled", false, read_hold_enabled},
                                           {"canary_share", false, read_canary_share},
                                           {"canary", false, read_canary},
                                           {"min_messages", false, read_min_messages},
                                           {"failure_rate", false, read_failure_rate},
                                           {"window", false, read_window},
                                           {"wait", false, read_wait}};
    (void)key;
    json_reader_object(reader, "\"auto_hold\"", value, keys, ARRAY_COUNT(keys));
    check_hold(reader);
}
