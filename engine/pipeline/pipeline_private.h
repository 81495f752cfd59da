/* pipeline_private: what the workers share with who starts, feeds and asks them. One mutex guards the
 * pool, the claims and the turn; it is taken a few times per chunk of thousands of rows, never per row. */
#ifndef ENGINE_PIPELINE_PRIVATE_H
#define ENGINE_PIPELINE_PRIVATE_H

#include "engine/pipeline/pipeline.h"

#include <pthread.h>
#include <stdatomic.h>

struct pipeline {
    struct pipeline_config config;
    pthread_t *threads;
    unsigned thread_count;
    _Atomic unsigned next_worker; /* its number in stages */
    struct stages *stages;
    struct batch **batches; /* all of them */
    size_t batch_count;

    pthread_mutex_t lock;
    pthread_cond_t work; /* a batch came back, redos came, or it is over */
    pthread_cond_t turn; /* the meter moved on */
    struct batch *free;
    size_t chunks;
    size_t next_chunk; /* to be claimed */
    size_t settled;    /* chunks below are metered; equals whose turn it is */
    struct redo *redos;
    size_t redo_count, redo_capacity;
    bool finishing, stopping, cancelled;
    int rc;
    struct error err;
    struct meter meter; /* whose turn it is owns it; what others may see of it is below */
    struct books books;
    bool exhausted;
    uint64_t ucs2_texts;
    char ucs2_culprit[8];
    struct waits waits;
};

/* pipeline_worker: a thread; arg is the pipeline. */
void *pipeline_worker(void *arg);

#endif
