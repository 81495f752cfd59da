/* config_check: see config_check.h. */
#include "engine/config_check.h"

#include "base/near.h"

#include <stdio.h>

struct checking {
    job_problem_fn *problem_fn;
    void *arg;
    struct error *err;
    int rc;
};

static void problem(struct checking *c, const char *sentence)
{
    if (c->rc == 0)
        c->rc = error_set(c->err, ERROR_CONFIG, "%s", sentence);
    if (c->problem_fn)
        c->problem_fn(c->arg, 0, sentence);
}

static void check_columns(struct checking *c, const struct config *config)
{
    for (size_t i = 0; i < config->alias_count; i++) {
        struct near near = {.wanted = text_of(config->aliases[i].known)};
        bool known = false;
        char line[300], hint[120];
        for (int role = 0; role < SNAPSHOT_ROLE_COUNT; role++) {
            struct text name = text_of(snapshot_role_name((enum snapshot_role)role));
            known |= text_equal(name, near.wanted);
            near_offer(&near, name);
        }
        snprintf(line, sizeof(line),
                 "volley.yaml: columns.%s: volley knows no such column%s",
                 config->aliases[i].known, near_hint(&near, hint, sizeof(hint)));
        if (!known)
            problem(c, line);
    }
}

static void check_providers(struct checking *c, const struct config *config)
{
    struct error err;
    for (size_t i = 0; i < config->provider_count; i++) {
        const struct provider_config *provider = &config->providers[i];
        const struct provider_type *type = provider_type_find(text_of(provider->type));
        char line[300];
        if (!type) {
            snprintf(line, sizeof(line), "volley.yaml: providers.%s: unknown type \"%s\"",
                     provider->name, provider->type);
            problem(c, line);
        } else if (type->check(provider, &err)) {
            problem(c, err.text);
        }
    }
}

int config_check(const struct config *config, job_problem_fn *problem_fn, void *arg,
                 struct error *err)
{
    struct checking c = {problem_fn, arg, err, 0};
    check_columns(&c, config);
    check_providers(&c, config);
    return c.rc;
}
