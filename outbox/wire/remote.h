/* remote: the host and port of a provider's URL, and the addresses behind them. */
#ifndef OUTBOX_REMOTE_H
#define OUTBOX_REMOTE_H

#include "base/error.h"
#include "base/text.h"

#include <stdbool.h>
#include <sys/socket.h>

#define REMOTE_ADDRESSES_MAX 8

struct remote {
    char host[256];
    char port[6];
    size_t count;
    struct sockaddr_storage addresses[REMOTE_ADDRESSES_MAX];
    socklen_t address_bytes[REMOTE_ADDRESSES_MAX];
};

/* remote_parse: "scheme://host[:port]" and nothing behind it but one `/`; [::1] for IPv6.
 * Errors: -1 when url is nothing of the kind. */
int remote_parse(struct text url, const char *scheme, const char *default_port,
                 struct remote *out);

/* remote_resolve: fill in the addresses. Asks the resolver and waits for it: only at
 * start.
 * Errors: ERROR_TEMPORARY. */
int remote_resolve(struct remote *remote, struct error *err) MUST_USE;

/* remote_know: the same without asking anybody: for an address in numbers, and localhost (RFC 6761, 6.3).
 * Returns false for other names. */
bool remote_know(struct remote *remote);

/* remote_is_loopback: what is sent there does not leave this machine. */
bool remote_is_loopback(const struct sockaddr *address);

/* remote_tune: set a socket up for many small requests to this address, before it connects. */
void remote_tune(int fd, const struct sockaddr *address);

#endif
