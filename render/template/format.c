/* format: see format.h. */
#include "render/template/format.h"

#include "base/clock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* The longest is a decimal128 without its point: 39 digits, a sign, leading zeros up to
 * the scale. */
#define FORMAT_BYTES 128

bool format_can(const struct column *column)
{
    switch (column->type) {
    case COLUMN_LIST:
    case COLUMN_LARGE_LIST:
    case COLUMN_LIST_VIEW:
    case COLUMN_STRUCT:
    case COLUMN_UNSUPPORTED:
        return false;
    case COLUMN_DICTIONARY:
        return column_is_text(column);
    default:
        return true;
    }
}

static size_t put_unsigned(char *out, uint64_t value)
{
    char digits[20];
    size_t bytes = 0;
    do
        digits[sizeof(digits) - ++bytes] = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    memcpy(out, digits + sizeof(digits) - bytes, bytes);
    return bytes;
}

static size_t put_integer(char *out, const struct column *column, int64_t row)
{
    int64_t value;
    column_integer(column, row, &value);
    bool negative = value < 0 && column->type != COLUMN_UINT64;
    if (negative)
        *out++ = '-';
    return negative + put_unsigned(out, negative ? -(uint64_t)value : (uint64_t)value);
}

/* half: IEEE 754 binary16. */
static double half(uint16_t bits)
{
    int exponent = bits >> 10 & 31;
    double fraction = bits & 1023;
    double value = exponent == 0    ? ldexp(fraction, -24)
                   : exponent == 31 ? (fraction > 0 ? (double)NAN : (double)INFINITY)
                                    : ldexp(fraction + 1024, exponent - 25);
    return bits & 0x8000 ? -value : value;
}

/* put_float: the fewest digits that read back as the same value; without exponent where a
 * person would not write one. */
static size_t put_float(char *out, double value, bool single)
{
    if (isnan(value))
        return 0;
    if (value == floor(value) && fabs(value) < 1e15)
        return (size_t)snprintf(out, FORMAT_BYTES, "%.0f", value == 0 ? 0.0 : value);
    for (int precision = single ? 6 : 15;; precision++) {
        size_t bytes = (size_t)snprintf(out, FORMAT_BYTES, "%.*g", precision, value);
        bool same =
            single ? strtof(out, NULL) == (float)value : strtod(out, NULL) == value;
        if (same || precision >= 17)
            return bytes;
    }
}

static size_t put_decimal(char *out, const struct column *column, int64_t row)
{
    unsigned __int128 value;
    memcpy(&value, (const char *)column->values + 16 * row, sizeof(value));
    bool negative = value >> 127 != 0;
    int32_t scale = column->scale;
    char digits[48];
    int count = 0;
    if (scale < 0 || scale > 38)
        return 0;
    if (negative)
        value = -value;
    for (; value > 0 || count <= scale; value /= 10)
        digits[count++] = (char)('0' + (int)(value % 10));
    int last = 0; /* trailing zeros behind the point say nothing */
    while (last < scale && digits[last] == '0')
        last++;
    size_t bytes = 0;
    if (negative)
        out[bytes++] = '-';
    while (count > last) {
        if (count == scale)
            out[bytes++] = '.';
        out[bytes++] = digits[--count];
    }
    return bytes;
}

static size_t put_date(char *out, int64_t days)
{
    int64_t year;
    unsigned month, day;
    civil_from_days(days, &year, &month, &day);
    return (size_t)snprintf(out, FORMAT_BYTES, "%04lld-%02u-%02u", (long long)year, month,
                            day);
}

static int64_t floor_divide(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

static size_t put_timestamp(char *out, const struct column *column, int64_t value,
                            const struct tzif *zone)
{
    static const int64_t per_s[] = {[COLUMN_SECONDS] = 1,
                                    [COLUMN_MILLISECONDS] = 1000,
                                    [COLUMN_MICROSECONDS] = 1000000,
                                    [COLUMN_NANOSECONDS] = 1000000000};
    int64_t s = floor_divide(value, per_s[column->unit]);
    /* years that a time zone rule or a calendar could say something about */
    if (s < -62135596800 || s > 253402300799)
        return 0;
    if (column->timezone)
        s += tzif_offset_s(zone, s);
    int64_t days = floor_divide(s, 86400);
    int minutes = (int)(s - days * 86400) / 60;
    size_t bytes = put_date(out, days);
    return bytes + (size_t)snprintf(out + bytes, FORMAT_BYTES - bytes, " %02d:%02d",
                                    minutes / 60, minutes % 60);
}

static size_t put_value(char *out, const struct column *column, int64_t row,
                        const struct tzif *zone)
{
    int64_t value;
    bool truth;
    switch (column->type) {
    case COLUMN_BOOL:
        column_bool(column, row, &truth);
        return (size_t)snprintf(out, FORMAT_BYTES, "%s", truth ? "true" : "false");
    case COLUMN_FLOAT16:
        return put_float(out, half(((const uint16_t *)column->values)[row]), true);
    case COLUMN_FLOAT32:
        return put_float(out, (double)((const float *)column->values)[row], true);
    case COLUMN_FLOAT64:
        return put_float(out, ((const double *)column->values)[row], false);
    case COLUMN_DECIMAL128:
        return put_decimal(out, column, row);
    case COLUMN_DATE32:
        column_integer(column, row, &value);
        return put_date(out, value);
    case COLUMN_DATE64:
        column_integer(column, row, &value);
        return put_date(out, floor_divide(value, 86400000));
    case COLUMN_TIMESTAMP:
        column_integer(column, row, &value);
        return put_timestamp(out, column, value, zone);
    default:
        return column_is_integer(column) ? put_integer(out, column, row) : 0;
    }
}

struct text format_value(const struct column *column, int64_t row,
                         const struct tzif *zone, struct arena *arena)
{
    if (column_is_null(column, row))
        return TEXT_NONE;
    if (column_is_text(column))
        return column_text(column, row);
    char *out = arena_reserve(arena, FORMAT_BYTES);
    if (!out)
        return TEXT_NONE;
    size_t bytes = put_value(out, column, row, zone);
    arena_commit(arena, bytes);
    return bytes > 0 ? (struct text){out, bytes} : TEXT_NONE;
}
