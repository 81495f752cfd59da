/* mailbox: what the sandbox took, one JSON line per message in
 * DIR/{email,sms,push}.ndjson.
 *
 * Lines gather in memory for one round of the loop and reach the files by one write(2)
 * each; only then may the replies go out, so a line is there for every reply that anybody
 * saw. */
#ifndef OUTBOX_SANDBOX_MAILBOX_H
#define OUTBOX_SANDBOX_MAILBOX_H

#include "base/buffer.h"
#include "base/error.h"

struct mailbox;

/* mailbox_open: append to the files of dir, which is made if needed; a line torn by a
 * crash is cut off, and earlier SMS can be listed again. */
int mailbox_open(const char *dir, struct mailbox **out, struct error *err) MUST_USE;
void mailbox_close(struct mailbox **mailbox);

/* raw: with CRLF and dots unstuffed; the id is its Message-ID, or fallback_id without
 * one. */
void mailbox_email(struct mailbox *mailbox, struct text from, struct text to,
                   struct text raw, struct text fallback_id);

struct mailbox_sms {
    struct text id, from, to, body, sid, date;
};
void mailbox_sms(struct mailbox *mailbox, const struct mailbox_sms *sms);

/* payload: the body of the request; `to`, `from` and `body` are its members when it is an
 * object that has them, else path, nothing and the payload itself. */
void mailbox_push(struct mailbox *mailbox, struct text id, struct text path,
                  struct text payload);

/* mailbox_flush: everything into the files.
 * Errors: ERROR_IO. */
int mailbox_flush(struct mailbox *mailbox, struct error *err) MUST_USE;

/* What is asked for; TEXT_NONE: whatever it is. Days are YYYY-MM-DD as days since 1970. */
struct mailbox_filter {
    struct text to, from;
    int32_t first_day, last_day; /* of date_created */
};

/* mailbox_list: the SMS that the filter lets pass, newest first, skip of them left out. fn gets the
 * values as they stand between the quotes of the file. Returns how many more there are behind the last
 * one given, at most 1. */
typedef void mailbox_list_fn(void *arg, const struct mailbox_sms *sms);
size_t mailbox_list(struct mailbox *mailbox, const struct mailbox_filter *filter,
                    size_t skip, size_t limit, mailbox_list_fn *fn, void *arg);

#endif
