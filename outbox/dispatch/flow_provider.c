/* flow_provider: the functions of provider.h that a provider type calls. */
#include "outbox/dispatch/flow.h"

#include "base/clock.h"
#include "base/log.h"

/* A message pushed back so often waits for its own back-off: it may be the cause. */
#define THROTTLED_QUICKLY 3

static struct flow *flow_of(struct provider *provider)
{
    return provider->flow;
}

static uint64_t seed_of(const struct flow *flow)
{
    return hash64(flow->provider.config.name, strlen(flow->provider.config.name));
}

/* 0: a delivery may go now. Else a timer is armed that pumps again. */
static int64_t rate_wait_ns(struct flow *flow, int64_t now_ns)
{
    int64_t wait_ns = limiter_wait_ns(&flow->limiter, now_ns);
    if (wait_ns > 0) {
        flow_brake(flow,
                   throttle_is_on(&flow->throttle, now_ns) ? BRAKE_PROVIDER : BRAKE_RATE);
        flow_wake(flow, now_ns + wait_ns);
        return wait_ns;
    }
    wait_ns = flow_set_wait_ns(flow->set, now_ns);
    if (wait_ns > 0) {
        flow_brake(flow, BRAKE_RATE);
        return wait_ns;
    }
    wait_ns = limiter_wait_ns(&flow->set->dispatch->limiter, now_ns);
    if (wait_ns > 0) {
        flow_brake(flow, BRAKE_RATE_ALL);
        dispatch_wake_all(flow->set->dispatch, now_ns + wait_ns);
    }
    return wait_ns;
}

size_t provider_waiting(struct provider *provider)
{
    struct flow *flow = flow_of(provider);
    if (flow_is_out(flow))
        return 0;
    flow_plan(flow); /* a session that ended may have taken the last one intended */
    size_t waiting = flow->intending + flow->ready.count;
    if (flow_rests(flow))
        return 0;
    return flow->breaker.open && waiting > 1 ? 1 : waiting;
}

size_t provider_coming(const struct provider *provider)
{
    const struct flow *flow = provider->flow;
    return flow->intending;
}

static bool may_take(struct flow *flow, int64_t now_ns)
{
    if (flow_is_out(flow))
        return false;
    if (flow->ready.count == 0) {
        if (flow->planned.count == 0 || !flow_rests(flow))
            flow_brake(flow, flow->intending > 0 ? BRAKE_JOURNAL : BRAKE_NONE);
        return false;
    }
    return provider_waiting(&flow->provider) > 0 &&
           (!flow->breaker.open || flow->in_flight == 0) &&
           rate_wait_ns(flow, now_ns) == 0;
}

/* A batch is larger than the cache, and this delivery is the next to be read. */
static void prefetch(const struct delivery *d)
{
    if (!d)
        return;
    __builtin_prefetch(d->next);
    __builtin_prefetch((const char *)d->next + 64);
    __builtin_prefetch(d->to.data);
    for (size_t i = 0; i < d->body.bytes && i < 2048; i += 64)
        __builtin_prefetch(d->body.data + i);
}

struct delivery *provider_take(struct provider *provider)
{
    struct flow *flow = flow_of(provider);
    int64_t now_ns = loop_now_ns(provider->loop);
    for (;;) {
        flow_plan(flow);
        if (!may_take(flow, now_ns))
            return NULL;
        struct delivery *delivery = delivery_queue_pop(&flow->ready);
        if (!delivery->source->admit(delivery->source, delivery)) {
            flow_show(flow);
            continue;
        }
        limiter_spend(&flow->limiter, now_ns);
        limiter_spend(&flow->set->limiter, now_ns);
        limiter_spend(&flow->set->dispatch->limiter, now_ns);
        bool adapted = throttle_tick(&flow->throttle, &flow->limiter, now_ns);
        if (pace_took(&flow->pace, now_ns) || adapted)
            flow_aim(flow);
        prefetch(flow->ready.head);
        delivery->taken_ns = now_ns;
        flow->in_flight++;
        flow_show(flow);
        if (flow->ready.count > 0) /* until the next one asks and is told otherwise */
            flow_brake(flow, BRAKE_CONNECTIONS);
        return delivery;
    }
}

bool provider_keeps(const struct provider *provider, const struct delivery *delivery)
{
    const struct flow *flow = provider->flow;
    return !flow_is_out(flow) && !flow->breaker.open && !delivery->source->withdrawn;
}

void provider_return(struct provider *provider, struct delivery *delivery)
{
    struct flow *flow = flow_of(provider);
    CHECK(flow->in_flight > 0);
    flow->in_flight--;
    delivery_queue_push_front(&flow->ready, delivery);
    if (delivery->source->withdrawn)
        flow_take_back(flow, delivery->source);
    else if (flow->retired || flow->set->stopped)
        flow_give_away(flow, 0);
    else if (flow->closing)
        flow_take_back(flow, NULL);
    else if (flow->breaker.open)
        flow_give_away(flow, flow->breaker.openings == 1);
    flow_show(flow);
    if (!flow_is_out(flow))
        flow_wake(flow, loop_now_ns(provider->loop));
}

/* A wait for the message itself: what the provider asked for, but not less than our
 * back-off, unless it was just too fast. */
static void settle_deferral(struct flow *flow, const struct delivery *delivery,
                            struct delivery_result *result)
{
    int64_t now_ns = loop_now_ns(flow->provider.loop);
    uint64_t seed = delivery->id.low ^ delivery->id.high;
    int64_t wait_ns = retry_wait_ns(&flow->retry, delivery->attempt, seed);
    int64_t pause_ns = throttle_wait_ns(&flow->throttle, now_ns) + NS_PER_MS;
    if (result->reason == DELIVERY_THROTTLED && delivery->attempt <= THROTTLED_QUICKLY &&
        pause_ns < wait_ns)
        wait_ns = pause_ns;
    if (result->retry_at_ns < now_ns + wait_ns)
        result->retry_at_ns = now_ns + wait_ns;
    if (!retry_used_up(&flow->retry, delivery->attempt, now_ns - delivery->started_ns,
                       result->retry_at_ns - now_ns))
        return;
    result->verdict = DELIVERY_FAILED;
    result->reason = DELIVERY_RETRIES_USED_UP;
}

void provider_done(struct provider *provider, struct delivery *delivery,
                   struct delivery_result result)
{
    struct flow *flow = flow_of(provider);
    int64_t now_ns = loop_now_ns(provider->loop);
    CHECK(flow->in_flight > 0);
    flow->in_flight--;
    flow_show(flow);
    gauge_latency(&flow->set->gauge, delivery->taken_ns, now_ns);
    if (result.verdict == DELIVERY_SENT)
        throttle_accepted(&flow->throttle, now_ns - delivery->taken_ns, now_ns);
    /* refused with us, not for itself: another provider may know us */
    if (result.reason == DELIVERY_CREDENTIALS && result.verdict == DELIVERY_FAILED &&
        !delivery->in_doubt) {
        struct flow *other =
            dispatch_choose_other(provider->dispatch, delivery, flow->set);
        if (other) {
            flow_submit(other, delivery);
            return;
        }
    }
    if (result.verdict == DELIVERY_DEFERRED)
        settle_deferral(flow, delivery, &result);
    flow_finish(flow, delivery, &result);
}

void provider_slow_down(struct provider *provider, int64_t wait_ns)
{
    struct flow *flow = flow_of(provider);
    int64_t now_ns = loop_now_ns(provider->loop);
    if (throttle_push_back(&flow->throttle, &flow->limiter, flow->pace.rate_per_s,
                           wait_ns, now_ns, seed_of(flow)))
        flow_aim(flow);
    flow_wake(flow, flow->throttle.pause_until_ns);
}

void provider_allowance(struct provider *provider, uint64_t remaining, int64_t reset_ns)
{
    struct flow *flow = flow_of(provider);
    throttle_allowance(&flow->throttle, remaining, flow->in_flight, reset_ns,
                       loop_now_ns(provider->loop));
}

static bool any_broken(const struct flow_set *set)
{
    for (size_t i = 0; i < set->flow_count; i++) {
        if (set->flows[i]->breaker.open)
            return true;
    }
    return false;
}

void provider_trouble(struct provider *provider, const char *sentence)
{
    struct flow *flow = flow_of(provider);
    bool was_open = flow->breaker.open;
    breaker_failed(&flow->breaker, loop_now_ns(provider->loop), seed_of(flow));
    gauge_trouble(&flow->set->gauge, sentence);
    atomic_store(&flow->set->gauge.broken, any_broken(flow->set));
    flow->troubled = true;
    if (flow->breaker.open && !was_open) {
        char quoted[ERROR_TEXT_BYTES];
        log_warn("outbox", "provider does not work, its messages wait",
                 "provider=%s why=%s", provider->config.name,
                 log_quote(text_of(sentence), quoted, sizeof(quoted)));
    }
    if (flow->breaker.open && !flow_is_out(flow)) {
        flow_brake(flow, BRAKE_BROKEN);
        flow_give_away(flow, flow->breaker.openings == 1); /* one is for the probe */
    }
    flow_wake(flow, loop_now_ns(provider->loop));
}

void provider_ok(struct provider *provider)
{
    struct flow *flow = flow_of(provider);
    if (!flow->troubled)
        return;
    if (flow->breaker.open)
        log_info("outbox", "provider works again", "provider=%s", provider->config.name);
    breaker_ok(&flow->breaker);
    flow->troubled = false;
    gauge_trouble(&flow->set->gauge, "");
    atomic_store(&flow->set->gauge.broken, any_broken(flow->set));
    flow_wake(flow, loop_now_ns(provider->loop));
}

void provider_stop(struct provider *provider, const char *sentence)
{
    struct flow_set *set = flow_of(provider)->set;
    if (set->stopped)
        return;
    set->stopped = true;
    gauge_trouble(&set->gauge, sentence);
    atomic_store(&set->gauge.stopped, true);
    atomic_store(&set->gauge.brake, (int)BRAKE_BROKEN);
    char quoted[ERROR_TEXT_BYTES];
    log_error("outbox", "provider refuses us and is stopped", "provider=%s why=%s",
              provider->config.name,
              log_quote(text_of(sentence), quoted, sizeof(quoted)));
    for (size_t i = 0; i < set->flow_count; i++)
        flow_give_away(set->flows[i], 0);
}

void provider_closed(struct provider *provider)
{
    struct flow *flow = flow_of(provider);
    CHECK(flow->closing && flow->in_flight == 0);
    flow->type_closed = true;
    flow_check_closed(flow);
}
