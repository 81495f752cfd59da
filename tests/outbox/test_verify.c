/* verify: what is said of a journal in each state it can be found in. */
#include "outbox/journal/verify.h"

#include "outbox/journal/journal_lock.h"
#include "tests/outbox/journal_fixture.h"

TestSuite(verify, .init = fixture_init, .fini = fixture_fini);

static struct image image, second;

/* Header, decisions, an intent and its outcome; each vouches for all before it. */
static void make_image(void)
{
    image_init(&image, 0, 1);
    image_header(&image, &fixture_header);
    image_decisions(&image, 0, 0, 10, frame_position(0, (uint32_t)image.used));
    image_intent(&image, 3, frame_position(0, (uint32_t)image.used));
    image_outcome(&image, 3, OUTCOME_SENT, frame_position(0, (uint32_t)image.used));
    image_frame(&image, 0, frame_position(0, (uint32_t)image.used));
}

static struct verify read_it(void)
{
    struct verify verify;
    struct error err = {0};
    cr_assert_eq(verify_read(fixture_dir, &verify, &err), 0, "%s", err.text);
    return verify;
}

Test(verify, nothing_written_is_empty)
{
    struct verify verify = read_it();
    cr_expect_eq(verify.state, VERIFY_EMPTY);
    verify_fini(&verify);
}

Test(verify, counts_files_frames_and_records)
{
    make_image();
    image_init(&second, 1, image.sequence);
    image_outcome(&second, 4, OUTCOME_FAILED, frame_position(0, (uint32_t)image.used));
    image_store(&image);
    image_store(&second);
    struct verify verify = read_it();
    const struct replay_extent *e = &verify.replay.extent;
    cr_expect_eq(verify.state, VERIFY_WHOLE);
    cr_expect_eq(e->files, 2);
    cr_expect_eq(e->frames, 6);
    cr_expect_eq(e->sequence, 6);
    cr_expect_eq(e->bytes, image.used + second.used);
    cr_expect(e->headers == 1 && e->decisions == 10 && e->intents == 1 &&
              e->outcomes == 2 && e->marks == 0);
    cr_expect(e->tail_file == 1 && e->tail_offset == second.used && e->tail_bytes == 0);
    verify_fini(&verify);
}

Test(verify, a_tear_is_told_by_place_and_size)
{
    static const size_t torn_bytes[] = {1, 9, 31};
    for (size_t i = 0; i < ARRAY_COUNT(torn_bytes); i++) {
        make_image();
        image_store(&image);
        size_t end = image.used;
        memset(image.bytes + end, 'x', torn_bytes[i]);
        image.used += 4096; /* zeroed ahead */
        image_store(&image);
        struct verify verify = read_it();
        cr_expect_eq(verify.state, VERIFY_TORN);
        cr_expect_eq(verify.replay.extent.tail_offset, end);
        cr_expect_eq(verify.replay.extent.tail_bytes, torn_bytes[i]);
        verify_fini(&verify);
    }
}

Test(verify, damage_is_no_error_and_says_how_far_it_got)
{
    make_image();
    image.bytes[image.starts[2] + FRAME_HEAD_BYTES] ^= 1;
    image_store(&image);
    struct verify verify = read_it();
    char offset[32];
    snprintf(offset, sizeof(offset), "offset %zu", image.starts[2]);
    cr_expect_eq(verify.state, VERIFY_DAMAGED);
    cr_expect(strstr(verify.damage.text, "journal.0000") != NULL, "%s",
              verify.damage.text);
    cr_expect(strstr(verify.damage.text, offset) != NULL, "%s", verify.damage.text);
    cr_expect_eq(verify.replay.extent.frames, 2);
    cr_expect_eq(verify.replay.extent.decisions, 10);
    verify_fini(&verify);
}

Test(verify, a_journal_being_written_names_its_writer)
{
    make_image();
    image.used -= 5; /* the last frame is on its way */
    image_store(&image);
    int lock;
    struct error err = {0};
    cr_assert_eq(journal_lock(fixture_dir, &lock, &err), 0, "%s", err.text);
    struct verify verify = read_it();
    cr_expect_eq(verify.state, VERIFY_WRITING);
    cr_expect_eq(verify.writer, getpid());
    verify_fini(&verify);

    int again;
    cr_expect_eq(journal_lock(fixture_dir, &again, &err), -ERROR_AGAIN);
    char name[32];
    snprintf(name, sizeof(name), "process %ld ", (long)getpid());
    cr_expect(strstr(err.text, name) != NULL, "%s", err.text);
    close(lock);
    cr_expect_eq(journal_lock_holder(fixture_dir), 0);
}
