/* backlog: see backlog.h. A list per account and priority, in the order of arrival; choosing looks
 * at the heads only. */
#include "engine/jobs/backlog.h"

#include "base/check.h"
#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS 16384 /* some 100,000 jobs are a few in each */

struct job_list {
    struct backlog_job *first, *last;
};

struct backlog_account {
    char *name;
    unsigned running;
    size_t jobs;    /* in the backlog, wherever */
    size_t cancels; /* of them, to be started only to close their books */
    bool held;      /* those alone may start */
    uint64_t turn;  /* of its last start; 0: none yet */
    struct job_list waiting[PRIORITY_COUNT];
    struct backlog_account *next, *previous, *same_bucket;
};

struct backlog {
    struct backlog_job *jobs[BUCKETS];
    struct backlog_account *account_buckets[BUCKETS];
    struct backlog_account *accounts;
    struct job_list later;
    int64_t next_due_ns; /* not after the first of later is due */
    size_t waiting[PRIORITY_COUNT], later_count;
    uint64_t turn;
};

struct backlog_job *backlog_job_make(struct text id, struct text account,
                                     const char *name, enum priority priority,
                                     int64_t due_ns)
{
    struct backlog_job *job = calloc(1, sizeof(*job));
    CHECK(job != NULL && priority < PRIORITY_COUNT);
    job->id = text_copy(id);
    job->account = text_copy(account);
    job->name = text_copy(text_of(name));
    job->priority = priority;
    job->due_ns = due_ns;
    return job;
}

void backlog_job_free(struct backlog_job **job)
{
    if (!*job)
        return;
    free((*job)->id);
    free((*job)->account);
    free((*job)->name);
    free(*job);
    *job = NULL;
}

struct backlog *backlog_create(void)
{
    struct backlog *backlog = calloc(1, sizeof(*backlog));
    CHECK(backlog != NULL);
    backlog->next_due_ns = INT64_MAX;
    return backlog;
}

void backlog_destroy(struct backlog **at)
{
    struct backlog *backlog = *at;
    *at = NULL;
    if (!backlog)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct backlog_job *job = backlog->jobs[i], *next; job; job = next) {
            next = job->same_bucket;
            backlog_job_free(&job);
        }
    }
    for (struct backlog_account *a = backlog->accounts, *next; a; a = next) {
        next = a->next;
        free(a->name);
        free(a);
    }
    free(backlog);
}

static size_t bucket_of(struct text name)
{
    return hash64(name.data, name.bytes) % BUCKETS;
}

/* --- accounts --- */

static struct backlog_account *account_of(struct backlog *backlog, const char *name)
{
    struct backlog_account **bucket = &backlog->account_buckets[bucket_of(text_of(name))];
    for (struct backlog_account *a = *bucket; a; a = a->same_bucket) {
        if (strcmp(a->name, name) == 0)
            return a;
    }
    struct backlog_account *account = calloc(1, sizeof(*account));
    CHECK(account != NULL);
    account->name = text_copy(text_of(name));
    account->same_bucket = *bucket;
    *bucket = account;
    account->next = backlog->accounts;
    if (account->next)
        account->next->previous = account;
    backlog->accounts = account;
    return account;
}

static void leave_account(struct backlog *backlog, struct backlog_account *account)
{
    if (--account->jobs > 0)
        return;
    struct backlog_account **at =
        &backlog->account_buckets[bucket_of(text_of(account->name))];
    while (*at != account)
        at = &(*at)->same_bucket;
    *at = account->same_bucket;
    if (account->previous)
        account->previous->next = account->next;
    else
        backlog->accounts = account->next;
    if (account->next)
        account->next->previous = account->previous;
    free(account->name);
    free(account);
}

/* --- lists --- */

/* put: behind all that came before; one that was here before goes back to its place. */
static void put(struct job_list *list, struct backlog_job *job)
{
    struct backlog_job *before = list->last;
    while (before && before->since_ns > job->since_ns)
        before = before->previous;
    job->previous = before;
    job->next = before ? before->next : list->first;
    *(job->next ? &job->next->previous : &list->last) = job;
    *(before ? &before->next : &list->first) = job;
}

static void unlink_job(struct job_list *list, struct backlog_job *job)
{
    *(job->previous ? &job->previous->next : &list->first) = job->next;
    *(job->next ? &job->next->previous : &list->last) = job->previous;
    job->next = job->previous = NULL;
}

static void wait_now(struct backlog *backlog, struct backlog_job *job)
{
    job->place = BACKLOG_WAITING;
    backlog->waiting[job->priority]++;
    put(&job->owner->waiting[job->priority], job);
}

void backlog_add(struct backlog *backlog, struct backlog_job *job, int64_t steady_ns)
{
    struct backlog_job **bucket = &backlog->jobs[bucket_of(text_of(job->id))];
    if (job->since_ns == 0)
        job->since_ns = steady_ns;
    job->owner = account_of(backlog, job->account);
    job->owner->jobs++;
    job->owner->cancels += job->cancel;
    job->same_bucket = *bucket;
    *bucket = job;
    if (job->due_ns == 0) {
        wait_now(backlog, job);
        return;
    }
    job->place = BACKLOG_LATER;
    backlog->later_count++;
    if (job->due_ns < backlog->next_due_ns)
        backlog->next_due_ns = job->due_ns;
    put(&backlog->later, job);
}

struct backlog_job *backlog_find(const struct backlog *backlog, struct text id)
{
    for (struct backlog_job *job = backlog->jobs[bucket_of(id)]; job;
         job = job->same_bucket) {
        if (text_is(id, job->id))
            return job;
    }
    return NULL;
}

static void leave_list(struct backlog *backlog, struct backlog_job *job)
{
    if (job->place == BACKLOG_WAITING) {
        backlog->waiting[job->priority]--;
        unlink_job(&job->owner->waiting[job->priority], job);
    } else if (job->place == BACKLOG_LATER) {
        backlog->later_count--;
        unlink_job(&backlog->later, job);
    } else {
        job->owner->running--;
    }
}

void backlog_remove(struct backlog *backlog, struct backlog_job *job)
{
    struct backlog_job **at = &backlog->jobs[bucket_of(text_of(job->id))];
    while (*at != job)
        at = &(*at)->same_bucket;
    *at = job->same_bucket;
    leave_list(backlog, job);
    job->owner->cancels -= job->cancel;
    leave_account(backlog, job->owner);
    job->owner = NULL;
}

/* --- choosing --- */

static void wake_due(struct backlog *backlog, int64_t now_ns)
{
    if (now_ns < backlog->next_due_ns)
        return;
    backlog->next_due_ns = INT64_MAX;
    for (struct backlog_job *job = backlog->later.first, *next; job; job = next) {
        next = job->next;
        if (job->due_ns <= now_ns) {
            leave_list(backlog, job);
            wait_now(backlog, job);
        } else if (job->due_ns < backlog->next_due_ns) {
            backlog->next_due_ns = job->due_ns;
        }
    }
}

void backlog_hold(struct backlog *backlog, const struct text *accounts, size_t count)
{
    for (struct backlog_account *a = backlog->accounts; a; a = a->next)
        a->held = false;
    for (size_t i = 0; i < count; i++) {
        struct backlog_account *a = backlog->account_buckets[bucket_of(accounts[i])];
        while (a && !text_is(accounts[i], a->name))
            a = a->same_bucket;
        if (a)
            a->held = true;
    }
}

/* first_of: the account's job that is next among those of a priority. */
static struct backlog_job *first_of(const struct backlog_account *a, int priority)
{
    struct backlog_job *job =
        a->held && a->cancels == 0 ? NULL : a->waiting[priority].first;
    while (job && a->held && !job->cancel)
        job = job->next;
    return job;
}

static struct backlog_job *oldest(const struct backlog *backlog)
{
    struct backlog_job *found = NULL;
    for (const struct backlog_account *a = backlog->accounts; a; a = a->next) {
        for (int p = 0; p < PRIORITY_COUNT; p++) {
            struct backlog_job *job = first_of(a, p);
            if (job && (!found || job->since_ns < found->since_ns))
                found = job;
        }
    }
    return found;
}

/* fairer: a before b, of equal priority. */
static bool fairer(const struct backlog_job *a, const struct backlog_job *b)
{
    if (a->owner->running != b->owner->running)
        return a->owner->running < b->owner->running;
    if (a->owner->turn != b->owner->turn)
        return a->owner->turn < b->owner->turn;
    return a->since_ns < b->since_ns;
}

static struct backlog_job *fairest(const struct backlog *backlog, int priority)
{
    struct backlog_job *found = NULL;
    for (const struct backlog_account *a = backlog->accounts; a; a = a->next) {
        struct backlog_job *job = first_of(a, priority);
        if (job && (!found || fairer(job, found)))
            found = job;
    }
    return found;
}

static struct backlog_job *choose(const struct backlog *backlog, int64_t steady_ns)
{
    if ((backlog->turn + 1) % BACKLOG_AGED_TURN == 0) {
        struct backlog_job *job = oldest(backlog);
        if (job && steady_ns - job->since_ns >= BACKLOG_AGED_NS)
            return job;
    }
    for (int p = 0; p < PRIORITY_COUNT; p++) {
        struct backlog_job *job = backlog->waiting[p] > 0 ? fairest(backlog, p) : NULL;
        if (job)
            return job;
    }
    return NULL;
}

struct backlog_job *backlog_next(struct backlog *backlog, int64_t steady_ns,
                                 int64_t now_ns)
{
    wake_due(backlog, now_ns);
    struct backlog_job *job = choose(backlog, steady_ns);
    if (!job)
        return NULL;
    leave_list(backlog, job);
    job->place = BACKLOG_RUNNING;
    job->owner->running++;
    job->owner->turn = ++backlog->turn;
    return job;
}

size_t backlog_waiting(const struct backlog *backlog)
{
    size_t count = backlog->later_count;
    for (int p = 0; p < PRIORITY_COUNT; p++)
        count += backlog->waiting[p];
    return count;
}
