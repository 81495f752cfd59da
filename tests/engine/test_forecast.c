/* forecast: when a job would end, by table; what is said of it; and whether a job on its way is late. */
#include "engine/jobs/forecast.h"

#include "base/clock.h"
#include "engine/run/run_private.h"

#include <criterion/criterion.h>

#define NOW_NS 1763888400000000000ll /* 2025-11-23T09:00:00Z, a Sunday */

/* Providers a and b share a route by weight, c takes over where they break; d has push and in-app. */
struct scene {
    double a, b, all, job; /* rates a second */
    unsigned weight_a, weight_b;
    uint64_t sms, push, inapp;
    int64_t spread_s, wait_s; /* so many seconds wait_sms wait */
    uint64_t wait_sms;
    const char *window; /* "HH-HH" */
};

static struct provider_config providers[] = {
    {.name = "a"},
    {.name = "b"},
    {.name = "c", .max_message_rate_per_s = 0.001},
    {.name = "d", .max_message_rate_per_s = 50}};
static struct route_entry sms[3], app[] = {{.provider = 3, .weight = 1}};

static void make(const struct scene *s, struct config *config, struct job *job,
                 struct forecast *out)
{
    struct books books = {.matched = s->sms + s->push + s->inapp};
    static struct waits waits;
    providers[0].max_message_rate_per_s = s->a;
    providers[1].max_message_rate_per_s = s->b;
    sms[0] = (struct route_entry){.provider = 0, .weight = (uint16_t)s->weight_a};
    sms[1] = (struct route_entry){.provider = 1, .weight = (uint16_t)s->weight_b};
    sms[2] = (struct route_entry){.provider = 2, .tier = 1, .weight = 1};
    *config = (struct config){
        .providers = providers, .provider_count = 4, .max_message_rate_per_s = s->all};
    config->routes[CHANNEL_SMS] = sms;
    config->route_counts[CHANNEL_SMS] = 3;
    config->routes[CHANNEL_PUSH] = config->routes[CHANNEL_INAPP] = app;
    config->route_counts[CHANNEL_PUSH] = config->route_counts[CHANNEL_INAPP] = 1;
    *job = (struct job){.config = config, .now_ns = NOW_NS};
    job->file.max_message_rate_per_s = s->job;
    job->file.spread_over_ns = s->spread_s * NS_PER_S;
    if (s->window)
        hours_add(&job->hours, &(struct hours_rule){.start_min = atoi(s->window) * 60,
                                                    .end_min = atoi(s->window + 3) * 60,
                                                    .days = HOURS_EVERY_DAY});
    books.channels[CHANNEL_SMS].dispositions[DISPOSITION_SEND] = s->sms;
    books.channels[CHANNEL_PUSH].dispositions[DISPOSITION_SEND] = s->push;
    books.channels[CHANNEL_INAPP].dispositions[DISPOSITION_SEND] = s->inapp;
    waits = (struct waits){.count = s->wait_s > 0};
    waits.times[0].until_ns = NOW_NS + s->wait_s * NS_PER_S;
    waits.times[0].messages[CHANNEL_SMS] = s->wait_sms;
    forecast_make(job, &books, &waits, out);
}

Test(forecast, ends_by_table)
{
    static const struct {
        struct scene scene;
        double eta_s;
        enum forecast_cause cause;
    } cases[] = {
        /* two that share evenly are twice as fast; the tier behind them does nothing */
        {{.a = 100, .b = 100, .weight_a = 1, .weight_b = 1, .sms = 1200000},
         6000,
         FORECAST_PROVIDER},
        /* three quarters go to the slow one: 900,000 at 50/s */
        {{.a = 50, .b = 100, .weight_a = 3, .weight_b = 1, .sms = 1200000},
         18000,
         FORECAST_PROVIDER},
        {{.a = 50, .weight_a = 1, .weight_b = 1, .sms = 1000}, 10, FORECAST_PROVIDER},
        {{.weight_a = 1, .weight_b = 1, .sms = 1000}, 0, FORECAST_NOTHING},
        /* d has both channels' messages */
        {{.weight_a = 1, .weight_b = 1, .push = 1000, .inapp = 500},
         30,
         FORECAST_PROVIDER},
        /* the lowest rate wins, whichever it is */
        {{.a = 100,
          .b = 100,
          .weight_a = 1,
          .weight_b = 1,
          .sms = 1200,
          .push = 300,
          .job = 10},
         150,
         FORECAST_JOB},
        {{.a = 100, .b = 100, .weight_a = 1, .weight_b = 1, .sms = 1200, .all = 20},
         60,
         FORECAST_ALL},
        {{.a = 100,
          .b = 100,
          .weight_a = 1,
          .weight_b = 1,
          .sms = 1200,
          .spread_s = 7200},
         7200,
         FORECAST_SPREAD},
        {{.a = 1, .b = 1, .weight_a = 1, .weight_b = 1, .sms = 20000, .spread_s = 7200},
         10000,
         FORECAST_PROVIDER},
        {{.spread_s = 7200, .weight_a = 1, .weight_b = 1},
         0,
         FORECAST_NOTHING}, /* nobody */
        /* 09:00: the window of 08-10 has an hour left today, and one second more tomorrow at 08:00 */
        {{.job = 1, .weight_a = 1, .weight_b = 1, .sms = 3601, .window = "08-10"},
         23 * 3600 + 1,
         FORECAST_HOURS},
        {{.job = 1, .weight_a = 1, .weight_b = 1, .sms = 3600, .window = "08-10"},
         3600,
         FORECAST_JOB},
        /* 2 h 30 min by 1/s: one today, two tomorrow, up to 09:30 */
        {{.job = 1, .weight_a = 1, .weight_b = 1, .sms = 9000, .window = "08-10"},
         24 * 3600 + 1800,
         FORECAST_HOURS},
        {{.weight_a = 1, .weight_b = 1, .sms = 5, .window = "12-20"},
         3 * 3600,
         FORECAST_HOURS},
        /* slots in the night go in the morning: 09:00 + 2 h is 11:00, closed until 08:00 */
        {{.weight_a = 1, .weight_b = 1, .sms = 5, .spread_s = 7200, .window = "08-10"},
         23 * 3600,
         FORECAST_HOURS},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct config config;
        struct job job;
        struct forecast f;
        make(&cases[i].scene, &config, &job, &f);
        cr_expect_float_eq((double)(f.ends_ns - f.start_ns) / 1e9, cases[i].eta_s, 0.001,
                           "case %zu: %f s", i, (double)(f.ends_ns - f.start_ns) / 1e9);
        cr_expect_eq(f.cause, cases[i].cause, "case %zu: cause %d", i, f.cause);
    }
}

Test(forecast, says_it_in_one_sentence)
{
    static const struct {
        struct scene scene;
        int64_t send_at_s, finish_by_s; /* from now on; 0: none */
        const char *said;               /* NULL: nothing */
    } cases[] = {
        {{.a = 100, .weight_a = 1, .weight_b = 1, .sms = 2400000},
         0,
         3 * 3600,
         "finish_by 12:00 (UTC) cannot be met: 1,200,000 SMS through a at 100/s take 3 h "
         "20 min; "
         "it would end at 12:20; raise providers.a.max_message_rate"},
        {{.job = 100, .weight_a = 1, .weight_b = 1, .sms = 1200000},
         6 * 3600,
         9 * 3600,
         "finish_by 18:00 (UTC) cannot be met: 1,200,000 SMS at 100/s take 3 h 20 min; "
         "it would end at 18:20; raise the job's limits.max_message_rate or start by "
         "14:40"},
        {{.all = 0.5, .weight_a = 1, .weight_b = 1, .sms = 30, .push = 30},
         0,
         60,
         "finish_by 09:01 (UTC) cannot be met: 60 messages at 1800/hr take 2 min; "
         "it would end at 09:02; raise max_message_rate"},
        {{.spread_s = 86400, .weight_a = 1, .weight_b = 1, .sms = 30},
         0,
         7200,
         "finish_by 11:00 (UTC) cannot be met: the messages are spread over 24 h; "
         "it would end at 2025-11-24 09:00; shorten spread_over"},
        {{.weight_a = 1, .weight_b = 1, .sms = 30, .window = "12-20"},
         0,
         7200,
         "finish_by 11:00 (UTC) cannot be met: messages wait for their customers' hours; "
         "it would end at 12:00; widen the hours"},
        {{.job = 100, .weight_a = 1, .weight_b = 1, .sms = 1200000},
         0,
         3 * 3600 + 20 * 60,
         NULL},
        {{.job = 100, .weight_a = 1, .weight_b = 1, .sms = 1200000}, 0, 0, NULL},
        {{.weight_a = 1, .weight_b = 1, .sms = 1},
         0,
         -60,
         "finish_by 08:59 (UTC) cannot be met: it is not later than the start"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct config config;
        struct job job;
        struct forecast f;
        char said[FORECAST_WARNING_BYTES] = "";
        make(&cases[i].scene, &config, &job, &f);
        if (cases[i].send_at_s) {
            f.start_ns += cases[i].send_at_s * NS_PER_S;
            f.ends_ns += cases[i].send_at_s * NS_PER_S;
        }
        if (cases[i].finish_by_s)
            job.file.finish_by_ns = NOW_NS + cases[i].finish_by_s * NS_PER_S;
        bool warned = forecast_warning(&job, &f, said);
        cr_expect_eq(warned, cases[i].said != NULL, "case %zu: %s", i, said);
        if (cases[i].said && warned)
            cr_expect_str_eq(said, cases[i].said, "case %zu: %s", i, said);
    }
}

Test(forecast, durations)
{
    static const struct {
        double seconds;
        const char *said;
    } cases[] = {{0.2, "1 s"},        {119, "119 s"},        {120, "2 min"},
                 {3599, "1 h"},       {12000, "3 h 20 min"}, {7200, "2 h"},
                 {172800, "2 d 0 h"}, {200000, "2 d 8 h"},   {1e18, "11574 d 2 h"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char said[FORECAST_DURATION_BYTES];
        forecast_duration(cases[i].seconds, said);
        cr_expect_str_eq(said, cases[i].said, "%f", cases[i].seconds);
    }
}

Test(forecast, on_the_way_by_how_fast_it_went)
{
    /* a tenth in ten seconds: the half that is left takes fifty */
    cr_expect_eq(run_late_ends_ns(1000 * NS_PER_S, 10 * NS_PER_S, 0.4, 0.5) / NS_PER_MS,
                 1050 * 1000);
    cr_expect_eq(run_late_ends_ns(NOW_NS, NS_PER_S, 0.2, 1), NOW_NS);
    cr_expect_gt(run_late_ends_ns(NOW_NS, NS_PER_S, 0.2, 0.2),
                 NOW_NS + 300 * 86400 * NS_PER_S);
    cr_expect_gt(run_late_ends_ns(NOW_NS, NS_PER_S, 0.2, 0.1), NOW_NS);
}
