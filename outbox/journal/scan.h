/* scan: the frames of a journal in order, across its files, and where they end.
 *
 * The end is the first place without the next frame. When some later frame says that this
 * place was durable before, bytes that were acknowledged are gone: that is damage. Else
 * whatever lies behind was never acknowledged: a torn tail, which journal_open cuts off.
 *
 * Files are read, not mapped: another process may be writing or cutting the journal
 * meanwhile, and an I/O error must end in a sentence, not in a signal. */
#ifndef OUTBOX_SCAN_H
#define OUTBOX_SCAN_H

#include "base/error.h"
#include "base/file.h"
#include "outbox/journal/frame.h"

struct scan {
    char dir[PATH_BYTES];
    uint32_t file_count;
    uint32_t file;   /* being read; at the end: the one that holds the last frame */
    uint32_t offset; /* of the next frame; at the end: behind the last one */
    uint64_t salt;
    uint64_t next_sequence; /* of the next frame */
    uint64_t tail_bytes;    /* at the end: a torn tail, up to its last byte that is set */
    uint64_t skipped_bytes; /* between frames, in all files so far */
    uint8_t version;        /* of the file being read */
    char *bytes;            /* the file */
    size_t file_bytes;
    size_t capacity_bytes;
};

/* scan_path: dir/journal.NNNN.
 * Errors: ERROR_INPUT when it is too long. */
int scan_path(char out[PATH_BYTES], const char *dir, uint32_t number,
              struct error *err) MUST_USE;

/* scan_count: how many journal files are in dir.
 * Errors: ERROR_INPUT when one of them is missing; ERROR_IO. */
int scan_count(const char *dir, uint32_t *count_out, struct error *err) MUST_USE;

/* scan_open:
 * Errors: ERROR_INPUT: no journal there, a file missing or damaged; ERROR_IO. */
int scan_open(struct scan *scan, const char *dir, struct error *err) MUST_USE;

/* scan_next: the next frame; it borrows the scan until the next call.
 * Returns 1, 0 at the end, or an error: ERROR_INPUT for damage, with file and offset;
 * ERROR_IO. */
int scan_next(struct scan *scan, struct frame *out, struct error *err) MUST_USE;

/* scan_damage: the sentence for something wrong at an offset of the file being read. */
int scan_damage(const struct scan *scan, uint32_t offset, const char *what,
                struct error *err);

/* scan_close: also after scan_open failed. */
void scan_close(struct scan *scan);

#endif
