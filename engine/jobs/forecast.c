/* forecast: see forecast.h. */
#include "engine/jobs/forecast.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>

/* Hours are walked through for so many openings; whoever needs more is not in time anyway. */
#define OPENINGS_MAX 4096

/* --- rates --- */

/* add_shares: what a route's messages are to its providers: the first tier's, by weight. */
static void add_shares(const struct config *config, enum channel channel,
                       uint64_t messages, double *loads)
{
    const struct route_entry *route = config->routes[channel];
    size_t count = 0;
    double weights = 0;
    while (count < config->route_counts[channel] && route[count].tier == route[0].tier)
        weights += route[count++].weight;
    for (size_t i = 0; i < count; i++)
        loads[route[i].provider] += (double)messages * route[i].weight / weights;
}

static void slower(struct forecast *f, enum forecast_cause cause, double messages,
                   double rate_per_s)
{
    if (rate_per_s <= 0 || messages / rate_per_s <= f->work_s)
        return;
    f->slowest = cause;
    f->messages = (uint64_t)(messages + 0.5);
    f->rate_per_s = rate_per_s;
    f->work_s = messages / rate_per_s;
}

/* work: how long these messages take at least, into work_s and what it is by. */
static void work(const struct job *job, const uint64_t messages[CHANNEL_COUNT],
                 struct forecast *f)
{
    const struct config *config = job->config;
    double loads[UINT8_MAX + 1] = {0}, total = 0, loads_sms[UINT8_MAX + 1] = {0};
    for (int c = 0; c < CHANNEL_COUNT; c++) {
        add_shares(config, (enum channel)c, messages[c], loads);
        if (c == CHANNEL_SMS)
            add_shares(config, CHANNEL_SMS, messages[c], loads_sms);
        total += (double)messages[c];
    }
    f->work_s = 0;
    f->slowest = FORECAST_NOTHING;
    for (size_t p = 0; p < config->provider_count; p++) {
        double before_s = f->work_s;
        slower(f, FORECAST_PROVIDER, loads[p],
               config->providers[p].max_message_rate_per_s);
        if (f->work_s > before_s) {
            f->provider = p;
            f->sms = loads_sms[p] >= loads[p];
        }
    }
    double others_s = f->work_s;
    slower(f, FORECAST_ALL, total, config->max_message_rate_per_s);
    slower(f, FORECAST_JOB, total, job->file.max_message_rate_per_s);
    if (f->work_s > others_s)
        f->sms = (double)messages[CHANNEL_SMS] >= total;
}

/* --- hours --- */

/* in_one_zone: every customer keeps the account's hours. */
static bool in_one_zone(const struct job *job, const struct books *books,
                        const struct waits *waits)
{
    return !job->snapshot || snapshot_column(job->snapshot, SNAPSHOT_TIMEZONE) < 0 ||
           waits->zone_missing + waits->zone_unknown >= books->matched;
}

/* walk: when so much time inside the hours is over. */
static int64_t walk(const struct job *job, int64_t start_ns, int64_t need_ns)
{
    int64_t at_ns = start_ns;
    for (int i = 0; i < OPENINGS_MAX && job->hours.count > 0; i++) {
        bool open;
        int64_t next_s = hours_next(&job->hours, job->zone, at_ns / NS_PER_S, &open);
        if (next_s > HOURS_NEVER / NS_PER_S)
            break;
        int64_t next_ns = next_s * NS_PER_S;
        if (open && at_ns + need_ns <= next_ns)
            break;
        need_ns -= open ? next_ns - at_ns : 0;
        at_ns = next_ns;
    }
    return at_ns + need_ns;
}

static void later(struct forecast *f, int64_t ends_ns, enum forecast_cause cause)
{
    if (ends_ns > f->ends_ns) {
        f->ends_ns = ends_ns;
        f->cause = cause;
    }
}

/* after_waits: those that wait at the start, in the order of their hours, and what is left then. */
static void after_waits(const struct job *job, const struct waits *waits,
                        struct forecast *f)
{
    uint64_t left[CHANNEL_COUNT] = {0};
    for (size_t i = waits->count; i-- > 0;) {
        struct forecast rest;
        for (int c = 0; c < CHANNEL_COUNT; c++)
            left[c] += waits->times[i].messages[c];
        work(job, left, &rest);
        later(f, waits->times[i].until_ns + (int64_t)(rest.work_s * (double)NS_PER_S),
              FORECAST_HOURS);
    }
}

void forecast_make(const struct job *job, const struct books *books,
                   const struct waits *waits, struct forecast *out)
{
    uint64_t messages[CHANNEL_COUNT], total = 0;
    *out = (struct forecast){.start_ns = spread_start_ns(job)};
    for (int c = 0; c < CHANNEL_COUNT; c++) {
        messages[c] = books_pending(books, (enum channel)c);
        messages[c] -= waits->expired[c] < messages[c] ? waits->expired[c] : messages[c];
        total += messages[c];
    }
    work(job, messages, out);
    out->ends_ns = out->start_ns;
    int64_t work_ns = (int64_t)(out->work_s * (double)NS_PER_S);
    int64_t span_ns = total > 0 ? job->file.spread_over_ns : 0;
    later(out, out->start_ns + work_ns, out->slowest);
    later(out, out->start_ns + span_ns, FORECAST_SPREAD);
    if (total == 0 || job->hours.count == 0)
        return;
    if (in_one_zone(job, books, waits)) {
        later(out, walk(job, out->start_ns, work_ns), FORECAST_HOURS);
        later(out, walk(job, out->start_ns + span_ns, 0), FORECAST_HOURS);
    } else {
        after_waits(job, waits, out);
    }
}

/* --- in words --- */

void forecast_duration(double seconds, char out[FORECAST_DURATION_BYTES])
{
    uint64_t s = seconds < 1e9 ? (uint64_t)(seconds + 0.999999) : (uint64_t)1e9;
    uint64_t min = (s + 59) / 60, h = (s + 3599) / 3600;
    if (s < 120)
        snprintf(out, FORECAST_DURATION_BYTES, "%" PRIu64 " s", s);
    else if (min < 60)
        snprintf(out, FORECAST_DURATION_BYTES, "%" PRIu64 " min", min);
    else if (min < 48 * 60 && min % 60)
        snprintf(out, FORECAST_DURATION_BYTES, "%" PRIu64 " h %" PRIu64 " min", min / 60,
                 min % 60);
    else if (min < 48 * 60)
        snprintf(out, FORECAST_DURATION_BYTES, "%" PRIu64 " h", min / 60);
    else
        snprintf(out, FORECAST_DURATION_BYTES, "%" PRIu64 " d %" PRIu64 " h", h / 24,
                 h % 24);
}

static void format_count(uint64_t count, char out[32])
{
    char digits[24];
    int length = snprintf(digits, sizeof(digits), "%" PRIu64, count), used = 0;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            out[used++] = ',';
        out[used++] = digits[i];
    }
    out[used] = '\0';
}

static void format_rate(double rate_per_s, char out[32])
{
    if (rate_per_s >= 1)
        snprintf(out, 32, "%.4g/s", rate_per_s);
    else
        snprintf(out, 32, "%.4g/hr", rate_per_s * 3600);
}

/* format_time: on the account's clock: the time of day, behind the date when it is not the start's;
 * up to the full second or minute, so that what is said is not too early. */
static void format_time(const struct job *job, const struct forecast *f, int64_t at_ns,
                        char out[40])
{
    int64_t at_s = at_ns / NS_PER_S, start_s = f->start_ns / NS_PER_S;
    int64_t local_s = at_s + tzif_offset_s(job->zone, at_s);
    int64_t day = local_s / 86400,
            today = (start_s + tzif_offset_s(job->zone, start_s)) / 86400;
    int64_t in_day_s = local_s % 86400, year;
    unsigned month, d;
    int used = 0;
    civil_from_days(day, &year, &month, &d);
    if (day != today)
        used = snprintf(out, 40, "%04d-%02u-%02u ", (int)year, month, d);
    bool seconds = f->ends_ns - f->start_ns < 600 * NS_PER_S && in_day_s % 60;
    used += snprintf(out + used, 40 - (size_t)used, "%02d:%02d", (int)(in_day_s / 3600),
                     (int)(in_day_s / 60 % 60));
    if (seconds)
        snprintf(out + used, 40 - (size_t)used, ":%02d", (int)(in_day_s % 60));
}

/* say_why: what takes how long, and what to do about it. */
static void say_why(const struct job *job, const struct forecast *f, char why[200],
                    char remedy[160])
{
    char count[32], rate[32], took[FORECAST_DURATION_BYTES];
    format_count(f->messages, count);
    format_rate(f->rate_per_s, rate);
    forecast_duration(f->work_s, took);
    const char *name =
        f->slowest == FORECAST_PROVIDER ? job->config->providers[f->provider].name : "";
    if (f->cause == FORECAST_SPREAD) {
        forecast_duration((double)job->file.spread_over_ns / (double)NS_PER_S, took);
        snprintf(why, 200, "the messages are spread over %s", took);
        snprintf(remedy, 160, "shorten spread_over");
        return;
    }
    if (f->cause == FORECAST_HOURS && f->slowest == FORECAST_NOTHING)
        snprintf(why, 200, "messages wait for their customers' hours");
    else
        snprintf(why, 200, "%s %s%s%.60s at %s take %s%s", count,
                 f->sms ? "SMS" : "messages", *name ? " through " : "", name, rate, took,
                 f->cause == FORECAST_HOURS ? " inside their customers' hours" : "");
    if (f->cause == FORECAST_HOURS)
        snprintf(remedy, 160, "widen the hours");
    else if (f->cause == FORECAST_PROVIDER)
        snprintf(remedy, 160, "raise providers.%.60s.max_message_rate", name);
    else
        snprintf(remedy, 160, "raise %smax_message_rate",
                 f->cause == FORECAST_JOB ? "the job's limits." : "");
}

bool forecast_warning(const struct job *job, const struct forecast *f,
                      char out[FORECAST_WARNING_BYTES])
{
    char by[40], ends[40], start_by[40], or_start[64] = "", why[200], remedy[160];
    int64_t finish_ns = job->file.finish_by_ns;
    if (finish_ns == 0 || (f->ends_ns <= finish_ns && f->start_ns < finish_ns))
        return false;
    struct text zone = job->account.timezone;
    zone = zone.bytes > 0 && zone.bytes < 64 ? zone : TEXT("UTC");
    format_time(job, f, finish_ns, by);
    if (f->start_ns >= finish_ns) {
        snprintf(out, FORECAST_WARNING_BYTES,
                 "finish_by %s (%.*s) cannot be met: it is not later than the start", by,
                 TEXT_ARGS(zone));
        return true;
    }
    say_why(job, f, why, remedy);
    format_time(job, f, f->ends_ns + NS_PER_S - 1, ends);
    int64_t start_by_ns = finish_ns - (f->ends_ns - f->start_ns);
    format_time(job, f, start_by_ns, start_by);
    if (f->cause != FORECAST_HOURS && start_by_ns > job->now_ns)
        snprintf(or_start, sizeof(or_start), " or start by %s", start_by);
    snprintf(out, FORECAST_WARNING_BYTES,
             "finish_by %s (%.*s) cannot be met: %s; it would end at %s; %s%s", by,
             TEXT_ARGS(zone), why, ends, remedy, or_start);
    return true;
}
