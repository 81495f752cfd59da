/* flow: deliveries of one provider on their way out: queues, rate, health. Private to dispatch/.
 *
 * A provider has one flow, and one more for each recipient domain with limits of its own; what
 * they share is a flow_set. A delivery passes planned → intending (its source makes the intent
 * durable) → ready → taken. What is not taken may go back to planned in another flow. */
#ifndef OUTBOX_FLOW_H
#define OUTBOX_FLOW_H

#include "outbox/dispatch/breaker.h"
#include "outbox/dispatch/delivery_queue.h"
#include "outbox/dispatch/dispatch.h"
#include "outbox/dispatch/fair_queue.h"
#include "outbox/dispatch/limiter.h"
#include "outbox/dispatch/gauge.h"
#include "outbox/dispatch/pace.h"
#include "outbox/dispatch/retry.h"
#include "outbox/dispatch/route.h"
#include "outbox/dispatch/throttle.h"

/* Groups of intents under way at once. A group is of one source, so many small jobs need many. */
#define FLOW_GROUPS 16

struct flow_group {
    struct delivery *list; /* NULL: free */
    struct delivery_source *source;
    size_t count;
    int64_t started_ns;
    bool withdrawn;
    bool leaving; /* its flow gives away what it has */
};

struct flow {
    struct provider provider;
    struct flow_set *set;
    struct retry_policy retry;
    struct fair_queue planned;
    struct flow_group groups[FLOW_GROUPS];
    size_t intending; /* in all groups */
    struct delivery_queue ready;
    size_t in_flight;
    uint64_t shown_queued, shown_in_flight; /* its part of the set's gauge */
    struct pace pace;
    size_t target; /* pace_target, worked out anew when the rate changes */
    struct limiter limiter;
    struct throttle throttle;
    struct breaker breaker;
    struct loop_timer timer;
    bool troubled; /* trouble since the last success */
    bool retired;  /* its domain is no longer configured: it closes */
    bool closing;
    bool type_closed; /* provider_closed was called */
    bool closed;
};

/* One provider with all its flows. The first has no domain. */
struct flow_set {
    struct dispatch *dispatch;
    uint8_t index;
    struct flow **flows;
    size_t flow_count;
    struct limiter limiter; /* over all of them; with one flow that flow's own does it */
    struct loop_timer limiter_timer;
    struct loop_timer reap_timer; /* frees retired flows */
    size_t first; /* which flow is pumped first when the common limiter lets go */
    bool stopped;
    struct gauge gauge;
};

struct dispatch {
    struct loop *loop;
    struct limiter limiter; /* over all providers */
    struct loop_timer limiter_timer;
    size_t first; /* the same for providers */
    struct route_entry *routes[CHANNEL_COUNT];
    size_t route_counts[CHANNEL_COUNT];
    bool closing;
    void (*closed_fn)(void *arg);
    void *closed_arg;
    struct loop_timer closed_timer;
    size_t set_count;
    struct flow_set *sets;
};

/* --- a flow --- */

/* flow_create: domain NULL: the provider's first; connections: its part of the provider's.
 * Errors: what the provider's type says of its configuration. */
int flow_create(struct flow_set *set, const struct provider_config *config,
                const struct provider_domain *domain, unsigned connections,
                struct flow **out, struct error *err) MUST_USE;
void flow_destroy(struct flow **flow);

/* flow_configure: take over other limits. */
void flow_configure(struct flow *flow, const struct provider_config *config,
                    const struct provider_domain *domain, unsigned connections);

/* flow_wake: pump the provider at due_ns, or earlier. Never from within the call: what a
 * callback of a provider or a source does can therefore not come back at itself. */
void flow_wake(struct flow *flow, int64_t due_ns);

void flow_submit(struct flow *flow, struct delivery *delivery);
/* flow_intended: returns false when the list is none of its groups. */
bool flow_intended(struct flow *flow, struct delivery *list);
void flow_pump(struct flow *flow);
void flow_plan(struct flow *flow);
/* flow_rests: whether the provider's state (not a rate) holds all back; then it is pumped again when
 * that is over. */
bool flow_rests(struct flow *flow);
void flow_aim(struct flow *flow);
void flow_withdraw(struct flow *flow, const struct delivery_source *source);
void flow_close(struct flow *flow);
void flow_check_closed(struct flow *flow);
bool flow_is_out(const struct flow *flow);
enum route_state flow_route_state(const struct flow *flow);
void flow_show(struct flow *flow);
void flow_brake(struct flow *flow, enum dispatch_brake brake);

/* flow_give_away: hand to other usable providers of their routes what is not handed over; the
 * first `keep` deliveries stay. When the provider is stopped the others fail. */
void flow_give_away(struct flow *flow, size_t keep);

/* flow_take_back: end what is queued, source NULL: everybody's. */
void flow_take_back(struct flow *flow, const struct delivery_source *source);

/* flow_finish: count the end of a delivery and tell its source. */
void flow_finish(struct flow *flow, struct delivery *delivery,
                 struct delivery_result *result);

/* --- a set --- */

int flow_set_init(struct flow_set *set, struct dispatch *dispatch, uint8_t index,
                  const struct provider_config *config, struct error *err) MUST_USE;
void flow_set_fini(struct flow_set *set);
/* flow_set_prepare: flows for the domains that have none; flow_set_drop: those behind the first
 * `keep` again, which nobody has used. */
int flow_set_prepare(struct flow_set *set, const struct provider_config *config,
                     struct error *err) MUST_USE;
void flow_set_drop(struct flow_set *set, size_t keep);
/* flow_set_configure: the same for its flows, once it is prepared; those of other domains close. */
void flow_set_configure(struct flow_set *set, const struct provider_config *config);
/* flow_set_find: the flow for a recipient. */
struct flow *flow_set_find(const struct flow_set *set, const struct delivery *delivery);
/* flow_set_wait_ns: 0, or how long the limit over the set's flows says to wait; then a timer is
 * armed that pumps them. */
int64_t flow_set_wait_ns(struct flow_set *set, int64_t now_ns);
/* flow_set_reap: free retired flows, later. */
void flow_set_reap(struct flow_set *set);

/* --- dispatch --- */

/* dispatch_choose: the flow for a delivery, NULL: every provider of its route is stopped. */
struct flow *dispatch_choose(struct dispatch *dispatch, const struct delivery *delivery);
/* dispatch_choose_other: a flow of another provider that can take it now, or NULL; for a set that is
 * stopped also one that can take it later. */
struct flow *dispatch_choose_other(struct dispatch *dispatch,
                                   const struct delivery *delivery,
                                   const struct flow_set *set);
/* dispatch_wake_all: pump every provider at due_ns: the limit over all of them lets go.
 */
void dispatch_wake_all(struct dispatch *dispatch, int64_t due_ns);
/* dispatch_flow_closed: a flow has nothing left to wait for. */
void dispatch_flow_closed(struct dispatch *dispatch);

#endif
