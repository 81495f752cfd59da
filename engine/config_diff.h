/* config_diff: what two configurations differ in, as a person would say it. */
#ifndef ENGINE_CONFIG_DIFF_H
#define ENGINE_CONFIG_DIFF_H

#include "engine/config.h"

/* One difference: "providers.relay.max_message_rate", "100/s", "500/s". An entry that only
 * one of them has is "" in the other; a secret is never shown. */
typedef void config_diff_fn(void *arg, const char *path, const char *was, const char *is);

/* config_diff: call fn for every difference, in the order of the table. Entries of maps
 * are compared by name, their order counts for nothing. */
void config_diff(const struct config *was, const struct config *is, config_diff_fn *fn,
                 void *arg);

#endif
