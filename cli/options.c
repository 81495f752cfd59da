/* options: see options.h. */
#include "cli/options.h"

#include "base/near.h"

#include <stdio.h>

static const struct option_spec *find(const struct option_spec *specs, struct text name)
{
    for (; specs->name; specs++) {
        if (text_is(name, specs->name))
            return specs;
    }
    return NULL;
}

static int unknown(const struct option_spec *specs, struct text name, struct error *err)
{
    struct near near = {.wanted = name};
    char hint[128] = "";
    for (; specs->name; specs++)
        near_offer(&near, text_of(specs->name));
    if (near.best.data)
        snprintf(hint, sizeof(hint), " (did you mean --%.*s?)", TEXT_ARGS(near.best));
    return error_set(err, ERROR_USAGE, "unknown option --%.*s%s", TEXT_ARGS(name), hint);
}

/* parse_one: argv[*at] is an option; moves *at over its value. */
static int parse_one(const struct option_spec *specs, int argc, char **argv, int *at,
                     struct options *out, struct error *err)
{
    const char *word = argv[*at] + 2;
    const char *equals = strchr(word, '=');
    struct text name = {word, equals ? (size_t)(equals - word) : strlen(word)};
    const struct option_spec *spec = find(specs, name);
    if (!spec)
        return unknown(specs, name, err);
    const char *value = "";
    if (spec->value && equals) {
        value = equals + 1;
    } else if (spec->value) {
        if (*at + 1 >= argc)
            return error_set(err, ERROR_USAGE, "--%s needs a value (%s)", spec->name,
                             spec->value);
        value = argv[++*at];
    } else if (equals) {
        return error_set(err, ERROR_USAGE, "--%s takes no value", spec->name);
    }
    out->given[out->given_count].spec = spec;
    out->given[out->given_count++].value = value;
    return 0;
}

int options_parse(const struct option_spec *specs, int argc, char **argv,
                  struct options *out, struct error *err)
{
    *out = (struct options){.specs = specs};
    bool ended = false;
    for (int i = 0; i < argc; i++) {
        if (out->given_count == OPTIONS_VALUES_MAX)
            return error_set(err, ERROR_USAGE, "more than %d options",
                             OPTIONS_VALUES_MAX - 1);
        if (!ended && strcmp(argv[i], "--") == 0) {
            ended = true;
        } else if (!ended && strncmp(argv[i], "--", 2) == 0) {
            int rc = parse_one(specs, argc, argv, &i, out, err);
            if (rc)
                return rc;
        } else if (!ended && strcmp(argv[i], "-o") == 0 && find(specs, TEXT("out")) &&
                   i + 1 < argc) {
            /* The one short form: everybody writes -o FILE. */
            out->given[out->given_count].spec = find(specs, TEXT("out"));
            out->given[out->given_count++].value = argv[++i];
        } else if (!ended && argv[i][0] == '-' && argv[i][1] != '\0') {
            return error_set(err, ERROR_USAGE,
                             "unknown option %s (options are written --name)", argv[i]);
        } else if (out->argument_count == OPTIONS_VALUES_MAX) {
            return error_set(err, ERROR_USAGE, "more than %d arguments",
                             OPTIONS_VALUES_MAX);
        } else {
            out->arguments[out->argument_count++] = argv[i];
        }
    }
    return 0;
}

const char *options_value(const struct options *options, const char *name)
{
    const char *last = NULL;
    size_t at = 0;
    for (const char *value; (value = options_next(options, name, &at));)
        last = value;
    return last;
}

bool options_flag(const struct options *options, const char *name)
{
    return options_value(options, name) != NULL;
}

const char *options_next(const struct options *options, const char *name, size_t *at)
{
    while (*at < options->given_count) {
        size_t i = (*at)++;
        if (strcmp(options->given[i].spec->name, name) == 0)
            return options->given[i].value;
    }
    return NULL;
}
