/* endpoint: the host and port of a provider's URL, and the addresses behind them. */
#ifndef OUTBOX_ENDPOINT_H
#define OUTBOX_ENDPOINT_H

#include "base/error.h"
#include "base/text.h"

#include <stdbool.h>
#include <sys/socket.h>

#define ENDPOINT_ADDRESSES_MAX 8

struct endpoint {
    char host[256];
    char port[6];
    size_t count;
    struct sockaddr_storage addresses[ENDPOINT_ADDRESSES_MAX];
    socklen_t address_bytes[ENDPOINT_ADDRESSES_MAX];
};

/* endpoint_parse: "scheme://host[:port]" and nothing behind it but one `/`; [::1] for IPv6.
 * Errors: -1 when url is nothing of the kind. */
int endpoint_parse(struct text url, const char *scheme, const char *default_port,
                   struct endpoint *out);

/* endpoint_resolve: fill in the addresses. Asks the resolver and waits for it: only at start.
 * Errors: ERROR_TEMPORARY. */
int endpoint_resolve(struct endpoint *endpoint, struct error *err) MUST_USE;

#endif
