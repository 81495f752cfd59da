/* smtp_private: what the parts of an SMTP session share: smtp.c (its life), smtp_hello.c (until mails
 * may go) and smtp_mails.c (the mails). */
#ifndef OUTBOX_SMTP_PRIVATE_H
#define OUTBOX_SMTP_PRIVATE_H

#include "outbox/wire/smtp.h"
#include "outbox/wire/smtp_text.h"
#include "outbox/wire/stream.h"

/* Messages under way at once with BDAT; more gains nothing once the server is busy. */
#define SMTP_WINDOW 8
/* Per mail RSET, MAIL, RCPT and DATA or BDAT, of which a power of two holds all. */
#define SMTP_EXPECTED_MAX 64

enum smtp_phase {
    SMTP_CONNECTING,
    SMTP_SECURING,  /* TLS is being agreed upon */
    SMTP_GREETINGS, /* until we are let in */
    SMTP_OPEN,
    SMTP_QUITTING,
    SMTP_ENDING,
    SMTP_ENDED,
};

struct smtp_slot {
    struct smtp_mail mail;
    bool decided; /* its answer is given; what replies still come say nothing new */
    bool mail_ok;
    bool rcpt_ok;
    bool envelope_out; /* given to the loop */
    bool body_queued;
    bool body_out; /* given to the loop: from here on a lost reply means that we cannot
                      know */
};

struct smtp_expected {
    uint8_t stage; /* enum smtp_stage */
    uint8_t slot;
};

struct smtp_session {
    struct loop *loop;
    struct smtp_config config;
    const struct smtp_events *events;
    void *arg;
    struct stream stream;
    enum smtp_phase phase;
    bool greeted;
    struct loop_timer timer;
    int64_t deadline_ns;
    struct smtp_reply_parser parser;
    struct smtp_offer offer;
    struct smtp_auth auth;
    struct smtp_expected expected[SMTP_EXPECTED_MAX];
    unsigned expected_first, expected_end; /* running numbers */
    unsigned expected_out;                 /* up to here the commands are with the loop */
    struct smtp_slot slots[SMTP_WINDOW];
    unsigned slot_first, slot_end; /* running numbers */
    unsigned mails;
    bool reset_wanted; /* a transaction was left half done */
    bool quit_wanted;
    enum smtp_end end;
    char sentence[512];
};

/* smtp_expect: what was just said will be answered at this stage. */
void smtp_expect(struct smtp_session *s, enum smtp_stage stage, unsigned slot);
void smtp_set_deadline(struct smtp_session *s, int64_t wait_ns);

/* smtp_end: decide everything that is under way and let go of the loop. The sentence says why, to be
 * read behind the server's name. */
void smtp_end(struct smtp_session *s, enum smtp_end end, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* smtp_hello_*: from the first byte on the connection to the first mail. */
void smtp_hello_connected(struct smtp_session *s);
void smtp_hello_secured(struct smtp_session *s);
void smtp_hello_reply(struct smtp_session *s, enum smtp_stage stage,
                      const struct smtp_reply *reply);

/* smtp_mails_fill: ask for mails as long as more may be under way, or say QUIT. */
void smtp_mails_fill(struct smtp_session *s);
void smtp_mails_reply(struct smtp_session *s, struct smtp_expected expected,
                      const struct smtp_reply *reply);
/* smtp_mails_flushed: what was queued is with the loop. */
void smtp_mails_flushed(struct smtp_session *s);
/* smtp_mails_end: decide what is under way. */
void smtp_mails_end(struct smtp_session *s);

#endif
