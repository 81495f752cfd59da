/* journal on a loop made up here: completions in any order, failures, short writes,
 * crashes. */
#include "tests/outbox/fake_loop.h"

TestSuite(journal_faults_direct, .init = fixture_init, .fini = fixture_fini);
TestSuite(journal_faults_buffered, .init = fixture_init, .fini = fixture_fini);

/* --- grouping --- */

/* The frame a write begins with. */
static struct frame frame_of(const struct fake_write *w)
{
    struct scan scan;
    cr_assert_eq(scan_open(&scan, fixture_dir, NULL), 0);
    struct frame frame;
    cr_assert(frame_verify((struct text){w->data, w->bytes}, scan.salt, &frame));
    scan_close(&scan);
    return frame;
}

WAYS_TEST(journal_faults, a_round_makes_one_group)
{
    open_plain();
    begin();
    struct told told = {0};
    int64_t serial = 0;
    for (size_t i = 0; i < 5; i++) {
        outcome(serial++);
        sync_nth(&told, i);
    }
    cr_expect_eq(fake.write_count, 0, "nothing is written inside a call");
    run_timer();
    cr_expect_eq(fake.write_count, 1);
    /* what comes while it is on its way waits for it and goes together */
    for (size_t i = 5; i < 10; i++) {
        outcome(serial++);
        sync_nth(&told, i);
        run_timer();
    }
    cr_expect_eq(fake.write_count, 1);
    complete(0);
    cr_expect_eq(told.count, 5);
    cr_expect_eq(fake.write_count, 1);
    complete(0);
    cr_expect_eq(told.count, 10);
    for (size_t i = 0; i < 10; i++)
        cr_expect(told.order[i] == i && told.results[i] == 0);
    journal_close(&journal);
    cr_expect_eq(replayed(), serial);
}

WAYS_TEST(journal_faults, decisions_and_outcomes_wait_for_company)
{
    open_plain();
    decide_all();
    run_timer();
    fake.now_ns += 4 * NS_PER_MS;
    outcome(0);
    run_timer();
    cr_expect_eq(fake.write_count, 0);
    fake.now_ns += NS_PER_MS;
    run_timer();
    cr_expect_eq(fake.write_count, 1);
    complete(0);
    /* which is an intent, or somebody who asks */
    outcome(1);
    struct journal_intent intent = {7, CHANNEL_SMS, 1, 0};
    journal_intents(journal, &intent, 1);
    run_timer();
    cr_expect_eq(fake.write_count, 1);
    complete_all();
    outcome(2);
    struct told told = {0};
    sync_nth(&told, 0);
    run_timer();
    cr_expect_eq(fake.write_count, 1);
    complete_all();
    cr_expect_eq(told.count, 1);
    journal_close(&journal);
    cr_expect_eq(replayed(), 3);
}

WAYS_TEST(journal_faults, intents_and_marks_do_not_wait_for_a_sync)
{
    open_plain();
    begin();
    struct journal_intent intent = {7, CHANNEL_SMS, 1, 0};
    journal_intents(journal, &intent, 1);
    run_timer();
    cr_expect_eq(fake.write_count, 1);
    complete_all();
    journal_mark(journal, JOURNAL_CANCELLED);
    run_timer();
    cr_expect_eq(fake.write_count, 1);
    complete_all();
    journal_close(&journal);
}

WAYS_TEST(journal_faults, large_groups_overlap_within_the_window)
{
    open_limited(64u << 20, 128u << 10);
    begin();
    int64_t serial = 0;
    struct told told = {0};
    for (size_t i = 0; i < 10; i++) {
        outcomes(&serial, 300 << 10);
        sync_nth(&told, i);
        run_timer();
        cr_expect_leq(fake.write_count, 8);
    }
    cr_expect_eq(fake.write_count, 8);
    complete_all();
    cr_expect_eq(told.count, 10);
    journal_close(&journal);
    cr_expect_eq(replayed(), serial);
}

WAYS_TEST(journal_faults, the_more_is_on_its_way_the_larger_a_group_must_be)
{
    open_plain();
    begin();
    int64_t serial = 0;
    struct told told = {0};
    outcome(serial++);
    sync_nth(&told, 0);
    run_timer();
    cr_assert_eq(fake.write_count, 1);
    for (size_t written = 1; written < 4; written++) {
        size_t worth = (64u << 10) << written;
        for (size_t steps = 0; fake.write_count == written; steps++) {
            cr_assert_lt(steps, worth / 16);
            outcome(serial++);
            journal_mark(journal, JOURNAL_DECIDED); /* wants to be written */
        }
        cr_expect_eq(frame_of(&fake.writes[written]).body.bytes / worth, 1);
    }
    complete_all();
    journal_close(&journal);
    cr_expect_eq(replayed(), serial);
}

WAYS_TEST(journal_faults, a_sync_of_nothing_is_told_in_the_next_round)
{
    open_plain();
    struct told told = {0};
    sync_nth(&told, 0);
    cr_expect_eq(told.count, 0);
    run_timer();
    cr_expect_eq(told.count, 1);
    cr_expect_eq(told.results[0], 0);
    journal_close(&journal);
}

/* --- order --- */

/* What a group vouches for ends where the frame before the place ends, in whole blocks: at it. */
static void expect_vouches(const struct fake_write *w, uint32_t place)
{
    cr_expect_eq(frame_block_up((uint32_t)frame_of(w).durable_to), frame_block_up(place));
}

WAYS_TEST(journal_faults, acknowledgement_is_in_order)
{
    open_limited(64u << 20, 160u << 10);
    begin();
    int64_t serial = 0;
    struct told told = {0};
    for (size_t i = 0; i < 4; i++) {
        outcomes(&serial, 128 << 10);
        sync_nth(&told, i);
        run_timer();
    }
    cr_assert_eq(fake.write_count, 4);
    uint32_t first = (uint32_t)fake.writes[0].offset;
    uint32_t third = (uint32_t)fake.writes[2].offset;
    complete(3);
    complete(1);
    cr_expect_eq(told.count, 0);
    /* what is written now may vouch only for what lies before the first */
    outcomes(&serial, 128 << 10);
    sync_nth(&told, 4);
    cr_assert_eq(fake.write_count, 3);
    expect_vouches(&fake.writes[2], first);
    complete(0);
    cr_expect_eq(told.count, 2);
    outcomes(&serial, 128 << 10);
    sync_nth(&told, 5);
    cr_assert_eq(fake.write_count, 3);
    expect_vouches(&fake.writes[2], third);
    complete(2);
    complete(1);
    complete(0);
    cr_expect_eq(told.count, 6);
    for (size_t i = 0; i < 6; i++)
        cr_expect(told.order[i] == i && told.results[i] == 0);
    journal_close(&journal);
    cr_expect_eq(replayed(), serial);
}

/* --- failing --- */

WAYS_TEST(journal_faults, a_failure_is_final)
{
    open_limited(64u << 20, 160u << 10);
    begin();
    int64_t serial = 0;
    struct told told = {0};
    for (size_t i = 0; i < 3; i++) {
        outcomes(&serial, 128 << 10);
        sync_nth(&told, i);
        run_timer();
    }
    int64_t acknowledged = serial / 3;
    complete(0);
    cr_expect_eq(told.count, 1);
    complete_with(0, 0, -ENOSPC);
    cr_expect_eq(told.count, 1, "not before the loop has given every buffer back");
    complete(0);
    cr_expect_eq(told.count, 3);
    cr_expect_eq(told.results[0], 0);
    cr_expect_eq(told.results[1], -ENOSPC);
    cr_expect_eq(told.results[2], -ENOSPC);

    outcomes(&serial, 128 << 10);
    struct journal_intent intent = {7, CHANNEL_SMS, 1, 0};
    journal_intents(journal, &intent, 1);
    journal_mark(journal, JOURNAL_FINISHED);
    journal_append(journal, TEXT("\x05\x03"));
    sync_nth(&told, 3);
    cr_expect_eq(told.count, 3);
    run_timer();
    cr_expect_eq(told.count, 4);
    cr_expect_eq(told.results[3], -ENOSPC);
    cr_expect_eq(fake.writes_seen, 3, "nothing is written once a write has failed");
    journal_close(&journal);
    cr_expect_null(journal);

    cr_expect_eq(replayed(), acknowledged);
    open_plain();
    journal_close(&journal);
    cr_expect_eq(replayed(), acknowledged);
}

WAYS_TEST(journal_faults, a_file_that_cannot_be_begun_is_a_failure)
{
    open_limited(64u << 10, 64u << 10);
    begin();
    char blocker[PATH_BYTES];
    cr_assert_eq(path_join(blocker, fixture_dir, TEXT("journal.new"), NULL), 0);
    cr_assert_eq(symlink("/nonexistent/folder/file", blocker), 0);
    int64_t serial = 0;
    struct told told = {0};
    outcomes(&serial, 80 << 10);
    sync_nth(&told, 0);
    complete_all();
    cr_expect_eq(told.count, 1);
    cr_expect_eq(told.results[0], -ENOENT);
    journal_close(&journal);
}

WAYS_TEST(journal_faults, short_writes_are_continued)
{
    open_plain();
    begin();
    struct told told = {0};
    outcome(0);
    sync_nth(&told, 0);
    run_timer();
    struct fake_write whole = fake.writes[0];
    complete_with(0, 10, 10);
    cr_assert_eq(fake.write_count, 1);
    cr_expect_eq(fake.writes[0].offset, whole.offset + 10);
    cr_expect_eq(fake.writes[0].bytes, whole.bytes - 10);
    cr_expect_eq(told.count, 0);
    complete(0);
    cr_expect_eq(told.count, 1);
    cr_expect_eq(told.results[0], 0);

    outcome(1);
    sync_nth(&told, 1);
    run_timer();
    complete_with(0, 0, 0);
    cr_expect_eq(told.results[1], -EIO, "a write of nothing is no progress");
    journal_close(&journal);
    cr_expect_eq(replayed(), 1);
}

/* --- crashes --- */

static uint64_t random_state;

static uint64_t random_below(uint64_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % limit;
}

struct life {
    int64_t appended;
    int64_t acknowledged;
};

struct promise {
    struct journal_wait wait;
    struct life *life;
    int64_t covers;
};

static void on_promise(struct journal_wait *wait, int res)
{
    struct promise *promise = wait->arg;
    if (res == 0) {
        cr_assert_geq(promise->covers, promise->life->acknowledged);
        promise->life->acknowledged = promise->covers;
    }
}

/* Die: each write on its way has reached the disk wholly, in part, or not at all. */
static void crash(void)
{
    fake.now_ns += 10 * NS_PER_MS;
    run_timer();
    while (fake.write_count > 0) {
        size_t bytes = fake.writes[0].bytes;
        size_t stored = random_below(3) == 0   ? 0
                        : random_below(2) == 0 ? bytes
                                               : random_below(bytes);
        complete_with(0, stored, -EIO);
    }
    run_timer();
}

WAYS_TEST(journal_faults, nothing_acknowledged_is_lost_and_nothing_is_invented)
{
    log_set_level(LOG_OFF);
    static struct promise promises[40];
    for (uint64_t seed = 1; seed <= 60; seed++) {
        random_state = seed * 0x9e3779b97f4a7c15;
        struct life life = {0};
        for (int lives = 0; lives < 5; lives++) {
            open_limited(40u << 10, 16u << 10);
            if (lives == 0)
                begin();
            for (size_t step = 0; step < ARRAY_COUNT(promises); step++) {
                size_t bytes = random_below(4) == 0 ? random_below(30000) : 40;
                outcomes(&life.appended, bytes);
                promises[step] = (struct promise){.life = &life, .covers = life.appended};
                promises[step].wait =
                    (struct journal_wait){.fn = on_promise, .arg = &promises[step]};
                journal_sync(journal, &promises[step].wait);
                if (random_below(2) == 0)
                    run_timer();
                while (fake.write_count > 0 && random_below(3) != 0)
                    complete(random_below(fake.write_count));
            }
            if (random_below(4) == 0)
                complete_all();
            crash();
            journal_close(&journal);
            int64_t found = replayed();
            cr_assert(found >= life.acknowledged && found <= life.appended,
                      "seed %llu: %lld acknowledged, %lld found, %lld appended",
                      (unsigned long long)seed, (long long)life.acknowledged,
                      (long long)found, (long long)life.appended);
            life.appended = life.acknowledged = found;
        }
        fixture_clear();
    }
}
