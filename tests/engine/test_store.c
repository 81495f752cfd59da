/* store: what is put comes back, two processes at once, and what happens to a home that
 * is none. */
#include "base/clock.h"
#include "engine/state/account.h"
#include "engine/state/store_private.h"
#include "tests/engine/home.h"

#include <criterion/criterion.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char home[64];
static struct store *store;
static struct arena arena;
static struct error err;

static void setup(void)
{
    home_make(home);
    cr_assert_eq(store_open(home, true, &store, &err), 0, "%s", err.text);
    cr_assert_eq(arena_init(&arena, 64 << 20, NULL), 0);
}

static void teardown(void)
{
    clock_freeze(-1);
    store_close(&store);
    arena_fini(&arena);
    home_remove(home);
}

TestSuite(store, .init = setup, .fini = teardown);

Test(store, no_home)
{
    struct store *other = NULL;
    char path[PATH_BYTES];
    cr_expect_eq(store_open("/nowhere", false, &other, &err), -ERROR_INPUT);
    cr_expect_str_eq(
        err.text, "/nowhere is no volley home (no state.db): run `volley init /nowhere`");
    cr_expect_eq(store_open("/nowhere", true, &other, &err), -ERROR_INPUT);
    store_close(&store);
    cr_assert_eq(path_join(path, home, TEXT("state.db"), NULL), 0);
    cr_assert_eq(
        file_write(path, TEXT("this is no database, but long enough to be read"), NULL),
        0);
    cr_expect_eq(store_open(home, false, &other, &err), -ERROR_IO);
    cr_expect_not_null(strstr(err.text, "damaged"), "%s", err.text);
    cr_expect_null(other);
}

Test(store, schema_of_a_newer_program)
{
    struct store *other = NULL;
    cr_assert_eq(sqlite3_exec(store->db, "PRAGMA user_version = 999", 0, 0, 0), 0);
    cr_expect_eq(store_open(home, false, &other, &err), -ERROR_INPUT);
    cr_expect_not_null(strstr(err.text, "newer volley (schema 999"), "%s", err.text);
}

Test(store, secret_is_random_kept_and_private)
{
    unsigned char one[32], again[32];
    struct stat st;
    char path[PATH_BYTES];
    cr_assert_eq(store_secret(store, one, &err), 0);
    store_close(&store);
    cr_assert_eq(store_open(home, false, &store, &err), 0);
    cr_assert_eq(store_secret(store, again, &err), 0);
    cr_expect_arr_eq(one, again, 32);
    cr_assert_eq(path_join(path, home, TEXT("state.db"), NULL), 0);
    cr_assert_eq(stat(path, &st), 0);
    cr_expect_eq(st.st_mode & 0777, 0600);
    char second[64];
    struct store *other;
    home_make(second);
    cr_assert_eq(store_open(second, true, &other, &err), 0);
    cr_assert_eq(store_secret(other, again, &err), 0);
    cr_expect_neq(memcmp(one, again, 32), 0);
    store_close(&other);
    home_remove(second);
}

Test(store, jobs)
{
    struct store_job job = {.id = TEXT("a"),
                            .account = TEXT("studio"),
                            .category = TEXT("marketing"),
                            .template_name = TEXT("t"),
                            .spool_name = TEXT("a.json"),
                            .priority = PRIORITY_LOW,
                            .state = JOB_WAITING,
                            .created_ns = 5,
                            .send_at_ns = 77};
    struct store_job got, *all;
    size_t count;
    cr_expect_eq(store_job_get(store, TEXT("a"), &arena, &got, &err), 0);
    cr_assert_eq(store_job_put(store, &job, &err), 0, "%s", err.text);
    cr_assert_eq(store_job_get(store, TEXT("a"), &arena, &got, &err), 1);
    cr_expect(text_is(got.account, "studio") && text_is(got.template_name, "t") &&
              text_is(got.spool_name, "a.json") && text_is(got.source, ""));
    cr_expect(got.state == JOB_WAITING && got.control == JOB_CONTROL_NONE &&
              got.created_ns == 5 && got.send_at_ns == 77 && got.started_ns == 0 &&
              got.pid == 0 && got.priority == PRIORITY_LOW);

    clock_freeze(100);
    cr_assert_eq(store_job_state(store, job.id, JOB_RUNNING, TEXT_NONE, &err), 0, "%s",
                 err.text);
    cr_assert_eq(store_job_control(store, job.id, JOB_CONTROL_PAUSE, &err), 0);
    cr_assert_eq(store_job_get(store, job.id, &arena, &got, &err), 1);
    cr_expect(got.state == JOB_RUNNING && got.control == JOB_CONTROL_PAUSE &&
              got.started_ns == 100 && got.finished_ns == 0 && got.pid == getpid());
    clock_freeze(200);
    cr_assert_eq(store_job_state(store, job.id, JOB_PAUSED, TEXT("asked"), &err), 0);
    cr_assert_eq(store_job_get(store, job.id, &arena, &got, &err), 1);
    cr_expect_eq(got.control, JOB_CONTROL_NONE, "fulfilled");
    cr_assert_eq(store_job_state(store, job.id, JOB_RUNNING, TEXT_NONE, &err), 0);
    cr_assert_eq(store_job_control(store, job.id, JOB_CONTROL_CANCEL, &err), 0);
    cr_assert_eq(store_job_state(store, job.id, JOB_PAUSED, TEXT("held"), &err), 0);
    cr_assert_eq(store_job_get(store, job.id, &arena, &got, &err), 1);
    cr_expect_eq(got.control, JOB_CONTROL_CANCEL, "it came while the job was pausing");
    clock_freeze(300);
    cr_assert_eq(store_job_state(store, job.id, JOB_FAILED, TEXT("no template"), &err),
                 0);
    cr_assert_eq(store_job_get(store, job.id, &arena, &got, &err), 1);
    cr_expect(got.started_ns == 100 && got.finished_ns == 300 && got.pid == 0);
    cr_expect(text_is(got.reason, "no template"));

    for (int i = 0; i < 20; i++) {
        char id[16];
        snprintf(id, sizeof(id), "b%02d", i);
        job.id = text_of(id);
        job.created_ns = 10 + i;
        cr_assert_eq(store_job_put(store, &job, &err), 0);
    }
    cr_assert_eq(store_jobs(store, &arena, &all, &count, &err), 0);
    cr_assert_eq(count, 21);
    cr_expect(text_is(all[0].id, "b19") && text_is(all[19].id, "b00") &&
              text_is(all[20].id, "a"));
    cr_expect_eq(store_job_state(store, TEXT("b1"), JOB_PAUSED, TEXT_NONE, &err),
                 -ERROR_INPUT);
    cr_expect_not_null(strstr(err.text, "no job \"b1\" (did you mean \"b19\"?)"), "%s",
                       err.text);
    cr_expect_eq(store_job_control(store, TEXT("zzzzzz"), JOB_CONTROL_CANCEL, &err),
                 -ERROR_INPUT);
    cr_expect_str_eq(err.text, "no job \"zzzzzz\"");
}

Test(store, a_full_arena_is_an_error)
{
    struct arena small;
    struct store_job job = {.id = TEXT("a"), .account = TEXT("studio")}, got, *all;
    size_t count;
    cr_assert_eq(arena_init(&small, 1, NULL), 0);
    cr_assert_eq(store_job_put(store, &job, &err), 0);
    arena_alloc(&small, small.capacity_bytes - 8);
    cr_expect_eq(store_job_get(store, job.id, &small, &got, &err), -ERROR_IO);
    arena_reset(&small);
    arena_alloc(&small, small.capacity_bytes - 8);
    cr_expect_eq(store_jobs(store, &small, &all, &count, &err), -ERROR_IO);
    arena_fini(&small);
}

Test(store, audiences)
{
    struct store_audience *all;
    struct text expression;
    size_t count;
    cr_assert_eq(
        store_audience_save(store, TEXT("vips"), TEXT("'vip' = ANY(tags)"), &err), 0);
    cr_assert_eq(store_audience_save(store, TEXT("everybody"), TEXT_NONE, &err), 0);
    cr_assert_eq(store_audience_save(store, TEXT("vips"), TEXT("true"), &err), 0);
    cr_expect_eq(store_audience_get(store, TEXT("vips"), &arena, &expression, &err), 1);
    cr_expect(text_is(expression, "true"));
    cr_expect_eq(store_audience_get(store, TEXT("VIPs"), &arena, &expression, &err), 0);
    cr_assert_eq(store_audiences(store, &arena, &all, &count, &err), 0);
    cr_assert_eq(count, 2);
    cr_expect(text_is(all[0].name, "everybody") && text_is(all[0].expression, ""));
    cr_expect_eq(store_audience_remove(store, TEXT("vips"), &err), 1);
    cr_expect_eq(store_audience_remove(store, TEXT("vips"), &err), 0);
    static const char *const bad[] = {"", " a", "a\n", "\xff"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        cr_expect_eq(store_audience_save(store, text_of(bad[i]), TEXT("x"), &err),
                     -ERROR_INPUT);
}

Test(store, one_notice_an_allowance)
{
    struct text account = TEXT("studio"), month = TEXT("2026-11");
    cr_expect_eq(store_notice_claim(store, account, month, 500, TEXT("a"), &err), 1);
    cr_expect_eq(store_notice_claim(store, account, month, 500, TEXT("b"), &err), 0);
    cr_expect_eq(store_notice_claim(store, account, month, 500, TEXT("a"), &err), 1);
    cr_expect_eq(store_notice_claim(store, account, month, 600, TEXT("b"), &err), 1);
    cr_expect_eq(
        store_notice_claim(store, account, TEXT("2026-12"), 500, TEXT("c"), &err), 1);
    cr_expect_eq(store_notice_claim(store, TEXT("gym"), month, 500, TEXT("d"), &err), 1);
}

Test(store, a_failed_step_undoes_its_transaction)
{
    struct text expression;
    cr_assert_eq(store_begin(store, &err), 0);
    cr_assert_eq(store_audience_save(store, TEXT("a"), TEXT("x"), &err), 0);
    cr_assert_eq(store_begin(store, &err), 0);
    cr_expect_eq(store_end(store, -ERROR_INPUT, &err), -ERROR_INPUT);
    cr_expect_eq(store_end(store, 0, &err), -ERROR_IO);
    cr_expect_eq(store_audience_get(store, TEXT("a"), &arena, &expression, &err), 0);
    cr_expect_eq(store_begin(store, &err), 0); /* and the next one is not affected */
    cr_expect_eq(store_end(store, 0, &err), 0);
}

/* Several processes make the same fresh home and write at once: nobody fails, one claim
 * wins. */
Test(store, processes_at_once)
{
    enum { PROCESSES = 6, WRITES = 20 };
    char fresh[64];
    pid_t pids[PROCESSES];
    home_make(fresh);
    for (int p = 0; p < PROCESSES; p++) {
        pids[p] = fork();
        cr_assert_geq(pids[p], 0);
        if (pids[p] > 0)
            continue;
        struct store *mine = NULL;
        char id[40];
        int failed = store_open(fresh, true, &mine, &err);
        for (int i = 0; i < WRITES && !failed; i++) {
            snprintf(id, sizeof(id), "job-%d-%d", p, i);
            failed = store_job_put(mine, &(struct store_job){.id = text_of(id)}, &err);
        }
        int won =
            failed ? 0
                   : store_notice_claim(mine, TEXT("a"), TEXT("m"), 1, text_of(id), &err);
        store_close(&mine);
        if (failed)
            fprintf(stderr, "%s\n", err.text);
        _exit(failed ? 2 : won);
    }
    int winners = 0;
    for (int p = 0; p < PROCESSES; p++) {
        int status;
        waitpid(pids[p], &status, 0);
        cr_expect(WIFEXITED(status) && WEXITSTATUS(status) < 2);
        winners += WIFEXITED(status) && WEXITSTATUS(status) == 1;
    }
    cr_expect_eq(winners, 1);
    struct store *mine;
    struct store_job *all;
    size_t count;
    cr_assert_eq(store_open(fresh, false, &mine, &err), 0);
    cr_assert_eq(store_jobs(mine, &arena, &all, &count, &err), 0);
    cr_expect_eq(count, PROCESSES * WRITES);
    store_close(&mine);
    home_remove(fresh);
}
