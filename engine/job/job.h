/* job: a job file with everything it refers to opened and checked, ready to plan, preview
 * or run. */
#ifndef ENGINE_JOB_H
#define ENGINE_JOB_H

#include "engine/audience/audience.h"
#include "engine/config.h"
#include "engine/job/zones.h"
#include "engine/state/account.h"
#include "engine/job/recent.h"
#include "engine/job/resend.h"
#include "engine/state/dead.h"
#include "ingest/job_file.h"
#include "ingest/snapshot.h"
#include "render/mail/unsubscribe.h"
#include "render/template/template_set.h"

#include <signal.h>

/* So many resends of resends are traced. */
#define RESENT_MAX 16

/* Where a template variable's value comes from, in this order of preference. */
enum job_binding_kind {
    JOB_BIND_VAR,         /* the job's vars */
    JOB_BIND_UNSUBSCRIBE, /* ##{{unsubscribe_url}}: made per customer */
    JOB_BIND_ACCOUNT,     /* account_name, support_contact, upgrade_url */
    JOB_BIND_CASE,        /* a text of template.yaml, chosen by a column's value (R25) */
    JOB_BIND_COLUMN,      /* the snapshot's column of that name */
    JOB_BIND_DEFAULT,     /* template.yaml's default, or empty */
};

struct job_binding {
    enum job_binding_kind kind;
    struct text value; /* var, account */
    int column;        /* column, case */
};

struct job {
    const struct config *config;
    unsigned workers;
    bool frugal;        /* one worker and few batches: many jobs run at once */
    struct arena arena; /* account, bindings, texts */
    struct job_file file;
    struct account account;
    struct tzif *zone;   /* the account's */
    struct hours hours;  /* when messages may go out, on the customers' clocks */
    struct zones *zones; /* theirs */
    int64_t now_ns;      /* the frozen clock */
    unsigned char secret[UNSUBSCRIBE_KEY_BYTES];

    struct template_set *templates;
    struct job_binding *bindings; /* one per template variable */
    size_t binding_count;
    size_t language; /* for a customer whose own the template lacks */

    const char *template_dir;
    const char *snapshot_path;
    struct snapshot *snapshot;
    struct text where; /* the expression, also of a saved audience */
    struct audience *audience;
    uint64_t *recipients; /* sorted hashes of customer ids; NULL: not restricted */
    size_t recipient_count;
    uint64_t *needed; /* bitmap of snapshot columns that a run reads */

    struct optout_set *optouts;
    int64_t optout_serial;
    struct config_auto_hold auto_hold; /* the configuration's, with the job file's own */
    struct optout_set *dead;           /* addresses, by dead_hash */
    struct recent *recent;             /* for the frequency cap; NULL: none */
    struct resend *resend;             /* only these rows and channels; NULL: no resend */
    struct text resent[RESENT_MAX];    /* the job it resends, that one's, … */
    size_t resent_count;
    struct text message_job; /* whose messages these are: the id in message ids */
    bool single;             /* a manual message to one customer (R9) */
    bool fallback; /* sms falls back to email, which is not a channel of the job itself */

    struct text email_from_name, email_from;
    struct text sms_from;
};

/* What a job is made from. */
struct job_env {
    const char *home;
    const struct config *config;
    struct store *store;
    bool frugal;  /* see struct job */
    bool closing; /* only to cancel it, which a blocked account may */
    const volatile sig_atomic_t *stop; /* set: wait for no other job; NULL: never */
    /* Told about problems that do not stop the job. May be NULL. */
    job_problem_fn *warning_fn;
    /* Told about every problem that does, the first included. May be NULL. */
    job_problem_fn *problem_fn;
    void *arg;
};

/* What a run that goes on with a job has frozen at its start; see frozen.h. */
struct job_frozen {
    const char *snapshot_path;
    const char *template_dir;
    int64_t now_ns;
    struct text where;
};

/* job_open: resolve a parsed job file.
 * Owns:   *file moves into the job on success and on failure
 * Errors: ERROR_INPUT, ERROR_CONFIG, ERROR_IO: the first problem; all go to problem_fn */
int job_open(const struct job_env *env, struct job_file *file,
             const struct job_frozen *frozen, struct job **out,
             struct error *err) MUST_USE;
void job_close(struct job **job);

/* job_load: job_open for a path (job_file_parse included). content_out, if not NULL, gets
 * the file's bytes. */
struct buffer;
int job_load(const struct job_env *env, const char *path, struct buffer *content_out,
             struct job **out, struct error *err) MUST_USE;

/* job_uses: the channel is named, or is email as fallback. */
bool job_uses(const struct job *job, enum channel channel);
bool job_names(const struct job *job, enum channel channel);
/* job_is_capped: the frequency cap holds for it. */
bool job_is_capped(const struct config *config, const struct job_file *file);

/* job_customer: the customer's id at a row of a chunk; integers are written into the
 * arena. TEXT_NONE when it is null or longer than 255 bytes. */
struct text job_customer(const struct job *job, const struct chunk *chunk, uint32_t row,
                         struct arena *arena);

/* job_column: the snapshot's column for a role within a chunk, or NULL. */
const struct column *job_column(const struct job *job, const struct chunk *chunk,
                                enum snapshot_role role);

#endif
