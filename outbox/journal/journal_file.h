/* journal_file: the files of a journal being written: locked, made ready ahead, rotated, cut.
 *
 * A file appears under its name only once its head is durable, so a name with a bad head
 * is damage and never a crash. Groups go past the page cache where the file system lets
 * them (O_DIRECT), which spares a copy and the kernel's threads; else through it. Space is
 * written with zeros before small frames need it: a write that neither allocates nor grows
 * the file is durable without the file system's own journal. */
#ifndef OUTBOX_JOURNAL_FILE_H
#define OUTBOX_JOURNAL_FILE_H

#include "base/error.h"
#include "base/file.h"
#include "outbox/journal/scan.h"

/* Sizes, lowered by tests. */
struct journal_limits {
    uint32_t file_bytes;  /* a file that has as much is not begun another frame in */
    uint32_t group_bytes; /* a group buffer: room for a frame */
    bool buffered;        /* through the page cache even where it could be avoided */
};

/* 64 MiB hold 1.5M messages: few enough files for 10M, and making one costs the loop a
 * few milliseconds that seldom. 1 MiB holds the largest chunk of decisions several times
 * over. */
#define JOURNAL_LIMITS ((struct journal_limits){64u << 20, 1u << 20, false})

struct journal_file {
    char dir[PATH_BYTES];
    int dir_fd;    /* locked; -1: none */
    int fd;        /* -1: none */
    int direct_fd; /* the same file with O_DIRECT; -1: none */
    bool direct;   /* groups are whole blocks, for direct_fd */
    uint32_t number;
    uint32_t offset;       /* where the last frame ends */
    uint32_t zeroed_to;    /* UINT32_MAX when zeroing ahead has failed */
    uint32_t allocated_to; /* UINT32_MAX when that has failed */
    uint64_t salt;         /* set before the first file is begun */
    struct journal_limits limits;
    char tail[FRAME_BLOCK_BYTES]; /* direct: the block that offset is in, up to there */
};

/* journal_file_lock:
 * Errors: ERROR_AGAIN when another process (or this one) has it; ERROR_IO. */
int journal_file_lock(struct journal_file *file, const char *dir,
                      struct error *err) MUST_USE;

/* journal_file_begin: make file `number` with its head and, behind it, `frame` (may be
 * empty); durable, name and all, before it returns. What was open is closed. Errors:
 * ERROR_IO, and errno says why. */
int journal_file_begin(struct journal_file *file, uint32_t number, struct text frame,
                       struct error *err) MUST_USE;

/* journal_file_continue: cut what lies behind the end of a scan, make the rest durable
 * and open the last file for more.
 * Errors: ERROR_IO. */
int journal_file_continue(struct journal_file *file, const struct scan *scan,
                          struct error *err) MUST_USE;

/* journal_file_is_full: a frame of `bytes` belongs into the next file. */
bool journal_file_is_full(const struct journal_file *file, size_t bytes);

/* journal_file_zero_ahead: see to zeros behind `bytes` more. Failing is harmless: what
 * the disk has to say about that is said again when a frame is written. */
void journal_file_zero_ahead(struct journal_file *file, size_t bytes);

/* The same two for groups that go past the page cache.
 * journal_file_zeros_along: how many zeros to write behind a small group that ends at `end`,
 * at most room_bytes; nothing else may be on its way behind it until it is durable. 0 when
 * there are enough. journal_file_allocate: see to space up to `end` for a large one. */
uint32_t journal_file_zeros_along(struct journal_file *file, uint32_t end,
                                  size_t room_bytes);
void journal_file_allocate(struct journal_file *file, uint32_t end);

/* journal_file_write: one frame, durable before it returns; for what is not on the way
 * of messages.
 * Errors: -errno. */
int journal_file_write(struct journal_file *file, struct text frame) MUST_USE;

/* journal_file_close: give the space zeroed ahead back, if `trim`, and unlock. */
void journal_file_close(struct journal_file *file, bool trim);

#endif
