/* fake_loop: a loop made up for the journal's tests: writes wait until a test completes them, wholly, in
 * part or not at all; and a journal on it whose outcomes carry numbers. */
#ifndef TESTS_OUTBOX_FAKE_LOOP_H
#define TESTS_OUTBOX_FAKE_LOOP_H

#include "outbox/journal/journal_limited.h"
#include "outbox/journal/replay.h"
#include "base/clock.h"
#include "base/log.h"
#include "tests/outbox/journal_fixture.h"

#include <errno.h>

/* --- the loop: writes wait until a test completes them --- */

struct fake_write {
    struct loop_op *op;
    int fd;
    const char *data;
    size_t bytes;
    uint64_t offset;
};

struct loop {
    struct fake_write writes[64];
    size_t write_count;
    size_t writes_seen;
    struct loop_timer *timer; /* armed */
    int64_t now_ns;
};

static struct loop fake;

void loop_write_sync(struct loop *loop, struct loop_op *op, int fd, const void *data,
                     size_t bytes, uint64_t offset)
{
    cr_assert_lt(loop->write_count, ARRAY_COUNT(loop->writes));
    loop->writes[loop->write_count++] = (struct fake_write){op, fd, data, bytes, offset};
    loop->writes_seen++;
}

void loop_timer_arm(struct loop *loop, struct loop_timer *timer, int64_t due_ns)
{
    timer->due_ns = due_ns;
    loop->timer = timer;
}

void loop_timer_disarm(struct loop *loop, struct loop_timer *timer)
{
    (void)timer;
    loop->timer = NULL;
}

int64_t loop_now_ns(const struct loop *loop)
{
    return loop->now_ns;
}

/* The end of a round: the timer, when it is due. */
static void run_timer(void)
{
    struct loop_timer *timer = fake.timer;
    if (timer && timer->due_ns <= fake.now_ns) {
        fake.timer = NULL;
        timer->fn(timer);
    }
}

/* Complete write i: the first `stored` bytes reach the disk, the journal is told res. */
static void complete_with(size_t i, size_t stored, int64_t res)
{
    struct fake_write w = fake.writes[i];
    memmove(&fake.writes[i], &fake.writes[i + 1],
            (--fake.write_count - i) * sizeof(fake.writes[0]));
    /* Opened again, for a disk stores what it likes: O_DIRECT takes whole blocks only. */
    char path[32];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", w.fd);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    cr_assert_eq(pwrite(fd, w.data, stored, (off_t)w.offset), (ssize_t)stored);
    close(fd);
    w.op->fn(w.op, res, NULL);
}

static void complete(size_t i)
{
    complete_with(i, fake.writes[i].bytes, (int64_t)fake.writes[i].bytes);
}

static void complete_all(void)
{
    run_timer();
    while (fake.write_count > 0) {
        complete(0);
        run_timer();
    }
    run_timer();
}

/* --- a journal on it --- */

static struct journal *journal;

/* Which of the two ways to write is tried. */
static bool buffered;

static void open_limited(uint32_t file_bytes, uint32_t group_bytes)
{
    struct error err = {0};
    fake = (struct loop){0};
    struct journal_limits limits = {file_bytes, group_bytes, buffered};
    cr_assert_eq(
        journal_open_limited(fixture_dir, &fixture_header, &fake, limits, &journal, &err),
        0, "%s", err.text);
}

static void open_plain(void)
{
    open_limited(64u << 20, 1u << 20);
}

/* Ten waits, and in which order they were told what. */
struct told {
    struct journal_wait waits[10];
    int results[10];
    size_t order[10];
    size_t count;
};

static void on_durable(struct journal_wait *wait, int res)
{
    struct told *told = wait->arg;
    size_t i = (size_t)(wait - told->waits);
    told->results[i] = res;
    told->order[told->count++] = i;
}

static void sync_nth(struct told *told, size_t i)
{
    told->waits[i] = (struct journal_wait){.fn = on_durable, .arg = told};
    journal_sync(journal, &told->waits[i]);
}

static void decide_all(void)
{
    static struct journal_decision decisions[1000];
    for (uint32_t i = 0; i < 1000; i++)
        decisions[i] = (struct journal_decision){i, CHANNEL_SMS, DISPOSITION_SEND, 1};
    struct arena arena;
    cr_assert_eq(arena_init(&arena, 1 << 20, NULL), 0);
    struct text frame = journal_encode_decisions(decisions, 1000, 0, &arena);
    cr_assert(frame.data);
    journal_append(journal, frame);
    arena_fini(&arena);
}

/* An outcome that carries a number; the visitor below wants them in order. */
static void outcome(int64_t serial)
{
    struct journal_outcome o = {.row = (uint32_t)serial % 1000,
                                .channel = CHANNEL_SMS,
                                .outcome = OUTCOME_SENT,
                                .attempt = 1,
                                .at_ms = serial,
                                .provider_id = TEXT("SM0123456789abcdef")};
    journal_outcome(journal, &o);
}

static void outcomes(int64_t *serial, size_t bytes)
{
    for (size_t i = 0; i < bytes / 20; i++)
        outcome((*serial)++);
}

static void count_outcome(void *arg, const struct journal_outcome *o)
{
    int64_t *expected = arg;
    cr_assert_eq(o->at_ms, *expected, "outcome %lld instead of %lld", (long long)o->at_ms,
                 (long long)*expected);
    (*expected)++;
}

/* How many outcomes, in order and without a gap, the journal holds. */
static int64_t replayed(void)
{
    int64_t count = 0;
    struct replay_visitor visitor = {.outcome = count_outcome, .arg = &count};
    struct replay replay;
    struct error err = {0};
    cr_assert_eq(replay_read(fixture_dir, &visitor, &replay, &err), 0, "%s", err.text);
    replay_fini(&replay);
    return count;
}

static void begin(void)
{
    decide_all();
    struct told told = {0};
    sync_nth(&told, 0);
    complete_all();
    cr_assert_eq(told.count, 1);
    fake.writes_seen = 0;
}

/* WAYS_TEST(suite, name) { … }: runs as suite_direct/name and suite_buffered/name. */
#define WAYS_TEST(suite, name)                                                           \
    static void suite##_##name(void);                                                    \
    Test(suite##_direct, name)                                                           \
    {                                                                                    \
        buffered = false;                                                                \
        suite##_##name();                                                                \
    }                                                                                    \
    Test(suite##_buffered, name)                                                         \
    {                                                                                    \
        buffered = true;                                                                 \
        suite##_##name();                                                                \
    }                                                                                    \
    static void suite##_##name(void)

#endif
