/* batch: see batch.h. */
#include "engine/pipeline/batch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int batch_create(struct batch **out, struct error *err)
{
    struct batch *batch = calloc(1, sizeof(*batch));
    CHECK(batch != NULL);
    int rc = arena_init(&batch->arena, BATCH_ARENA_BYTES, err);
    if (rc) {
        free(batch);
        return rc;
    }
    /* The texts of a batch are written and read once each, megabytes apart: with small pages nearly
     * every message misses the TLB. A kernel that has no large ones to give says nothing. */
    (void)madvise(batch->arena.base, batch->arena.capacity_bytes, MADV_HUGEPAGE);
    *out = batch;
    return 0;
}

void batch_destroy(struct batch **batch)
{
    if (!*batch)
        return;
    arena_fini(&(*batch)->arena);
    free(*batch);
    *batch = NULL;
}

void batch_reset(struct batch *batch)
{
    arena_reset(&batch->arena);
    batch->outgoing = NULL;
    batch->outgoing_count = 0;
    batch->put_off = NULL;
    batch->put_off_count = 0;
    batch->remade = 0;
    batch->frame = TEXT_NONE;
    batch->is_redo = false;
    batch->ucs2_texts = 0;
    memset(batch->ucs2_culprit, 0, sizeof(batch->ucs2_culprit));
    batch->open = 0;
    batch->next = NULL;
}
