/* results: see results.h. The journal is in the order of events, results are in the order
 * of rows: each pass over the journal collects one window of rows. The first pass judges the
 * journal and notes which rows its frames are about, so that the others read few of them. */
#include "engine/results/results.h"

#include "base/bitmap.h"
#include "base/buffer.h"
#include "engine/page/markup.h"
#include "engine/results/frame_rows.h"
#include "outbox/journal/record.h"
#include "outbox/journal/replay.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define WINDOW_ROWS ((uint64_t)1 << 19)

struct cell {
    uint8_t disposition, outcome, attempts, provider;
    uint16_t reason, segments;
    uint16_t id_bytes, detail_bytes;
    uint32_t text_offset; /* of id, then detail, in window->texts */
    int64_t at_ms, first_at_ms;
};

struct window {
    uint64_t first, rows;
    struct cell *cells[CHANNEL_COUNT]; /* NULL until a channel is seen */
    struct cell notice;
    struct buffer texts;
    struct text providers[JOURNAL_PROVIDER_NONE]; /* of all headers; each a heap copy */
    size_t provider_count;
    uint8_t numbers[RECORD_PROVIDERS_MAX + 1]; /* the last header's, in providers */
    struct frame_rows *frames;                 /* NULL where one window has all rows */
};

/* The first window's: every frame is read. */
static bool note_frame(void *arg, uint64_t number)
{
    struct window *w = arg;
    frame_rows_begin(w->frames, number);
    return true;
}

/* The other windows'. */
static bool has_rows(void *arg, uint64_t number)
{
    const struct window *w = arg;
    return frame_rows_has(w->frames, number, w->first, w->rows);
}

static struct cell *cell_at(struct window *w, uint32_t row, uint8_t channel)
{
    if (row == JOURNAL_ROW_NOTICE)
        return w->first == 0 ? &w->notice : NULL;
    if (w->frames && w->first == 0)
        frame_rows_note(w->frames, row, row);
    if (row < w->first || row - w->first >= w->rows)
        return NULL;
    if (!w->cells[channel]) {
        w->cells[channel] = calloc(w->rows, sizeof(struct cell));
        CHECK(w->cells[channel] != NULL);
    }
    return &w->cells[channel][row - w->first];
}

static uint8_t provider_number(struct window *w, struct text name)
{
    for (size_t i = 0; i < w->provider_count; i++) {
        if (text_equal(name, w->providers[i]))
            return (uint8_t)i;
    }
    if (w->provider_count == ARRAY_COUNT(w->providers))
        return JOURNAL_PROVIDER_NONE;
    w->providers[w->provider_count] = text_of(text_copy(name));
    return (uint8_t)w->provider_count++;
}

/* Each header numbers the providers of its time anew. */
static void on_header(void *arg, const struct journal_header *header)
{
    struct window *w = arg;
    if (w->frames && w->first == 0)
        frame_rows_note(w->frames, 0, UINT32_MAX); /* every window needs it */
    memset(w->numbers, JOURNAL_PROVIDER_NONE, sizeof(w->numbers));
    for (size_t i = 0; i < header->provider_count; i++)
        w->numbers[i] = provider_number(w, header->providers[i]);
}

static void on_decision(void *arg, const struct journal_decision *decision)
{
    struct cell *cell = cell_at(arg, decision->row, decision->channel);
    if (cell) {
        cell->disposition = decision->disposition;
        cell->segments = decision->segments;
    }
}

static void on_intent(void *arg, const struct journal_intent *intent)
{
    struct window *w = arg;
    struct cell *cell = cell_at(w, intent->row, intent->channel);
    if (cell) {
        cell->attempts = intent->attempt;
        cell->provider = w->numbers[intent->provider];
    }
}

static void on_outcome(void *arg, const struct journal_outcome *outcome)
{
    struct window *w = arg;
    struct cell *cell = cell_at(w, outcome->row, outcome->channel);
    if (!cell)
        return;
    cell->outcome = outcome->outcome;
    cell->reason = outcome->reason;
    cell->provider = w->numbers[outcome->provider];
    cell->at_ms = outcome->at_ms;
    if (!cell->first_at_ms)
        cell->first_at_ms = outcome->at_ms;
    /* What a provider says is bytes, and cut to a length; readers of Arrow files, JSON and
     * terminals insist on text. */
    size_t at = w->texts.bytes;
    cell->text_offset = (uint32_t)at;
    markup_clean(&w->texts, outcome->provider_id);
    cell->id_bytes = (uint16_t)(w->texts.bytes - at);
    markup_clean(&w->texts, outcome->detail);
    cell->detail_bytes = (uint16_t)(w->texts.bytes - at - cell->id_bytes);
}

static struct result result_of(const struct window *w, const struct cell *cell,
                               enum channel channel)
{
    const char *texts = w->texts.data ? w->texts.data : "";
    bool tried = cell->attempts > 0 && cell->provider < w->provider_count;
    enum delivery_reason why = cell->reason < DELIVERY_REASON_COUNT
                                   ? (enum delivery_reason)cell->reason
                                   : DELIVERY_OK;
    return (struct result){
        .channel = channel,
        .disposition = (enum disposition)cell->disposition,
        .outcome = (enum outcome)cell->outcome,
        .why = why,
        .reason = why == DELIVERY_OK ? "" : delivery_reason_name(why),
        .provider = tried ? w->providers[cell->provider] : TEXT_NONE,
        .provider_number = tried ? cell->provider : -1,
        .provider_id = {texts + cell->text_offset, cell->id_bytes},
        .detail = {texts + cell->text_offset + cell->id_bytes, cell->detail_bytes},
        .segments = cell->segments,
        .attempts = cell->attempts,
        .at_ms = cell->at_ms,
        .first_at_ms = cell->first_at_ms,
        .providers = w->providers,
        .provider_count = w->provider_count,
    };
}

/* A walk over the rows of a window, through the snapshot for the customers' names. */
struct walk {
    struct window *window;
    const struct snapshot *snapshot;
    struct snapshot_cursor *cursor;
    const struct column *id, *role; /* of the chunk; role is NULL where it is no text */
    struct arena arena;
    uint64_t number; /* of the next result */
    int (*fn)(void *arg, const struct result *result);
    void *arg;
};

static struct text id_text(const struct column *id, int64_t row, struct arena *arena)
{
    int64_t number;
    if (column_is_text(id))
        return column_text(id, row);
    return column_integer(id, row, &number) ? arena_format(arena, "%" PRId64, number)
                                            : TEXT_NONE;
}

static void enter_chunk(struct walk *walk, const struct chunk *chunk)
{
    int role = snapshot_column(walk->snapshot, SNAPSHOT_ROLE);
    walk->id = &chunk->columns[snapshot_column(walk->snapshot, SNAPSHOT_ID)];
    walk->role = role >= 0 ? &chunk->columns[role] : NULL;
    if (walk->role && !column_is_text(walk->role))
        walk->role = NULL;
}

static int walk_row(struct walk *walk, const struct chunk *chunk, uint32_t r)
{
    struct window *w = walk->window;
    uint64_t row = chunk->first_row + r;
    for (int c = 0; c < CHANNEL_COUNT; c++) {
        if (!w->cells[c] || w->cells[c][row - w->first].disposition == DISPOSITION_NONE)
            continue;
        struct result result =
            result_of(w, &w->cells[c][row - w->first], (enum channel)c);
        result.customer = id_text(walk->id, chunk->first + r, &walk->arena);
        if (walk->role)
            result.role = column_text(walk->role, chunk->first + r);
        result.number = walk->number++;
        int rc = walk->fn(walk->arg, &result);
        if (rc)
            return rc;
    }
    arena_reset(&walk->arena);
    return 0;
}

static int walk_window(struct walk *walk, struct error *err)
{
    struct window *w = walk->window;
    if (w->rows == 0)
        return 0;
    size_t last = snapshot_chunk_of_row(walk->snapshot, w->first + w->rows - 1);
    for (size_t c = snapshot_chunk_of_row(walk->snapshot, w->first); c <= last; c++) {
        struct chunk chunk;
        int rc = snapshot_cursor_chunk(walk->cursor, c, &chunk, err);
        if (rc == 0)
            enter_chunk(walk, &chunk);
        for (uint32_t r = 0; rc == 0 && r < chunk.rows; r++) {
            uint64_t row = chunk.first_row + r;
            if (row >= w->first && row < w->first + w->rows)
                rc = walk_row(walk, &chunk, r);
        }
        if (rc)
            return rc;
    }
    return 0;
}

static int scan_notice(struct walk *walk)
{
    const struct cell *cell = &walk->window->notice;
    if (cell->attempts == 0)
        return 0;
    struct result result = result_of(walk->window, cell, CHANNEL_EMAIL);
    result.notice = true;
    result.customer = TEXT("owner");
    result.disposition = DISPOSITION_SEND;
    result.number = walk->number++;
    return walk->fn(walk->arg, &result);
}

static int scan_window(struct walk *walk, const char *dir, struct error *err)
{
    struct window *w = walk->window;
    struct replay replay = {0};
    struct replay_visitor visitor = {.frame = w->frames ? note_frame : NULL,
                                     .header = on_header,
                                     .decision = on_decision,
                                     .intent = on_intent,
                                     .outcome = on_outcome,
                                     .arg = w};
    int rc;
    if (w->first == 0) {
        rc = replay_read(dir, &visitor, &replay, err);
        replay_fini(&replay);
    } else {
        visitor.frame = has_rows;
        rc = replay_again(dir, &visitor, err);
    }
    if (rc == 0 && w->first == 0)
        rc = scan_notice(walk);
    if (rc == 0)
        rc = walk_window(walk, err);
    for (int c = 0; c < CHANNEL_COUNT; c++)
        free(w->cells[c]);
    buffer_fini(&w->texts);
    for (size_t i = 0; i < w->provider_count; i++)
        free((char *)(uintptr_t)w->providers[i].data);
    return rc;
}

static uint64_t *needed_columns(const struct snapshot *snapshot)
{
    size_t columns;
    snapshot_schema(snapshot, &columns);
    uint64_t *needed = calloc(bitmap_words(columns) + 1, sizeof(*needed));
    CHECK(needed != NULL);
    bitmap_set(needed, (size_t)snapshot_column(snapshot, SNAPSHOT_ID));
    if (snapshot_column(snapshot, SNAPSHOT_ROLE) >= 0)
        bitmap_set(needed, (size_t)snapshot_column(snapshot, SNAPSHOT_ROLE));
    return needed;
}

int results_scan(const char *dir, const struct snapshot *snapshot,
                 int (*fn)(void *arg, const struct result *result), void *arg,
                 struct error *err)
{
    uint64_t rows = snapshot_rows(snapshot), first = 0;
    uint64_t *needed = needed_columns(snapshot);
    struct walk walk = {.snapshot = snapshot, .fn = fn, .arg = arg};
    int rc = arena_init(&walk.arena, (size_t)1 << 20, err);
    walk.cursor = snapshot_cursor_create((struct snapshot *)(uintptr_t)snapshot, needed);
    struct frame_rows *frames = NULL;
    if (rows > WINDOW_ROWS) {
        frames = calloc(1, sizeof(*frames));
        CHECK(frames != NULL);
    }
    struct window window;
    walk.window = &window;
    do {
        window = (struct window){.frames = frames,
                                 .first = first,
                                 .rows = rows - first < WINDOW_ROWS ? rows - first
                                                                    : WINDOW_ROWS};
        if (rc == 0)
            rc = scan_window(&walk, dir, err);
        first += window.rows;
    } while (rc == 0 && first < rows);
    snapshot_cursor_destroy(&walk.cursor);
    arena_fini(&walk.arena);
    free(frames);
    free(needed);
    return rc;
}
