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

#define BLOCK_SEGMENTS_MAX 4096
#define SEGMENTS_MAX       1000000000000 /* of one call: keeps every sum far from overflow */

struct quota_lease {
    struct store *store;
    char *account;
    char *job;
    char month[8];
    uint64_t tier_segments;
    uint64_t granted;    /* by this job in this month, incl. already_used */
    uint64_t block_left; /* reserved and not yet granted */
    bool exhausted;
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
                   " (SELECT coalesce(sum(used + reserved), 0) FROM usage AS u"
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

/* --- leases --- */

static int set_usage(struct store *store, struct text account, struct text month,
                     struct text job, uint64_t used, uint64_t reserved, struct error *err)
{
    sqlite3_stmt *insert = store_bind(
        store,
        "INSERT INTO usage (account, month, job, used, reserved) VALUES (?1, ?2, ?3, ?4, "
        "?5)"
        " ON CONFLICT (account, month, job) DO UPDATE SET used = ?4, reserved = ?5",
        "tttii", account, month, job, (int64_t)used, (int64_t)reserved);
    return store_run(store, insert, err);
}

static int save(const struct quota_lease *lease, struct error *err)
{
    return set_usage(lease->store, text_of(lease->account), text_of(lease->month),
                     text_of(lease->job), lease->granted, lease->block_left, err);
}

/* settle_other_months: a job that ran into a new month and crashed has rows in both. The
 * other month keeps at most what it had reserved, the rest of already_used belongs to
 * this one. */
static int settle_other_months(struct quota_lease *lease, uint64_t already_used,
                               struct error *err)
{
    int64_t rest = (int64_t)already_used;
    int rc;
    /* One at a time, because a row must not change under the loop that reads it. */
    char done[8] = "";
    for (;;) {
        sqlite3_stmt *row = store_bind(
            lease->store,
            "SELECT month, used + reserved FROM usage WHERE account = ? AND job = ?"
            " AND month <> ? AND month > ? ORDER BY month LIMIT 1",
            "tttt", text_of(lease->account), text_of(lease->job), text_of(lease->month),
            text_of(done));
        rc = store_step(lease->store, row, err);
        if (rc != 1)
            break;
        int64_t had = sqlite3_column_int64(row, 1);
        snprintf(done, sizeof(done), "%.*s", TEXT_ARGS(store_column_view(row, 0)));
        sqlite3_reset(row);
        int64_t kept = had < rest ? had : rest;
        rest -= kept;
        rc = set_usage(lease->store, text_of(lease->account), text_of(done),
                       text_of(lease->job), (uint64_t)kept, 0, err);
        if (rc)
            break;
    }
    lease->granted = (uint64_t)rest;
    return rc;
}

static int open_locked(struct quota_lease *lease, uint64_t already_used,
                       struct error *err)
{
    int rc = touch_month(lease->store, text_of(lease->account), text_of(lease->month),
                         true, lease->tier_segments, err);
    if (rc == 0)
        rc = settle_other_months(lease, already_used, err);
    return rc ? rc : save(lease, err);
}

int quota_lease_open(struct store *store, const struct config *config,
                     const struct account *account, struct text job, int64_t now_ns,
                     uint64_t already_used, struct quota_lease **out, struct error *err)
{
    struct quota_lease *lease = calloc(1, sizeof(*lease));
    CHECK(lease != NULL);
    lease->store = store;
    lease->account = text_copy(account->id);
    lease->job = text_copy(job);
    int rc = sane_segments(already_used, err);
    if (rc == 0)
        rc = tier_of(config, account, &lease->tier_segments, err);
    if (rc == 0)
        rc = month_of(account, now_ns, lease->month, err);
    if (rc == 0)
        rc = store_begin(store, err);
    if (rc == 0)
        rc = store_end(store, open_locked(lease, already_used, err), err);
    if (rc) {
        free(lease->account);
        free(lease->job);
        free(lease);
        return rc;
    }
    *out = lease;
    return 0;
}

/* take_block: reserve an eighth of what is left, at least what this message needs, so
 * that jobs that share the last segments share them fairly. When not even that is left,
 * the lease ends and gives back what it still holds. */
static int take_block(struct quota_lease *lease, uint64_t segments, struct error *err)
{
    struct quota quota;
    int rc = read_months(lease->store, text_of(lease->account), text_of(lease->month),
                         lease->tier_segments, &quota, err);
    if (rc)
        return rc;
    uint64_t held = lease->granted + lease->block_left;
    uint64_t others = quota.used > held ? quota.used - held : 0;
    uint64_t mine = quota.limit > others ? quota.limit - others : 0;
    uint64_t left = mine > lease->granted ? mine - lease->granted : 0;
    if (left < segments) {
        lease->exhausted = true;
        lease->block_left = 0;
    } else {
        uint64_t share = left / 8 < BLOCK_SEGMENTS_MAX ? left / 8 : BLOCK_SEGMENTS_MAX;
        lease->block_left = share > segments ? share : segments;
    }
    rc = touch_month(lease->store, text_of(lease->account), text_of(lease->month), true,
                     lease->tier_segments, err);
    return rc ? rc : save(lease, err);
}

int quota_grant(struct quota_lease *lease, uint64_t segments, struct error *err)
{
    if (lease->exhausted)
        return 0;
    if (segments > lease->block_left) {
        struct quota_lease before = *lease;
        int rc = store_begin(lease->store, err);
        if (rc == 0)
            rc = store_end(lease->store, take_block(lease, segments, err), err);
        failpoint(FAILPOINT_QUOTA_RESERVED);
        if (rc) {
            *lease = before; /* what was not stored is not ours */
            return rc;
        }
        if (lease->exhausted)
            return 0;
    }
    lease->block_left -= segments;
    lease->granted += segments;
    return 1;
}

void quota_lease_refund(struct quota_lease *lease, uint64_t segments)
{
    lease->granted -= segments < lease->granted ? segments : lease->granted;
}

int quota_lease_close(struct quota_lease **lease, struct error *err)
{
    if (!*lease)
        return 0;
    (*lease)->block_left = 0;
    int rc = save(*lease, err);
    free((*lease)->account);
    free((*lease)->job);
    free(*lease);
    *lease = NULL;
    return rc;
}
