/* tzif: see tzif.h. The file has a version 1 block with 32-bit times, which is skipped,
 * then the same with 64-bit times, then a POSIX TZ string that rules after the last
 * transition. */
#include "base/tzif.h"

#include "base/clock.h"
#include "base/file.h"

#include <stdlib.h>

#define TZIF_BYTES_MAX (1 << 20)

/* A yearly change: month, week (5 = last) and weekday as in POSIX `Mm.w.d/time`, or a day
 * number. */
struct change {
    enum { CHANGE_MONTH_WEEK_DAY, CHANGE_JULIAN, CHANGE_DAY } kind;
    int month, week, day;
    int32_t time_s;
};

struct tzif {
    size_t count;
    int64_t *times;   /* [count] ascending UTC seconds */
    int32_t *offsets; /* [count] offset from times[i] on */
    int32_t first_offset;
    bool has_rule;
    bool has_summer;
    int32_t standard_offset;
    int32_t summer_offset;
    struct change to_summer, to_standard;
};

static int64_t big_endian(const char *p, size_t bytes)
{
    uint64_t value = bytes == 4 && (p[0] & 0x80) ? ~0ull : 0;
    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | (unsigned char)p[i];
    return (int64_t)value;
}

struct header {
    size_t utc_flags, standard_flags, leaps, times, types, letters;
};

static bool read_header(struct text file, size_t at, struct header *h)
{
    if (file.bytes < at + 44 || memcmp(file.data + at, "TZif", 4) != 0)
        return false;
    const char *p = file.data + at + 20;
    size_t *fields[] = {&h->utc_flags, &h->standard_flags, &h->leaps,
                        &h->times,     &h->types,          &h->letters};
    for (size_t i = 0; i < ARRAY_COUNT(fields); i++) {
        int64_t count = big_endian(p + 4 * i, 4);
        if (count < 0 || count > 10000)
            return false;
        *fields[i] = (size_t)count;
    }
    return h->types > 0;
}

static size_t block_bytes(const struct header *h, size_t time_bytes)
{
    return h->times * (time_bytes + 1) + h->types * 6 + h->letters +
           h->leaps * (time_bytes + 4) + h->standard_flags + h->utc_flags;
}

/* --- the POSIX TZ string: CET-1CEST,M3.5.0,M10.5.0/3 --- */

static bool skip_name(const char **at, const char *end)
{
    const char *start = *at;
    if (*at < end && **at == '<') {
        while (*at < end && **at != '>')
            (*at)++;
        if (*at == end)
            return false;
        (*at)++;
        return true;
    }
    while (*at < end && ((**at >= 'A' && **at <= 'Z') || (**at >= 'a' && **at <= 'z')))
        (*at)++;
    return *at > start;
}

static bool read_number(const char **at, const char *end, int *out)
{
    const char *start = *at;
    int value = 0;
    while (*at < end && **at >= '0' && **at <= '9' && value < 100000)
        value = value * 10 + (*(*at)++ - '0');
    *out = value;
    return *at > start;
}

static bool read_time(const char **at, const char *end, int32_t *seconds_out)
{
    int sign = 1, parts[3] = {0, 0, 0};
    if (*at < end && (**at == '-' || **at == '+'))
        sign = *(*at)++ == '-' ? -1 : 1;
    for (int i = 0; i < 3; i++) {
        /* RFC 8536, 3.3.1: hours from -167 to 167 */
        if (!read_number(at, end, &parts[i]) || parts[i] > (i == 0 ? 167 : 59))
            return false;
        if (*at == end || **at != ':')
            break;
        (*at)++;
    }
    *seconds_out = sign * (parts[0] * 3600 + parts[1] * 60 + parts[2]);
    return true;
}

static bool read_change(const char **at, const char *end, struct change *out)
{
    if (*at == end || *(*at)++ != ',' || *at == end)
        return false;
    *out = (struct change){.time_s = 7200};
    if (**at == 'M') {
        (*at)++;
        out->kind = CHANGE_MONTH_WEEK_DAY;
        if (!read_number(at, end, &out->month) || *at == end || *(*at)++ != '.' ||
            !read_number(at, end, &out->week) || *at == end || *(*at)++ != '.' ||
            !read_number(at, end, &out->day) || out->month < 1 || out->month > 12 ||
            out->week < 1 || out->week > 5 || out->day > 6)
            return false;
    } else {
        out->kind = **at == 'J' ? CHANGE_JULIAN : CHANGE_DAY;
        if (**at == 'J')
            (*at)++;
        if (!read_number(at, end, &out->day) || out->day > 366)
            return false;
    }
    if (*at < end && **at == '/') {
        (*at)++;
        return read_time(at, end, &out->time_s);
    }
    return true;
}

static bool read_rule(struct text rule, struct tzif *zone)
{
    const char *at = rule.data, *end = rule.data + rule.bytes;
    int32_t west;
    if (!skip_name(&at, end) || !read_time(&at, end, &west))
        return false;
    zone->standard_offset = -west;
    zone->has_rule = true;
    if (at == end)
        return true;
    if (!skip_name(&at, end))
        return false;
    zone->summer_offset = zone->standard_offset + 3600;
    if (at < end && *at != ',') {
        if (!read_time(&at, end, &west))
            return false;
        zone->summer_offset = -west;
    }
    zone->has_summer = true;
    return read_change(&at, end, &zone->to_summer) &&
           read_change(&at, end, &zone->to_standard) && at == end;
}

/* change_day: the day (since 1970-01-01) on which a yearly change falls. */
static int64_t change_day(const struct change *c, int64_t year)
{
    int64_t january = days_from_civil(year, 1, 1);
    if (c->kind == CHANGE_DAY)
        return january + c->day;
    bool leap = days_from_civil(year + 1, 1, 1) - january == 366;
    if (c->kind == CHANGE_JULIAN)
        return january + c->day - 1 + (leap && c->day >= 60);
    int64_t first = days_from_civil(year, (unsigned)c->month, 1);
    int weekday = (int)((first + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
    int64_t day = first + (c->day - weekday + 7) % 7 + 7 * (c->week - 1);
    int64_t next = c->month == 12 ? days_from_civil(year + 1, 1, 1)
                                  : days_from_civil(year, (unsigned)c->month + 1, 1);
    return day < next ? day : day - 7;
}

static int32_t rule_offset(const struct tzif *zone, int64_t utc_s)
{
    if (!zone->has_summer)
        return zone->standard_offset;
    int64_t year;
    unsigned month, day;
    int64_t local_s = utc_s + zone->standard_offset;
    civil_from_days(local_s / 86400 - (local_s % 86400 < 0), &year, &month, &day);
    int64_t summer = change_day(&zone->to_summer, year) * 86400 + zone->to_summer.time_s -
                     zone->standard_offset;
    int64_t standard = change_day(&zone->to_standard, year) * 86400 +
                       zone->to_standard.time_s - zone->summer_offset;
    bool in_summer = summer < standard ? utc_s >= summer && utc_s < standard
                                       : utc_s >= summer || utc_s < standard;
    return in_summer ? zone->summer_offset : zone->standard_offset;
}

static bool read_zone(struct text file, struct tzif *zone)
{
    struct header h;
    if (!read_header(file, 0, &h) || file.data[4] < '2')
        return false;
    size_t at = 44 + block_bytes(&h, 4);
    if (!read_header(file, at, &h))
        return false;
    at += 44;
    size_t block = block_bytes(&h, 8);
    if (file.bytes < at + block + 2)
        return false;
    const char *times = file.data + at;
    const char *indexes = times + h.times * 8;
    const char *types = indexes + h.times;
    zone->times = calloc(h.times + 1, sizeof(*zone->times));
    zone->offsets = calloc(h.times + 1, sizeof(*zone->offsets));
    CHECK(zone->times && zone->offsets);
    zone->count = h.times;
    zone->first_offset = (int32_t)big_endian(types, 4);
    for (size_t i = 0; i < h.times; i++) {
        size_t type = (unsigned char)indexes[i];
        if (type >= h.types)
            return false;
        zone->times[i] = big_endian(times + 8 * i, 8);
        zone->offsets[i] = (int32_t)big_endian(types + 6 * type, 4);
        if (i > 0 && zone->times[i] <= zone->times[i - 1])
            return false;
    }
    const char *rule = file.data + at + block + 1;
    const char *rule_end = memchr(rule, '\n', (size_t)(file.data + file.bytes - rule));
    if (!rule_end)
        return false;
    return rule_end == rule ||
           read_rule((struct text){rule, (size_t)(rule_end - rule)}, zone);
}

int tzif_open(struct text name, struct tzif **out, struct error *err)
{
    struct tzif *zone = calloc(1, sizeof(*zone));
    CHECK(zone != NULL);
    if (name.bytes == 0 || text_is(name, "UTC")) {
        *out = zone;
        return 0;
    }
    struct buffer file = {0};
    char path[PATH_BYTES];
    bool ok = path_is_inside(name) && name.bytes < 100 &&
              path_join(path, "/usr/share/zoneinfo", name, NULL) == 0 &&
              file_read(path, TZIF_BYTES_MAX, &file, NULL) == 0 &&
              read_zone(buffer_view(&file), zone);
    buffer_fini(&file);
    if (!ok) {
        tzif_close(&zone);
        return error_set(err, ERROR_INPUT,
                         "unknown time zone \"%.*s\" (write it like Europe/Rome)",
                         (int)(name.bytes < 100 ? name.bytes : 100), name.data);
    }
    *out = zone;
    return 0;
}

void tzif_close(struct tzif **zone)
{
    if (!*zone)
        return;
    free((*zone)->times);
    free((*zone)->offsets);
    free(*zone);
    *zone = NULL;
}

int32_t tzif_offset_s(const struct tzif *zone, int64_t utc_s)
{
    if (!zone)
        return 0;
    if (zone->count == 0 || utc_s < zone->times[0])
        return zone->count == 0 && zone->has_rule ? rule_offset(zone, utc_s)
                                                  : zone->first_offset;
    if (zone->has_rule && utc_s >= zone->times[zone->count - 1])
        return rule_offset(zone, utc_s);
    size_t low = 0, high = zone->count; /* times[low] <= utc_s < times[high] */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (zone->times[middle] <= utc_s)
            low = middle;
        else
            high = middle;
    }
    return zone->offsets[low];
}

int64_t tzif_utc_s(const struct tzif *zone, int64_t local_s)
{
    /* The offsets a day before and after bracket any change. The earlier instant is the
     * first of two; where neither offset gives the wall time back, it was skipped, and
     * the offset before the change moves it forward. */
    int32_t before = tzif_offset_s(zone, local_s - 86400);
    int32_t after = tzif_offset_s(zone, local_s + 86400);
    if (tzif_offset_s(zone, local_s - before) == before)
        return local_s - before;
    if (tzif_offset_s(zone, local_s - after) == after)
        return local_s - after;
    return local_s - before;
}
