/* journal past the page cache: whole blocks, shared by groups that come one after the other and by no
 * two that are on their way together; torn blocks; file systems that refuse. */
#include "tests/outbox/fake_loop.h"

#define SECTOR_BYTES 512
#define SECTORS      (FRAME_BLOCK_BYTES / SECTOR_BYTES)

static void init(void)
{
    char path[PATH_BYTES];
    fixture_init();
    log_set_level(LOG_OFF);
    cr_assert_eq(scan_path(path, fixture_dir, 9999, NULL), 0);
    int fd = open(path, O_RDWR | O_CREAT | O_DIRECT, 0644);
    unlink(path);
    if (fd < 0)
        cr_skip_test("the file system of %s has no O_DIRECT", fixture_dir);
    close(fd);
}

TestSuite(journal_blocks, .init = init, .fini = fixture_fini);

static void expect_blocks(const struct fake_write *w)
{
    cr_expect_eq(w->offset % FRAME_BLOCK_BYTES, 0);
    cr_expect_eq(w->bytes % FRAME_BLOCK_BYTES, 0);
    cr_expect_eq((uintptr_t)w->data % FRAME_BLOCK_BYTES, 0);
}

static uint64_t length(void)
{
    struct replay replay;
    cr_assert_eq(replay_read(fixture_dir, NULL, &replay, NULL), 0);
    uint64_t bytes = replay.extent.bytes;
    replay_fini(&replay);
    return bytes;
}

/* One outcome in a group of its own, about to be written. */
static void start_one(int64_t serial, struct told *told)
{
    *told = (struct told){0};
    outcome(serial);
    sync_nth(told, 0);
    run_timer();
    cr_assert_eq(fake.write_count, 1);
}

Test(journal_blocks, groups_that_go_alone_lie_close_together)
{
    open_plain();
    begin();
    uint64_t before = length();
    for (int64_t serial = 0; serial < 300; serial++) {
        struct told told;
        start_one(serial, &told);
        expect_blocks(&fake.writes[0]);
        complete(0);
        cr_assert(told.count == 1 && told.results[0] == 0);
    }
    cr_expect_leq(length() - before, 300 * 64);
    journal_close(&journal);
    cr_expect_eq(replayed(), 300);
}

Test(journal_blocks, no_two_on_their_way_share_a_block)
{
    open_limited(64u << 20, 160u << 10);
    begin();
    int64_t serial = 0;
    struct told told = {0};
    for (size_t i = 0; i < 4; i++) {
        outcomes(&serial, (128 << 10) + i * 1000);
        sync_nth(&told, i);
        run_timer();
    }
    cr_assert_eq(fake.write_count, 4);
    for (size_t i = 0; i < 4; i++) {
        expect_blocks(&fake.writes[i]);
        cr_expect(i == 0 || fake.writes[i].offset >=
                                fake.writes[i - 1].offset + fake.writes[i - 1].bytes);
    }
    while (fake.write_count > 0)
        complete(fake.write_count - 1);
    outcome(serial++); /* shares a block with the last one again */
    complete_all();
    sync_nth(&told, 4);
    complete_all();
    journal_close(&journal);
    cr_expect_eq(replayed(), serial);
}

Test(journal_blocks, nothing_is_sent_behind_zeros_on_their_way)
{
    open_plain();
    begin();
    int64_t serial = 0;
    bool seen = false;
    while (!seen) {
        struct told told;
        cr_assert_lt(serial, 10000);
        start_one(serial++, &told);
        seen = fake.writes[0].bytes > FRAME_BLOCK_BYTES * 2;
        if (seen) {
            outcomes(&serial, 400 << 10);
            sync_nth(&told, 1);
            run_timer();
            cr_expect_eq(fake.write_count, 1);
            complete(0);
            cr_expect_eq(fake.write_count, 1);
        }
        complete_all();
    }
    journal_close(&journal);
    cr_expect_eq(replayed(), serial);
}

/* A block that holds acknowledged frames is written again with one more, and power fails: whatever
 * sectors are old and new then, what was acknowledged is there and the journal goes on. */
Test(journal_blocks, a_torn_block_keeps_what_was_acknowledged)
{
    static char before[1 << 18], room[1 << 18];
    for (unsigned stored = 0; stored < 1u << SECTORS; stored++) {
        struct told told;
        open_plain();
        begin();
        int64_t serial = 0;
        for (; serial < 60; serial++) {
            start_one(serial, &told);
            complete(0);
        }
        start_one(serial++, &told);
        struct fake_write w = fake.writes[0];
        cr_assert_geq(w.bytes, FRAME_BLOCK_BYTES);
        struct text old = fixture_read(0, before, sizeof(before));
        memcpy(room, old.data, old.bytes);
        for (unsigned sector = 0; sector < SECTORS; sector++)
            if (stored & 1u << sector)
                memcpy(room + w.offset + (size_t)sector * SECTOR_BYTES,
                       w.data + (size_t)sector * SECTOR_BYTES, SECTOR_BYTES);
        complete_with(0, 0, -EIO);
        journal_close(&journal);
        fixture_write(0, (struct text){room, old.bytes});
        int64_t found = replayed();
        cr_assert(found == serial - 1 || found == serial, "%u: %lld", stored,
                  (long long)found);
        open_plain();
        start_one(found, &told);
        complete(0);
        journal_close(&journal);
        cr_assert_eq(replayed(), found + 1);
        fixture_clear();
    }
}

Test(journal_blocks, where_it_is_refused_the_page_cache_is_used)
{
    open_limited(64u << 20, 160u << 10);
    begin();
    int64_t serial = 0;
    struct told told = {0};
    for (size_t i = 0; i < 3; i++) {
        outcomes(&serial, 128 << 10);
        sync_nth(&told, i);
        run_timer();
    }
    cr_assert_eq(fake.write_count, 3);
    int direct_fd = fake.writes[0].fd;
    for (size_t i = 0; i < 3; i++)
        complete_with(0, 0, -EINVAL);
    cr_expect_eq(told.count, 0);
    cr_assert_eq(fake.write_count, 3);
    for (size_t i = 0; i < 3; i++)
        cr_expect_neq(fake.writes[i].fd, direct_fd);
    complete(0);
    complete_with(0, 0, -EINVAL); /* that is no refusal any more */
    complete_all();
    cr_expect_eq(told.count, 3);
    cr_expect(told.results[0] == 0 && told.results[1] == -EINVAL);
    journal_close(&journal);
    cr_expect_eq(replayed(), serial / 3);
}

/* A journal of the version before: what is appended lies close together, and the files to come are of
 * this version. */
Test(journal_blocks, a_journal_of_version_1_is_continued)
{
    static struct image image;
    image_init(&image, 0, 1);
    image_header(&image, &fixture_header);
    for (uint32_t chunk = 0; chunk < 20; chunk++)
        image_decisions(&image, chunk, chunk * 50, 50, 0);
    image_version(&image, 1);
    image_store(&image);
    open_limited(64u << 10, 64u << 10);
    struct told told;
    start_one(0, &told);
    cr_expect_eq(fake.writes[0].offset, image.used);
    complete(0);
    int64_t serial = 1;
    while (serial < 50) {
        start_one(serial++, &told);
        complete(0);
    }
    cr_expect_lt(length(), image.used + 50 * 64);
    for (size_t i = 0; i < 4; i++) {
        outcomes(&serial, 30 << 10); /* into the next file */
        sync_nth(&told, i + 1);
        complete_all();
    }
    journal_close(&journal);
    cr_expect_eq(replayed(), serial);
    static char room[1 << 17];
    cr_expect_eq(fixture_read(0, room, sizeof(room)).data[7], 1);
    cr_expect_eq(fixture_read(1, room, sizeof(room)).data[7], FRAME_FILE_VERSION);
}

/* The header that tells of other providers is written through the page cache, into the block that the
 * first group then shares. */
Test(journal_blocks, a_header_written_at_the_start_stays)
{
    open_plain();
    begin();
    journal_close(&journal);
    const struct text names[] = {TEXT("relay"), TEXT("ses")};
    struct journal_header other = fixture_header;
    other.providers = names;
    fake = (struct loop){0};
    struct journal_limits limits = {64u << 20, 1u << 20, false};
    cr_assert_eq(journal_open_limited(fixture_dir, &other, &fake, limits, &journal, NULL),
                 0);
    for (int64_t serial = 0; serial < 3; serial++) {
        struct told told;
        start_one(serial, &told);
        complete(0);
        cr_expect_eq(told.count, 1);
    }
    journal_close(&journal);
    cr_expect_eq(replayed(), 3);
}
