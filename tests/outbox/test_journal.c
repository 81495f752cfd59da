/* journal on the real loop, with both of its back ends. */
#include "outbox/journal/journal_limited.h"
#include "outbox/journal/replay.h"
#include "base/clock.h"
#include "base/log.h"
#include "tests/outbox/journal_fixture.h"

#include <sys/stat.h>
#include <sys/wait.h>

static struct loop *loop;
static struct journal *journal;

static void init(void)
{
    fixture_init();
    log_set_level(LOG_OFF);
}

TestSuite(journal, .init = init, .fini = fixture_fini);

static const char *const kinds[] = {"epoll", "uring"};

/* False where the kernel or a container refuses io_uring. */
static bool use_loop(const char *kind)
{
    setenv("VOLLEY_LOOP", kind, 1);
    struct error err = {0};
    int rc = loop_create(&loop, &err);
    cr_assert(rc == 0 || strcmp(kind, "uring") == 0, "%s", err.text);
    return rc == 0;
}

static int open_header(const struct journal_header *header, struct error *err)
{
    return journal_open_limited(fixture_dir, header, loop,
                                (struct journal_limits){32u << 10, 16u << 10, false},
                                &journal, err);
}

static void open_ours(void)
{
    struct error err = {0};
    cr_assert_eq(open_header(&fixture_header, &err), 0, "%s", err.text);
}

static void on_durable(struct journal_wait *wait, int res)
{
    *(int *)wait->arg = res;
}

static void sync_now(void)
{
    int res = 1;
    struct journal_wait wait = {.fn = on_durable, .arg = &res};
    journal_sync(journal, &wait);
    cr_expect_eq(res, 1, "nobody is told inside the call");
    while (res > 0)
        cr_assert_eq(loop_run(loop, -1, NULL), 0);
    cr_assert_eq(res, 0);
}

static void decide(uint32_t chunk, uint32_t first_row, uint32_t count)
{
    static struct journal_decision decisions[1000];
    for (uint32_t i = 0; i < count; i++)
        decisions[i] =
            (struct journal_decision){first_row + i, CHANNEL_SMS, DISPOSITION_SEND, 1};
    struct arena arena;
    cr_assert_eq(arena_init(&arena, RECORD_DECISIONS_BYTES(1000), NULL), 0);
    struct text frame = journal_encode_decisions(decisions, count, chunk, &arena);
    cr_assert(frame.data);
    journal_append(journal, frame);
    arena_fini(&arena);
}

static void intend(uint32_t row)
{
    struct journal_intent intent = {row, CHANNEL_SMS, 1, 1};
    journal_intents(journal, &intent, 1);
}

static void conclude(uint32_t row, enum outcome outcome)
{
    struct journal_outcome o = {.row = row,
                                .channel = CHANNEL_SMS,
                                .outcome = (uint8_t)outcome,
                                .attempt = 1,
                                .provider = 1,
                                .at_ms = 1795300000000,
                                .provider_id =
                                    TEXT("SM0123456789abcdef0123456789abcdef")};
    journal_outcome(journal, &o);
}

static struct replay replayed(void)
{
    struct replay replay;
    struct error err = {0};
    cr_assert_eq(replay_read(fixture_dir, NULL, &replay, &err), 0, "%s", err.text);
    return replay;
}

static uint64_t count_of(enum outcome outcome)
{
    struct replay replay = replayed();
    uint64_t count = replay.outcomes[CHANNEL_SMS][outcome];
    replay_fini(&replay);
    return count;
}

/* --- */

Test(journal, what_is_appended_is_replayed)
{
    for (size_t k = 0; k < ARRAY_COUNT(kinds); k++) {
        if (!use_loop(kinds[k]))
            continue;
        open_ours();
        decide(0, 0, 10);
        intend(3);
        intend(4);
        conclude(3, OUTCOME_SENT);
        journal_mark(journal, JOURNAL_DECIDED);
        sync_now();
        struct replay replay = replayed(); /* while it is open */
        cr_expect_eq(replay.states[CHANNEL_SMS][3].outcome, OUTCOME_SENT);
        cr_expect_eq(replay.states[CHANNEL_SMS][4].outcome, REPLAY_IN_DOUBT);
        cr_expect(replay.decided && replay.extent.tail_bytes == 0);
        replay_fini(&replay);
        journal_close(&journal);

        open_ours();
        conclude(4, OUTCOME_UNKNOWN);
        journal_mark(journal, JOURNAL_FINISHED);
        sync_now();
        journal_close(&journal);
        replay = replayed();
        cr_expect_eq(replay.outcomes[CHANNEL_SMS][OUTCOME_UNKNOWN], 1);
        cr_expect_eq(replay.outcomes[CHANNEL_SMS][OUTCOME_PENDING], 8);
        cr_expect(replay.finished);
        replay_fini(&replay);
        loop_destroy(&loop);
        fixture_clear();
    }
}

Test(journal, outcomes_become_durable_by_themselves)
{
    for (size_t k = 0; k < ARRAY_COUNT(kinds); k++) {
        if (!use_loop(kinds[k]))
            continue;
        open_ours();
        decide(0, 0, 10);
        sync_now();
        conclude(3, OUTCOME_SENT);
        int64_t until = clock_steady_ns() + NS_PER_S;
        while (count_of(OUTCOME_SENT) == 0 && clock_steady_ns() < until)
            cr_assert_eq(loop_run(loop, 10 * NS_PER_MS, NULL), 0);
        cr_expect_eq(count_of(OUTCOME_SENT), 1);
        sync_now();
        journal_close(&journal);
        loop_destroy(&loop);
        fixture_clear();
    }
}

Test(journal, files_are_rotated)
{
    for (size_t k = 0; k < ARRAY_COUNT(kinds); k++) {
        if (!use_loop(kinds[k]))
            continue;
        open_ours();
        decide(0, 0, 1000);
        for (uint32_t i = 0; i < 4000; i++) {
            conclude(i % 1000, i < 3000 ? OUTCOME_UNKNOWN : OUTCOME_SENT);
            if (i % 100 == 0)
                cr_assert_eq(loop_run(loop, 0, NULL), 0);
        }
        sync_now();
        cr_expect_eq(count_of(OUTCOME_SENT), 1000);
        uint32_t files;
        cr_assert_eq(scan_count(fixture_dir, &files, NULL), 0);
        cr_expect_geq(files, 4);
        journal_close(&journal);

        open_ours();
        conclude(7, OUTCOME_FAILED);
        sync_now();
        journal_close(&journal);
        cr_expect_eq(count_of(OUTCOME_SENT), 999);
        loop_destroy(&loop);
        fixture_clear();
    }
}

Test(journal, a_small_job_is_a_small_file)
{
    cr_assert(use_loop("epoll"));
    open_ours();
    decide(0, 0, 1);
    intend(0);
    conclude(0, OUTCOME_SENT);
    sync_now();
    journal_close(&journal);
    static char room[4096];
    cr_expect_lt(fixture_read(0, room, sizeof(room)).bytes, 300);
    loop_destroy(&loop);
}

/* --- continuing --- */

static unsigned headers_seen;
static char last_provider[32];

static void see_header(void *arg, const struct journal_header *header)
{
    (void)arg;
    headers_seen++;
    struct text last = header->providers[header->provider_count - 1];
    snprintf(last_provider, sizeof(last_provider), "%.*s", TEXT_ARGS(last));
}

Test(journal, other_providers_make_another_header)
{
    cr_assert(use_loop("epoll"));
    open_ours();
    journal_close(&journal);
    open_ours(); /* the same ones do not */
    journal_close(&journal);
    const struct text names[] = {TEXT("relay"), TEXT("twilio"), TEXT("ses")};
    struct journal_header other = fixture_header;
    other.providers = names;
    other.provider_count = 3;
    cr_assert_eq(open_header(&other, NULL), 0);
    journal_close(&journal);
    struct replay_visitor visitor = {.header = see_header};
    struct replay replay;
    cr_assert_eq(replay_read(fixture_dir, &visitor, &replay, NULL), 0);
    replay_fini(&replay);
    cr_expect_eq(headers_seen, 2);
    cr_expect_str_eq(last_provider, "ses");
    loop_destroy(&loop);
}

Test(journal, another_job_is_refused)
{
    cr_assert(use_loop("epoll"));
    open_ours();
    journal_close(&journal);
    struct journal_header others[] = {fixture_header, fixture_header, fixture_header,
                                      fixture_header};
    others[0].account = TEXT("studio-43");
    others[1].job = TEXT("other");
    others[2].snapshot_hash++;
    others[3].rows++;
    const char *sentences[] = {
        "not to job \"2026-11-21-waiver\" of account \"studio-43\"",
        "belongs to job \"2026-11-21-waiver\"", "the snapshot is not the one",
        "the snapshot is not the one"};
    for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
        struct error err = {0};
        cr_expect_eq(open_header(&others[i], &err), -ERROR_INPUT);
        cr_expect(strstr(err.text, sentences[i]), "%s", err.text);
        cr_expect_null(journal);
    }
    open_ours(); /* and the lock was given back */
    journal_close(&journal);
    loop_destroy(&loop);
}

Test(journal, a_header_without_bounds_is_refused)
{
    cr_assert(use_loop("epoll"));
    struct journal_header header = fixture_header;
    header.rows = UINT32_MAX;
    cr_expect_eq(open_header(&header, NULL), -ERROR_INPUT);
    header = fixture_header;
    char name[256] = {0};
    memset(name, 'x', sizeof(name));
    header.job = (struct text){name, sizeof(name)};
    cr_expect_eq(open_header(&header, NULL), -ERROR_INPUT);
    cr_expect_eq(journal_open("/nonexistent", &fixture_header, loop, &journal, NULL),
                 -ERROR_IO);
    loop_destroy(&loop);
}

Test(journal, one_process_writes)
{
    cr_assert(use_loop("epoll"));
    open_ours();
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        struct journal *mine;
        struct error err = {0};
        int rc = journal_open(fixture_dir, &fixture_header, loop, &mine, &err);
        char name[32];
        snprintf(name, sizeof(name), "process %ld ", (long)getppid());
        _exit(rc == -ERROR_AGAIN && strstr(err.text, name) ? 0 : 1);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    journal_close(&journal);
    open_ours();
    journal_close(&journal);
    loop_destroy(&loop);
}

/* --- tears and damage --- */

/* A journal of ten rows of which row i was sent in group i; returns its bytes as they
 * were before it was closed. */
static struct text ten_sent(char *room, size_t room_bytes)
{
    open_ours();
    decide(0, 0, 10);
    for (uint32_t row = 0; row < 10; row++) {
        intend(row);
        sync_now();
        conclude(row, OUTCOME_SENT);
        sync_now();
    }
    size_t used;
    struct replay replay = replayed();
    used = replay.extent.tail_offset;
    replay_fini(&replay);
    struct text whole = fixture_read(0, room, room_bytes);
    journal_close(&journal);
    return (struct text){whole.data, used};
}

Test(journal, a_tail_torn_at_any_byte_is_continued)
{
    static char room[1 << 17];
    cr_assert(use_loop("epoll"));
    struct text whole = ten_sent(room, sizeof(room));
    cr_assert_lt(whole.bytes, 4000);
    uint64_t sent_before = 0;
    for (size_t bytes = 200; bytes <= whole.bytes; bytes++) {
        fixture_write(0, (struct text){whole.data, bytes});
        struct replay replay = replayed();
        uint64_t sent = replay.outcomes[CHANNEL_SMS][OUTCOME_SENT];
        uint64_t planned = replay.counts[CHANNEL_SMS][DISPOSITION_SEND];
        replay_fini(&replay);
        cr_assert_geq(sent, sent_before);
        sent_before = sent;

        open_ours();
        if (planned == 0)
            decide(0, 0, 10);
        intend(9);
        conclude(9, OUTCOME_FAILED);
        sync_now();
        journal_close(&journal);
        replay = replayed();
        cr_assert_eq(replay.outcomes[CHANNEL_SMS][OUTCOME_SENT], sent - (sent == 10));
        cr_assert_eq(replay.outcomes[CHANNEL_SMS][OUTCOME_FAILED], 1);
        cr_assert_eq(replay.extent.tail_bytes, 0);
        replay_fini(&replay);
    }
    cr_expect_eq(sent_before, 10);
    loop_destroy(&loop);
}

/* A frame that was cut off must not come back behind a new one that ends where it begins.
 */
Test(journal, what_was_cut_stays_cut)
{
    static struct image image;
    image_init(&image, 0, 1);
    image_header(&image, &fixture_header);
    image_decisions(&image, 0, 0, 10, 0);
    image_intent(&image, 5, 0);
    image_outcome(&image, 5, OUTCOME_SENT, image.starts[2]);
    image.bytes[image.starts[2] + FRAME_HEAD_BYTES] ^= 1;
    size_t end_before = image.starts[2], end_after = image.starts[3];
    image_store(&image);
    image_init(&image, 1, 5); /* a later file was lost with it */
    image_outcome(&image, 6, OUTCOME_SENT, 0);
    image_store(&image);
    cr_assert(use_loop("epoll"));
    open_ours();
    struct replay replay = replayed();
    cr_expect_eq(replay.extent.tail_bytes, 0);
    cr_expect_eq(replay.extent.tail_offset, end_before);
    replay_fini(&replay);
    uint32_t files;
    cr_assert_eq(scan_count(fixture_dir, &files, NULL), 0);
    cr_expect_eq(files, 1);
    intend(5);
    sync_now();
    replay = replayed();
    cr_expect_eq(replay.extent.tail_offset, end_after);
    cr_expect_eq(replay.outcomes[CHANNEL_SMS][OUTCOME_SENT], 0);
    cr_expect_eq(replay.extent.tail_bytes, 0);
    replay_fini(&replay);
    journal_close(&journal);
    loop_destroy(&loop);
}

Test(journal, damage_is_refused_and_left_alone)
{
    static char room[1 << 17], again[1 << 17];
    cr_assert(use_loop("epoll"));
    struct text whole = ten_sent(room, sizeof(room));
    room[400] ^= 4;
    fixture_write(0, whole);
    struct error err = {0};
    cr_expect_eq(open_header(&fixture_header, &err), -ERROR_INPUT);
    cr_expect(strstr(err.text, "journal.0000 is damaged at offset"), "%s", err.text);
    struct text after = fixture_read(0, again, sizeof(again));
    cr_expect(text_equal(after, whole));
    loop_destroy(&loop);
}

/* Closing writes a frame that vouches for the last one, so that damage to it is seen. */
Test(journal, damage_to_the_last_group_of_a_closed_journal_is_seen)
{
    static char room[1 << 17];
    cr_assert(use_loop("epoll"));
    struct text whole = ten_sent(room, sizeof(room));
    struct text closed = fixture_read(0, room, sizeof(room));
    cr_assert_eq(closed.bytes, whole.bytes + FRAME_HEAD_BYTES);
    room[whole.bytes - 9] ^= 1;
    fixture_write(0, closed);
    struct replay replay;
    cr_expect_eq(replay_read(fixture_dir, NULL, &replay, NULL), -ERROR_INPUT);
    replay_fini(&replay);
    loop_destroy(&loop);
}

Test(journal, a_missing_file_is_no_new_journal)
{
    cr_assert(use_loop("epoll"));
    open_ours();
    decide(0, 0, 1000);
    for (uint32_t i = 0; i < 1000; i++)
        conclude(i, OUTCOME_SENT);
    sync_now();
    journal_close(&journal);
    char path[PATH_BYTES];
    cr_assert_eq(scan_path(path, fixture_dir, 0, NULL), 0);
    unlink(path);
    struct error err = {0};
    cr_expect_eq(open_header(&fixture_header, &err), -ERROR_INPUT);
    cr_expect(strstr(err.text, "restore the missing ones"), "%s", err.text);
    loop_destroy(&loop);
}
