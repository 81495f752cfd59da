/* verb: one word of the command line; each has a file verb_<name>.c and a row in main.c's
 * table.
 *
 * Data goes to stdout, everything else to stderr. A verb returns its exit status; an
 * error is reported with verb_fail(). */
#ifndef CLI_VERB_H
#define CLI_VERB_H

#include "cli/options.h"
#include "engine/config.h"
#include "engine/state/store.h"

#include <jansson.h>
#include <signal.h>

struct verb_context {
    const char *home; /* --home, $VOLLEY_HOME or . */
    bool json;        /* --json */
    bool terminal;    /* stderr is one: progress and colours are welcome */
    struct options options;
};

struct verb {
    const char *name;
    const char *arguments; /* "JOB", "FILE --where EXPR" */
    const char *summary;   /* one line for `volley --help` */
    const char *example;   /* one or more lines of shell */
    const struct option_spec *options;
    size_t arguments_min, arguments_max;
    int (*run)(struct verb_context *context);
};

/* Every row of main.c's table is one of these. */
extern const struct verb verb_init, verb_import, verb_snapshot, verb_audience,
    verb_segments, verb_render, verb_check, verb_plan, verb_preview, verb_send,
    verb_resume, verb_resend, verb_submit, verb_serve, verb_jobs, verb_show, verb_pause,
    verb_cancel, verb_messages, verb_receipts, verb_optout, verb_account, verb_quota,
    verb_outbox, verb_sandbox, verb_reload, verb_top, verb_bench;

/* VERB_COMMON: what every verb's option table ends with. */
#define VERB_COMMON                                                                      \
    {"home", "DIR", "the home directory (default: $VOLLEY_HOME, else .)"},               \
        {"json", NULL, "print data as JSON"}, {"help", NULL, "this text"},               \
    {                                                                                    \
        NULL, NULL, NULL                                                                 \
    }

/* verb_fail: print the sentence to stderr; with --json also {"error":{code,message}} to
 * stdout. Returns the exit status that goes with it. */
int verb_fail(const struct verb_context *context, const struct error *err);

/* verb_open: configuration and state of the home. Either may be NULL: not wanted. */
int verb_open(const struct verb_context *context, struct config **config,
              struct store **store, struct error *err) MUST_USE;

/* verb_with_store: open the home's state, call fn with it and an arena for what it reads, close.
 * Returns the exit status; an error of fn is reported. */
int verb_with_store(struct verb_context *context,
                    int (*fn)(struct verb_context *context, struct store *store,
                              struct arena *arena, struct error *err));

/* verb_print_json: one line to stdout.
 * Owns: takes the reference. */
void verb_print_json(json_t *json);

/* verb_stop: set by SIGINT and SIGTERM once verb_catch_signals() was called; the second
 * SIGINT ends the process at once. */
extern volatile sig_atomic_t verb_stop;
void verb_catch_signals(void);

/* verb_warning, verb_problem: job_problem_fn that print to stderr; arg is a bool * of
 * whether one was printed (may be NULL). */
void verb_warning(void *arg, unsigned line, const char *sentence);
void verb_problem(void *arg, unsigned line, const char *sentence);

#endif
