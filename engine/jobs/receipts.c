/* receipts: see receipts.h. Receipts are gathered up to some number, then looked for in the jobs that
 * are over, the newest first. What finds nothing waits in receipts/waiting.ndjson, which is replaced at
 * the end, by one rename: until then a crash only means that the same receipts are read again. */
#include "engine/jobs/receipts.h"

#include "base/clock.h"
#include "base/file.h"
#include "engine/jobs/receipt_join.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#define AT_ONCE     (1u << 20)
#define TEXTS_BYTES ((size_t)1 << 30)
#define JOBS_BYTES  ((size_t)1 << 30)
/* Receipts come within days; whatever finds no message in a month is not ours. */
#define WAIT_S ((int64_t)30 * 86400)

struct receipts {
    const char *home;
    const struct config *config;
    struct store *store;
    int lock_fd;
    FILE *left; /* what waits on */
    char left_path[PATH_BYTES], waiting_path[PATH_BYTES], dir[PATH_BYTES];
    struct arena texts, jobs_arena;
    struct store_job *jobs;
    size_t job_count;
    struct receipt_table table;
    struct receipt_effects effects;
    struct receipts_counts counts;
    int64_t now_s;
    struct error *err; /* of what is being read */
    int rc;
};

struct arena *receipts_arena(struct receipts *receipts)
{
    return &receipts->texts;
}

int receipts_add(struct receipts *receipts, const struct receipt *receipt,
                 struct error *err)
{
    struct receipt kept = *receipt;
    kept.seen_s = receipt->seen_s > 0 ? receipt->seen_s : receipts->now_s;
    receipts->counts.read++;
    receipt_table_add(&receipts->table, &kept);
    return arena_overflowed(&receipts->texts)
               ? error_set(err, ERROR_INPUT, "too many receipts at once")
               : 0;
}

/* --- what waits --- */

static void set(json_t *line, const char *key, struct text value)
{
    if (value.bytes > 0)
        json_object_set_new(line, key, json_stringn(value.data, value.bytes));
}

static int put_waiting(struct receipts *r, const struct receipt *receipt,
                       struct error *err)
{
    char at[CLOCK_FORMAT_BYTES] = "";
    json_t *json = json_pack("{s:s, s:I}", "status", receipt_status_name(receipt->status),
                             "seen", (json_int_t)receipt->seen_s);
    if (receipt->at_s)
        clock_format(receipt->at_s * NS_PER_S, false, at);
    set(json, "message_id", receipt->message_id);
    set(json, "provider_id", receipt->provider_id);
    set(json, "address", receipt->address);
    set(json, "code", receipt->code);
    set(json, "detail", receipt->detail);
    set(json, "at", text_of(at));
    int rc = json_dumpf(json, r->left, JSON_COMPACT) || fputc('\n', r->left) == EOF
                 ? error_io(err, "cannot write %s", r->left_path)
                 : 0;
    json_decref(json);
    return rc;
}

static int keep_waiting(struct receipts *r, struct error *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < r->table.count; i++) {
        const struct receipt_entry *entry = &r->table.entries[i];
        if (entry->found != i || entry->matched)
            continue;
        if (entry->receipt.seen_s < r->now_s - WAIT_S) {
            r->counts.dropped++;
            continue;
        }
        r->counts.waiting++;
        rc = put_waiting(r, &entry->receipt, err);
    }
    return rc;
}

static bool is_over(const struct store_job *job)
{
    return job->state == JOB_FINISHED || job->state == JOB_CANCELLED;
}

int receipts_settle(struct receipts *r, bool all, struct error *err)
{
    int rc = 0;
    bool full = r->table.count >= AT_ONCE || r->texts.used_bytes > TEXTS_BYTES / 2;
    if (r->table.count == 0 || (!all && !full))
        return 0;
    for (size_t i = 0; rc == 0 && i < r->job_count && r->table.open > 0; i++) {
        if (is_over(&r->jobs[i]))
            rc = receipt_join(r->home, r->config, r->store, &r->jobs[i], &r->table,
                              &r->effects, err);
    }
    if (rc == 0)
        rc = keep_waiting(r, err);
    receipt_table_clear(&r->table);
    arena_reset(&r->texts);
    return rc;
}

static void on_waiting(void *arg, const struct receipt *receipt)
{
    struct receipts *r = arg;
    if (r->rc == 0)
        r->rc = receipts_add(r, receipt, r->err);
}

/* read_waiting: lines of our own; what is none of them, after somebody edited the file, is left out. */
static int read_waiting(struct receipts *r, struct error *err)
{
    FILE *file = fopen(r->waiting_path, "re");
    char *line = NULL;
    size_t room = 0;
    ssize_t bytes;
    if (!file && errno == ENOENT)
        return 0;
    if (!file)
        return error_io(err, "cannot open %s", r->waiting_path);
    r->err = err;
    while (r->rc == 0 && (bytes = getline(&line, &room, file)) > 0) {
        (void)!receipt_parse((struct text){line, (size_t)bytes}, &r->texts, on_waiting, r,
                             NULL);
        if (r->rc == 0)
            r->rc = receipts_settle(r, false, err);
    }
    free(line);
    fclose(file);
    return r->rc;
}

/* --- open and close --- */

static int lock(struct receipts *r, struct error *err)
{
    char path[PATH_BYTES];
    int rc = path_join(path, r->dir, TEXT(".lock"), err);
    if (rc)
        return rc;
    r->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (r->lock_fd < 0)
        return error_io(err, "cannot open %s", path);
    if (flock(r->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    return errno == EWOULDBLOCK
               ? error_set(err, ERROR_AGAIN, "another process reads receipts into %s",
                           r->home)
               : error_io(err, "cannot lock %s", path);
}

static int open_files(struct receipts *r, struct error *err)
{
    int rc = path_join(r->dir, r->home, TEXT("receipts"), err);
    if (rc == 0)
        rc = file_make_dirs(r->dir, err);
    if (rc == 0)
        rc = lock(r, err);
    if (rc == 0)
        rc = path_join(r->waiting_path, r->dir, TEXT("waiting.ndjson"), err);
    if (rc == 0)
        rc = path_join(r->left_path, r->dir, TEXT(".waiting.tmp"), err);
    if (rc)
        return rc;
    r->left = fopen(r->left_path, "we");
    return r->left ? 0 : error_io(err, "cannot create %s", r->left_path);
}

static void destroy(struct receipts *r)
{
    if (r->left)
        fclose(r->left);
    if (r->lock_fd >= 0)
        close(r->lock_fd);
    receipt_table_fini(&r->table);
    arena_fini(&r->texts);
    arena_fini(&r->jobs_arena);
    free(r);
}

int receipts_open(const char *home, const struct config *config, struct store *store,
                  struct receipts **out, struct error *err)
{
    struct receipts *r = calloc(1, sizeof(*r));
    CHECK(r != NULL);
    *r = (struct receipts){.home = home,
                           .config = config,
                           .store = store,
                           .lock_fd = -1,
                           .now_s = clock_now_ns() / NS_PER_S};
    int rc = arena_init(&r->texts, TEXTS_BYTES, err);
    if (rc == 0)
        rc = arena_init(&r->jobs_arena, JOBS_BYTES, err);
    if (rc == 0)
        rc = open_files(r, err);
    if (rc == 0)
        rc = store_jobs(store, &r->jobs_arena, &r->jobs, &r->job_count, err);
    if (rc == 0)
        rc = read_waiting(r, err);
    if (rc) {
        destroy(r);
        return rc;
    }
    *out = r;
    return 0;
}

static int commit_waiting(struct receipts *r, struct error *err)
{
    if (fflush(r->left) || fsync(fileno(r->left)) ||
        rename(r->left_path, r->waiting_path))
        return error_io(err, "cannot write %s", r->waiting_path);
    return file_sync_dir(r->dir, err);
}

int receipts_close(struct receipts **at, bool commit, struct receipts_counts *counts_out,
                   struct error *err)
{
    struct receipts *r = *at;
    *at = NULL;
    int rc = commit ? receipts_settle(r, true, err) : 0;
    if (rc == 0 && commit)
        rc = commit_waiting(r, err);
    r->counts.matched = r->effects.matched;
    r->counts.changed = r->effects.changed;
    r->counts.dead = r->effects.dead;
    r->counts.opted_out = r->effects.opted_out;
    *counts_out = r->counts;
    destroy(r);
    return rc;
}
