/* report: see report.h. */
#include "engine/results/report.h"

#include "base/clock.h"
#include "base/file.h"

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

int report_write(const char *dir, const struct job *job, const struct books *books,
                 enum job_state state, const struct quota *quota, int64_t elapsed_ns,
                 uint64_t answered_before, struct text reason, struct error *err)
{
    char path[PATH_BYTES];
    int rc = path_join(path, dir, TEXT("report.json"), err);
    if (rc)
        return rc;
    json_t *json = report_json(job->file.id, job->account.id, books, state, quota,
                               elapsed_ns, answered_before);
    if (reason.bytes > 0)
        json_object_set_new(json, "reason", json_stringn(reason.data, reason.bytes));
    char *content = json_dumps(json, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    CHECK(content != NULL);
    rc = file_write(path, text_of(content), err);
    free(content);
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
