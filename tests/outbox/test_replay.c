/* replay: what records mean, and which cannot be. */
#include "outbox/journal/replay.h"

#include "base/bitmap.h"
#include "tests/outbox/journal_fixture.h"

TestSuite(replay, .init = fixture_init, .fini = fixture_fini);

static struct image image;

static int read_image(struct replay *replay, struct error *err)
{
    image_store(&image);
    return replay_read(fixture_dir, NULL, replay, err);
}

static void assert_state(const struct replay *replay, uint32_t row, unsigned disposition,
                         unsigned outcome)
{
    struct replay_state state = replay->states[CHANNEL_SMS][row];
    cr_expect_eq(state.disposition, disposition, "row %u", row);
    cr_expect_eq(state.outcome, outcome, "row %u: outcome %u, not %u", row, state.outcome,
                 outcome);
}

/* --- meaning --- */

Test(replay, a_message_goes_through_its_states)
{
    static const struct {
        const char *what;
        int steps[4]; /* an outcome, REPLAY_IN_DOUBT for an intent, -1: end */
        unsigned state, counted_as;
    } cases[] = {
        {"planned", {-1}, OUTCOME_PENDING, OUTCOME_PENDING},
        {"handed over", {REPLAY_IN_DOUBT, -1}, REPLAY_IN_DOUBT, OUTCOME_PENDING},
        {"sent", {REPLAY_IN_DOUBT, OUTCOME_SENT, -1}, OUTCOME_SENT, OUTCOME_SENT},
        {"surely not taken",
         {REPLAY_IN_DOUBT, OUTCOME_PENDING, -1},
         OUTCOME_PENDING,
         OUTCOME_PENDING},
        {"tried again",
         {REPLAY_IN_DOUBT, OUTCOME_PENDING, REPLAY_IN_DOUBT, -1},
         REPLAY_IN_DOUBT,
         OUTCOME_PENDING},
        {"cancelled before it left", {OUTCOME_CANCELLED, -1}, 4, OUTCOME_CANCELLED},
        {"unknown, then known",
         {REPLAY_IN_DOUBT, OUTCOME_UNKNOWN, OUTCOME_SENT, -1},
         OUTCOME_SENT,
         OUTCOME_SENT},
        {"failed, then resent",
         {OUTCOME_FAILED, REPLAY_IN_DOUBT, OUTCOME_EXPIRED, -1},
         OUTCOME_EXPIRED,
         OUTCOME_EXPIRED},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        image_init(&image, 0, 1);
        image_header(&image, &fixture_header);
        image_decisions(&image, 0, 5, 3, 0);
        for (const int *step = cases[i].steps; *step >= 0; step++) {
            if (*step == REPLAY_IN_DOUBT)
                image_intent(&image, 6, 0);
            else
                image_outcome(&image, 6, (enum outcome) * step, 0);
        }
        struct replay replay;
        struct error err = {0};
        cr_assert_eq(read_image(&replay, &err), 0, "%s: %s", cases[i].what, err.text);
        assert_state(&replay, 5, DISPOSITION_SEND, OUTCOME_PENDING);
        assert_state(&replay, 6, DISPOSITION_SEND, cases[i].state);
        uint64_t wanted[OUTCOME_COUNT] = {[OUTCOME_PENDING] = 2};
        wanted[cases[i].counted_as]++;
        cr_expect_arr_eq(replay.outcomes[CHANNEL_SMS], wanted, sizeof(wanted), "%s",
                         cases[i].what);
        cr_expect_eq(replay.counts[CHANNEL_SMS][DISPOSITION_SEND], 3);
        cr_expect_eq(replay.extent.tail_bytes, 0);
        cr_expect_eq(replay.extent.tail_offset, image.used);
        replay_fini(&replay);
    }
}

Test(replay, decisions_are_counted)
{
    static const struct journal_decision decisions[] = {
        {0, CHANNEL_SMS, DISPOSITION_SEND, 2},
        {0, CHANNEL_EMAIL, DISPOSITION_NO_ADDRESS, 0},
        {1, CHANNEL_SMS, DISPOSITION_FALLBACK_EMAIL, 0},
        {1, CHANNEL_EMAIL, DISPOSITION_FROM_FALLBACK, 0},
        {999, CHANNEL_SMS, DISPOSITION_SEND, 5},
    };
    image_init(&image, 0, 1);
    image_header(&image, &fixture_header);
    image_frame(&image, record_encode_decisions(decisions, 5, 70, image_body(&image)), 0);
    image_decisions(&image, 2, 0, 0, 0); /* a chunk in which nobody is in the audience */
    image_frame(&image, record_encode_mark(JOURNAL_DECIDED, image_body(&image)), 0);
    image_frame(&image, record_encode_mark(JOURNAL_CANCELLED, image_body(&image)), 0);
    struct replay replay;
    struct error err = {0};
    cr_assert_eq(read_image(&replay, &err), 0, "%s", err.text);
    cr_expect_eq(replay.rows, 1000);
    cr_expect_eq(replay.sms_segments, 7);
    cr_expect_eq(replay.counts[CHANNEL_SMS][DISPOSITION_SEND], 2);
    cr_expect_eq(replay.counts[CHANNEL_SMS][DISPOSITION_FALLBACK_EMAIL], 1);
    cr_expect_eq(replay.counts[CHANNEL_EMAIL][DISPOSITION_FROM_FALLBACK], 1);
    cr_expect_eq(replay.outcomes[CHANNEL_SMS][OUTCOME_PENDING], 2);
    cr_expect_eq(replay.outcomes[CHANNEL_EMAIL][OUTCOME_PENDING], 1);
    cr_expect_null(replay.states[CHANNEL_PUSH]);
    cr_expect_eq(replay.chunk_count, 71);
    cr_expect_eq(bitmap_count(replay.chunks_decided, 71), 2);
    cr_expect(bitmap_get(replay.chunks_decided, 2) &&
              bitmap_get(replay.chunks_decided, 70));
    cr_expect(replay.decided && replay.cancelled && !replay.finished);
    replay_fini(&replay);
}

Test(replay, the_notice_is_apart)
{
    image_init(&image, 0, 1);
    image_header(&image, &fixture_header);
    struct journal_intent intent = {JOURNAL_ROW_NOTICE, CHANNEL_EMAIL, 1, 0};
    image_frame(&image,
                record_encode_intents(&image.context, &intent, 1, image_body(&image)), 0);
    struct replay replay;
    cr_assert_eq(read_image(&replay, NULL), 0);
    cr_expect_eq(replay.notice.outcome, REPLAY_IN_DOUBT);
    cr_expect_eq(replay.outcomes[CHANNEL_EMAIL][OUTCOME_PENDING], 0);
    cr_expect_null(replay.states[CHANNEL_EMAIL]);
    replay_fini(&replay);
}

struct seen {
    unsigned frames, headers, decisions, intents, outcomes;
    uint32_t outcome_row;
};

static void see_header(void *arg, const struct journal_header *header)
{
    ((struct seen *)arg)->headers += text_is(header->providers[1], "twilio");
}

static void see_decision(void *arg, const struct journal_decision *decision)
{
    ((struct seen *)arg)->decisions += decision->segments;
}

static void see_intent(void *arg, const struct journal_intent *intent)
{
    ((struct seen *)arg)->intents += intent->provider;
}

static void see_outcome(void *arg, const struct journal_outcome *outcome)
{
    ((struct seen *)arg)->outcomes++;
    ((struct seen *)arg)->outcome_row = outcome->row;
}

Test(replay, a_visitor_sees_every_record)
{
    image_init(&image, 0, 1);
    image_header(&image, &fixture_header);
    image_decisions(&image, 0, 5, 3, 0);
    image_intent(&image, 6, 0);
    image_outcome(&image, 6, OUTCOME_SENT, 0);
    image_header(&image, &fixture_header);
    image_store(&image);
    struct seen seen = {0};
    struct replay_visitor visitor = {.decision = see_decision,
                                     .intent = see_intent,
                                     .outcome = see_outcome,
                                     .header = see_header,
                                     .arg = &seen};
    struct replay replay;
    cr_assert_eq(replay_read(fixture_dir, &visitor, &replay, NULL), 0);
    replay_fini(&replay);
    cr_expect(seen.headers == 2 && seen.decisions == 3 && seen.intents == 1 &&
              seen.outcomes == 1 && seen.outcome_row == 6);
    seen = (struct seen){0};
    cr_assert_eq(replay_again(fixture_dir, &visitor, NULL), 0);
    cr_expect(seen.headers == 2 && seen.decisions == 3 && seen.intents == 1 &&
              seen.outcomes == 1 && seen.outcome_row == 6);
}

static bool see_frame(void *arg, uint64_t number)
{
    ((struct seen *)arg)->frames++;
    return number != 2;
}

Test(replay, frames_are_left_out_the_second_time)
{
    image_init(&image, 0, 1);
    image_header(&image, &fixture_header);
    image_decisions(&image, 0, 5, 3, 0);
    image_intent(&image, 6, 0);
    image_store(&image);
    struct seen seen = {0};
    struct replay_visitor visitor = {
        .frame = see_frame, .decision = see_decision, .intent = see_intent, .arg = &seen};
    struct replay replay;
    cr_assert_eq(replay_read(fixture_dir, &visitor, &replay, NULL), 0);
    replay_fini(&replay);
    cr_expect(seen.frames == 3 && seen.decisions == 3 && seen.intents == 1);
    seen = (struct seen){0};
    cr_assert_eq(replay_again(fixture_dir, &visitor, NULL), 0);
    cr_expect(seen.frames == 3 && seen.decisions == 0 && seen.intents == 1);
    struct error err;
    cr_expect_eq(replay_again("/nonexistent", &visitor, &err), -ERROR_INPUT);
}

/* --- records that cannot be --- */

static void two_headers(void)
{
    struct journal_header other = fixture_header;
    other.job = TEXT("another");
    image_header(&image, &other);
}

static void chunk_twice(void)
{
    image_decisions(&image, 0, 100, 1, 0);
}

static void row_twice(void)
{
    image_decisions(&image, 1, 7, 1, 0);
}

static void row_beyond(void)
{
    image_decisions(&image, 1, 1000, 1, 0);
}

static void chunk_beyond(void)
{
    image_decisions(&image, 1000, 0, 0, 0);
}

static void intent_unplanned(void)
{
    image_intent(&image, 8, 0);
}

static void outcome_unplanned(void)
{
    image_outcome(&image, 8, OUTCOME_SENT, 0);
}

static void outcome_beyond(void)
{
    image_outcome(&image, 1000, OUTCOME_SENT, 0);
}

static void notice_by_sms(void)
{
    image_outcome(&image, JOURNAL_ROW_NOTICE, OUTCOME_SENT, 0);
}

static void nonsense(void)
{
    *image_body(&image) = 0x07;
    image_frame(&image, 1, 0);
}

Test(replay, what_cannot_be_is_damage)
{
    static const struct {
        const char *sentence;
        void (*add)(void);
    } cases[] = {
        {"its header is of another job", two_headers},
        {"a chunk was decided twice", chunk_twice},
        {"a row was decided twice", row_twice},
        {"a decision is for a row beyond the snapshot", row_beyond},
        {"a chunk is beyond the snapshot", chunk_beyond},
        {"a message was sent that was not planned", intent_unplanned},
        {"a message was sent that was not planned", outcome_unplanned},
        {"a message is for a row beyond the snapshot", outcome_beyond},
        {"a message is for a row beyond the snapshot", notice_by_sms},
        {"a record makes no sense", nonsense},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        image_init(&image, 0, 1);
        image_header(&image, &fixture_header);
        image_decisions(&image, 0, 5, 3, 0);
        size_t bad = image.used;
        cases[i].add();
        struct replay replay;
        struct error err = {0};
        cr_expect_eq(read_image(&replay, &err), -ERROR_INPUT, "%s", cases[i].sentence);
        char place[64];
        snprintf(place, sizeof(place), "journal.0000 is damaged at offset %zu: ", bad);
        cr_expect(strstr(err.text, place) && strstr(err.text, cases[i].sentence), "%s",
                  err.text);
        replay_fini(&replay);
    }
}

Test(replay, no_journal_is_said)
{
    struct replay replay;
    struct error err = {0};
    cr_expect_eq(replay_read(fixture_dir, NULL, &replay, &err), -ERROR_INPUT);
    cr_expect(strstr(err.text, "there is no journal in"), "%s", err.text);
    cr_expect_eq(replay_read("/nonexistent", NULL, &replay, &err), -ERROR_INPUT);
}

Test(replay, another_version_is_said)
{
    image_init(&image, 0, 1);
    image_version(&image, FRAME_FILE_VERSION + 1);
    struct replay replay;
    struct error err = {0};
    cr_expect_eq(read_image(&replay, &err), -ERROR_INPUT);
    cr_expect(strstr(err.text, "another version"), "%s", err.text);
}
