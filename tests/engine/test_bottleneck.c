/* bottleneck: the stage that is named, for what the workers and providers did; and how the workers'
 * time is kept. */
#include "base/clock.h"
#include "engine/process/bottleneck.h"

#include <criterion/criterion.h>
#include <string.h>
#include <time.h>

#define SHARES(...) .shares = {__VA_ARGS__}, .workers = 2

static const struct {
    struct bottleneck_view view;
    const char *stage, *why;
} cases[] = {
    {{.workers = 2}, "none", "measured"},
    {{SHARES([STAGE_RENDER] = 0.7, [STAGE_SELECT] = 0.3)}, "render", "texts"},
    {{SHARES([STAGE_RENDER] = 0.3, [STAGE_SELECT] = 0.7)}, "select", "filter"},
    /* Two workers of which one is always at the meter. */
    {{SHARES([STAGE_METER] = 0.48, [STAGE_TURN] = 0.5, [STAGE_RENDER] = 0.02)},
     "meter",
     "turn"},
    /* Waiting for the turn alone says nothing about the meter. */
    {{SHARES([STAGE_METER] = 0.1, [STAGE_TURN] = 0.3, [STAGE_RENDER] = 0.6)},
     "render",
     "texts"},
    {{SHARES([STAGE_POOL] = 0.9, [STAGE_RENDER] = 0.1), .provider = "relay",
      .brake = BRAKE_CONNECTIONS},
     "deliver",
     "all connections of relay"},
    {{SHARES([STAGE_POOL] = 0.9, [STAGE_RENDER] = 0.1), .provider = "relay",
      .brake = BRAKE_RATE},
     "limit",
     "max_message_rate of relay"},
    {{SHARES([STAGE_POOL] = 1), .provider = "relay", .brake = BRAKE_RATE_ALL},
     "limit",
     "all providers"},
    {{SHARES([STAGE_POOL] = 1), .provider = "relay", .brake = BRAKE_PROVIDER},
     "deliver",
     "relay asks"},
    {{SHARES([STAGE_POOL] = 1), .provider = "relay", .brake = BRAKE_BROKEN},
     "deliver",
     "cannot be reached"},
    {{SHARES([STAGE_POOL] = 1), .provider = "relay", .brake = BRAKE_JOURNAL},
     "commit",
     "durable"},
    /* A busy I/O thread explains full connections, not the other way round. */
    {{SHARES([STAGE_POOL] = 1), .provider = "relay", .brake = BRAKE_CONNECTIONS,
      .io_cpu = 0.97},
     "deliver",
     "I/O thread"},
    {{SHARES([STAGE_POOL] = 1), .job_rate = true}, "limit", "job's own"},
    /* All texts are made: what is left is delivery's. */
    {{SHARES([STAGE_RENDER] = 0.9, [STAGE_IDLE] = 0.1), .all_selected = true,
      .provider = "relay"},
     "deliver",
     "answers of relay"},
    {{SHARES([STAGE_IDLE] = 1), .all_selected = true}, "deliver", "next attempt"},
    /* Workers that wait a little, and nobody waits for a provider: they are the ones. */
    {{SHARES([STAGE_POOL] = 0.3, [STAGE_RENDER] = 0.7), .provider = "relay"},
     "render",
     "texts"},
    {{SHARES([STAGE_POOL] = 0.3, [STAGE_RENDER] = 0.7), .provider = "relay",
      .brake = BRAKE_CONNECTIONS},
     "deliver",
     "all connections of relay"},
};

Test(bottleneck, cases)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct bottleneck found;
        bottleneck_find(&cases[i].view, &found);
        cr_expect_str_eq(found.stage, cases[i].stage, "case %zu: %s", i, found.stage);
        cr_expect(strstr(found.why, cases[i].why), "case %zu: %s", i, found.why);
    }
}

/* Every worker is somewhere at every moment: the times add up to workers × what has passed. */
Test(stages, times_add_up)
{
    struct timespec nap = {.tv_nsec = 3 * NS_PER_MS};
    int64_t before_ns = clock_steady_ns();
    struct stages *stages = stages_create(2);
    int64_t created_ns = clock_steady_ns();
    stages_enter(stages, 0, STAGE_RENDER);
    nanosleep(&nap, NULL);
    stages_enter(stages, 0, STAGE_POOL);
    stages_enter(stages, 1, STAGE_SELECT);
    nanosleep(&nap, NULL);
    int64_t asked_ns = clock_steady_ns();
    struct stage_times times;
    stages_read(stages, &times);
    int64_t after_ns = clock_steady_ns(), all = 0;
    for (int i = 0; i < STAGE_COUNT; i++)
        all += times.ns[i];
    cr_expect_geq(all, 2 * (asked_ns - created_ns));
    cr_expect_leq(all, 2 * (after_ns - before_ns));
    cr_expect_geq(times.ns[STAGE_RENDER], 3 * NS_PER_MS);
    cr_expect_geq(times.ns[STAGE_POOL], 3 * NS_PER_MS); /* still under way */
    cr_expect_geq(times.ns[STAGE_SELECT], 3 * NS_PER_MS);
    cr_expect_eq(times.ns[STAGE_METER], 0);
    stages_destroy(&stages);
}
