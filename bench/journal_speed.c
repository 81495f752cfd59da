/* journal_speed: durable records a second, by outbox/journal and by what anybody would
 * write: a thousand records together, then fdatasync. */
#include "base/clock.h"
#include "base/file.h"
#include "outbox/journal/journal.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define GROUP_RECORDS 1000
#define RECORD_BYTES  128
/* How many groups may wait for the disk: as much as a campaign has on its way. */
#define GROUPS_WAITING_MAX 16

/* --- ours --- */

struct ours {
    struct journal_wait waits[GROUPS_WAITING_MAX];
    unsigned waiting;
    int failed;
};

static void durable(struct journal_wait *wait, int res)
{
    struct ours *ours = wait->arg;
    wait->fn = NULL; /* free again */
    ours->waiting--;
    if (res)
        ours->failed = res;
}

/* An outcome with as many texts as make it 128 bytes. */
static void append_group(struct journal *journal, uint32_t first_row)
{
    const struct text id =
        TEXT("SM0123456789abcdef0123456789abcdef0123456789abcdef0123456789abc");
    const struct text detail =
        TEXT("451 4.3.0 the mailbox is over its quota, try again later.");
    for (uint32_t r = first_row; r < first_row + GROUP_RECORDS; r++) {
        journal_outcome(journal,
                        &(struct journal_outcome){.row = r,
                                                  .channel = CHANNEL_EMAIL,
                                                  .outcome = OUTCOME_FAILED,
                                                  .attempt = 2,
                                                  .reason = 1,
                                                  .at_ms = 1795000000000 + r * 97,
                                                  .provider_id = id,
                                                  .detail = detail});
    }
}

static void sync_group(struct journal *journal, struct ours *ours)
{
    for (size_t i = 0; i < GROUPS_WAITING_MAX; i++) {
        if (ours->waits[i].fn)
            continue;
        ours->waits[i] = (struct journal_wait){.fn = durable, .arg = ours};
        ours->waiting++;
        journal_sync(journal, &ours->waits[i]);
        return;
    }
    CHECK(!"a wait was free");
}

static int run_ours(const char *dir, uint32_t records, struct error *err)
{
    struct text provider = TEXT("relay");
    struct journal_header header = {.account = TEXT("studio"),
                                    .job = TEXT("bench"),
                                    .rows = records,
                                    .providers = &provider,
                                    .provider_count = 1};
    struct ours ours = {0};
    struct loop *loop;
    struct journal *journal;
    int rc = loop_create(&loop, err);
    if (rc)
        return rc;
    rc = journal_open(dir, &header, loop, &journal, err);
    if (rc) {
        loop_destroy(&loop);
        return rc;
    }
    uint32_t row = 0;
    while (rc == 0 && ours.failed == 0 && (row < records || ours.waiting > 0)) {
        for (; row < records && ours.waiting < GROUPS_WAITING_MAX; row += GROUP_RECORDS) {
            append_group(journal, row);
            sync_group(journal, &ours);
        }
        rc = loop_run(loop, -1, err);
    }
    journal_close(&journal);
    loop_destroy(&loop);
    return ours.failed ? error_set(err, ERROR_IO, "the journal failed: %s",
                                   strerror(-ours.failed))
                       : rc;
}

/* --- the simple way --- */

static int run_simple(const char *dir, uint32_t records, struct error *err)
{
    static char group[GROUP_RECORDS * RECORD_BYTES];
    char path[PATH_BYTES];
    memset(group, 'r', sizeof(group));
    int rc = path_join(path, dir, TEXT("simple"), err);
    if (rc)
        return rc;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return error_io(err, "%s", path);
    for (uint32_t row = 0; rc == 0 && row < records; row += GROUP_RECORDS) {
        if (write(fd, group, sizeof(group)) != (ssize_t)sizeof(group) ||
            fdatasync(fd) != 0)
            rc = error_io(err, "%s", path);
    }
    close(fd);
    return rc;
}

int main(int argc, char **argv)
{
    struct error err;
    if (argc != 4) {
        fprintf(stderr, "usage: journal_speed volley|simple DIR RECORDS\n");
        return 2;
    }
    uint32_t records =
        (uint32_t)strtoul(argv[3], NULL, 10) / GROUP_RECORDS * GROUP_RECORDS;
    int64_t start_ns = clock_steady_ns();
    int rc = file_make_dirs(argv[2], &err);
    if (rc == 0)
        rc = strcmp(argv[1], "volley") == 0 ? run_ours(argv[2], records, &err)
                                            : run_simple(argv[2], records, &err);
    double elapsed_s = (double)(clock_steady_ns() - start_ns) / (double)NS_PER_S;
    if (rc) {
        fprintf(stderr, "journal_speed: %s\n", err.text);
        return error_exit_status(err.kind);
    }
    printf("{\"records\": %" PRIu32 ", \"elapsed_s\": %.9f}\n", records, elapsed_s);
    return 0;
}
