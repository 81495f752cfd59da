/* evaluate: see evaluate.h. Workers claim chunks by a counter; ids need the order and
 * take one. */
#include "engine/jobs/evaluate.h"

#include "base/bitmap.h"
#include "base/clock.h"
#include "engine/config.h"
#include "engine/state/store.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct evaluation {
    const struct evaluate *what;
    struct config *config;
    struct store *store;
    struct arena arena;
    struct snapshot *snapshot;
    struct audience *audience;
    uint64_t *needed;
    _Atomic size_t next_chunk;
    _Atomic uint64_t count;
    pthread_mutex_t lock;
    int rc;
    struct error err;
};

static struct text saved(void *arg, struct text name)
{
    struct evaluation *e = arg;
    struct text expression;
    return e->store &&
                   store_audience_get(e->store, name, &e->arena, &expression, NULL) == 1
               ? expression
               : TEXT_NONE;
}

static int compile(struct evaluation *e, struct error *err)
{
    size_t columns;
    const struct column *schema = snapshot_schema(e->snapshot, &columns);
    struct audience_env env = {.now_ns = clock_now_ns(),
                               .params = e->what->params,
                               .param_count = e->what->param_count,
                               .saved = saved,
                               .arg = e};
    int rc = audience_compile(e->what->where, schema, columns, &env, &e->audience, err);
    if (rc)
        return rc;
    e->needed = calloc(bitmap_words(columns) + 1, sizeof(*e->needed));
    CHECK(e->needed != NULL);
    audience_columns(e->audience, e->needed);
    if (e->what->id_fn)
        bitmap_set(e->needed, (size_t)snapshot_column(e->snapshot, SNAPSHOT_ID));
    return 0;
}

static void give_ids(const struct evaluation *e, const struct chunk *chunk,
                     const uint64_t *selected)
{
    const struct column *id = &chunk->columns[snapshot_column(e->snapshot, SNAPSHOT_ID)];
    for (size_t r = bitmap_next(selected, 0, chunk->rows); r < chunk->rows;
         r = bitmap_next(selected, r + 1, chunk->rows)) {
        char digits[24];
        int64_t number, row = chunk->first + (int64_t)r;
        struct text t = TEXT("");
        if (column_is_text(id))
            t = column_text(id, row);
        else if (column_integer(id, row, &number))
            t = (struct text){
                digits, (size_t)snprintf(digits, sizeof(digits), "%" PRId64, number)};
        e->what->id_fn(e->what->arg, t);
    }
}

static int scan(struct evaluation *e, struct error *err)
{
    struct snapshot_cursor *cursor = snapshot_cursor_create(e->snapshot, e->needed);
    struct audience_scratch *scratch = audience_scratch_create(e->audience);
    uint64_t selected[CHUNK_ROWS_MAX / 64];
    uint64_t count = 0;
    int rc = 0;
    for (size_t c; rc == 0 && (c = atomic_fetch_add(&e->next_chunk, 1)) <
                                  snapshot_chunks(e->snapshot);) {
        struct chunk chunk;
        rc = snapshot_cursor_chunk(cursor, c, &chunk, err);
        if (rc)
            break;
        audience_select(e->audience, scratch, &chunk, selected);
        count += bitmap_count(selected, chunk.rows);
        if (e->what->id_fn)
            give_ids(e, &chunk, selected);
    }
    atomic_fetch_add(&e->count, count);
    audience_scratch_destroy(&scratch);
    snapshot_cursor_destroy(&cursor);
    return rc;
}

static void *scan_main(void *arg)
{
    struct evaluation *e = arg;
    struct error err;
    int rc = scan(e, &err);
    pthread_mutex_lock(&e->lock);
    if (rc && e->rc == 0) {
        e->rc = rc;
        e->err = err;
    }
    pthread_mutex_unlock(&e->lock);
    return NULL;
}

static int scan_all(struct evaluation *e, struct error *err)
{
    pthread_t threads[256];
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t workers =
        e->what->workers ? e->what->workers : (size_t)(processors > 0 ? processors : 1);
    if (e->what->id_fn || workers > snapshot_chunks(e->snapshot))
        workers = 1;
    workers = workers > ARRAY_COUNT(threads) ? ARRAY_COUNT(threads) : workers;
    for (size_t i = 1; i < workers; i++)
        CHECK(pthread_create(&threads[i], NULL, scan_main, e) == 0);
    scan_main(e);
    for (size_t i = 1; i < workers; i++)
        pthread_join(threads[i], NULL);
    if (e->rc && err)
        *err = e->err;
    return e->rc;
}

int evaluate(const struct evaluate *what, uint64_t *count_out, uint64_t *rows_out,
             struct error *err)
{
    struct evaluation e = {.what = what};
    pthread_mutex_init(&e.lock, NULL);
    /* A filter can be tried without a home. */
    if (config_load(what->home, &e.config, NULL))
        e.config = NULL;
    if (e.config && store_open(what->home, false, &e.store, NULL))
        e.store = NULL;
    int rc = arena_init(&e.arena, (size_t)1 << 24, err);
    if (rc == 0)
        rc = snapshot_open(what->path, e.config ? e.config->aliases : NULL,
                           e.config ? e.config->alias_count : 0, &e.snapshot, err);
    if (rc == 0)
        rc = compile(&e, err);
    if (rc == 0)
        rc = scan_all(&e, err);
    if (rc == 0) {
        *count_out = atomic_load(&e.count);
        *rows_out = snapshot_rows(e.snapshot);
    }
    free(e.needed);
    audience_destroy(&e.audience);
    snapshot_close(&e.snapshot);
    arena_fini(&e.arena);
    if (e.store)
        store_close(&e.store);
    config_destroy(&e.config);
    pthread_mutex_destroy(&e.lock);
    return rc;
}
