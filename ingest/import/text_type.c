/* text_type: see text_type.h. */
#include "ingest/import/text_type.h"

#include "base/clock.h"

#include <stdlib.h>

/* Numbers of more significant digits than a double keeps stay text. */
#define REAL_DIGITS_MAX 17
#define REAL_BYTES_MAX  64

static const struct {
    const char *name;
    struct text_type type;
} names[] = {
    {"bool", {.type = COLUMN_BOOL}},
    {"int64", {.type = COLUMN_INT64}},
    {"float64", {.type = COLUMN_FLOAT64}},
    {"date32", {.type = COLUMN_DATE32}},
    {"timestamp[s]", {COLUMN_TIMESTAMP, COLUMN_SECONDS, false, false}},
    {"timestamp[ms]", {COLUMN_TIMESTAMP, COLUMN_MILLISECONDS, false, false}},
    {"timestamp[us]", {COLUMN_TIMESTAMP, COLUMN_MICROSECONDS, false, false}},
    {"timestamp[ns]", {COLUMN_TIMESTAMP, COLUMN_NANOSECONDS, false, false}},
    {"timestamp[s, UTC]", {COLUMN_TIMESTAMP, COLUMN_SECONDS, true, false}},
    {"timestamp[ms, UTC]", {COLUMN_TIMESTAMP, COLUMN_MILLISECONDS, true, false}},
    {"timestamp[us, UTC]", {COLUMN_TIMESTAMP, COLUMN_MICROSECONDS, true, false}},
    {"timestamp[ns, UTC]", {COLUMN_TIMESTAMP, COLUMN_NANOSECONDS, true, false}},
    {"utf8", {.type = COLUMN_UTF8}},
    {"phone", {.type = COLUMN_UTF8, .phone = true}},
    /* other words for the same, which are not shown */
    {"date", {.type = COLUMN_DATE32}},
    {"text", {.type = COLUMN_UTF8}},
    {"timestamp", {COLUMN_TIMESTAMP, COLUMN_MICROSECONDS, false, false}},
};

int text_type_parse(struct text name, struct text_type *out)
{
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (text_is(name, names[i].name)) {
            *out = names[i].type;
            return 0;
        }
    }
    return -1;
}

const char *text_type_name(struct text_type type)
{
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        const struct text_type *t = &names[i].type;
        if (t->type == type.type && t->phone == type.phone &&
            (t->type != COLUMN_TIMESTAMP || (t->unit == type.unit && t->utc == type.utc)))
            return names[i].name;
    }
    CHECK(!"a type without a name");
    return NULL;
}

/* --- values ------------------------------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int parse_bool(struct text t, int64_t *out)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {{"true", true}, {"false", false}, {"t", true},
                 {"f", false},   {"yes", true},    {"no", false}};
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        if (text_equal_nocase(t, text_of(words[i].word))) {
            *out = words[i].value;
            return 0;
        }
    }
    return -1;
}

static int parse_integer(struct text t, int64_t *out)
{
    bool negative = t.bytes > 0 && t.data[0] == '-';
    size_t i = negative || (t.bytes > 0 && t.data[0] == '+');
    if (i == t.bytes)
        return -1;
    int64_t value = 0; /* kept negative: INT64_MIN has no positive twin */
    for (; i < t.bytes; i++) {
        if (!is_digit(t.data[i]) || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, t.data[i] - '0', &value))
            return -1;
    }
    if (!negative && value == INT64_MIN)
        return -1;
    *out = negative ? value : -value;
    return 0;
}

/* is_real: the number of RFC 8259; digits_out counts the significant ones. */
static bool is_real(struct text t, size_t *digits_out)
{
    const char *at = t.data, *end = t.data + t.bytes;
    size_t digits = 0;
    bool significant = false;
    at += at < end && *at == '-';
    if (at == end || !is_digit(*at) || (*at == '0' && end - at > 1 && is_digit(at[1])))
        return false;
    for (bool fraction = false; at < end && (is_digit(*at) || (*at == '.' && !fraction));
         at++) {
        fraction |= *at == '.';
        significant |= *at >= '1' && *at <= '9';
        digits += *at != '.' && significant;
    }
    if (at[-1] == '.')
        return false;
    *digits_out = digits;
    if (at == end)
        return true;
    if (*at != 'e' && *at != 'E')
        return false;
    at++;
    at += at < end && (*at == '+' || *at == '-');
    if (at == end)
        return false;
    while (at < end && is_digit(*at))
        at++;
    return at == end;
}

int text_type_real(struct text t, double *out)
{
    char copy[REAL_BYTES_MAX];
    size_t digits;
    if (t.bytes >= sizeof(copy) || !is_real(t, &digits))
        return -1;
    memcpy(copy, t.data, t.bytes);
    copy[t.bytes] = '\0';
    *out = strtod(copy, NULL);
    return *out - *out == 0.0 ? 0 : -1; /* too large is no number */
}

static int parse_timestamp(struct text_type type, struct text t, int64_t *out)
{
    static const int64_t unit_ns[] = {[COLUMN_SECONDS] = NS_PER_S,
                                      [COLUMN_MILLISECONDS] = NS_PER_MS,
                                      [COLUMN_MICROSECONDS] = NS_PER_US,
                                      [COLUMN_NANOSECONDS] = 1};
    int64_t ns, unit = unit_ns[type.unit];
    bool has_offset;
    if (clock_parse(t, &ns, &has_offset) || has_offset != type.utc)
        return -1;
    *out = ns / unit - (ns % unit < 0);
    return 0;
}

int text_type_integer(struct text_type type, struct text t, int64_t *out)
{
    int32_t days;
    switch (type.type) {
    case COLUMN_BOOL:
        if (t.bytes == 1 && (t.data[0] == '0' || t.data[0] == '1')) {
            *out = t.data[0] - '0';
            return 0;
        }
        return parse_bool(t, out);
    case COLUMN_INT64:
        return parse_integer(t, out);
    case COLUMN_DATE32:
        if (clock_parse_date(t, &days))
            return -1;
        *out = days;
        return 0;
    case COLUMN_TIMESTAMP:
        return parse_timestamp(type, t, out);
    default:
        CHECK(!"text_type_integer of a type that is no integer");
        return -1;
    }
}

bool text_type_fits(struct text_type type, struct text t)
{
    int64_t integer;
    double real;
    if (type.type == COLUMN_UTF8)
        return true;
    if (type.type == COLUMN_FLOAT64)
        return text_type_real(t, &real) == 0;
    return text_type_integer(type, t, &integer) == 0;
}

/* --- guessing ----------------------------------------------------------------------- */

enum candidate {
    CANDIDATE_BOOL = 1,
    CANDIDATE_INTEGER = 2,
    CANDIDATE_REAL = 4,
    CANDIDATE_DATE = 8,
    CANDIDATE_TIMESTAMP = 16,
    CANDIDATE_INSTANT = 32,
    CANDIDATE_ALL = 63
};

struct text_guess text_guess_any(void)
{
    return (struct text_guess){.candidates = CANDIDATE_ALL};
}

static unsigned numbers_that_fit(struct text t)
{
    size_t digits;
    int64_t value;
    if (t.bytes >= REAL_BYTES_MAX || !is_real(t, &digits))
        return 0;
    /* "-0" is a real: as an integer it would lose its sign. */
    bool integer = parse_integer(t, &value) == 0 && !text_is(t, "-0");
    /* 2^53: from there on a double skips integers. */
    bool real =
        integer ? value >= -(1ll << 53) && value <= 1ll << 53 : digits <= REAL_DIGITS_MAX;
    double d;
    if (real && !integer)
        real = text_type_real(t, &d) == 0;
    return (integer ? CANDIDATE_INTEGER : 0u) | (real ? CANDIDATE_REAL : 0u);
}

void text_guess_add(struct text_guess *guess, struct text t)
{
    unsigned before = guess->candidates, fit = 0;
    int64_t value;
    int32_t days;
    bool has_offset;
    guess->any = true;
    if (before == 0)
        return;
    if (before & CANDIDATE_BOOL && parse_bool(t, &value) == 0)
        fit |= CANDIDATE_BOOL;
    if (before & (CANDIDATE_INTEGER | CANDIDATE_REAL))
        fit |= numbers_that_fit(t);
    if (before & CANDIDATE_DATE && clock_parse_date(t, &days) == 0)
        fit |= CANDIDATE_DATE;
    if (before & (CANDIDATE_TIMESTAMP | CANDIDATE_INSTANT) &&
        clock_parse(t, &value, &has_offset) == 0)
        fit |= has_offset ? CANDIDATE_INSTANT : CANDIDATE_TIMESTAMP;
    guess->candidates = before & fit;
}

struct text_type text_guess_type(const struct text_guess *guess)
{
    static const struct {
        enum candidate candidate;
        struct text_type type;
    } order[] = {
        {CANDIDATE_BOOL, {.type = COLUMN_BOOL}},
        {CANDIDATE_INTEGER, {.type = COLUMN_INT64}},
        {CANDIDATE_REAL, {.type = COLUMN_FLOAT64}},
        {CANDIDATE_DATE, {.type = COLUMN_DATE32}},
        {CANDIDATE_TIMESTAMP, {COLUMN_TIMESTAMP, COLUMN_MICROSECONDS, false, false}},
        {CANDIDATE_INSTANT, {COLUMN_TIMESTAMP, COLUMN_MICROSECONDS, true, false}},
    };
    for (size_t i = 0; i < ARRAY_COUNT(order) && guess->any; i++) {
        if (guess->candidates & order[i].candidate)
            return order[i].type;
    }
    return (struct text_type){.type = COLUMN_UTF8};
}
