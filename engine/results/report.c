/* report: see report.h. */
#include "engine/results/report.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "engine/page/report_html.h"

#include <stdlib.h>

json_t *report_json(struct text job, struct text account, const struct books *books,
                    enum job_state state, const struct quota *quota, int64_t elapsed_ns,
                    uint64_t answered_before)
{
    double elapsed_s = (double)elapsed_ns / (double)NS_PER_S;
    uint64_t answered = 0;
    for (int o = OUTCOME_SENT; o < OUTCOME_COUNT; o++)
        answered += books_total(books, (enum outcome)o);
    answered -= answered_before < answered ? answered_before : answered;
    json_t *out = json_object();
    json_object_set_new(out, "job", json_stringn(job.data, job.bytes));
    json_object_set_new(out, "account", json_stringn(account.data, account.bytes));
    json_object_set_new(out, "state", json_string(job_state_name(state)));
    json_object_set_new(out, "balanced", json_boolean(books_balanced(books, NULL, 0)));
    json_object_set_new(out, "matched", json_integer((json_int_t)books->matched));
    json_object_set_new(out, "channels", books_report_json(books));
    if (quota && quota->month[0]) {
        uint64_t used = books->channels[CHANNEL_SMS].segments;
        json_object_set_new(out, "quota",
                            json_pack("{s:I, s:I, s:I}", "limit",
                                      (json_int_t)quota->limit, "used_before",
                                      (json_int_t)quota->used, "used_after",
                                      (json_int_t)(quota->used + used)));
    }
    json_object_set_new(out, "elapsed_s", json_real(elapsed_s));
    json_object_set_new(out, "rate_per_s",
                        json_real(elapsed_s > 0 ? (double)answered / elapsed_s : 0));
    return out;
}

static void set_text(json_t *object, const char *key, struct text value)
{
    if (value.bytes > 0)
        json_object_set_new(object, key, json_stringn(value.data, value.bytes));
}

static void set_time(json_t *object, const char *key, int64_t ns)
{
    char text[CLOCK_FORMAT_BYTES];
    if (ns == 0)
        return;
    clock_format(ns, true, text);
    json_object_set_new(object, key, json_string(text));
}

/* add_results: what only the rows can tell. What was not sent is not charged, so the quota
 * is told anew. */
static void add_results(json_t *json, const struct report *report)
{
    const struct results_summary *results = report->results;
    uint64_t planned = results->books.channels[CHANNEL_SMS].segments;
    tally_json(&results->tally, json);
    json_object_set_new(json, "segments",
                        json_pack("{s:I, s:I}", "planned", (json_int_t)planned, "charged",
                                  (json_int_t)results->charged_segments));
    json_t *quota = json_object_get(json, "quota");
    if (quota)
        json_object_set_new(
            quota, "used_after",
            json_integer((json_int_t)(report->quota->used + results->charged_segments)));
}

static json_t *whole_json(const struct report *report)
{
    const struct job *job = report->job;
    json_t *json =
        report_json(job->file.id, job->account.id, report->books, report->state,
                    report->quota, report->elapsed_ns, report->answered_before);
    set_text(json, "account_name", job->account.name);
    set_text(json, "template", job->file.template_name);
    set_text(json, "category", text_of(category_name(job->file.category)));
    set_text(json, "reason", report->reason);
    set_time(json, "started", report->started_ns);
    set_time(json, "finished", report->finished_ns);
    if (report->results)
        add_results(json, report);
    return json;
}

int report_page(const char *dir, const json_t *report, char path_out[PATH_BYTES],
                struct error *err)
{
    struct buffer page = {0};
    int rc = path_join(path_out, dir, TEXT("report.html"), err);
    report_html(report, &page);
    if (rc == 0)
        rc = file_replace(path_out, buffer_view(&page), err);
    buffer_fini(&page);
    return rc;
}

/* write_both: the page first, for who waits for the end of a job looks for report.json; and the page can
 * be made from that again. */
static int write_both(const char *dir, const json_t *json, struct error *err)
{
    char path[PATH_BYTES];
    struct error why;
    char *content = json_dumps(json, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    CHECK(content != NULL);
    if (report_page(dir, json, path, &why))
        log_warn("engine", "no report.html", "folder=%s reason=\"%s\"", dir, why.text);
    int rc = path_join(path, dir, TEXT("report.json"), err);
    if (rc == 0)
        rc = file_write(path, text_of(content), err);
    free(content);
    return rc;
}

int report_write(const char *dir, const struct report *report, struct error *err)
{
    json_t *json = whole_json(report);
    int rc = write_both(dir, json, err);
    json_decref(json);
    return rc;
}

json_t *report_read(const char *dir)
{
    char path[PATH_BYTES];
    if (path_join(path, dir, TEXT("report.json"), NULL))
        return NULL;
    return json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
}

int report_heard(const char *dir, json_t *report, struct error *err)
{
    uint64_t counts[RECEIPT_STATUS_COUNT];
    int rc = receipt_file_count(dir, counts, err);
    json_t *receipts = json_object();
    for (int s = RECEIPT_NONE + 1; rc == 0 && s < RECEIPT_STATUS_COUNT; s++) {
        if (counts[s] > 0)
            json_object_set_new(receipts, receipt_status_name((enum receipt_status)s),
                                json_integer((json_int_t)counts[s]));
    }
    if (json_object_size(receipts) > 0)
        json_object_set(report, "receipts", receipts);
    json_decref(receipts);
    return rc;
}

int report_heard_write(const char *dir, struct error *err)
{
    json_t *report = report_read(dir);
    if (!report)
        return 0;
    int rc = report_heard(dir, report, err);
    if (rc == 0)
        rc = write_both(dir, report, err);
    json_decref(report);
    return rc;
}
