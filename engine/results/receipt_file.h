/* receipt_file: what was heard later of a job's messages: outbox/<job>/receipts, a word for each row of
 * results.arrow.
 *
 * A word only ever grows: what counts more comes later in its order, so receipts may come twice, in any
 * order, and again after a crash, and the file is the same. */
#ifndef ENGINE_RECEIPT_FILE_H
#define ENGINE_RECEIPT_FILE_H

#include "ingest/receipt.h"

struct receipt_file;

/* receipt_file_open: dir is outbox/<job>; rows is those of its results. With write false *out is NULL
 * when there is none.
 * Errors: ERROR_INPUT for a damaged file or one of other rows, ERROR_IO
 * Threads: one writes, others may read meanwhile */
int receipt_file_open(const char *dir, uint64_t rows, bool write,
                      struct receipt_file **out, struct error *err) MUST_USE;
/* receipt_file_close: with what was put made durable.
 * Owns: *file is closed in every case */
int receipt_file_close(struct receipt_file **file, struct error *err) MUST_USE;

/* receipt_file_put: 1 when it changes what is known of a row, 0 when not, or negative. */
int receipt_file_put(struct receipt_file *file, uint64_t row,
                     const struct receipt *receipt, struct error *err) MUST_USE;
/* receipt_file_would: the same, and nothing is changed. */
bool receipt_file_would(const struct receipt_file *file, uint64_t row,
                        const struct receipt *receipt);

/* receipt_file_get: status, time and code of a row, RECEIPT_NONE where nothing was heard. The code
 * lives as long as the file is open. file may be NULL. */
enum receipt_status receipt_file_get(const struct receipt_file *file, uint64_t row,
                                     int64_t *at_s_out, const char **code_out);

/* receipt_file_count: how many rows of dir's results have each status; none where nothing was heard. */
int receipt_file_count(const char *dir, uint64_t counts_out[RECEIPT_STATUS_COUNT],
                       struct error *err) MUST_USE;

#endif
