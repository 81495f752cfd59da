/* quota: see quota.h.
 *
 * What a month may use is its tier plus what the packs still hold. Packs are not counted
 * down as they are used; what is left of them follows from the months themselves: bought
 * in all, less what each month used beyond its tier. So a job's usage can be set again
 * after a crash, in an old month too, and the packs come out right. */
#include "engine/state/quota.h"

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/near.h"
#include "engine/state/store_private.h"

#include <stdio.h>
#include <stdlib.h>

#define SEGMENTS_MAX 1000000000000 /* of one call: keeps every sum far from overflow */

struct quota_job {
    struct store *store;
    char *account;
    char *id;
    char month[8];
    uint64_t tier_segments;
    uint64_t used; /* by this job in this month */
};

/* --- months --- */

static int month_of(const struct account *account, int64_t now_ns, char out[8],
                    struct error *err)
{
    struct tzif *zone;
    int rc = tzif_open(account->timezone, &zone, err);
    if (rc) {
        error_prefix(err, "account %.*s: ", TEXT_ARGS(account->id));
        return rc;
    }
    int64_t utc_s = now_ns / NS_PER_S - (now_ns % NS_PER_S < 0);
    char date[CLOCK_FORMAT_BYTES];
    clock_format((utc_s + tzif_offset_s(zone, utc_s)) * NS_PER_S, false, date);
    tzif_close(&zone);
    snprintf(out, 8, "%.7s", date);
    return 0;
}

static int tier_of(const struct config *config, const struct account *account,
                   uint64_t *out, struct error *err)
{
    *out = 0;
    if (account->tier.bytes == 0)
        return 0;
    const struct config_tier *tier = config_tier(config, account->tier);
    if (tier) {
        *out = tier->segments;
        return 0;
    }
    struct near near = {.wanted = account->tier};
    char hint[160];
    for (size_t i = 0; i < config->tier_count; i++)
        near_offer(&near, text_of(config->tiers[i].name));
    return error_set(
        err, ERROR_CONFIG,
        "account %.*s has the tier \"%.*s\", which is not under tiers: in volley.yaml%s",
        TEXT_ARGS(account->id), TEXT_ARGS(account->tier),
        near_hint(&near, hint, sizeof(hint)));
}

static int64_t positive(int64_t n)
{
    return n > 0 ? n : 0;
}

/* read_months: walk the account's months in order and find what `month` has.
 *
 * Before it: the balance of packs after every earlier month; usage beyond tier and packs
 * (inbound messages are counted even when nothing is left) is not a debt for later packs.
 * After it: what later months took beyond their own packs came from this balance too. */
static int read_months(struct store *store, struct text account, struct text month,
                       uint64_t tier_segments, struct quota *out, struct error *err)
{
    int64_t packs = 0, later = 0, used = 0;
    int rc;
    sqlite3_stmt *rows =
        store_bind(store,
                   "SELECT month, coalesce(tier_segments, ?2), pack_segments,"
                   " (SELECT coalesce(sum(used), 0) FROM usage AS u"
                   "  WHERE u.account = m.account AND u.month = m.month)"
                   " FROM month AS m WHERE account = ?1 ORDER BY month",
                   "ti", account, (int64_t)tier_segments);
    while ((rc = store_step(store, rows, err)) == 1) {
        struct text name = store_column_view(rows, 0);
        int64_t tier = sqlite3_column_int64(rows, 1),
                bought = sqlite3_column_int64(rows, 2);
        int64_t beyond = positive(sqlite3_column_int64(rows, 3) - tier);
        size_t bytes = name.bytes < month.bytes ? name.bytes : month.bytes;
        int order = memcmp(name.data, month.data, bytes);
        if (order < 0) {
            packs = positive(packs + bought - beyond);
        } else if (order == 0) {
            packs += bought;
            used = sqlite3_column_int64(rows, 3);
        } else {
            later += positive(beyond - bought);
        }
    }
    out->tier_segments = tier_segments;
    out->pack_segments = (uint64_t)positive(packs - later);
    out->limit = out->tier_segments + out->pack_segments;
    out->used = (uint64_t)used;
    out->has_sms = out->limit > 0;
    return rc;
}

/* touch_month: the month's row, with the largest tier seen. known: the account's tier is
 * known. */
static int touch_month(struct store *store, struct text account, struct text month,
                       bool known, uint64_t tier_segments, struct error *err)
{
    sqlite3_stmt *insert = store_bind(
        store,
        "INSERT INTO month (account, month, tier_segments)"
        " SELECT id, ?2, CASE WHEN ?3 THEN ?4 END FROM account WHERE id = ?1"
        " ON CONFLICT (account, month) DO UPDATE SET tier_segments ="
        " CASE WHEN ?3 THEN max(coalesce(tier_segments, 0), ?4) ELSE tier_segments END",
        "ttii", account, month, (int64_t)known, (int64_t)tier_segments);
    int rc = store_run(store, insert, err);
    if (rc == 0 && store_changes(store) == 0)
        return store_unknown(store, "account", account, "SELECT id FROM account", err);
    return rc;
}

int quota_read(struct store *store, const struct config *config,
               const struct account *account, int64_t now_ns, struct quota *out,
               struct error *err)
{
    uint64_t tier_segments;
    *out = (struct quota){0};
    int rc = tier_of(config, account, &tier_segments, err);
    if (rc == 0)
        rc = month_of(account, now_ns, out->month, err);
    return rc ? rc
              : read_months(store, account->id, text_of(out->month), tier_segments, out,
                            err);
}

/* --- packs, and usage outside jobs --- */

static int sane_segments(uint64_t segments, struct error *err)
{
    if (segments <= SEGMENTS_MAX)
        return 0;
    return error_set(err, ERROR_INPUT, "%llu segments is out of range (0 to %lld)",
                     (unsigned long long)segments, (long long)SEGMENTS_MAX);
}

/* begin_month: lock, and make sure of the month's row. On success store_end must follow.
 */
static int begin_month(struct store *store, const struct account *account, int64_t now_ns,
                       char month[8], struct error *err)
{
    int rc = month_of(account, now_ns, month, err);
    if (rc == 0)
        rc = store_begin(store, err);
    if (rc)
        return rc;
    rc = touch_month(store, account->id, text_of(month), false, 0, err);
    return rc ? store_end(store, rc, err) : 0;
}

static int add_pack(struct store *store, const struct account *account, uint64_t segments,
                    struct error *err)
{
    char month[8];
    int rc = begin_month(store, account, clock_now_ns(), month, err);
    if (rc)
        return rc;
    sqlite3_stmt *update =
        store_bind(store,
                   "UPDATE month SET pack_segments = pack_segments + ?"
                   " WHERE account = ? AND month = ?",
                   "itt", (int64_t)segments, account->id, text_of(month));
    return store_end(store, store_run(store, update, err), err);
}

int quota_add_pack(struct store *store, struct text account, uint64_t segments,
                   struct error *err)
{
    struct arena arena;
    struct account on_file;
    int rc = sane_segments(segments, err);
    if (rc == 0)
        rc = arena_init(&arena, 1 << 20, err);
    if (rc)
        return rc;
    rc = account_get(store, account, &arena, &on_file, err);
    if (rc == 0)
        rc = store_unknown(store, "account", account, "SELECT id FROM account", err);
    else if (rc == 1)
        rc = add_pack(store, &on_file, segments, err);
    arena_fini(&arena);
    return rc;
}

int quota_add_usage(struct store *store, const struct account *account, int64_t now_ns,
                    uint64_t segments, struct text what, struct error *err)
{
    /* A job's id never starts with a dot (name_is_safe), so `.inbound` cannot be one. */
    char month[8], row[64];
    snprintf(row, sizeof(row), ".%.*s", TEXT_ARGS(what));
    int rc = sane_segments(segments, err);
    if (rc == 0)
        rc = begin_month(store, account, now_ns, month, err);
    if (rc)
        return rc;
    sqlite3_stmt *insert =
        store_bind(store,
                   "INSERT INTO usage (account, month, job, used) VALUES (?1, ?2, ?3, ?4)"
                   " ON CONFLICT (account, month, job) DO UPDATE SET used = used + ?4",
                   "ttti", account->id, text_of(month), text_of(row), (int64_t)segments);
    return store_end(store, store_run(store, insert, err), err);
}

/* --- jobs --- */

static int set_usage(struct store *store, struct text account, struct text month,
                     struct text job, uint64_t used, struct error *err)
{
    sqlite3_stmt *insert =
        store_bind(store,
                   "INSERT INTO usage (account, month, job, used) VALUES (?1, ?2, ?3, ?4)"
                   " ON CONFLICT (account, month, job) DO UPDATE SET used = ?4",
                   "ttti", account, month, job, (int64_t)used);
    return store_run(store, insert, err);
}

static int save(const struct quota_job *job, struct error *err)
{
    return set_usage(job->store, text_of(job->account), text_of(job->month),
                     text_of(job->id), job->used, err);
}

/* settle_other_months: a job that ran into a new month and crashed has rows in both. The
 * other month keeps at most what it had, the rest of already_used belongs to this one. */
static int settle_other_months(struct quota_job *job, uint64_t already_used,
                               struct error *err)
{
    int64_t rest = (int64_t)already_used;
    int rc;
    /* One at a time, because a row must not change under the loop that reads it. */
    char done[8] = "";
    for (;;) {
        sqlite3_stmt *row =
            store_bind(job->store,
                       "SELECT month, used FROM usage WHERE account = ? AND job = ?"
                       " AND month <> ? AND month > ? ORDER BY month LIMIT 1",
                       "tttt", text_of(job->account), text_of(job->id),
                       text_of(job->month), text_of(done));
        rc = store_step(job->store, row, err);
        if (rc != 1)
            break;
        int64_t had = sqlite3_column_int64(row, 1);
        snprintf(done, sizeof(done), "%.*s", TEXT_ARGS(store_column_view(row, 0)));
        sqlite3_reset(row);
        int64_t kept = had < rest ? had : rest;
        rest -= kept;
        rc = set_usage(job->store, text_of(job->account), text_of(done), text_of(job->id),
                       (uint64_t)kept, err);
        if (rc)
            break;
    }
    job->used = (uint64_t)rest;
    return rc;
}

static int open_locked(struct quota_job *job, uint64_t already_used, struct error *err)
{
    int rc = touch_month(job->store, text_of(job->account), text_of(job->month), true,
                         job->tier_segments, err);
    if (rc == 0)
        rc = settle_other_months(job, already_used, err);
    return rc ? rc : save(job, err);
}

static void destroy(struct quota_job **job)
{
    free((*job)->account);
    free((*job)->id);
    free(*job);
    *job = NULL;
}

int quota_job_open(struct store *store, const struct config *config,
                   const struct account *account, struct text id, int64_t now_ns,
                   uint64_t already_used, struct quota_job **out, struct error *err)
{
    struct quota_job *job = calloc(1, sizeof(*job));
    CHECK(job != NULL);
    job->store = store;
    job->account = text_copy(account->id);
    job->id = text_copy(id);
    int rc = sane_segments(already_used, err);
    if (rc == 0)
        rc = tier_of(config, account, &job->tier_segments, err);
    if (rc == 0)
        rc = month_of(account, now_ns, job->month, err);
    if (rc == 0)
        rc = store_begin(store, err);
    if (rc == 0)
        rc = store_end(store, open_locked(job, already_used, err), err);
    if (rc) {
        destroy(&job);
        return rc;
    }
    *out = job;
    return 0;
}

int quota_job_begin(struct quota_job *job, uint64_t *left_out, struct error *err)
{
    struct quota quota;
    int rc = store_begin(job->store, err);
    if (rc)
        return rc;
    rc = read_months(job->store, text_of(job->account), text_of(job->month),
                     job->tier_segments, &quota, err);
    if (rc)
        return store_end(job->store, rc, err);
    *left_out = quota.limit > quota.used ? quota.limit - quota.used : 0;
    return 0;
}

int quota_job_end(struct quota_job *job, uint64_t segments, struct error *err)
{
    job->used += segments;
    int rc = store_end(job->store, segments ? save(job, err) : 0, err);
    failpoint(FAILPOINT_QUOTA_TAKEN);
    if (rc)
        job->used -= segments; /* what was not stored is not ours */
    return rc;
}

void quota_job_refund(struct quota_job *job, uint64_t segments)
{
    job->used -= segments < job->used ? segments : job->used;
}

int quota_job_close(struct quota_job **job, struct error *err)
{
    if (!*job)
        return 0;
    int rc = save(*job, err);
    destroy(job);
    return rc;
}
