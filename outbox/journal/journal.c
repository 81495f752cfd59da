/* journal: appending and group commit; see journal.h.
 *
 * Records are copied into the current group, which becomes one frame. Groups go to the
 * disk in order, several at a time, and may finish in any order; they are acknowledged in
 * order, and a frame says how far the journal was durable when it was written (scan.h).
 * The rule when to write: with nothing on its way, at the end of the round in which
 * somebody asked, or some time after something came that nobody waits for; else when the last
 * group is durable, or as soon as enough has come together to be worth a write of its own. That makes groups as large as the disk is
 * slow, without a setting.
 *
 * A failed write is never repeated: after a failed fdatasync the kernel may have dropped
 * the pages, and a second one that succeeds says nothing about them
 * (https://wiki.postgresql.org/wiki/Fsync_Errors). */
#include "outbox/journal/journal.h"

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "outbox/journal/group.h"
#include "outbox/journal/journal_limited.h"
#include "outbox/journal/journal_resume.h"
#include "outbox/journal/record.h"

#include <errno.h>
#include <stdlib.h>

/* Groups on their way to the disk at a time; more gain nothing on the disks measured. */
#define WINDOW_GROUPS 8

/* Nobody waits for decisions and outcomes: they go with the next intents, at full speed every 20 ms
 * (pace.c), or alone after this time. What is lost of it is in doubt after a crash, as are the intents of
 * up to 40 ms ahead; half the time would cost a fast campaign a fiftieth of its rate. */
#define NOT_AWAITED_NS (10 * NS_PER_MS)

struct journal {
    struct journal_file file;
    struct loop *loop;
    struct loop_timer timer;
    int64_t timer_at_ns; /* INT64_MAX: not armed */

    struct group *current; /* being filled */
    bool wanted;           /* current is to be written as soon as the rule allows */
    int64_t
        due_ns; /* when it is, for what nobody waits for; INT64_MAX: there is no such thing */
    struct group *first; /* closed groups in order: on their way, then unsent */
    struct group *last;
    struct group *unsent;
    struct group *spare;
    unsigned in_flight; /* sent and not acknowledged */
    unsigned writing;   /* of these, with the loop */

    uint64_t durable_sequence;
    uint64_t durable_to;
    struct journal_wait *waits;
    struct journal_wait **waits_end;
    int failed; /* errno; 0: healthy */
};

/* --- opening --- */

static void on_timer(struct loop_timer *timer);

int journal_open_limited(const char *dir, const struct journal_header *header,
                         struct loop *loop, struct journal_limits limits,
                         struct journal **out, struct error *err)
{
    *out = NULL;
    struct journal *journal = calloc(1, sizeof(*journal));
    CHECK(journal);
    journal->loop = loop;
    journal->timer = (struct loop_timer){.fn = on_timer, .arg = journal};
    journal->timer_at_ns = journal->due_ns = INT64_MAX;
    journal->waits_end = &journal->waits;
    int rc = journal_file_lock(&journal->file, dir, err);
    journal->file.limits = limits;
    if (rc == 0)
        rc = journal_resume(&journal->file, header, &journal->durable_sequence, err);
    if (rc != 0) {
        journal_file_close(&journal->file, false);
        free(journal);
        return rc;
    }
    journal->durable_to = frame_position(journal->file.number, journal->file.offset);
    journal->current = group_create(journal, limits.group_bytes);
    group_begin(journal->current, journal->durable_sequence + 1);
    *out = journal;
    return 0;
}

int journal_open(const char *dir, const struct journal_header *header, struct loop *loop,
                 struct journal **out, struct error *err)
{
    return journal_open_limited(dir, header, loop, JOURNAL_LIMITS, out, err);
}

/* --- groups --- */

/* Put the current group behind the closed ones and begin another. A buffer is made only
 * when all are on their way or waiting to be, which is once per megabyte at worst. */
static void close_current(struct journal *journal)
{
    struct group *group = journal->current;
    group->next = NULL;
    if (journal->first)
        journal->last->next = group;
    else
        journal->first = group;
    journal->last = group;
    if (!journal->unsent)
        journal->unsent = group;
    journal->wanted = false;
    journal->due_ns = INT64_MAX;
    failpoint(FAILPOINT_GROUP_CLOSED);

    struct group *next = journal->spare;
    if (next)
        journal->spare = next->next;
    else
        next = group_create(journal, journal->file.limits.group_bytes);
    group_begin(next, group->sequence + 1);
    journal->current = next;
}

/* --- failing and waking --- */

static void wake_at(struct journal *journal, int64_t due_ns)
{
    if (due_ns >= journal->timer_at_ns)
        return;
    journal->timer_at_ns = due_ns;
    loop_timer_arm(journal->loop, &journal->timer, due_ns);
}

static void fail(struct journal *journal, int why)
{
    if (journal->failed)
        return;
    journal->failed = why;
    wake_at(journal, loop_now_ns(journal->loop));
}

/* Tell those whose wish is fulfilled, or all once the journal has failed and the loop has
 * given every buffer back. The last thing a caller does: they may close the journal. */
static void notify(struct journal *journal)
{
    bool all = journal->failed && journal->writing == 0;
    struct journal_wait *ready = journal->waits, **end = &ready;
    while (*end && (all || (*end)->until <= journal->durable_sequence))
        end = &(*end)->next;
    journal->waits = *end;
    if (!journal->waits)
        journal->waits_end = &journal->waits;
    *end = NULL;

    uint64_t durable = journal->durable_sequence;
    int failed = journal->failed;
    while (ready) {
        struct journal_wait *wait = ready;
        ready = wait->next;
        wait->fn(wait, wait->until <= durable ? 0 : -failed);
    }
}

/* --- writing --- */

static void on_written(struct loop_op *op, int64_t res, const char *data);

static void write_rest(struct group *group)
{
    struct journal *journal = group->journal;
    journal->writing++;
    loop_write_sync(
        journal->loop, &group->op, group->fd, group->bytes + group->written_bytes,
        group->write_bytes - group->written_bytes, group->offset + group->written_bytes);
}

/* Send the first unsent group. False: not before what is on its way has come back. */
static bool send_group(struct journal *journal)
{
    struct group *group = journal->unsent;
    struct journal_file *file = &journal->file;
    size_t bytes = frame_bytes(group->body_bytes);
    if (journal_file_is_full(file, bytes)) {
        if (journal->in_flight > 0)
            return false;
        if (journal_file_begin(file, file->number + 1, TEXT_NONE, NULL) != 0) {
            fail(journal, errno);
            return false;
        }
    }
    group_seal(group, file, journal->durable_to, journal->in_flight == 0);
    group->op.fn = on_written;
    group->op.arg = group;
    journal->unsent = group->next;
    journal->in_flight++;
    failpoint(FAILPOINT_GROUP_SEALED);
    write_rest(group);
    return true;
}

/* What is worth a write of its own now: each that is on its way asks for twice as much.
 * They wait for each other in the file system, which commits its own journal once for
 * each, so a few large ones take a third less time than many small ones. */
static size_t worth_writing(const struct journal *journal)
{
    size_t bytes = (size_t)GROUP_OVERLAP_BYTES << journal->in_flight;
    size_t most = journal->file.limits.group_bytes / 2;
    return bytes < most ? bytes : most;
}

/* Write what the rule on top of this file says. */
static void pump(struct journal *journal)
{
    while (!journal->failed && journal->in_flight < WINDOW_GROUPS &&
           !(journal->first && journal->first->has_zeros)) {
        if (!journal->unsent) {
            size_t bytes = journal->current->body_bytes;
            if (!journal->wanted || bytes == 0 ||
                (journal->in_flight > 0 && bytes < worth_writing(journal)))
                return;
            close_current(journal);
        }
        if (!send_group(journal))
            return;
    }
}

/* Acknowledge the groups at the front that are done. */
static void settle(struct journal *journal)
{
    for (struct group *group; (group = journal->first) != NULL && group->done;) {
        journal->first = group->next;
        journal->durable_sequence = group->sequence;
        journal->durable_to = frame_position(journal->file.number, group->end);
        group->next = journal->spare;
        journal->spare = group;
        journal->in_flight--;
    }
}

static void on_written(struct loop_op *op, int64_t res, const char *data)
{
    (void)data;
    struct group *group = op->arg;
    struct journal *journal = group->journal;
    journal->writing--;
    if (res == -EINVAL && group->fd != journal->file.fd && !journal->failed) {
        /* The file system lets a file be opened with O_DIRECT and not be written so. */
        group->fd = journal->file.fd;
        write_rest(group);
        return;
    }
    if (res <= 0) {
        fail(journal, res < 0 ? (int)-res : EIO);
    } else if (!journal->failed) {
        group->written_bytes += (size_t)res;
        if (group->written_bytes < group->write_bytes) {
            write_rest(group);
            return;
        }
        group->done = true;
        failpoint(FAILPOINT_GROUP_DURABLE);
        settle(journal);
        pump(journal);
    }
    notify(journal);
}

static void on_timer(struct loop_timer *timer)
{
    struct journal *journal = timer->arg;
    journal->timer_at_ns = INT64_MAX;
    journal->wanted |= journal->due_ns <= loop_now_ns(journal->loop);
    pump(journal);
    /* Those it was armed for may have gone with others. */
    if (!journal->wanted && journal->due_ns < INT64_MAX)
        wake_at(journal, journal->due_ns);
    notify(journal);
}

/* --- appending --- */

struct text journal_encode_decisions(const struct journal_decision *decisions,
                                     size_t count, uint32_t chunk, struct arena *arena)
{
    char *room = arena_reserve(arena, RECORD_DECISIONS_BYTES(count));
    if (!room)
        return TEXT_NONE;
    size_t bytes = record_encode_decisions(decisions, count, chunk, room);
    arena_commit(arena, bytes);
    return (struct text){room, bytes};
}

/* Room for bytes more in the current group; NULL when the journal has failed. */
static char *make_room(struct journal *journal, size_t bytes)
{
    if (journal->failed)
        return NULL;
    CHECK(frame_bytes(bytes) <= journal->file.limits.group_bytes);
    if (frame_bytes(journal->current->body_bytes + bytes) >
        journal->file.limits.group_bytes) {
        close_current(journal);
        pump(journal);
        if (journal->failed)
            return NULL;
    }
    return journal->current->bytes + FRAME_HEAD_BYTES + journal->current->body_bytes;
}

/* The current group is to be written soon: at the end of the round, so that what else
 * comes in this round goes with it, or when the last one is durable. */
static void want(struct journal *journal)
{
    journal->wanted = true;
    if (journal->in_flight == 0 && !journal->unsent)
        wake_at(journal, loop_now_ns(journal->loop));
    else if (journal->current->body_bytes >= worth_writing(journal))
        pump(journal);
}

/* write_soon: the same for what nobody waits for. */
static void write_soon(struct journal *journal)
{
    if (journal->due_ns < INT64_MAX)
        return;
    journal->due_ns = loop_now_ns(journal->loop) + NOT_AWAITED_NS;
    wake_at(journal, journal->due_ns);
}

void journal_append(struct journal *journal, struct text frame)
{
    CHECK(frame.data);
    char *at = make_room(journal, frame.bytes);
    if (!at)
        return;
    memcpy(at, frame.data, frame.bytes);
    journal->current->body_bytes += frame.bytes;
    write_soon(journal);
}

void journal_intents(struct journal *journal, const struct journal_intent *intents,
                     size_t count)
{
    while (count > 0) {
        size_t some = count < RECORD_INTENTS_MAX ? count : RECORD_INTENTS_MAX;
        char *at = make_room(journal, RECORD_INTENTS_BYTES(some));
        if (!at)
            return;
        struct group *group = journal->current;
        group->body_bytes += record_encode_intents(&group->context, intents, some, at);
        intents += some;
        count -= some;
        want(journal);
    }
}

void journal_outcome(struct journal *journal, const struct journal_outcome *outcome)
{
    char *at = make_room(journal, RECORD_OUTCOME_BYTES_MAX);
    if (!at)
        return;
    struct group *group = journal->current;
    group->body_bytes += record_encode_outcome(&group->context, outcome, at);
    write_soon(journal);
}

void journal_mark(struct journal *journal, enum journal_mark mark)
{
    char *at = make_room(journal, RECORD_MARK_BYTES);
    if (!at)
        return;
    journal->current->body_bytes += record_encode_mark(mark, at);
    want(journal);
}

void journal_sync(struct journal *journal, struct journal_wait *wait)
{
    wait->until = journal->current->sequence - (journal->current->body_bytes == 0);
    wait->next = NULL;
    *journal->waits_end = wait;
    journal->waits_end = &wait->next;
    if (journal->failed || wait->until <= journal->durable_sequence)
        wake_at(journal, loop_now_ns(journal->loop));
    else if (journal->current->body_bytes > 0)
        want(journal);
}

/* --- closing --- */

/* An empty frame behind the last one: without it, damage to the last group could not be
 * told from a torn tail. Losing it loses nothing. */
static void write_voucher(struct journal *journal)
{
    char bytes[FRAME_HEAD_BYTES];
    frame_seal(bytes, 0, journal->durable_sequence + 1, journal->durable_to,
               journal->file.salt);
    int rc = journal_file_write(&journal->file, (struct text){bytes, sizeof(bytes)});
    if (rc != 0)
        log_warn("journal", "the closing frame cannot be written", "dir=%s error=\"%s\"",
                 journal->file.dir, strerror(-rc));
}

void journal_close(struct journal **journal_inout)
{
    struct journal *journal = *journal_inout;
    if (!journal)
        return;
    CHECK(journal->writing == 0 && !journal->waits);
    CHECK(journal->failed || (!journal->first && journal->current->body_bytes == 0));
    loop_timer_disarm(journal->loop, &journal->timer);
    failpoint(FAILPOINT_CLOSE_BEGUN);
    if (!journal->failed)
        write_voucher(journal);
    failpoint(FAILPOINT_CLOSE_VOUCHED);
    journal_file_close(&journal->file, !journal->failed);
    group_destroy(journal->current);
    struct group *lists[] = {journal->first, journal->spare};
    for (size_t i = 0; i < ARRAY_COUNT(lists); i++) {
        for (struct group *group = lists[i], *next; group; group = next) {
            next = group->next;
            group_destroy(group);
        }
    }
    free(journal);
    *journal_inout = NULL;
}
