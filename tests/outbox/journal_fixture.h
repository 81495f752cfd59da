/* journal_fixture: a folder for a journal, and journals made by hand, byte for byte. */
#ifndef TESTS_JOURNAL_FIXTURE_H
#define TESTS_JOURNAL_FIXTURE_H

#include "base/hash.h"
#include "outbox/journal/frame.h"
#include "outbox/journal/record.h"
#include "outbox/journal/scan.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FIXTURE_SALT 0x5a17f00d5a17f00dull

static char fixture_dir[64];

static inline void fixture_init(void)
{
    /* Memory, where there is some: the torture tests write thousands of files. */
    bool in_memory = access("/dev/shm", W_OK) == 0;
    snprintf(fixture_dir, sizeof(fixture_dir), "%s/volley-journal-XXXXXX",
             in_memory ? "/dev/shm" : "/tmp");
    cr_assert(mkdtemp(fixture_dir));
}

static inline void fixture_clear(void)
{
    DIR *dir = opendir(fixture_dir);
    for (const struct dirent *entry; dir && (entry = readdir(dir)) != NULL;)
        if (entry->d_name[0] != '.')
            unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir)
        closedir(dir);
}

static inline void fixture_fini(void)
{
    fixture_clear();
    rmdir(fixture_dir);
}

static inline struct text fixture_read(uint32_t number, char *room, size_t room_bytes)
{
    char path[PATH_BYTES];
    cr_assert_eq(scan_path(path, fixture_dir, number, NULL), 0);
    int fd = open(path, O_RDONLY);
    cr_assert_geq(fd, 0);
    ssize_t got = read(fd, room, room_bytes);
    cr_assert(got >= 0 && (size_t)got < room_bytes);
    close(fd);
    return (struct text){room, (size_t)got};
}

static inline void fixture_write(uint32_t number, struct text content)
{
    char path[PATH_BYTES];
    cr_assert_eq(scan_path(path, fixture_dir, number, NULL), 0);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, content.data, content.bytes), (ssize_t)content.bytes);
    close(fd);
}

static const struct text fixture_providers[] = {{"relay", 5}, {"twilio", 6}};
static const struct journal_header fixture_header = {
    .account = {"studio-42", 9},
    .job = {"2026-11-21-waiver", 17},
    .snapshot_hash = 0x0123456789abcdef,
    .rows = 1000,
    .providers = fixture_providers,
    .provider_count = 2,
};

/* A journal file in memory. */
#define IMAGE_FRAMES 32
struct image {
    char bytes[1 << 16];
    size_t used;
    uint32_t number;
    uint64_t sequence;
    size_t frame_count;
    size_t starts[IMAGE_FRAMES + 1];
    uint64_t durable_to[IMAGE_FRAMES];
    struct record_context context;
};

static inline void image_init(struct image *image, uint32_t number, uint64_t sequence)
{
    *image = (struct image){.number = number, .sequence = sequence};
    frame_file_encode(&(struct frame_file){.number = number, .salt = FIXTURE_SALT},
                      image->bytes);
    image->used = image->starts[0] = FRAME_FILE_BYTES;
    record_context_init(&image->context);
}

/* Of another version than the one that is written now. */
static inline void image_version(struct image *image, unsigned version)
{
    image->bytes[7] = (char)version;
    uint64_t check = hash64(image->bytes, 24);
    memcpy(image->bytes + 24, &check, sizeof(check));
}

static inline void image_next_block(struct image *image)
{
    image->used = frame_block_up((uint32_t)image->used);
}

static inline char *image_body(struct image *image)
{
    return image->bytes + image->used + FRAME_HEAD_BYTES;
}

/* Seal what image_body() was given. */
static inline void image_frame(struct image *image, size_t body_bytes,
                               uint64_t durable_to)
{
    image->durable_to[image->frame_count] = durable_to;
    image->used += frame_seal(image->bytes + image->used, body_bytes, image->sequence++,
                              durable_to, FIXTURE_SALT);
    image->starts[++image->frame_count] = image->used;
    record_context_init(&image->context);
}

static inline void image_header(struct image *image, const struct journal_header *header)
{
    image_frame(image, record_encode_header(header, image_body(image)), 0);
}

static inline void image_decisions(struct image *image, uint32_t chunk,
                                   uint32_t first_row, uint32_t count,
                                   uint64_t durable_to)
{
    struct journal_decision decisions[64];
    for (uint32_t i = 0; i < count; i++)
        decisions[i] =
            (struct journal_decision){first_row + i, CHANNEL_SMS, DISPOSITION_SEND, 1};
    image_frame(image,
                record_encode_decisions(decisions, count, chunk, image_body(image)),
                durable_to);
}

static inline void image_intent(struct image *image, uint32_t row, uint64_t durable_to)
{
    struct journal_intent intent = {row, CHANNEL_SMS, 1, 1};
    image_frame(image,
                record_encode_intents(&image->context, &intent, 1, image_body(image)),
                durable_to);
}

static inline void image_outcome(struct image *image, uint32_t row, enum outcome outcome,
                                 uint64_t durable_to)
{
    struct journal_outcome o = {.row = row,
                                .channel = CHANNEL_SMS,
                                .outcome = (uint8_t)outcome,
                                .attempt = 1,
                                .provider = 1,
                                .at_ms = 1795300000000};
    image_frame(image, record_encode_outcome(&image->context, &o, image_body(image)),
                durable_to);
}

static inline void image_store(const struct image *image)
{
    fixture_write(image->number, (struct text){image->bytes, image->used});
}

#endif
