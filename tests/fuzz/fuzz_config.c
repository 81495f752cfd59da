/* volley.yaml: YAML, the table, secrets. A text that is accepted has sane values. */
#include "engine/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct config *config = NULL;
    struct error err;
    /* Not the files of the machine this runs on. */
    if (memmem(data, bytes, "file:", 5))
        return 0;
    if (config_parse((struct text){(const char *)data, bytes}, ".", &config, &err)) {
        CHECK(err.kind != ERROR_NONE && err.kind != ERROR_BUG && strlen(err.text) > 0);
        CHECK(utf8_valid(text_of(err.text)));
        return 0;
    }
    CHECK(config->workers >= 1 && *config->listen);
    for (size_t i = 0; i < config->provider_count; i++) {
        const struct provider_config *p = &config->providers[i];
        CHECK(*p->name && *p->type && p->url && p->auth_token && p->max_connections >= 1);
        CHECK(p->timeout_ns > 0 && p->retry_attempts >= 1);
    }
    for (size_t c = 0; c < CHANNEL_COUNT; c++) {
        for (size_t i = 0; i < config->route_counts[c]; i++)
            CHECK(config->routes[c][i].provider < config->provider_count);
    }
    config_destroy(&config);
    return 0;
}
