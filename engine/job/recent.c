/* recent: see recent.h. */
#include "engine/job/recent.h"

#include "base/bitmap.h"
#include "base/file.h"
#include "engine/state/optout.h"
#include "ingest/snapshot.h"
#include "outbox/journal/replay.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_CAPACITY 4096
#define JOBS_BYTES     ((size_t)64 << 20)

/* --- the table --- */

static uint64_t *find(uint64_t *slots, size_t capacity, uint64_t hash)
{
    uint64_t key = hash >> RECENT_COUNT_BITS;
    for (size_t i = key & (capacity - 1);; i = (i + 1) & (capacity - 1)) {
        if (slots[i] == 0 || slots[i] >> RECENT_COUNT_BITS == key)
            return &slots[i];
    }
}

static void grow(struct recent *recent)
{
    size_t capacity = recent->capacity ? recent->capacity * 2 : FIRST_CAPACITY;
    uint64_t *slots = calloc(capacity, sizeof(*slots));
    CHECK(slots != NULL);
    for (size_t i = 0; i < recent->capacity; i++) {
        if (recent->slots[i])
            *find(slots, capacity, recent->slots[i]) = recent->slots[i];
    }
    free(recent->slots);
    recent->slots = slots;
    recent->capacity = capacity;
}

void recent_add(struct recent *recent, uint64_t hash)
{
    if (recent->count + 1 > recent->capacity / 4 * 3)
        grow(recent);
    uint64_t *slot = find(recent->slots, recent->capacity, hash);
    if (*slot == 0) {
        *slot = hash & ~(uint64_t)RECENT_COUNT_MAX;
        recent->count++;
    }
    if ((*slot & RECENT_COUNT_MAX) < RECENT_COUNT_MAX)
        ++*slot;
}

unsigned recent_of(const struct recent *recent, uint64_t hash)
{
    if (recent->capacity == 0)
        return 0;
    return (unsigned)(*find(recent->slots, recent->capacity, hash) & RECENT_COUNT_MAX);
}

void recent_free(struct recent **recent)
{
    if (!*recent)
        return;
    free((*recent)->slots);
    free(*recent);
    *recent = NULL;
}

/* --- other jobs --- */

static bool counts(const struct replay_state *state)
{
    return disposition_sends((enum disposition)state->disposition) &&
           state->outcome != OUTCOME_FAILED && state->outcome != OUTCOME_CANCELLED &&
           state->outcome != OUTCOME_EXPIRED;
}

/* messages_of: again: what of them is sent again now, or NULL. */
static unsigned messages_of(const struct replay *replay, const struct resend *again,
                            uint64_t row)
{
    unsigned messages = 0;
    for (int c = 0; c < CHANNEL_COUNT; c++) {
        bool same = again && again->wanted[c] && bitmap_get(again->wanted[c], row);
        messages += !same && replay->states[c] && counts(&replay->states[c][row]);
    }
    return messages;
}

static uint64_t id_hash(const struct column *id, int64_t row)
{
    char digits[24];
    int64_t number;
    if (column_is_text(id))
        return optout_hash(OPTOUT_CUSTOMER, column_text(id, row));
    if (!column_integer(id, row, &number))
        return 0;
    int bytes = id->type == COLUMN_UINT64
                    ? snprintf(digits, sizeof(digits), "%" PRIu64, (uint64_t)number)
                    : snprintf(digits, sizeof(digits), "%" PRId64, number);
    return optout_hash(OPTOUT_CUSTOMER, (struct text){digits, (size_t)bytes});
}

static int add_rows(struct recent *recent, const struct replay *replay,
                    const struct resend *again, struct snapshot *snapshot,
                    struct error *err)
{
    size_t columns;
    snapshot_schema(snapshot, &columns);
    uint64_t *needed = calloc(bitmap_words(columns) + 1, sizeof(*needed));
    CHECK(needed != NULL);
    int id = snapshot_column(snapshot, SNAPSHOT_ID), rc = 0;
    bitmap_set(needed, (size_t)id);
    struct snapshot_cursor *cursor = snapshot_cursor_create(snapshot, needed);
    for (size_t c = 0; rc == 0 && c < snapshot_chunks(snapshot); c++) {
        struct chunk chunk;
        rc = snapshot_cursor_chunk(cursor, c, &chunk, err);
        for (uint32_t r = 0; rc == 0 && r < chunk.rows; r++) {
            unsigned messages = messages_of(replay, again, chunk.first_row + r);
            uint64_t hash = messages ? id_hash(&chunk.columns[id], chunk.first + r) : 0;
            while (hash && messages-- > 0)
                recent_add(recent, hash);
        }
    }
    snapshot_cursor_destroy(&cursor);
    free(needed);
    return rc;
}

static int add_job(struct recent *recent, const struct config *config, struct text id,
                   const struct resend *again, struct error *err)
{
    char journal[PATH_BYTES], path[PATH_BYTES], *dir = journal;
    struct replay replay = {0};
    struct snapshot *snapshot = NULL;
    if (snprintf(journal, PATH_BYTES, "%s/outbox/%.*s/journal.0000", config->home,
                 TEXT_ARGS(id)) >= PATH_BYTES ||
        !file_exists(journal))
        return 0;
    *strrchr(dir, '/') = '\0';
    int rc = path_join(path, dir, TEXT("snapshot.arrow"), err);
    if (rc == 0)
        rc = replay_read(dir, NULL, &replay, err);
    if (rc == 0)
        rc = snapshot_open(path, config->aliases, config->alias_count, &snapshot, err);
    if (rc == 0 && snapshot_rows(snapshot) == replay.rows)
        rc = add_rows(recent, &replay, again, snapshot, err);
    snapshot_close(&snapshot);
    replay_fini(&replay);
    return rc;
}

static bool is_resent(const struct recent_asks *asks, struct text id)
{
    for (size_t i = 0; i < asks->resent_count; i++) {
        if (text_equal(asks->resent[i], id))
            return true;
    }
    return false;
}

int recent_load(struct store *store, const struct config *config,
                const struct recent_asks *asks, int64_t now_ns, struct recent **out,
                struct error *err)
{
    struct arena arena;
    struct text *ids;
    size_t count = 0;
    int rc = arena_init(&arena, JOBS_BYTES, err);
    if (rc)
        return rc;
    *out = calloc(1, sizeof(**out));
    CHECK(*out != NULL);
    rc = store_jobs_since(store, asks->account, category_name(CATEGORY_MARKETING),
                          now_ns - config->frequency_cap.window_ns, &arena, &ids, &count,
                          err);
    for (size_t i = 0; i < count && rc == 0; i++) {
        if (!text_equal(ids[i], asks->job))
            rc = add_job(*out, config, ids[i],
                         is_resent(asks, ids[i]) ? asks->resend : NULL, err);
    }
    arena_fini(&arena);
    if (rc)
        recent_free(out);
    return rc;
}
