/* replay: where a journal ends, in one file and over several, and what is damage there. */
#include "outbox/journal/replay.h"

#include "tests/outbox/journal_fixture.h"

TestSuite(replay_ends, .init = fixture_init, .fini = fixture_fini);

static struct image image, second;

static int read_image(struct replay *replay, struct error *err)
{
    image_store(&image);
    return replay_read(fixture_dir, NULL, replay, err);
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

Test(replay_ends, a_file_torn_at_any_byte_is_a_prefix)
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

Test(replay_ends, a_flipped_bit_is_damage_or_cut)
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

Test(replay_ends, a_frame_that_was_never_written_is_damage_or_cut)
{
    for (size_t bad = 0; bad < 12; bad++) {
        torture_image();
        memset(image.bytes + image.starts[bad], 0,
               image.starts[bad + 1] - image.starts[bad]);
        image_store(&image);
        assert_spoilt(bad, "zeros", image.starts[bad]);
    }
}

Test(replay_ends, zeros_behind_the_last_frame_are_no_tear)
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

Test(replay_ends, a_frame_may_begin_at_the_next_block)
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

Test(replay_ends, but_not_at_any_other_place)
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

Test(replay_ends, damage_to_a_block_that_was_vouched_for_is_seen)
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

Test(replay_ends, version_1_has_no_room_between_frames)
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
Test(replay_ends, frames_of_another_sequence_are_cut)
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
Test(replay_ends, a_flood_of_heads_is_damage)
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

Test(replay_ends, tells_who_may_have_what_is_in_doubt)
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
        cr_expect_eq(replay.states[CHANNEL_SMS][row].outcome, REPLAY_IN_DOUBT);
        cr_assert_lt(state.provider, replay.provider_count);
        cr_expect_str_eq(replay.providers[state.provider], expected[row - 5]);
    }
    cr_expect_eq(replay.provider_count, 3);
    replay_fini(&replay);
}

Test(replay_ends, files_follow_each_other)
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

Test(replay_ends, a_new_file_without_frames_is_no_tear)
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

Test(replay_ends, damage_across_files_is_found)
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
Test(replay_ends, a_gap_nobody_vouches_for_is_a_tear)
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
