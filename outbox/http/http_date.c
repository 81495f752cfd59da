/* http_date: see http_date.h. */
#include "outbox/http/http_date.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/units.h"

#include <stdio.h>

#define DAY_S 86400

/* 0: no month. */
static unsigned month_of(const char name[4])
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (unsigned month = 1; month <= 12; month++) {
        if (memcmp(names + (month - 1) * 3, name, 3) == 0)
            return month;
    }
    return 0;
}

/* Nobody has sent years of two digits for long, so those of the last century are not ahead. */
static unsigned whole_year(unsigned year, bool short_year)
{
    return short_year && year < 100 ? year + (year < 70 ? 2000 : 1900) : year;
}

int http_date_parse(struct text t, int64_t *seconds_out)
{
    char line[48], month_name[4] = "";
    unsigned day, year, hour, minute, second;
    if (t.bytes >= sizeof(line) || t.bytes < 24)
        return -1;
    memcpy(line, t.data, t.bytes);
    line[t.bytes] = '\0';
    bool short_year = false;
    int read = sscanf(line, "%*3[A-Za-z], %2u %3[A-Za-z] %4u %2u:%2u:%2u GMT", &day,
                      month_name, &year, &hour, &minute, &second);
    if (read != 6) {
        read = sscanf(line, "%*9[A-Za-z], %2u-%3[A-Za-z]-%2u %2u:%2u:%2u GMT", &day,
                      month_name, &year, &hour, &minute, &second);
        short_year = read == 6;
    }
    if (read != 6)
        read = sscanf(line, "%*3[A-Za-z] %3[A-Za-z] %2u %2u:%2u:%2u %4u", month_name,
                      &day, &hour, &minute, &second, &year);
    unsigned month = read == 6 ? month_of(month_name) : 0;
    if (month == 0 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60)
        return -1;
    *seconds_out = days_from_civil(whole_year(year, short_year), month, day) * DAY_S +
                   hour * 3600 + minute * 60 + second;
    return 0;
}

int64_t http_retry_after_ns(struct text t, int64_t now_ns)
{
    uint64_t count;
    int64_t seconds = 0;
    if (t.bytes == 0)
        return 0;
    if (units_count(t, &count) == 0)
        seconds = count < DAY_S ? (int64_t)count : DAY_S;
    else if (http_date_parse(t, &seconds) == 0)
        seconds -= now_ns / NS_PER_S;
    return seconds <= 0 ? 0 : seconds < DAY_S ? seconds * NS_PER_S : DAY_S * NS_PER_S;
}
