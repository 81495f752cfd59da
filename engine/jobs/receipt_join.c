/* receipt_join: see receipt_join.h. One walk over the job's results looks up every message that was
 * handed over; there is no index of provider ids that would have to be kept for years. What follows for
 * the addresses is recorded before the receipt, so a crash in between repeats it. */
#include "engine/jobs/receipt_join.h"

#include "base/bitmap.h"
#include "base/clock.h"
#include "engine/job/frozen.h"
#include "engine/results/report.h"
#include "engine/results/results_read.h"
#include "engine/state/dead.h"
#include "ingest/job_file.h"

#include <inttypes.h>
#include <stdlib.h>

#define JOB_FILE_BYTES_MAX ((size_t)64 << 20)
#define ARENA_BYTES        ((size_t)1 << 30)
#define RESENDS_MAX        32 /* how often a job can be the resend of a resend */
/* A clock of theirs may be behind ours; but a bounce does not come before its mail. */
#define EARLY_S 86400

struct match {
    uint64_t row;
    uint32_t entry;
    enum channel channel;
    struct text customer;
};

struct join {
    const struct config *config;
    struct store *store;
    const struct store_job *job;
    struct receipt_table *table;
    struct arena arena;
    char dir[PATH_BYTES];
    struct text message_job;
    struct match *matches;
    size_t match_count, match_capacity;
    struct match *
        *nameless; /* bounced, with no address said; in the order of customers */
    size_t nameless_count;
    struct dead_address *dead;
    size_t dead_count;
};

/* --- whose messages these are --- */

/* message_job_of: the job under whose id the messages have their ids; see job_open. */
static int message_job_of(struct join *j, const char *home, struct error *err)
{
    j->message_job = j->job->id;
    for (int i = 0; i < RESENDS_MAX; i++) {
        char dir[PATH_BYTES], path[PATH_BYTES];
        struct buffer content = {0};
        struct job_file file;
        int rc = frozen_dir(home, j->message_job, dir, err);
        if (rc == 0)
            rc = path_join(path, dir, TEXT("job.json"), err);
        if (rc || (i > 0 && !file_exists(path)))
            return rc;
        rc = file_read(path, JOB_FILE_BYTES_MAX, &content, err);
        if (rc == 0)
            rc = job_file_parse(buffer_view(&content), path, NULL, NULL, &file, err);
        buffer_fini(&content);
        if (rc)
            return rc;
        bool again = file.resend.job.data && file.resend.only == RESEND_UNKNOWN;
        if (again)
            j->message_job = arena_text(&j->arena, file.resend.job);
        job_file_fini(&file);
        if (!again)
            return 0;
    }
    return 0;
}

/* --- the snapshot, where an address is all that is known, or all that is missing --- */

static struct text customer_of(struct join *j, const struct column *id, int64_t row)
{
    int64_t number;
    if (column_is_text(id))
        return column_text(id, row);
    return column_integer(id, row, &number) ? arena_format(&j->arena, "%" PRId64, number)
                                            : TEXT_NONE;
}

/* each_customer: fn with a customer's id and address, for all that have one on the channel. */
static int each_customer(struct join *j, enum channel channel,
                         void (*fn)(struct join *j, struct text customer,
                                    struct text address),
                         struct error *err)
{
    static const enum snapshot_role roles[] = {[CHANNEL_SMS] = SNAPSHOT_PHONE,
                                               [CHANNEL_EMAIL] = SNAPSHOT_EMAIL,
                                               [CHANNEL_PUSH] = SNAPSHOT_PUSH_TOKEN};
    char path[PATH_BYTES];
    struct snapshot *snapshot = NULL;
    size_t columns;
    int rc = path_join(path, j->dir, TEXT("snapshot.arrow"), err);
    if (rc || !file_exists(path))
        return rc; /* pruned */
    rc = snapshot_open(path, j->config->aliases, j->config->alias_count, &snapshot, err);
    if (rc)
        return rc;
    snapshot_schema(snapshot, &columns);
    int id = snapshot_column(snapshot, SNAPSHOT_ID);
    int address = snapshot_column(snapshot, roles[channel]);
    uint64_t *needed = calloc(bitmap_words(columns) + 1, sizeof(*needed));
    CHECK(needed != NULL);
    bitmap_set(needed, (size_t)id);
    if (address >= 0)
        bitmap_set(needed, (size_t)address);
    struct snapshot_cursor *cursor = snapshot_cursor_create(snapshot, needed);
    for (size_t c = 0; rc == 0 && address >= 0 && c < snapshot_chunks(snapshot); c++) {
        struct chunk chunk;
        rc = snapshot_cursor_chunk(cursor, c, &chunk, err);
        for (uint32_t r = 0; rc == 0 && r < chunk.rows; r++) {
            int64_t row = chunk.first + r;
            struct text where = column_is_text(&chunk.columns[address])
                                    ? column_text(&chunk.columns[address], row)
                                    : TEXT_NONE;
            if (where.bytes > 0)
                fn(j, customer_of(j, &chunk.columns[id], row), where);
        }
    }
    snapshot_cursor_destroy(&cursor);
    snapshot_close(&snapshot);
    free(needed);
    return rc;
}

/* alias: who has an address that a receipt names has a message id, too. */
static void alias(struct join *j, struct text customer, struct text address)
{
    uint32_t e = receipt_table_find(j->table, receipt_key_address(address));
    if (e == RECEIPT_NO_ENTRY || !customer.data)
        return;
    struct hash128 id =
        message_id(j->job->account, j->message_job, customer, CHANNEL_EMAIL);
    while (e != RECEIPT_NO_ENTRY) {
        uint32_t next = receipt_table_next(j->table, e);
        const struct receipt_entry *entry = &j->table->entries[e];
        if (!entry->matched && !entry->receipt.message_id.data &&
            !entry->receipt.provider_id.data)
            receipt_table_alias(j->table, receipt_key_id(id), e);
        e = next;
    }
}

/* --- the walk --- */

static void add_match(struct join *j, uint32_t entry, const struct result *r)
{
    if (j->match_count == j->match_capacity) {
        j->match_capacity = j->match_capacity ? j->match_capacity * 2 : 1024;
        j->matches = realloc(j->matches, j->match_capacity * sizeof(*j->matches));
        CHECK(j->matches != NULL);
    }
    enum receipt_status status = j->table->entries[entry].receipt.status;
    bool follows = status == RECEIPT_BOUNCED || status == RECEIPT_COMPLAINED;
    j->matches[j->match_count++] = (struct match){
        .row = r->number,
        .entry = entry,
        .channel = r->channel,
        .customer = follows ? arena_text(&j->arena, r->customer) : TEXT_NONE};
    receipt_table_matched(j->table, entry);
}

static void look_up(struct join *j, struct hash128 key, const struct result *r)
{
    uint32_t e = receipt_table_find(j->table, key);
    for (; e != RECEIPT_NO_ENTRY; e = receipt_table_next(j->table, e)) {
        uint32_t found = j->table->entries[e].found;
        const struct receipt_entry *entry = &j->table->entries[found];
        bool early = found != e && entry->receipt.at_s &&
                     r->at_ms / 1000 > entry->receipt.at_s + EARLY_S;
        if (!entry->matched && !early)
            add_match(j, found, r);
    }
}

static int on_result(void *arg, const struct result *r)
{
    struct join *j = arg;
    if (r->attempts == 0 || r->notice)
        return 0;
    if (j->table->by_id > 0)
        look_up(j,
                receipt_key_id(
                    message_id(j->job->account, j->message_job, r->customer, r->channel)),
                r);
    if (j->table->by_provider > 0 && r->provider_id.bytes > 0)
        look_up(j, receipt_key_provider(r->provider_id), r);
    return j->table->open == 0;
}

/* --- what follows --- */

static int64_t since_ns(const struct join *j, const struct receipt *receipt)
{
    return receipt->at_s ? receipt->at_s * NS_PER_S : j->job->finished_ns;
}

static struct text words_of(struct join *j, const struct receipt *receipt)
{
    if (receipt->detail.bytes == 0)
        return receipt->code.bytes ? receipt->code : TEXT("bounced");
    return arena_join(&j->arena, receipt->code, TEXT(" "), receipt->detail);
}

static void add_dead(struct join *j, const struct match *match)
{
    const struct receipt *receipt = &j->table->entries[match->entry].receipt;
    j->dead[j->dead_count++] = (struct dead_address){.account = j->job->account,
                                                     .channel = match->channel,
                                                     .address = receipt->address,
                                                     .reason = words_of(j, receipt),
                                                     .provider = TEXT("receipt"),
                                                     .since_ns = since_ns(j, receipt)};
}

/* A push service's receipts name no token, Twilio's and SES's name their addressee. */
static int compare_customers(const void *a, const void *b)
{
    const struct match *x = *(const struct match *const *)a;
    const struct match *y = *(const struct match *const *)b;
    size_t bytes =
        x->customer.bytes < y->customer.bytes ? x->customer.bytes : y->customer.bytes;
    int order = memcmp(x->customer.data, y->customer.data, bytes);
    return order ? order
                 : (x->customer.bytes > y->customer.bytes) -
                       (x->customer.bytes < y->customer.bytes);
}

static void add_address(struct join *j, struct text customer, struct text address)
{
    struct match wanted = {.customer = customer}, *key = &wanted;
    struct match **at = customer.data ? bsearch(&key, j->nameless, j->nameless_count,
                                                sizeof(*j->nameless), compare_customers)
                                      : NULL;
    if (!at)
        return;
    struct receipt *receipt = &j->table->entries[(*at)->entry].receipt;
    if (!receipt->address.data)
        receipt->address = arena_text(&j->arena, address);
}

/* find_addresses: of those that bounced on the channel without being named. */
static int find_addresses(struct join *j, enum channel channel, struct error *err)
{
    j->nameless_count = 0;
    j->nameless = calloc(j->match_count + 1, sizeof(*j->nameless));
    CHECK(j->nameless != NULL);
    for (size_t i = 0; i < j->match_count; i++) {
        const struct receipt *receipt = &j->table->entries[j->matches[i].entry].receipt;
        if (receipt->status == RECEIPT_BOUNCED && !receipt->address.data &&
            j->matches[i].channel == channel && j->matches[i].customer.data)
            j->nameless[j->nameless_count++] = &j->matches[i];
    }
    qsort(j->nameless, j->nameless_count, sizeof(*j->nameless), compare_customers);
    int rc = j->nameless_count ? each_customer(j, channel, add_address, err) : 0;
    free(j->nameless);
    return rc;
}

/* switch_of: which messages somebody who complains gets no more. */
static unsigned switch_of(enum channel channel, enum category category)
{
    unsigned mask = optout_mask_for(channel, category, false);
    if (mask & OPTOUT_MARKETING_SMS)
        return OPTOUT_MARKETING_SMS;
    return channel == CHANNEL_EMAIL ? mask & ~(unsigned)OPTOUT_NOTIFICATIONS : mask;
}

static int opt_out(struct join *j, const struct match *match, struct error *err)
{
    const struct receipt *receipt = &j->table->entries[match->entry].receipt;
    int category = category_parse(j->job->category);
    struct optout optout = {
        .account = j->job->account,
        .key = OPTOUT_CUSTOMER,
        .value = match->customer,
        .mask = switch_of(match->channel,
                          category < 0 ? CATEGORY_MARKETING : (enum category)category),
        .reason = TEXT("complaint"),
        .since_ns = since_ns(j, receipt)};
    return optout_add(j->store, &optout, err);
}

/* record: in state.db, for every receipt that tells something new. */
static int record(struct join *j, const struct receipt_file *file,
                  struct receipt_effects *effects, struct error *err)
{
    int rc = 0;
    for (int c = 0; rc == 0 && c < CHANNEL_COUNT; c++) {
        if (dead_can((enum channel)c))
            rc = find_addresses(j, (enum channel)c, err);
    }
    if (rc == 0)
        rc = optout_begin(j->store, err);
    if (rc)
        return rc;
    j->dead = calloc(j->match_count + 1, sizeof(*j->dead));
    CHECK(j->dead != NULL);
    for (size_t i = 0; rc == 0 && i < j->match_count; i++) {
        const struct match *match = &j->matches[i];
        const struct receipt *receipt = &j->table->entries[match->entry].receipt;
        if (!receipt_file_would(file, match->row, receipt))
            continue;
        if (receipt->status == RECEIPT_BOUNCED && receipt->address.data &&
            dead_can(match->channel))
            add_dead(j, match);
        if (receipt->status == RECEIPT_COMPLAINED) {
            rc = opt_out(j, match, err);
            effects->opted_out++;
        }
    }
    if (rc == 0)
        rc = dead_add_all(j->store, j->dead, j->dead_count, err);
    effects->dead += j->dead_count;
    free(j->dead);
    if (rc == 0)
        return optout_commit(j->store, err);
    optout_rollback(j->store);
    return rc;
}

static int write_matches(struct join *j, const char *path,
                         struct receipt_effects *effects, struct error *err)
{
    struct receipt_file *file = NULL;
    uint64_t rows;
    int rc = results_rows(path, &rows, err);
    if (rc == 0)
        rc = receipt_file_open(j->dir, rows, true, &file, err);
    if (rc == 0 && arena_overflowed(&j->arena))
        rc = error_set(err, ERROR_INPUT, "too many receipts at once");
    if (rc == 0)
        rc = record(j, file, effects, err);
    for (size_t i = 0; rc >= 0 && i < j->match_count; i++) {
        rc = receipt_file_put(file, j->matches[i].row,
                              &j->table->entries[j->matches[i].entry].receipt, err);
        effects->changed += rc == 1;
    }
    effects->matched += j->match_count;
    int closed = receipt_file_close(&file, rc < 0 ? NULL : err);
    if (rc < 0 || closed)
        return rc < 0 ? rc : closed;
    return report_heard_write(j->dir, err);
}

int receipt_join(const char *home, const struct config *config, struct store *store,
                 const struct store_job *job, struct receipt_table *table,
                 struct receipt_effects *effects, struct error *err)
{
    const struct results_filter all = {.channel = -1, .customers = true};
    struct join j = {.config = config, .store = store, .job = job, .table = table};
    char path[PATH_BYTES];
    uint64_t walked;
    int rc = frozen_dir(home, job->id, j.dir, err);
    if (rc == 0)
        rc = path_join(path, j.dir, TEXT("results.arrow"), err);
    if (rc || !file_exists(path))
        return rc;
    rc = arena_init(&j.arena, ARENA_BYTES, err);
    if (rc)
        return rc;
    rc = message_job_of(&j, home, err);
    if (rc == 0 && table->by_address > 0)
        rc = each_customer(&j, CHANNEL_EMAIL, alias, err);
    if (rc == 0)
        rc = results_read(path, &all, on_result, &j, &walked, err);
    if (rc >= 0 && j.match_count > 0)
        rc = write_matches(&j, path, effects, err);
    free(j.matches);
    arena_fini(&j.arena);
    return rc < 0 ? rc : 0;
}
