/* snapshot_share: loaded record batches, shared between the cursors of a snapshot.
 *
 * Cursors of several threads walk the same batch at about the same time, so each batch is
 * loaded once and counted. When nobody holds it any more it is kept if it is little more
 * than views into the mapping, and dropped if it carries decompressed data. */
#ifndef INGEST_SNAPSHOT_SHARE_H
#define INGEST_SNAPSHOT_SHARE_H

#include "ingest/arrow/arrow_read.h"

struct snapshot_share;
struct shared_batch;

/* snapshot_share_create: words is the length of a bitmap of columns. Borrows the file. */
struct snapshot_share *snapshot_share_create(const struct arrow_file *file, size_t words);
void snapshot_share_destroy(struct snapshot_share **share);

/* snapshot_share_hold: a record batch with the columns in needed; waits when another
 * thread is just loading it.
 * Errors: as arrow_batch_load.
 * Threads: any. */
int snapshot_share_hold(struct snapshot_share *share, size_t number,
                        const uint64_t *needed, struct shared_batch **out,
                        struct error *err) MUST_USE;
void snapshot_share_release(struct snapshot_share *share, struct shared_batch **batch);

size_t shared_batch_number(const struct shared_batch *batch);
const struct column *shared_batch_columns(const struct shared_batch *batch);

#endif
