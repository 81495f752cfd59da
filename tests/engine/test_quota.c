/* quota: months, tiers, packs and what jobs take. */
#include "base/clock.h"
#include "engine/state/quota.h"
#include "engine/state/store_private.h"
#include "tests/engine/home.h"

#include <criterion/criterion.h>
#include <pthread.h>

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

static struct quota_job *open_job(const char *name, int64_t when, uint64_t already_used)
{
    struct quota_job *job = NULL;
    cr_assert_eq(quota_job_open(store, config, &account, text_of(name), when,
                                already_used, &job, &err),
                 0, "%s", err.text);
    return job;
}

static void close_job(struct quota_job **job)
{
    cr_assert_eq(quota_job_close(job, &err), 0, "%s", err.text);
    cr_expect_null(*job);
}

/* crash: a job whose process dies. The row it leaves is put back as it was before the
 * close. */
static void crash(struct quota_job **job)
{
    static const char keep[] = "CREATE TEMP TABLE crashed AS SELECT * FROM usage",
                      restore[] =
                          "DELETE FROM usage; INSERT INTO usage SELECT * FROM crashed;"
                          "DROP TABLE crashed";
    cr_assert_eq(sqlite3_exec(store->db, keep, 0, 0, 0), 0);
    close_job(job);
    cr_assert_eq(sqlite3_exec(store->db, restore, 0, 0, 0), 0);
}

/* take: as a chunk of so many messages does, all of so many segments. */
static uint64_t take_each(struct quota_job *job, uint64_t segments, uint64_t messages)
{
    uint64_t left;
    cr_assert_eq(quota_job_begin(job, &left, &err), 0, "%s", err.text);
    uint64_t fit = left / segments < messages ? left / segments : messages;
    cr_assert_eq(quota_job_end(job, fit * segments, &err), 0, "%s", err.text);
    return fit * segments;
}

static uint64_t take(struct quota_job *job, uint64_t most)
{
    return take_each(job, 1, most);
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
        struct quota_job *job = open_job("j", now, 0);
        uint64_t most = 100 / segments * segments;
        cr_expect_eq(take_each(job, segments, 3) + take_each(job, segments, 1000), most);
        cr_expect_eq(take_each(job, segments, 1), 0);
        cr_expect_eq(read_at(now).used, most);
        quota_job_refund(job, segments);
        close_job(&job);
        cr_expect_eq(read_at(now).used, most - segments, "what was not sent after all");
    }
}

Test(quota, an_upgrade_goes_on_in_the_same_month)
{
    struct quota_job *job = open_job("a", now, 0);
    cr_expect_eq(take(job, 1000), 100);
    close_job(&job);
    account.tier = TEXT("big");
    job = open_job("b", now, 0);
    cr_expect_eq(take(job, 50000), 19900);
    close_job(&job);
    struct quota q = read_at(now);
    cr_expect(q.used == 20000 && q.limit == 20000);
    account.tier = TEXT("small"); /* and a downgrade does not turn usage into a debt */
    cr_assert_eq(quota_add_pack(store, account.id, 10, &err), 0);
    job = open_job("c", now, 0);
    cr_expect_eq(take(job, 1), 0);
    close_job(&job);
    cr_expect_eq(read_at(at("2026-12-05T00:00:00Z")).limit, 110);
}

Test(quota, packs_last_over_months_until_used_up)
{
    cr_assert_eq(quota_add_pack(store, account.id, 50, &err), 0);
    struct quota_job *job = open_job("a", now, 0);
    cr_expect_eq(take(job, 120), 120);
    close_job(&job);
    int64_t december = at("2026-12-10T00:00:00Z"), january = at("2027-01-10T00:00:00Z");
    cr_expect_eq(read_at(december).limit, 130);
    job = open_job("b", january, 0);
    cr_expect_eq(take(job, 1000), 130);
    close_job(&job);
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
    struct quota_job *job = open_job("a", now, 0);
    cr_expect_eq(take(job, 1), 0);
    close_job(&job);
    clock_freeze(at("2026-12-10T00:00:00Z"));
    cr_assert_eq(quota_add_pack(store, account.id, 40, &err), 0);
    cr_expect_eq(read_at(clock_now_ns()).limit, 140);
}

Test(quota, a_crash_is_settled_by_the_journal)
{
    struct quota_job *job = open_job("a", now, 0);
    cr_expect_eq(take(job, 40), 40);
    crash(&job);
    cr_expect_eq(read_at(now).used, 40);
    job = open_job("a", now, 37); /* three had not reached the journal */
    cr_expect_eq(read_at(now).used, 37);
    cr_expect_eq(take(job, 1000), 63);
    crash(&job);
    job = open_job("a", now, 100);
    cr_expect_eq(take(job, 1), 0);
    close_job(&job);
    cr_expect_eq(read_at(now).used, 100);
    job = open_job("a", now, 100); /* again, as often as wanted */
    close_job(&job);
    cr_expect_eq(read_at(now).used, 100);
}

Test(quota, a_job_that_crosses_a_month)
{
    int64_t december = at("2026-12-01T08:00:00Z");
    struct quota_job *job = open_job("a", now, 0);
    cr_expect_eq(take(job, 60), 60);
    crash(&job);
    job = open_job("a", december, 60);
    cr_expect_eq(read_at(now).used, 60);
    cr_expect_eq(read_at(december).used, 0);
    cr_expect_eq(take(job, 30), 30);
    crash(&job);
    job = open_job("a", december, 90);
    cr_expect_eq(read_at(now).used, 60);
    cr_expect_eq(read_at(december).used, 30);
    close_job(&job);
}

Test(quota, what_one_job_does_not_need_is_anothers)
{
    struct quota_job *a = open_job("a", now, 0), *b = open_job("b", now, 0);
    cr_expect_eq(take(a, 1), 1);
    cr_expect_eq(take(b, 1000), 99, "a may never ask again");
    close_job(&b);
    close_job(&a);
}

/* Several connections at once, as several jobs have: all of it is used, and none of it twice. */
enum { JOBS = 4 };

struct taker {
    pthread_t thread;
    const char *name;
    uint64_t taken;
};

static void *take_all(void *arg)
{
    struct taker *taker = arg;
    struct store *own;
    struct quota_job *job;
    struct error why;
    unsigned seed = (unsigned)taker->name[0];
    bool refused = false;
    CHECK(store_open(home, false, &own, &why) == 0);
    CHECK(sqlite3_exec(own->db, "PRAGMA synchronous = OFF", 0, 0, 0) == 0);
    CHECK(quota_job_open(own, config, &account, text_of(taker->name), now, 0, &job,
                         &why) == 0);
    while (!refused) {
        uint64_t left, need = 1 + (uint64_t)(rand_r(&seed) % 200);
        CHECK(quota_job_begin(job, &left, &why) == 0);
        refused = need > left;
        uint64_t taken = refused ? left : need;
        CHECK(quota_job_end(job, taken, &why) == 0);
        taker->taken += taken;
    }
    CHECK(quota_job_close(&job, &why) == 0);
    store_close(&own);
    return NULL;
}

Test(quota, jobs_side_by_side_use_all_and_nothing_twice)
{
    struct taker takers[JOBS] = {
        {.name = "a"}, {.name = "b"}, {.name = "c"}, {.name = "d"}};
    account.tier = TEXT("big");
    for (int i = 0; i < JOBS; i++)
        cr_assert_eq(pthread_create(&takers[i].thread, NULL, take_all, &takers[i]), 0);
    uint64_t sum = 0;
    for (int i = 0; i < JOBS; i++) {
        pthread_join(takers[i].thread, NULL);
        sum += takers[i].taken;
    }
    cr_expect_eq(sum, 20000);
    cr_expect_eq(read_at(now).used, 20000);
}

Test(quota, a_store_of_before_counts_its_reserves_as_used)
{
    static const char before[] =
        "ALTER TABLE usage ADD COLUMN reserved INTEGER NOT NULL DEFAULT 0;"
        "INSERT INTO month (account, month) VALUES ('studio', '2026-11');"
        "INSERT INTO usage VALUES ('studio', '2026-11', 'a', 30, 12);"
        "DROP INDEX job_started; DROP INDEX account_blocked; PRAGMA user_version = 4";
    cr_assert_eq(sqlite3_exec(store->db, before, 0, 0, 0), 0);
    store_close(&store);
    cr_assert_eq(store_open(home, false, &store, &err), 0, "%s", err.text);
    cr_expect_eq(read_at(now).used, 42);
    struct quota_job *job = open_job("a", now, 30);
    cr_expect_eq(take(job, 1000), 70);
    close_job(&job);
}
