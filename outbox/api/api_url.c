/* api_url: the `url` of types that know the paths themselves. */
#include "outbox/api/api_url.h"

#include "outbox/http/http.h"

struct text api_base_url(const struct provider_config *config)
{
    struct text url = text_of(config->url);
    while (url.bytes > 0 && url.data[url.bytes - 1] == '/')
        url.bytes--;
    return url;
}

int api_check_host_url(const struct provider_config *config, struct error *err)
{
    struct text url = api_base_url(config);
    const char *slashes = url.bytes > 0 ? memmem(url.data, url.bytes, "//", 2) : NULL;
    if (url.bytes == 0 && config->url[0] == '\0')
        return 0;
    if (!slashes || url.bytes > 400 || !http_url_ok(url) ||
        memchr(slashes + 2, '/', url.bytes - (size_t)(slashes + 2 - url.data)))
        return error_set(
            err, ERROR_CONFIG,
            "providers.%s.url: \"%s\" is not of the form https://HOST[:PORT]",
            config->name, config->url);
    return 0;
}

static bool ends_with(struct text t, const char *end)
{
    size_t bytes = strlen(end);
    return t.bytes >= bytes && memcmp(t.data + t.bytes - bytes, end, bytes) == 0;
}

struct text api_host_header(struct text base_url)
{
    bool tls = memcmp(base_url.data, "https", 5) == 0;
    size_t head = tls ? strlen("https://") : strlen("http://");
    struct text host = {base_url.data + head, base_url.bytes - head};
    const char *standard = tls ? ":443" : ":80";
    if (ends_with(host, standard))
        host.bytes -= strlen(standard);
    return host;
}
