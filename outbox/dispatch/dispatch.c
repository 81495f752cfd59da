/* dispatch: see dispatch.h. One flow_set (flow.h) per provider does the work. */
#include "outbox/dispatch/change.h"
#include "outbox/dispatch/flow.h"

#include "base/clock.h"

#include <stdlib.h>

#define PROVIDERS_MAX 64

static void on_limiter(struct loop_timer *timer)
{
    struct dispatch *dispatch = timer->arg;
    size_t count = dispatch->set_count;
    for (size_t i = 0; i < count; i++) {
        struct flow_set *set = &dispatch->sets[(dispatch->first + i) % count];
        for (size_t f = 0; f < set->flow_count; f++)
            flow_pump(set->flows[f]);
    }
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
    for (size_t i = 0; i < dispatch->set_count; i++) {
        const struct flow_set *set = &dispatch->sets[i];
        for (size_t f = 0; f < set->flow_count; f++) {
            if (!set->flows[f]->closed)
                return;
        }
    }
    loop_timer_arm(dispatch->loop, &dispatch->closed_timer, loop_now_ns(dispatch->loop));
}

/* --- life --- */

static int check_routes(const struct dispatch_config *config, struct error *err)
{
    for (size_t channel = 0; channel < CHANNEL_COUNT; channel++) {
        for (size_t i = 0; i < config->route_counts[channel]; i++) {
            uint8_t index = config->routes[channel][i].provider;
            CHECK(index < config->provider_count);
            const struct provider_config *provider = &config->providers[index];
            const struct provider_type *type =
                provider_type_find(text_of(provider->type));
            if (!(type->channels >> channel & 1))
                return error_set(err, ERROR_CONFIG,
                                 "routes: %s cannot go to %s, a provider of type %s",
                                 channel_name((enum channel)channel), provider->name,
                                 type->name);
        }
    }
    return 0;
}

/* Do all providers of a route compose what they send themselves? Then messages come without body. */
static bool wants_parts(const struct route_entry *route, size_t count,
                        const struct provider_config *providers)
{
    for (size_t i = 0; i < count; i++) {
        if (!provider_type_find(text_of(providers[route[i].provider].type))->wants_parts)
            return false;
    }
    return count > 0;
}

/* A provider that can only take emails may join their route at any time; one that serves another
 * channel hardly ever does, and is no reason to make what nobody reads. */
bool dispatch_needs_parts(const struct provider_config *providers, size_t provider_count,
                          const struct route_entry *route, size_t count)
{
    for (size_t i = 0; i < provider_count; i++) {
        const struct provider_type *type = provider_type_find(text_of(providers[i].type));
        if (type && type->channels == 1u << CHANNEL_EMAIL && !type->wants_mime)
            return true;
    }
    for (size_t i = 0; i < count; i++) {
        const struct provider_type *type =
            provider_type_find(text_of(providers[route[i].provider].type));
        if (!type || !type->wants_mime)
            return true;
    }
    return false;
}

static int check_bodies(const struct dispatch *dispatch,
                        const struct dispatch_config *config, struct error *err)
{
    const struct route_entry *from = dispatch->routes[CHANNEL_EMAIL];
    const struct route_entry *to = config->routes[CHANNEL_EMAIL];
    size_t from_count = dispatch->route_counts[CHANNEL_EMAIL];
    size_t to_count = config->route_counts[CHANNEL_EMAIL];
    if (wants_parts(from, from_count, config->providers) &&
        !wants_parts(to, to_count, config->providers))
        return error_set(
            err, ERROR_CONFIG,
            "routes.email: a provider that takes whole messages joins one that takes "
            "their parts, and running jobs make only these: this needs a restart");
    if (from_count > 0 &&
        !dispatch_needs_parts(config->providers, config->provider_count, from,
                              from_count) &&
        dispatch_needs_parts(config->providers, config->provider_count, to, to_count))
        return error_set(
            err, ERROR_CONFIG,
            "routes.email: a provider that takes messages in parts joins one that takes "
            "whole ones, and running jobs make only these: this needs a restart");
    return 0;
}

static void copy_routes(struct dispatch *dispatch, const struct dispatch_config *config)
{
    for (size_t channel = 0; channel < CHANNEL_COUNT; channel++) {
        size_t count = config->route_counts[channel];
        free(dispatch->routes[channel]);
        dispatch->routes[channel] = calloc(count + 1, sizeof(struct route_entry));
        CHECK(dispatch->routes[channel]);
        if (count > 0)
            memcpy(dispatch->routes[channel], config->routes[channel],
                   count * sizeof(struct route_entry));
        dispatch->route_counts[channel] = count;
    }
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
    dispatch->sets = calloc(config->provider_count + 1, sizeof(*dispatch->sets));
    CHECK(dispatch->sets);
    int rc = 0;
    while (rc == 0 && dispatch->set_count < config->provider_count) {
        size_t i = dispatch->set_count++;
        rc = flow_set_init(&dispatch->sets[i], dispatch, (uint8_t)i,
                           &config->providers[i], err);
    }
    if (rc == 0)
        rc = check_routes(config, err);
    if (rc == 0)
        copy_routes(dispatch, config);
    else
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
    for (size_t i = 0; i < d->set_count; i++)
        flow_set_fini(&d->sets[i]);
    for (size_t channel = 0; channel < CHANNEL_COUNT; channel++)
        free(d->routes[channel]);
    free(d->sets);
    free(d);
    *dispatch = NULL;
}

void dispatch_close(struct dispatch *dispatch, void (*fn)(void *arg), void *arg)
{
    dispatch->closing = true;
    dispatch->closed_fn = fn;
    dispatch->closed_arg = arg;
    for (size_t i = 0; i < dispatch->set_count; i++) {
        for (size_t f = 0; f < dispatch->sets[i].flow_count; f++)
            flow_close(dispatch->sets[i].flows[f]);
    }
    dispatch_flow_closed(dispatch);
}

/* --- where a delivery goes --- */

/* The states of a delivery's route, as they are for its recipient. */
static void read_states(const struct dispatch *dispatch, const struct delivery *delivery,
                        enum route_state states[PROVIDERS_MAX])
{
    const struct route_entry *route = dispatch->routes[delivery->channel];
    for (size_t i = 0; i < dispatch->route_counts[delivery->channel]; i++) {
        const struct flow_set *set = &dispatch->sets[route[i].provider];
        states[set->index] = flow_route_state(flow_set_find(set, delivery));
    }
}

static int choose(const struct dispatch *dispatch, const struct delivery *delivery,
                  const enum route_state *states)
{
    return route_choose(dispatch->routes[delivery->channel],
                        dispatch->route_counts[delivery->channel], states, delivery->id,
                        route_turn(delivery->attempt));
}

struct flow *dispatch_choose(struct dispatch *dispatch, const struct delivery *delivery)
{
    enum route_state states[PROVIDERS_MAX];
    if (delivery->in_doubt && delivery->provider < dispatch->set_count)
        return flow_set_find(&dispatch->sets[delivery->provider], delivery);
    read_states(dispatch, delivery, states);
    int index = choose(dispatch, delivery, states);
    return index < 0 ? NULL : flow_set_find(&dispatch->sets[index], delivery);
}

struct flow *dispatch_choose_other(struct dispatch *dispatch,
                                   const struct delivery *delivery,
                                   const struct flow_set *set)
{
    enum route_state states[PROVIDERS_MAX];
    read_states(dispatch, delivery, states);
    states[set->index] = ROUTE_STOPPED;
    int index = choose(dispatch, delivery, states);
    /* a broken one may come back, a stopped one does not */
    return index >= 0 && (states[index] == ROUTE_USABLE || set->stopped)
               ? flow_set_find(&dispatch->sets[index], delivery)
               : NULL;
}

/* Every provider of the route has refused us: the delivery ends with the last one's
 * sentence. */
static struct flow *last_of_route(struct dispatch *dispatch,
                                  const struct delivery *delivery)
{
    size_t count = dispatch->route_counts[delivery->channel];
    CHECK(count > 0); /* the engine plans no message on a channel without route */
    uint8_t last = dispatch->routes[delivery->channel][count - 1].provider;
    return dispatch->sets[last].flows[0];
}

void dispatch_submit(struct dispatch *dispatch, struct delivery *list)
{
    for (struct delivery *next; list; list = next) {
        next = list->next;
        struct flow *flow = dispatch_choose(dispatch, list);
        flow_submit(flow ? flow : last_of_route(dispatch, list), list);
    }
}

void dispatch_intended(struct dispatch *dispatch, struct delivery *list)
{
    const struct flow_set *set = &dispatch->sets[list->provider];
    bool found = false;
    for (size_t i = 0; i < set->flow_count && !found; i++)
        found = flow_intended(set->flows[i], list);
    CHECK(found);
}

void dispatch_withdraw(struct dispatch *dispatch, struct delivery_source *source)
{
    source->withdrawn = true;
    for (size_t i = 0; i < dispatch->set_count; i++) {
        for (size_t f = 0; f < dispatch->sets[i].flow_count; f++)
            flow_withdraw(dispatch->sets[i].flows[f], source);
    }
}

void dispatch_counters_read(const struct dispatch *dispatch, size_t provider,
                            struct dispatch_counters *out)
{
    CHECK(provider < dispatch->set_count);
    gauge_read(&dispatch->sets[provider].gauge, clock_steady_ns(), out);
}

/* --- other limits while running --- */

/* Messages may be on their way to any channel that had a route. */
static int check_kept(const struct dispatch *dispatch,
                      const struct dispatch_config *config, struct error *err)
{
    for (size_t channel = 0; channel < CHANNEL_COUNT; channel++) {
        if (dispatch->route_counts[channel] > 0 && config->route_counts[channel] == 0)
            return error_set(err, ERROR_CONFIG,
                             "routes.%s: a route cannot be taken away while volley runs; "
                             "restart it, or put a provider back",
                             channel_name((enum channel)channel));
    }
    return 0;
}

/* What can go wrong goes wrong here, before anything has changed. */
static int prepare_sets(struct dispatch *dispatch, const struct dispatch_config *config,
                        struct error *err)
{
    size_t before[PROVIDERS_MAX], ready = 0;
    int rc = 0;
    for (; ready < dispatch->set_count && rc == 0; ready++) {
        struct flow_set *set = &dispatch->sets[ready];
        before[ready] = set->flow_count;
        rc = flow_set_prepare(set, &config->providers[ready], err);
    }
    for (size_t i = 0; i < ready && rc != 0; i++)
        flow_set_drop(&dispatch->sets[i], before[i]);
    return rc;
}

int dispatch_reconfigure(struct dispatch *dispatch, const struct dispatch_config *config,
                         struct error *err)
{
    int rc = dispatch->set_count == config->provider_count
                 ? 0
                 : error_set(err, ERROR_CONFIG,
                             "providers: one was added or taken away, which needs a "
                             "restart");
    for (size_t i = 0; i < dispatch->set_count && rc == 0; i++)
        rc = change_check(&dispatch->sets[i].flows[0]->provider.config,
                          &config->providers[i], err);
    if (rc == 0)
        rc = check_routes(config, err);
    if (rc == 0)
        rc = check_kept(dispatch, config, err);
    if (rc == 0)
        rc = check_bodies(dispatch, config, err);
    if (rc == 0)
        rc = prepare_sets(dispatch, config, err);
    if (rc)
        return rc;
    limiter_set(&dispatch->limiter, config->max_message_rate_per_s);
    copy_routes(dispatch, config);
    for (size_t i = 0; i < dispatch->set_count; i++)
        flow_set_configure(&dispatch->sets[i], &config->providers[i]);
    return 0;
}
