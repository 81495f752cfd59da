/* clock: see clock.h. */
#include "base/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static _Atomic int64_t frozen_ns = -1;

static int64_t read_clock(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return t.tv_sec * NS_PER_S + t.tv_nsec;
}

int64_t clock_now_ns(void)
{
    int64_t frozen = atomic_load_explicit(&frozen_ns, memory_order_relaxed);
    return frozen >= 0 ? frozen : read_clock(CLOCK_REALTIME);
}

int64_t clock_steady_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

void clock_freeze(int64_t now_ns)
{
    atomic_store(&frozen_ns, now_ns);
}

int clock_freeze_from_environment(struct error *err)
{
    const char *now = getenv("VOLLEY_NOW");
    if (!now || !*now)
        return 0;
    int64_t ns;
    bool has_offset;
    if (clock_parse(text_of(now), &ns, &has_offset) || !has_offset || ns < 0)
        return error_set(err, ERROR_USAGE,
                         "VOLLEY_NOW=%s is no time (write it like 2026-11-21T08:00:00Z)",
                         now);
    clock_freeze(ns);
    return 0;
}

/* Howard Hinnant's algorithms: years start in March, so that the leap day comes last.
 * http://howardhinnant.github.io/date_algorithms.html */
int64_t days_from_civil(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    unsigned year_of_era = (unsigned)(year - era * 400);
    unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    unsigned day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + (int64_t)day_of_era - 719468;
}

void civil_from_days(int64_t days, int64_t *year_out, unsigned *month_out,
                     unsigned *day_out)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    unsigned day_of_era = (unsigned)(days - era * 146097);
    unsigned year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned shifted = (5 * day_of_year + 2) / 153;
    *day_out = day_of_year - (153 * shifted + 2) / 5 + 1;
    *month_out = shifted < 10 ? shifted + 3 : shifted - 9;
    *year_out = (int64_t)year_of_era + era * 400 + (*month_out <= 2);
}

/* digits: exactly count decimal digits at *at, or -1. */
static int digits(const char **at, const char *end, int count)
{
    int value = 0;
    if (end - *at < count)
        return -1;
    for (int i = 0; i < count; i++) {
        char c = *(*at)++;
        if (c < '0' || c > '9')
            return -1;
        value = value * 10 + (c - '0');
    }
    return value;
}

static bool literal(const char **at, const char *end, char c)
{
    if (*at == end || **at != c)
        return false;
    (*at)++;
    return true;
}

static int parse_date(const char **at, const char *end, int64_t *days_out)
{
    static const int month_days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = digits(at, end, 4);
    if (year < 0 || !literal(at, end, '-'))
        return -1;
    int month = digits(at, end, 2);
    if (month < 1 || month > 12 || !literal(at, end, '-'))
        return -1;
    int day = digits(at, end, 2);
    if (day < 1 || day > month_days[month - 1])
        return -1;
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (month == 2 && day == 29 && !leap)
        return -1;
    *days_out = days_from_civil(year, (unsigned)month, (unsigned)day);
    return 0;
}

int clock_parse_date(struct text t, int32_t *days_out)
{
    if (!t.data)
        return -1;
    const char *at = t.data, *end = t.data + t.bytes;
    int64_t days;
    if (parse_date(&at, end, &days) || at != end)
        return -1;
    *days_out = (int32_t)days;
    return 0;
}

static int parse_fraction(const char **at, const char *end, int64_t *ns_out)
{
    int64_t unit = NS_PER_S;
    const char *start = *at;
    while (*at < end && **at >= '0' && **at <= '9') {
        unit /= 10; /* zero from the tenth digit on: finer than a nanosecond is dropped */
        *ns_out += (*(*at)++ - '0') * unit;
    }
    return *at == start ? -1 : 0;
}

static int parse_offset(const char **at, const char *end, int64_t *seconds_out)
{
    if (literal(at, end, 'Z') || literal(at, end, 'z'))
        return 0;
    int sign = literal(at, end, '-') ? -1 : literal(at, end, '+') ? 1 : 0;
    if (sign == 0)
        return -1;
    int hours = digits(at, end, 2);
    int minutes = 0;
    if (*at < end) {
        literal(at, end, ':');
        minutes = digits(at, end, 2);
    }
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
        return -1;
    *seconds_out = sign * (hours * 3600 + minutes * 60);
    return 0;
}

int clock_parse(struct text t, int64_t *ns_out, bool *has_offset_out)
{
    if (!t.data)
        return -1;
    const char *at = t.data, *end = t.data + t.bytes;
    int64_t days, fraction_ns = 0, offset_s = 0;
    if (parse_date(&at, end, &days) ||
        !(literal(&at, end, 'T') || literal(&at, end, 't') || literal(&at, end, ' ')))
        return -1;
    int hour = digits(&at, end, 2);
    if (hour < 0 || hour > 23 || !literal(&at, end, ':'))
        return -1;
    int minute = digits(&at, end, 2);
    if (minute < 0 || minute > 59)
        return -1;
    int second = 0;
    if (literal(&at, end, ':')) {
        second = digits(&at, end, 2);
        if (second < 0 || second > 60)
            return -1;
        if (literal(&at, end, '.') && parse_fraction(&at, end, &fraction_ns))
            return -1;
    }
    *has_offset_out = at != end;
    if (*has_offset_out && (parse_offset(&at, end, &offset_s) || at != end))
        return -1;
    int64_t seconds = days * 86400 + hour * 3600 + minute * 60 + second - offset_s;
    if (__builtin_mul_overflow(seconds, NS_PER_S, ns_out) ||
        __builtin_add_overflow(*ns_out, fraction_ns, ns_out))
        return -1;
    return 0;
}

void clock_format(int64_t now_ns, bool millis, char out[CLOCK_FORMAT_BYTES])
{
    int64_t seconds = now_ns / NS_PER_S - (now_ns % NS_PER_S < 0);
    int64_t days = seconds / 86400 - (seconds % 86400 < 0);
    int64_t year;
    unsigned month, day;
    civil_from_days(days, &year, &month, &day);
    unsigned in_day = (unsigned)(seconds - days * 86400);
    int used =
        snprintf(out, CLOCK_FORMAT_BYTES, "%04d-%02u-%02uT%02u:%02u:%02u", (int)year,
                 month, day, in_day / 3600, in_day / 60 % 60, in_day % 60);
    unsigned ms = (unsigned)((now_ns - seconds * NS_PER_S) / NS_PER_MS);
    if (millis)
        snprintf(out + used, (size_t)(CLOCK_FORMAT_BYTES - used), ".%03uZ", ms % 1000);
    else
        snprintf(out + used, (size_t)(CLOCK_FORMAT_BYTES - used), "Z");
}
