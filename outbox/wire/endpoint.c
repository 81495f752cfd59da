/* endpoint: see endpoint.h. */
#include "outbox/wire/endpoint.h"

#include "base/units.h"

#include <netdb.h>
#include <stdio.h>

static bool host_ok(struct text host)
{
    for (size_t i = 0; i < host.bytes; i++) {
        char c = host.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              strchr(".-_:", c)))
            return false;
    }
    return host.bytes > 0 && host.bytes < sizeof(((struct endpoint *)0)->host);
}

int endpoint_parse(struct text url, const char *scheme, const char *default_port,
                   struct endpoint *out)
{
    *out = (struct endpoint){0};
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

int endpoint_resolve(struct endpoint *endpoint, struct error *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *list = NULL;
    int rc = getaddrinfo(endpoint->host, endpoint->port, &hints, &list);
    if (rc != 0)
        return error_set(err, ERROR_TEMPORARY, "the host %s has no address: %s",
                         endpoint->host, gai_strerror(rc));
    endpoint->count = 0;
    for (struct addrinfo *at = list; at && endpoint->count < ENDPOINT_ADDRESSES_MAX;
         at = at->ai_next) {
        memcpy(&endpoint->addresses[endpoint->count], at->ai_addr, at->ai_addrlen);
        endpoint->address_bytes[endpoint->count++] = at->ai_addrlen;
    }
    freeaddrinfo(list);
    return 0;
}
