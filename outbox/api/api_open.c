/* api_open: the connections of a provider over HTTP, and its life from open to destroy. */
#include "outbox/api/api_private.h"

#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static int add_pool(struct api *api, size_t slot_count, struct error *err)
{
    const struct provider_config *config = &api->provider->config;
    struct api_pool *pool =
        calloc(1, sizeof(*pool) + slot_count * sizeof(struct api_slot));
    CHECK(pool);
    *pool = (struct api_pool){.api = api, .next = api->pools};
    /* one to spare for the type's own request */
    int rc = http_create(api->provider->loop, slot_count + 1, &pool->http, err);
    if (rc) {
        free(pool);
        return rc;
    }
    http_trust(pool->http, config->tls_ca ? config->tls_ca : "", config->tls_unverified);
    api->pools = pool;
    api->slot_count += slot_count;
    for (; pool->slot_count < slot_count; pool->slot_count++) {
        struct api_slot *slot = &pool->slots[pool->slot_count];
        *slot = (struct api_slot){.api = api, .http = pool->http, .next_free = api->free};
        slot->call = (struct api_call){
            .provider = api->provider,
            .deliveries = calloc(api->batch_max, sizeof(struct delivery *)),
            .request = {.fn = api_on_reply, .arg = slot},
            .key = API_KEY_HEADER};
        CHECK(slot->call.deliveries);
        api->free = slot;
    }
    return 0;
}

void api_reconfigure(struct provider *provider)
{
    struct api *api = api_of(provider);
    size_t most = provider->config.max_connections;
    struct error err;
    if (most > api->slot_count && add_pool(api, most - api->slot_count, &err))
        log_warn("outbox", "no more connections could be made", "provider=%s why=\"%s\"",
                 provider->config.name, err.text);
}

int api_open(struct provider *provider, const struct api_methods *methods,
             const char *url, const char *const *headers, void *own,
             void (*free_fn)(void *own), struct error *err)
{
    struct api *api = calloc(1, sizeof(*api));
    CHECK(api);
    provider->state = api;
    *api = (struct api){.provider = provider,
                        .methods = methods,
                        .own = own,
                        .free_fn = free_fn,
                        .url = text_copy(text_of(url)),
                        .patience = {.fn = api_on_patience, .arg = api}};
    for (; headers[api->header_count]; api->header_count++) {
        CHECK(api->header_count < HTTP_HEADERS_MAX - 1);
        api->headers[api->header_count] = text_copy(text_of(headers[api->header_count]));
    }
    size_t most = methods->batch_max > 0 ? methods->batch_max : 1;
    size_t wanted = provider->config.batch > 0 ? provider->config.batch : most;
    api->batch_max = wanted < most ? wanted : most;
    CHECK(api->batch_max <= API_BATCH_MAX);
    provider->batch = api->batch_max;
    api->results = calloc(api->batch_max, sizeof(*api->results));
    CHECK(api->results);
    const char *ca_file = provider->config.tls_ca;
    if (ca_file && ca_file[0] && access(ca_file, R_OK) != 0)
        return error_set(err, ERROR_CONFIG, "providers.%s.tls_ca: cannot read %s: %s",
                         provider->config.name, ca_file, strerror(errno));
    return add_pool(api, provider->config.max_connections, err);
}

static void on_http_closed(void *arg)
{
    struct api_pool *pool = arg;
    pool->closed = true;
    api_close_pools(pool->api);
}

/* One after the other. */
void api_close_pools(struct api *api)
{
    struct api_pool *pool = api->pools;
    while (pool && pool->closed)
        pool = pool->next;
    if (pool)
        http_close(pool->http, on_http_closed, pool);
    else
        provider_closed(api->provider);
}

void api_close(struct provider *provider)
{
    struct api *api = api_of(provider);
    api->closing = true;
    api_stop_waiting(api);
    api_return_held(api);
    if (api->under_way == 0)
        api_close_pools(api);
}

void api_destroy(struct provider *provider)
{
    struct api *api = api_of(provider);
    api_stop_waiting(api);
    for (struct api_pool *pool = api->pools, *next; pool; pool = next) {
        next = pool->next;
        http_destroy(&pool->http);
        for (size_t i = 0; i < pool->slot_count; i++) {
            buffer_fini(&pool->slots[i].call.body);
            buffer_fini(&pool->slots[i].call.scratch);
            free(pool->slots[i].call.deliveries);
        }
        free(pool);
    }
    for (size_t i = 0; i < api->header_count; i++)
        free(api->headers[i]);
    if (api->free_fn)
        api->free_fn(api->own);
    free(api->results);
    free(api->url);
    free(api);
    provider->state = NULL;
}
