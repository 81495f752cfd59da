/* results_read: what it finds in results.arrow is what a walk over the journal finds, for journals,
 * snapshots and filters made by chance. */
#include "engine/results/results_read.h"
#include "ingest/arrow/arrow_write.h"
#include "outbox/journal/frame.h"
#include "outbox/journal/record.h"
#include "outbox/journal/replay.h"
#include "tests/engine/home.h"

#include <criterion/criterion.h>

#define SALT 7
#define T0   1795300000000

static char home[64];
static unsigned seed;

static void set_up(void)
{
    home_make(home);
    seed = 11;
}

static void tear_down(void)
{
    home_remove(home);
}

TestSuite(results_read, .init = set_up, .fini = tear_down);

static unsigned chance(unsigned below)
{
    return (unsigned)rand_r(&seed) % below;
}

static void in_home(const char *name, char path[PATH_BYTES])
{
    cr_assert_eq(path_join(path, home, text_of(name), NULL), 0);
}

/* --- a snapshot and a journal --- */

static const char *const roles[] = {"customer", "teacher"};

static void write_snapshot(unsigned rows)
{
    struct buffer ids = {0}, role_bytes = {0};
    int32_t *id_ends = calloc(rows + 1, sizeof(int32_t)),
            *role_ends = calloc(rows + 1, sizeof(int32_t));
    uint64_t *has_role = calloc(rows / 64 + 1, sizeof(uint64_t));
    for (unsigned r = 0; r < rows; r++) {
        buffer_format(&ids, "c%u", r % 97);
        id_ends[r + 1] = (int32_t)ids.bytes;
        if (chance(3)) {
            buffer_string(&role_bytes, roles[chance(2)]);
            has_role[r / 64] |= 1ull << (r % 64);
        }
        role_ends[r + 1] = (int32_t)role_bytes.bytes;
    }
    const struct column columns[] = {
        {.name = "id",
         .type = COLUMN_UTF8,
         .rows = rows,
         .offsets = id_ends,
         .values = buffer_view(&ids).data},
        {.name = "role",
         .type = COLUMN_UTF8,
         .rows = rows,
         .offsets = role_ends,
         .values = buffer_view(&role_bytes).data,
         .validity = has_role},
    };
    struct arrow_writer *writer;
    char path[PATH_BYTES];
    in_home("snapshot.arrow", path);
    cr_assert_eq(arrow_writer_open(path, columns, 2, &writer, NULL), 0);
    cr_assert_eq(arrow_writer_batch(writer, columns, NULL), 0);
    cr_assert_eq(arrow_writer_close(&writer, true, NULL), 0);
    buffer_fini(&ids);
    buffer_fini(&role_bytes);
    free(id_ends);
    free(role_ends);
    free(has_role);
}

struct writing {
    struct buffer file;
    char body[FRAME_BODY_BYTES_MAX + FRAME_HEAD_BYTES];
    uint64_t sequence;
    struct record_context context;
};

static void add_frame(struct writing *w, size_t body_bytes)
{
    size_t bytes = frame_seal(w->body, body_bytes, ++w->sequence, 0, SALT);
    buffer_add(&w->file, w->body, bytes);
    record_context_init(&w->context);
}

/* add_message: perhaps an intent, perhaps an outcome. Returns the bytes of its records. */
static size_t add_message(struct writing *w, uint32_t row, uint8_t channel, char *out)
{
    char id[32], detail[32];
    size_t bytes = 0;
    struct journal_intent intent = {row, channel, (uint8_t)(1 + chance(3)),
                                    (uint8_t)chance(2)};
    if (chance(10) == 0)
        return 0;
    bytes += record_encode_intents(&w->context, &intent, 1, out);
    if (chance(10) == 0)
        return bytes;
    snprintf(id, sizeof(id), "id-%u", row % 50);
    snprintf(detail, sizeof(detail), "detail %u", chance(5));
    struct journal_outcome outcome = {
        .row = row,
        .channel = channel,
        .outcome = (uint8_t)chance(OUTCOME_COUNT),
        .attempt = intent.attempt,
        .provider = intent.provider,
        .reason = (uint16_t)(chance(2) ? chance(DELIVERY_REASON_COUNT) : DELIVERY_OK),
        .at_ms = T0 + chance(1000),
        .provider_id = chance(2) ? text_of(id) : TEXT(""),
        .detail = chance(2) ? text_of(detail) : TEXT("")};
    return bytes + record_encode_outcome(&w->context, &outcome, out + bytes);
}

static void write_messages(struct writing *w, const struct journal_decision *decisions,
                           size_t count)
{
    char *body = w->body + FRAME_HEAD_BYTES;
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        const struct journal_decision *d = &decisions[i];
        if (disposition_sends((enum disposition)d->disposition))
            bytes += add_message(w, d->row, d->channel, body + bytes);
        if (bytes > FRAME_BODY_BYTES_MAX - 1024 || (i + 1 == count && bytes > 0)) {
            add_frame(w, bytes);
            bytes = 0;
        }
    }
}

static size_t decide(struct journal_decision *out, unsigned first, unsigned rows)
{
    size_t count = 0;
    for (unsigned r = first; r < first + rows; r++) {
        for (unsigned c = 0; c < CHANNEL_COUNT; c++) {
            unsigned dice = chance(8);
            if (dice > 0)
                out[count++] = (struct journal_decision){
                    r, (uint8_t)c,
                    (uint8_t)(dice < 6 ? DISPOSITION_SEND
                                       : 1 + chance(DISPOSITION_COUNT - 1)),
                    (uint16_t)chance(4)};
        }
    }
    return count;
}

static void write_journal(unsigned rows, bool notice)
{
    static const struct text providers[] = {{"relay", 5}, {"twilio", 6}};
    const struct journal_header header = {.account = TEXT("studio"),
                                          .job = TEXT("job"),
                                          .rows = rows,
                                          .providers = providers,
                                          .provider_count = 2};
    struct writing *w = calloc(1, sizeof(*w));
    struct journal_decision *decisions =
        calloc(CHUNK_ROWS_MAX * CHANNEL_COUNT, sizeof(*decisions));
    char head[FRAME_FILE_BYTES], path[PATH_BYTES], *body = w->body + FRAME_HEAD_BYTES;
    frame_file_encode(&(struct frame_file){.salt = SALT}, head);
    buffer_add(&w->file, head, sizeof(head));
    record_context_init(&w->context);
    add_frame(w, record_encode_header(&header, body));
    for (unsigned first = 0; first < rows; first += CHUNK_ROWS_MAX) {
        unsigned in_chunk = rows - first < CHUNK_ROWS_MAX ? rows - first : CHUNK_ROWS_MAX;
        size_t count = decide(decisions, first, in_chunk);
        add_frame(
            w, record_encode_decisions(decisions, count, first / CHUNK_ROWS_MAX, body));
        write_messages(w, decisions, count);
    }
    if (notice) {
        struct journal_decision one = {JOURNAL_ROW_NOTICE, CHANNEL_EMAIL,
                                       DISPOSITION_SEND, 0};
        write_messages(w, &one, 1);
    }
    in_home("journal.0000", path);
    cr_assert_eq(file_write(path, buffer_view(&w->file), NULL), 0);
    buffer_fini(&w->file);
    free(decisions);
    free(w);
}

/* --- both ways --- */

struct found {
    struct results_filter filter;
    struct buffer lines;
    uint64_t count, stop_at;
};

static void add_line(struct buffer *out, const struct result *r)
{
    buffer_format(out, "%lu %.*s|%.*s|%d|%d|%d|%d|%s|%.*s|%.*s|%.*s|%u|%u|%ld|%ld\n",
                  (unsigned long)r->number, TEXT_ARGS(r->customer), TEXT_ARGS(r->role),
                  r->notice, (int)r->channel, (int)r->disposition, (int)r->outcome,
                  r->reason, TEXT_ARGS(r->provider), TEXT_ARGS(r->provider_id),
                  TEXT_ARGS(r->detail), r->segments, r->attempts, (long)r->first_at_ms,
                  (long)r->at_ms);
}

static int on_arrow(void *arg, const struct result *r)
{
    struct found *found = arg;
    add_line(&found->lines, r);
    return ++found->count == found->stop_at;
}

static int on_journal(void *arg, const struct result *r)
{
    const struct found *found = arg;
    return results_wanted(&found->filter, r) ? on_arrow(arg, r) : 0;
}

static struct results_filter any_filter(void)
{
    static char customer[16], id[16];
    const char *const statuses[] = {"sent",      "failed",    "unknown", "pending",
                                    "opted_out", "duplicate", "no_such", "send"};
    const char *const reasons[] = {delivery_reason_name(DELIVERY_OK + 1),
                                   delivery_reason_name(DELIVERY_REASON_COUNT - 1), "no",
                                   ""};
    struct results_filter f = {
        .channel = -1, .customers = true, .notice = true, .created_ns = T0 * 1000000l};
    snprintf(customer, sizeof(customer), "c%u", chance(110));
    snprintf(id, sizeof(id), "id-%u", chance(60));
    if (chance(2))
        f.status = text_of(statuses[chance(ARRAY_COUNT(statuses))]);
    if (chance(4) == 0)
        f.customer = chance(20) ? text_of(customer) : TEXT("owner");
    if (chance(4) == 0)
        f.role = chance(10) ? text_of(roles[chance(2)]) : TEXT("");
    if (chance(4) == 0)
        f.reason = text_of(reasons[chance(4)]);
    if (chance(8) == 0)
        f.provider_id = text_of(id);
    if (chance(3) == 0)
        f.channel = (int)chance(CHANNEL_COUNT);
    if (chance(3) == 0)
        f.since_ns = (T0 + chance(1000)) * 1000000l;
    if (chance(3) == 0)
        f.until_ns = (T0 + chance(1000)) * 1000000l;
    if (chance(4) == 0) {
        f.customers = chance(2);
        f.notice = chance(2);
    }
    return f;
}

static void compare(const struct snapshot *snapshot, unsigned tries)
{
    struct error err = {0};
    char path[PATH_BYTES];
    in_home("results.arrow", path);
    uint64_t total = 0;
    for (unsigned i = 0; i < tries; i++) {
        struct found journal = {.filter = any_filter(), .stop_at = chance(4) ? 0 : 3};
        struct found arrow = {.stop_at = journal.stop_at};
        uint64_t matched, counted;
        int wanted = results_scan(home, snapshot, on_journal, &journal, &err);
        int rc = results_read(path, &journal.filter, on_arrow, &arrow, &matched, &err);
        cr_assert_eq(rc, wanted, "%s", err.text);
        struct text a = buffer_view(&journal.lines), b = buffer_view(&arrow.lines);
        cr_assert(text_equal(a, b), "journal:\n%.*s\narrow:\n%.*s", TEXT_ARGS(a),
                  TEXT_ARGS(b));
        cr_assert_eq(results_read(path, &journal.filter, NULL, NULL, &counted, NULL), 0);
        cr_assert(rc ? counted >= arrow.count
                     : counted == arrow.count && matched == counted);
        total += counted;
        buffer_fini(&journal.lines);
        buffer_fini(&arrow.lines);
    }
    cr_assert_gt(total, tries);
}

static void make_and_compare(unsigned rows, bool notice, unsigned tries)
{
    struct error err = {0};
    struct results_summary summary;
    struct snapshot *snapshot;
    char path[PATH_BYTES];
    in_home("snapshot.arrow", path);
    write_snapshot(rows);
    write_journal(rows, notice);
    cr_assert_eq(snapshot_open(path, NULL, 0, &snapshot, &err), 0, "%s", err.text);
    struct job job = {.snapshot = snapshot,
                      .file = {.channels = {CHANNEL_SMS}, .channel_count = 1}};
    cr_assert_eq(results_write(home, &job, &summary, &err), 0, "%s", err.text);
    tally_fini(&summary.tally);
    compare(snapshot, tries);
    snapshot_close(&snapshot);
}

Test(results_read, finds_what_the_journal_says)
{
    for (unsigned round = 0; round < 12; round++)
        make_and_compare(1 + chance(300), round % 2, 60);
}

Test(results_read, over_several_record_batches)
{
    make_and_compare(21000, true, 12);
}

/* Rows of a large job are collected in several passes over its journal; one pass counted them. */
Test(results_read, nothing_is_lost_between_passes)
{
    const unsigned rows = (1u << 19) + 9000;
    struct error err = {0};
    struct results_summary summary;
    struct replay replay;
    struct job job = {.file = {.channels = {CHANNEL_SMS}, .channel_count = 1}};
    char path[PATH_BYTES];
    write_snapshot(rows);
    write_journal(rows, false);
    in_home("snapshot.arrow", path);
    cr_assert_eq(snapshot_open(path, NULL, 0, &job.snapshot, &err), 0, "%s", err.text);
    cr_assert_eq(results_write(home, &job, &summary, &err), 0, "%s", err.text);
    cr_assert_eq(replay_read(home, NULL, &replay, &err), 0, "%s", err.text);
    for (int c = 0; c < CHANNEL_COUNT; c++) {
        const struct books_channel *books = &summary.books.channels[c];
        for (int d = DISPOSITION_SEND; d < DISPOSITION_COUNT; d++)
            cr_expect_eq(books->dispositions[d], replay.counts[c][d]);
        for (int o = OUTCOME_SENT; o < OUTCOME_COUNT; o++)
            cr_expect_eq(books->outcomes[o], replay.outcomes[c][o]);
    }
    replay_fini(&replay);
    tally_fini(&summary.tally);
    snapshot_close(&job.snapshot);
}

Test(results_read, no_message_at_all)
{
    struct results_filter filter = {.channel = -1, .customers = true};
    struct results_summary summary;
    struct snapshot *snapshot;
    char path[PATH_BYTES];
    uint64_t matched = 1;
    write_snapshot(1);
    write_journal(0, false);
    in_home("snapshot.arrow", path);
    cr_assert_eq(snapshot_open(path, NULL, 0, &snapshot, NULL), 0);
    struct job job = {.snapshot = snapshot};
    cr_assert_eq(results_write(home, &job, &summary, NULL), 0);
    in_home("results.arrow", path);
    cr_assert_eq(results_read(path, &filter, NULL, NULL, &matched, NULL), 0);
    cr_assert_eq(matched, 0);
    snapshot_close(&snapshot);
}

/* A customers' file is no results file; it must not be taken for one. */
Test(results_read, refuses_what_is_no_result)
{
    struct results_filter filter = {.channel = -1, .customers = true};
    struct error err;
    char path[PATH_BYTES];
    uint64_t matched;
    write_snapshot(5);
    in_home("snapshot.arrow", path);
    cr_assert_eq(results_read(path, &filter, NULL, NULL, &matched, &err), -ERROR_INPUT);
    cr_expect(strstr(err.text, "no column \"customer\""), "%s", err.text);
}
