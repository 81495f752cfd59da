/* flow: see flow.h; what provider types call is in flow_provider.c. */
#include "outbox/dispatch/flow.h"

#include "base/clock.h"
#include "base/near.h"

#include <stdlib.h>

bool flow_is_out(const struct flow *flow)
{
    return flow->set->stopped || flow->closing;
}

/* --- what is shown --- */

/* Replace what a flow has added to a sum of its set's. */
static void show(_Atomic uint64_t *sum, uint64_t *shown, uint64_t now)
{
    uint64_t value = atomic_load_explicit(sum, memory_order_relaxed) - *shown + now;
    atomic_store_explicit(sum, value, memory_order_relaxed);
    *shown = now;
}

void flow_show(struct flow *flow)
{
    struct gauge *gauge = &flow->set->gauge;
    show(&gauge->queued, &flow->shown_queued,
         flow->planned.count + flow->intending + flow->ready.count);
    show(&gauge->in_flight, &flow->shown_in_flight, flow->in_flight);
}

/* The first flow speaks for the provider, unless only others have something to do. */
void flow_brake(struct flow *flow, enum dispatch_brake brake)
{
    const struct flow *first = flow->set->flows[0];
    if (flow == first || first->shown_queued + first->shown_in_flight == 0)
        atomic_store_explicit(&flow->set->gauge.brake, (int)brake, memory_order_relaxed);
}

void flow_aim(struct flow *flow)
{
    double own = flow->limiter.rate_per_s;
    double all = flow->set->dispatch->limiter.rate_per_s;
    size_t batch = flow->provider.batch > 0 ? flow->provider.batch : 1;
    const struct provider *provider = &flow->provider;
    bool few =
        provider->config.on_unknown == ON_UNKNOWN_HOLD && !provider->type->reconciles;
    flow->target = pace_target(&flow->pace, provider->config.max_connections, batch,
                               own > 0 && (all == 0 || own < all) ? own : all, few);
    if (flow->set->flow_count == 0 || flow == flow->set->flows[0])
        atomic_store_explicit(&flow->set->gauge.rate_limit_per_s, own,
                              memory_order_relaxed);
}

void flow_wake(struct flow *flow, int64_t due_ns)
{
    if (flow->timer.heap_index == 0 || flow->timer.due_ns > due_ns)
        loop_timer_arm(flow->provider.loop, &flow->timer, due_ns);
}

static void wake_now(struct flow *flow)
{
    flow_wake(flow, loop_now_ns(flow->provider.loop));
}

void flow_finish(struct flow *flow, struct delivery *delivery,
                 struct delivery_result *result)
{
    result->provider = flow->provider.index;
    gauge_count(&flow->set->gauge, result->verdict);
    delivery->source->done(delivery->source, delivery, result);
}

static void finish_all(struct flow *flow, struct delivery_queue *queue)
{
    for (struct delivery *delivery; (delivery = delivery_queue_pop(queue));) {
        struct delivery_result result = {.verdict = DELIVERY_DEFERRED,
                                         .reason = DELIVERY_CANCELLED};
        if (flow->set->stopped && !delivery->source->withdrawn)
            result =
                (struct delivery_result){.verdict = DELIVERY_FAILED,
                                         .reason = DELIVERY_CREDENTIALS,
                                         .detail = text_of(flow->set->gauge.trouble)};
        flow_finish(flow, delivery, &result);
    }
}

/* --- intents ahead of need --- */

bool flow_rests(struct flow *flow)
{
    int64_t now_ns = loop_now_ns(flow->provider.loop);
    int64_t wait_ns = breaker_wait_ns(&flow->breaker, now_ns);
    int64_t pause_ns = throttle_wait_ns(&flow->throttle, now_ns);
    if (wait_ns < pause_ns)
        wait_ns = pause_ns;
    if (wait_ns == 0)
        return false;
    flow_brake(flow, flow->breaker.open ? BRAKE_BROKEN : BRAKE_PROVIDER);
    if (flow->planned.count + flow->intending + flow->ready.count > 0)
        flow_wake(flow, now_ns + wait_ns);
    return true;
}

static struct flow_group *free_group(struct flow *flow)
{
    for (size_t i = 0; i < FLOW_GROUPS; i++) {
        if (!flow->groups[i].list)
            return &flow->groups[i];
    }
    return NULL;
}

/* Ask for intents until what is intended and not yet taken reaches the target. Nothing is
 * asked while half of it is there, so that the journal gets few large groups. */
void flow_plan(struct flow *flow)
{
    size_t target = flow->breaker.open ? 1 : flow->target;
    while (flow->planned.count > 0 && !flow_is_out(flow)) {
        size_t ahead = flow->intending + flow->ready.count;
        struct flow_group *group;
        if (ahead > target / 2 || flow_rests(flow) || !(group = free_group(flow)))
            return;
        size_t most = target > ahead ? target - ahead : 1;
        struct delivery_queue cut =
            fair_queue_cut(&flow->planned, most < PACE_GROUP_MAX ? most : PACE_GROUP_MAX);
        struct delivery_source *source = cut.head->source;
        *group = (struct flow_group){.list = cut.head,
                                     .source = source,
                                     .count = cut.count,
                                     .started_ns = clock_steady_ns()};
        flow->intending += cut.count;
        source->intend(source, cut.head, cut.count);
    }
}

/* Whether a delivery finds another flow; then it is there. What may have got through with this
 * provider stays with it. */
static bool move_away(struct flow *flow, struct delivery *delivery)
{
    struct flow *other = NULL;
    if (flow->retired) /* the set's first flow: the intent stands */
        other = flow_set_find(flow->set, delivery);
    else if (!delivery->in_doubt)
        other = dispatch_choose_other(flow->set->dispatch, delivery, flow->set);
    if (other)
        flow_submit(other, delivery);
    return other != NULL;
}

bool flow_intended(struct flow *flow, struct delivery *list)
{
    struct flow_group *group = NULL;
    for (size_t i = 0; i < FLOW_GROUPS && !group; i++) {
        if (flow->groups[i].list == list)
            group = &flow->groups[i];
    }
    if (!group)
        return false;
    bool withdrawn = group->withdrawn || group->source->withdrawn;
    bool leaving = group->leaving;
    flow->intending -= group->count;
    pace_intended(&flow->pace, clock_steady_ns() - group->started_ns);
    *group = (struct flow_group){0};
    struct delivery_queue back = {0};
    for (struct delivery *next; list; list = next) {
        next = list->next;
        if (!withdrawn && leaving && (flow->breaker.open || flow_is_out(flow)) &&
            move_away(flow, list))
            continue;
        bool ends = withdrawn || flow_is_out(flow);
        delivery_queue_push(ends ? &back : &flow->ready, list);
    }
    finish_all(flow, &back);
    flow_show(flow);
    flow_check_closed(flow);
    if (!flow_is_out(flow))
        wake_now(flow);
    return true;
}

/* --- coming and going --- */

void flow_submit(struct flow *flow, struct delivery *delivery)
{
    delivery->provider = flow->provider.index;
    if (delivery->started_ns == 0)
        delivery->started_ns = loop_now_ns(flow->provider.loop);
    if (flow_is_out(flow) || delivery->source->withdrawn) {
        struct delivery_queue back = {0};
        delivery_queue_push(&back, delivery);
        finish_all(flow, &back);
        return;
    }
    fair_queue_push(&flow->planned, delivery);
    flow_show(flow);
    wake_now(flow);
}

/* Callbacks run only once the queues are consistent. */
void flow_take_back(struct flow *flow, const struct delivery_source *source)
{
    struct delivery_queue back = fair_queue_take(&flow->planned, source);
    struct delivery_queue ready = delivery_queue_take(&flow->ready);
    for (struct delivery *delivery; (delivery = delivery_queue_pop(&ready));) {
        bool mine = !source || delivery->source == source;
        delivery_queue_push(mine ? &back : &flow->ready, delivery);
    }
    for (size_t i = 0; i < FLOW_GROUPS; i++) {
        struct flow_group *group = &flow->groups[i];
        if (group->list && (!source || group->source == source))
            group->withdrawn = true;
    }
    flow_show(flow);
    finish_all(flow, &back);
}

/* stays: a delivery that found no other provider; until this one works again, or for good. */
static void stays(struct flow *flow, struct delivery *delivery, bool was_ready,
                  struct delivery_queue *back)
{
    if (flow->set->stopped || flow->closing)
        delivery_queue_push(back, delivery);
    else if (was_ready)
        delivery_queue_push(&flow->ready, delivery);
    else
        fair_queue_push(&flow->planned, delivery);
}

void flow_give_away(struct flow *flow, size_t keep)
{
    struct delivery_queue back = {0};
    struct delivery_queue all[] = {delivery_queue_take(&flow->ready),
                                   fair_queue_take(&flow->planned, NULL)};
    for (size_t i = 0; i < ARRAY_COUNT(all); i++) {
        for (struct delivery *delivery; (delivery = delivery_queue_pop(&all[i]));) {
            if (keep == 0 && move_away(flow, delivery))
                continue;
            keep -= keep > 0;
            stays(flow, delivery, i == 0, &back);
        }
    }
    for (size_t i = 0; i < FLOW_GROUPS; i++)
        flow->groups[i].leaving = flow->groups[i].list != NULL;
    flow_show(flow);
    finish_all(flow, &back);
}

void flow_withdraw(struct flow *flow, const struct delivery_source *source)
{
    CHECK(source);
    flow_take_back(flow, source);
}

/* --- life --- */

static void on_timer(struct loop_timer *timer)
{
    struct flow *flow = timer->arg;
    flow_pump(flow);
}

void flow_pump(struct flow *flow)
{
    if (flow_is_out(flow))
        return;
    flow_plan(flow);
    flow->provider.type->pump(&flow->provider);
}

static int refuse_type(const struct provider_config *config, struct error *err)
{
    struct near near = {.wanted = text_of(config->type)};
    char hint[64];
    for (size_t i = 0; provider_types[i]; i++)
        near_offer(&near, text_of(provider_types[i]->name));
    return error_set(err, ERROR_CONFIG, "providers.%s.type: there is no type \"%s\"%s",
                     config->name, config->type, near_hint(&near, hint, sizeof(hint)));
}

void flow_configure(struct flow *flow, const struct provider_config *config,
                    const struct provider_domain *domain, unsigned connections)
{
    struct provider *provider = &flow->provider;
    provider->config = *config;
    provider->domain = domain;
    provider->config.max_connections = connections;
    if (domain) {
        provider->config.max_message_rate_per_s = domain->max_message_rate_per_s;
        if (domain->messages_per_connection > 0)
            provider->config.messages_per_connection = domain->messages_per_connection;
    }
    if (!config->on_unknown_given)
        provider->config.on_unknown = provider->type->on_unknown_default;
    flow->retry = (struct retry_policy){.first_ns = config->retry_first_ns,
                                        .max_ns = config->retry_max_ns,
                                        .give_up_ns = config->retry_give_up_ns,
                                        .attempts = config->retry_attempts};
    double adapted = flow->throttle.found_per_s > 0 ? flow->limiter.rate_per_s : 0;
    double ceiling = provider->config.max_message_rate_per_s;
    limiter_set(&flow->limiter, ceiling);
    if (adapted > 0 && (ceiling == 0 || adapted < ceiling))
        limiter_adapt(&flow->limiter, adapted);
    flow_aim(flow);
}

int flow_create(struct flow_set *set, const struct provider_config *config,
                const struct provider_domain *domain, unsigned connections,
                struct flow **out, struct error *err)
{
    const struct provider_type *type = provider_type_find(text_of(config->type));
    if (!type)
        return refuse_type(config, err);
    int rc = type->check(config, err);
    if (rc)
        return rc;
    struct flow *flow = calloc(1, sizeof(*flow));
    CHECK(flow);
    *flow = (struct flow){.set = set,
                          .provider = {.type = type,
                                       .loop = set->dispatch->loop,
                                       .dispatch = set->dispatch,
                                       .index = set->index,
                                       .flow = flow},
                          .timer = {.fn = on_timer, .arg = flow}};
    *out = flow;
    flow_configure(flow, config, domain, connections);
    rc = type->open(&flow->provider, err);
    flow_aim(flow); /* behind open, which says what a connection carries */
    if (rc)
        flow_destroy(out);
    return rc;
}

void flow_destroy(struct flow **flow)
{
    if (!*flow)
        return;
    loop_timer_disarm((*flow)->provider.loop, &(*flow)->timer);
    if ((*flow)->provider.state)
        (*flow)->provider.type->destroy(&(*flow)->provider);
    free(*flow);
    *flow = NULL;
}

void flow_check_closed(struct flow *flow)
{
    if (!flow->closing || !flow->type_closed || flow->intending > 0 || flow->closed)
        return;
    flow->closed = true;
    loop_timer_disarm(flow->provider.loop, &flow->timer);
    if (flow->retired)
        flow_set_reap(flow->set);
    if (flow->set->dispatch->closing)
        dispatch_flow_closed(flow->set->dispatch);
}

void flow_close(struct flow *flow)
{
    if (flow->closing)
        return;
    flow->closing = true;
    if (flow->retired)
        flow_give_away(flow, 0);
    else
        flow_take_back(flow, NULL);
    flow->provider.type->close(&flow->provider);
}

/* A broken provider without work gets one message when its time has come: else nobody would find
 * out that it works again. */
enum route_state flow_route_state(const struct flow *flow)
{
    if (flow->set->stopped)
        return ROUTE_STOPPED;
    bool idle = flow->shown_queued + flow->shown_in_flight == 0;
    bool probe =
        idle && breaker_wait_ns(&flow->breaker, loop_now_ns(flow->provider.loop)) == 0;
    return !flow->breaker.open || probe ? ROUTE_USABLE : ROUTE_BROKEN;
}
