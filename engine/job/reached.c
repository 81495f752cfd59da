/* reached: see reached.h. */
#include "engine/job/reached.h"

#include "base/bitmap.h"
#include "base/file.h"
#include "base/hash.h"
#include "engine/state/optout.h"
#include "ingest/snapshot.h"
#include "outbox/journal/replay.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define WORDS_MAX ((size_t)UINT32_MAX) /* a snapshot has no more rows */

void reached_add(struct reached *reached, uint64_t hash, unsigned messages)
{
    if (reached->count == reached->capacity) {
        reached->capacity = reached->capacity ? reached->capacity * 2 : 256;
        reached->words =
            realloc(reached->words, reached->capacity * sizeof(*reached->words));
        CHECK(reached->words != NULL);
    }
    unsigned shown = messages < REACHED_COUNT_MAX ? messages : REACHED_COUNT_MAX;
    reached->words[reached->count++] = (hash & ~(uint64_t)REACHED_COUNT_MAX) | shown;
}

void reached_fini(struct reached *reached)
{
    free(reached->words);
    *reached = (struct reached){0};
}

/* --- files --- */

struct head {
    char magic[8];
    uint64_t count;
    uint64_t hash; /* of the words */
};
static const char magic[8] = "volleyR1";

int reached_write(const char *path, const struct reached *reached, struct error *err)
{
    size_t bytes = reached->count * sizeof(*reached->words);
    struct head head = {.count = reached->count, .hash = hash64(reached->words, bytes)};
    memcpy(head.magic, magic, sizeof(magic));
    struct buffer content = {0};
    buffer_text(&content, (struct text){(const char *)&head, sizeof(head)});
    if (bytes)
        buffer_text(&content, (struct text){(const char *)reached->words, bytes});
    int rc = file_replace(path, buffer_view(&content), err);
    buffer_fini(&content);
    return rc;
}

bool reached_read(const char *path, struct reached *out)
{
    struct head head;
    struct buffer content = {0};
    bool whole = file_exists(path) &&
                 file_read(path, sizeof(head) + WORDS_MAX * sizeof(*out->words), &content,
                           NULL) == 0;
    struct text t = buffer_view(&content);
    whole = whole && t.bytes >= sizeof(head);
    if (whole) {
        size_t bytes = t.bytes - sizeof(head);
        memcpy(&head, t.data, sizeof(head));
        whole = memcmp(head.magic, magic, sizeof(magic)) == 0 &&
                head.count <= WORDS_MAX && bytes == head.count * sizeof(*out->words) &&
                head.hash == hash64(t.data + sizeof(head), bytes);
    }
    if (whole) {
        *out = (struct reached){.count = head.count, .capacity = head.count};
        out->words = malloc(head.count * sizeof(*out->words) + 1);
        CHECK(out->words != NULL);
        memcpy(out->words, t.data + sizeof(head), head.count * sizeof(*out->words));
    }
    buffer_fini(&content);
    return whole;
}

/* --- from the job itself --- */

static bool counts(const struct replay_state *state)
{
    return disposition_sends((enum disposition)state->disposition) &&
           state->outcome != OUTCOME_FAILED && state->outcome != OUTCOME_CANCELLED &&
           state->outcome != OUTCOME_EXPIRED;
}

/* messages_of: replay NULL: everybody got one. */
static unsigned messages_of(const struct replay *replay, const struct resend *again,
                            uint64_t row)
{
    unsigned messages = !replay;
    for (int c = 0; replay && c < CHANNEL_COUNT; c++) {
        bool asked = !again || (again->wanted[c] && bitmap_get(again->wanted[c], row));
        messages += asked && replay->states[c] && counts(&replay->states[c][row]);
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

static int add_rows(struct reached *out, const struct replay *replay,
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
            if (hash)
                reached_add(out, hash, messages);
        }
    }
    snapshot_cursor_destroy(&cursor);
    free(needed);
    return rc;
}

static int add_snapshot(struct reached *out, const char *dir, const struct config *config,
                        const struct replay *replay, const struct resend *again,
                        struct error *err)
{
    char path[PATH_BYTES];
    struct snapshot *snapshot = NULL;
    int rc = path_join(path, dir, TEXT("snapshot.arrow"), err);
    if (rc == 0)
        rc = snapshot_open(path, config->aliases, config->alias_count, &snapshot, err);
    if (rc == 0 && replay && snapshot_rows(snapshot) != replay->rows)
        rc = error_set(err, ERROR_INPUT, "%s is not the snapshot of the journal there",
                       path);
    if (rc == 0)
        rc = add_rows(out, replay, again, snapshot, err);
    snapshot_close(&snapshot);
    return rc;
}

int reached_of_journal(const char *dir, const struct config *config,
                       const struct resend *again, struct reached *out, struct error *err)
{
    struct replay replay = {0};
    *out = (struct reached){0};
    int rc = replay_read(dir, NULL, &replay, err);
    if (rc == 0)
        rc = add_snapshot(out, dir, config, &replay, again, err);
    replay_fini(&replay);
    return rc;
}

int reached_of_snapshot(const char *dir, const struct config *config, struct reached *out,
                        struct error *err)
{
    *out = (struct reached){0};
    return add_snapshot(out, dir, config, NULL, NULL, err);
}
