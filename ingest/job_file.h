/* job_file: the JSON that asks for one message to one audience (DESIGN 4.3). */
#ifndef INGEST_JOB_FILE_H
#define INGEST_JOB_FILE_H

#include "base/arena.h"
#include "base/hours.h"
#include "base/message.h"

enum job_source { JOB_CAMPAIGN, JOB_SEQUENCE, JOB_MANUAL };
enum job_delivery { JOB_DELIVER_ALL, JOB_DELIVER_FIRST };
/* Which messages of another job are sent again: surely not taken, perhaps taken, never tried. */
enum resend_only { RESEND_FAILED, RESEND_UNKNOWN, RESEND_UNSENT, RESEND_QUOTA };
#define RESEND_ONLY_COUNT (RESEND_QUOTA + 1)
const char *resend_only_name(enum resend_only only);
/* resend_only_parse: the value, or -1. */
int resend_only_parse(struct text name);

struct job_pair { /* a variable or parameter */
    struct text name;
    struct text value; /* JSON scalars as text; null is TEXT_NONE */
    enum { JOB_TEXT, JOB_INTEGER, JOB_REAL, JOB_BOOL, JOB_NULL } kind;
};

/* A job file, parsed and checked on its own; references (account, template, snapshot, columns) are
 * checked by the engine. All texts live in arena. */
struct job_file {
    struct arena arena;
    struct text id;
    struct text account;
    enum category category;
    enum job_source source;
    enum priority priority; /* left out: normal for marketing, else high */
    struct text template_name;
    struct job_pair *vars;
    size_t var_count;
    struct {
        struct text snapshot; /* relative to the home */
        struct text where;    /* TEXT_NONE: everybody */
        struct text saved;    /* name of a saved audience, or TEXT_NONE */
        struct job_pair *params;
        size_t param_count;
        struct text *recipients; /* customer ids, or NULL */
        size_t recipient_count;
        unsigned where_line;
    } audience;
    enum channel channels[CHANNEL_COUNT];
    size_t channel_count;
    enum job_delivery delivery;
    bool sms_fallback_email;
    int64_t send_at_ns;     /* 0: now */
    int64_t spread_over_ns; /* 0: as fast as it goes */
    int64_t finish_by_ns;   /* 0: whenever; it is only warned of */
    int64_t expires_at_ns;  /* 0: never */
    struct hours_rule quiet_hours, delivery_window; /* days 0: not given */
    double max_message_rate_per_s;                  /* 0: no limit */
    uint64_t max_segments;                          /* 0: no limit */
    uint64_t max_recipients;                        /* 0: no limit */
    bool dedupe_address;
    struct {
        int enabled; /* 1, 0, or -1 where the key is not given */
        uint64_t canary, min_messages, window; /* 0: not given */
        double canary_share, failure_rate;     /* 0 … 1; -1: not given */
        int64_t wait_ns;                       /* -1: not given */
    } auto_hold;
    struct {
        struct text job; /* TEXT_NONE: this job resends none */
        enum resend_only only;
        bool new_text; /* of templates/ as it is now, not as it was then */
    } resend;
};

/* Called for every problem found; line 0 when the whole file is meant. */
typedef void job_problem_fn(void *arg, unsigned line, const char *sentence);

/* job_file_parse: read a job and report every problem, not only the first.
 * Shapes: content up to 64 MiB
 * Owns:   out on success; job_file_fini frees it
 * Errors: ERROR_INPUT with the first problem as `name:line: sentence`; the others go to problem_fn
 *         (may be NULL), which gets the first as well. */
int job_file_parse(struct text content, const char *name, job_problem_fn *problem_fn,
                   void *arg, struct job_file *out, struct error *err) MUST_USE;
void job_file_fini(struct job_file *job);

#endif
