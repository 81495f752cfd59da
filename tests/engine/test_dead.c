/* dead: what is recorded, revived and skipped. */
#include "base/clock.h"
#include "engine/pipeline/select.h"
#include "engine/state/dead.h"
#include "tests/engine/studio.h"

#include <criterion/criterion.h>

static struct studio studio;
static struct error err;

static void setup(void)
{
    studio_open(&studio, 300);
}

static void teardown(void)
{
    studio_close(&studio);
}

TestSuite(dead, .init = setup, .fini = teardown);

static struct dead_address dead_of(enum channel channel, const char *address,
                                   int64_t since_ns)
{
    return (struct dead_address){.account = TEXT("studio"),
                                 .channel = channel,
                                 .address = text_of(address),
                                 .reason = TEXT("550 5.1.1 no such user"),
                                 .provider = TEXT("relay"),
                                 .since_ns = since_ns};
}

static bool is_dead(const char *account, enum channel channel, const char *address)
{
    struct optout_set *set;
    cr_assert_eq(dead_set_load(studio.store, text_of(account), &set, &err), 0, "%s",
                 err.text);
    unsigned mask = optout_set_mask(set, dead_hash(channel, text_of(address)));
    optout_set_destroy(&set);
    return mask >> channel & 1;
}

Test(dead, takes_only_addresses)
{
    static const struct {
        enum channel channel;
        const char *address;
        bool ok;
    } cases[] = {
        {CHANNEL_EMAIL, "ann@example.org", true},
        {CHANNEL_EMAIL, "ann", false},
        {CHANNEL_EMAIL, "", false},
        {CHANNEL_SMS, "+393331234567", true},
        {CHANNEL_SMS, "3331234567", false},
        {CHANNEL_PUSH, "token", true},
        {CHANNEL_PUSH, "", false},
        {CHANNEL_PUSH, "\xff", false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct dead_address one = dead_of(cases[i].channel, cases[i].address, 1);
        cr_expect_eq(dead_add(studio.store, &one, &err) == 0, cases[i].ok, "case %zu", i);
    }
}

Test(dead, belongs_to_an_account_and_a_channel)
{
    struct dead_address one = dead_of(CHANNEL_EMAIL, "Ann@Example.org", 1);
    cr_assert_eq(dead_add(studio.store, &one, &err), 0, "%s", err.text);
    cr_expect(is_dead("studio", CHANNEL_EMAIL, "ann@example.ORG"));
    cr_expect_not(is_dead("studio", CHANNEL_PUSH, "ann@example.org"));
    cr_expect_not(is_dead("other", CHANNEL_EMAIL, "ann@example.org"));
}

Test(dead, a_revived_address_is_killed_by_later_news_only)
{
    struct dead_address one = dead_of(CHANNEL_SMS, "+393331234567", clock_now_ns());
    cr_assert_eq(dead_add(studio.store, &one, &err), 0, "%s", err.text);
    cr_expect_eq(dead_revive(studio.store, &one, &err), 1);
    cr_expect_eq(dead_revive(studio.store, &one, &err), 0);
    cr_expect_not(is_dead("studio", CHANNEL_SMS, "+393331234567"));
    /* What a journal says of the time before is no news. */
    cr_assert_eq(dead_add_all(studio.store, &one, 1, &err), 0, "%s", err.text);
    cr_expect_not(is_dead("studio", CHANNEL_SMS, "+393331234567"));
    one.since_ns = clock_now_ns() + NS_PER_S;
    cr_assert_eq(dead_add_all(studio.store, &one, 1, &err), 0, "%s", err.text);
    cr_expect(is_dead("studio", CHANNEL_SMS, "+393331234567"));
}

Test(dead, many_are_all_found)
{
    enum { COUNT = 5000 };
    static char addresses[COUNT][32];
    static struct dead_address all[COUNT];
    for (int i = 0; i < COUNT; i++) {
        snprintf(addresses[i], sizeof(addresses[i]), "d%d@example.org", i);
        all[i] = dead_of(CHANNEL_EMAIL, addresses[i], 1);
    }
    cr_assert_eq(dead_add_all(studio.store, all, COUNT, &err), 0, "%s", err.text);
    struct optout_set *set;
    cr_assert_eq(dead_set_load(studio.store, TEXT("studio"), &set, &err), 0);
    cr_expect_eq(optout_set_count(set), COUNT);
    for (int i = 0; i < COUNT; i++)
        cr_assert_neq(
            optout_set_mask(set, dead_hash(CHANNEL_EMAIL, text_of(addresses[i]))), 0);
    optout_set_destroy(&set);
}

/* c2 has a phone and a verified email, c4 as well. */
Test(dead, select_skips_the_channel_and_no_other)
{
    struct dead_address all[] = {dead_of(CHANNEL_EMAIL, "C2@example.com", 1),
                                 dead_of(CHANNEL_SMS, "+393330000004", 1)};
    cr_assert_eq(dead_add_all(studio.store, all, 2, &err), 0, "%s", err.text);
    struct job *job = studio_job(&studio, ", \"channels\": [\"sms\", \"email\"]}");
    struct select *select = select_create(job);
    struct snapshot_cursor *cursor = snapshot_cursor_create(job->snapshot, job->needed);
    struct batch *batch;
    cr_assert_eq(batch_create(&batch, &err), 0);
    cr_assert_eq(snapshot_cursor_chunk(cursor, 0, &batch->chunk, &err), 0);
    select_chunk(select, batch);
    for (uint32_t row = 0; row < batch->chunk.rows; row++) {
        cr_expect_eq(batch->dispositions[CHANNEL_EMAIL][row] == DISPOSITION_DEAD_ADDRESS,
                     row == 1, "email of row %u", row);
        cr_expect_eq(batch->dispositions[CHANNEL_SMS][row] == DISPOSITION_DEAD_ADDRESS,
                     row == 3, "sms of row %u", row);
    }
    cr_expect_eq(batch->dispositions[CHANNEL_SMS][1], DISPOSITION_SEND);
    cr_expect_eq(batch->dispositions[CHANNEL_EMAIL][3], DISPOSITION_SEND);
    batch_destroy(&batch);
    snapshot_cursor_destroy(&cursor);
    select_destroy(&select);
    job_close(&job);
}
