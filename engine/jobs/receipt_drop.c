/* receipt_drop: see receipt_drop.h. All files that are there are read, then joined, then moved; a crash
 * before the move only means that they are read again, and receipts may come twice. */
#include "engine/jobs/receipt_drop.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "engine/config.h"
#include "engine/jobs/receipt_lines.h"
#include "ingest/spool.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS 500
/* How often what waits for jobs that were not over is tried again. */
#define AGAIN_NS  (600 * NS_PER_S)
#define FILES_MAX 1024 /* at once */

struct receipt_drop {
    const char *home;
    _Atomic(const struct config *) config;
    struct store *store;
    pthread_t thread;
    _Atomic bool stopping;
    int64_t again_ns; /* steady */
    bool told;        /* that it cannot be done now */
};

/* A file that was dropped, and what is wrong with it. */
struct dropped {
    char name[NAME_MAX + 1];
    struct error why;
    unsigned line;
};

struct batch {
    struct receipt_drop *drop;
    struct receipt_lines lines;
    struct dropped *files;
    size_t count, at;
};

static void on_refused(void *arg, const char *name, uint64_t line, const char *why)
{
    struct batch *batch = arg;
    struct dropped *file = &batch->files[batch->at];
    (void)name;
    if (file->why.text[0])
        return;
    error_set(&file->why, ERROR_INPUT, "%s", why);
    file->line = (unsigned)line;
}

static bool is_stopping(void *arg)
{
    const struct batch *batch = arg;
    return batch->drop->stopping;
}

static bool has_ending(const char *name, const char *ending)
{
    size_t bytes = strlen(name), end = strlen(ending);
    return bytes > end && strcmp(name + bytes - end, ending) == 0;
}

/* list: 0 or more names that are no one's drafts. */
static int list(struct batch *batch, const char *folder, struct error *err)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return error_io(err, "cannot read the folder %s", folder);
    for (const struct dirent *entry;
         batch->count < FILES_MAX && (entry = readdir(dir));) {
        if (!name_is_safe(text_of(entry->d_name)))
            continue;
        batch->files = realloc(batch->files, (batch->count + 1) * sizeof(*batch->files));
        CHECK(batch->files != NULL);
        struct dropped *file = &batch->files[batch->count++];
        *file = (struct dropped){0};
        memcpy(file->name, entry->d_name, strlen(entry->d_name) + 1);
    }
    closedir(dir);
    return 0;
}

/* is_readable: what is not goes to failed with the reason, and holds up no other file. */
static bool is_readable(struct dropped *dropped, const char *path)
{
    struct stat st;
    const char *name = dropped->name;
    if (lstat(path, &st) || (S_ISREG(st.st_mode) && access(path, R_OK)))
        error_set(&dropped->why, ERROR_INPUT, "%s cannot be opened: %s", name,
                  strerror(errno));
    else if (!S_ISREG(st.st_mode))
        error_set(&dropped->why, ERROR_INPUT, "%s is no regular file", name);
    else if (has_ending(name, ".eml") && (size_t)st.st_size > RECEIPT_MAIL_BYTES_MAX)
        error_set(&dropped->why, ERROR_INPUT, "%s is larger than 64 MiB", name);
    return !dropped->why.text[0];
}

static int read_one(struct batch *batch, const char *folder, struct error *err)
{
    struct dropped *dropped = &batch->files[batch->at];
    char path[PATH_BYTES];
    int rc = path_join(path, folder, text_of(dropped->name), err);
    if (rc || !is_readable(dropped, path))
        return rc;
    if (has_ending(dropped->name, ".eml"))
        return receipt_lines_mail(&batch->lines, path, err);
    FILE *file = fopen(path, "re");
    if (!file)
        return error_io(err, "cannot open %s", path);
    rc = receipt_lines_read(&batch->lines, file, dropped->name, err);
    fclose(file);
    return rc;
}

static int read_all(struct batch *batch, const char *folder, struct error *err)
{
    int rc = 0;
    for (; rc == 0 && batch->at < batch->count && !batch->drop->stopping; batch->at++)
        rc = read_one(batch, folder, err);
    if (rc == 0 && batch->drop->stopping)
        rc = error_set(err, ERROR_AGAIN, "volley is being stopped");
    return rc;
}

static int move_all(struct batch *batch, struct error *err)
{
    struct spool *spool = NULL;
    int rc = batch->count ? spool_open(batch->drop->home, &spool, err) : 0;
    if (spool)
        spool_defer(spool);
    for (size_t i = 0; i < batch->count && rc == 0; i++) {
        const struct dropped *file = &batch->files[i];
        rc = file->why.text[0]
                 ? spool_fail(spool, file->name, SPOOL_RECEIPTS, &file->why, file->line,
                              err)
                 : spool_move(spool, file->name, SPOOL_RECEIPTS, SPOOL_DONE, err);
    }
    if (rc == 0 && spool)
        rc = spool_sync(spool, err);
    if (spool)
        spool_close(&spool);
    return rc;
}

static int join(struct batch *batch, const char *folder, struct error *err)
{
    struct receipts_counts counts = {0};
    int rc = receipts_open(batch->drop->home, atomic_load(&batch->drop->config),
                           batch->drop->store, &batch->lines.receipts, err);
    if (rc)
        return rc;
    rc = read_all(batch, folder, err);
    int closed =
        receipts_close(&batch->lines.receipts, rc == 0, &counts, rc ? NULL : err);
    rc = rc ? rc : closed;
    if (rc == 0)
        rc = move_all(batch, err);
    if (rc == 0 && counts.read > 0)
        log_info("spool", "receipts joined",
                 "files=%zu receipts=%" PRIu64 " new=%" PRIu64 " waiting=%" PRIu64
                 " refused=%" PRIu64,
                 batch->count, counts.read, counts.changed, counts.waiting,
                 batch->lines.refused);
    return rc;
}

static bool is_time_again(struct receipt_drop *drop)
{
    char path[PATH_BYTES];
    if (clock_steady_ns() < drop->again_ns)
        return false;
    drop->again_ns = clock_steady_ns() + AGAIN_NS;
    return path_join(path, drop->home, TEXT("receipts/waiting.ndjson"), NULL) == 0 &&
           file_exists(path);
}

static void look(struct receipt_drop *drop)
{
    struct batch batch = {.drop = drop};
    struct error err;
    char folder[PATH_BYTES];
    batch.lines = (struct receipt_lines){
        .refuse_fn = on_refused, .stop_fn = is_stopping, .arg = &batch};
    int rc = path_join(folder, drop->home, TEXT("spool/receipts"), &err);
    if (rc == 0)
        rc = list(&batch, folder, &err);
    if (rc == 0 && (batch.count > 0 || is_time_again(drop)))
        rc = join(&batch, folder, &err);
    if (rc && !drop->told && !drop->stopping)
        log_warn("spool", "cannot join receipts; it will be tried again", "reason=\"%s\"",
                 err.text);
    drop->told = rc != 0;
    free(batch.files);
}

static void *drop_main(void *arg)
{
    struct receipt_drop *drop = arg;
    while (!drop->stopping) {
        look(drop);
        nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * NS_PER_MS}, NULL);
    }
    return NULL;
}

int receipt_drop_start(const char *home, const struct config *config,
                       struct receipt_drop **out, struct error *err)
{
    struct receipt_drop *drop = calloc(1, sizeof(*drop));
    CHECK(drop != NULL);
    *drop = (struct receipt_drop){.home = home, .config = config};
    int rc = store_open(home, false, &drop->store, err);
    if (rc) {
        free(drop);
        return rc;
    }
    CHECK(pthread_create(&drop->thread, NULL, drop_main, drop) == 0);
    *out = drop;
    return 0;
}

void receipt_drop_configure(struct receipt_drop *drop, const struct config *config)
{
    atomic_store(&drop->config, config);
}

void receipt_drop_stop(struct receipt_drop **at)
{
    struct receipt_drop *drop = *at;
    *at = NULL;
    if (!drop)
        return;
    drop->stopping = true;
    pthread_join(drop->thread, NULL);
    store_close(&drop->store);
    free(drop);
}
