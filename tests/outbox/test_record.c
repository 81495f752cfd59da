/* record: exact bytes, round trips, and bytes nobody wrote. */
#include "outbox/journal/record.h"

#include <criterion/criterion.h>

static uint64_t random_state = 0x9e3779b97f4a7c15;

static uint64_t random_u64(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static void assert_bytes(const char *got, size_t got_bytes, const char *wanted,
                         size_t wanted_bytes)
{
    cr_assert_eq(got_bytes, wanted_bytes, "%zu bytes instead of %zu", got_bytes,
                 wanted_bytes);
    cr_assert_arr_eq(got, wanted, wanted_bytes);
}

#define WANTED(literal) literal, sizeof(literal) - 1

/* --- exact bytes: what is on disks must be read for ever --- */

Test(record, decisions_have_their_bytes)
{
    static const struct journal_decision decisions[] = {
        {0, CHANNEL_SMS, DISPOSITION_SEND, 1},           /* as expected: one byte */
        {0, CHANNEL_EMAIL, DISPOSITION_NO_ADDRESS, 0},   /* same row, later channel */
        {1, CHANNEL_SMS, DISPOSITION_SEND, 3},           /* other segments */
        {9, CHANNEL_PUSH, DISPOSITION_FROM_FALLBACK, 0}, /* 8 rows on */
        {2, CHANNEL_SMS, DISPOSITION_OPTED_OUT, 0},      /* back */
    };
    char out[RECORD_DECISIONS_BYTES(5)];
    size_t bytes = record_encode_decisions(decisions, 5, 300, out);
    assert_bytes(out, bytes,
                 WANTED("\x02\xac\x02\x05"
                        "\x01\x26\x81\x00\x03\xc3\x10\x00\x84\x0f\x00"));
}

Test(record, intents_have_their_bytes)
{
    static const struct journal_intent intents[] = {
        {0, CHANNEL_SMS, 1, 0}, /* as expected: one byte */
        {1, CHANNEL_SMS, 1, 0},
        {3, CHANNEL_EMAIL, 2, 7},
        {JOURNAL_ROW_NOTICE, CHANNEL_EMAIL, 2, 7},
    };
    struct record_context context;
    record_context_init(&context);
    char out[RECORD_INTENTS_BYTES(4)];
    size_t bytes = record_encode_intents(&context, intents, 4, out);
    assert_bytes(out, bytes, WANTED("\x03\x04\x00\x00\x05\x01\x02\x07\x12"));
}

Test(record, outcomes_have_their_bytes)
{
    static const struct journal_outcome sent = {.row = 5,
                                                .channel = CHANNEL_EMAIL,
                                                .outcome = OUTCOME_SENT,
                                                .attempt = 1,
                                                .at_ms = 64,
                                                .provider_id = {"SM1", 3},
                                                .detail = {"ignored", 7}};
    static const struct journal_outcome failed = {.row = 4,
                                                  .channel = CHANNEL_SMS,
                                                  .outcome = OUTCOME_FAILED,
                                                  .attempt = 2,
                                                  .provider = 1,
                                                  .reason = 300,
                                                  .at_ms = 63,
                                                  .detail = {"no", 2}};
    struct record_context context;
    record_context_init(&context);
    char out[2 * RECORD_OUTCOME_BYTES_MAX];
    size_t bytes = record_encode_outcome(&context, &sent, out);
    bytes += record_encode_outcome(&context, &failed, out + bytes);
    assert_bytes(out, bytes,
                 WANTED("\x4c\x04\x0a\x80\x01\x03SM1"
                        "\x14\x0b\x01\x01\x02\x01\xac\x02\x02no"));
}

Test(record, header_and_mark_have_their_bytes)
{
    static const struct text providers[] = {{"relay", 5}, {"", 0}};
    struct journal_header header = {{"a", 1}, {"job", 3}, 128, 1000, providers, 2};
    char out[RECORD_HEADER_BYTES_MAX];
    size_t bytes = record_encode_header(&header, out);
    assert_bytes(out, bytes,
                 WANTED("\x01\x01"
                        "a\x03job\x80\x01\xe8\x07\x02\x05relay\x00"));
    bytes = record_encode_mark(JOURNAL_FINISHED, out);
    assert_bytes(out, bytes, WANTED("\x05\x03"));
}

/* --- bytes that are no record --- */

Test(record, nonsense_is_refused)
{
    static const struct {
        const char *what;
        struct text body;
    } cases[] = {
        {"type 0", {"\x00", 1}},
        {"type 6", {"\x06", 1}},
        {"bits above the type of a mark", {"\x0d\x01", 2}},
        {"no mark", {"\x05", 1}},
        {"mark 0", {"\x05\x00", 2}},
        {"mark 4", {"\x05\x04", 2}},
        {"a header that is not first", {"\x05\x01\x01\x00\x00\x00\x00\x00", 8}},
        {"a header of 2^32 rows", {"\x01\x00\x00\x00\x80\x80\x80\x80\x10\x00", 10}},
        {"a header cut in a provider's name", {"\x01\x00\x00\x00\x00\x01\x05rel", 10}},
        {"outcome 6", {"\x34\x00\x00\x00", 4}},
        {"unknown flags", {"\x0c\x20\x00\x00", 4}},
        {"a row above 2^32", {"\x0c\x00\x80\x80\x80\x80\x10\x00", 8}},
        {"a time above 2^64",
         {"\x0c\x00\x00\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02", 13}},
        {"a number without end",
         {"\x0c\x00\x00\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80", 14}},
        {"reason 65536", {"\x0c\x02\x00\x00\x80\x80\x04", 7}},
        {"an id longer than the body", {"\x0c\x04\x00\x00\x05SM1", 8}},
        {"too many decisions", {"\x02\x00\x81\x80\x01", 5}},
        {"too many intents", {"\x03\x81\x20", 3}},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct record_reader reader;
        struct record record;
        record_reader_init(&reader, cases[i].body);
        int rc;
        while ((rc = record_next(&reader, &record)) > 0)
            continue;
        cr_expect_eq(rc, -1, "%s", cases[i].what);
    }
}

Test(record, nonsense_rows_are_refused)
{
    static const struct {
        const char *what;
        struct text body;
    } cases[] = {
        {"no decision", {"\x02\x00\x01", 3}},
        {"disposition 0", {"\x02\x00\x01\x00", 4}},
        {"disposition 27", {"\x02\x00\x01\x1b", 4}},
        {"no segments", {"\x02\x00\x01\x81\x00", 5}},
        {"segments 65536", {"\x02\x00\x01\x81\x00\x80\x80\x04", 8}},
        {"no intent", {"\x03\x01", 2}},
        {"channel 4", {"\x03\x01\x01\x04\x01\x00", 6}},
        {"no provider", {"\x03\x01\x01\x00\x01", 5}},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct record_reader reader;
        struct record record;
        record_reader_init(&reader, cases[i].body);
        cr_assert_eq(record_next(&reader, &record), 1, "%s", cases[i].what);
        struct journal_decision decision;
        struct journal_intent intent;
        int rc = record.type == RECORD_DECISIONS
                     ? record_next_decision(&reader, &decision)
                     : record_next_intent(&reader, &intent);
        cr_expect_eq(rc, -1, "%s", cases[i].what);
    }
}

/* --- what is kept of long texts --- */

Test(record, long_texts_are_cut_between_characters)
{
    char id[80], detail[120];
    memset(id, 'x', sizeof(id));
    memset(detail, 'y', sizeof(detail));
    memcpy(detail + 94, "\xe2\x82\xac", 3); /* a euro sign over the limit */
    struct journal_outcome outcome = {.outcome = OUTCOME_FAILED,
                                      .attempt = 1,
                                      .provider_id = {id, sizeof(id)},
                                      .detail = {detail, sizeof(detail)}};
    struct record_context context;
    record_context_init(&context);
    char out[RECORD_OUTCOME_BYTES_MAX];
    size_t bytes = record_encode_outcome(&context, &outcome, out);
    struct record_reader reader;
    struct record record;
    record_reader_init(&reader, (struct text){out, bytes});
    cr_assert_eq(record_next(&reader, &record), 1);
    cr_expect_eq(record.outcome.provider_id.bytes, 63);
    cr_expect_eq(record.outcome.detail.bytes, 94);
}

/* --- properties --- */

/* Mostly small steps, sometimes anything. */
static uint32_t random_row(uint32_t before)
{
    uint64_t r = random_u64();
    return r % 8 ? before + (uint32_t)(r >> 8) % 5 - 1 : (uint32_t)(r >> 8);
}

static void random_text(struct text *out, char *room, size_t max)
{
    size_t bytes = random_u64() % (max + 1);
    for (size_t i = 0; i < bytes; i++)
        room[i] = (char)('a' + random_u64() % 26);
    *out = bytes ? (struct text){room, bytes} : TEXT_NONE;
}

Test(record, decode_is_the_inverse_of_encode)
{
    enum { COUNT = 500 };
    static struct journal_decision decisions[COUNT];
    static struct journal_intent intents[COUNT];
    static struct journal_outcome outcomes[COUNT];
    static char texts[COUNT][2][96];
    static char body[RECORD_DECISIONS_BYTES(COUNT) + RECORD_INTENTS_BYTES(COUNT) +
                     COUNT * RECORD_OUTCOME_BYTES_MAX];
    for (int round = 0; round < 50; round++) {
        uint32_t row = 0;
        for (int i = 0; i < COUNT; i++) {
            row = random_row(row);
            uint64_t r = random_u64();
            decisions[i] = (struct journal_decision){
                row, r & 3, (uint8_t)(1 + (r >> 8) % (DISPOSITION_COUNT - 1)),
                (uint16_t)(r >> 16 & 1 ? r >> 20 : 1)};
            intents[i] = (struct journal_intent){row, r & 3, (uint8_t)(1 + (r >> 40 & 1)),
                                                 (uint8_t)(r >> 50 & 1)};
            outcomes[i] = (struct journal_outcome){
                .row = row,
                .channel = r & 3,
                .outcome = (uint8_t)((r >> 8) % OUTCOME_COUNT),
                .attempt = (uint8_t)(r >> 16 & 1 ? 1 : r >> 24),
                .provider = (uint8_t)(r >> 32 & 1),
                .reason = (uint16_t)(r >> 40 & 1 ? r >> 44 : 0),
                .address_dead = r >> 62 & 1,
                .at_ms = (int64_t)(r >> 60 ? 1795300000000 + (r & 1023) : random_u64())};
            random_text(&outcomes[i].provider_id, texts[i][0], RECORD_PROVIDER_ID_BYTES);
            if (outcomes[i].outcome != OUTCOME_SENT)
                random_text(&outcomes[i].detail, texts[i][1], RECORD_DETAIL_BYTES);
        }
        struct record_context context;
        record_context_init(&context);
        size_t bytes = record_encode_decisions(decisions, COUNT, (uint32_t)round, body);
        cr_assert_leq(bytes, RECORD_DECISIONS_BYTES(COUNT));
        size_t before = bytes;
        bytes += record_encode_intents(&context, intents, COUNT, body + bytes);
        cr_assert_leq(bytes - before, RECORD_INTENTS_BYTES(COUNT));
        for (int i = 0; i < COUNT; i++) {
            before = bytes;
            bytes += record_encode_outcome(&context, &outcomes[i], body + bytes);
            cr_assert_leq(bytes - before, RECORD_OUTCOME_BYTES_MAX);
        }

        struct record_reader reader;
        struct record record;
        record_reader_init(&reader, (struct text){body, bytes});
        cr_assert_eq(record_next(&reader, &record), 1);
        cr_assert(record.type == RECORD_DECISIONS && record.count == COUNT &&
                  record.chunk == (uint32_t)round);
        for (int i = 0; i < COUNT; i++) {
            struct journal_decision d;
            cr_assert_eq(record_next_decision(&reader, &d), 1);
            cr_assert(d.row == decisions[i].row && d.channel == decisions[i].channel &&
                      d.disposition == decisions[i].disposition &&
                      d.segments == decisions[i].segments);
        }
        cr_assert_eq(record_next(&reader, &record), 1);
        cr_assert(record.type == RECORD_INTENTS && record.count == COUNT);
        for (int i = 0; i < COUNT; i++) {
            struct journal_intent n;
            cr_assert_eq(record_next_intent(&reader, &n), 1);
            cr_assert(n.row == intents[i].row && n.channel == intents[i].channel &&
                      n.attempt == intents[i].attempt &&
                      n.provider == intents[i].provider);
        }
        for (int i = 0; i < COUNT; i++) {
            cr_assert_eq(record_next(&reader, &record), 1);
            const struct journal_outcome *a = &record.outcome, *b = &outcomes[i];
            cr_assert(record.type == RECORD_OUTCOME && a->row == b->row &&
                      a->channel == b->channel && a->outcome == b->outcome &&
                      a->attempt == b->attempt && a->provider == b->provider &&
                      a->reason == b->reason && a->at_ms == b->at_ms &&
                      a->address_dead == b->address_dead);
            cr_assert(text_equal(a->provider_id, b->provider_id) &&
                      text_equal(a->detail, b->detail));
        }
        cr_assert_eq(record_next(&reader, &record), 0);
    }
}

/* The goal is 64 bytes a message with a provider id of 34 characters, all in. */
Test(record, a_message_is_small)
{
    enum { COUNT = 1000 };
    static struct journal_decision decisions[COUNT];
    static struct journal_intent intents[COUNT];
    static char body[COUNT * 64];
    struct record_context context;
    record_context_init(&context);
    for (uint32_t i = 0; i < COUNT; i++) {
        decisions[i] = (struct journal_decision){i, CHANNEL_SMS, DISPOSITION_SEND,
                                                 (uint16_t)(1 + i % 2)};
        intents[i] = (struct journal_intent){i, CHANNEL_SMS, 1, 0};
    }
    size_t bytes = record_encode_decisions(decisions, COUNT, 0, body);
    bytes += record_encode_intents(&context, intents, COUNT, body + bytes);
    for (uint32_t i = 0; i < COUNT; i++) {
        struct journal_outcome outcome = {
            .row = (i * 7919) % COUNT, /* they come back in any order */
            .outcome = OUTCOME_SENT,
            .attempt = 1,
            .at_ms = 1795300000000 + i / 64,
            .provider_id = TEXT("SM0123456789abcdef0123456789abcdef")};
        bytes += record_encode_outcome(&context, &outcome, body + bytes);
    }
    cr_expect_leq(bytes, COUNT * 45, "%.1f bytes a message", (double)bytes / COUNT);
}
