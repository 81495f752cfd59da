/* audit: see audit.h. */
#include "engine/results/audit.h"

#include "base/file.h"
#include "engine/results/audit_rows.h"
#include "engine/results/report.h"
#include "engine/results/status.h"

#include <inttypes.h>

const char *audit_report_name(enum audit_report report)
{
    static const char *const names[AUDIT_REPORT_COUNT] = {
        [AUDIT_REPORT_NONE] = "none",
        [AUDIT_REPORT_SAME] = "same",
        [AUDIT_REPORT_OLDER] = "older",
        [AUDIT_REPORT_DIFFERS] = "differs",
    };
    return names[report];
}

/* Something is wrong: note it when that is the job's fault, hand it on when the disk's. */
static int judge(struct audit *audit, int rc, const struct error *why, struct error *err)
{
    if (rc == 0)
        return 0;
    if (why->kind == ERROR_INPUT) {
        audit->problems[audit->problem_count++] = *why;
        return 0;
    }
    if (err)
        *err = *why;
    return rc;
}

/* A job that has ended changes no more, so its report must say what the journal says. One
 * that was stopped, or killed, may have done more since its report was written. */
static int compare_report(struct audit *audit, const char *dir, const json_t *report,
                          const struct books *books, struct error *err)
{
    json_t *channels = books_report_json(books);
    bool same = json_equal(channels, json_object_get(report, "channels")) &&
                json_integer_value(json_object_get(report, "matched")) ==
                    (json_int_t)books->matched;
    json_decref(channels);
    const char *state = json_string_value(json_object_get(report, "state"));
    bool ended =
        state && (strcmp(state, "finished") == 0 || strcmp(state, "cancelled") == 0);
    audit->report = same ? AUDIT_REPORT_SAME
                    : !ended || audit->journal.state == VERIFY_WRITING
                        ? AUDIT_REPORT_OLDER
                        : AUDIT_REPORT_DIFFERS;
    if (audit->report != AUDIT_REPORT_DIFFERS)
        return 0;
    return error_set(err, ERROR_INPUT,
                     "%s/report.json does not say what the journal says: the journal is "
                     "right, restore report.json from a copy",
                     dir);
}

static int check_books(struct audit *audit, const char *dir, struct error *err)
{
    struct books books;
    char why[128];
    int rc = status_books(dir, &audit->journal.replay, &books, err);
    if (rc)
        return rc;
    bool decided = audit->journal.replay.decided;
    if (decided && !books_balanced(&books, why, sizeof(why)))
        return error_set(err, ERROR_INPUT,
                         "the books in %s do not add up: %s; keep a copy of the folder "
                         "and report it",
                         dir, why);
    json_t *report = report_read(dir);
    rc = report ? compare_report(audit, dir, report, &books, err) : 0;
    json_decref(report);
    return rc;
}

/* results.arrow appears when the books are closed, and is complete then. */
static int check_results(struct audit *audit, const char *dir, struct error *err)
{
    char path[PATH_BYTES];
    struct audit_rows rows;
    int rc = path_join(path, dir, TEXT("results.arrow"), err);
    if (rc || !file_exists(path))
        return rc;
    rc = audit_rows_read(path, &rows, err);
    if (rc == 0 && audit->journal.state != VERIFY_WRITING &&
        audit->report != AUDIT_REPORT_OLDER)
        rc = audit_rows_compare(&rows, &audit->journal.replay, path, err);
    if (rc == 0)
        audit->results_rows = (int64_t)rows.count;
    return rc;
}

static void count_messages(struct audit *audit)
{
    for (int c = 0; c < CHANNEL_COUNT; c++)
        for (int d = 0; d < DISPOSITION_COUNT; d++)
            if (disposition_sends((enum disposition)d))
                audit->messages += audit->journal.replay.counts[c][d];
}

int audit_read(const char *dir, struct audit *out, struct error *err)
{
    *out = (struct audit){.results_rows = -1};
    struct error why = {0};
    int rc = verify_read(dir, &out->journal, err);
    if (rc)
        return rc;
    bool readable = out->journal.state != VERIFY_DAMAGED;
    if (!readable)
        out->problems[out->problem_count++] = out->journal.damage;
    count_messages(out);
    if (readable && out->journal.state != VERIFY_EMPTY)
        rc = judge(out, check_books(out, dir, &why), &why, err);
    if (rc == 0 && readable)
        rc = judge(out, check_results(out, dir, &why), &why, err);
    return rc;
}

void audit_fini(struct audit *audit)
{
    verify_fini(&audit->journal);
}
