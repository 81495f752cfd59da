/* value: see value.h. */
#include "engine/audience/value.h"

#include "base/check.h"

#include <math.h>
#include <stdlib.h>

const char *kind_name(enum kind kind)
{
    static const char *const names[] = {
        [KIND_NULL] = "NULL",
        [KIND_BOOL] = "a condition",
        [KIND_EXACT] = "a number",
        [KIND_REAL] = "a number",
        [KIND_TEXT] = "text",
        [KIND_DATE] = "a date",
        [KIND_WALL] = "a timestamp",
        [KIND_INSTANT] = "a timestamp",
        [KIND_INTERVAL] = "an interval",
        [KIND_LIST] = "a list",
        [KIND_STRUCT] = "a struct",
        [KIND_UNSUPPORTED] = "a value of another type",
    };
    return names[kind];
}

struct type type_of_column(const struct column *column)
{
    if (column_is_list(column))
        return (struct type){.kind = KIND_LIST};
    switch (column->type) {
    case COLUMN_NULL:
        return (struct type){.kind = KIND_NULL};
    case COLUMN_BOOL:
        return (struct type){.kind = KIND_BOOL};
    case COLUMN_UINT64:
        return (struct type){.kind = KIND_EXACT, .wide = true};
    case COLUMN_DECIMAL128:
        return (struct type){.kind = KIND_EXACT, .scale = column->scale, .wide = true};
    case COLUMN_FLOAT16:
    case COLUMN_FLOAT32:
    case COLUMN_FLOAT64:
        return (struct type){.kind = KIND_REAL};
    case COLUMN_DATE32:
    case COLUMN_DATE64:
        return (struct type){.kind = KIND_DATE};
    case COLUMN_TIMESTAMP:
        return (struct type){.kind = column->timezone ? KIND_INSTANT : KIND_WALL,
                             .scale = 3 * (int32_t)column->unit};
    case COLUMN_STRUCT:
        return (struct type){.kind = KIND_STRUCT};
    case COLUMN_UTF8:
    case COLUMN_LARGE_UTF8:
    case COLUMN_UTF8_VIEW:
        return (struct type){.kind = KIND_TEXT};
    case COLUMN_DICTIONARY:
        if (column->dictionary && column->dictionary->type != COLUMN_DICTIONARY &&
            column_is_text(column->dictionary))
            return (struct type){.kind = KIND_TEXT};
        return (struct type){.kind = KIND_UNSUPPORTED};
    default:
        return (struct type){.kind = column_is_integer(column) ? KIND_EXACT
                                                               : KIND_UNSUPPORTED};
    }
}

static struct constant numbered(enum kind kind, int128 value, int32_t scale)
{
    return (struct constant){.type = {.kind = kind,
                                      .scale = scale,
                                      .wide = value < INT64_MIN || value > INT64_MAX},
                             .number = value};
}

struct constant constant_exact(int128 value, int32_t scale)
{
    struct constant c = numbered(KIND_EXACT, value, scale);
    c.real = number_to_real(value, scale);
    return c;
}

struct constant constant_real(double value)
{
    return (struct constant){.type.kind = KIND_REAL, .real = value};
}

struct constant constant_text(struct text text)
{
    return (struct constant){.type.kind = KIND_TEXT, .text = text};
}

struct constant constant_bool(bool value)
{
    return (struct constant){.type.kind = KIND_BOOL, .boolean = value};
}

struct constant constant_time(enum kind kind, int128 ns)
{
    return numbered(kind, ns, 9);
}

struct constant constant_date(int128 days)
{
    return numbered(KIND_DATE, days, 0);
}

int constant_number(struct text t, struct constant *out)
{
    bool exact;
    int128 value;
    int32_t scale;
    double real;
    if (number_parse(t, &exact, &value, &scale, &real))
        return -1;
    *out = exact ? constant_exact(value, scale) : constant_real(real);
    out->real = real;
    return 0;
}

static int read_real(struct text t, struct constant *out)
{
    static const struct {
        const char *name;
        double value;
    } special[] = {{"nan", NAN},
                   {"infinity", INFINITY},
                   {"+infinity", INFINITY},
                   {"-infinity", -INFINITY},
                   {"inf", INFINITY},
                   {"+inf", INFINITY},
                   {"-inf", -INFINITY}};
    for (size_t i = 0; i < ARRAY_COUNT(special); i++) {
        if (text_equal_nocase(t, text_of(special[i].name))) {
            *out = constant_real(special[i].value);
            return 0;
        }
    }
    return constant_number(t, out);
}

static int read_bool(struct text t, struct constant *out)
{
    static const char *const words[] = {"true",  "t", "yes", "y", "on",  "1",
                                        "false", "f", "no",  "n", "off", "0"};
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        if (text_equal_nocase(t, text_of(words[i]))) {
            *out = constant_bool(i < ARRAY_COUNT(words) / 2);
            return 0;
        }
    }
    return -1;
}

static int read_time(struct text t, enum kind kind, const struct tzif *zone,
                     struct constant *out)
{
    int128 ns;
    bool has_time, has_offset;
    if (calendar_parse(t, &ns, &has_time, &has_offset))
        return -1;
    if (kind == KIND_DATE) { /* a time behind the date is dropped, as PostgreSQL does */
        *out = constant_date(number_floor(ns, CALENDAR_DAY_NS));
        return !has_time || !has_offset ? 0 : -1;
    }
    struct constant read = constant_time(has_offset ? KIND_INSTANT : KIND_WALL, ns);
    return constant_convert(&read, kind, zone, out);
}

int constant_read(struct text t, enum kind kind, const struct tzif *zone,
                  struct constant *out)
{
    switch (kind) {
    case KIND_TEXT:
    case KIND_NULL:
        *out = constant_text(t);
        return 0;
    case KIND_BOOL:
        return read_bool(text_trim(t), out);
    case KIND_EXACT:
        return constant_number(text_trim(t), out);
    case KIND_REAL:
        return read_real(text_trim(t), out);
    case KIND_DATE:
    case KIND_WALL:
    case KIND_INSTANT:
        return read_time(t, kind, zone, out);
    case KIND_INTERVAL:
        *out = (struct constant){.type.kind = KIND_INTERVAL};
        return calendar_interval(t, TEXT_NONE, &out->interval);
    default:
        return -1;
    }
}

int constant_convert(const struct constant *in, enum kind kind, const struct tzif *zone,
                     struct constant *out)
{
    struct constant from = *in;
    *out = from;
    if (from.type.kind == kind || from.type.kind == KIND_NULL)
        return 0;
    if (from.type.kind == KIND_TEXT)
        return constant_read(from.text, kind, zone, out);
    if (from.type.kind == KIND_EXACT && kind == KIND_REAL) {
        *out = constant_real(from.real);
        return 0;
    }
    if (from.type.kind == KIND_DATE)
        from = constant_time(KIND_WALL, from.number * CALENDAR_DAY_NS);
    if (from.type.kind == KIND_WALL && kind == KIND_INSTANT)
        from = constant_time(KIND_INSTANT, calendar_instant(zone, from.number));
    if (from.type.kind == KIND_INSTANT && kind == KIND_WALL)
        from = constant_time(KIND_WALL, calendar_wall(zone, from.number));
    *out = from;
    return from.type.kind == kind ? 0 : -1;
}
