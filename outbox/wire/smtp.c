/* smtp: see smtp.h. The life of a session: what the loop calls, deadlines, the end.
 *
 * Output collects in one buffer while the loop sends the other, and leaves when all
 * replies of a round are handled: one send per round. */
#include "outbox/wire/smtp.h"
#include "outbox/wire/smtp_private.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>

#define QUIT_NS (2 * NS_PER_S)

void smtp_expect(struct smtp_session *s, enum smtp_stage stage, unsigned slot)
{
    CHECK(s->expected_end - s->expected_first < SMTP_EXPECTED_MAX);
    s->expected[s->expected_end++ % SMTP_EXPECTED_MAX] =
        (struct smtp_expected){(uint8_t)stage, (uint8_t)(slot % SMTP_WINDOW)};
}

void smtp_set_deadline(struct smtp_session *s, int64_t wait_ns)
{
    s->deadline_ns = loop_now_ns(s->loop) + wait_ns;
    /* an armed timer that is early looks again; moving it for each reply would cost more
     */
    if (s->timer.heap_index == 0 || s->timer.due_ns > s->deadline_ns)
        loop_timer_arm(s->loop, &s->timer, s->deadline_ns);
}

static void flush(struct smtp_session *s)
{
    if (s->phase == SMTP_ENDING || !stream_flush(&s->stream))
        return;
    s->expected_out = s->expected_end;
    smtp_mails_flushed(s);
    smtp_set_deadline(s, s->phase == SMTP_QUITTING ? QUIT_NS : s->config.timeout_ns);
}

/* Servers' words stand in it: one line, and text. */
static void make_readable(char *sentence)
{
    bool text = utf8_valid(text_of(sentence));
    for (char *at = sentence; *at; at++) {
        unsigned char c = (unsigned char)*at;
        if (c < ' ' || c == 0x7F)
            *at = ' ';
        else if (c >= 0x80 && !text)
            *at = '?';
    }
}

void smtp_end(struct smtp_session *s, enum smtp_end end, const char *format, ...)
{
    if (s->phase == SMTP_ENDING)
        return;
    bool politely = s->phase == SMTP_QUITTING || smtp_is_idle(s);
    s->phase = SMTP_ENDING;
    s->end = end;
    int used = snprintf(s->sentence, sizeof(s->sentence), "%s: ", s->config.server);
    va_list args;
    va_start(args, format);
    vsnprintf(s->sentence + used, sizeof(s->sentence) - (size_t)used, format, args);
    va_end(args);
    make_readable(s->sentence);
    loop_timer_disarm(s->loop, &s->timer);
    smtp_mails_end(s);
    stream_close(&s->stream, politely);
}

bool smtp_is_idle(const struct smtp_session *s)
{
    return s->phase == SMTP_OPEN && s->expected_first == s->expected_end &&
           s->slot_first == s->slot_end;
}

/* --- what the loop calls --- */

static void on_reply(struct smtp_session *s, const struct smtp_reply *reply)
{
    bool busy =
        reply->code == 421; /* RFC 5321 3.8: whatever it answers, the channel closes */
    if (s->expected_first == s->expected_end) {
        smtp_end(s, busy ? SMTP_END_CLOSED : SMTP_END_BAD_REPLY,
                 busy ? "it closed the idle session" : "it answered more than was asked");
        return;
    }
    /* else a mail could count as taken whose body has not left us */
    bool early = s->expected_first == s->expected_out;
    if (early && !busy) {
        smtp_end(s, SMTP_END_BAD_REPLY, "it answered before it was asked");
        return;
    }
    struct smtp_expected expected = s->expected[s->expected_first++ % SMTP_EXPECTED_MAX];
    if (expected.stage == SMTP_QUIT)
        smtp_end(s, SMTP_END_CLOSED, "done");
    else if (busy && expected.stage < SMTP_MAIL)
        ;
    else if (expected.stage < SMTP_RSET)
        smtp_hello_reply(s, (enum smtp_stage)expected.stage, reply);
    else if (expected.stage > SMTP_RSET)
        smtp_mails_reply(s, expected, reply);
    if (busy)
        smtp_end(s, SMTP_END_BUSY, "it is busy: 421 %.*s", TEXT_ARGS(reply->words));
    if (s->phase != SMTP_ENDING && s->expected_first != s->expected_end)
        smtp_set_deadline(s, s->config.timeout_ns);
}

static void on_timer(struct loop_timer *timer)
{
    struct smtp_session *s = timer->arg;
    double seconds = (double)s->config.timeout_ns / (double)NS_PER_S;
    if (loop_now_ns(s->loop) < s->deadline_ns)
        loop_timer_arm(s->loop, timer, s->deadline_ns);
    else if (smtp_is_idle(s))
        smtp_quit(s);
    else if (s->phase == SMTP_QUITTING)
        smtp_end(s, SMTP_END_CLOSED, "done");
    else if (s->phase == SMTP_CONNECTING)
        smtp_end(s, SMTP_END_CONNECT, "no connection within %.3g s", seconds);
    else if (s->phase == SMTP_SECURING)
        smtp_end(s, SMTP_END_UNSAFE, "TLS was not agreed upon within %.3g s", seconds);
    else
        smtp_end(s, SMTP_END_TIMEOUT, "no reply within %.3g s", seconds);
}

static void on_connected(void *arg)
{
    struct smtp_session *s = arg;
    smtp_set_deadline(s, s->config.timeout_ns);
    smtp_hello_connected(s);
}

static void on_secured(void *arg)
{
    struct smtp_session *s = arg;
    smtp_set_deadline(s, s->config.timeout_ns);
    smtp_hello_secured(s);
    flush(s);
}

/* What follows the reply to STARTTLS in the clear may come from somebody in the middle, who wants it
 * to be taken for the server's word under TLS (CVE-2011-0411). */
static void secure(struct smtp_session *s, bool more)
{
    if (more) {
        smtp_end(s, SMTP_END_UNSAFE,
                 "it said more behind its answer to STARTTLS, as somebody in the middle "
                 "would");
        return;
    }
    smtp_set_deadline(s, s->config.timeout_ns);
    stream_secure(&s->stream, s->config.trust);
}

static void on_received(void *arg, const char *data, size_t bytes)
{
    struct smtp_session *s = arg;
    const char *end = data + bytes;
    struct smtp_reply reply;
    int got = 0;
    while (s->phase != SMTP_ENDING && s->phase != SMTP_SECURING &&
           (got = smtp_reply_next(&s->parser, &data, end, &reply)) == 1)
        on_reply(s, &reply);
    if (got < 0)
        smtp_end(s, SMTP_END_BAD_REPLY, "it does not speak SMTP");
    if (s->phase == SMTP_SECURING)
        secure(s, data != end);
    smtp_mails_fill(s);
    flush(s);
}

static void on_sent(void *arg)
{
    flush(arg);
}

static void on_failed(void *arg, enum stream_failure failure, const char *why)
{
    static const enum smtp_end ends[] = {
        [STREAM_UNREACHED] = SMTP_END_CONNECT,
        [STREAM_ENDED] = SMTP_END_LOST,
        [STREAM_LOST] = SMTP_END_LOST,
        [STREAM_UNSAFE] = SMTP_END_UNSAFE,
    };
    struct smtp_session *s = arg;
    bool expected = (failure == STREAM_ENDED || failure == STREAM_LOST) &&
                    (smtp_is_idle(s) || s->phase == SMTP_QUITTING);
    smtp_end(s, expected ? SMTP_END_CLOSED : ends[failure], "%s", why);
}

static void on_closed(void *arg)
{
    struct smtp_session *s = arg;
    s->phase = SMTP_ENDED;
    s->events->ended(s->arg, s->end, s->sentence);
}

static const struct stream_events stream_events = {
    .connected = on_connected,
    .secured = on_secured,
    .received = on_received,
    .sent = on_sent,
    .failed = on_failed,
    .closed = on_closed,
};

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
    s->timer = (struct loop_timer){.fn = on_timer, .arg = s};
    stream_open(&s->stream, loop, config->address, config->address_bytes, &stream_events,
                s);
    smtp_set_deadline(s, config->timeout_ns);
    return s;
}

void smtp_destroy(struct smtp_session **session)
{
    struct smtp_session *s = *session;
    if (!s)
        return;
    loop_timer_disarm(s->loop, &s->timer);
    stream_fini(&s->stream);
    free(s);
    *session = NULL;
}

void smtp_kick(struct smtp_session *session)
{
    smtp_mails_fill(session);
    flush(session);
}

void smtp_quit(struct smtp_session *session)
{
    session->quit_wanted = true;
    if (session->phase == SMTP_OPEN)
        smtp_kick(session);
    else if (session->phase < SMTP_OPEN)
        smtp_end(session, SMTP_END_CLOSED, "done");
}
