/* outbox_prune: see outbox_prune.h. */
#include "cli/outbox_prune.h"

#include "base/units.h"
#include "engine/jobs/retention.h"
#include "engine/jobs/spool_retention.h"

#include <inttypes.h>
#include <stdio.h>

struct told {
    bool dry_run;
    json_t *jobs; /* NULL: text */
    uint64_t bytes;
};

static void on_job(void *arg, const struct retention_job *job)
{
    struct told *told = arg;
    told->bytes += job->bytes;
    if (told->jobs)
        json_array_append_new(told->jobs, json_stringn(job->id.data, job->id.bytes));
    else
        printf("%.*s: %s%.1f MB\n", TEXT_ARGS(job->id),
               told->dry_run ? "would free " : "", (double)job->bytes / 1e6);
}

static int read_retention(const struct options *given, struct retention *out,
                          struct error *err)
{
    const char *age = options_value(given, "older-than");
    *out = (struct retention){.results = options_flag(given, "results"),
                              .dry_run = options_flag(given, "dry-run")};
    if (given->argument_count > 1)
        return error_set(
            err, ERROR_USAGE,
            "outbox prune takes no job: --older-than says which are removed");
    if (units_duration(text_of(age ? age : "90d"), &out->older_than_ns) == 0)
        return 0;
    return error_set(err, ERROR_USAGE, "--older-than %.40s: write a time like 90d or 12h",
                     age);
}

static void tell(const struct told *told, int64_t jobs, const struct spool_pruned *spool)
{
    uint64_t bytes = told->bytes + spool->bytes;
    if (told->jobs)
        verb_print_json(
            json_pack("{s:b, s:O, s:I, s:I, s:I}", "dry_run", told->dry_run, "jobs",
                      told->jobs, "spool_files", (json_int_t)spool->files, "templates",
                      (json_int_t)spool->templates, "bytes", (json_int_t)bytes));
    else
        printf("%" PRId64 " jobs, %" PRIu64 " files of spool/done and spool/status, "
               "%" PRIu64 " shared templates%s, %.1f MB\n",
               jobs, spool->files, spool->templates,
               told->dry_run ? " would be pruned" : " pruned", (double)bytes / 1e6);
}

int outbox_prune(struct verb_context *context)
{
    struct retention retention;
    struct spool_pruned spool = {0};
    struct config *config = NULL;
    struct store *store = NULL;
    struct error err = {0};
    int64_t jobs = 0, rc = read_retention(&context->options, &retention, &err);
    if (rc == 0)
        rc = verb_open(context, &config, &store, &err);
    struct told told = {.dry_run = retention.dry_run,
                        .jobs = context->json ? json_array() : NULL};
    if (rc == 0)
        rc = jobs = retention_prune(context->home, config, store, &retention, on_job,
                                    &told, &err);
    if (rc >= 0)
        rc = spool_retention_prune(context->home, store, retention.older_than_ns,
                                   retention.dry_run, 0, &spool, &err);
    if (rc >= 0)
        tell(&told, jobs, &spool);
    json_decref(told.jobs);
    if (store)
        store_close(&store);
    config_destroy(&config);
    return rc < 0 ? verb_fail(context, &err) : 0;
}
