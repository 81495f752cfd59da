/* record: see record.h; the byte tables are in docs/journal.md. */
#include "outbox/journal/record.h"

/* The first byte of a record: the type in three bits; of an outcome also the outcome in
 * three and the channel in two. */
#define TYPE_BITS 3
#define TYPE_MASK 7

/* The first byte of a decision: disposition in five bits, channel in two, and this one
 * when its row or segments are not the expected ones and follow. */
#define DECISION_LONG 0x80

/* What follows in an outcome. */
#define OUTCOME_OTHER_TRY   0x01 /* attempt and provider differ from the outcome before */
#define OUTCOME_REASON      0x02
#define OUTCOME_PROVIDER_ID 0x04
#define OUTCOME_DETAIL      0x08
#define OUTCOME_DEAD        0x10 /* nothing follows */
#define OUTCOME_FLAGS       0x1f

_Static_assert(CHANNEL_COUNT <= 4 && OUTCOME_COUNT <= 8 && DISPOSITION_COUNT <= 32,
               "an enum has outgrown its bits");

void record_context_init(struct record_context *context)
{
    *context = (struct record_context){.intent = {.row = UINT32_MAX, .attempt = 1},
                                       .outcome = {.attempt = 1}};
}

/* --- numbers --- */

/* LEB128: seven bits a byte, low ones first. */
static char *put_number(char *at, uint64_t value)
{
    while (value >= 0x80) {
        *at++ = (char)(value | 0x80);
        value >>= 7;
    }
    *at++ = (char)value;
    return at;
}

static bool get_number(struct record_reader *reader, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && reader->at < reader->end; shift += 7) {
        uint8_t byte = *reader->at++;
        if (shift == 63 && byte > 1)
            return false;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *out = value;
            return value <= max;
        }
    }
    return false;
}

/* Differences are taken modulo 2^32 or 2^64, so that every pair of values has one, and
 * folded so that small ones of either sign are short: 0, -1, 1, -2, … */
static uint32_t fold32(uint32_t difference)
{
    return difference << 1 ^ (difference >> 31 ? UINT32_MAX : 0);
}

static uint32_t unfold32(uint32_t folded)
{
    return folded >> 1 ^ (folded & 1 ? UINT32_MAX : 0);
}

static uint64_t fold64(uint64_t difference)
{
    return difference << 1 ^ (difference >> 63 ? UINT64_MAX : 0);
}

static uint64_t unfold64(uint64_t folded)
{
    return folded >> 1 ^ (folded & 1 ? UINT64_MAX : 0);
}

static bool get_byte(struct record_reader *reader, uint8_t *out)
{
    if (reader->at == reader->end)
        return false;
    *out = *reader->at++;
    return true;
}

/* A length byte, then the bytes. */
/* memcpy of a length that the compiler knows the bounds of becomes `rep movs`, which takes as long to
 * begin as all the rest of an outcome. */
static void copy_text(char *at, struct text t)
{
    size_t done = 0;
    if (t.bytes >= 16) {
        for (; done + 16 < t.bytes; done += 16)
            memcpy(at + done, t.data + done, 16);
        done = t.bytes - 16;
        memcpy(at + done, t.data + done, 16);
        return;
    }
    for (; done < t.bytes; done++)
        at[done] = t.data[done];
}

static char *put_text(char *at, struct text t)
{
    CHECK(t.bytes <= RECORD_TEXT_BYTES_MAX);
    *at++ = (char)t.bytes;
    copy_text(at, t);
    return at + t.bytes;
}

static bool get_text(struct record_reader *reader, struct text *out)
{
    uint8_t bytes;
    if (!get_byte(reader, &bytes) || bytes > reader->end - reader->at)
        return false;
    *out = (struct text){(const char *)reader->at, bytes};
    reader->at += bytes;
    return true;
}

/* At most max bytes of t, not ending inside a UTF-8 sequence. */
static struct text cut_text(struct text t, size_t max)
{
    if (t.bytes <= max)
        return t;
    size_t bytes = max;
    while (bytes > 0 && ((uint8_t)t.data[bytes] & 0xc0) == 0x80)
        bytes--;
    return (struct text){t.data, bytes > 0 ? bytes : max};
}

/* --- header and mark --- */

size_t record_encode_header(const struct journal_header *header, char *out)
{
    char *at = out;
    *at++ = RECORD_HEADER;
    at = put_text(at, header->account);
    at = put_text(at, header->job);
    at = put_number(at, header->snapshot_hash);
    at = put_number(at, header->rows);
    CHECK(header->provider_count <= RECORD_PROVIDERS_MAX);
    *at++ = (char)header->provider_count;
    for (size_t i = 0; i < header->provider_count; i++)
        at = put_text(at, header->providers[i]);
    return (size_t)(at - out);
}

static int read_header(struct record_reader *reader, struct journal_header *out)
{
    uint8_t providers;
    if (!get_text(reader, &out->account) || !get_text(reader, &out->job) ||
        !get_number(reader, UINT64_MAX, &out->snapshot_hash) ||
        !get_number(reader, JOURNAL_ROW_NOTICE - 1, &out->rows) ||
        !get_byte(reader, &providers))
        return -1;
    for (size_t i = 0; i < providers; i++)
        if (!get_text(reader, &reader->providers[i]))
            return -1;
    out->providers = reader->providers;
    out->provider_count = providers;
    return 1;
}

size_t record_encode_mark(enum journal_mark mark, char *out)
{
    out[0] = RECORD_MARK;
    out[1] = (char)mark;
    return RECORD_MARK_BYTES;
}

static int read_mark(struct record_reader *reader, enum journal_mark *out)
{
    uint8_t mark;
    if (!get_byte(reader, &mark) || mark < JOURNAL_DECIDED || mark > JOURNAL_FINISHED)
        return -1;
    *out = mark;
    return 1;
}

/* --- decisions --- */

/* The row a decision is expected for: the same one on a later channel, else the next one.
 * That holds whether a chunk is written row by row or channel by channel. */
static uint32_t expected_row(const struct journal_decision *previous, uint8_t channel)
{
    return channel > previous->channel ? previous->row : previous->row + 1;
}

static uint16_t expected_segments(uint8_t channel, uint8_t disposition)
{
    return channel == CHANNEL_SMS && disposition == DISPOSITION_SEND;
}

static const struct journal_decision before_first = {.row = UINT32_MAX};

size_t record_encode_decisions(const struct journal_decision *decisions, size_t count,
                               uint32_t chunk, char *out)
{
    CHECK(count <= RECORD_DECISIONS_MAX);
    char *at = out;
    *at++ = RECORD_DECISIONS;
    at = put_number(at, chunk);
    at = put_number(at, count);
    const struct journal_decision *previous = &before_first;
    for (size_t i = 0; i < count; i++) {
        const struct journal_decision *d = &decisions[i];
        CHECK(d->channel < CHANNEL_COUNT && d->disposition > DISPOSITION_NONE &&
              d->disposition < DISPOSITION_COUNT);
        uint32_t difference = d->row - expected_row(previous, d->channel);
        bool is_short = difference == 0 &&
                        d->segments == expected_segments(d->channel, d->disposition);
        *at++ = (char)(d->disposition | d->channel << 5 | (is_short ? 0 : DECISION_LONG));
        if (!is_short) {
            at = put_number(at, fold32(difference));
            at = put_number(at, d->segments);
        }
        previous = d;
    }
    return (size_t)(at - out);
}

static int read_decisions(struct record_reader *reader, struct record *out)
{
    uint64_t chunk, count;
    if (!get_number(reader, UINT32_MAX, &chunk) ||
        !get_number(reader, RECORD_DECISIONS_MAX, &count))
        return -1;
    out->chunk = (uint32_t)chunk;
    out->count = reader->left = (uint32_t)count;
    reader->decision = before_first;
    return 1;
}

int record_next_decision(struct record_reader *reader, struct journal_decision *out)
{
    CHECK(reader->left > 0);
    uint8_t head;
    if (!get_byte(reader, &head))
        return -1;
    struct journal_decision d = {.channel = head >> 5 & 3, .disposition = head & 31};
    if (d.disposition == DISPOSITION_NONE || d.disposition >= DISPOSITION_COUNT)
        return -1;
    d.row = expected_row(&reader->decision, d.channel);
    d.segments = expected_segments(d.channel, d.disposition);
    if (head & DECISION_LONG) {
        uint64_t folded, segments;
        if (!get_number(reader, UINT32_MAX, &folded) ||
            !get_number(reader, UINT16_MAX, &segments))
            return -1;
        d.row += unfold32((uint32_t)folded);
        d.segments = (uint16_t)segments;
    }
    reader->left--;
    *out = reader->decision = d;
    return 1;
}

/* --- intents --- */

size_t record_encode_intents(struct record_context *context,
                             const struct journal_intent *intents, size_t count,
                             char *out)
{
    CHECK(count <= RECORD_INTENTS_MAX);
    char *at = out;
    *at++ = RECORD_INTENTS;
    at = put_number(at, count);
    struct journal_intent *last = &context->intent;
    for (size_t i = 0; i < count; i++) {
        const struct journal_intent *n = &intents[i];
        CHECK(n->channel < CHANNEL_COUNT);
        bool other = n->channel != last->channel || n->attempt != last->attempt ||
                     n->provider != last->provider;
        at = put_number(at, (uint64_t)fold32(n->row - last->row - 1) << 1 | other);
        if (other) {
            *at++ = (char)n->channel;
            *at++ = (char)n->attempt;
            *at++ = (char)n->provider;
        }
        *last = *n;
    }
    return (size_t)(at - out);
}

static int read_intents(struct record_reader *reader, struct record *out)
{
    uint64_t count;
    if (!get_number(reader, RECORD_INTENTS_MAX, &count))
        return -1;
    out->count = reader->left = (uint32_t)count;
    return 1;
}

int record_next_intent(struct record_reader *reader, struct journal_intent *out)
{
    CHECK(reader->left > 0);
    struct journal_intent *last = &reader->context.intent;
    uint64_t head;
    if (!get_number(reader, (uint64_t)UINT32_MAX << 1 | 1, &head))
        return -1;
    last->row += unfold32((uint32_t)(head >> 1)) + 1;
    if ((head & 1) &&
        (!get_byte(reader, &last->channel) || !get_byte(reader, &last->attempt) ||
         !get_byte(reader, &last->provider)))
        return -1;
    if (last->channel >= CHANNEL_COUNT)
        return -1;
    reader->left--;
    *out = *last;
    return 1;
}

/* --- outcomes --- */

size_t record_encode_outcome(struct record_context *context,
                             const struct journal_outcome *outcome, char *out)
{
    CHECK(outcome->channel < CHANNEL_COUNT && outcome->outcome < OUTCOME_COUNT);
    struct journal_outcome *last = &context->outcome;
    struct text id = cut_text(outcome->provider_id, RECORD_PROVIDER_ID_BYTES);
    struct text detail = cut_text(outcome->detail, RECORD_DETAIL_BYTES);
    uint8_t flags = 0;
    if (outcome->attempt != last->attempt || outcome->provider != last->provider)
        flags |= OUTCOME_OTHER_TRY;
    if (outcome->reason)
        flags |= OUTCOME_REASON;
    if (id.bytes > 0)
        flags |= OUTCOME_PROVIDER_ID;
    if (detail.bytes > 0 && outcome->outcome != OUTCOME_SENT)
        flags |= OUTCOME_DETAIL;
    if (outcome->address_dead)
        flags |= OUTCOME_DEAD;

    char *at = out;
    *at++ =
        (char)(RECORD_OUTCOME | outcome->outcome << TYPE_BITS | outcome->channel << 6);
    *at++ = (char)flags;
    at = put_number(at, fold32(outcome->row - last->row));
    at = put_number(at, fold64((uint64_t)outcome->at_ms - (uint64_t)last->at_ms));
    if (flags & OUTCOME_OTHER_TRY) {
        *at++ = (char)outcome->attempt;
        *at++ = (char)outcome->provider;
    }
    if (flags & OUTCOME_REASON)
        at = put_number(at, outcome->reason);
    if (flags & OUTCOME_PROVIDER_ID)
        at = put_text(at, id);
    if (flags & OUTCOME_DETAIL)
        at = put_text(at, detail);
    *last = *outcome;
    return (size_t)(at - out);
}

static int read_outcome(struct record_reader *reader, uint8_t head,
                        struct journal_outcome *out)
{
    struct journal_outcome *last = &reader->context.outcome;
    struct journal_outcome o = {.channel = head >> 6,
                                .outcome = head >> TYPE_BITS & TYPE_MASK,
                                .attempt = last->attempt,
                                .provider = last->provider};
    uint8_t flags;
    uint64_t row, at_ms, reason = 0;
    if (o.outcome >= OUTCOME_COUNT || !get_byte(reader, &flags) ||
        (flags & ~OUTCOME_FLAGS) != 0 || !get_number(reader, UINT32_MAX, &row) ||
        !get_number(reader, UINT64_MAX, &at_ms))
        return -1;
    o.address_dead = (flags & OUTCOME_DEAD) != 0;
    o.row = last->row + unfold32((uint32_t)row);
    o.at_ms = (int64_t)((uint64_t)last->at_ms + unfold64(at_ms));
    if ((flags & OUTCOME_OTHER_TRY) &&
        (!get_byte(reader, &o.attempt) || !get_byte(reader, &o.provider)))
        return -1;
    if ((flags & OUTCOME_REASON) && !get_number(reader, UINT16_MAX, &reason))
        return -1;
    o.reason = (uint16_t)reason;
    if ((flags & OUTCOME_PROVIDER_ID) && !get_text(reader, &o.provider_id))
        return -1;
    if ((flags & OUTCOME_DETAIL) && !get_text(reader, &o.detail))
        return -1;
    *out = *last = o;
    return 1;
}

/* --- reading --- */

void record_reader_init(struct record_reader *reader, struct text body)
{
    reader->start = reader->at = (const uint8_t *)body.data;
    reader->end = reader->start + body.bytes;
    reader->left = 0;
    record_context_init(&reader->context);
}

int record_next(struct record_reader *reader, struct record *out)
{
    CHECK(reader->left == 0);
    if (reader->at == reader->end)
        return 0;
    bool is_first = reader->at == reader->start;
    uint8_t head = *reader->at++;
    out->type = head & TYPE_MASK;
    if (out->type == RECORD_OUTCOME)
        return read_outcome(reader, head, &out->outcome);
    if (head != out->type)
        return -1;
    switch (out->type) {
    case RECORD_HEADER:
        return is_first ? read_header(reader, &out->header) : -1;
    case RECORD_DECISIONS:
        return read_decisions(reader, out);
    case RECORD_INTENTS:
        return read_intents(reader, out);
    case RECORD_MARK:
        return read_mark(reader, &out->mark);
    default:
        return -1;
    }
}
