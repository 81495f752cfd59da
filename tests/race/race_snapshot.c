/* race_snapshot: threads with cursors over one snapshot, in order and at random, with the
 * same and with other columns; every one sees the rows that are there. */
#include "ingest/arrow/arrow_write.h"
#include "ingest/snapshot.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define THREADS      4
#define BATCHES      12
#define BATCH_ROWS   9001
#define RANDOM_STEPS 400

static struct snapshot *snapshot;

static void write_snapshot(const char *path)
{
    static int64_t ids[BATCH_ROWS];
    static double twice[BATCH_ROWS];
    struct column columns[] = {
        {.name = "id", .type = COLUMN_INT64, .values = ids},
        {.name = "twice", .type = COLUMN_FLOAT64, .values = twice}};
    struct arrow_writer *writer;
    CHECK(arrow_writer_open(path, columns, 2, &writer, NULL) == 0);
    for (int64_t batch = 0; batch < BATCHES; batch++) {
        for (int64_t row = 0; row < BATCH_ROWS; row++) {
            ids[row] = batch * BATCH_ROWS + row;
            twice[row] = (double)(2 * ids[row]);
        }
        columns[0].rows = columns[1].rows = BATCH_ROWS;
        CHECK(arrow_writer_batch(writer, columns, NULL) == 0);
    }
    CHECK(arrow_writer_close(&writer, true, NULL) == 0);
}

static void check_chunk(struct snapshot_cursor *cursor, size_t number, bool with_twice)
{
    struct chunk chunk;
    CHECK(snapshot_cursor_chunk(cursor, number, &chunk, NULL) == 0);
    for (uint32_t i = 0; i < chunk.rows; i++) {
        int64_t row = chunk.first + i, id;
        CHECK(column_integer(&chunk.columns[0], row, &id));
        CHECK((uint64_t)id == chunk.first_row + i);
        if (with_twice)
            CHECK(((const double *)chunk.columns[1].values)[row] == (double)(2 * id));
    }
}

static void *walk(void *arg)
{
    unsigned seed = (unsigned)(size_t)arg;
    bool with_twice = seed % 2;
    uint64_t needed = with_twice ? 3 : 1;
    struct snapshot_cursor *cursor = snapshot_cursor_create(snapshot, &needed);
    for (size_t chunk = 0; chunk < snapshot_chunks(snapshot); chunk++)
        check_chunk(cursor, chunk, with_twice);
    for (int step = 0; step < RANDOM_STEPS; step++)
        check_chunk(cursor, (size_t)rand_r(&seed) % snapshot_chunks(snapshot),
                    with_twice);
    snapshot_cursor_destroy(&cursor);
    return NULL;
}

/* The dictionaries of a file are made by whichever thread needs them first. With other columns
 * besides, each thread loads a batch of its own. */
static void *walk_sample(void *arg)
{
    int city = column_find(snapshot_schema(snapshot, &(size_t){0}), 10, TEXT("city"));
    CHECK(city >= 0);
    uint64_t needed = 1ull << city | 1ull << (size_t)arg;
    struct snapshot_cursor *cursor = snapshot_cursor_create(snapshot, &needed);
    struct chunk chunk;
    CHECK(snapshot_cursor_chunk(cursor, 0, &chunk, NULL) == 0);
    CHECK(text_is(column_text(&chunk.columns[city], chunk.first + 1), "a"));
    snapshot_cursor_destroy(&cursor);
    return NULL;
}

static void run(const char *path, void *(*work)(void *))
{
    CHECK(snapshot_open(path, NULL, 0, &snapshot, NULL) == 0);
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, work, (void *)i) == 0);
    for (size_t i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    snapshot_close(&snapshot);
}

int main(void)
{
    char path[] = "/tmp/volley-race-XXXXXX";
    int fd = mkstemp(path);
    CHECK(fd >= 0);
    close(fd);
    write_snapshot(path);
    run(path, walk);
    unlink(path);
    for (int i = 0; i < 50; i++)
        run("tests/ingest/data/polars_file_zstd.arrow", walk_sample);
    puts("race_snapshot: all rows seen by all threads");
    return 0;
}
