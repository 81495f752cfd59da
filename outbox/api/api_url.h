/* api_url: the `url` of types that know the paths themselves. */
#ifndef OUTBOX_API_URL_H
#define OUTBOX_API_URL_H

#include "outbox/dispatch/provider.h"

/* api_check_host_url: it is empty (the type's own) or https://HOST[:PORT]. */
int api_check_host_url(const struct provider_config *config, struct error *err) MUST_USE;

/* api_base_url: the url without slashes at its end. */
struct text api_base_url(const struct provider_config *config);

/* api_host_header: what libcurl sends as Host (RFC 9110, 7.2: no standard port). */
struct text api_host_header(struct text base_url);

#endif
