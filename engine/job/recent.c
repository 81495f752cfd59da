/* recent: see recent.h.
 *
 * A thousand small jobs a day must not each read what all those before them did. So a process keeps a
 * table for each account, the base, with the jobs that are in it; a job that starts gets a reference to
 * it and two small tables beside it: what came since, and what is over or has left the window. When these
 * have grown, the base is made anew. */
#include "engine/job/recent.h"

#include "base/file.h"
#include "engine/job/recent_kept.h"
#include "outbox/journal/replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JOBS_BYTES ((size_t)64 << 20)
/* The base is made anew after so many changed jobs, or customers as a share of its own. */
#define CHANGED_JOBS_MAX       32
#define CHANGED_CUSTOMERS_PART 4

/* --- the result --- */

struct recent {
    struct recent_base *base;
    struct recent_table more, less;
};

unsigned recent_of(const struct recent *recent, uint64_t hash)
{
    unsigned had = recent_table_of(&recent->base->table, hash) +
                   recent_table_of(&recent->more, hash);
    unsigned gone = recent_table_of(&recent->less, hash);
    unsigned left = had > gone ? had - gone : 0;
    return left < REACHED_COUNT_MAX ? left : REACHED_COUNT_MAX;
}

void recent_free(struct recent **recent)
{
    if (!*recent)
        return;
    recent_base_release(&(*recent)->base);
    recent_table_fini(&(*recent)->more);
    recent_table_fini(&(*recent)->less);
    free(*recent);
    *recent = NULL;
}

/* --- one job --- */

struct loading {
    struct store *store;
    const struct config *config;
    const struct recent_asks *asks;
    struct arena arena; /* ids */
    struct recent_sources sources;
    struct recent *recent;
};

static bool path_of(const struct loading *l, struct text id, const char *name,
                    char out[PATH_BYTES])
{
    int bytes = snprintf(out, PATH_BYTES, "%s/outbox/%.*s/%s", l->config->home,
                         TEXT_ARGS(id), name);
    return bytes < PATH_BYTES && file_exists(out);
}

static void warn(const struct loading *l, struct text id, const struct error *why,
                 const char *instead)
{
    struct error sentence;
    error_set(
        &sentence, ERROR_INPUT,
        "frequency_cap: job %.*s cannot be counted exactly (%s); until its folder is "
        "moved out of outbox/, %s",
        TEXT_ARGS(id), why->text, instead);
    if (l->asks->warn)
        l->asks->warn(l->asks->arg, sentence.text);
}

/* count_safely: of a job whose journal is damaged. Nobody may get one too many because of that, and
 * the account must be able to go on. */
static void count_safely(const struct loading *l, struct text id, const struct error *why,
                         struct reached *out)
{
    char path[PATH_BYTES];
    struct error ignored;
    bool planned = path_of(l, id, REACHED_PLANNED, path) && reached_read(path, out);
    if (planned)
        warn(l, id, why, "everybody it planned a message for counts as having got it");
    else if (path_of(l, id, "", path) &&
             reached_of_snapshot(path, l->config, out, &ignored) == 0)
        warn(l, id, why, "everybody in its snapshot counts as having got one message");
    else
        warn(l, id, why, "it is not counted at all, for its snapshot is damaged too");
}

static void count_journal(const struct loading *l, const struct recent_source *source,
                          struct reached *out)
{
    char dir[PATH_BYTES], path[PATH_BYTES];
    struct error why;
    if (!path_of(l, source->id, "", dir))
        return;
    if (replay_exists(dir) && reached_of_journal(dir, l->config, NULL, out, &why)) {
        reached_fini(out);
        count_safely(l, source->id, &why, out);
    } else if (source->over && path_join(path, dir, TEXT(REACHED_ENDED), &why) == 0) {
        (void)!reached_write(path, out, &why); /* or the next one reads the journal too */
    }
}

static bool read_file(const struct loading *l, const struct recent_source *source,
                      struct reached *out)
{
    char path[PATH_BYTES];
    return path_of(l, source->id, source->over ? REACHED_ENDED : REACHED_PLANNED, path) &&
           reached_read(path, out);
}

/* --- all of them --- */

/* source_of: how a job counts, or false. */
static bool source_of(const struct loading *l, const struct store_recent_job *job,
                      struct recent_source *out)
{
    char path[PATH_BYTES];
    if (text_equal(job->id, l->asks->job) || !path_of(l, job->id, "", path))
        return false;
    *out = (struct recent_source){
        .id = job->id, .over = job->state == JOB_FINISHED || job->state == JOB_CANCELLED};
    /* What failed before it began has planned, and reaches nobody. */
    if (!out->over && job->state == JOB_FAILED && !replay_exists(path))
        return false;
    out->growing = !out->over && !path_of(l, job->id, REACHED_PLANNED, path);
    return true;
}

static int list_sources(struct loading *l, int64_t now_ns, struct error *err)
{
    struct store_recent_job *jobs;
    size_t count = 0;
    int rc = store_jobs_since(
        l->store, l->asks->account, category_name(CATEGORY_MARKETING),
        now_ns - l->config->frequency_cap.window_ns, &l->arena, &jobs, &count, err);
    if (rc)
        return rc;
    l->sources.items = calloc(count + 1, sizeof(*l->sources.items));
    CHECK(l->sources.items != NULL);
    for (size_t i = 0; i < count; i++) {
        struct recent_source source;
        if (source_of(l, &jobs[i], &source))
            l->sources.items[l->sources.count++] = source;
    }
    qsort(l->sources.items, l->sources.count, sizeof(*l->sources.items),
          recent_source_order);
    return 0;
}

/* add: a plan that cannot be read counts as its journal does, which the base must not hold. */
static void add(struct loading *l, struct recent_source *source)
{
    struct reached reached = {0};
    if (!source->growing && !read_file(l, source, &reached)) {
        source->growing = !source->over;
        if (source->over)
            count_journal(l, source, &reached);
    }
    recent_table_add_all(&l->recent->more, &reached);
    reached_fini(&reached);
}

/* take_back: of a job that is in the base. False: the base has to be made anew. */
static bool take_back(struct loading *l, const struct recent_source *source)
{
    struct reached reached = {0};
    bool read = read_file(l, source, &reached);
    recent_table_add_all(&l->recent->less, &reached);
    reached_fini(&reached);
    return read && !l->recent->base->table.full;
}

/* compare: what came and went since the base was made; how many, or -1: it cannot be told. */
static int compare(struct loading *l, const struct recent_sources *in_base)
{
    int changed = 0;
    size_t i = 0, j = 0;
    while (i < l->sources.count || j < in_base->count) {
        struct recent_source *now = i < l->sources.count ? &l->sources.items[i] : NULL;
        const struct recent_source *was = j < in_base->count ? &in_base->items[j] : NULL;
        int order = !was ? -1 : !now ? 1 : recent_source_order(now, was);
        i += order <= 0;
        j += order >= 0;
        changed += order != 0;
        if (order < 0)
            add(l, now);
        else if (order > 0 && !take_back(l, was))
            return -1;
    }
    return changed;
}

/* keep: the base with what has changed, for the jobs to come. */
static void keep(struct loading *l, struct recent_kept *a)
{
    struct recent *r = l->recent;
    struct recent_base *fresh = recent_base_create();
    recent_table_sum(&r->base->table, &r->more, &r->less, &fresh->table);
    recent_table_fini(&r->more);
    recent_table_fini(&r->less);
    recent_base_release(&r->base);
    recent_kept_forget(a);
    r->base = a->base = fresh;
    atomic_fetch_add(&fresh->references, 1);
    a->sources.items = calloc(l->sources.count + 1, sizeof(*a->sources.items));
    CHECK(a->sources.items != NULL);
    for (size_t i = 0; i < l->sources.count; i++) {
        const struct recent_source *source = &l->sources.items[i];
        if (!source->growing)
            a->sources.items[a->sources.count++] = (struct recent_source){
                .id = text_of(text_copy(source->id)), .over = source->over};
    }
}

static void count_all(struct loading *l, struct recent_kept *a)
{
    struct recent *r = l->recent;
    r->base = a->base ? a->base : recent_base_create();
    if (a->base)
        atomic_fetch_add(&a->base->references, 1);
    int changed = compare(l, &a->sources);
    if (changed < 0) {
        const struct recent_sources none = {0};
        recent_base_release(&r->base);
        recent_table_fini(&r->more);
        recent_table_fini(&r->less);
        r->base = recent_base_create();
        changed = compare(l, &none);
        keep(l, a);
    } else if (changed > CHANGED_JOBS_MAX ||
               r->more.count + r->less.count >
                   r->base->table.count / CHANGED_CUSTOMERS_PART) {
        keep(l, a);
    }
    for (size_t i = 0; i < l->sources.count; i++) {
        const struct recent_source *source = &l->sources.items[i];
        struct reached reached = {0};
        if (!source->growing)
            continue;
        count_journal(l, source, &reached);
        recent_table_add_all(&r->more, &reached);
        reached_fini(&reached);
    }
}

/* take_back_resent: if what a job tried cannot be told any more, it counts. */
static void take_back_resent(struct loading *l)
{
    for (size_t i = 0; l->asks->resend && i < l->asks->resent_count; i++) {
        char dir[PATH_BYTES];
        struct reached reached = {0};
        bool known =
            path_of(l, l->asks->resent[i], "", dir) && replay_exists(dir) &&
            reached_of_journal(dir, l->config, l->asks->resend, &reached, NULL) == 0;
        if (known)
            recent_table_add_all(&l->recent->less, &reached);
        reached_fini(&reached);
    }
}

int recent_load(struct store *store, const struct config *config,
                const struct recent_asks *asks, int64_t now_ns, struct recent **out,
                struct error *err)
{
    struct loading l = {.store = store, .config = config, .asks = asks};
    int rc = arena_init(&l.arena, JOBS_BYTES, err);
    if (rc)
        return rc;
    struct recent_kept *a = recent_kept_of(config->home, asks->account);
    pthread_mutex_lock(&a->lock);
    rc = list_sources(&l, now_ns, err);
    if (rc == 0) {
        l.recent = calloc(1, sizeof(*l.recent));
        CHECK(l.recent != NULL);
        count_all(&l, a);
        take_back_resent(&l);
        recent_kept_make_room(a);
        *out = l.recent;
    }
    pthread_mutex_unlock(&a->lock);
    free(l.sources.items);
    arena_fini(&l.arena);
    return rc;
}
