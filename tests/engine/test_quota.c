/* quota: months, tiers, packs and leases. The model in the property test is a plain sum.
 */
#include "base/clock.h"
#include "engine/state/quota.h"
#include "engine/state/store_private.h"
#include "tests/engine/home.h"

#include <criterion/criterion.h>

static char home[64];
static struct store *store;
static struct config *config;
static struct account account;
static struct error err;
static int64_t now;

static int64_t at(const char *time)
{
    int64_t ns;
    bool has_offset;
    cr_assert_eq(clock_parse(text_of(time), &ns, &has_offset), 0);
    return ns;
}

static void setup(void)
{
    home_make(home);
    now = at("2026-11-21T08:00:00Z");
    clock_freeze(now);
    cr_assert_eq(store_open(home, true, &store, &err), 0, "%s", err.text);
    /* Thousands of small commits: durability is not what is tested here. */
    cr_assert_eq(sqlite3_exec(store->db, "PRAGMA synchronous = OFF", 0, 0, 0), 0);
    cr_assert_eq(
        config_parse(TEXT("tiers:\n  small: {segments: 100}\n  big: {segments: 20000}\n"),
                     ".", &config, &err),
        0, "%s", err.text);
    account = (struct account){.id = TEXT("studio"), .timezone = TEXT("Europe/Rome")};
    account.tier = TEXT("small");
    cr_assert_eq(account_put(store, &account, &err), 0, "%s", err.text);
}

static void teardown(void)
{
    clock_freeze(-1);
    config_destroy(&config);
    store_close(&store);
    home_remove(home);
}

TestSuite(quota, .init = setup, .fini = teardown);

static struct quota read_at(int64_t when)
{
    struct quota q;
    cr_assert_eq(quota_read(store, config, &account, when, &q, &err), 0, "%s", err.text);
    return q;
}

static struct quota_lease *open_lease(const char *job, int64_t when,
                                      uint64_t already_used)
{
    struct quota_lease *lease = NULL;
    cr_assert_eq(quota_lease_open(store, config, &account, text_of(job), when,
                                  already_used, &lease, &err),
                 0, "%s", err.text);
    return lease;
}

static void close_lease(struct quota_lease **lease)
{
    cr_assert_eq(quota_lease_close(lease, &err), 0, "%s", err.text);
    cr_expect_null(*lease);
}

/* crash: a lease whose process dies. The row it leaves is put back as it was before the
 * close. */
static void crash(struct quota_lease **lease)
{
    static const char keep[] = "CREATE TEMP TABLE crashed AS SELECT * FROM usage",
                      restore[] =
                          "DELETE FROM usage; INSERT INTO usage SELECT * FROM crashed;"
                          "DROP TABLE crashed";
    cr_assert_eq(sqlite3_exec(store->db, keep, 0, 0, 0), 0);
    close_lease(lease);
    cr_assert_eq(sqlite3_exec(store->db, restore, 0, 0, 0), 0);
}

static uint64_t take(struct quota_lease *lease, uint64_t most)
{
    uint64_t taken = 0;
    while (taken < most && quota_grant(lease, 1, &err) == 1)
        taken++;
    return taken;
}

Test(quota, months_are_the_accounts)
{
    cr_expect_str_eq(read_at(at("2026-11-30T22:59:59Z")).month, "2026-11");
    cr_expect_str_eq(read_at(at("2026-11-30T23:00:00Z")).month, "2026-12");
    account.timezone = TEXT("America/New_York");
    cr_expect_str_eq(read_at(at("2026-12-01T04:59:59Z")).month, "2026-11");
    account.timezone = TEXT("");
    cr_expect_str_eq(read_at(at("2026-12-01T00:00:00Z")).month, "2026-12");
}

Test(quota, who_has_sms)
{
    struct quota q = read_at(now);
    cr_expect(q.has_sms && q.limit == 100 && q.tier_segments == 100 && q.used == 0);
    account.tier = TEXT("");
    cr_expect_not(read_at(now).has_sms);
    cr_assert_eq(quota_add_pack(store, account.id, 30, &err), 0, "%s", err.text);
    q = read_at(now);
    cr_expect(q.has_sms && q.limit == 30 && q.pack_segments == 30);
    account.tier = TEXT("smal");
    cr_expect_eq(quota_read(store, config, &account, now, &q, &err), -ERROR_CONFIG);
    cr_expect_str_eq(err.text,
                     "account studio has the tier \"smal\", which is not under tiers: in "
                     "volley.yaml (did you mean \"small\"?)");
    cr_expect_eq(quota_add_pack(store, TEXT("studoi"), 30, &err), -ERROR_INPUT);
    cr_expect_str_eq(err.text, "no account \"studoi\" (did you mean \"studio\"?)");
    struct account nobody = {.id = TEXT("nobody")};
    cr_expect_eq(quota_add_usage(store, &nobody, now, 1, TEXT("inbound"), &err),
                 -ERROR_INPUT);
    cr_expect_eq(quota_add_pack(store, account.id, UINT64_MAX, &err), -ERROR_INPUT);
}

Test(quota, one_job_gets_all_that_is_left_and_nothing_more)
{
    for (uint64_t segments = 1; segments <= 7; segments++) {
        struct quota_lease *lease = open_lease("j", now, 0);
        uint64_t granted = 0;
        while (quota_grant(lease, segments, &err) == 1)
            granted += segments;
        cr_expect_eq(granted, 100 / segments * segments);
        cr_expect_eq(quota_grant(lease, 1, &err), 0,
                     "after the first refusal there is none");
        cr_expect_eq(read_at(now).used, granted, "a refusal gives the rest back at once");
        close_lease(&lease);
        cr_expect_eq(read_at(now).used, granted);
    }
}

Test(quota, an_upgrade_goes_on_in_the_same_month)
{
    struct quota_lease *lease = open_lease("a", now, 0);
    cr_expect_eq(take(lease, 1000), 100);
    close_lease(&lease);
    account.tier = TEXT("big");
    lease = open_lease("b", now, 0);
    cr_expect_eq(take(lease, 50000), 19900);
    close_lease(&lease);
    struct quota q = read_at(now);
    cr_expect(q.used == 20000 && q.limit == 20000);
    account.tier = TEXT("small"); /* and a downgrade does not turn usage into a debt */
    cr_assert_eq(quota_add_pack(store, account.id, 10, &err), 0);
    lease = open_lease("c", now, 0);
    cr_expect_eq(quota_grant(lease, 1, &err), 0);
    close_lease(&lease);
    cr_expect_eq(read_at(at("2026-12-05T00:00:00Z")).limit, 110);
}

Test(quota, packs_last_over_months_until_used_up)
{
    cr_assert_eq(quota_add_pack(store, account.id, 50, &err), 0);
    struct quota_lease *lease = open_lease("a", now, 0);
    cr_expect_eq(take(lease, 120), 120);
    close_lease(&lease);
    int64_t december = at("2026-12-10T00:00:00Z"), january = at("2027-01-10T00:00:00Z");
    cr_expect_eq(read_at(december).limit, 130);
    lease = open_lease("b", january, 0);
    cr_expect_eq(take(lease, 1000), 130);
    close_lease(&lease);
    /* January took the rest: what December and November may use shrinks with it. */
    cr_expect_eq(read_at(december).limit, 100);
    cr_expect_eq(read_at(now).pack_segments, 20);
    cr_expect_eq(read_at(at("2027-02-10T00:00:00Z")).limit, 100);
}

Test(quota, inbound_beyond_everything_is_no_debt)
{
    cr_assert_eq(quota_add_usage(store, &account, now, 90, TEXT("inbound"), &err), 0);
    cr_assert_eq(quota_add_usage(store, &account, now, 60, TEXT("inbound"), &err), 0);
    cr_assert_eq(quota_add_usage(store, &account, now, 5, TEXT("calls"), &err), 0);
    cr_expect_eq(read_at(now).used, 155);
    struct quota_lease *lease = open_lease("a", now, 0);
    cr_expect_eq(quota_grant(lease, 1, &err), 0);
    close_lease(&lease);
    clock_freeze(at("2026-12-10T00:00:00Z"));
    cr_assert_eq(quota_add_pack(store, account.id, 40, &err), 0);
    cr_expect_eq(read_at(clock_now_ns()).limit, 140);
}

Test(quota, a_crash_is_settled_by_the_journal)
{
    struct quota_lease *lease = open_lease("a", now, 0);
    cr_expect_eq(take(lease, 40), 40);
    cr_expect_geq(read_at(now).used, 40); /* the block is reserved */
    crash(&lease);
    cr_expect_geq(read_at(now).used, 40);
    lease = open_lease("a", now, 37); /* three had not reached the journal */
    cr_expect_eq(read_at(now).used, 37);
    cr_expect_eq(take(lease, 1000), 63);
    crash(&lease);
    lease = open_lease("a", now, 100);
    cr_expect_eq(quota_grant(lease, 1, &err), 0);
    close_lease(&lease);
    cr_expect_eq(read_at(now).used, 100);
    lease = open_lease("a", now, 100); /* again, as often as wanted */
    close_lease(&lease);
    cr_expect_eq(read_at(now).used, 100);
}

Test(quota, a_job_that_crosses_a_month)
{
    int64_t december = at("2026-12-01T08:00:00Z");
    struct quota_lease *lease = open_lease("a", now, 0);
    cr_expect_eq(take(lease, 60), 60);
    crash(&lease);
    lease = open_lease("a", december, 60);
    cr_expect_eq(read_at(now).used, 60);
    cr_expect_eq(read_at(december).used, 0);
    cr_expect_eq(take(lease, 30), 30);
    crash(&lease);
    lease = open_lease("a", december, 90);
    cr_expect_eq(read_at(now).used, 60);
    cr_expect_eq(read_at(december).used, 30);
    close_lease(&lease);
}

/* Random grants of several jobs, closes and crashes: never over the limit, and in the end
 * exactly what was granted is used. */
Test(quota, leases_never_exceed_the_limit)
{
    enum { JOBS = 4 };
    static const char *const names[JOBS] = {"a", "b", "c", "d"};
    unsigned seed = 7;
    account.tier = TEXT("big");
    struct quota_lease *leases[JOBS] = {0};
    uint64_t granted[JOBS] = {0};
    int refused = 0;
    for (int step = 0; step < 20000 && refused < JOBS * 3; step++) {
        int j = rand_r(&seed) % JOBS;
        if (!leases[j])
            leases[j] = open_lease(names[j], now, granted[j]);
        uint64_t segments = 1 + (uint64_t)(rand_r(&seed) % 10);
        int rc = quota_grant(leases[j], segments, &err);
        cr_assert_geq(rc, 0, "%s", err.text);
        if (rc == 1)
            granted[j] += segments;
        else
            refused++;
        if (rc == 0 || rand_r(&seed) % 500 == 0)
            close_lease(&leases[j]);
        cr_assert_leq(granted[0] + granted[1] + granted[2] + granted[3], 20000);
        if (step % 100 == 0)
            cr_assert_leq(read_at(now).used, 20000);
    }
    uint64_t sum = 0;
    for (int j = 0; j < JOBS; j++) {
        if (leases[j])
            close_lease(&leases[j]);
        sum += granted[j];
    }
    cr_expect_eq(read_at(now).used, sum);
    cr_expect_gt(refused, 0);
    cr_expect_gt(sum, 20000 - 10 * JOBS, "nearly all is used: %zu", (size_t)sum);
}
