/* endings: what the slots tell of their jobs, see daemon_private.h. */
#include "engine/jobs/daemon_private.h"

#include "base/failpoint.h"
#include "base/log.h"
#include "engine/jobs/status_file.h"

#include <stdlib.h>

/* interrupted: not paused by a person: the next start goes on. */
static bool interrupted(const struct daemon *d, const struct slot_news *news)
{
    return news->kind == SLOT_ENDED && d->stopping && news->ending.state == JOB_PAUSED &&
           !news->ending.held;
}

static int record(struct daemon *d, const struct slot_news *news, struct error *err)
{
    struct text id = text_of(news->job->id);
    int rc = 0;
    if (news->kind == SLOT_STARTED)
        rc = store_job_state(d->store, id, JOB_RUNNING, TEXT(""), err);
    else if (news->kind == SLOT_REFUSED)
        rc = store_job_state(d->store, id, JOB_FAILED, text_of(news->why.text), err);
    else if (news->kind == SLOT_BLOCKED) /* why is asked of the account, while it lasts */
        rc = store_job_state(d->store, id, JOB_WAITING, TEXT(""), err);
    else if (news->kind == SLOT_ASLEEP)
        rc = store_job_state(d->store, id, JOB_WAITING,
                             TEXT("its messages wait for their customers' hours"), err);
    else if (news->kind == SLOT_ENDED && !interrupted(d, news))
        rc = store_job_state(d->store, id, news->ending.state,
                             text_of(news->ending.reason), err);
    return rc == -ERROR_INPUT ? 0 : rc; /* somebody has forgotten the job meanwhile */
}

int endings_record(struct daemon *d, struct error *err)
{
    *d->news_tail = slots_news(d->slots);
    int rc = 0;
    for (struct slot_news *news = d->news; news; news = news->next) {
        d->news_tail = &news->next;
        if (rc == 0)
            rc = record(d, news, err);
    }
    return rc;
}

static void write_status(struct daemon *d, const struct slot_news *news)
{
    enum job_state state = news->kind == SLOT_REFUSED   ? JOB_FAILED
                           : news->kind == SLOT_PAUSED  ? JOB_PAUSED
                           : news->kind == SLOT_BLOCKED ? JOB_WAITING
                                                        : news->ending.state;
    /* A job that has started shows as running within a second, if it takes that long: a file more for
     * each of thousands of small jobs costs more than all else they need. */
    if (news->kind == SLOT_STARTED || news->kind == SLOT_DONE ||
        news->kind == SLOT_LATER || interrupted(d, news))
        return;
    bool ended = news->kind == SLOT_ENDED || news->kind == SLOT_ASLEEP;
    status_file_write(
        d->home, &(struct status){.job = text_of(news->job->id),
                                  .account = text_of(news->job->account),
                                  .state = state,
                                  .priority = news->job->priority,
                                  .reason = ended ? news->ending.reason : news->why.text,
                                  .books = ended ? &news->ending.books : NULL,
                                  .elapsed_ns = news->ending.elapsed_ns,
                                  .answered_before = news->ending.answered_before});
}

static void log_news(const struct daemon *d, const struct slot_news *news)
{
    const char *id = news->job->id, *name = news->job->name;
    if (news->kind == SLOT_STARTED)
        log_info("engine", "job started", "job=%s file=%s", id, name);
    else if (news->kind == SLOT_DONE)
        log_info("engine", "job done (already sent)", "job=%s file=%s", id, name);
    else if (news->kind == SLOT_LATER)
        log_warn("engine", "job waits", "file=%s reason=\"%s\"", name, news->why.text);
    else if (news->kind == SLOT_BLOCKED)
        log_info("engine", "job waits", "job=%s reason=\"%s\"", id, news->why.text);
    else if (interrupted(d, news))
        log_info("engine", "job stopped at a safe point; the next start goes on",
                 "job=%s", id);
    else if (news->kind == SLOT_ENDED)
        log_info("engine",
                 news->ending.held                     ? "job held"
                 : news->ending.state == JOB_PAUSED    ? "job paused"
                 : news->ending.state == JOB_CANCELLED ? "job cancelled"
                                                       : "job finished",
                 "job=%s", id);
}

static void follow(struct daemon *d, const struct slot_news *news)
{
    const char *name = news->job->name;
    log_news(d, news);
    write_status(d, news);
    switch (news->kind) {
    case SLOT_STARTED:
        return;
    case SLOT_LATER:
    case SLOT_BLOCKED:
    case SLOT_ASLEEP:
        slots_again(d->slots, news->job, news->due_ns);
        return;
    case SLOT_REFUSED:
        daemon_refuse(d, name, &news->why, news->line);
        break;
    case SLOT_DONE:
        daemon_move(d, name, SPOOL_ACTIVE, SPOOL_DONE);
        break;
    case SLOT_PAUSED:
        daemon_move(d, name, SPOOL_ACTIVE, SPOOL_HOLD);
        break;
    case SLOT_ENDED:
        failpoint(FAILPOINT_END_RECORDED);
        if (!interrupted(d, news))
            daemon_move(d, name, SPOOL_ACTIVE,
                        news->ending.state == JOB_PAUSED ? SPOOL_HOLD : SPOOL_DONE);
        break;
    }
    slots_forget(d->slots, news->job);
}

void endings_follow(struct daemon *d)
{
    for (struct slot_news *news = d->news, *next; news; news = next) {
        follow(d, news);
        next = news->next;
        free(news);
    }
    d->news = NULL;
    d->news_tail = &d->news;
}
