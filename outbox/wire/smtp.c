/* smtp: see smtp.h.
 *
 * What was sent and not yet answered stands in a ring of expected replies, in order, as
 * RFC 2920 demands that replies come. Output collects in one buffer while the loop sends
 * the other, and leaves when all replies of a round are handled: one send per round. */
#include "outbox/wire/smtp.h"
#include "outbox/wire/smtp_text.h"

#include "base/clock.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Messages under way at once with BDAT; more gains nothing once the server is busy. */
#define WINDOW 8
/* No further message is added to this much output. */
#define OUT_ENOUGH_BYTES (64 * 1024)
/* Per mail RSET, MAIL, RCPT and DATA or BDAT, of which a power of two holds all. */
#define EXPECTED 64
#define QUIT_NS  (2 * NS_PER_S)

enum phase { CONNECTING, GREETING, OPEN, QUITTING, ENDING, ENDED };

struct slot {
    struct smtp_mail mail;
    bool decided; /* its answer is given; what replies still come say nothing new */
    bool mail_ok;
    bool rcpt_ok;
    bool envelope_out; /* given to the loop */
    bool body_queued;
    bool body_out; /* given to the loop: from here on a lost reply means that we cannot
                      know */
};

struct expected {
    uint8_t stage; /* enum smtp_stage */
    uint8_t slot;
};

struct smtp_session {
    struct loop *loop;
    struct smtp_config config;
    const struct smtp_events *events;
    void *arg;
    int fd;
    enum phase phase;
    bool connecting, receiving, sending;
    struct loop_op connect_op, recv_op, send_op;
    struct loop_timer timer;
    int64_t deadline_ns;
    struct smtp_reply_parser parser;
    struct smtp_offer offer;
    struct buffer out;    /* being filled */
    struct buffer flying; /* with the loop while sending */
    struct expected expected[EXPECTED];
    unsigned expected_first, expected_end; /* running numbers */
    struct slot slots[WINDOW];
    unsigned slot_first, slot_end; /* running numbers */
    unsigned mails;
    bool reset_wanted; /* a transaction was left half done */
    bool quit_wanted;
    enum smtp_end end;
    char sentence[256];
};

/* --- output --- */

static void expect(struct smtp_session *s, enum smtp_stage stage, unsigned slot)
{
    CHECK(s->expected_end - s->expected_first < EXPECTED);
    s->expected[s->expected_end++ % EXPECTED] =
        (struct expected){(uint8_t)stage, (uint8_t)(slot % WINDOW)};
}

static void say(struct smtp_session *s, struct text words)
{
    buffer_add(&s->out, words.data, words.bytes);
}

static bool is_fast(const struct smtp_session *s)
{
    return s->offer.pipelining && s->offer.chunking;
}

static void say_mail(struct smtp_session *s, const struct smtp_mail *mail)
{
    say(s, TEXT("MAIL FROM:<"));
    say(s, mail->from);
    say(s, TEXT(">"));
    if (s->offer.size)
        buffer_format(&s->out, " SIZE=%zu", mail->body.bytes);
    if (s->offer.eight_bit && smtp_text_eight_bit(mail->body))
        say(s, TEXT(" BODY=8BITMIME"));
    if (smtp_text_eight_bit(mail->from) || smtp_text_eight_bit(mail->to))
        say(s, TEXT(" SMTPUTF8"));
    say(s, TEXT("\r\n"));
}

static void say_rcpt(struct smtp_session *s, const struct smtp_mail *mail)
{
    say(s, TEXT("RCPT TO:<"));
    say(s, mail->to);
    say(s, TEXT(">\r\n"));
}

static void say_body(struct smtp_session *s, struct slot *slot)
{
    smtp_text_stuff(&s->out, slot->mail.body);
    slot->body_queued = true;
}

/* With BDAT a message that follows a refused one must not fall into its transaction,
 * which RFC 3030 leaves open: its recipient would get the other's mail too. Hence RSET
 * before each. */
static void say_envelope(struct smtp_session *s, unsigned at)
{
    struct slot *slot = &s->slots[at % WINDOW];
    if (s->reset_wanted || is_fast(s)) {
        say(s, TEXT("RSET\r\n"));
        expect(s, SMTP_RSET, at);
        s->reset_wanted = false;
    }
    say_mail(s, &slot->mail);
    expect(s, SMTP_MAIL, at);
    if (!s->offer.pipelining)
        return;
    say_rcpt(s, &slot->mail);
    expect(s, SMTP_RCPT, at);
    if (!s->offer.chunking) {
        say(s, TEXT("DATA\r\n"));
        expect(s, SMTP_DATA, at);
        return;
    }
    buffer_format(&s->out, "BDAT %zu LAST\r\n", slot->mail.body.bytes);
    say(s, slot->mail.body);
    slot->body_queued = true;
    expect(s, SMTP_BODY, at);
}

static void set_deadline(struct smtp_session *s, int64_t wait_ns)
{
    s->deadline_ns = loop_now_ns(s->loop) + wait_ns;
    /* an armed timer that is early looks again; moving it for each reply would cost more
     */
    if (s->timer.heap_index == 0 || s->timer.due_ns > s->deadline_ns)
        loop_timer_arm(s->loop, &s->timer, s->deadline_ns);
}

static void flush(struct smtp_session *s)
{
    if (s->sending || s->out.bytes == 0 || s->phase == ENDING)
        return;
    struct buffer empty = s->flying;
    s->flying = s->out;
    s->out = empty;
    buffer_clear(&s->out);
    for (unsigned i = s->slot_first; i != s->slot_end; i++) {
        s->slots[i % WINDOW].envelope_out = true;
        s->slots[i % WINDOW].body_out = s->slots[i % WINDOW].body_queued;
    }
    s->sending = true;
    loop_send(s->loop, &s->send_op, s->fd, s->flying.data, s->flying.bytes);
    set_deadline(s, s->phase == QUITTING ? QUIT_NS : s->config.timeout_ns);
}

/* --- the end --- */

static void answer(struct smtp_session *s, struct slot *slot, struct smtp_answer given)
{
    slot->decided = true;
    s->events->answer(s->arg, slot->mail.owner, &given);
}

/* Decide everything that is under way, newest first, and let go of the loop. Replies come
 * in the order of commands (RFC 2920 3.2), so what stands behind a 421 was not looked at
 * any more. */
static void end_session(struct smtp_session *s, enum smtp_end end, const char *why)
{
    if (s->phase == ENDING)
        return;
    s->phase = ENDING;
    s->end = end;
    snprintf(s->sentence, sizeof(s->sentence), "%s: %s", s->config.server, why);
    loop_timer_disarm(s->loop, &s->timer);
    bool busy = end == SMTP_END_BUSY;
    while (s->slot_end != s->slot_first) {
        struct slot *slot = &s->slots[--s->slot_end % WINDOW];
        if (!slot->decided)
            answer(s, slot,
                   (struct smtp_answer){.fate = slot->body_out && !busy ? SMTP_LOST
                                                                        : SMTP_UNSENT,
                                        .offered = slot->envelope_out && !busy,
                                        .end = end,
                                        .words = text_of(s->sentence)});
    }
    if (s->connecting)
        loop_cancel(s->loop, &s->connect_op);
    if (s->receiving)
        loop_cancel(s->loop, &s->recv_op);
    if (s->sending)
        loop_cancel(s->loop, &s->send_op);
}

/* The last statement of every function that the loop calls: afterwards the session may be
 * gone. */
static void settle(struct smtp_session *s)
{
    if (s->phase != ENDING || s->connecting || s->receiving || s->sending)
        return;
    s->phase = ENDED;
    if (s->fd >= 0)
        loop_close_fd(s->loop, s->fd);
    s->fd = -1;
    s->events->ended(s->arg, s->end, s->sentence);
}

/* --- mails --- */

static bool can_take(const struct smtp_session *s)
{
    unsigned under_way = s->slot_end - s->slot_first;
    if (is_fast(s))
        return under_way < WINDOW && s->out.bytes < OUT_ENOUGH_BYTES;
    if (s->offer.pipelining)
        return under_way == 0 ||
               (under_way == 1 && s->slots[s->slot_first % WINDOW].body_queued);
    return under_way == 0;
}

/* What keeps a mail from being offered to this server at all. */
static bool is_fit(struct smtp_session *s, const struct smtp_mail *mail,
                   struct smtp_answer *out)
{
    bool utf8 = smtp_text_eight_bit(mail->from) || smtp_text_eight_bit(mail->to);
    if (!smtp_address_ok(mail->to) ||
        (mail->from.bytes > 0 && !smtp_address_ok(mail->from)))
        *out = (struct smtp_answer){.fate = SMTP_BAD_ADDRESS,
                                    .words = TEXT("the address cannot stand in an SMTP "
                                                  "command (RFC 5321)")};
    else if (utf8 && !s->offer.utf8)
        *out =
            (struct smtp_answer){.fate = SMTP_BAD_ADDRESS,
                                 .words = TEXT("the address is not ASCII and the server "
                                               "does not offer SMTPUTF8 (RFC 6531)")};
    else if (!s->offer.eight_bit && smtp_text_eight_bit(mail->body))
        *out = (struct smtp_answer){.fate = SMTP_NEEDS_8BIT,
                                    .words =
                                        TEXT("the message has 8-bit text and the server "
                                             "does not offer 8BITMIME (RFC 6152)")};
    else if (s->offer.size_max_bytes > 0 && mail->body.bytes > s->offer.size_max_bytes)
        *out =
            (struct smtp_answer){.fate = SMTP_TOO_LARGE,
                                 .words = TEXT("the message is larger than the server's "
                                               "SIZE limit (RFC 1870)")};
    else
        return true;
    return false;
}

static void fill(struct smtp_session *s)
{
    if (s->phase != OPEN)
        return;
    while (can_take(s) && !s->quit_wanted) {
        struct smtp_mail mail;
        struct smtp_answer unfit;
        if (!s->events->next(s->arg, &mail))
            break;
        if (!is_fit(s, &mail, &unfit)) {
            s->events->answer(s->arg, mail.owner, &unfit);
            continue;
        }
        unsigned at = s->slot_end++;
        s->slots[at % WINDOW] = (struct slot){.mail = mail};
        say_envelope(s, at);
        s->quit_wanted = ++s->mails == s->config.mails_max;
    }
    if (s->slot_first != s->slot_end || s->expected_first != s->expected_end)
        return;
    if (s->quit_wanted) {
        say(s, TEXT("QUIT\r\n"));
        expect(s, SMTP_QUIT, 0);
        s->phase = QUITTING;
    } else if (s->out.bytes == 0) {
        set_deadline(s, s->config.idle_ns);
    }
}

/* --- replies --- */

/* The oldest mail has had its last reply. */
static void drop_slot(struct smtp_session *s)
{
    CHECK(s->slots[s->slot_first % WINDOW].decided);
    s->slot_first++;
}

static void decide(struct smtp_session *s, struct slot *slot, enum smtp_stage stage,
                   const struct smtp_reply *reply)
{
    if (slot->decided)
        return;
    bool taken = stage == SMTP_BODY && reply->code / 100 == 2;
    answer(s, slot,
           (struct smtp_answer){.fate = taken ? SMTP_TAKEN : SMTP_REFUSED,
                                .stage = stage,
                                .reply = reply,
                                .words = reply->words});
}

static void on_data_reply(struct smtp_session *s, struct slot *slot, unsigned at,
                          const struct smtp_reply *reply)
{
    if (reply->code != 354) {
        if (reply->code / 100 == 2) {
            end_session(s, SMTP_END_BAD_REPLY, "it answered DATA as if it were done");
            return;
        }
        decide(s, slot, SMTP_DATA, reply);
        s->reset_wanted = slot->mail_ok;
        drop_slot(s);
        return;
    }
    if (!slot->decided) {
        say_body(s, slot);
    } else if (slot->rcpt_ok) {
        /* it refused the sender, took the recipient and wants a body: give it none */
        end_session(s, SMTP_END_BAD_REPLY, "it refused MAIL and accepted DATA");
        return;
    } else {
        say(s, TEXT(".\r\n")); /* RFC 2920 3.1 */
        slot->body_queued = true;
    }
    expect(s, SMTP_BODY, at);
}

/* Without PIPELINING each reply asks for the next command, or ends the mail. */
static void step(struct smtp_session *s, struct slot *slot, unsigned at,
                 enum smtp_stage stage)
{
    if (s->offer.pipelining)
        return;
    if (slot->decided) {
        s->reset_wanted = stage == SMTP_RCPT;
        drop_slot(s);
    } else if (stage == SMTP_MAIL) {
        say_rcpt(s, &slot->mail);
        expect(s, SMTP_RCPT, at);
    } else {
        say(s, TEXT("DATA\r\n"));
        expect(s, SMTP_DATA, at);
    }
}

static void on_mail_reply(struct smtp_session *s, struct expected expected,
                          const struct smtp_reply *reply)
{
    struct slot *slot = &s->slots[expected.slot];
    bool ok = reply->code / 100 == 2;
    if (reply->code / 100 == 3 && expected.stage != SMTP_DATA) {
        end_session(s, SMTP_END_BAD_REPLY,
                    "it asked for more where nothing more belongs");
        return;
    }
    switch ((enum smtp_stage)expected.stage) {
    case SMTP_MAIL:
    case SMTP_RCPT:
        *(expected.stage == SMTP_MAIL ? &slot->mail_ok : &slot->rcpt_ok) = ok;
        if (!ok)
            decide(s, slot, (enum smtp_stage)expected.stage, reply);
        step(s, slot, expected.slot, (enum smtp_stage)expected.stage);
        break;
    case SMTP_DATA:
        on_data_reply(s, slot, expected.slot, reply);
        break;
    default:
        decide(s, slot, SMTP_BODY, reply);
        drop_slot(s);
    }
}

static void say_hello(struct smtp_session *s, const char *verb, enum smtp_stage stage)
{
    buffer_format(&s->out, "%s %s\r\n", verb, s->config.helo);
    expect(s, stage, 0);
}

static void on_greeting_reply(struct smtp_session *s, enum smtp_stage stage,
                              const struct smtp_reply *reply)
{
    bool ok = reply->code / 100 == 2;
    if (stage == SMTP_GREETING && ok) {
        say_hello(s, "EHLO", SMTP_EHLO);
    } else if (stage == SMTP_EHLO && reply->code / 100 == 5) {
        say_hello(s, "HELO", SMTP_HELO); /* RFC 5321 3.2: a server without extensions */
    } else if (ok) {
        if (stage == SMTP_EHLO)
            smtp_offer_parse(reply->words, &s->offer);
        s->phase = OPEN;
        s->events->open(s->arg);
    } else {
        char why[200];
        snprintf(why, sizeof(why), "it does not want us: %u %.*s", reply->code,
                 TEXT_ARGS(reply->words));
        end_session(s, SMTP_END_REFUSED, why);
    }
}

static void on_reply(struct smtp_session *s, const struct smtp_reply *reply)
{
    bool busy =
        reply->code == 421; /* RFC 5321 3.8: whatever it answers, the channel closes */
    if (s->expected_first == s->expected_end) {
        end_session(s, busy ? SMTP_END_CLOSED : SMTP_END_BAD_REPLY,
                    busy ? "it closed the idle session"
                         : "it answered more than was asked");
        return;
    }
    struct expected expected = s->expected[s->expected_first++ % EXPECTED];
    if (expected.stage == SMTP_QUIT)
        end_session(s, SMTP_END_CLOSED, "done");
    else if (busy && expected.stage < SMTP_MAIL)
        ;
    else if (expected.stage < SMTP_RSET)
        on_greeting_reply(s, (enum smtp_stage)expected.stage, reply);
    else if (expected.stage > SMTP_RSET)
        on_mail_reply(s, expected, reply);
    if (busy) {
        char why[200];
        snprintf(why, sizeof(why), "it is busy: 421 %.*s", TEXT_ARGS(reply->words));
        end_session(s, SMTP_END_BUSY, why);
    }
    if (s->phase != ENDING && s->expected_first != s->expected_end)
        set_deadline(s, s->config.timeout_ns);
}

/* --- what the loop calls --- */

bool smtp_is_idle(const struct smtp_session *s)
{
    return s->phase == OPEN && s->expected_first == s->expected_end &&
           s->slot_first == s->slot_end;
}

static void on_timer(struct loop_timer *timer)
{
    struct smtp_session *s = timer->arg;
    if (s->phase == ENDING) {
        /* the socket could not even be made */
    } else if (loop_now_ns(s->loop) < s->deadline_ns) {
        loop_timer_arm(s->loop, timer, s->deadline_ns);
    } else if (smtp_is_idle(s)) {
        smtp_quit(s);
    } else if (s->phase == QUITTING) {
        end_session(s, SMTP_END_CLOSED, "done");
    } else {
        char why[64];
        snprintf(why, sizeof(why), "no %s within %.3g s",
                 s->phase == CONNECTING ? "connection" : "reply",
                 (double)s->config.timeout_ns / (double)NS_PER_S);
        end_session(s, s->phase == CONNECTING ? SMTP_END_CONNECT : SMTP_END_TIMEOUT, why);
    }
    settle(s);
}

static void on_connect(struct loop_op *op, int64_t res, const char *data)
{
    (void)data;
    struct smtp_session *s = op->arg;
    s->connecting = false;
    if (s->phase == CONNECTING && res < 0) {
        end_session(s, SMTP_END_CONNECT, strerror((int)-res));
    } else if (s->phase == CONNECTING) {
        s->phase = GREETING;
        s->receiving = true;
        expect(s, SMTP_GREETING, 0);
        loop_recv(s->loop, &s->recv_op, s->fd);
        set_deadline(s, s->config.timeout_ns);
    }
    settle(s);
}

static void on_send(struct loop_op *op, int64_t res, const char *data)
{
    (void)data;
    struct smtp_session *s = op->arg;
    s->sending = false;
    if (s->phase != ENDING && res < 0)
        end_session(s, SMTP_END_LOST, strerror((int)-res));
    flush(s);
    settle(s);
}

static void on_bytes(struct smtp_session *s, const char *data, size_t bytes)
{
    const char *end = data + bytes;
    struct smtp_reply reply;
    int got = 0;
    while (s->phase != ENDING &&
           (got = smtp_reply_next(&s->parser, &data, end, &reply)) == 1)
        on_reply(s, &reply);
    if (got < 0)
        end_session(s, SMTP_END_BAD_REPLY, "it does not speak SMTP");
    fill(s);
    flush(s);
}

static void on_recv(struct loop_op *op, int64_t res, const char *data)
{
    struct smtp_session *s = op->arg;
    if (res > 0 && s->phase != ENDING) {
        on_bytes(s, data, (size_t)res);
    } else if (res <= 0) {
        s->receiving = false;
        bool expected = smtp_is_idle(s) || s->phase == QUITTING;
        end_session(s, expected ? SMTP_END_CLOSED : SMTP_END_LOST,
                    res < 0 ? strerror((int)-res) : "it closed the connection");
    }
    settle(s);
}

/* --- the door --- */

struct smtp_session *smtp_open(struct loop *loop, const struct smtp_config *config,
                               const struct smtp_events *events, void *arg)
{
    struct smtp_session *s = calloc(1, sizeof(*s));
    CHECK(s);
    s->loop = loop;
    s->config = *config;
    s->events = events;
    s->arg = arg;
    s->connect_op = (struct loop_op){.fn = on_connect, .arg = s};
    s->recv_op = (struct loop_op){.fn = on_recv, .arg = s};
    s->send_op = (struct loop_op){.fn = on_send, .arg = s};
    s->timer = (struct loop_timer){.fn = on_timer, .arg = s};
    s->fd =
        socket(config->address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s->fd < 0) {
        end_session(s, SMTP_END_CONNECT, strerror(errno));
        loop_timer_arm(loop, &s->timer,
                       loop_now_ns(loop)); /* ended comes from the loop */
        return s;
    }
    int on = 1;
    setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    s->connecting = true;
    loop_connect(loop, &s->connect_op, s->fd, config->address, config->address_bytes);
    set_deadline(s, config->timeout_ns);
    return s;
}

void smtp_destroy(struct smtp_session **session)
{
    struct smtp_session *s = *session;
    if (!s)
        return;
    loop_timer_disarm(s->loop, &s->timer);
    if (s->fd >= 0)
        close(s->fd);
    buffer_fini(&s->out);
    buffer_fini(&s->flying);
    free(s);
    *session = NULL;
}

void smtp_kick(struct smtp_session *session)
{
    fill(session);
    flush(session);
}

void smtp_quit(struct smtp_session *session)
{
    session->quit_wanted = true;
    if (session->phase == OPEN)
        smtp_kick(session);
    else if (session->phase < OPEN)
        end_session(session, SMTP_END_CLOSED, "done");
}
