/* flow: what dispatch keeps of one provider: its queues, its rate, its health. Private to
 * dispatch/.
 *
 * A delivery passes planned → intending (its source makes the intent durable) → ready →
 * taken. */
#ifndef OUTBOX_FLOW_H
#define OUTBOX_FLOW_H

#include "outbox/dispatch/breaker.h"
#include "outbox/dispatch/dispatch.h"
#include "outbox/dispatch/limiter.h"
#include "outbox/dispatch/pace.h"
#include "outbox/dispatch/retry.h"
#include "outbox/dispatch/route.h"

#include <pthread.h>
#include <stdatomic.h>

/* Groups of intents under way at once: one being written, one waiting behind it, one to
 * spare. */
#define FLOW_GROUPS 4

struct delivery_queue {
    struct delivery *head;
    struct delivery *tail;
    size_t count;
};

struct flow_group {
    struct delivery *list; /* NULL: free */
    struct delivery_source *source;
    size_t count;
    int64_t started_ns;
    bool withdrawn;
};

struct flow {
    struct provider provider;
    struct retry_policy retry;
    struct delivery_queue planned;
    struct flow_group groups[FLOW_GROUPS];
    size_t intending; /* in all groups */
    struct delivery_queue ready;
    size_t in_flight;
    struct pace pace;
    size_t target; /* pace_target, worked out anew when the rate changes */
    struct limiter limiter;
    struct breaker breaker;
    int64_t pause_until_ns; /* the provider asked for it */
    unsigned pauses;        /* in a row, without success between */
    int64_t pushed_back_ns; /* when it last asked to slow down */
    uint64_t sent_before;   /* what it had taken until then */
    struct loop_timer timer;
    bool troubled; /* trouble since the last success */
    bool stopped;
    bool closing;
    bool type_closed; /* provider_closed was called */
    bool closed;
    struct {
        _Atomic uint64_t sent, failed, unknown, deferred, queued, in_flight;
        _Atomic bool stopped, broken;
        pthread_mutex_t trouble_lock;
        char trouble[sizeof((struct dispatch_counters *)0)->trouble];
    } counters;
};

struct dispatch {
    struct loop *loop;
    struct limiter limiter; /* over all providers */
    struct loop_timer limiter_timer;
    size_t first; /* which provider is pumped first when the common limiter lets go */
    struct route_entry *routes[CHANNEL_COUNT];
    size_t route_counts[CHANNEL_COUNT];
    void (*closed_fn)(void *arg);
    void *closed_arg;
    struct loop_timer closed_timer;
    size_t flow_count;
    struct flow *flows;
};

int flow_init(struct flow *flow, struct dispatch *dispatch, uint8_t index,
              const struct provider_config *config, struct error *err) MUST_USE;
void flow_fini(struct flow *flow);

/* flow_wake: pump the provider at due_ns, or earlier. Never from within the call: what a
 * callback of a provider or a source does can therefore not come back at itself. */
void flow_wake(struct flow *flow, int64_t due_ns);

void flow_submit(struct flow *flow, struct delivery *delivery);
void flow_intended(struct flow *flow, struct delivery *list);
void flow_pump(struct flow *flow);
void flow_withdraw(struct flow *flow, const struct delivery_source *source);
void flow_close(struct flow *flow);
enum route_state flow_route_state(const struct flow *flow);
void flow_counters(struct flow *flow, struct dispatch_counters *out);

/* flow_finish: count the end of a delivery and tell its source. */
void flow_finish(struct flow *flow, struct delivery *delivery,
                 struct delivery_result *result);

/* dispatch_wake_all: pump every provider at due_ns: the limit over all of them lets go.
 */
void dispatch_wake_all(struct dispatch *dispatch, int64_t due_ns);
/* dispatch_flow_closed: a flow has nothing left to wait for. */
void dispatch_flow_closed(struct dispatch *dispatch);

#endif
