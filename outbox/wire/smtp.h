/* smtp: one connection to an SMTP server, from connect to QUIT, as fast as the server
 * allows.
 *
 * With PIPELINING (RFC 2920) a message costs one round trip: its body and final dot
 * travel with the next message's MAIL, RCPT and DATA. With CHUNKING (RFC 3030) beside it,
 * several messages are under way at once. Else every command waits for its reply. All on
 * the loop's thread. */
#ifndef OUTBOX_SMTP_H
#define OUTBOX_SMTP_H

#include "outbox/loop/loop.h"
#include "outbox/wire/smtp_auth.h"
#include "outbox/wire/smtp_reply.h"
#include "outbox/wire/tls.h"

struct smtp_mail {
    struct text from; /* without brackets; empty: the null sender */
    struct text to;
    struct text body; /* CRLF lines, not dot-stuffed */
    bool utf8;        /* its header has text beyond ASCII (RFC 6532) */
    bool
        plain; /* body is ASCII, ends with CRLF, and no line of it begins with a dot: it need
                         not be looked through */
    void *owner;
};

enum smtp_stage {
    SMTP_GREETING,
    SMTP_EHLO,
    SMTP_HELO,
    SMTP_STARTTLS,
    SMTP_AUTH,
    SMTP_RSET,
    SMTP_MAIL,
    SMTP_RCPT,
    SMTP_DATA,
    SMTP_BODY, /* the final dot, or BDAT LAST */
    SMTP_QUIT,
};

enum smtp_fate {
    SMTP_TAKEN,       /* the server took it; reply says how */
    SMTP_REFUSED,     /* reply says why; stage says where */
    SMTP_BAD_ADDRESS, /* these three were never offered */
    SMTP_NEEDS_8BIT,
    SMTP_TOO_LARGE,
    SMTP_UNSENT, /* the session ended before the body was sent */
    SMTP_LOST,   /* it ended behind the body and before the reply */
};

enum smtp_end {
    SMTP_END_CLOSED,      /* by QUIT, or by the server while nothing was under way */
    SMTP_END_BUSY,        /* 421 */
    SMTP_END_CONNECT,     /* never connected */
    SMTP_END_UNSAFE,      /* TLS is wanted and cannot be had, or broke */
    SMTP_END_CREDENTIALS, /* it knows us and lets us not in */
    SMTP_END_REFUSED,     /* greeting, EHLO or AUTH, for now */
    SMTP_END_LOST,        /* in the middle */
    SMTP_END_TIMEOUT,
    SMTP_END_BAD_REPLY, /* not SMTP, or a reply to nothing */
};

struct smtp_answer {
    enum smtp_fate fate;
    enum smtp_stage stage;
    const struct smtp_reply *reply; /* taken, refused; else NULL */
    enum smtp_end end;              /* unsent, lost: why */
    bool offered;                   /* unsent: its envelope was out already */
    struct text words;              /* the server's, or ours; borrowed for the call */
};

struct smtp_events {
    /* next: another mail to send, or false. Its body and owner stay until its answer, its
     * addresses until next is called again. */
    bool (*next)(void *arg, struct smtp_mail *out);
    /* answer: exactly once for each mail that next gave; a session that ends gives back
     * the newest first. */
    void (*answer)(void *arg, void *owner, const struct smtp_answer *answer);
    /* open: the server has greeted us and mails may go. */
    void (*open)(void *arg);
    /* ended: nothing is pending in the loop any more; destroy the session. */
    void (*ended)(void *arg, enum smtp_end end, const char *sentence);
};

enum smtp_tls {
    SMTP_TLS_AUTO, /* STARTTLS where it is offered */
    SMTP_TLS_OFF,
    SMTP_TLS_REQUIRED, /* STARTTLS, or else the session ends */
    SMTP_TLS_AT_ONCE,  /* before the greeting: smtps */
};

struct smtp_config {
    const struct sockaddr *address; /* stays until the session has ended */
    socklen_t address_bytes;
    const char *server; /* for sentences */
    const char *helo;   /* our name */
    enum smtp_tls tls;
    struct tls_context *trust;      /* stays until ended; NULL where tls is off */
    const struct smtp_login *login; /* stays until ended; NULL: nobody logs in */
    bool login_in_clear;            /* the password may travel without TLS */
    int64_t timeout_ns;             /* connect, and each reply */
    int64_t idle_ns;                /* QUIT after so long without a mail */
    unsigned mails_max;             /* QUIT after so many; 0: no limit */
};

struct smtp_session;

/* smtp_open: connect; everything else is told through events.
 * Owns: smtp_destroy, from ended on. */
struct smtp_session *smtp_open(struct loop *loop, const struct smtp_config *config,
                               const struct smtp_events *events, void *arg);
void smtp_destroy(struct smtp_session **session);

/* smtp_kick: there may be something for next. */
void smtp_kick(struct smtp_session *session);
/* smtp_is_idle: it is open and nothing is under way. */
bool smtp_is_idle(const struct smtp_session *session);
/* smtp_quit: take no more mails, and QUIT once the last has its answer. */
void smtp_quit(struct smtp_session *session);

#endif
