/* provider: the method table that every kind of provider implements, one file each in
 * providers/. */
#ifndef OUTBOX_PROVIDER_H
#define OUTBOX_PROVIDER_H

#include "base/error.h"
#include "outbox/dispatch/delivery.h"
#include "outbox/loop/loop.h"

enum on_unknown { ON_UNKNOWN_HOLD, ON_UNKNOWN_RESEND, ON_UNKNOWN_ASSUME_SENT };

enum provider_tls { PROVIDER_TLS_AUTO, PROVIDER_TLS_OFF, PROVIDER_TLS_REQUIRED };
enum provider_auth {
    PROVIDER_AUTH_AUTO,
    PROVIDER_AUTH_PLAIN,
    PROVIDER_AUTH_LOGIN,
    PROVIDER_AUTH_XOAUTH2
};

/* One entry of `providers.NAME.domains:`: limits of its own for a recipient domain. 0: the
 * provider's. */
struct provider_domain {
    const char *name; /* lower case */
    unsigned max_connections;
    unsigned messages_per_connection;
    double max_message_rate_per_s;
};

/* A name and a value: a header of type http. */
struct provider_header {
    const char *name;
    const char *value;
};

/* What a reply means. The first are the words of `means:` in volley.yaml. */
enum provider_meaning {
    PROVIDER_MEANS_SENT,
    PROVIDER_MEANS_FAILED,
    PROVIDER_MEANS_RETRY,
    PROVIDER_MEANS_SLOW_DOWN, /* retry, and the provider is too busy */
    PROVIDER_MEANS_UNKNOWN,
    PROVIDER_MEANS_STOP, /* it does not accept us */
    PROVIDER_MEANS_DEAD, /* failed, and the address is dead */
    PROVIDER_MEANS_OPTED_OUT,
    PROVIDER_MEANS_SPLIT, /* all were refused for one of them: again in smaller calls */
    PROVIDER_MEANS_TOO_LARGE,  /* the same, by its size */
    PROVIDER_MEANS_NO_ADDRESS, /* failed; elsewhere the address may be one */
    PROVIDER_MEANS_NO_KEY,     /* failed; it accepts us, but not for messages like this */
    PROVIDER_MEANS_REDIRECT,   /* retry, and every message would meet it */
    PROVIDER_MEANS_UNCLEAR,    /* unknown, from a provider that works */
};

/* One entry of `providers.NAME.replies:` of type http: the first that matches says what a reply means. */
struct provider_reply {
    const char *status; /* "200", "500-599", "200,202"; "": any */
    const char *field;  /* path of a field, as `errors.0.code`; "": none is looked at */
    const char *is;     /* its value, or several between `|`; "": it is there at all */
    enum provider_meaning means;
};

/* One entry of `providers:` in volley.yaml. Strings are NUL-terminated, "" when not
 * given. */
struct provider_config {
    const char *name;
    const char *type;
    const char *url;
    const char *account_sid;
    const char *auth_token;
    const char *from;
    /* smtp */
    const char *username;
    const char *password; /* or the OAuth 2 access token */
    enum provider_auth auth;
    enum provider_tls tls;
    bool tls_unverified; /* neither certificate nor name is checked */
    const char *tls_ca;  /* a file of CA certificates; "": the system's */
    const char *verp;    /* the domain of return paths; "": the sender's own */
    const struct provider_domain *domains;
    size_t domain_count;
    /* ses, sendgrid, fcm */
    const char *region;
    const char *access_key;
    const char *secret_key;
    const char *session_token;
    const char *api_key;
    const char *credentials; /* a service account's JSON */
    bool sandbox_mode;       /* the provider checks and delivers nothing */
    /* http, and how many messages a call has with all that batch */
    unsigned batch;         /* 0: as many as the type allows */
    const char *body;       /* a message's, with `##{{name}}` */
    const char *batch_body; /* a call's with `##{{messages}}`; "": an array of them */
    const char
        *batch_replies; /* path of the array of replies, in order; "": one for all */
    bool form;          /* values are form-encoded, not JSON-escaped */
    const char *id;     /* path of the provider's id in a reply */
    const char *detail; /* path of its words about a failure */
    const struct provider_header *headers;
    size_t header_count;
    const struct provider_reply *replies;
    size_t reply_count;
    /* all */
    unsigned max_connections;
    double max_message_rate_per_s; /* 0: no limit */
    unsigned messages_per_connection;
    int64_t timeout_ns;       /* connect, and each reply */
    int64_t retry_first_ns;   /* back-off: first wait, doubled each time, with jitter */
    int64_t retry_max_ns;     /* longest wait */
    int64_t retry_give_up_ns; /* after this long a message fails */
    unsigned retry_attempts;  /* and after this many attempts */
    enum on_unknown on_unknown;
    bool on_unknown_given; /* else the type's default */
    int64_t
        lookup_after_ns; /* types that reconcile: how long the provider's list may lag */
};

struct provider;
struct dispatch;

struct provider_type {
    const char *name;
    unsigned channels; /* bit per enum channel it can serve */
    enum on_unknown on_unknown_default;
    /* It looks a delivery that is in doubt up before anything else, so one whose fate is unknown is
     * offered again under `on_unknown: hold` too. */
    bool reconciles;
    bool
        wants_parts; /* email: takes delivery.mail; no need to make delivery.body for it */
    bool
        wants_mime; /* email: takes delivery.body; no need to make delivery.mail for it */
    /* check: what can be said against a configuration before anything runs. ERROR_CONFIG.
     */
    int (*check)(const struct provider_config *config, struct error *err);
    /* open: make ->state; no traffic yet. */
    int (*open)(struct provider *provider, struct error *err);
    /* pump: deliveries or capacity may have come; take what you can with provider_take.
     */
    void (*pump)(struct provider *provider);
    /* reconfigure: the limits in provider->config have changed, nothing else; NULL: it reads them
     * each time. */
    void (*reconfigure)(struct provider *provider);
    /* close: end connections politely; call provider_closed when nothing is pending in
     * the loop. */
    void (*close)(struct provider *provider);
    /* destroy: free ->state; nothing of it is pending in the loop any more, or the loop
     * is gone. */
    void (*destroy)(struct provider *provider);
};

/* provider_types: all of them, NULL-terminated. */
extern const struct provider_type *const provider_types[];
const struct provider_type *provider_type_find(struct text name);

/* --- what a provider type may use; all on the loop's thread --- */

struct provider {
    const struct provider_type *type;
    struct provider_config config;
    const struct provider_domain
        *domain; /* the recipient domain it serves; NULL: all others */
    struct loop *loop;
    struct dispatch *dispatch;
    uint8_t index;
    size_t batch; /* messages a connection can carry at once; set by open, 0: one */
    void *state;  /* the type's */
    void *flow;   /* dispatch's: queues, limiter, counters */
};

/* provider_take: the next delivery that may go out now, or NULL: nothing there, or the
 * rate, the breaker or a pause says wait (pump is called again when that is over). What
 * is taken must end in provider_done or provider_return. */
struct delivery *provider_take(struct provider *provider);

/* provider_waiting: how many deliveries wait to be taken, now or as soon as their intents
 * are durable: so many more connections are of use. 0 while the breaker or a pause says
 * wait; 1 when one probe may go. */
size_t provider_waiting(struct provider *provider);

/* provider_coming: how many of those are not durable yet: they can be taken in a moment. */
size_t provider_coming(const struct provider *provider);

/* provider_keeps: may what was taken and not handed over yet still go? Else return it: its source took
 * it back, or the provider is broken, stopped or closing. */
bool provider_keeps(const struct provider *provider, const struct delivery *delivery);

/* provider_return: it was not handed over after all (the connection could not be made,
 * the session ended first): back to the front of the queue, no attempt counted. */
void provider_return(struct provider *provider, struct delivery *delivery);

/* provider_done: the provider's answer. DEFERRED needs no retry_at_ns: dispatch sets it,
 * or turns it into FAILED with DELIVERY_RETRIES_USED_UP. */
void provider_done(struct provider *provider, struct delivery *delivery,
                   struct delivery_result result);

/* provider_slow_down: the provider asked for it (429, 421, 45x); wait_ns 0: choose by
 * back-off. */
void provider_slow_down(struct provider *provider, int64_t wait_ns);

/* provider_allowance: a reply says that remaining more messages are welcome until the allowance is
 * renewed in reset_ns (X-RateLimit-Remaining and -Reset). */
void provider_allowance(struct provider *provider, uint64_t remaining, int64_t reset_ns);

/* provider_trouble: connections fail; opens the breaker after a few in a row. ok: it
 * works again. */
void provider_trouble(struct provider *provider, const char *sentence);
void provider_ok(struct provider *provider);

/* provider_stop: it refuses us for good (credentials); what is queued ends as FAILED. */
void provider_stop(struct provider *provider, const char *sentence);

/* provider_closed: see close. */
void provider_closed(struct provider *provider);

#endif
