/* spread: see spread.h. */
#include "engine/pipeline/spread.h"

#include "base/bitmap.h"
#include "engine/pipeline/select.h"

#include <stdlib.h>

#define BLOCK_WORDS                                                                      \
    8 /* ranks are counted from the nearest multiple of so many words on */

struct spread {
    uint64_t *matches;
    uint64_t *ranks; /* of the first row of each block */
    uint64_t rows, count;
    int64_t start_ns, span_ns;
};

struct spread *spread_make(uint64_t *matches, uint64_t rows, uint64_t most,
                           int64_t start_ns, int64_t span_ns)
{
    struct spread *spread = calloc(1, sizeof(*spread));
    size_t words = bitmap_words(rows), blocks = words / BLOCK_WORDS + 1;
    CHECK(spread != NULL);
    *spread = (struct spread){.matches = matches,
                              .ranks = calloc(blocks, sizeof(uint64_t)),
                              .rows = rows,
                              .start_ns = start_ns,
                              .span_ns = span_ns};
    CHECK(spread->ranks != NULL);
    for (size_t w = 0; w < words; w++) {
        if (w % BLOCK_WORDS == 0)
            spread->ranks[w / BLOCK_WORDS] = spread->count;
        spread->count += (uint64_t)__builtin_popcountll(matches[w]);
    }
    if (most > 0 && spread->count > most)
        spread->count = most;
    return spread;
}

void spread_destroy(struct spread **spread)
{
    if (!*spread)
        return;
    free((*spread)->matches);
    free((*spread)->ranks);
    free(*spread);
    *spread = NULL;
}

static uint64_t rank_of(const struct spread *s, uint64_t row)
{
    size_t word = row / 64, first = word / BLOCK_WORDS * BLOCK_WORDS;
    uint64_t rank = s->ranks[word / BLOCK_WORDS];
    for (size_t w = first; w < word; w++)
        rank += (uint64_t)__builtin_popcountll(s->matches[w]);
    uint64_t before = (1ull << (row % 64)) - 1;
    return rank + (uint64_t)__builtin_popcountll(s->matches[word] & before);
}

int64_t spread_slot_ns(const struct spread *s, uint64_t row)
{
    CHECK(row < s->rows);
    uint64_t rank = rank_of(s, row);
    if (rank >= s->count)
        return s->start_ns + s->span_ns;
    return s->start_ns + (int64_t)((__int128)s->span_ns * (__int128)rank / s->count);
}

uint64_t spread_due(const struct spread *s, int64_t now_ns)
{
    uint64_t low = 0, high = s->rows;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (spread_slot_ns(s, middle) <= now_ns)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint64_t spread_rows(const struct spread *spread)
{
    return spread->rows;
}

int64_t spread_start_ns(const struct job *job)
{
    return job->file.send_at_ns > job->now_ns ? job->file.send_at_ns : job->now_ns;
}

/* --- who matches --- */

static int match_all(const struct job *job, struct batch *batch, uint64_t *matches,
                     struct error *err)
{
    struct snapshot_cursor *cursor = snapshot_cursor_create(job->snapshot, job->needed);
    struct select *select = select_create(job);
    int rc = 0;
    for (size_t c = 0; rc == 0 && c < snapshot_chunks(job->snapshot); c++) {
        batch_reset(batch);
        rc = snapshot_cursor_chunk(cursor, c, &batch->chunk, err);
        if (rc)
            break;
        select_audience(select, batch);
        uint32_t rows = batch->chunk.rows;
        for (size_t r = bitmap_next(batch->selected, 0, rows); r < rows;
             r = bitmap_next(batch->selected, r + 1, rows))
            bitmap_set(matches, batch->chunk.first_row + r);
    }
    select_destroy(&select);
    snapshot_cursor_destroy(&cursor);
    return rc;
}

int spread_create(const struct job *job, struct spread **out, struct error *err)
{
    *out = NULL;
    if (job->file.spread_over_ns == 0)
        return 0;
    struct batch *batch;
    uint64_t rows = snapshot_rows(job->snapshot);
    int rc = batch_create(&batch, err);
    if (rc)
        return rc;
    uint64_t *matches = calloc(bitmap_words(rows) + 1, sizeof(*matches));
    CHECK(matches != NULL);
    rc = match_all(job, batch, matches, err);
    batch_destroy(&batch);
    if (rc)
        free(matches);
    else
        *out = spread_make(matches, rows, job->file.max_recipients, spread_start_ns(job),
                           job->file.spread_over_ns);
    return rc;
}
