/* filter_scalar: the audience of bench/filters.py as anybody would write it in C: one row
 * after the other, the cheapest question first. With --csv the columns it reads, for
 * peers that cannot read Arrow. */
#include "base/clock.h"
#include "ingest/snapshot.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define THREADS_MAX 64

enum { VERIFIED, OPTED_OUT, STATUS, VISIT_COUNT, JOINED, TAGS, USED_COUNT };
static const char *const used_names[USED_COUNT] = {
    "email_verified", "optout_marketing_email",
    "status",         "visit_count",
    "joined",         "tags"};

struct question {
    struct snapshot *snapshot;
    int columns[USED_COUNT]; /* in the snapshot */
    uint64_t needed;
    int32_t since; /* days */
    bool lists;
    bool csv;
};

struct worker {
    const struct question *question;
    pthread_t thread;
    size_t first_chunk, end_chunk;
    uint64_t count;
    struct error err;
    int rc;
};

static const struct column *used(const struct question *q, const struct chunk *chunk,
                                 int which)
{
    return &chunk->columns[q->columns[which]];
}

static bool bit(const struct column *column, int64_t row)
{
    return ((const uint64_t *)column->values)[row / 64] >> (row % 64) & 1;
}

static struct text tag_at(const struct column *tags, int32_t element)
{
    const struct column *child = tags->children;
    const int32_t *offsets = child->offsets;
    return (struct text){(const char *)child->values + offsets[element],
                         (size_t)(offsets[element + 1] - offsets[element])};
}

static bool has_tag(const struct column *tags, int64_t row, struct text wanted)
{
    const int32_t *offsets = tags->offsets;
    for (int32_t i = offsets[row]; i < offsets[row + 1]; i++) {
        if (text_equal(tag_at(tags, i), wanted))
            return true;
    }
    return false;
}

static uint64_t count_chunk(const struct question *q, const struct chunk *chunk)
{
    const struct column *verified = used(q, chunk, VERIFIED);
    const struct column *opted_out = used(q, chunk, OPTED_OUT);
    const int64_t *status = used(q, chunk, STATUS)->values;
    const int64_t *visit_count = used(q, chunk, VISIT_COUNT)->values;
    const int32_t *joined = used(q, chunk, JOINED)->values;
    const struct column *tags = used(q, chunk, TAGS);
    uint64_t count = 0;
    for (int64_t row = chunk->first; row < chunk->first + chunk->rows; row++) {
        if (bit(verified, row) && !bit(opted_out, row) &&
            (status[row] == 0 || status[row] == 1) && visit_count[row] >= 5 &&
            joined[row] >= q->since && !(q->lists && has_tag(tags, row, TEXT("vip"))))
            count++;
    }
    return count;
}

static void print_chunk(const struct question *q, const struct chunk *chunk)
{
    const struct column *tags = used(q, chunk, TAGS);
    const int32_t *offsets = tags->offsets;
    for (int64_t row = chunk->first; row < chunk->first + chunk->rows; row++) {
        printf("%d,%d,%" PRId64 ",%" PRId64 ",%" PRId32 ",",
               bit(used(q, chunk, VERIFIED), row), bit(used(q, chunk, OPTED_OUT), row),
               ((const int64_t *)used(q, chunk, STATUS)->values)[row],
               ((const int64_t *)used(q, chunk, VISIT_COUNT)->values)[row],
               ((const int32_t *)used(q, chunk, JOINED)->values)[row]);
        for (int32_t i = offsets[row]; i < offsets[row + 1]; i++)
            printf("%s%.*s", i > offsets[row] ? "|" : "", TEXT_ARGS(tag_at(tags, i)));
        putchar('\n');
    }
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct snapshot_cursor *cursor =
        snapshot_cursor_create(w->question->snapshot, &w->question->needed);
    for (size_t i = w->first_chunk; w->rc == 0 && i < w->end_chunk; i++) {
        struct chunk chunk;
        w->rc = snapshot_cursor_chunk(cursor, i, &chunk, &w->err);
        if (w->rc == 0 && w->question->csv)
            print_chunk(w->question, &chunk);
        else if (w->rc == 0)
            w->count += count_chunk(w->question, &chunk);
    }
    snapshot_cursor_destroy(&cursor);
    return NULL;
}

static int count_all(const struct question *q, size_t threads, uint64_t *count_out,
                     struct error *err)
{
    struct worker workers[THREADS_MAX] = {0};
    size_t chunks = snapshot_chunks(q->snapshot);
    int rc = 0;
    *count_out = 0;
    for (size_t t = 0; t < threads; t++) {
        workers[t] = (struct worker){.question = q,
                                     .first_chunk = chunks * t / threads,
                                     .end_chunk = chunks * (t + 1) / threads};
        CHECK(pthread_create(&workers[t].thread, NULL, work, &workers[t]) == 0);
    }
    for (size_t t = 0; t < threads; t++) {
        pthread_join(workers[t].thread, NULL);
        *count_out += workers[t].count;
        if (workers[t].rc && rc == 0) {
            rc = workers[t].rc;
            *err = workers[t].err;
        }
    }
    return rc;
}

static int find_columns(struct question *q, struct error *err)
{
    size_t count;
    const struct column *schema = snapshot_schema(q->snapshot, &count);
    for (int i = 0; i < USED_COUNT; i++) {
        q->columns[i] = column_find(schema, count, text_of(used_names[i]));
        if (q->columns[i] < 0 || q->columns[i] >= 64)
            return error_set(err, ERROR_INPUT, "no column \"%s\": make_snapshot makes it",
                             used_names[i]);
        if (i != TAGS || q->lists)
            q->needed |= (uint64_t)1 << q->columns[i];
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct error err;
    struct question q = {.since = (int32_t)days_from_civil(2024, 6, 1)};
    uint64_t count = 0;
    if (argc != 4) {
        fprintf(stderr, "usage: filter_scalar FILE.arrow lists|scalars|--csv THREADS\n");
        return 2;
    }
    size_t threads = strtoul(argv[3], NULL, 10);
    q.csv = strcmp(argv[2], "--csv") == 0;
    q.lists = q.csv || strcmp(argv[2], "lists") == 0;
    if (threads < 1 || threads > THREADS_MAX || (q.csv && threads != 1)) {
        fprintf(stderr, "filter_scalar: 1 to %d threads; --csv takes one\n", THREADS_MAX);
        return 2;
    }
    int64_t start_ns = clock_steady_ns();
    int rc = snapshot_open(argv[1], NULL, 0, &q.snapshot, &err);
    if (rc == 0)
        rc = find_columns(&q, &err);
    if (rc == 0)
        rc = count_all(&q, threads, &count, &err);
    double elapsed_s = (double)(clock_steady_ns() - start_ns) / (double)NS_PER_S;
    if (q.snapshot)
        snapshot_close(&q.snapshot);
    if (rc) {
        fprintf(stderr, "filter_scalar: %s\n", err.text);
        return error_exit_status(err.kind);
    }
    if (!q.csv)
        printf("{\"count\": %" PRIu64 ", \"elapsed_s\": %.9f}\n", count, elapsed_s);
    return 0;
}
