/* harness: a source of deliveries whose intents take a while, as a journal's do, and
 * which writes down what became of each. */
#ifndef TESTS_HARNESS_H
#define TESTS_HARNESS_H

#include "base/clock.h"
#include "outbox/dispatch/dispatch.h"

#include <stdio.h>
#include <stdlib.h>

#define HARNESS_INTENDS 16

struct fate {
    int done; /* how often done was called; must end as 1 */
    int admitted;
    enum delivery_verdict verdict;
    enum delivery_reason reason;
    bool address_dead, settled;
    int64_t wait_ns;
    char provider_id[64];
    char detail[200];
};

struct harness {
    struct delivery_source source;
    struct loop *loop;
    struct dispatch *dispatch;
    struct delivery *deliveries;
    struct fate *fates;
    char (*addresses)[64];
    size_t count;
    size_t done;
    size_t intended, intend_calls, largest_group;
    bool intend_at_once;
    int64_t intend_ns;
    struct delivery *intending[HARNESS_INTENDS];
    struct loop_timer intend_timer;
    bool (*admit)(struct harness *harness, struct delivery *delivery);
    void (*on_done)(struct harness *harness, struct delivery *delivery);
    bool closed;
};

static inline void harness_on_intend_timer(struct loop_timer *timer)
{
    struct harness *h = timer->arg;
    struct delivery *lists[HARNESS_INTENDS];
    memcpy(lists, h->intending, sizeof(lists));
    memset(h->intending, 0, sizeof(lists));
    for (size_t i = 0; i < HARNESS_INTENDS; i++) {
        if (lists[i])
            dispatch_intended(h->dispatch, lists[i]);
    }
}

static inline void harness_intend(struct delivery_source *source, struct delivery *list,
                                  size_t count)
{
    struct harness *h = (struct harness *)source;
    size_t counted = 0;
    for (struct delivery *d = list; d; d = d->next) {
        CHECK(d->source == source);
        counted++;
    }
    CHECK(counted == count);
    h->intended += count;
    h->intend_calls++;
    if (count > h->largest_group)
        h->largest_group = count;
    if (h->intend_at_once) {
        dispatch_intended(h->dispatch, list);
        return;
    }
    size_t free = 0;
    while (h->intending[free])
        CHECK(++free < HARNESS_INTENDS);
    h->intending[free] = list;
    if (h->intend_timer.heap_index == 0)
        loop_timer_arm(h->loop, &h->intend_timer, loop_now_ns(h->loop) + h->intend_ns);
}

static inline bool harness_admit(struct delivery_source *source,
                                 struct delivery *delivery)
{
    struct harness *h = (struct harness *)source;
    if (h->admit && !h->admit(h, delivery))
        return false;
    h->fates[delivery->row].admitted++;
    return true;
}

static inline void harness_done(struct delivery_source *source, struct delivery *delivery,
                                const struct delivery_result *result)
{
    struct harness *h = (struct harness *)source;
    struct fate *fate = &h->fates[delivery->row];
    fate->done++;
    fate->verdict = result->verdict;
    fate->reason = result->reason;
    fate->address_dead = result->address_dead;
    fate->settled = result->doubt_settled;
    fate->wait_ns = result->retry_at_ns - loop_now_ns(h->loop);
    snprintf(fate->provider_id, sizeof(fate->provider_id), "%.*s",
             TEXT_ARGS(result->provider_id));
    snprintf(fate->detail, sizeof(fate->detail), "%.*s", TEXT_ARGS(result->detail));
    h->done++;
    if (h->on_done)
        h->on_done(h, delivery);
}

/* harness_config: a provider that waits for nobody long. */
static inline struct provider_config harness_config(const char *type, const char *url)
{
    return (struct provider_config){.name = "fake",
                                    .type = type,
                                    .url = url,
                                    .account_sid = "AC00000000000000000000000000000001",
                                    .auth_token = "secret",
                                    .from = "+15005550006",
                                    .username = "",
                                    .password = "",
                                    .tls_ca = "",
                                    .verp = "",
                                    .max_connections = 1,
                                    .timeout_ns = 300 * NS_PER_MS,
                                    .retry_first_ns = 50 * NS_PER_MS,
                                    .retry_max_ns = NS_PER_S,
                                    .retry_give_up_ns = 60 * NS_PER_S,
                                    .retry_attempts = 5};
}

/* harness_dispatch: the loop, the source and a dispatch as config says. */
static inline int harness_dispatch(struct harness *h,
                                   const struct dispatch_config *config,
                                   struct error *err)
{
    h->source = (struct delivery_source){
        .intend = harness_intend, .admit = harness_admit, .done = harness_done};
    h->intend_timer = (struct loop_timer){.fn = harness_on_intend_timer, .arg = h};
    if (!h->loop && loop_create(&h->loop, err) != 0)
        return -1;
    return dispatch_create(h->loop, config, &h->dispatch, err);
}

static inline int harness_start(struct harness *h,
                                const struct provider_config *providers,
                                size_t provider_count, struct error *err)
{
    static const struct route_entry all[] = {{0, 0, 1}, {1, 1, 1}, {2, 2, 1}, {3, 3, 1},
                                             {4, 4, 1}, {5, 5, 1}, {6, 6, 1}, {7, 7, 1}};
    struct dispatch_config config = {.providers = providers,
                                     .provider_count = provider_count};
    for (size_t i = 0; i < CHANNEL_COUNT; i++) {
        if (provider_type_find(text_of(providers[0].type))->channels >> i & 1) {
            config.routes[i] = all;
            config.route_counts[i] = provider_count;
        }
    }
    return harness_dispatch(h, &config, err);
}

/* harness_fill: count deliveries to u0@test.example … or +15550000000 …, with one body.
 */
static inline void harness_fill(struct harness *h, size_t count, enum channel channel,
                                const char *body)
{
    h->count = count;
    h->deliveries = calloc(count, sizeof(*h->deliveries));
    h->fates = calloc(count, sizeof(*h->fates));
    h->addresses = calloc(count, sizeof(*h->addresses));
    for (size_t i = 0; i < count; i++) {
        snprintf(h->addresses[i], sizeof(*h->addresses),
                 channel == CHANNEL_EMAIL ? "u%zu@test.example" : "+1555%07zu", i);
        h->deliveries[i] = (struct delivery){
            .source = &h->source,
            .next = i + 1 < count ? &h->deliveries[i + 1] : NULL,
            .id = {i + 1, 7},
            .channel = channel,
            .row = (uint32_t)i,
            .attempt = 1,
            .from = channel == CHANNEL_EMAIL ? TEXT("bounce@test.example") : TEXT_NONE,
            .to = text_of(h->addresses[i]),
            .body = text_of(body),
        };
    }
}

static inline void harness_run_for(struct harness *h, int64_t ns)
{
    int64_t end_ns = clock_steady_ns() + ns;
    while (clock_steady_ns() < end_ns) {
        struct error err;
        CHECK(loop_run(h->loop, NS_PER_MS, &err) == 0);
    }
}

/* harness_run: until every delivery is done. Returns false after timeout_ns. */
static inline bool harness_run(struct harness *h, int64_t timeout_ns)
{
    int64_t end_ns = clock_steady_ns() + timeout_ns;
    while (h->done < h->count && clock_steady_ns() < end_ns) {
        struct error err;
        CHECK(loop_run(h->loop, 10 * NS_PER_MS, &err) == 0);
    }
    return h->done >= h->count;
}

static inline void harness_on_closed(void *arg)
{
    ((struct harness *)arg)->closed = true;
}

/* harness_stop: close everything. Returns false when closing does not come to an end. */
static inline bool harness_stop(struct harness *h)
{
    dispatch_close(h->dispatch, harness_on_closed, h);
    int64_t end_ns = clock_steady_ns() + 5 * NS_PER_S;
    while (!h->closed && clock_steady_ns() < end_ns) {
        struct error err;
        CHECK(loop_run(h->loop, 10 * NS_PER_MS, &err) == 0);
    }
    dispatch_destroy(&h->dispatch);
    loop_destroy(&h->loop);
    free(h->deliveries);
    free(h->fates);
    free(h->addresses);
    return h->closed;
}

#endif
