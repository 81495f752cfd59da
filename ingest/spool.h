/* spool: job files dropped by other systems; rename is the commit.
 *
 * spool/tmp → incoming → active → done | failed, hold for paused ones, all on one file system. A
 * writer makes its file in tmp and renames it into incoming; from then on it is ours. */
#ifndef INGEST_SPOOL_H
#define INGEST_SPOOL_H

#include "base/buffer.h"
#include "base/error.h"

enum spool_folder {
    SPOOL_TMP,
    SPOOL_INCOMING,
    SPOOL_ACTIVE,
    SPOOL_DONE,
    SPOOL_FAILED,
    SPOOL_HOLD,
    SPOOL_RECEIPTS, /* what is heard later of messages; no job files */
    SPOOL_FOLDER_COUNT
};
const char *spool_folder_name(enum spool_folder folder);

/* spool_make: create the folders under home, and spool/status for who tells how jobs stand. */
int spool_make(const char *home, struct error *err) MUST_USE;

struct spool;
int spool_open(const char *home, struct spool **out, struct error *err) MUST_USE;
void spool_close(struct spool **spool);

/* spool_fd: readable when incoming may have changed (inotify); poll it, then call spool_next. */
int spool_fd(const struct spool *spool);

/* spool_defer: from now on moves and claims are durable only after spool_sync, which syncs each folder
 * once, however many files were moved. */
void spool_defer(struct spool *spool);
int spool_sync(struct spool *spool, struct error *err) MUST_USE;

/* spool_control: the content of a control file of incoming that was dropped since the last look, however
 * many job files lie before it; it stays there. 1 with its name, 0 when there is none. spool_next comes
 * to it too. */
int spool_control(struct spool *spool, const char **name_out, struct buffer *content_out,
                  struct error *err) MUST_USE;
/* spool_is_control: the name is that of a control file, `<any>.control.json`. */
bool spool_is_control(const char *name);

/* spool_next: claim the oldest file of incoming (by modification time, then name) into active.
 * Returns 1 with its name (valid until the next call) and content, 0 when there is none, negative
 * on ERROR_IO. A name that is unsafe or not *.json is moved to failed with its error.json and
 * skipped; dot files are left alone. */
int spool_next(struct spool *spool, const char **name_out, struct buffer *content_out,
               struct error *err) MUST_USE;

/* spool_active: the files that an earlier run left in active, one per call, like spool_next. */
int spool_active(struct spool *spool, const char **name_out, struct buffer *content_out,
                 struct error *err) MUST_USE;

/* spool_reread: let spool_active begin again. */
int spool_reread(struct spool *spool, struct error *err) MUST_USE;

/* spool_move: active → done, failed or hold (and hold → active); durable when it returns (see spool_defer). A name
 * that is already there gets a number in front of its ending, so nothing is overwritten. */
int spool_move(struct spool *spool, const char *name, enum spool_folder from,
               enum spool_folder to, struct error *err) MUST_USE;
/* spool_has: a file of this name is there. */
bool spool_has(const struct spool *spool, enum spool_folder folder, struct text name);

/* spool_fail: from → failed with <name>.error.json beside it: code, message, line. */
int spool_fail(struct spool *spool, const char *name, enum spool_folder from,
               const struct error *why, unsigned line, struct error *err) MUST_USE;

/* spool_submit: hand a job over as any other system would: tmp, fsync, rename to incoming. */
int spool_submit(const char *home, const char *name, struct text content,
                 struct error *err) MUST_USE;

#endif
