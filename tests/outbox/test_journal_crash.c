/* journal, killed at every named step, several times over with files so small that it rotates. Oracle:
 * shared memory that outlives the writer has what it was told is durable; all of that is read back, and
 * nothing that was never appended. */
#include "outbox/journal/journal_limited.h"
#include "outbox/journal/replay.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "tests/outbox/journal_fixture.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define GROUP 40 /* rows between two waits: a few hundred bytes */

/* Written by the child, read when it is dead. */
static struct shared {
    uint32_t appended, durable; /* rows with an outcome: the first ones */
} * shared;

static void init(void)
{
    fixture_init();
    log_set_level(LOG_OFF);
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert(shared != MAP_FAILED);
}

TestSuite(journal_crash, .init = init, .fini = fixture_fini);

static void on_durable(struct journal_wait *wait, int res)
{
    *(int *)wait->arg = res;
}

static bool synced(struct loop *loop, struct journal *journal)
{
    int res = 1;
    struct journal_wait wait = {.fn = on_durable, .arg = &res};
    journal_sync(journal, &wait);
    while (res > 0 && loop_run(loop, -1, NULL) == 0)
        continue;
    return res == 0;
}

/* The whole snapshot is planned at first, in one group. */
static bool decide(struct loop *loop, struct journal *journal)
{
    static struct journal_decision decisions[GROUP];
    struct arena arena;
    if (arena_init(&arena, RECORD_DECISIONS_BYTES(GROUP), NULL))
        return false;
    for (uint32_t chunk = 0; chunk * GROUP + GROUP <= fixture_header.rows; chunk++) {
        for (uint32_t i = 0; i < GROUP; i++)
            decisions[i] = (struct journal_decision){chunk * GROUP + i, CHANNEL_SMS,
                                                     DISPOSITION_SEND, 1};
        arena_reset(&arena);
        journal_append(journal,
                       journal_encode_decisions(decisions, GROUP, chunk, &arena));
    }
    arena_fini(&arena);
    return synced(loop, journal);
}

/* write_until_killed: outcomes from where the last writer was acknowledged. Exit status 0: it was never
 * killed; 1: something else went wrong. */
static int write_until_killed(const char *place, bool decided)
{
    struct loop *loop;
    struct journal *journal;
    if (failpoint_arm(place, NULL) || loop_create(&loop, NULL) ||
        journal_open_limited(fixture_dir, &fixture_header, loop,
                             (struct journal_limits){2u << 10, 4u << 10, false}, &journal,
                             NULL))
        return 1;
    if (!decided && !decide(loop, journal))
        return 1;
    uint32_t end = shared->durable + 5 * GROUP;
    for (uint32_t row = shared->durable; row < end; row++) {
        journal_intents(journal, &(struct journal_intent){row, CHANNEL_SMS, 1, 0}, 1);
        struct journal_outcome o = {.row = row,
                                    .channel = CHANNEL_SMS,
                                    .outcome = OUTCOME_SENT,
                                    .provider_id = TEXT("SM0123456789abcdef")};
        journal_outcome(journal, &o);
        shared->appended = row + 1 > shared->appended ? row + 1 : shared->appended;
        if (row % GROUP == GROUP - 1) {
            if (!synced(loop, journal))
                return 1;
            shared->durable = row + 1;
        }
    }
    journal_close(&journal);
    loop_destroy(&loop);
    return 0;
}

/* check: every row that was acknowledged is there, none behind what was appended. Returns whether the
 * decisions are. */
static bool check(const char *place)
{
    struct replay replay = {0};
    struct error err = {0};
    if (!replay_exists(fixture_dir)) {
        cr_expect_eq(shared->durable, 0, "%s: the journal is gone", place);
        return false;
    }
    cr_assert_eq(replay_read(fixture_dir, NULL, &replay, &err), 0, "%s: %s", place,
                 err.text);
    bool decided = replay.chunk_count > 0;
    cr_assert(!decided || replay.chunk_count == fixture_header.rows / GROUP, "%s", place);
    for (uint32_t row = 0; decided && row < replay.rows; row++) {
        bool sent = replay.states[CHANNEL_SMS][row].outcome == OUTCOME_SENT;
        cr_expect(sent || row >= shared->durable, "%s: row %u is lost", place, row);
        cr_expect(!sent || row < shared->appended, "%s: row %u was never sent", place,
                  row);
    }
    replay_fini(&replay);
    return decided;
}

/* killed_at: whether a writer died of the place, with this loop. */
static bool killed_at(const char *place, const char *loop, bool *decided)
{
    int status;
    pid_t pid = fork();
    cr_assert(pid >= 0);
    if (pid == 0) {
        setenv("VOLLEY_LOOP", loop, 1);
        _exit(write_until_killed(place, *decided));
    }
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    cr_assert(killed || (WIFEXITED(status) && WEXITSTATUS(status) == 0), "%s: %d", place,
              status);
    *decided = check(place);
    return killed;
}

static void kill_everywhere(const char *loop)
{
    static const enum failpoint places[] = {
        FAILPOINT_FILE_FILLED,   FAILPOINT_FILE_NAMED,   FAILPOINT_FILE_BEGUN,
        FAILPOINT_CUT_FILES,     FAILPOINT_CUT_TAIL,     FAILPOINT_CUT_DONE,
        FAILPOINT_GROUP_CLOSED,  FAILPOINT_GROUP_SEALED, FAILPOINT_GROUP_WRITTEN,
        FAILPOINT_GROUP_DURABLE, FAILPOINT_CLOSE_BEGUN,  FAILPOINT_CLOSE_VOUCHED};
    /* What begins a file is passed early, what a tail is cut by once in each later writer. */
    static const int passes[] = {1, 2, 1, 3};
    for (size_t i = 0; i < ARRAY_COUNT(places); i++) {
        unsigned kills = 0;
        bool decided = false;
        fixture_clear();
        *shared = (struct shared){0};
        for (size_t pass = 0; pass < ARRAY_COUNT(passes); pass++) {
            char place[64];
            snprintf(place, sizeof(place), "%s:%d", failpoint_name(places[i]),
                     passes[pass]);
            kills += killed_at(place, loop, &decided);
        }
        cr_expect_geq(kills, 1, "%s kills nobody", failpoint_name(places[i]));
        /* nobody is killed any more: it goes on to its end */
        cr_expect_not(killed_at("spool-moved", loop, &decided));
        cr_expect(decided && shared->durable > 0);
    }
}

Test(journal_crash, nothing_acknowledged_is_lost_with_epoll)
{
    kill_everywhere("epoll");
}

Test(journal_crash, nothing_acknowledged_is_lost_with_uring)
{
    struct loop *loop;
    setenv("VOLLEY_LOOP", "uring", 1);
    if (loop_create(&loop, NULL))
        cr_skip("the kernel or a container refuses io_uring");
    loop_destroy(&loop);
    kill_everywhere("uring");
}
