/* endpoint: what the sandbox's HTTP side answers: Twilio's messages, and webhooks for the
 * rest. */
#ifndef OUTBOX_SANDBOX_ENDPOINT_H
#define OUTBOX_SANDBOX_ENDPOINT_H

#include "outbox/sandbox/faults.h"
#include "outbox/sandbox/http_request.h"
#include "outbox/sandbox/mailbox.h"

/* 32 hex digits that no other run of the sandbox gives out. */
#define ENDPOINT_ID_BYTES 32

struct endpoint {
    struct faults *faults;
    struct mailbox *mailbox; /* NULL: discard */
    struct sandbox_counts *counts;
    int64_t now_ns; /* steady clock, of this round */
    uint64_t run;   /* with the serial it makes ids unique */
    uint64_t serial;
    int64_t date_s; /* the second that date tells */
    char date[40];
    struct buffer form;
    struct buffer json;
};

void endpoint_init(struct endpoint *endpoint, struct faults *faults,
                   struct mailbox *mailbox, struct sandbox_counts *counts);
void endpoint_fini(struct endpoint *endpoint);

/* endpoint_answer: an http_answer_fn; arg is the endpoint. */
bool endpoint_answer(void *arg, const struct http_request *request, struct buffer *out);

/* endpoint_id: the next id, NUL-terminated. */
void endpoint_id(struct endpoint *endpoint, char out[ENDPOINT_ID_BYTES + 1]);

/* endpoint_fate: the fault of the next message, counted. */
enum fault endpoint_fate(struct endpoint *endpoint);

#endif
