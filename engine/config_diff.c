/* config_diff: see config_diff.h. Walks the same table as config.c does. */
#include "engine/config_diff.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "engine/config_table.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define PATH_MAX_BYTES 512

struct diff {
    const struct config *was, *is;
    config_diff_fn *fn;
    void *arg;
};

/* --- values as one would write them --- */

/* As it was written: in the first unit that makes it a whole number, else the first that makes it
 * at least one. */
static void format_rate(double per_s, char *out, size_t bytes)
{
    static const struct {
        const char *unit;
        double seconds;
    } units[] = {{"s", 1}, {"min", 60}, {"hr", 3600}, {"day", 86400}};
    size_t chosen = ARRAY_COUNT(units);
    for (size_t i = 0; i < ARRAY_COUNT(units); i++) {
        double number = per_s * units[i].seconds;
        bool whole = number > 0.5 && fabs(number - round(number)) < 1e-6 * number;
        if (whole || (chosen == ARRAY_COUNT(units) && number >= 1))
            chosen = i;
        if (whole)
            break;
    }
    chosen = chosen < ARRAY_COUNT(units) ? chosen : ARRAY_COUNT(units) - 1;
    double number = per_s * units[chosen].seconds;
    /* %g alone would write large numbers with an exponent. */
    snprintf(out, bytes, number >= 100000 ? "%.0f/%s" : "%.6g/%s", number,
             units[chosen].unit);
}

static void format_duration(int64_t ns, char *out, size_t bytes)
{
    static const struct {
        const char *unit;
        int64_t ns;
    } units[] = {{"d", 86400 * NS_PER_S}, {"h", 3600 * NS_PER_S}, {"min", 60 * NS_PER_S},
                 {"s", NS_PER_S},         {"ms", NS_PER_MS},      {"us", NS_PER_US}};
    size_t unit = 0;
    while (unit + 1 < ARRAY_COUNT(units) && (ns == 0 || ns % units[unit].ns != 0))
        unit++;
    snprintf(out, bytes, "%" PRId64 "%s", ns / units[unit].ns, units[unit].unit);
}

static uint64_t read_count(const void *field, size_t bytes)
{
    uint64_t wide;
    uint32_t four;
    uint16_t two;
    uint8_t one;
    switch (bytes) {
    case sizeof(wide):
        memcpy(&wide, field, sizeof(wide));
        return wide;
    case sizeof(four):
        memcpy(&four, field, sizeof(four));
        return four;
    case sizeof(two):
        memcpy(&two, field, sizeof(two));
        return two;
    default:
        memcpy(&one, field, sizeof(one));
        return one;
    }
}

static void format_value(const struct config_key *key, const void *target, char *out,
                         size_t bytes)
{
    const char *field = (const char *)target + key->offset;
    double number;
    int64_t ns;
    const char *text;
    switch (key->type) {
    case CONFIG_COUNT: {
        uint64_t count = read_count(field, key->bytes);
        if (count == 0 && key->auto_word)
            snprintf(out, bytes, "%s", key->auto_word);
        else
            snprintf(out, bytes, "%" PRIu64, count);
        return;
    }
    case CONFIG_NUMBER:
        memcpy(&number, field, sizeof(number));
        snprintf(out, bytes, "%.6g", number);
        return;
    case CONFIG_RATE:
        memcpy(&number, field, sizeof(number));
        if (number <= 0)
            snprintf(out, bytes, "%s", key->auto_word ? key->auto_word : "0");
        else
            format_rate(number, out, bytes);
        return;
    case CONFIG_DURATION:
        memcpy(&ns, field, sizeof(ns));
        format_duration(ns, out, bytes);
        return;
    case CONFIG_SPAN: {
        struct hours_rule span;
        memcpy(&span, field, sizeof(span));
        if (span.days == 0)
            snprintf(out, bytes, "(none)");
        else
            snprintf(out, bytes, "%02d:%02d-%02d:%02d", span.start_min / 60,
                     span.start_min % 60, span.end_min / 60, span.end_min % 60);
        return;
    }
    case CONFIG_ENUM:
        if (key->given_offset && !*((const bool *)target + key->given_offset))
            snprintf(out, bytes, "(left out)");
        else
            snprintf(out, bytes, "%s", key->words[read_count(field, key->bytes)]);
        return;
    default:
        memcpy(&text, field, sizeof(text));
        snprintf(out, bytes, "%s", text && *text ? text : "(none)");
    }
}

static bool same_value(const struct config_key *key, const void *was, const void *is)
{
    const char *a = (const char *)was + key->offset, *b = (const char *)is + key->offset;
    if (key->given_offset && key->type == CONFIG_ENUM &&
        *((const bool *)was + key->given_offset) !=
            *((const bool *)is + key->given_offset))
        return false;
    if (key->type == CONFIG_SPAN) { /* it has padding */
        char before[32], after[32];
        format_value(key, was, before, sizeof(before));
        format_value(key, is, after, sizeof(after));
        return strcmp(before, after) == 0;
    }
    if (key->type > CONFIG_ADDRESS)
        return memcmp(a, b, key->bytes) == 0;
    const char *x, *y;
    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return strcmp(x ? x : "", y ? y : "") == 0;
}

static void diff_value(const struct diff *d, const struct config_key *key,
                       const char *path, const void *was, const void *is)
{
    char before[256], after[256];
    if (same_value(key, was, is))
        return;
    format_value(key, was, before, sizeof(before));
    format_value(key, is, after, sizeof(after));
    if (key->secret)
        d->fn(d->arg, path, "(not shown)", "(changed)");
    else
        d->fn(d->arg, path, before, after);
}

/* --- the walk --- */

static void diff_struct(const struct diff *d, const char *table, const char *shown,
                        const void *was, const void *is);

struct array {
    const char *elements;
    size_t count;
};

static struct array array_of(const struct config_key *key, const void *target)
{
    struct array array;
    memcpy(&array.elements, (const char *)target + key->offset, sizeof(array.elements));
    memcpy(&array.count, (const char *)target + key->count_offset, sizeof(array.count));
    return array;
}

static const char *name_at(const struct config_key *key, const struct array *array,
                           size_t index)
{
    const char *name;
    memcpy(&name, array->elements + index * key->bytes, sizeof(name));
    return name;
}

/* partner: the entry of the other side: of the same name, in lists of the same number. */
static const char *partner(const struct config_key *key, const struct array *array,
                           const char *name, size_t index)
{
    if (key->type == CONFIG_LIST)
        return index < array->count ? array->elements + index * key->bytes : NULL;
    for (size_t i = 0; i < array->count; i++) {
        if (strcmp(name_at(key, array, i), name) == 0)
            return array->elements + i * key->bytes;
    }
    return NULL;
}

static const struct config_key *leaf_of(const char *table)
{
    for (size_t i = 0; i < config_key_count; i++) {
        if (strcmp(config_keys[i].path, table) == 0)
            return &config_keys[i];
    }
    return NULL;
}

static void diff_array(const struct diff *d, const struct config_key *key,
                       const char *shown, const void *was, const void *is)
{
    struct array before = array_of(key, was), after = array_of(key, is);
    char table[PATH_MAX_BYTES], path[PATH_MAX_BYTES], number[24];
    snprintf(table, sizeof(table), "%.300s.*", key->path);
    const struct config_key *leaf = leaf_of(table);
    for (size_t i = 0; i < before.count + after.count; i++) {
        bool old = i < before.count; /* first what was there, then what is new */
        size_t index = old ? i : i - before.count;
        const struct array *from = old ? &before : &after;
        snprintf(number, sizeof(number), "%zu", index + 1);
        const char *name = key->type == CONFIG_MAP ? name_at(key, from, index) : number;
        const char *other = partner(key, old ? &after : &before, name, index);
        snprintf(path, sizeof(path), "%.300s.%.128s", shown, name);
        if (!other)
            d->fn(d->arg, path, old ? "(there)" : "", old ? "" : "(new)");
        else if (old && leaf)
            diff_value(d, leaf, path, from->elements + index * key->bytes, other);
        else if (old)
            diff_struct(d, table, path, from->elements + index * key->bytes, other);
    }
}

static char *format_route(const struct config *config, const struct config_key *key,
                          struct buffer *out)
{
    struct array route = array_of(key, config);
    const struct route_entry *entries = (const struct route_entry *)route.elements;
    buffer_byte(out, '[');
    for (size_t i = 0; i < route.count; i++) {
        const char *mark = i == 0                                   ? ""
                           : entries[i].tier == entries[i - 1].tier ? " + "
                                                                    : ", ";
        buffer_format(out, "%s%s", mark, config->providers[entries[i].provider].name);
        if (entries[i].weight > 1)
            buffer_format(out, " ×%u", entries[i].weight);
    }
    buffer_byte(out, ']');
    return out->data;
}

static void diff_route(const struct diff *d, const struct config_key *key)
{
    struct buffer before = {0}, after = {0};
    const char *was = format_route(d->was, key, &before);
    const char *is = format_route(d->is, key, &after);
    if (strcmp(was, is) != 0)
        d->fn(d->arg, key->path, was, is);
    buffer_fini(&before);
    buffer_fini(&after);
}

/* below: the part of path behind prefix and its dot, or NULL. */
static const char *below(const char *path, const char *prefix)
{
    size_t bytes = strlen(prefix);
    if (bytes == 0)
        return path;
    return strncmp(path, prefix, bytes) == 0 && path[bytes] == '.' ? path + bytes + 1
                                                                   : NULL;
}

static void diff_struct(const struct diff *d, const char *table, const char *shown,
                        const void *was, const void *is)
{
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        const char *rest = below(key->path, table);
        char path[PATH_MAX_BYTES];
        if (!rest || strchr(rest, '*') || key->type == CONFIG_GROUP)
            continue;
        snprintf(path, sizeof(path), "%.300s%s%.128s", shown, *shown ? "." : "", rest);
        if (key->type == CONFIG_ROUTE)
            diff_route(d, key);
        else if (key->type == CONFIG_MAP || key->type == CONFIG_LIST)
            diff_array(d, key, path, was, is);
        else
            diff_value(d, key, path, was, is);
    }
}

void config_diff(const struct config *was, const struct config *is, config_diff_fn *fn,
                 void *arg)
{
    struct diff d = {was, is, fn, arg};
    diff_struct(&d, "", "", was, is);
}
