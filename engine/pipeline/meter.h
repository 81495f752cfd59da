/* meter: what only the order of the customers can decide: duplicates, the first channel
 * that reaches somebody, the job's limits, and who gets the last SMS segments (R17).
 *
 * Called with chunks in snapshot order, one at a time, so the result is the same on every
 * run with the same inputs, whatever the number of threads. */
#ifndef ENGINE_METER_H
#define ENGINE_METER_H

#include "engine/job/books.h"
#include "engine/job/job.h"
#include "engine/pipeline/batch.h"
#include "engine/pipeline/dedupe.h"

/* The account's segments, as quota_job_begin and quota_job_end: open at most once a chunk, and only
 * for one that needs any. */
struct meter_segments {
    int (*begin)(void *arg, uint64_t *left_out, struct error *err);
    int (*end)(void *arg, uint64_t taken, struct error *err);
    void *arg;
};

struct meter {
    const struct job *job;
    struct meter_segments account;
    bool begun;           /* account.begin was called for this chunk */
    uint64_t left, taken; /* then: of the account; by this chunk */
    bool free_of_charge;  /* the job is being cancelled: nothing will go out */
    bool exhausted;       /* the allowance ran out in this job */
    uint64_t segments;    /* granted so far */
    uint64_t recipients;  /* customers with at least one message */
    struct dedupe addresses[CHANNEL_COUNT];
    struct books books;
};

void meter_init(struct meter *meter, const struct job *job);
void meter_fini(struct meter *meter);

/* meter_chunk: settle batch->dispositions in place and add them to the books.
 * Errors: those of account. */
int meter_chunk(struct meter *meter, struct batch *batch, struct error *err) MUST_USE;

/* meter_settled: take in a chunk that an earlier run settled: batch->dispositions are
 * final. */
void meter_settled(struct meter *meter, const struct batch *batch);

#endif
