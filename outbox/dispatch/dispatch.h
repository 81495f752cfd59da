/* dispatch: deliveries to providers, each at the rate and with the patience it asks for.
 *
 * A delivery gets a provider from its channel's route, waits in that provider's queue,
 * has its intent made durable a little ahead of time (delivery_source.intend), and is
 * then taken by a connection. One provider's wait never holds up another's queue. All on
 * one loop's thread. */
#ifndef OUTBOX_DISPATCH_H
#define OUTBOX_DISPATCH_H

#include "outbox/dispatch/provider.h"

/* One provider of a channel's route. Tiers are tried in order; within a tier messages are shared by
 * weight. */
struct route_entry {
    uint8_t provider; /* index */
    uint8_t tier;     /* from 0, not falling */
    uint16_t weight;  /* at least 1 */
};

struct dispatch_config {
    const struct provider_config *providers;
    size_t provider_count; /* at most 64 */
    /* routes[channel]; count 0: the channel has none */
    const struct route_entry *routes[CHANNEL_COUNT];
    size_t route_counts[CHANNEL_COUNT];
    double max_message_rate_per_s; /* over all providers; 0: no limit */
};

/* dispatch_needs_parts: whether emails need delivery.mail beside their body, for their route or for one
 * that dispatch_reconfigure takes in its place. */
bool dispatch_needs_parts(const struct provider_config *providers, size_t provider_count,
                          const struct route_entry *route, size_t count);

int dispatch_create(struct loop *loop, const struct dispatch_config *config,
                    struct dispatch **out, struct error *err) MUST_USE;

/* dispatch_submit: a list linked by ->next.
 * Owns: borrowed until done. */
void dispatch_submit(struct dispatch *dispatch, struct delivery *list);

/* dispatch_intended: the source's answer to intend. */
void dispatch_intended(struct dispatch *dispatch, struct delivery *list);

/* dispatch_withdraw: take back what is still queued for a source (cancel, pause): calls
 * done with DEFERRED/DELIVERY_CANCELLED for each; what is in flight still gets its own
 * answer. */
void dispatch_withdraw(struct dispatch *dispatch, struct delivery_source *source);

/* dispatch_close: end all providers' connections; fn is called on the loop's thread at
 * the end. */
void dispatch_close(struct dispatch *dispatch, void (*fn)(void *arg), void *arg);
void dispatch_destroy(struct dispatch **dispatch);

/* dispatch_reconfigure: go on with other limits, retries and routes; nothing that is queued or in
 * flight is lost. Providers keep their number, names, types, addresses and credentials.
 * Errors: ERROR_CONFIG names the first thing that cannot change while running; then nothing has
 *         changed. */
int dispatch_reconfigure(struct dispatch *dispatch, const struct dispatch_config *config,
                         struct error *err) MUST_USE;

/* What keeps a provider from being faster. */
enum dispatch_brake {
    BRAKE_NONE,        /* nothing waits */
    BRAKE_RATE,        /* its own max_message_rate */
    BRAKE_RATE_ALL,    /* the limit over all providers */
    BRAKE_PROVIDER,    /* it asked us to slow down */
    BRAKE_BROKEN,      /* its breaker is open, or it is stopped */
    BRAKE_CONNECTIONS, /* all connections are busy: it is the bottleneck */
    BRAKE_JOURNAL,     /* intents are not durable yet */
    BRAKE_COUNT
};
const char *dispatch_brake_name(enum dispatch_brake brake);

/* Counters for progress, `top` and the report. */
struct dispatch_counters {
    enum dispatch_brake brake;
    double rate_limit_per_s; /* in force; 0: none */
    int64_t p50_ns, p90_ns,
        p99_ns; /* from hand-over to answer, of the last minute or so; 0: none */
    uint64_t sent, failed, unknown, deferred;
    uint64_t queued, in_flight;
    bool stopped, broken; /* credentials refused; breaker open */
    char trouble[256];    /* the last sentence about it, or "" */
};
/* dispatch_counters_read: a copy of provider i's.
 * Threads: any. */
void dispatch_counters_read(const struct dispatch *dispatch, size_t provider,
                            struct dispatch_counters *out);

#endif
