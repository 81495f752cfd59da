/* bottleneck: see bottleneck.h.
 *
 * A free batch is what a worker needs to go on. Workers that wait for one most of the
 * time are faster than what comes behind them; workers that do not are the bottleneck
 * themselves. */
#include "engine/process/bottleneck.h"

#include <stdio.h>

/* From here on waiting is what the workers do, whatever else happens. */
#define MOSTLY 0.5
/* And from here on it is, when messages wait for a provider besides. */
#define OFTEN 0.2
/* A thread that is this busy has nothing left to give. */
#define FULLY 0.85

static void say(struct bottleneck *out, const char *stage, const char *format,
                const char *name)
{
    out->stage = stage;
    snprintf(out->why, sizeof(out->why), format, name);
}

static void find_behind(const struct bottleneck_view *view, struct bottleneck *out)
{
    const char *name = view->provider;
    enum dispatch_brake brake = name ? view->brake : BRAKE_NONE;
    switch (brake) {
    case BRAKE_RATE:
        say(out, "limit", "max_message_rate of %.100s", name);
        return;
    case BRAKE_RATE_ALL:
        say(out, "limit", "max_message_rate over all providers%s", "");
        return;
    case BRAKE_PROVIDER:
        say(out, "deliver", "%.100s asks to be slower", name);
        return;
    case BRAKE_BROKEN:
        say(out, "deliver", "%.100s cannot be reached or refuses us", name);
        return;
    case BRAKE_JOURNAL:
        say(out, "commit", "the disk: intents for %.100s are not durable yet", name);
        return;
    default:
        break;
    }
    if (view->io_cpu >= FULLY)
        say(out, "deliver", "the I/O thread uses a whole processor%s", "");
    else if (brake == BRAKE_CONNECTIONS)
        say(out, "deliver", "all connections of %.100s are busy", name);
    else if (view->job_rate)
        say(out, "limit", "the job's own rate or quiet hours%s", "");
    else if (name)
        say(out, "deliver", "messages wait for the answers of %.100s", name);
    else
        say(out, "deliver", "messages wait for their next attempt%s", "");
}

static void find_before(const struct bottleneck_view *view, struct bottleneck *out)
{
    double select = view->shares[STAGE_SELECT];
    double render = view->shares[STAGE_RENDER] + view->shares[STAGE_COMMIT];
    /* One worker at a time: all of them together give it one worker's time. */
    if (view->shares[STAGE_METER] * view->workers >= FULLY)
        say(out, "meter", "workers wait for their turn at the meter%s", "");
    else if (select > render)
        say(out, "select", "the workers read and filter customers%s", "");
    else
        say(out, "render", "the workers make texts%s", "");
}

void bottleneck_find(const struct bottleneck_view *view, struct bottleneck *out)
{
    double waiting = view->shares[STAGE_POOL] + view->shares[STAGE_IDLE], all = 0;
    bool queues = view->provider && view->brake != BRAKE_NONE;
    for (int i = 0; i < STAGE_COUNT; i++)
        all += view->shares[i];
    if (all <= 0)
        say(out, "none", "nothing measured yet%s", "");
    else if (view->all_selected || waiting >= (queues ? OFTEN : MOSTLY))
        find_behind(view, out);
    else
        find_before(view, out);
}
