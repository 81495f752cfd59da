/* domain: which limits a recipient's domain has, and how a provider's connections are shared.
 * Pure. */
#ifndef OUTBOX_DOMAIN_H
#define OUTBOX_DOMAIN_H

#include "outbox/dispatch/provider.h"

/* domain_find: the entry for an email address, by what stands behind its last @, in any case;
 * or NULL. */
const struct provider_domain *domain_find(const struct provider_config *config,
                                          struct text address);

/* domain_check: every domain and the rest get at least one connection.
 * Errors: ERROR_CONFIG. */
int domain_check(const struct provider_config *config, struct error *err) MUST_USE;

/* domain_connections: of a domain, or of all others (NULL). Behind domain_check. */
unsigned domain_connections(const struct provider_config *config,
                            const struct provider_domain *domain);

#endif
