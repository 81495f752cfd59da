/* remote: see remote.h. */
#include "outbox/wire/remote.h"

#include "base/units.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>

static bool host_ok(struct text host)
{
    for (size_t i = 0; i < host.bytes; i++) {
        char c = host.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              (c >= '0' && c <= '9') || strchr(".-_:", c)))
            return false;
    }
    return host.bytes > 0 && host.bytes < sizeof(((struct remote *)0)->host);
}

int remote_parse(struct text url, const char *scheme, const char *default_port,
                 struct remote *out)
{
    *out = (struct remote){0};
    struct text head = text_of(scheme);
    if (url.bytes < head.bytes + 3 ||
        !text_equal_nocase((struct text){url.data, head.bytes}, head) ||
        memcmp(url.data + head.bytes, "://", 3) != 0)
        return -1;
    struct text host = {url.data + head.bytes + 3, url.bytes - head.bytes - 3};
    struct text port = text_of(default_port);
    if (host.bytes > 0 && host.data[host.bytes - 1] == '/')
        host.bytes--;
    bool bracketed = host.bytes > 0 && host.data[0] == '[';
    const char *close = bracketed ? memchr(host.data, ']', host.bytes) : host.data;
    if (!close)
        return -1;
    const char *end = host.data + host.bytes;
    const char *colon = memchr(close, ':', (size_t)(end - close));
    if (colon) {
        port = (struct text){colon + 1, (size_t)(end - colon - 1)};
        end = colon;
    }
    if (bracketed && close + 1 != end)
        return -1;
    host = bracketed ? (struct text){host.data + 1, (size_t)(close - host.data - 1)}
                     : (struct text){host.data, (size_t)(end - host.data)};
    uint64_t number = 0;
    if (!host_ok(host) || units_count(port, &number) != 0 || number < 1 || number > 65535)
        return -1;
    memcpy(out->host, host.data, host.bytes);
    snprintf(out->port, sizeof(out->port), "%u", (unsigned)number);
    return 0;
}

/* add_addresses: Returns 0, or what gai_strerror knows. */
static int add_addresses(struct remote *remote, const char *host, int flags)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags};
    struct addrinfo *list = NULL;
    int rc = getaddrinfo(host, remote->port, &hints, &list);
    if (rc != 0)
        return rc;
    for (struct addrinfo *at = list; at && remote->count < REMOTE_ADDRESSES_MAX;
         at = at->ai_next) {
        memcpy(&remote->addresses[remote->count], at->ai_addr, at->ai_addrlen);
        remote->address_bytes[remote->count++] = at->ai_addrlen;
    }
    freeaddrinfo(list);
    return 0;
}

int remote_resolve(struct remote *remote, struct error *err)
{
    remote->count = 0;
    int rc = add_addresses(remote, remote->host, AI_ADDRCONFIG);
    if (rc != 0)
        return error_set(err, ERROR_TEMPORARY, "the host %s has no address: %s",
                         remote->host, gai_strerror(rc));
    return 0;
}

bool remote_know(struct remote *remote)
{
    remote->count = 0;
    if (!text_equal_nocase(text_of(remote->host), TEXT("localhost")))
        return add_addresses(remote, remote->host, AI_NUMERICHOST) == 0;
    return add_addresses(remote, "127.0.0.1", AI_NUMERICHOST) == 0 &&
           add_addresses(remote, "::1", AI_NUMERICHOST) == 0;
}

bool remote_is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
        return ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    const struct in6_addr *v6 = &((const struct sockaddr_in6 *)address)->sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(v6))
        return v6->s6_addr[12] == IN_LOOPBACKNET;
    return address->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(v6);
}

/* A request must not wait for more bytes to join it (Nagle). On this machine there is no congestion
 * to control either, and where the system's default is BBR its pacing timers cost a relay next door
 * a twentieth of the processor time per mail: Reno has none. */
void remote_tune(int fd, const struct sockaddr *address)
{
    static const char reno[] = "reno";
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (remote_is_loopback(address)) /* where it is not to be had the default will do */
        setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, reno, sizeof(reno) - 1);
}
