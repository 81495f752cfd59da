/* forecast: when a job would end at best, by what limits it, and whether that is in time. */
#ifndef ENGINE_FORECAST_H
#define ENGINE_FORECAST_H

#include "engine/job/books.h"
#include "engine/job/job.h"
#include "engine/pipeline/spread.h"
#include "engine/pipeline/waits.h"

enum forecast_cause {
    FORECAST_NOTHING,  /* no limit says how long it takes */
    FORECAST_PROVIDER, /* its max_message_rate */
    FORECAST_JOB,      /* the job's limits.max_message_rate */
    FORECAST_ALL,      /* volley.yaml's max_message_rate */
    FORECAST_SPREAD,
    FORECAST_HOURS, /* messages wait for their customers' hours */
};

struct forecast {
    int64_t start_ns, ends_ns; /* calendar */
    enum forecast_cause cause; /* of the end */
    /* By what the rates are slowest at, if by any: */
    enum forecast_cause slowest;
    size_t provider;   /* FORECAST_PROVIDER: its index */
    uint64_t messages; /* that go through it */
    bool sms;          /* all of them */
    double rate_per_s, work_s;
};

/* forecast_make: at best: all providers answer at once and nothing is tried twice. Of a route's
 * providers those of the first tier work together, each with its weight's share; one that works for
 * several channels has the messages of all. Limits of recipient domains and what providers take less
 * than their limit are not known before. Where all customers are in the account's time zone, only the
 * time inside the hours counts; else those that wait at the start begin when their hours do. */
void forecast_make(const struct job *job, const struct books *books,
                   const struct waits *waits, struct forecast *out);

/* forecast_warning: one sentence with figures if the job's finish_by cannot be met; false: it can, or
 * there is none. Times are in the account's zone. */
#define FORECAST_WARNING_BYTES 640
bool forecast_warning(const struct job *job, const struct forecast *forecast,
                      char out[FORECAST_WARNING_BYTES]);

/* forecast_duration: "3 h 20 min", "45 s". */
#define FORECAST_DURATION_BYTES 32
void forecast_duration(double seconds, char out[FORECAST_DURATION_BYTES]);

#endif
