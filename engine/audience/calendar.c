/* calendar: see calendar.h. */
#include "engine/audience/calendar.h"

#include "base/clock.h"

/* Beyond this many seconds (a thousand million years) zones are left out. */
#define ZONED_SECONDS (1ll << 55)

int128 calendar_instant(const struct tzif *zone, int128 wall_ns)
{
    int128 wall_s = number_floor(wall_ns, NS_PER_S);
    if (wall_s < -ZONED_SECONDS || wall_s > ZONED_SECONDS)
        return wall_ns;
    return wall_ns + ((int128)tzif_utc_s(zone, (int64_t)wall_s) - wall_s) * NS_PER_S;
}

int128 calendar_wall(const struct tzif *zone, int128 instant_ns)
{
    int128 utc_s = number_floor(instant_ns, NS_PER_S);
    if (utc_s < -ZONED_SECONDS || utc_s > ZONED_SECONDS)
        return instant_ns;
    return instant_ns + tzif_offset_s(zone, (int64_t)utc_s) * (int128)NS_PER_S;
}

static unsigned days_in_month(int64_t year, unsigned month)
{
    static const unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

static int64_t add_months(int64_t days, int64_t months)
{
    int64_t year;
    unsigned month, day;
    civil_from_days(days, &year, &month, &day);
    int64_t total = year * 12 + (month - 1) + months;
    year = (int64_t)number_floor(total, 12);
    month = (unsigned)(total - year * 12) + 1;
    unsigned last = days_in_month(year, month);
    return days_from_civil(year, month, day < last ? day : last);
}

static int128 shift_days(int128 wall_ns, const struct interval *by)
{
    int128 day = number_floor(wall_ns, CALENDAR_DAY_NS);
    int128 in_day = wall_ns - day * CALENDAR_DAY_NS;
    if (by->months)
        day = add_months((int64_t)day, by->months);
    return (day + by->days) * CALENDAR_DAY_NS + in_day;
}

int128 calendar_shift(int128 wall_ns, const struct interval *by)
{
    return shift_days(wall_ns, by) + by->ns;
}

int128 calendar_shift_instant(const struct tzif *zone, int128 instant_ns,
                              const struct interval *by)
{
    if (by->months || by->days)
        instant_ns =
            calendar_instant(zone, shift_days(calendar_wall(zone, instant_ns), by));
    return instant_ns + by->ns;
}

/* What one of a unit is; ns is 0 for units of the calendar. */
static const struct unit {
    const char *name;
    int64_t months;
    int64_t days;
    int64_t ns;
} units[] = {
    {"year", 12, 0, 0},
    {"month", 1, 0, 0},
    {"week", 0, 7, 0},
    {"day", 0, 1, 0},
    {"hour", 0, 0, 3600000000000},
    {"minute", 0, 0, 60000000000},
    {"second", 0, 0, 1000000000},
};

static const struct unit *find_unit(struct text name)
{
    for (size_t i = 0; i < ARRAY_COUNT(units); i++) {
        struct text singular = {name.data, name.bytes};
        if (name.bytes > 1 && (name.data[name.bytes - 1] | 0x20) == 's')
            singular.bytes--;
        if (text_equal_nocase(singular, text_of(units[i].name)))
            return &units[i];
    }
    return NULL;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool in_number(char c)
{
    return (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '+';
}

static struct text take(struct text *rest, bool number)
{
    while (rest->bytes > 0 && is_space(rest->data[0]))
        *rest = (struct text){rest->data + 1, rest->bytes - 1};
    size_t bytes = 0;
    while (bytes < rest->bytes && !is_space(rest->data[bytes]) &&
           in_number(rest->data[bytes]) == number)
        bytes++;
    struct text taken = {rest->data, bytes};
    *rest = (struct text){rest->data + bytes, rest->bytes - bytes};
    return taken;
}

/* add_amount: amount × unit; false when it has a fraction the unit cannot carry, or is
 * absurd. */
static bool add_amount(struct text amount, const struct unit *unit, struct interval *out)
{
    bool exact;
    int128 value, ns;
    int32_t scale;
    double real;
    if (number_parse(amount, &exact, &value, &scale, &real) || !exact)
        return false;
    for (; scale > 0 && value % 10 == 0; scale--)
        value /= 10;
    if (unit->ns == 0) { /* half a day is twelve hours; half a month is nothing certain */
        if (scale > 0 && unit->days == 0)
            return false;
        int128 whole = value / number_power(scale);
        int128 rest = (value - whole * number_power(scale)) * unit->days;
        if (whole > 1000000000 || whole < -1000000000 || scale > 9)
            return false;
        out->months += (int64_t)whole * unit->months;
        out->days += (int64_t)whole * unit->days;
        ns = rest * (CALENDAR_DAY_NS / number_power(scale > 9 ? 9 : scale));
    } else {
        if (scale > 9 || !number_multiply(value, unit->ns, &ns))
            return false;
        ns /= number_power(scale);
    }
    return ns < INT64_MAX && ns > INT64_MIN &&
           !__builtin_add_overflow(out->ns, (int64_t)ns, &out->ns);
}

int calendar_interval(struct text t, struct text unit, struct interval *out)
{
    *out = (struct interval){0};
    if (t.bytes > 200)
        return -1;
    if (unit.data) {
        const struct unit *found = find_unit(unit);
        return found && add_amount(text_trim(t), found, out) ? 0 : -1;
    }
    struct text rest = text_trim(t);
    if (rest.bytes == 0)
        return -1;
    while (rest.bytes > 0) {
        struct text amount = take(&rest, true);
        const struct unit *found = find_unit(take(&rest, false));
        if (!found || !add_amount(amount, found, out))
            return -1;
        rest = text_trim(rest);
    }
    return 0;
}

int calendar_parse(struct text t, int128 *ns_out, bool *has_time_out,
                   bool *has_offset_out)
{
    t = text_trim(t);
    int32_t days;
    if (t.bytes < 10 || clock_parse_date((struct text){t.data, 10}, &days))
        return -1;
    *has_offset_out = false;
    *has_time_out = t.bytes > 10;
    *ns_out = days * CALENDAR_DAY_NS;
    if (!*has_time_out)
        return 0;
    /* The time is read on 1970-01-01, so that years beyond 64-bit nanoseconds work too.
     */
    char text[64] = "1970-01-01";
    int64_t in_day_ns;
    if (t.bytes >= sizeof(text))
        return -1;
    memcpy(text + 10, t.data + 10, t.bytes - 10);
    if (clock_parse((struct text){text, t.bytes}, &in_day_ns, has_offset_out))
        return -1;
    *ns_out += in_day_ns;
    return 0;
}
