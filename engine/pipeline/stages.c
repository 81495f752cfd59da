/* stages: see stages.h. */
#include "engine/pipeline/stages.h"

#include "base/check.h"
#include "base/clock.h"

#include <pthread.h>
#include <stdlib.h>

struct stages {
    pthread_mutex_t lock;
    unsigned workers;
    struct stage_times past; /* of all workers */
    struct {
        enum stage stage;
        int64_t since_ns;
    } now[];
};

const char *stage_name(enum stage stage)
{
    static const char *const names[STAGE_COUNT] = {
        [STAGE_SELECT] = "select", [STAGE_RENDER] = "render", [STAGE_METER] = "meter",
        [STAGE_COMMIT] = "commit", [STAGE_TURN] = "turn",     [STAGE_POOL] = "pool",
        [STAGE_IDLE] = "idle",
    };
    return names[stage];
}

struct stages *stages_create(unsigned workers)
{
    struct stages *stages = calloc(1, sizeof(*stages) + workers * sizeof(*stages->now));
    CHECK(stages != NULL);
    pthread_mutex_init(&stages->lock, NULL);
    stages->workers = workers;
    for (unsigned i = 0; i < workers; i++) {
        stages->now[i].stage = STAGE_IDLE;
        stages->now[i].since_ns = clock_steady_ns();
    }
    return stages;
}

void stages_destroy(struct stages **stages)
{
    if (!*stages)
        return;
    pthread_mutex_destroy(&(*stages)->lock);
    free(*stages);
    *stages = NULL;
}

void stages_enter(struct stages *stages, unsigned worker, enum stage stage)
{
    CHECK(worker < stages->workers);
    int64_t now_ns = clock_steady_ns();
    pthread_mutex_lock(&stages->lock);
    stages->past.ns[stages->now[worker].stage] += now_ns - stages->now[worker].since_ns;
    stages->now[worker].stage = stage;
    stages->now[worker].since_ns = now_ns;
    pthread_mutex_unlock(&stages->lock);
}

void stages_read(struct stages *stages, struct stage_times *out)
{
    pthread_mutex_lock(&stages->lock);
    int64_t now_ns = clock_steady_ns();
    *out = stages->past;
    for (unsigned i = 0; i < stages->workers; i++)
        out->ns[stages->now[i].stage] += now_ns - stages->now[i].since_ns;
    pthread_mutex_unlock(&stages->lock);
}
