/* dispatch: see dispatch.h. One flow (flow.h) per provider does the work. */
#include "outbox/dispatch/flow.h"

#include <stdlib.h>

#define PROVIDERS_MAX 64

static void on_limiter(struct loop_timer *timer)
{
    struct dispatch *dispatch = timer->arg;
    size_t count = dispatch->flow_count;
    for (size_t i = 0; i < count; i++)
        flow_pump(&dispatch->flows[(dispatch->first + i) % count]);
    dispatch->first = (dispatch->first + 1) % count;
}

void dispatch_wake_all(struct dispatch *dispatch, int64_t due_ns)
{
    struct loop_timer *timer = &dispatch->limiter_timer;
    if (timer->heap_index == 0 || timer->due_ns > due_ns)
        loop_timer_arm(dispatch->loop, timer, due_ns);
}

static void on_closed(struct loop_timer *timer)
{
    struct dispatch *dispatch = timer->arg;
    dispatch->closed_fn(dispatch->closed_arg);
}

void dispatch_flow_closed(struct dispatch *dispatch)
{
    for (size_t i = 0; i < dispatch->flow_count; i++) {
        if (!dispatch->flows[i].closed)
            return;
    }
    loop_timer_arm(dispatch->loop, &dispatch->closed_timer, loop_now_ns(dispatch->loop));
}

static int copy_routes(struct dispatch *dispatch, const struct dispatch_config *config,
                       struct error *err)
{
    for (size_t channel = 0; channel < CHANNEL_COUNT; channel++) {
        size_t count = config->route_counts[channel];
        dispatch->routes[channel] = calloc(count + 1, sizeof(struct route_entry));
        CHECK(dispatch->routes[channel]);
        dispatch->route_counts[channel] = count;
        for (size_t i = 0; i < count; i++) {
            uint8_t index = config->routes[channel][i].provider;
            CHECK(index < dispatch->flow_count);
            const struct provider *provider = &dispatch->flows[index].provider;
            if (!(provider->type->channels >> channel & 1))
                return error_set(err, ERROR_CONFIG,
                                 "routes: %s cannot go to %s, a provider of type %s",
                                 channel_name((enum channel)channel),
                                 provider->config.name, provider->type->name);
            dispatch->routes[channel][i] = config->routes[channel][i];
        }
    }
    return 0;
}

int dispatch_create(struct loop *loop, const struct dispatch_config *config,
                    struct dispatch **out, struct error *err)
{
    CHECK(config->provider_count <= PROVIDERS_MAX);
    struct dispatch *dispatch = calloc(1, sizeof(*dispatch));
    CHECK(dispatch);
    dispatch->loop = loop;
    dispatch->limiter_timer = (struct loop_timer){.fn = on_limiter, .arg = dispatch};
    dispatch->closed_timer = (struct loop_timer){.fn = on_closed, .arg = dispatch};
    limiter_set(&dispatch->limiter, config->max_message_rate_per_s);
    dispatch->flows = calloc(config->provider_count + 1, sizeof(*dispatch->flows));
    CHECK(dispatch->flows);
    int rc = 0;
    while (rc == 0 && dispatch->flow_count < config->provider_count) {
        size_t i = dispatch->flow_count++;
        rc = flow_init(&dispatch->flows[i], dispatch, (uint8_t)i, &config->providers[i],
                       err);
    }
    if (rc == 0)
        rc = copy_routes(dispatch, config, err);
    if (rc != 0)
        dispatch_destroy(&dispatch);
    *out = dispatch;
    return rc;
}

void dispatch_destroy(struct dispatch **dispatch)
{
    struct dispatch *d = *dispatch;
    if (!d)
        return;
    loop_timer_disarm(d->loop, &d->limiter_timer);
    loop_timer_disarm(d->loop, &d->closed_timer);
    for (size_t i = 0; i < d->flow_count; i++)
        flow_fini(&d->flows[i]);
    for (size_t channel = 0; channel < CHANNEL_COUNT; channel++)
        free(d->routes[channel]);
    free(d->flows);
    free(d);
    *dispatch = NULL;
}

/* Every provider of the route has refused us: the delivery ends with the last one's
 * sentence. */
static void refuse(struct dispatch *dispatch, struct delivery *delivery)
{
    size_t count = dispatch->route_counts[delivery->channel];
    CHECK(count > 0); /* the engine plans no message on a channel without route */
    uint8_t last = dispatch->routes[delivery->channel][count - 1].provider;
    flow_submit(&dispatch->flows[last], delivery);
}

void dispatch_submit(struct dispatch *dispatch, struct delivery *list)
{
    enum route_state states[PROVIDERS_MAX];
    for (size_t i = 0; i < dispatch->flow_count; i++)
        states[i] = flow_route_state(&dispatch->flows[i]);
    for (struct delivery *next; list; list = next) {
        next = list->next;
        int index = route_choose(dispatch->routes[list->channel],
                                 dispatch->route_counts[list->channel], states, list->id,
                                 route_turn(list->attempt));
        if (index < 0)
            refuse(dispatch, list);
        else
            flow_submit(&dispatch->flows[index], list);
    }
}

void dispatch_intended(struct dispatch *dispatch, struct delivery *list)
{
    flow_intended(&dispatch->flows[list->provider], list);
}

void dispatch_withdraw(struct dispatch *dispatch, struct delivery_source *source)
{
    source->withdrawn = true;
    for (size_t i = 0; i < dispatch->flow_count; i++)
        flow_withdraw(&dispatch->flows[i], source);
}

void dispatch_close(struct dispatch *dispatch, void (*fn)(void *arg), void *arg)
{
    dispatch->closed_fn = fn;
    dispatch->closed_arg = arg;
    for (size_t i = 0; i < dispatch->flow_count; i++)
        flow_close(&dispatch->flows[i]);
    if (dispatch->flow_count == 0)
        dispatch_flow_closed(dispatch);
}

void dispatch_counters_read(const struct dispatch *dispatch, size_t provider,
                            struct dispatch_counters *out)
{
    CHECK(provider < dispatch->flow_count);
    flow_counters(&dispatch->flows[provider], out);
}
