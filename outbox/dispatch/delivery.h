/* delivery: one message on its way to a provider, and what became of it. */
#ifndef OUTBOX_DELIVERY_H
#define OUTBOX_DELIVERY_H

#include "base/message.h"

/* Why a delivery ended as it did; stored in journals as the number, which never changes.
 */
enum delivery_reason {
    DELIVERY_OK = 0,
    DELIVERY_REJECTED = 1,        /* the provider refused it for good */
    DELIVERY_INVALID_ADDRESS = 2, /* no such user, number, device */
    DELIVERY_OPTED_OUT =
        3, /* the provider or carrier has an opt-out; or ours, just in time */
    DELIVERY_THROTTLED = 4,       /* too fast; surely not taken */
    DELIVERY_TEMPORARY = 5,       /* refused for now; surely not taken */
    DELIVERY_UNREACHABLE = 6,     /* no connection; surely not taken */
    DELIVERY_CONNECTION_LOST = 7, /* after the message was handed over: unknown */
    DELIVERY_TIMEOUT = 8,         /* no answer in time after handing over: unknown */
    DELIVERY_BAD_REPLY = 9,       /* an answer that makes no sense: unknown */
    DELIVERY_CREDENTIALS = 10,    /* the provider does not accept us; it is stopped */
    DELIVERY_TOO_LARGE = 11,
    DELIVERY_RETRIES_USED_UP = 12, /* temporary until the retry limit */
    DELIVERY_INTERRUPTED = 13,     /* we died between intent and outcome */
    DELIVERY_CANCELLED = 14,
    DELIVERY_EXPIRED = 15,
    DELIVERY_REASON_COUNT
};
const char *delivery_reason_name(enum delivery_reason reason);

enum delivery_verdict {
    DELIVERY_SENT,
    DELIVERY_FAILED,
    DELIVERY_UNKNOWN,
    DELIVERY_DEFERRED, /* surely not taken; offer it again at retry_at_ns */
};

struct delivery_result {
    enum delivery_verdict verdict;
    enum delivery_reason reason;
    uint8_t provider;        /* index, as in journal headers */
    struct text provider_id; /* borrowed for the call */
    struct text detail;      /* borrowed for the call */
    int64_t retry_at_ns;     /* deferred, unknown: not before; steady clock */
    bool address_dead;       /* never try this address again */
    bool
        doubt_settled; /* of a delivery in doubt: the verdict holds for earlier attempts too */
};

struct delivery;

/* What an email is made of, for providers that compose it themselves; delivery.body has the same as
 * one MIME message. All UTF-8. */
struct delivery_mail {
    struct text from_name; /* TEXT_NONE: none */
    struct text subject;
    struct text text;        /* the text/plain body, or TEXT_NONE */
    struct text html;        /* the text/html body, or TEXT_NONE */
    struct text unsubscribe; /* HTTPS URI for one-click List-Unsubscribe, or TEXT_NONE */
};

/* Who the deliveries come from: a running job. All are called on the loop's thread. */
struct delivery_source {
    /* intend: make the intents of a list durable, then call dispatch_intended with it. */
    void (*intend)(struct delivery_source *source, struct delivery *list, size_t count);
    /* admit: the last look before hand-over (R10). False: the source has dealt with it.
     */
    bool (*admit)(struct delivery_source *source, struct delivery *delivery);
    /* done: called exactly once per delivery submitted, unless admit said no. */
    void (*done)(struct delivery_source *source, struct delivery *delivery,
                 const struct delivery_result *result);
    enum priority priority; /* whose turn it is: see fair_queue.h */
    uint64_t account;       /* a hash of its id */
    bool
        withdrawn; /* dispatch's: it takes everything back, also what a provider returns later */
};

/* All texts belong to the source and stay until done. */
struct delivery {
    struct delivery_source *source;
    struct delivery *next;
    struct hash128 id; /* message_id(): idempotency key, Message-ID */
    enum channel channel;
    uint32_t row;
    uint8_t attempt; /* from 1 */
    uint8_t
        provider; /* set by dispatch when the route is chosen; in doubt: who may have it */
    bool in_doubt;    /* an earlier attempt may have got through */
    bool left_behind; /* and the run that made it has died */
    uint16_t segments;
    struct text
        from; /* email: envelope sender; sms: number or sender id; without brackets */
    struct text to;    /* email address, E.164 number, push token, customer id */
    struct text title; /* push; else TEXT_NONE */
    struct text
        body; /* email: the message as mime_compose makes it, TEXT_NONE where every provider of the
                 route wants_parts; else UTF-8 text */
    bool plain; /* email: body is ASCII in CRLF lines, none of which begins with a dot */
    const struct delivery_mail *mail; /* email, where dispatch_needs_parts; else NULL */
    uint8_t
        returns; /* how often a session ended under it without an answer; provider's */
    int64_t since_ns;   /* calendar; no attempt was made before */
    int64_t started_ns; /* steady; 0 at first, dispatch sets it; stays across attempts */
    int64_t taken_ns;   /* steady; when a provider took it: dispatch's, for latencies */
    void *owner;        /* the source's */
};

#endif
