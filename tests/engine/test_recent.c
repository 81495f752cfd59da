/* recent: what a process keeps from job to job against counting all files anew, over jobs that start,
 * end and leave the window. */
#include "base/clock.h"
#include "base/hash.h"
#include "engine/job/reached.h"
#include "engine/job/recent.h"
#include "engine/state/optout.h"
#include "tests/engine/studio.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { CUSTOMERS = 300, JOBS = 120 };

static struct studio studio;
static struct error err;
static char warned[512];

static void setup(void)
{
    studio_open(&studio, 10);
    studio.config->frequency_cap.messages = 3;
    studio.config->frequency_cap.window_ns = 7 * 24 * 3600 * NS_PER_S;
    warned[0] = '\0';
}

static void teardown(void)
{
    clock_freeze(-1);
    studio_close(&studio);
}

TestSuite(recent, .init = setup, .fini = teardown);

static uint64_t hash_of(uint32_t customer)
{
    return hash64(&customer, sizeof(customer));
}

static void file_of(unsigned job, const char *name, char out[PATH_BYTES])
{
    snprintf(out, PATH_BYTES, "%s/outbox/j%u/%s", studio.home, job, name);
}

static void write_reached(unsigned job, const char *name, const struct reached *reached)
{
    char path[PATH_BYTES];
    file_of(job, "", path);
    studio_must(file_make_dirs(path, &err), &err);
    file_of(job, name, path);
    studio_must(reached_write(path, reached, &err), &err);
}

static void set_state(unsigned job, enum job_state state)
{
    char id[16];
    snprintf(id, sizeof(id), "j%u", job);
    struct store_job entry = {.id = text_of(id),
                              .account = TEXT("studio"),
                              .category = TEXT("marketing"),
                              .state = state,
                              .started_ns = clock_now_ns()};
    if (state == JOB_RUNNING)
        studio_must(store_job_put(studio.store, &entry, &err), &err);
    else
        studio_must(store_job_state(studio.store, entry.id, state, TEXT(""), &err), &err);
}

static void on_warning(void *arg, const char *sentence)
{
    (void)arg;
    snprintf(warned, sizeof(warned), "%s", sentence);
}

static struct recent *load(const char *job)
{
    struct recent *recent;
    struct recent_asks asks = {
        .account = TEXT("studio"), .job = text_of(job), .warn = on_warning};
    studio_must(
        recent_load(studio.store, studio.config, &asks, clock_now_ns(), &recent, &err),
        &err);
    return recent;
}

/* What the model knows of a job: what counts of it now. */
struct model {
    uint8_t counts[CUSTOMERS];
    int64_t started_ns;
    bool over;
};

static void random_reached(struct model *m, struct reached *out)
{
    *out = (struct reached){0};
    for (uint32_t c = 0; c < CUSTOMERS; c++) {
        m->counts[c] = rand() % 5 ? 0 : (uint8_t)(1 + rand() % 3);
        if (m->counts[c])
            reached_add(out, hash_of(c), m->counts[c]);
    }
}

Test(recent, agrees_with_counting_anew)
{
    static struct model jobs[JOBS];
    int64_t now_ns = 1800000000 * NS_PER_S;
    srand(5);
    for (unsigned j = 0; j < JOBS; j++) {
        struct reached reached;
        now_ns += 4 * 3600 * NS_PER_S; /* 42 jobs are in the window */
        clock_freeze(now_ns);
        jobs[j].started_ns = now_ns;
        random_reached(&jobs[j], &reached);
        write_reached(j, REACHED_PLANNED, &reached);
        reached_fini(&reached);
        set_state(j, JOB_RUNNING);
        unsigned over = (unsigned)rand() % (j + 1); /* some end, and have reached fewer */
        if (!jobs[over].over) {
            jobs[over].over = true;
            random_reached(&jobs[over], &reached);
            write_reached(over, REACHED_ENDED, &reached);
            reached_fini(&reached);
            set_state(over, rand() % 2 ? JOB_FINISHED : JOB_CANCELLED);
        }
        struct recent *recent = load("new"), *self = load("j0");
        for (uint32_t c = 0; c < CUSTOMERS; c++) {
            unsigned want = 0;
            for (unsigned k = 0; k <= j; k++) {
                bool in =
                    jobs[k].started_ns >= now_ns - studio.config->frequency_cap.window_ns;
                want += in ? jobs[k].counts[c] : 0;
            }
            cr_assert_eq(recent_of(recent, hash_of(c)), want, "after job %u, %u", j, c);
            bool in =
                jobs[0].started_ns >= now_ns - studio.config->frequency_cap.window_ns;
            cr_assert_eq(recent_of(self, hash_of(c)), want - (in ? jobs[0].counts[c] : 0),
                         "itself, after job %u", j);
        }
        recent_free(&recent);
        recent_free(&self);
    }
    cr_expect_str_eq(warned, "");
}

Test(recent, more_than_a_word_can_count)
{
    struct reached reached = {0};
    reached_add(&reached, hash_of(1), 200);
    for (unsigned j = 0; j < 3; j++) {
        write_reached(j, REACHED_ENDED, &reached);
        set_state(j, JOB_RUNNING);
        set_state(j, JOB_FINISHED);
    }
    reached_fini(&reached);
    struct recent *recent = load("new");
    cr_expect_eq(recent_of(recent, hash_of(1)), REACHED_COUNT_MAX);
    recent_free(&recent);
    for (unsigned j = 0; j < 2; j++) { /* a folder that is gone counts no more */
        char path[PATH_BYTES];
        file_of(j, REACHED_ENDED, path);
        cr_assert_eq(unlink(path), 0);
        file_of(j, "", path);
        cr_assert_eq(rmdir(path), 0);
    }
    recent = load("new");
    cr_expect_eq(recent_of(recent, hash_of(1)), 200);
    recent_free(&recent);
}

Test(recent, a_file_is_whole_or_none)
{
    struct reached reached = {0}, back;
    char path[PATH_BYTES];
    struct buffer content = {0};
    for (uint32_t c = 0; c < 50; c++)
        reached_add(&reached, hash_of(c), c + 1);
    write_reached(0, REACHED_PLANNED, &reached);
    file_of(0, REACHED_PLANNED, path);
    cr_assert(reached_read(path, &back));
    cr_assert_eq(back.count, 50);
    cr_expect_arr_eq(back.words, reached.words, 50 * sizeof(*back.words));
    reached_fini(&back);
    cr_assert_eq(file_read(path, 1 << 20, &content, &err), 0);
    struct text whole = buffer_view(&content);
    for (size_t bytes = 0; bytes < whole.bytes; bytes++) {
        studio_must(file_replace(path, (struct text){whole.data, bytes}, &err), &err);
        cr_expect_not(reached_read(path, &back), "cut to %zu", bytes);
        char *other = text_copy(whole);
        other[bytes] ^= 0x10;
        studio_must(file_replace(path, (struct text){other, whole.bytes}, &err), &err);
        cr_expect_not(reached_read(path, &back), "byte %zu", bytes);
        free(other);
    }
    buffer_fini(&content);
    reached_fini(&reached);
}

/* The journal is no journal: what was planned counts, else everybody, else nobody, and each is said. */
Test(recent, a_damaged_job_counts_on_the_safe_side)
{
    struct reached reached = {0};
    char path[PATH_BYTES], from[PATH_BYTES];
    reached_add(&reached, hash_of(1), 1);
    write_reached(0, REACHED_PLANNED, &reached);
    reached_fini(&reached);
    file_of(0, "journal.0000", path);
    studio_must(file_replace(path, TEXT("no journal"), &err), &err);
    set_state(0, JOB_RUNNING);
    set_state(0, JOB_FINISHED);
    struct recent *recent = load("new");
    cr_expect_eq(recent_of(recent, hash_of(1)), 1);
    cr_expect_eq(recent_of(recent, hash_of(2)), 0);
    cr_expect(strstr(warned, "job j0 ") && strstr(warned, "everybody it planned"), "%s",
              warned);
    recent_free(&recent);
    file_of(0, REACHED_PLANNED, path);
    cr_assert_eq(unlink(path), 0);
    set_state(1, JOB_RUNNING); /* or it would be known already */
    set_state(1, JOB_FINISHED);
    file_of(1, "", path);
    studio_must(file_make_dirs(path, &err), &err);
    file_of(1, "journal.0000", path);
    studio_must(file_replace(path, TEXT("no journal"), &err), &err);
    recent = load("new");
    cr_expect(strstr(warned, "job j1 ") && strstr(warned, "not counted"), "%s", warned);
    recent_free(&recent);
    file_of(2, "", path);
    studio_must(file_make_dirs(path, &err), &err);
    file_of(2, "snapshot.arrow", path);
    studio_must(path_join(from, studio.home, TEXT("studio.arrow"), &err), &err);
    cr_assert_eq(link(from, path), 0);
    file_of(2, "journal.0000", path);
    studio_must(file_replace(path, TEXT("no journal"), &err), &err);
    set_state(2, JOB_RUNNING);
    set_state(2, JOB_FINISHED);
    recent = load("new");
    cr_expect(strstr(warned, "job j2 ") && strstr(warned, "everybody in its snapshot"),
              "%s", warned);
    cr_expect_eq(recent_of(recent, optout_hash(OPTOUT_CUSTOMER, TEXT("c7"))), 1);
    recent_free(&recent);
}
