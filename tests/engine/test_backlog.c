#include "engine/jobs/backlog.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct backlog *backlog;

static void set_up(void)
{
    backlog = backlog_create();
}

static void tear_down(void)
{
    backlog_destroy(&backlog);
}

TestSuite(backlog, .init = set_up, .fini = tear_down);

static void add(const char *id, const char *account, enum priority priority,
                int64_t due_ns, int64_t steady_ns)
{
    struct backlog_job *job =
        backlog_job_make(text_of(id), text_of(account), "f.json", priority, due_ns);
    job->cancel = id[0] == 'C';
    backlog_add(backlog, job, steady_ns);
}

static void end(const char *id)
{
    struct backlog_job *job = backlog_find(backlog, text_of(id));
    cr_assert_not_null(job, "%s", id);
    backlog_remove(backlog, job);
    backlog_job_free(&job);
}

/* Each step is `+id account priority`, `-id` (it has ended), `#account` (that one is held, the others
 * are not), or `id`: that one is next; `.`: none is. An id that begins with C is to be cancelled. Arrivals are a nanosecond apart. */
static const struct {
    const char *what, *steps[20];
} cases[] = {
    {"oldest first", {"+a x 1", "+b x 1", "a", "b", "."}},
    {"priority before age", {"+a x 2", "+b x 1", "+c x 0", "c", "b", "a", "."}},
    {"accounts take turns",
     {"+a1 x 1", "+a2 x 1", "+a3 x 1", "+b1 y 1", "+b2 y 1", "a1", "b1", "a2", "b2",
      "a3"}},
    {"the account with fewer jobs at work",
     {"+a1 x 1", "+a2 x 1", "a1", "a2", "+b1 y 1", "+a3 x 1", "+b2 y 1", "+b3 y 1", "b1",
      "b2", "-a1", "-a2", "a3", "b3"}},
    {"priority before fairness", {"+a1 x 0", "+a2 x 0", "+b y 1", "a1", "a2", "b"}},
    {"an account that is gone begins anew",
     {"+a x 1", "a", "-a", "+a x 1", "+b y 1", "a", "b"}},
    {"a held account's jobs stay, the others' go on",
     {"+a x 0", "+b y 1", "+c x 1", "#x", "b", ".", "#-", "a", "c", "."}},
    {"held while one of its jobs runs", {"+a x 1", "+b x 1", "a", "#x", ".", "-a", "."}},
    {"a held account's books are closed",
     {"+a x 1", "+C1 x 1", "+b y 2", "#x", "C1", "b", ".", "-C1", ".", "#y", "a"}},
    {"one that waits can be taken out",
     {"+a x 1", "+b x 1", "+c x 1", "-b", "a", "c", "."}},
};

Test(backlog, who_is_next)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tear_down();
        set_up();
        for (int s = 0; s < 20 && cases[i].steps[s]; s++) {
            const char *step = cases[i].steps[s];
            char id[16], account[16];
            unsigned priority;
            if (sscanf(step, "+%15s %15s %u", id, account, &priority) == 3) {
                add(id, account, (enum priority)priority, 0, s + 1);
            } else if (step[0] == '-') {
                end(step + 1);
            } else if (step[0] == '#') {
                struct text held = text_of(step + 1);
                backlog_hold(backlog, &held, 1);
            } else {
                struct backlog_job *job = backlog_next(backlog, 100, 100);
                cr_expect_str_eq(job ? job->id : ".", step, "%s, step %d: %s",
                                 cases[i].what, s, job ? job->id : ".");
            }
        }
    }
}

Test(backlog, later_ones_wait_for_their_time)
{
    add("soon", "x", PRIORITY_HIGH, 50, 1);
    add("late", "x", PRIORITY_HIGH, 70, 2);
    add("now", "x", PRIORITY_LOW, 0, 3);
    cr_expect_eq(backlog_waiting(backlog), 3);
    cr_expect_str_eq(backlog_next(backlog, 10, 49)->id, "now");
    cr_expect_null(backlog_next(backlog, 10, 49));
    cr_expect_str_eq(backlog_next(backlog, 10, 50)->id, "soon");
    cr_expect_null(backlog_next(backlog, 10, 69));
    cr_expect_str_eq(backlog_next(backlog, 10, 70)->id, "late");
    cr_expect_eq(backlog_waiting(backlog), 0);
    cr_expect_not_null(backlog_find(backlog, TEXT("late")));
}

/* A stream of high ones never ends; the low one behind them starts all the same, and the high
 * ones hardly notice. */
Test(backlog, nothing_starves)
{
    int64_t steady_ns = NS_PER_S;
    add("low", "x", PRIORITY_LOW, 0, steady_ns);
    int starts = 0;
    for (bool started = false; !started; starts++) {
        char id[32];
        cr_assert_lt(starts, 1000);
        snprintf(id, sizeof(id), "high-%d", starts);
        add(id, "y", PRIORITY_HIGH, 0, steady_ns);
        steady_ns += NS_PER_S;
        struct backlog_job *job = backlog_next(backlog, steady_ns, 1);
        started = job->priority == PRIORITY_LOW;
        end(job->id);
    }
    int64_t aged = BACKLOG_AGED_NS / NS_PER_S;
    cr_expect(starts >= aged && starts <= aged + BACKLOG_AGED_TURN, "after %d starts",
              starts);
}

/* The same 20,000 jobs in any order of account and priority: each comes out once, high before
 * normal before low. */
Test(backlog, each_comes_out_once)
{
    enum { JOBS = 20000 };
    static bool seen[JOBS];
    for (int i = 0; i < JOBS; i++) {
        char id[32], account[32];
        snprintf(id, sizeof(id), "%d", i);
        snprintf(account, sizeof(account), "a%d", i * 7 % 500);
        add(id, account, (enum priority)(i * 31 % 3), 0, i + 1);
    }
    enum priority last = PRIORITY_HIGH;
    for (int i = 0; i < JOBS; i++) {
        struct backlog_job *job = backlog_next(backlog, JOBS, 1);
        cr_assert_not_null(job);
        int number = atoi(job->id);
        cr_assert(!seen[number] && job->priority >= last);
        seen[number] = true;
        last = job->priority;
        end(job->id);
    }
    cr_expect_null(backlog_next(backlog, JOBS, 1));
}
