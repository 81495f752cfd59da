/* replay: what records mean, where a journal ends, and what is damage. */
#include "outbox/journal/replay.h"

#include "base/bitmap.h"
#include "tests/outbox/journal_fixture.h"

TestSuite(replay, .init = fixture_init, .fini = fixture_fini);

static struct image image, second;

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

/* --- where a journal ends --- */

/* Five rows, sent one after the other; two frames were on their way at any time, so each
 * one vouches for what lies before the last one. */
static void torture_image(void)
{
    image_init(&image, 0, 1);
    image_header(&image, &fixture_header);
    image_decisions(&image, 0, 0, 5, image.starts[1]);
    for (uint32_t row = 0; row < 5; row++) {
        size_t n = image.frame_count;
        image_intent(&image, row, image.starts[n - 1]);
        image_outcome(&image, row, OUTCOME_SENT, image.starts[n]);
    }
    cr_assert_eq(image.frame_count, 12);
}

/* What a journal of the first `frames` frames of that says. */
static void assert_prefix(const struct replay *replay, size_t frames, const char *what,
                          size_t at)
{
    uint64_t sent = frames < 4 ? 0 : (frames - 2) / 2;
    cr_assert_eq(replay->outcomes[CHANNEL_SMS][OUTCOME_SENT], sent, "%s at %zu", what,
                 at);
    cr_assert_eq(replay->counts[CHANNEL_SMS][DISPOSITION_SEND], frames >= 2 ? 5 : 0,
                 "%s at %zu", what, at);
    cr_assert_eq(replay->extent.tail_offset, image.starts[frames], "%s at %zu", what, at);
    if (frames >= 3 && frames % 2 == 1)
        cr_assert_eq(replay->states[CHANNEL_SMS][(frames - 3) / 2].outcome,
                     REPLAY_IN_DOUBT, "%s at %zu", what, at);
}

Test(replay, a_file_torn_at_any_byte_is_a_prefix)
{
    torture_image();
    for (size_t bytes = 0; bytes <= image.used; bytes++) {
        fixture_write(0, (struct text){image.bytes, bytes});
        struct replay replay;
        int rc = replay_read(fixture_dir, NULL, &replay, NULL);
        size_t frames = 0;
        while (frames < image.frame_count && image.starts[frames + 1] <= bytes)
            frames++;
        if (frames == 0) {
            /* a file gets its name with its header in it */
            cr_assert_eq(rc, -ERROR_INPUT, "torn at %zu", bytes);
        } else {
            cr_assert_eq(rc, 0, "torn at %zu", bytes);
            assert_prefix(&replay, frames, "torn", bytes);
            cr_assert_eq(replay.extent.tail_bytes > 0, bytes > image.starts[frames],
                         "torn at %zu", bytes);
        }
        replay_fini(&replay);
    }
}

/* The rule in other words: a bad frame is damage when a later good one says it was
 * durable. */
static bool is_vouched(size_t bad)
{
    for (size_t later = bad + 1; later < image.frame_count; later++)
        if (image.durable_to[later] > image.starts[bad])
            return true;
    return false;
}

/* Read the image as it is now, frame `bad` being spoilt. */
static void assert_spoilt(size_t bad, const char *what, size_t at)
{
    struct replay replay;
    struct error err = {0};
    int rc = replay_read(fixture_dir, NULL, &replay, &err);
    if (bad == 0 || is_vouched(bad)) {
        cr_assert_eq(rc, -ERROR_INPUT, "%s at %zu", what, at);
        char place[64];
        snprintf(place, sizeof(place), "journal.0000 is damaged at offset %zu",
                 image.starts[bad]);
        cr_assert(strstr(err.text, place), "%s at %zu: %s", what, at, err.text);
    } else {
        cr_assert_eq(rc, 0, "%s at %zu: %s", what, at, err.text);
        assert_prefix(&replay, bad, what, at);
    }
    replay_fini(&replay);
}

Test(replay, a_flipped_bit_is_damage_or_cut)
{
    torture_image();
    image_store(&image);
    char path[PATH_BYTES];
    cr_assert_eq(scan_path(path, fixture_dir, 0, NULL), 0);
    int fd = open(path, O_RDWR);
    size_t frame = 0;
    for (size_t at = 0; at < image.used; at++) {
        while (image.starts[frame + 1] <= at)
            frame++;
        for (int bit = 0; bit < 8; bit++) {
            char spoilt = (char)(image.bytes[at] ^ 1 << bit);
            cr_assert_eq(pwrite(fd, &spoilt, 1, (off_t)at), 1);
            if (at < FRAME_FILE_BYTES) {
                struct replay replay;
                cr_assert_eq(replay_read(fixture_dir, NULL, &replay, NULL), -ERROR_INPUT);
            } else {
                assert_spoilt(frame, "a bit flipped", at);
            }
        }
        cr_assert_eq(pwrite(fd, image.bytes + at, 1, (off_t)at), 1);
    }
    close(fd);
}

Test(replay, a_frame_that_was_never_written_is_damage_or_cut)
{
    for (size_t bad = 0; bad < 12; bad++) {
        torture_image();
        memset(image.bytes + image.starts[bad], 0,
               image.starts[bad + 1] - image.starts[bad]);
        image_store(&image);
        assert_spoilt(bad, "zeros", image.starts[bad]);
    }
}

Test(replay, zeros_behind_the_last_frame_are_no_tear)
{
    torture_image();
    image.used += 10000;
    struct replay replay;
    cr_assert_eq(read_image(&replay, NULL), 0);
    cr_expect_eq(replay.extent.tail_bytes, 0);
    image.used -= 10000;
    assert_prefix(&replay, image.frame_count, "zeros", 0);
    replay_fini(&replay);
}

/* --- room between frames --- */

/* Decisions, then an intent, its outcome and another intent, each in a block of its own. */
static void make_blocks(void)
{
    image_init(&image, 0, 1);
    image_header(&image, &fixture_header);
    image_decisions(&image, 0, 0, 10, 0);
    image_next_block(&image);
    image_intent(&image, 3, image.starts[1]);
    size_t intended = image.used;
    image_next_block(&image);
    image_outcome(&image, 3, OUTCOME_SENT, intended);
    size_t sent = image.used;
    image_next_block(&image);
    image_intent(&image, 4, sent);
}

Test(replay, a_frame_may_begin_at_the_next_block)
{
    make_blocks();
    struct replay replay;
    cr_assert_eq(read_image(&replay, NULL), 0);
    cr_expect_eq(replay.extent.frames, 5);
    cr_expect_eq(replay.extent.bytes, image.used, "zeros between frames are counted");
    cr_expect(replay.extent.tail_offset == image.used && replay.extent.tail_bytes == 0);
    cr_expect_eq(replay.states[CHANNEL_SMS][3].outcome, OUTCOME_SENT);
    cr_expect_eq(replay.states[CHANNEL_SMS][4].outcome, REPLAY_IN_DOUBT);
    replay_fini(&replay);
}

Test(replay, but_not_at_any_other_place)
{
    make_blocks();
    size_t last = 3 * FRAME_BLOCK_BYTES;
    memmove(image.bytes + last + FRAME_ALIGN, image.bytes + last, image.used - last);
    memset(image.bytes + last, 0, FRAME_ALIGN);
    image.used += FRAME_ALIGN;
    struct replay replay;
    cr_assert_eq(read_image(&replay, NULL), 0);
    cr_expect_eq(replay.extent.frames, 4);
    cr_expect_gt(replay.extent.tail_bytes, 0);
    replay_fini(&replay);
}

Test(replay, damage_to_a_block_that_was_vouched_for_is_seen)
{
    /* the intent is vouched for by the one behind the outcome, the outcome by that */
    for (size_t block = 1; block <= 2; block++) {
        make_blocks();
        image.bytes[block * FRAME_BLOCK_BYTES + FRAME_HEAD_BYTES] ^= 1;
        struct replay replay;
        cr_expect_eq(read_image(&replay, NULL), -ERROR_INPUT, "block %zu", block);
        replay_fini(&replay);
    }
}

Test(replay, version_1_has_no_room_between_frames)
{
    make_blocks();
    image_version(&image, 1);
    struct replay replay;
    cr_expect_eq(read_image(&replay, NULL), -ERROR_INPUT);
    replay_fini(&replay);
    torture_image();
    image_version(&image, 1);
    cr_assert_eq(read_image(&replay, NULL), 0);
    cr_expect_eq(replay.extent.frames, image.frame_count);
    replay_fini(&replay);
}

/* --- */

/* A frame of another journal, or from before a cut, does not continue this one. */
Test(replay, frames_of_another_sequence_are_cut)
{
    torture_image();
    size_t kept = image.used;
    image.sequence += 5;
    image_outcome(&image, 0, OUTCOME_FAILED, 0);
    struct replay replay;
    cr_assert_eq(read_image(&replay, NULL), 0);
    cr_expect_gt(replay.extent.tail_bytes, 0);
    cr_expect_eq(replay.extent.tail_offset, kept);
    cr_expect_eq(replay.outcomes[CHANNEL_SMS][OUTCOME_FAILED], 0);
    replay_fini(&replay);
}

/* Bytes that only look like frames must not keep us busy for long, nor pass for the end.
 */
Test(replay, a_flood_of_heads_is_damage)
{
    torture_image();
    char head[FRAME_HEAD_BYTES];
    frame_seal(head, 0, image.sequence, 0, FIXTURE_SALT);
    while (image.used + 8 <= sizeof(image.bytes)) {
        memcpy(image.bytes + image.used, head + 8, 8); /* magic and length */
        image.used += 8;
    }
    struct replay replay;
    cr_expect_eq(read_image(&replay, NULL), -ERROR_INPUT);
    replay_fini(&replay);
}

/* --- several files --- */

static void two_files(uint64_t gap)
{
    torture_image();
    image_store(&image);
    image_init(&second, 1, image.sequence + gap);
    image_decisions(&second, 1, 10, 5, frame_position(0, (uint32_t)image.used));
    image_intent(&second, 10, frame_position(1, (uint32_t)second.starts[1]));
    image_store(&second);
}

Test(replay, tells_who_may_have_what_is_in_doubt)
{
    /* The second run's configuration has other providers, in another order. */
    static const struct text later[] = {{"twilio", 6}, {"app", 3}};
    struct journal_header header = fixture_header;
    header.providers = later;
    image_init(&image, 0, 1);
    image_header(&image, &fixture_header);
    image_decisions(&image, 0, 5, 3, 0);
    image_intent(&image, 5, 0); /* at number 1 */
    image_intent(&image, 6, 0);
    image_header(&image, &header);
    image_intent(&image, 6, 0);
    struct replay replay;
    struct error err = {0};
    cr_assert_eq(read_image(&replay, &err), 0, "%s", err.text);
    static const char *const expected[] = {"twilio", "app"};
    for (uint32_t row = 5; row <= 6; row++) {
        struct replay_state state = replay.states[CHANNEL_SMS][row];
        assert_state(&replay, row, DISPOSITION_SEND, REPLAY_IN_DOUBT);
        cr_assert_lt(state.provider, replay.provider_count);
        cr_expect_str_eq(replay.providers[state.provider], expected[row - 5]);
    }
    cr_expect_eq(replay.provider_count, 3);
    replay_fini(&replay);
}

Test(replay, files_follow_each_other)
{
    two_files(0);
    struct replay replay;
    struct error err = {0};
    cr_assert_eq(replay_read(fixture_dir, NULL, &replay, &err), 0, "%s", err.text);
    cr_expect_eq(replay.counts[CHANNEL_SMS][DISPOSITION_SEND], 10);
    cr_expect_eq(replay.states[CHANNEL_SMS][10].outcome, REPLAY_IN_DOUBT);
    cr_expect_eq(replay.extent.tail_offset, second.used);
    cr_expect_eq(replay.extent.tail_bytes, 0);
    replay_fini(&replay);
}

Test(replay, a_new_file_without_frames_is_no_tear)
{
    two_files(0);
    fixture_write(1, (struct text){second.bytes, FRAME_FILE_BYTES});
    struct replay replay;
    cr_assert_eq(replay_read(fixture_dir, NULL, &replay, NULL), 0);
    cr_expect_eq(replay.extent.tail_bytes, 0);
    assert_prefix(&replay, image.frame_count, "empty file", 0);
    replay_fini(&replay);
}

static void assert_damage(const char *sentence)
{
    struct replay replay;
    struct error err = {0};
    cr_expect_eq(replay_read(fixture_dir, NULL, &replay, &err), -ERROR_INPUT);
    cr_expect(strstr(err.text, sentence), "%s", err.text);
    replay_fini(&replay);
}

Test(replay, damage_across_files_is_found)
{
    two_files(0);
    second.bytes[16] ^= 1; /* its salt */
    image_store(&second);
    assert_damage("journal.0001 is damaged at offset 0");

    two_files(0);
    image.used = image.starts[image.frame_count - 1];
    image_store(&image);
    char place[64];
    snprintf(place, sizeof(place), "journal.0000 is damaged at offset %zu", image.used);
    assert_damage(place);

    two_files(0);
    char path[PATH_BYTES];
    cr_assert_eq(scan_path(path, fixture_dir, 0, NULL), 0);
    unlink(path);
    assert_damage("1 journal files, but the last is journal.0001");
}

/* A group was lost in the first file while one in the second made it to the disk. */
Test(replay, a_gap_nobody_vouches_for_is_a_tear)
{
    two_files(1);
    second.used = second.starts[1];
    image_store(&second);
    struct replay replay;
    struct error err = {0};
    cr_assert_eq(replay_read(fixture_dir, NULL, &replay, &err), 0, "%s", err.text);
    cr_expect_gt(replay.extent.tail_bytes, 0);
    assert_prefix(&replay, image.frame_count, "gap", 0);
    replay_fini(&replay);
}
