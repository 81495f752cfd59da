/* books: how many messages of a job stand where, and whether that adds up (R34).
 *
 * For a channel the job names: matched = planned + suppressed. For every channel: planned
 * = sent + failed + unknown + cancelled + expired + pending + fallback_email. */
#ifndef ENGINE_BOOKS_H
#define ENGINE_BOOKS_H

#include "base/error.h"
#include "base/message.h"

#include <jansson.h>

struct books_channel {
    bool named; /* by the job; else email used for fallback only */
    uint64_t dispositions[DISPOSITION_COUNT];
    uint64_t
        outcomes[OUTCOME_COUNT]; /* OUTCOME_PENDING is not kept here: see books_pending */
    uint64_t segments;           /* sms */
};

struct books {
    uint64_t matched;
    struct books_channel channels[CHANNEL_COUNT];
};

uint64_t books_planned(const struct books *books, enum channel channel);
uint64_t books_pending(const struct books *books, enum channel channel);
uint64_t books_suppressed(const struct books *books, enum channel channel);
/* books_total: of one outcome over all channels; OUTCOME_PENDING included. */
uint64_t books_total(const struct books *books, enum outcome outcome);

/* books_balanced: the equations hold. why_out (may be NULL) says which one does not. */
bool books_balanced(const struct books *books, char *why_out, size_t why_bytes);

/* books_plan_json: the "channels" object of `plan --json`; books_report_json: of `show
 * --json`. */
json_t *books_plan_json(const struct books *books);
json_t *books_report_json(const struct books *books);

#endif
