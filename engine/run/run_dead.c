/* run_dead: see run_dead.h. */
#include "engine/run/run_dead.h"

#include "base/clock.h"

#include <stdlib.h>

struct run_dead_entry {
    enum channel channel;
    size_t text_offset; /* address, reason and provider, one behind the other */
    size_t address_bytes, reason_bytes, provider_bytes;
    int64_t since_ns;
};

struct run_dead_row {
    uint32_t row;
    uint8_t channel;
    size_t text_offset; /* reason and provider */
    size_t reason_bytes, provider_bytes;
    int64_t since_ns;
};

/* grown: room for one more element. */
static void *grown(void *items, size_t count, size_t *capacity, size_t item_bytes)
{
    if (count < *capacity)
        return items;
    *capacity = *capacity ? *capacity * 2 : 64;
    items = realloc(items, *capacity * item_bytes);
    CHECK(items != NULL);
    return items;
}

void run_dead_init(struct run_dead *dead)
{
    *dead = (struct run_dead){0};
    pthread_mutex_init(&dead->lock, NULL);
}

static void list_fini(struct run_dead_list *list)
{
    free(list->entries);
    buffer_fini(&list->texts);
}

void run_dead_fini(struct run_dead *dead)
{
    list_fini(&dead->news);
    list_fini(&dead->writing);
    pthread_mutex_destroy(&dead->lock);
}

void run_dead_note(struct run_dead *dead, enum channel channel, struct text address,
                   struct text reason, struct text provider, int64_t since_ns)
{
    struct run_dead_list *list = &dead->news;
    pthread_mutex_lock(&dead->lock);
    list->entries =
        grown(list->entries, list->count, &list->capacity, sizeof(*list->entries));
    list->entries[list->count++] =
        (struct run_dead_entry){.channel = channel,
                                .text_offset = list->texts.bytes,
                                .address_bytes = address.bytes,
                                .reason_bytes = reason.bytes,
                                .provider_bytes = provider.bytes,
                                .since_ns = since_ns};
    buffer_text(&list->texts, address);
    buffer_text(&list->texts, reason);
    buffer_text(&list->texts, provider);
    pthread_mutex_unlock(&dead->lock);
}

int run_dead_write(struct run_dead *dead, struct store *store, struct text account,
                   struct error *err)
{
    struct run_dead_list *list = &dead->writing;
    if (list->count == 0) {
        pthread_mutex_lock(&dead->lock);
        struct run_dead_list empty = dead->writing;
        dead->writing = dead->news;
        dead->news = empty;
        pthread_mutex_unlock(&dead->lock);
    }
    if (list->count == 0)
        return 0;
    struct dead_address *all = calloc(list->count, sizeof(*all));
    CHECK(all != NULL);
    for (size_t i = 0; i < list->count; i++) {
        const struct run_dead_entry *e = &list->entries[i];
        const char *at = buffer_view(&list->texts).data + e->text_offset;
        all[i] = (struct dead_address){
            .account = account,
            .channel = e->channel,
            .address = {at, e->address_bytes},
            .reason = {at + e->address_bytes, e->reason_bytes},
            .provider = {at + e->address_bytes + e->reason_bytes, e->provider_bytes},
            .since_ns = e->since_ns};
    }
    int rc = dead_add_all(store, all, list->count, err);
    free(all);
    if (rc == 0) {
        list->count = 0;
        buffer_clear(&list->texts);
    }
    return rc;
}

/* --- from a journal --- */

static void on_header(void *arg, const struct journal_header *header)
{
    struct run_dead_journal *j = arg;
    buffer_clear(&j->names);
    j->name_count = 0;
    for (size_t i = 0; i < header->provider_count && i < ARRAY_COUNT(j->name_offsets);
         i++) {
        j->name_offsets[j->name_count++] = j->names.bytes;
        buffer_text(&j->names, header->providers[i]);
        buffer_byte(&j->names, '\0');
    }
}

static void on_outcome(void *arg, const struct journal_outcome *outcome)
{
    struct run_dead_journal *j = arg;
    if (!outcome->address_dead || outcome->row == JOURNAL_ROW_NOTICE)
        return;
    struct text provider = TEXT_NONE;
    if (outcome->provider < j->name_count)
        provider = text_of(j->names.data + j->name_offsets[outcome->provider]);
    j->rows = grown(j->rows, j->count, &j->capacity, sizeof(*j->rows));
    j->rows[j->count++] = (struct run_dead_row){.row = outcome->row,
                                                .channel = outcome->channel,
                                                .text_offset = j->texts.bytes,
                                                .reason_bytes = outcome->detail.bytes,
                                                .provider_bytes = provider.bytes,
                                                .since_ns = outcome->at_ms * NS_PER_MS};
    buffer_text(&j->texts, outcome->detail);
    buffer_text(&j->texts, provider);
}

struct replay_visitor run_dead_visitor(struct run_dead_journal *journal)
{
    *journal = (struct run_dead_journal){0};
    return (struct replay_visitor){
        .header = on_header, .outcome = on_outcome, .arg = journal};
}

static int compare_rows(const void *a, const void *b)
{
    uint32_t x = ((const struct run_dead_row *)a)->row;
    uint32_t y = ((const struct run_dead_row *)b)->row;
    return x < y ? -1 : x > y;
}

static void note_row(struct run_dead *dead, const struct run_dead_journal *journal,
                     const struct run_dead_row *row, const struct job *job,
                     const struct chunk *chunk)
{
    static const enum snapshot_role roles[] = {[CHANNEL_SMS] = SNAPSHOT_PHONE,
                                               [CHANNEL_EMAIL] = SNAPSHOT_EMAIL,
                                               [CHANNEL_PUSH] = SNAPSHOT_PUSH_TOKEN};
    if (!dead_can((enum channel)row->channel))
        return;
    const struct column *column = job_column(job, chunk, roles[row->channel]);
    if (!column)
        return;
    const char *at = buffer_view(&journal->texts).data + row->text_offset;
    run_dead_note(
        dead, (enum channel)row->channel,
        column_text(column, chunk->first + (int64_t)(row->row - chunk->first_row)),
        (struct text){at, row->reason_bytes},
        (struct text){at + row->reason_bytes, row->provider_bytes}, row->since_ns);
}

int run_dead_recover(struct run_dead *dead, struct run_dead_journal *journal,
                     const struct job *job, struct error *err)
{
    struct snapshot_cursor *cursor = snapshot_cursor_create(job->snapshot, job->needed);
    struct chunk chunk = {0};
    int rc = 0;
    if (journal->count > 0)
        qsort(journal->rows, journal->count, sizeof(*journal->rows), compare_rows);
    for (size_t i = 0; rc == 0 && i < journal->count; i++) {
        const struct run_dead_row *row = &journal->rows[i];
        if (row->row >= chunk.first_row + chunk.rows)
            rc = snapshot_cursor_chunk(
                cursor, snapshot_chunk_of_row(job->snapshot, row->row), &chunk, err);
        if (rc == 0)
            note_row(dead, journal, row, job, &chunk);
    }
    snapshot_cursor_destroy(&cursor);
    free(journal->rows);
    buffer_fini(&journal->texts);
    buffer_fini(&journal->names);
    *journal = (struct run_dead_journal){0};
    return rc;
}
