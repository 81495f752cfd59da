/* config_check: what is wrong with a configuration that parses: unknown types of provider,
 * keys that a type needs or cannot take, names of columns that do not exist. */
#ifndef ENGINE_CONFIG_CHECK_H
#define ENGINE_CONFIG_CHECK_H

#include "engine/config.h"
#include "ingest/job_file.h"

/* config_check: tell problem_fn (may be NULL) every problem.
 * Errors: ERROR_CONFIG: the first one. */
int config_check(const struct config *config, job_problem_fn *problem_fn, void *arg,
                 struct error *err) MUST_USE;

#endif
