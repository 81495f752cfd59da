/* flow_set: the flows of one provider; see flow.h. */
#include "outbox/dispatch/domain.h"
#include "outbox/dispatch/flow.h"

#include <stdlib.h>

/* A set's first flow is there for as long as the set; others come and go with domains. */
static const struct provider_config *config_of(const struct flow_set *set)
{
    return &set->flows[0]->provider.config;
}

static struct flow *flow_of_domain(const struct flow_set *set,
                                   const struct provider_domain *domain)
{
    for (size_t i = 1; i < set->flow_count && domain; i++) {
        struct flow *flow = set->flows[i];
        if (!flow->retired && strcmp(flow->provider.domain->name, domain->name) == 0)
            return flow;
    }
    return set->flows[0];
}

struct flow *flow_set_find(const struct flow_set *set, const struct delivery *delivery)
{
    if (set->flow_count == 1 || delivery->channel != CHANNEL_EMAIL)
        return set->flows[0];
    return flow_of_domain(set, domain_find(config_of(set), delivery->to));
}

/* --- the limit over all --- */

static void on_limiter(struct loop_timer *timer)
{
    struct flow_set *set = timer->arg;
    size_t count = set->flow_count;
    for (size_t i = 0; i < count; i++)
        flow_pump(set->flows[(set->first + i) % count]);
    set->first = (set->first + 1) % count;
}

int64_t flow_set_wait_ns(struct flow_set *set, int64_t now_ns)
{
    if (set->flow_count == 1)
        return 0;
    int64_t wait_ns = limiter_wait_ns(&set->limiter, now_ns);
    struct loop_timer *timer = &set->limiter_timer;
    if (wait_ns > 0 && (timer->heap_index == 0 || timer->due_ns > now_ns + wait_ns))
        loop_timer_arm(set->dispatch->loop, timer, now_ns + wait_ns);
    return wait_ns;
}

/* --- life --- */

static void on_reap(struct loop_timer *timer)
{
    struct flow_set *set = timer->arg;
    size_t kept = 0;
    for (size_t i = 0; i < set->flow_count; i++) {
        if (set->flows[i]->retired && set->flows[i]->closed)
            flow_destroy(&set->flows[i]);
        else
            set->flows[kept++] = set->flows[i];
    }
    set->flow_count = kept;
}

void flow_set_reap(struct flow_set *set)
{
    loop_timer_arm(set->dispatch->loop, &set->reap_timer,
                   loop_now_ns(set->dispatch->loop));
}

static int add_flow(struct flow_set *set, const struct provider_config *config,
                    const struct provider_domain *domain, struct error *err)
{
    struct flow **flows =
        realloc(set->flows, (set->flow_count + 1) * sizeof(*set->flows));
    CHECK(flows);
    set->flows = flows;
    int rc = flow_create(set, config, domain, domain_connections(config, domain),
                         &flows[set->flow_count], err);
    if (rc == 0)
        set->flow_count++;
    return rc;
}

int flow_set_init(struct flow_set *set, struct dispatch *dispatch, uint8_t index,
                  const struct provider_config *config, struct error *err)
{
    *set = (struct flow_set){.dispatch = dispatch,
                             .index = index,
                             .limiter_timer = {.fn = on_limiter, .arg = set},
                             .reap_timer = {.fn = on_reap, .arg = set}};
    gauge_init(&set->gauge);
    limiter_set(&set->limiter, config->max_message_rate_per_s);
    int rc = domain_check(config, err);
    if (rc == 0)
        rc = add_flow(set, config, NULL, err);
    if (rc == 0 && config->domain_count > 0 &&
        !(set->flows[0]->provider.type->channels >> CHANNEL_EMAIL & 1))
        rc = error_set(err, ERROR_CONFIG,
                       "providers.%s.domains: only email has recipient domains",
                       config->name);
    for (size_t i = 0; i < config->domain_count && rc == 0; i++)
        rc = add_flow(set, config, &config->domains[i], err);
    return rc;
}

void flow_set_fini(struct flow_set *set)
{
    loop_timer_disarm(set->dispatch->loop, &set->limiter_timer);
    loop_timer_disarm(set->dispatch->loop, &set->reap_timer);
    for (size_t i = 0; i < set->flow_count; i++)
        flow_destroy(&set->flows[i]);
    free(set->flows);
    gauge_fini(&set->gauge);
}

/* --- other limits --- */

static const struct provider_domain *same_domain(const struct provider_config *config,
                                                 const char *name)
{
    for (size_t i = 0; i < config->domain_count; i++) {
        if (strcmp(config->domains[i].name, name) == 0)
            return &config->domains[i];
    }
    return NULL;
}

static void configure_flow(struct flow *flow, const struct provider_config *config,
                           const struct provider_domain *domain)
{
    flow_configure(flow, config, domain, domain_connections(config, domain));
    if (flow->provider.type->reconfigure)
        flow->provider.type->reconfigure(&flow->provider);
    flow_wake(flow, loop_now_ns(flow->provider.loop));
}

int flow_set_prepare(struct flow_set *set, const struct provider_config *config,
                     struct error *err)
{
    int rc = 0;
    for (size_t i = 0; i < config->domain_count && rc == 0; i++) {
        if (flow_of_domain(set, &config->domains[i]) == set->flows[0])
            rc = add_flow(set, config, &config->domains[i], err);
    }
    return rc;
}

void flow_set_drop(struct flow_set *set, size_t keep)
{
    while (set->flow_count > keep)
        flow_destroy(&set->flows[--set->flow_count]);
}

void flow_set_configure(struct flow_set *set, const struct provider_config *config)
{
    limiter_set(&set->limiter, config->max_message_rate_per_s);
    configure_flow(set->flows[0], config, NULL);
    for (size_t i = 0; i < config->domain_count; i++)
        configure_flow(flow_of_domain(set, &config->domains[i]), config,
                       &config->domains[i]);
    for (size_t i = 1; i < set->flow_count; i++) {
        struct flow *flow = set->flows[i];
        if (flow->retired || same_domain(config, flow->provider.domain->name))
            continue;
        flow->retired = true;
        flow_close(flow);
    }
}
