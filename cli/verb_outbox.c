/* verb_outbox: what lies in outbox/, one folder a job, and whether it is whole. */
#include "base/file.h"
#include "base/near.h"
#include "cli/outbox_prune.h"
#include "cli/verb.h"
#include "engine/job/frozen.h"
#include "engine/jobs/retention.h"
#include "engine/results/audit.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const struct option_spec options[] = {
    {"older-than", "TIME", "prune: jobs that ended so long ago (default: 90d)"},
    {"results", NULL, "prune: remove results.arrow and the reports as well"},
    {"dry-run", NULL, "prune: only say what would go"},
    VERB_COMMON};

static double bytes_per_message(const struct audit *audit)
{
    return audit->messages
               ? (double)audit->journal.replay.extent.bytes / (double)audit->messages
               : 0;
}

static json_t *problems_json(const struct audit *audit)
{
    json_t *problems = json_array();
    for (size_t i = 0; i < audit->problem_count; i++)
        json_array_append_new(problems, json_string(audit->problems[i].text));
    return problems;
}

static json_t *to_json(const char *id, const struct audit *audit)
{
    const struct verify *journal = &audit->journal;
    const struct replay_extent *e = &journal->replay.extent;
    json_t *records = json_pack(
        "{s:I, s:I, s:I, s:I, s:I}", "headers", (json_int_t)e->headers, "decisions",
        (json_int_t)e->decisions, "intents", (json_int_t)e->intents, "outcomes",
        (json_int_t)e->outcomes, "marks", (json_int_t)e->marks);
    json_t *tail =
        json_pack("{s:I, s:I, s:I}", "file", (json_int_t)e->tail_file, "offset",
                  (json_int_t)e->tail_offset, "bytes", (json_int_t)e->tail_bytes);
    json_t *out = json_pack(
        "{s:s, s:b, s:s, s:I, s:I, s:I, s:o, s:I, s:f, s:I, s:o, s:s, s:o}", "job", id,
        "whole", audit->problem_count == 0, "journal", verify_state_name(journal->state),
        "files", (json_int_t)e->files, "frames", (json_int_t)e->frames, "bytes",
        (json_int_t)e->bytes, "records", records, "messages", (json_int_t)audit->messages,
        "bytes_per_message", bytes_per_message(audit), "sequence",
        (json_int_t)e->sequence, "tail", tail, "report", audit_report_name(audit->report),
        "problems", problems_json(audit));
    if (journal->writer)
        json_object_set_new(out, "pid", json_integer(journal->writer));
    if (audit->results_rows >= 0)
        json_object_set_new(out, "results_rows", json_integer(audit->results_rows));
    return out;
}

static void print_state(const struct audit *audit)
{
    const struct verify *journal = &audit->journal;
    const struct replay_extent *e = &journal->replay.extent;
    switch (journal->state) {
    case VERIFY_WRITING:
        printf("in progress, process %ld writes", (long)journal->writer);
        break;
    case VERIFY_TORN:
        printf("whole, with a torn tail: %" PRIu64
               " bytes at offset %u of journal.%04u were never acknowledged; going on "
               "with the job cuts them off",
               e->tail_bytes, e->tail_offset, e->tail_file);
        break;
    case VERIFY_EMPTY:
        printf("not begun");
        break;
    default:
        printf("%s", audit->problem_count ? "DAMAGED" : "whole");
        break;
    }
    putchar('\n');
}

static void print(const char *id, const struct audit *audit)
{
    static const char *const reports[AUDIT_REPORT_COUNT] = {
        [AUDIT_REPORT_NONE] = "not written yet",
        [AUDIT_REPORT_SAME] = "as in the journal",
        [AUDIT_REPORT_OLDER] = "of an earlier run",
        [AUDIT_REPORT_DIFFERS] = "NOT as in the journal"};
    const struct replay_extent *e = &audit->journal.replay.extent;
    printf("%s: ", id);
    print_state(audit);
    if (e->frames > 0) {
        printf("  journal: %u file%s, %" PRIu64 " frames to number %" PRIu64 ", %" PRIu64
               " bytes, %.1f for each of %" PRIu64 " messages\n",
               e->files, e->files == 1 ? "" : "s", e->frames, e->sequence, e->bytes,
               bytes_per_message(audit), audit->messages);
        printf("  records: %" PRIu64 " headers, %" PRIu64 " decisions, %" PRIu64
               " intents, %" PRIu64 " outcomes, %" PRIu64 " marks\n",
               e->headers, e->decisions, e->intents, e->outcomes, e->marks);
        printf("  report.json: %s", reports[audit->report]);
        if (audit->results_rows >= 0)
            printf("; results.arrow: whole, %" PRId64 " rows", audit->results_rows);
        putchar('\n');
    }
    for (size_t i = 0; i < audit->problem_count; i++)
        printf("  problem: %s\n", audit->problems[i].text);
}

/* What the jobs add up to. A job that cannot be read does not keep the others from being
 * looked at. */
struct verdict {
    struct verb_context *context;
    json_t *jobs;
    size_t damaged;
    struct error first; /* of those that could not be read */
};

/* Of a pruned job nothing is left that could disagree. */
static void tell_pruned(const struct verdict *verdict, const char *id)
{
    if (verdict->context->json)
        json_array_append_new(verdict->jobs,
                              json_pack("{s:s, s:b, s:s, s:[]}", "job", id, "whole", true,
                                        "journal", "pruned", "problems"));
    else
        printf("%s: pruned\n", id);
}

static void verify_job(struct verdict *verdict, const char *id)
{
    if (retention_pruned(verdict->context->home, text_of(id))) {
        tell_pruned(verdict, id);
        return;
    }
    char dir[PATH_BYTES];
    struct audit audit = {0};
    struct error err = {0};
    int rc = frozen_dir(verdict->context->home, text_of(id), dir, &err);
    if (rc == 0)
        rc = audit_read(dir, &audit, &err);
    if (rc) {
        fprintf(stderr, "volley: %s\n", err.text);
        if (verdict->first.kind == ERROR_NONE)
            verdict->first = err;
    } else {
        verdict->damaged += audit.problem_count > 0;
        if (verdict->context->json)
            json_array_append_new(verdict->jobs, to_json(id, &audit));
        else
            print(id, &audit);
    }
    audit_fini(&audit);
}

static int is_job(const struct dirent *entry)
{
    return name_is_safe(text_of(entry->d_name));
}

static int list(const char *home, struct dirent ***out, struct error *err)
{
    char path[PATH_BYTES];
    int rc = path_join(path, home, TEXT("outbox"), err);
    if (rc)
        return rc;
    int count = scandir(path, out, is_job, alphasort);
    if (count < 0 && errno == ENOENT)
        return error_set(err, ERROR_INPUT, "%s is no home: run `volley init %s` first",
                         home, home);
    return count < 0 ? error_io(err, "cannot read %s", path) : count;
}

/* A name that was given must be one of the jobs. */
static int check_known(const char *id, struct dirent **entries, int count,
                       struct error *err)
{
    char hint[160];
    struct near near = {.wanted = text_of(id)};
    for (int i = 0; i < count; i++) {
        if (strcmp(entries[i]->d_name, id) == 0)
            return 0;
        near_offer(&near, text_of(entries[i]->d_name));
    }
    return error_set(err, ERROR_INPUT,
                     "job \"%.80s\" has nothing in outbox/%s (see `volley jobs`)", id,
                     near_hint(&near, hint, sizeof(hint)));
}

static int verify_jobs(struct verdict *verdict, struct dirent **entries, int count,
                       struct error *err)
{
    const struct options *given = &verdict->context->options;
    for (size_t i = 1; i < given->argument_count; i++) {
        int rc = check_known(given->arguments[i], entries, count, err);
        if (rc)
            return rc;
    }
    for (size_t i = 1; i < given->argument_count; i++)
        verify_job(verdict, given->arguments[i]);
    for (int i = 0; given->argument_count == 1 && i < count; i++)
        verify_job(verdict, entries[i]->d_name);
    return 0;
}

static int verify(struct verb_context *context)
{
    struct error err = {0};
    struct dirent **entries = NULL;
    struct verdict verdict = {.context = context};
    int count = list(context->home, &entries, &err);
    verdict.jobs = json_array();
    int rc = count < 0 ? count : verify_jobs(&verdict, entries, count, &err);
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
    if (rc) {
        json_decref(verdict.jobs);
        return verb_fail(context, &err);
    }
    if (context->json)
        verb_print_json(json_pack("{s:I, s:o}", "damaged", (json_int_t)verdict.damaged,
                                  "jobs", verdict.jobs));
    else
        json_decref(verdict.jobs);
    if (verdict.first.kind != ERROR_NONE)
        return error_exit_status(verdict.first.kind);
    return verdict.damaged ? error_exit_status(ERROR_INPUT) : 0;
}

static int run(struct verb_context *context)
{
    struct error err;
    const char *action = context->options.arguments[0];
    if (strcmp(action, "verify") == 0)
        return verify(context);
    if (strcmp(action, "prune") == 0)
        return outbox_prune(context);
    error_set(&err, ERROR_USAGE, "outbox %.40s: write verify or prune", action);
    return verb_fail(context, &err);
}

const struct verb verb_outbox = {
    .name = "outbox",
    .arguments = "verify [JOB…] | prune",
    .summary = "verify: are journals, reports and results whole? prune: remove what old "
               "jobs leave behind",
    .example = "volley outbox verify\nvolley outbox verify 2026-11-21-waiver --json\n"
               "volley outbox prune --older-than 90d --dry-run",
    .options = options,
    .arguments_min = 1,
    .arguments_max = OPTIONS_VALUES_MAX,
    .run = run,
};
