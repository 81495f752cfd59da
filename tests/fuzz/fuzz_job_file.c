/* Any bytes: a job is either refused with at least one problem on a line of the file, or
 * it keeps the promises of job_file.h. */
#include "ingest/job_file.h"

#include "base/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

struct seen {
    unsigned problems;
    unsigned lines;
};

static void count(void *arg, unsigned line, const char *sentence)
{
    struct seen *seen = arg;
    CHECK(line <= seen->lines && sentence[0] != '\0');
    seen->problems++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct seen seen = {.lines = 1};
    struct job_file job;
    struct error err;
    for (size_t i = 0; i < bytes; i++)
        seen.lines += data[i] == '\n';
    int rc = job_file_parse((struct text){(const char *)data, bytes}, "fuzz", count,
                            &seen, &job, &err);
    CHECK((rc == 0) == (seen.problems == 0));
    if (rc)
        return 0;
    CHECK(name_is_safe(job.id) && name_is_safe(job.template_name));
    CHECK(path_is_inside(job.audience.snapshot) && job.account.bytes > 0);
    CHECK(job.channel_count >= 1 && job.channel_count <= CHANNEL_COUNT);
    CHECK(!job.audience.where.data + !job.audience.saved.data +
              !job.audience.recipients >=
          2);
    const struct hours_rule *rules[] = {&job.quiet_hours, &job.delivery_window};
    struct hours hours = {0};
    for (size_t i = 0; i < ARRAY_COUNT(rules); i++) {
        if (rules[i]->days)
            hours_add(&hours, rules[i]);
    }
    CHECK(hours_ever(&hours));
    CHECK(!job.expires_at_ns || job.expires_at_ns > job.send_at_ns);
    job_file_fini(&job);
    return 0;
}
