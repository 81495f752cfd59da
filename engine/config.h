/* config: volley.yaml, read through one table that also feeds `check` and docs/configuration.md. */
#ifndef ENGINE_CONFIG_H
#define ENGINE_CONFIG_H

#include "base/hours.h"
#include "base/message.h"
#include "ingest/snapshot.h"
#include "outbox/dispatch/dispatch.h"

struct config_tier {
    const char *name;
    uint64_t segments;
};

/* A DKIM signer: every email from this domain is signed with it. */
struct config_dkim {
    const char *domain;
    const char *selector;
    const char *key; /* PEM */
};

/* When a job is held: see auto_hold.h. */
struct config_auto_hold {
    bool enabled;
    uint64_t canary;
    double canary_share; /* of the customers; 0 … 1 */
    uint64_t min_messages;
    double failure_rate; /* 0 … 1 */
    uint64_t window;     /* outcomes that the rate is taken over */
    int64_t wait_ns;     /* for what the canary's messages are to be tried again */
};

/* All texts live as long as the config. Values not given have their defaults. */
struct config {
    const char *home;
    const char *listen;     /* host:port */
    const char *public_url; /* without a final slash */
    bool public_url_given;
    unsigned workers; /* auto: the number of processors */
    unsigned max_active_jobs;
    double max_message_rate_per_s;
    struct provider_config *providers;
    size_t provider_count;
    struct route_entry *routes[CHANNEL_COUNT];
    size_t route_counts[CHANNEL_COUNT];
    struct config_tier *tiers;
    size_t tier_count;
    struct snapshot_alias *aliases;
    size_t alias_count;
    struct config_dkim *dkim;
    size_t dkim_count;
    struct config_auto_hold auto_hold;
    struct hours_rule marketing_quiet_hours; /* days 0: none */
    struct {
        uint64_t messages; /* 0: no cap */
        int64_t window_ns;
    } frequency_cap;
    int64_t spool_retention_ns; /* of files in done and status; 0: for good */
    int64_t retention_ns;       /* of what jobs that are over leave behind; 0: for good */
    struct {
        int64_t window_ns;
        uint64_t min_messages;
        double messages_per_active_customer; /* 0: protection is off */
    } protection;
    void *memory;
};

/* config_load: <home>/volley.yaml with `${ENV}` and `file:PATH` secrets resolved.
 * Errors: ERROR_CONFIG `volley.yaml:line: …`, with the nearest key for an unknown one; a missing
 *         file says to run `volley init`. */
int config_load(const char *home, struct config **out, struct error *err) MUST_USE;
/* config_parse: the same from a text; home is where `file:` paths start. */
int config_parse(struct text content, const char *home, struct config **out,
                 struct error *err) MUST_USE;
void config_destroy(struct config **config);

/* config_tier: by name, or NULL. */
const struct config_tier *config_tier(const struct config *config, struct text name);

/* config_option: the table itself, for docs: path, type, unit, range, default and a sentence. */
struct config_option {
    const char *path; /* "providers.*.max_connections" */
    const char *type;
    const char *unit;
    const char *range;
    const char *fallback;
    const char *sentence;
};
const struct config_option *config_options(size_t *count_out);

#endif
