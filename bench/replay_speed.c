/* replay_speed: how long a job of so many messages takes to be read back from its journal, which is what
 * `resume` waits for; and how long its bytes take to be read and checked alone. */
#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "outbox/journal/journal.h"
#include "outbox/journal/record.h"
#include "outbox/journal/replay.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CHUNK_ROWS 4096

/* --- a journal as a campaign of SMS leaves it --- */

static void durable(struct journal_wait *wait, int res)
{
    *(int *)wait->arg = res;
}

static int sync_now(struct loop *loop, struct journal *journal, struct error *err)
{
    int res = 1, rc = 0;
    struct journal_wait wait = {.fn = durable, .arg = &res};
    journal_sync(journal, &wait);
    while (rc == 0 && res > 0)
        rc = loop_run(loop, -1, err);
    return res < 0 ? error_set(err, ERROR_IO, "the journal failed") : rc;
}

static void append_chunk(struct journal *journal, uint32_t first, uint32_t rows,
                         struct arena *arena)
{
    static struct journal_decision decisions[CHUNK_ROWS];
    static struct journal_intent intents[CHUNK_ROWS];
    for (uint32_t i = 0; i < rows; i++) {
        decisions[i] =
            (struct journal_decision){first + i, CHANNEL_SMS, DISPOSITION_SEND, 1};
        intents[i] = (struct journal_intent){first + i, CHANNEL_SMS, 1, 0};
    }
    arena_reset(arena);
    journal_append(journal,
                   journal_encode_decisions(decisions, rows, first / CHUNK_ROWS, arena));
    journal_intents(journal, intents, rows);
    for (uint32_t i = 0; i < rows; i++) {
        /* replies come nearly in order */
        uint32_t row = first + (i ^ 3u) % rows;
        char sid[40];
        snprintf(sid, sizeof(sid), "SM%032" PRIx64, row * UINT64_C(0x9E3779B97F4A7C15));
        journal_outcome(journal,
                        &(struct journal_outcome){.row = row,
                                                  .channel = CHANNEL_SMS,
                                                  .outcome = OUTCOME_SENT,
                                                  .attempt = 1,
                                                  .at_ms = 1795000000000 + row / 20,
                                                  .provider_id = text_of(sid)});
    }
}

static int fill(const char *dir, uint32_t messages, struct error *err)
{
    struct text provider = TEXT("twilio");
    struct journal_header header = {.account = TEXT("studio"),
                                    .job = TEXT("bench"),
                                    .rows = messages,
                                    .providers = &provider,
                                    .provider_count = 1};
    struct arena arena;
    struct loop *loop = NULL;
    struct journal *journal = NULL;
    int rc = arena_init(&arena, RECORD_DECISIONS_BYTES(CHUNK_ROWS), err);
    if (rc == 0)
        rc = loop_create(&loop, err);
    if (rc == 0)
        rc = journal_open(dir, &header, loop, &journal, err);
    for (uint32_t row = 0; rc == 0 && row < messages; row += CHUNK_ROWS) {
        uint32_t rows = messages - row < CHUNK_ROWS ? messages - row : CHUNK_ROWS;
        append_chunk(journal, row, rows, &arena);
        if (row / CHUNK_ROWS % 16 == 15)
            rc = sync_now(loop, journal, err);
    }
    if (rc == 0)
        rc = sync_now(loop, journal, err);
    if (rc == 0)
        journal_close(&journal);
    if (loop)
        loop_destroy(&loop);
    arena_fini(&arena);
    return rc;
}

/* --- reading it --- */

static int replay(const char *dir, uint64_t *messages, struct error *err)
{
    struct replay replay;
    int rc = replay_read(dir, NULL, &replay, err);
    *messages = replay.outcomes[CHANNEL_SMS][OUTCOME_SENT];
    replay_fini(&replay);
    return rc;
}

static int checksum(const char *dir, struct error *err)
{
    static char block[1 << 20];
    char path[PATH_BYTES], name[32];
    for (unsigned number = 0;; number++) {
        snprintf(name, sizeof(name), "journal.%04u", number);
        int rc = path_join(path, dir, text_of(name), err);
        if (rc)
            return rc;
        if (!file_exists(path))
            return 0;
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        uint64_t sum = 0;
        ssize_t got;
        while ((got = read(fd, block, sizeof(block))) > 0)
            sum ^= hash64(block, (size_t)got);
        close(fd);
        if (got < 0 || fd < 0 || sum == 0)
            return error_io(err, "cannot read %s", path);
    }
}

int main(int argc, char **argv)
{
    struct error err = {0};
    if (argc != 4) {
        fprintf(stderr, "usage: replay_speed fill|volley|checksum DIR MESSAGES\n");
        return 2;
    }
    uint32_t wanted = (uint32_t)strtoul(argv[3], NULL, 10);
    uint64_t messages = wanted;
    int64_t start_ns = clock_steady_ns();
    int rc = 0;
    if (strcmp(argv[1], "fill") == 0) {
        rc = file_make_dirs(argv[2], &err);
        rc = rc ? rc : fill(argv[2], wanted, &err);
    } else {
        rc = strcmp(argv[1], "volley") == 0 ? replay(argv[2], &messages, &err)
                                            : checksum(argv[2], &err);
    }
    double elapsed_s = (double)(clock_steady_ns() - start_ns) / (double)NS_PER_S;
    if (rc == 0 && messages != wanted)
        rc = error_set(&err, ERROR_BUG, "%" PRIu64 " messages instead of %u", messages,
                       wanted);
    if (rc) {
        fprintf(stderr, "replay_speed: %s\n", err.text);
        return error_exit_status(err.kind);
    }
    printf("{\"messages\": %" PRIu64 ", \"elapsed_s\": %.9f}\n", messages, elapsed_s);
    return 0;
}
