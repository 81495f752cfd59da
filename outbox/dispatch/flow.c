/* flow: see flow.h; also the functions of provider.h that a provider type calls. */
#include "outbox/dispatch/flow.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/near.h"

#include <stdio.h>

/* --- queues --- */

static void queue_push(struct delivery_queue *queue, struct delivery *delivery)
{
    delivery->next = NULL;
    if (queue->tail)
        queue->tail->next = delivery;
    else
        queue->head = delivery;
    queue->tail = delivery;
    queue->count++;
}

static void queue_push_front(struct delivery_queue *queue, struct delivery *delivery)
{
    delivery->next = queue->head;
    queue->head = delivery;
    if (!queue->tail)
        queue->tail = delivery;
    queue->count++;
}

static struct delivery *queue_pop(struct delivery_queue *queue)
{
    struct delivery *delivery = queue->head;
    if (!delivery)
        return NULL;
    queue->head = delivery->next;
    if (!queue->head)
        queue->tail = NULL;
    queue->count--;
    delivery->next = NULL;
    return delivery;
}

/* --- counters: one writer, any reader --- */

static void count(_Atomic uint64_t *counter)
{
    uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, value + 1, memory_order_relaxed);
}

static void show_queues(struct flow *flow)
{
    atomic_store_explicit(&flow->counters.queued,
                          flow->planned.count + flow->intending + flow->ready.count,
                          memory_order_relaxed);
    atomic_store_explicit(&flow->counters.in_flight, flow->in_flight,
                          memory_order_relaxed);
}

static void show_trouble(struct flow *flow, const char *sentence)
{
    pthread_mutex_lock(&flow->counters.trouble_lock);
    snprintf(flow->counters.trouble, sizeof(flow->counters.trouble), "%s", sentence);
    pthread_mutex_unlock(&flow->counters.trouble_lock);
}

void flow_counters(struct flow *flow, struct dispatch_counters *out)
{
    out->sent = atomic_load_explicit(&flow->counters.sent, memory_order_relaxed);
    out->failed = atomic_load_explicit(&flow->counters.failed, memory_order_relaxed);
    out->unknown = atomic_load_explicit(&flow->counters.unknown, memory_order_relaxed);
    out->deferred = atomic_load_explicit(&flow->counters.deferred, memory_order_relaxed);
    out->queued = atomic_load_explicit(&flow->counters.queued, memory_order_relaxed);
    out->in_flight =
        atomic_load_explicit(&flow->counters.in_flight, memory_order_relaxed);
    out->stopped = atomic_load_explicit(&flow->counters.stopped, memory_order_relaxed);
    out->broken = atomic_load_explicit(&flow->counters.broken, memory_order_relaxed);
    pthread_mutex_lock(&flow->counters.trouble_lock);
    memcpy(out->trouble, flow->counters.trouble, sizeof(out->trouble));
    pthread_mutex_unlock(&flow->counters.trouble_lock);
}

/* --- what may go now --- */

/* The pauses a provider gets that asks to slow down without saying for how long. */
static const struct retry_policy pauses = {.first_ns = 250 * NS_PER_MS,
                                           .max_ns = 60 * NS_PER_S};

static uint64_t seed_of(const struct flow *flow)
{
    return hash64(flow->provider.config.name, strlen(flow->provider.config.name));
}

static bool flow_is_out(const struct flow *flow)
{
    return flow->stopped || flow->closing;
}

/* 0: now; else how long the provider's own state says to wait, rates aside. */
static int64_t health_wait_ns(const struct flow *flow, int64_t now_ns)
{
    int64_t wait_ns = breaker_wait_ns(&flow->breaker, now_ns);
    int64_t pause_ns = flow->pause_until_ns - now_ns;
    return pause_ns > wait_ns ? pause_ns : wait_ns;
}

static void flow_aim(struct flow *flow)
{
    double own = flow->limiter.rate_per_s;
    double all = flow->provider.dispatch->limiter.rate_per_s;
    size_t batch = flow->provider.batch > 0 ? flow->provider.batch : 1;
    flow->target = pace_target(&flow->pace, flow->provider.config.max_connections * batch,
                               own > 0 && (all == 0 || own < all) ? own : all);
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

/* --- intents ahead of need --- */

static struct flow_group *free_group(struct flow *flow)
{
    for (size_t i = 0; i < FLOW_GROUPS; i++) {
        if (!flow->groups[i].list)
            return &flow->groups[i];
    }
    return NULL;
}

/* Cut a group off the planned queue: deliveries of one source, in order. */
static struct flow_group cut_group(struct flow *flow, size_t most)
{
    struct delivery *last = flow->planned.head;
    struct flow_group cut = {.list = last, .source = last->source, .count = 1};
    while (cut.count < most && last->next && last->next->source == cut.source) {
        last = last->next;
        cut.count++;
    }
    flow->planned.head = last->next;
    if (!flow->planned.head)
        flow->planned.tail = NULL;
    flow->planned.count -= cut.count;
    last->next = NULL;
    return cut;
}

/* Ask for intents until what is intended and not yet taken reaches the target. Nothing is
 * asked while half of it is there, so that the journal gets few large groups. */
static void flow_plan(struct flow *flow)
{
    size_t target = flow->breaker.open ? 1 : flow->target;
    while (flow->planned.count > 0 && !flow_is_out(flow)) {
        size_t ahead = flow->intending + flow->ready.count;
        struct flow_group *group;
        if (ahead > target / 2 ||
            health_wait_ns(flow, loop_now_ns(flow->provider.loop)) > 0 ||
            !(group = free_group(flow)))
            return;
        size_t most = target > ahead ? target - ahead : 1;
        struct flow_group cut =
            cut_group(flow, most < PACE_GROUP_MAX ? most : PACE_GROUP_MAX);
        cut.started_ns = clock_steady_ns();
        *group = cut;
        flow->intending += cut.count;
        cut.source->intend(cut.source, cut.list, cut.count);
    }
}

static void finish_all(struct flow *flow, struct delivery_queue *queue)
{
    for (struct delivery *delivery; (delivery = queue_pop(queue));) {
        struct delivery_result result = {.verdict = DELIVERY_DEFERRED,
                                         .reason = DELIVERY_CANCELLED};
        if (flow->stopped)
            result = (struct delivery_result){.verdict = DELIVERY_FAILED,
                                              .reason = DELIVERY_CREDENTIALS,
                                              .detail = text_of(flow->counters.trouble)};
        flow_finish(flow, delivery, &result);
    }
}

static void check_closed(struct flow *flow)
{
    if (!flow->closing || !flow->type_closed || flow->intending > 0 || flow->closed)
        return;
    flow->closed = true;
    loop_timer_disarm(flow->provider.loop, &flow->timer);
    dispatch_flow_closed(flow->provider.dispatch);
}

void flow_intended(struct flow *flow, struct delivery *list)
{
    struct flow_group *group = NULL;
    for (size_t i = 0; i < FLOW_GROUPS && !group; i++) {
        if (flow->groups[i].list == list)
            group = &flow->groups[i];
    }
    CHECK(list && group);
    bool withdrawn = group->withdrawn;
    flow->intending -= group->count;
    pace_intended(&flow->pace, clock_steady_ns() - group->started_ns);
    *group = (struct flow_group){0};
    struct delivery_queue back = {0};
    for (struct delivery *next; list; list = next) {
        next = list->next;
        queue_push(withdrawn ? &back : &flow->ready, list);
    }
    finish_all(flow, &back);
    show_queues(flow);
    check_closed(flow);
    if (!flow_is_out(flow))
        wake_now(flow);
}

/* --- for dispatch --- */

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

int flow_init(struct flow *flow, struct dispatch *dispatch, uint8_t index,
              const struct provider_config *config, struct error *err)
{
    *flow = (struct flow){
        .provider = {.type = provider_type_find(text_of(config->type)),
                     .config = *config,
                     .loop = dispatch->loop,
                     .dispatch = dispatch,
                     .index = index,
                     .flow = flow},
        .retry = {.first_ns = config->retry_first_ns,
                  .max_ns = config->retry_max_ns,
                  .give_up_ns = config->retry_give_up_ns,
                  .attempts = config->retry_attempts},
        .timer = {.fn = on_timer, .arg = flow},
    };
    pthread_mutex_init(&flow->counters.trouble_lock, NULL);
    struct provider *provider = &flow->provider;
    if (!provider->type)
        return refuse_type(config, err);
    if (!config->on_unknown_given)
        provider->config.on_unknown = provider->type->on_unknown_default;
    limiter_set(&flow->limiter, config->max_message_rate_per_s);
    int rc = provider->type->check(config, err);
    if (rc == 0)
        rc = provider->type->open(provider, err);
    flow_aim(flow); /* behind open, which says what a connection carries */
    return rc;
}

void flow_fini(struct flow *flow)
{
    loop_timer_disarm(flow->provider.loop, &flow->timer);
    if (flow->provider.state)
        flow->provider.type->destroy(&flow->provider);
    pthread_mutex_destroy(&flow->counters.trouble_lock);
}

void flow_submit(struct flow *flow, struct delivery *delivery)
{
    delivery->provider = flow->provider.index;
    if (delivery->started_ns == 0)
        delivery->started_ns = loop_now_ns(flow->provider.loop);
    queue_push(&flow->planned, delivery);
    if (flow->stopped || flow->closing) {
        struct delivery_queue back = flow->planned;
        flow->planned = (struct delivery_queue){0};
        finish_all(flow, &back);
        return;
    }
    show_queues(flow);
    wake_now(flow);
}

/* source NULL: everybody's. Callbacks run only once the queues are consistent. */
static void take_back(struct flow *flow, const struct delivery_source *source)
{
    struct delivery_queue back = {0};
    struct delivery_queue *queues[] = {&flow->ready, &flow->planned};
    for (size_t i = 0; i < ARRAY_COUNT(queues); i++) {
        struct delivery_queue all = *queues[i];
        *queues[i] = (struct delivery_queue){0};
        for (struct delivery *delivery; (delivery = queue_pop(&all));) {
            bool mine = !source || delivery->source == source;
            queue_push(mine ? &back : queues[i], delivery);
        }
    }
    for (size_t i = 0; i < FLOW_GROUPS; i++) {
        struct flow_group *group = &flow->groups[i];
        if (group->list && (!source || group->source == source))
            group->withdrawn = true;
    }
    show_queues(flow);
    finish_all(flow, &back);
}

void flow_withdraw(struct flow *flow, const struct delivery_source *source)
{
    CHECK(source);
    take_back(flow, source);
}

void flow_close(struct flow *flow)
{
    if (flow->closing)
        return;
    flow->closing = true;
    take_back(flow, NULL);
    flow->provider.type->close(&flow->provider);
}

enum route_state flow_route_state(const struct flow *flow)
{
    return flow->stopped        ? ROUTE_STOPPED
           : flow->breaker.open ? ROUTE_BROKEN
                                : ROUTE_USABLE;
}

void flow_finish(struct flow *flow, struct delivery *delivery,
                 struct delivery_result *result)
{
    result->provider = flow->provider.index;
    switch (result->verdict) {
    case DELIVERY_SENT:
        count(&flow->counters.sent);
        break;
    case DELIVERY_FAILED:
        count(&flow->counters.failed);
        break;
    case DELIVERY_UNKNOWN:
        count(&flow->counters.unknown);
        break;
    case DELIVERY_DEFERRED:
        count(&flow->counters.deferred);
        break;
    }
    delivery->source->done(delivery->source, delivery, result);
}

/* --- for provider types --- */

static struct flow *flow_of(struct provider *provider)
{
    return provider->flow;
}

/* 0: a delivery may go now. Else a timer is armed that pumps again. */
static int64_t rate_wait_ns(struct flow *flow, int64_t now_ns)
{
    int64_t wait_ns = limiter_wait_ns(&flow->limiter, now_ns);
    if (wait_ns > 0) {
        flow_wake(flow, now_ns + wait_ns);
        return wait_ns;
    }
    wait_ns = limiter_wait_ns(&flow->provider.dispatch->limiter, now_ns);
    if (wait_ns > 0)
        dispatch_wake_all(flow->provider.dispatch, now_ns + wait_ns);
    return wait_ns;
}

size_t provider_waiting(struct provider *provider)
{
    struct flow *flow = flow_of(provider);
    if (flow_is_out(flow))
        return 0;
    int64_t now_ns = loop_now_ns(provider->loop);
    size_t waiting = flow->intending + flow->ready.count;
    int64_t wait_ns = health_wait_ns(flow, now_ns);
    if (wait_ns > 0) {
        if (waiting + flow->planned.count > 0)
            flow_wake(flow, now_ns + wait_ns);
        return 0;
    }
    return flow->breaker.open && waiting > 1 ? 1 : waiting;
}

size_t provider_coming(const struct provider *provider)
{
    const struct flow *flow = provider->flow;
    return flow->intending;
}

struct delivery *provider_take(struct provider *provider)
{
    struct flow *flow = flow_of(provider);
    int64_t now_ns = loop_now_ns(provider->loop);
    for (;;) {
        flow_plan(flow);
        if (flow->ready.count == 0 || provider_waiting(provider) == 0 ||
            (flow->breaker.open && flow->in_flight > 0) || rate_wait_ns(flow, now_ns) > 0)
            return NULL;
        struct delivery *delivery = queue_pop(&flow->ready);
        if (!delivery->source->admit(delivery->source, delivery))
            continue;
        limiter_spend(&flow->limiter, now_ns);
        limiter_spend(&provider->dispatch->limiter, now_ns);
        if (pace_took(&flow->pace, now_ns)) {
            limiter_recover(&flow->limiter, now_ns);
            flow_aim(flow);
        }
        flow->in_flight++;
        show_queues(flow);
        return delivery;
    }
}

void provider_return(struct provider *provider, struct delivery *delivery)
{
    struct flow *flow = flow_of(provider);
    CHECK(flow->in_flight > 0);
    flow->in_flight--;
    queue_push_front(&flow->ready, delivery);
    if (flow_is_out(flow))
        take_back(flow, NULL);
    else if (delivery->source->withdrawn)
        take_back(flow, delivery->source);
    else
        wake_now(flow);
    show_queues(flow);
}

/* A wait for the message itself: what the provider asked for, but not less than our
 * back-off. */
static void settle_deferral(struct flow *flow, const struct delivery *delivery,
                            struct delivery_result *result)
{
    int64_t now_ns = loop_now_ns(flow->provider.loop);
    int64_t wait_ns = retry_wait_ns(&flow->retry, delivery->attempt,
                                    delivery->id.low ^ delivery->id.high);
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
    CHECK(flow->in_flight > 0);
    flow->in_flight--;
    if (result.verdict == DELIVERY_DEFERRED)
        settle_deferral(flow, delivery, &result);
    if (result.verdict == DELIVERY_SENT && flow->pauses > 0 &&
        flow->pause_until_ns < loop_now_ns(provider->loop))
        flow->pauses = 0;
    show_queues(flow);
    flow_finish(flow, delivery, &result);
}

/* What the provider has accepted since it last pushed back, that pause included. */
static double accepted_per_s(struct flow *flow, int64_t now_ns)
{
    uint64_t sent = atomic_load_explicit(&flow->counters.sent, memory_order_relaxed);
    int64_t since_ns = now_ns - flow->pushed_back_ns;
    double rate =
        (double)(sent - flow->sent_before) * (double)NS_PER_S / (double)since_ns;
    bool known = flow->pushed_back_ns > 0 && since_ns > 0;
    flow->pushed_back_ns = now_ns;
    flow->sent_before = sent;
    return known ? rate : 0;
}

void provider_slow_down(struct provider *provider, int64_t wait_ns)
{
    struct flow *flow = flow_of(provider);
    int64_t now_ns = loop_now_ns(provider->loop);
    if (now_ns >= flow->pause_until_ns) { /* else it is the same push-back, heard again */
        limiter_back_off(&flow->limiter, flow->pace.rate_per_s,
                         accepted_per_s(flow, now_ns), now_ns);
        flow_aim(flow);
        flow->pauses++;
        if (wait_ns == 0)
            wait_ns = retry_wait_ns(&pauses, flow->pauses, seed_of(flow));
    }
    if (now_ns + wait_ns > flow->pause_until_ns)
        flow->pause_until_ns = now_ns + wait_ns;
    flow_wake(flow, flow->pause_until_ns);
}

void provider_trouble(struct provider *provider, const char *sentence)
{
    struct flow *flow = flow_of(provider);
    bool was_open = flow->breaker.open;
    breaker_failed(&flow->breaker, loop_now_ns(provider->loop), seed_of(flow));
    show_trouble(flow, sentence);
    atomic_store_explicit(&flow->counters.broken, flow->breaker.open,
                          memory_order_relaxed);
    flow->troubled = true;
    if (flow->breaker.open && !was_open) {
        char quoted[ERROR_TEXT_BYTES];
        log_warn("outbox", "provider does not work, its messages wait",
                 "provider=%s why=%s", provider->config.name,
                 log_quote(text_of(sentence), quoted, sizeof(quoted)));
    }
    wake_now(flow);
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
    show_trouble(flow, "");
    atomic_store_explicit(&flow->counters.broken, false, memory_order_relaxed);
    wake_now(flow);
}

void provider_stop(struct provider *provider, const char *sentence)
{
    struct flow *flow = flow_of(provider);
    if (flow->stopped)
        return;
    flow->stopped = true;
    show_trouble(flow, sentence);
    atomic_store_explicit(&flow->counters.stopped, true, memory_order_relaxed);
    char quoted[ERROR_TEXT_BYTES];
    log_error("outbox", "provider refuses us and is stopped", "provider=%s why=%s",
              provider->config.name,
              log_quote(text_of(sentence), quoted, sizeof(quoted)));
    take_back(flow, NULL);
}

void provider_closed(struct provider *provider)
{
    struct flow *flow = flow_of(provider);
    CHECK(flow->closing && flow->in_flight == 0);
    flow->type_closed = true;
    check_closed(flow);
}
