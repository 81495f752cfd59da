/* replay: see replay.h. */
#include "outbox/journal/replay.h"

#include "base/bitmap.h"
#include "base/file.h"
#include "outbox/journal/record.h"
#include "outbox/journal/scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Address space that is zero and costs memory only where it is touched. */
static void *reserve(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(p != MAP_FAILED);
    return p;
}

static size_t states_bytes(const struct replay *replay)
{
    return (replay->rows + 1) * sizeof(struct replay_state);
}

/* Every chunk has a row at least, so there are never more of them. */
static size_t chunks_bytes(const struct replay *replay)
{
    return (bitmap_words(replay->rows) + 1) * sizeof(uint64_t);
}

/* The apply functions return what is wrong with a record, or NULL. */
struct reading {
    struct replay *replay;
    const struct replay_visitor *visitor;
    bool has_header;
    char account[RECORD_TEXT_BYTES_MAX], job[RECORD_TEXT_BYTES_MAX];
    struct text account_text, job_text;
    uint64_t snapshot_hash;
    uint8_t
        providers[RECORD_PROVIDERS_MAX + 1]; /* the last header's, in replay->providers */
    struct record_reader reader;
};

static struct text keep(char *room, struct text t)
{
    memcpy(room, t.data, t.bytes);
    return (struct text){room, t.bytes};
}

static uint8_t provider_index(struct replay *replay, struct text name)
{
    for (size_t i = 0; i < replay->provider_count; i++) {
        if (text_is(name, replay->providers[i]))
            return (uint8_t)i;
    }
    if (replay->provider_count == JOURNAL_PROVIDER_NONE)
        return JOURNAL_PROVIDER_NONE;
    replay->providers[replay->provider_count] = text_copy(name);
    return (uint8_t)replay->provider_count++;
}

static void apply_providers(struct reading *reading, const struct journal_header *header)
{
    memset(reading->providers, JOURNAL_PROVIDER_NONE, sizeof(reading->providers));
    for (size_t i = 0; i < header->provider_count; i++)
        reading->providers[i] = provider_index(reading->replay, header->providers[i]);
}

static const char *apply_header(struct reading *reading,
                                const struct journal_header *header)
{
    struct replay *replay = reading->replay;
    if (!reading->has_header) {
        reading->has_header = true;
        reading->account_text = keep(reading->account, header->account);
        reading->job_text = keep(reading->job, header->job);
        reading->snapshot_hash = header->snapshot_hash;
        replay->rows = header->rows;
        replay->chunks_decided = reserve(chunks_bytes(replay));
    } else if (!text_equal(header->account, reading->account_text) ||
               !text_equal(header->job, reading->job_text) ||
               header->snapshot_hash != reading->snapshot_hash ||
               header->rows != replay->rows) {
        return "its header is of another job";
    }
    apply_providers(reading, header);
    if (reading->visitor->header)
        reading->visitor->header(reading->visitor->arg, header);
    return NULL;
}

/* The state of a message, NULL where none can be. */
static struct replay_state *state_of(struct replay *replay, uint32_t row, uint8_t channel)
{
    if (row < replay->rows) {
        struct replay_state **states = &replay->states[channel];
        if (!*states)
            *states = reserve(states_bytes(replay));
        return *states + row;
    }
    bool is_notice = row == JOURNAL_ROW_NOTICE && channel == CHANNEL_EMAIL;
    return is_notice ? &replay->notice : NULL;
}

static const char *apply_decisions(struct reading *reading, const struct record *record)
{
    struct replay *replay = reading->replay;
    const struct replay_visitor *visitor = reading->visitor;
    if (record->chunk >= replay->rows)
        return "a chunk is beyond the snapshot";
    if (bitmap_get(replay->chunks_decided, record->chunk))
        return "a chunk was decided twice";
    bitmap_set(replay->chunks_decided, record->chunk);
    if (record->chunk >= replay->chunk_count)
        replay->chunk_count = (size_t)record->chunk + 1;
    for (uint32_t i = 0; i < record->count; i++) {
        struct journal_decision d;
        if (record_next_decision(&reading->reader, &d) < 0)
            return "a decision makes no sense";
        struct replay_state *state = state_of(replay, d.row, d.channel);
        if (!state || state == &replay->notice)
            return "a decision is for a row beyond the snapshot";
        if (state->disposition != DISPOSITION_NONE)
            return "a row was decided twice";
        if (visitor->decision)
            visitor->decision(visitor->arg, &d);
        state->disposition = d.disposition & 31u;
        replay->counts[d.channel][d.disposition]++;
        if (disposition_sends(d.disposition))
            replay->outcomes[d.channel][OUTCOME_PENDING]++;
        if (d.channel == CHANNEL_SMS && d.disposition == DISPOSITION_SEND)
            replay->sms_segments += d.segments;
    }
    return NULL;
}

/* The state of a message that was planned. The notice needs no decision and is not
 * counted. */
static const char *planned(struct replay *replay, uint32_t row, uint8_t channel,
                           struct replay_state **out)
{
    *out = state_of(replay, row, channel);
    if (!*out)
        return "a message is for a row beyond the snapshot";
    if (*out == &replay->notice)
        (*out)->disposition = DISPOSITION_SEND;
    return disposition_sends((*out)->disposition)
               ? NULL
               : "a message was sent that was not planned";
}

static void set_outcome(struct replay *replay, struct replay_state *state,
                        uint8_t channel, uint8_t outcome)
{
    if (state != &replay->notice) {
        uint8_t before = state->outcome, after = outcome;
        uint64_t *outcomes = replay->outcomes[channel];
        outcomes[before == REPLAY_IN_DOUBT ? OUTCOME_PENDING : before]--;
        outcomes[after == REPLAY_IN_DOUBT ? OUTCOME_PENDING : after]++;
    }
    state->outcome = outcome & 7u;
}

static const char *apply_intents(struct reading *reading, const struct record *record)
{
    const struct replay_visitor *visitor = reading->visitor;
    for (uint32_t i = 0; i < record->count; i++) {
        struct journal_intent intent;
        if (record_next_intent(&reading->reader, &intent) < 0)
            return "an intent makes no sense";
        struct replay_state *state;
        const char *wrong = planned(reading->replay, intent.row, intent.channel, &state);
        if (wrong)
            return wrong;
        if (visitor->intent)
            visitor->intent(visitor->arg, &intent);
        set_outcome(reading->replay, state, intent.channel, REPLAY_IN_DOUBT);
        state->provider = reading->providers[intent.provider];
    }
    return NULL;
}

static const char *apply_outcome(struct reading *reading,
                                 const struct journal_outcome *outcome)
{
    struct replay_state *state;
    const char *wrong = planned(reading->replay, outcome->row, outcome->channel, &state);
    if (wrong)
        return wrong;
    if (reading->visitor->outcome)
        reading->visitor->outcome(reading->visitor->arg, outcome);
    set_outcome(reading->replay, state, outcome->channel, outcome->outcome);
    return NULL;
}

static const char *apply_mark(struct replay *replay, enum journal_mark mark)
{
    replay->decided |= mark == JOURNAL_DECIDED;
    replay->cancelled |= mark == JOURNAL_CANCELLED;
    replay->finished |= mark == JOURNAL_FINISHED;
    return NULL;
}

static const char *apply(struct reading *reading, const struct record *record)
{
    struct replay_extent *extent = &reading->replay->extent;
    if (record->type == RECORD_HEADER) {
        extent->headers++;
        return apply_header(reading, &record->header);
    }
    if (!reading->has_header)
        return "its header is missing";
    switch (record->type) {
    case RECORD_DECISIONS:
        extent->decisions += record->count;
        return apply_decisions(reading, record);
    case RECORD_INTENTS:
        extent->intents += record->count;
        return apply_intents(reading, record);
    case RECORD_OUTCOME:
        extent->outcomes++;
        return apply_outcome(reading, &record->outcome);
    default:
        extent->marks++;
        return apply_mark(reading->replay, record->mark);
    }
}

static const char *apply_body(struct reading *reading, struct text body)
{
    struct record record;
    record_reader_init(&reading->reader, body);
    for (;;) {
        int rc = record_next(&reading->reader, &record);
        if (rc == 0)
            return NULL;
        const char *wrong = rc < 0 ? "a record makes no sense" : apply(reading, &record);
        if (wrong)
            return wrong;
    }
}

static int read_frames(struct scan *scan, struct reading *reading, struct error *err)
{
    struct frame frame;
    int rc;
    struct replay_extent *extent = &reading->replay->extent;
    while ((rc = scan_next(scan, &frame, err)) > 0) {
        if (reading->visitor->frame)
            (void)reading->visitor->frame(reading->visitor->arg, frame.sequence);
        const char *wrong = apply_body(reading, frame.body);
        if (wrong)
            return scan_damage(scan, scan->offset - (uint32_t)frame.bytes, wrong, err);
        extent->frames++;
        extent->bytes += frame.bytes;
        extent->sequence = frame.sequence;
    }
    if (rc == 0 && !reading->has_header)
        return scan_damage(scan, FRAME_FILE_BYTES, "its header is missing", err);
    return rc;
}

int replay_read(const char *dir, const struct replay_visitor *visitor, struct replay *out,
                struct error *err)
{
    static const struct replay_visitor nobody;
    *out = (struct replay){0};
    struct reading reading = {.replay = out, .visitor = visitor ? visitor : &nobody};
    struct scan scan;
    int rc = scan_open(&scan, dir, err);
    if (rc == 0)
        rc = read_frames(&scan, &reading, err);
    out->extent.files = scan.file_count;
    out->extent.bytes +=
        (uint64_t)scan.file_count * FRAME_FILE_BYTES + scan.skipped_bytes;
    out->extent.tail_file = scan.file;
    out->extent.tail_offset = scan.offset;
    out->extent.tail_bytes = rc == 0 ? scan.tail_bytes : 0;
    scan_close(&scan);
    return rc;
}

/* --- once more --- */

static int tell_record(struct record_reader *reader, const struct record *record,
                       const struct replay_visitor *visitor)
{
    struct journal_decision decision;
    struct journal_intent intent;
    int rc = 1;
    switch (record->type) {
    case RECORD_HEADER:
        if (visitor->header)
            visitor->header(visitor->arg, &record->header);
        break;
    case RECORD_DECISIONS:
        while (reader->left > 0 && (rc = record_next_decision(reader, &decision)) > 0)
            if (visitor->decision)
                visitor->decision(visitor->arg, &decision);
        break;
    case RECORD_INTENTS:
        while (reader->left > 0 && (rc = record_next_intent(reader, &intent)) > 0)
            if (visitor->intent)
                visitor->intent(visitor->arg, &intent);
        break;
    case RECORD_OUTCOME:
        if (visitor->outcome)
            visitor->outcome(visitor->arg, &record->outcome);
        break;
    default:
        break;
    }
    return rc;
}

static int tell_frame(struct record_reader *reader, const struct frame *frame,
                      const struct replay_visitor *visitor)
{
    struct record record;
    int rc = 1;
    if (visitor->frame && !visitor->frame(visitor->arg, frame->sequence))
        return 0;
    record_reader_init(reader, frame->body);
    while (rc > 0 && (rc = record_next(reader, &record)) > 0)
        rc = tell_record(reader, &record, visitor);
    return rc;
}

int replay_again(const char *dir, const struct replay_visitor *visitor, struct error *err)
{
    struct scan scan;
    struct frame frame;
    struct record_reader reader;
    int rc = scan_open(&scan, dir, err);
    while (rc == 0 && (rc = scan_next(&scan, &frame, err)) > 0)
        rc = tell_frame(&reader, &frame, visitor) < 0
                 ? scan_damage(&scan, scan.offset - (uint32_t)frame.bytes,
                               "a record makes no sense", err)
                 : 0;
    scan_close(&scan);
    return rc;
}

bool replay_exists(const char *dir)
{
    char path[PATH_BYTES];
    return scan_path(path, dir, 0, NULL) == 0 && file_exists(path);
}

void replay_fini(struct replay *replay)
{
    for (int c = 0; c < CHANNEL_COUNT; c++)
        if (replay->states[c])
            munmap(replay->states[c], states_bytes(replay));
    if (replay->chunks_decided)
        munmap(replay->chunks_decided, chunks_bytes(replay));
    for (size_t i = 0; i < replay->provider_count; i++)
        free(replay->providers[i]);
    *replay = (struct replay){0};
}
