/* fuzz_journal: hostile journal files, and hostile records in good frames.
 *
 * Input: a byte that chooses. Even: the rest is a file as it stands. Odd: the rest makes
 * frames with good checks behind a good header, each from a length byte, a byte for
 * durable_to and so many bytes of records; with 2 in a file of version 1, with 4 at the
 * beginning of a block where durable_to is odd, with 8 and rubbish before it. What replay
 * accepts must add up, and room between frames changes nothing. */
#include "base/hash.h"
#include "outbox/journal/frame.h"
#include "outbox/journal/record.h"
#include "outbox/journal/replay.h"
#include "outbox/journal/scan.h"

#include <endian.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SALT     1
#define ROWS     64
#define MADE_MAX ((size_t)1 << 20) /* no more gaps behind this */

static char dir[64];
static int file = -1;

static void remove_dir(void)
{
    char path[PATH_BYTES];
    if (scan_path(path, dir, 0, NULL) == 0)
        unlink(path);
    rmdir(dir);
}

static void make_dir(void)
{
    bool in_memory = access("/dev/shm", W_OK) == 0;
    snprintf(dir, sizeof(dir), "%s/fuzz-journal-XXXXXX", in_memory ? "/dev/shm" : "/tmp");
    CHECK(mkdtemp(dir));
    char path[PATH_BYTES];
    CHECK(scan_path(path, dir, 0, NULL) == 0);
    file = open(path, O_RDWR | O_CREAT, 0644);
    CHECK(file >= 0);
    atexit(remove_dir);
}

enum { FRAMES = 1, OLD = 2, GAPS = 4, RUBBISH = 8 };

/* The head of the version before: the check is behind all that it covers. */
static void make_old(char head[FRAME_FILE_BYTES])
{
    const size_t covered = FRAME_FILE_BYTES - sizeof(uint64_t);
    head[7] = 1;
    uint64_t check = htole64(hash64(head, covered));
    memcpy(head + covered, &check, sizeof(check));
}

static size_t make_gap(size_t used, bool rubbish, char *out)
{
    size_t end = frame_block_up((uint32_t)used);
    memset(out + used, rubbish ? 'x' : 0, end - used);
    return end;
}

static size_t make_frames(const uint8_t *data, size_t size, unsigned how, char *out)
{
    static const struct journal_header header = {
        .account = {"a", 1}, .job = {"j", 1}, .rows = ROWS};
    frame_file_encode(&(struct frame_file){.salt = SALT}, out);
    if (how & OLD)
        make_old(out);
    size_t used = FRAME_FILE_BYTES;
    size_t body = record_encode_header(&header, out + used + FRAME_HEAD_BYTES);
    uint64_t sequence = 1;
    used += frame_seal(out + used, body, sequence++, 0, SALT);
    while (size >= 2) {
        if (how & GAPS && data[1] & 1 && used < MADE_MAX)
            used = make_gap(used, how & RUBBISH, out);
        body = data[0] <= size - 2 ? data[0] : size - 2;
        memcpy(out + used + FRAME_HEAD_BYTES, data + 2, body);
        used += frame_seal(out + used, body, sequence++, (uint64_t)data[1] * 8, SALT);
        data += body + 2;
        size -= body + 2;
    }
    return used;
}

/* The counters must be those of the states. */
static void check_sums(const struct replay *replay)
{
    for (int c = 0; c < CHANNEL_COUNT; c++) {
        uint64_t counts[DISPOSITION_COUNT] = {0}, outcomes[OUTCOME_COUNT] = {0};
        for (uint64_t row = 0; replay->states[c] && row < replay->rows; row++) {
            struct replay_state state = replay->states[c][row];
            if (state.disposition == DISPOSITION_NONE)
                continue;
            counts[state.disposition]++;
            if (disposition_sends(state.disposition))
                outcomes[state.outcome == REPLAY_IN_DOUBT ? 0 : state.outcome]++;
        }
        CHECK(memcmp(counts, replay->counts[c], sizeof(counts)) == 0);
        CHECK(memcmp(outcomes, replay->outcomes[c], sizeof(outcomes)) == 0);
    }
}

/* Of what replay takes from these bytes: its answer, and all that it counted. */
static uint64_t replayed(const char *bytes, size_t count)
{
    CHECK(ftruncate(file, 0) == 0);
    CHECK(pwrite(file, bytes, count, 0) == (ssize_t)count);
    struct replay replay;
    struct error err;
    int rc = replay_read(dir, NULL, &replay, &err);
    uint64_t sum = hash64(&rc, sizeof(rc));
    if (rc == 0 && replay.rows <= 1 << 20) {
        check_sums(&replay);
        sum = hash64_seeded(replay.counts, sizeof(replay.counts), sum);
        sum = hash64_seeded(replay.outcomes, sizeof(replay.outcomes), sum);
    }
    replay_fini(&replay);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (file < 0)
        make_dir();
    if (size == 0 || size > 4096)
        return 0;
    if (!(data[0] & FRAMES)) {
        replayed((const char *)data + 1, size - 1);
        return 0;
    }
    static char made[MADE_MAX + FRAME_BLOCK_BYTES + 4096 * (FRAME_HEAD_BYTES + 16)];
    size_t count = make_frames(data + 1, size - 1, data[0], made);
    uint64_t sum = replayed(made, count);
    if (data[0] & GAPS && !(data[0] & OLD)) {
        count = make_frames(data + 1, size - 1, 0, made);
        CHECK(sum == replayed(made, count));
    }
    return 0;
}
