/* options: a verb's command line, described by a table that also makes its --help. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "base/error.h"
#include "base/text.h"

#define OPTIONS_VALUES_MAX 64

struct option_spec {
    const char *name;  /* without the dashes */
    const char *value; /* what its value is called; NULL: a flag */
    const char *help;
};

/* A parsed command line; views into argv. */
struct options {
    const struct option_spec *specs; /* ends with a NULL name */
    size_t given_count;
    struct {
        const struct option_spec *spec;
        const char *value; /* "" for a flag */
    } given[OPTIONS_VALUES_MAX];
    size_t argument_count;
    const char *arguments[OPTIONS_VALUES_MAX];
};

/* options_parse: options may stand before, between and behind arguments; `--` ends them;
 * `--name value` and `--name=value` are the same.
 * Errors: ERROR_USAGE: unknown option (with the nearest one), a missing or unexpected
 * value. */
int options_parse(const struct option_spec *specs, int argc, char **argv,
                  struct options *out, struct error *err) MUST_USE;

/* options_value: the last value given, or NULL. options_flag: given at all. */
const char *options_value(const struct options *options, const char *name);
bool options_flag(const struct options *options, const char *name);

/* options_next: the values of an option that may be repeated: start with *at = 0; NULL at
 * the end. */
const char *options_next(const struct options *options, const char *name, size_t *at);

#endif
