/* domain: see domain.h. A domain that does not say how many connections it wants gets an equal
 * part of what the others leave; all other domains together count as one more. */
#include "outbox/dispatch/domain.h"

const struct provider_domain *domain_find(const struct provider_config *config,
                                          struct text address)
{
    if (config->domain_count == 0 || address.bytes == 0)
        return NULL;
    const char *at = memrchr(address.data, '@', address.bytes);
    if (!at)
        return NULL;
    struct text name = {at + 1, address.bytes - (size_t)(at + 1 - address.data)};
    for (size_t i = 0; i < config->domain_count; i++) {
        if (text_equal_nocase(name, text_of(config->domains[i].name)))
            return &config->domains[i];
    }
    return NULL;
}

/* What is left for those who do not say how many, and how many they are. */
static unsigned long long left_over(const struct provider_config *config,
                                    unsigned long long *sharers_out)
{
    unsigned long long given = 0;
    *sharers_out = 1;
    for (size_t i = 0; i < config->domain_count; i++) {
        given += config->domains[i].max_connections;
        *sharers_out += config->domains[i].max_connections == 0;
    }
    return given < config->max_connections ? config->max_connections - given : 0;
}

int domain_check(const struct provider_config *config, struct error *err)
{
    unsigned long long sharers;
    if (left_over(config, &sharers) >= sharers)
        return 0;
    return error_set(
        err, ERROR_CONFIG,
        "providers.%s.domains: their connections leave too few of the "
        "provider's max_connections: %u for the others; lower theirs or raise "
        "the provider's",
        config->name, config->max_connections);
}

unsigned domain_connections(const struct provider_config *config,
                            const struct provider_domain *domain)
{
    if (domain && domain->max_connections > 0)
        return domain->max_connections;
    unsigned long long sharers, left = left_over(config, &sharers);
    unsigned long long part = left / sharers;
    return (unsigned)(domain ? part : left - part * (sharers - 1));
}
