/* slots: see slots.h. */
#include "engine/jobs/slots.h"

#include "base/file.h"
#include "base/log.h"
#include "engine/jobs/start.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* With so many jobs at work a new one gets one worker and three batches, which bounds memory: a batch
 * of emails with text and HTML takes some 5 MB. */
#define GENEROUS_MAX  2
#define JOB_BYTES_MAX ((size_t)64 << 20)
/* A run that has nothing to do for so long leaves its slot to others. */
#define ASLEEP_NS (30 * NS_PER_S)
#define POLL_MS   100
/* By then the backlog has been told which accounts are blocked, and keeps their jobs. */
#define BLOCKED_AGAIN_NS NS_PER_S
#define IDLE_MS          100 /* between looks for jobs that have become due */

struct slot {
    struct slots *slots;
    struct store *store;
    struct run *run; /* what others may see of it; under the lock */
    pthread_t thread;
};

struct slots {
    const char *home;
    struct process *process;
    struct io_thread *io;
    int news_fd;
    pthread_mutex_t lock;
    pthread_cond_t work;
    /* Under the lock: */
    struct backlog *backlog;
    const struct config *config;
    struct slot_news *news, **news_tail;
    unsigned running;
    unsigned alive; /* threads */
    _Atomic bool stopping;
    unsigned count;
    struct run **runs; /* [count]: the control thread's, for a tick */
    struct slot slots[];
};

static void tell(struct slots *slots, const struct slot_news *what)
{
    struct slot_news *news = malloc(sizeof(*news));
    CHECK(news != NULL);
    *news = *what;
    news->next = NULL;
    pthread_mutex_lock(&slots->lock);
    *slots->news_tail = news;
    slots->news_tail = &news->next;
    pthread_mutex_unlock(&slots->lock);
    (void)!write(slots->news_fd, &(uint64_t){1}, sizeof(uint64_t));
}

static void show(struct slot *slot, struct run *run)
{
    pthread_mutex_lock(&slot->slots->lock);
    slot->run = run;
    pthread_mutex_unlock(&slot->slots->lock);
}

/* follow: a run until it is over and closed. */
static void follow(struct slot *slot, struct backlog_job *job, struct run *run)
{
    struct slot_news news = {.kind = SLOT_STARTED, .job = job};
    tell(slot->slots, &news);
    show(slot, run);
    if (job->cancel)
        run_cancel(run);
    while (run_poll(run, POLL_MS) == RUN_GOING) {
        int64_t until_ns = run_waits_until_ns(run);
        if (atomic_load(&slot->slots->stopping)) {
            run_pause(run);
        } else if (until_ns > clock_now_ns() + ASLEEP_NS) {
            news.due_ns = until_ns;
            run_put_off(run);
        }
    }
    show(slot, NULL);
    int rc = run_close(&run, &news.ending, &news.why);
    news.kind = rc == 0 ? SLOT_ENDED : rc == -ERROR_AGAIN ? SLOT_LATER : SLOT_REFUSED;
    if (news.kind ==
        SLOT_LATER) /* somebody kept state.db: the journal has how far it came */
        news.retry_ns = clock_steady_ns() + SLOTS_AGAIN_NS;
    if (news.kind == SLOT_ENDED && news.ending.state == JOB_WAITING) {
        news.kind = SLOT_ASLEEP;
    } else if (news.kind == SLOT_ENDED && news.ending.blocked) {
        news.kind = SLOT_BLOCKED;
        error_set(&news.why, ERROR_AGAIN, "%s", news.ending.reason);
        news.retry_ns = clock_steady_ns() + BLOCKED_AGAIN_NS;
    }
    tell(slot->slots, &news);
}

static int open_job(struct slot *slot, struct backlog_job *job, bool frugal,
                    const struct config *config, struct start_problem *first,
                    struct run **run_out, struct error *err)
{
    struct job_env env = {.home = slot->slots->home,
                          .config = config,
                          .store = slot->store,
                          .frugal = frugal,
                          .closing = job->cancel,
                          .problem_fn = start_problem,
                          .arg = first};
    char path[PATH_BYTES];
    struct buffer content = {0};
    int rc = snprintf(path, sizeof(path), "%s/spool/active/%s", env.home, job->name) <
                     PATH_BYTES
                 ? file_read(path, JOB_BYTES_MAX, &content, err)
                 : error_set(err, ERROR_INPUT, "the path %.80s… is too long", path);
    if (rc == 0)
        rc = start_recorded(slot->slots->io, &env, buffer_view(&content), job->name,
                            run_out, err);
    buffer_fini(&content);
    return rc;
}

static void run_job_of(struct slot *slot, struct backlog_job *job, bool frugal,
                       const struct config *config)
{
    struct start_problem first = {0};
    struct slot_news news = {.kind = SLOT_REFUSED, .job = job};
    struct run *run = NULL;
    char sentence[ACCOUNT_BLOCKED_BYTES];
    if (!job->cancel &&
        account_blocked(slot->store, text_of(job->account), sentence, NULL) == 1) {
        news.kind = SLOT_BLOCKED;
        error_set(&news.why, ERROR_AGAIN, "%s", sentence);
        news.retry_ns = clock_steady_ns() + BLOCKED_AGAIN_NS;
        tell(slot->slots, &news);
        return;
    }
    int answer = open_job(slot, job, frugal, config, &first, &run, &news.why);
    news.line = first.line;
    switch (answer) {
    case START_RUNNING:
        follow(slot, job, run);
        return;
    case START_DONE:
        news.kind = SLOT_DONE;
        break;
    case START_PAUSED:
        news.kind = SLOT_PAUSED;
        break;
    case START_WAITING: /* the calendar went back */
    case -ERROR_AGAIN:
    case -ERROR_IO:
    case -ERROR_TEMPORARY:
        news.kind = SLOT_LATER;
        news.retry_ns = clock_steady_ns() + SLOTS_AGAIN_NS;
        break;
    default:
        break;
    }
    tell(slot->slots, &news);
}

static struct backlog_job *wait_for_job(struct slots *slots)
{
    while (!atomic_load(&slots->stopping)) {
        struct backlog_job *job =
            backlog_next(slots->backlog, clock_steady_ns(), clock_now_ns());
        if (job)
            return job;
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until); /* the calendar may be set */
        int64_t ns = until.tv_nsec + IDLE_MS * NS_PER_MS;
        until.tv_sec += ns / NS_PER_S;
        until.tv_nsec = ns % NS_PER_S;
        pthread_cond_timedwait(&slots->work, &slots->lock, &until);
    }
    return NULL;
}

static void *slot_main(void *arg)
{
    struct slot *slot = arg;
    struct slots *slots = slot->slots;
    struct backlog_job *job;
    pthread_mutex_lock(&slots->lock);
    while ((job = wait_for_job(slots))) {
        bool frugal = slots->running++ >= GENEROUS_MAX;
        const struct config *config = slots->config;
        pthread_mutex_unlock(&slots->lock);
        run_job_of(slot, job, frugal, config);
        pthread_mutex_lock(&slots->lock);
        slots->running--;
    }
    slots->alive--;
    pthread_mutex_unlock(&slots->lock);
    return NULL;
}

/* --- from the control thread --- */

int slots_create(const char *home, struct process *process, struct io_thread *io,
                 unsigned count, struct slots **out, struct error *err)
{
    struct slots *slots = calloc(1, sizeof(*slots) + count * sizeof(slots->slots[0]));
    CHECK(slots != NULL);
    slots->home = home;
    slots->process = process;
    slots->io = io;
    slots->count = count;
    slots->config = process_config(process);
    slots->backlog = backlog_create();
    slots->news_tail = &slots->news;
    slots->runs = calloc(count, sizeof(struct run *));
    CHECK(slots->runs != NULL);
    pthread_mutex_init(&slots->lock, NULL);
    pthread_condattr_t steady;
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&slots->work, &steady);
    pthread_condattr_destroy(&steady);
    *out = slots;
    slots->news_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (slots->news_fd < 0)
        return error_io(err, "cannot make an event descriptor");
    for (unsigned i = 0; i < count; i++) {
        slots->slots[i].slots = slots;
        int rc = store_open(home, false, &slots->slots[i].store, err);
        if (rc)
            return rc;
    }
    pthread_mutex_lock(&slots->lock);
    for (; slots->alive < count; slots->alive++)
        CHECK(pthread_create(&slots->slots[slots->alive].thread, NULL, slot_main,
                             &slots->slots[slots->alive]) == 0);
    pthread_mutex_unlock(&slots->lock);
    return 0;
}

void slots_stop(struct slots *slots, void (*tick_fn)(void *arg), void *arg)
{
    bool started = slots->count > 0 && slots->slots[slots->count - 1].store;
    pthread_mutex_lock(&slots->lock);
    atomic_store(&slots->stopping, true);
    pthread_cond_broadcast(&slots->work);
    while (slots->alive > 0) {
        pthread_mutex_unlock(&slots->lock);
        tick_fn(arg);
        usleep(5000);
        pthread_mutex_lock(&slots->lock);
    }
    pthread_mutex_unlock(&slots->lock);
    for (unsigned i = 0; started && i < slots->count; i++)
        pthread_join(slots->slots[i].thread, NULL);
}

void slots_destroy(struct slots **at)
{
    struct slots *slots = *at;
    *at = NULL;
    if (!slots)
        return;
    for (unsigned i = 0; i < slots->count; i++) {
        if (slots->slots[i].store)
            store_close(&slots->slots[i].store);
    }
    for (struct slot_news *news = slots_news(slots), *next; news; news = next) {
        next = news->next;
        free(news);
    }
    if (slots->news_fd >= 0)
        close(slots->news_fd);
    backlog_destroy(&slots->backlog);
    pthread_mutex_destroy(&slots->lock);
    pthread_cond_destroy(&slots->work);
    free(slots->runs);
    free(slots);
}

int slots_fd(const struct slots *slots)
{
    return slots->news_fd;
}

struct slot_news *slots_news(struct slots *slots)
{
    uint64_t count;
    (void)!read(slots->news_fd, &count, sizeof(count));
    pthread_mutex_lock(&slots->lock);
    struct slot_news *news = slots->news;
    slots->news = NULL;
    slots->news_tail = &slots->news;
    pthread_mutex_unlock(&slots->lock);
    return news;
}

void slots_add(struct slots *slots, struct backlog_job *job)
{
    pthread_mutex_lock(&slots->lock);
    backlog_add(slots->backlog, job, clock_steady_ns());
    pthread_cond_signal(&slots->work);
    pthread_mutex_unlock(&slots->lock);
}

struct backlog_job *slots_take(struct slots *slots, struct text id, bool *known_out)
{
    pthread_mutex_lock(&slots->lock);
    struct backlog_job *job = backlog_find(slots->backlog, id);
    *known_out = job != NULL;
    if (job && job->place == BACKLOG_RUNNING)
        job = NULL;
    if (job)
        backlog_remove(slots->backlog, job);
    pthread_mutex_unlock(&slots->lock);
    return job;
}

bool slots_know(struct slots *slots, struct text id)
{
    pthread_mutex_lock(&slots->lock);
    bool known = backlog_find(slots->backlog, id) != NULL;
    pthread_mutex_unlock(&slots->lock);
    return known;
}

bool slots_has_file(struct slots *slots, struct text id, const char *name)
{
    pthread_mutex_lock(&slots->lock);
    const struct backlog_job *job = backlog_find(slots->backlog, id);
    bool has = job && strcmp(job->name, name) == 0;
    pthread_mutex_unlock(&slots->lock);
    return has;
}

void slots_hold(struct slots *slots, const struct text *accounts, size_t count)
{
    pthread_mutex_lock(&slots->lock);
    backlog_hold(slots->backlog, accounts, count);
    pthread_mutex_unlock(&slots->lock);
}

size_t slots_waiting(struct slots *slots)
{
    pthread_mutex_lock(&slots->lock);
    size_t waiting = backlog_waiting(slots->backlog);
    pthread_mutex_unlock(&slots->lock);
    return waiting;
}

void slots_forget(struct slots *slots, struct backlog_job *job)
{
    pthread_mutex_lock(&slots->lock);
    backlog_remove(slots->backlog, job);
    pthread_mutex_unlock(&slots->lock);
    backlog_job_free(&job);
}

void slots_again(struct slots *slots, struct backlog_job *job, int64_t due_ns,
                 int64_t retry_ns)
{
    pthread_mutex_lock(&slots->lock);
    backlog_remove(slots->backlog, job);
    job->due_ns = due_ns;
    job->retry_ns = retry_ns;
    backlog_add(slots->backlog, job, clock_steady_ns());
    pthread_mutex_unlock(&slots->lock);
}

void slots_tick(struct slots *slots)
{
    size_t count = 0;
    pthread_mutex_lock(&slots->lock);
    for (unsigned i = 0; i < slots->count; i++) {
        if (slots->slots[i].run)
            slots->runs[count++] = slots->slots[i].run;
    }
    process_tick(slots->process, slots->runs, count);
    slots->config = process_config(slots->process);
    pthread_mutex_unlock(&slots->lock);
}

void slots_each(struct slots *slots, void (*fn)(void *arg, struct run *run), void *arg)
{
    pthread_mutex_lock(&slots->lock);
    for (unsigned i = 0; i < slots->count; i++) {
        if (slots->slots[i].run)
            fn(arg, slots->slots[i].run);
    }
    pthread_mutex_unlock(&slots->lock);
}
