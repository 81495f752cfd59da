/* resend: see resend.h. */
#include "engine/job/resend.h"

#include "base/bitmap.h"
#include "base/file.h"
#include "base/log.h"
#include "engine/job/resend_results.h"
#include "outbox/journal/replay.h"

#include <jansson.h>
#include <stdlib.h>

#define JOB_FILE_BYTES_MAX ((size_t)64 << 20)

bool resend_lacked_quota(enum disposition d)
{
    return d == DISPOSITION_QUOTA || (d >= DISPOSITION_QUOTA_THEN_OPTED_OUT &&
                                      d <= DISPOSITION_QUOTA_THEN_EMPTY_TEXT);
}

/* has_message: of the job, on any channel. */
static bool has_message(const struct replay *replay, uint64_t row)
{
    bool any = false;
    for (int c = 0; c < CHANNEL_COUNT; c++)
        any |= replay->states[c] &&
               disposition_sends((enum disposition)replay->states[c][row].disposition);
    return any;
}

bool resend_wants(enum disposition disposition, enum outcome outcome,
                  enum resend_only only)
{
    if (!disposition_sends(disposition))
        return false;
    switch (only) {
    case RESEND_FAILED:
        return outcome == OUTCOME_FAILED;
    case RESEND_UNKNOWN:
        return outcome == OUTCOME_UNKNOWN;
    case RESEND_UNSENT:
        return outcome == OUTCOME_CANCELLED || outcome == OUTCOME_EXPIRED;
    case RESEND_QUOTA:
        break; /* was never planned */
    }
    return false;
}

void resend_add(struct resend *resend, int channel, uint64_t row)
{
    if (!resend->wanted[channel]) {
        resend->wanted[channel] = calloc(bitmap_words(resend->rows), sizeof(uint64_t));
        CHECK(resend->wanted[channel] != NULL);
    }
    bitmap_set(resend->wanted[channel], row);
    resend->counts[channel]++;
}

static void read_channel(struct resend *resend, const struct replay *replay, int channel,
                         enum resend_only only)
{
    const struct replay_state *states = replay->states[channel];
    for (uint64_t r = 0; states && r < replay->rows; r++) {
        enum disposition disposition = (enum disposition)states[r].disposition;
        if (only == RESEND_QUOTA
                ? resend_lacked_quota(disposition) && !has_message(replay, r)
                : resend_wants(disposition, (enum outcome)states[r].outcome, only))
            resend_add(resend, channel, r);
    }
}

/* is_over: every message has its outcome and nothing will come. */
static bool is_over(const struct replay *replay)
{
    uint64_t pending = 0;
    for (int c = 0; c < CHANNEL_COUNT; c++)
        pending += replay->outcomes[c][OUTCOME_PENDING];
    return (replay->finished || replay->cancelled) && pending == 0;
}

static int read_journal(const char *dir, enum resend_only only, struct resend *out,
                        struct error *err)
{
    struct replay replay = {0};
    int rc = replay_read(dir, NULL, &replay, err);
    if (rc == 0 && !is_over(&replay))
        rc = error_set(err, ERROR_INPUT,
                       "%s: this job is not over; wait for its end, or cancel it, before "
                       "you resend what it did not send",
                       dir);
    out->rows = replay.rows;
    for (int c = 0; rc == 0 && c < CHANNEL_COUNT; c++)
        read_channel(out, &replay, c, only);
    replay_fini(&replay);
    return rc;
}

int resend_read(const char *dir, const struct config *config, enum resend_only only,
                struct resend **out, struct error *err)
{
    struct error why = {0}, ignored;
    *out = calloc(1, sizeof(**out));
    CHECK(*out != NULL);
    int rc = read_journal(dir, only, *out, &why);
    if (rc == -ERROR_INPUT &&
        resend_results_read(dir, config, only, *out, &ignored) == 0) {
        log_warn("engine", "the journal is damaged; results.arrow is read instead",
                 "reason=\"%s\"", why.text);
        rc = 0;
    }
    if (rc) {
        resend_free(out);
        if (err)
            *err = why;
    }
    return rc;
}

void resend_free(struct resend **resend)
{
    if (!*resend)
        return;
    for (int c = 0; c < CHANNEL_COUNT; c++)
        free((*resend)->wanted[c]);
    free(*resend);
    *resend = NULL;
}

/* --- its job file --- */

static json_t *channels_of(const struct resend *resend)
{
    json_t *channels = json_array();
    for (int c = 0; c < CHANNEL_COUNT; c++) {
        if (resend->counts[c] > 0)
            json_array_append_new(channels, json_string(channel_name((enum channel)c)));
    }
    return channels;
}

/* What does not hold for the second time: that time is over, and the rows say who gets it. */
static const char *const dropped[] = {"send_at", "spread_over", "finish_by", "expires_at",
                                      "delivery"};

static void rewrite(json_t *job, struct text id, enum resend_only only, bool new_text,
                    const struct resend *resend)
{
    const char *name = resend_only_name(only);
    for (size_t i = 0; i < ARRAY_COUNT(dropped); i++)
        json_object_del(job, dropped[i]);
    json_object_set_new(job, "id", json_sprintf("%.*s.resend-%s", TEXT_ARGS(id), name));
    json_object_set_new(job, "channels", channels_of(resend));
    json_t *audience = json_object_get(job, "audience");
    json_object_set_new(audience, "snapshot",
                        json_sprintf("outbox/%.*s/snapshot.arrow", TEXT_ARGS(id)));
    json_object_del(audience, "where");
    json_object_del(audience, "saved");
    json_object_del(audience, "params");
    json_object_set_new(job, "resend",
                        json_pack("{s:o, s:s, s:s}", "job",
                                  json_stringn(id.data, id.bytes), "only", name, "text",
                                  new_text ? "new" : "frozen"));
}

int64_t resend_job(const char *dir, const struct config *config, struct text id,
                   enum resend_only only, bool new_text, struct buffer *content_out,
                   struct error *err)
{
    char path[PATH_BYTES];
    struct resend *resend = NULL;
    int rc = resend_read(dir, config, only, &resend, err);
    if (rc == 0)
        rc = path_join(path, dir, TEXT("job.json"), err);
    json_error_t why;
    json_t *job = rc ? NULL : json_load_file(path, 0, &why);
    if (rc == 0 && !job)
        rc = error_set(err, ERROR_IO, "%s is damaged: %s", path, why.text);
    int64_t count = rc;
    if (rc == 0) {
        rewrite(job, id, only, new_text, resend);
        char *content = json_dumps(job, JSON_INDENT(2));
        CHECK(content != NULL);
        buffer_string(content_out, content);
        free(content);
        for (int c = 0; c < CHANNEL_COUNT; c++)
            count += (int64_t)resend->counts[c];
    }
    json_decref(job);
    resend_free(&resend);
    return count;
}
