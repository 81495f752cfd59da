/* smtp_hello: from the first byte on a connection to the first mail: greeting, EHLO, STARTTLS (RFC
 * 3207), AUTH (RFC 4954). Here every command waits for its reply. */
#include "outbox/wire/smtp_private.h"

static void say(struct smtp_session *s, const char *words, enum smtp_stage stage)
{
    buffer_string(&s->stream.out, words);
    smtp_expect(s, stage, 0);
}

static void say_hello(struct smtp_session *s, const char *verb, enum smtp_stage stage)
{
    buffer_format(&s->stream.out, "%s %s\r\n", verb, s->config.helo);
    smtp_expect(s, stage, 0);
}

/* Only here the server speaks first. */
static void expect_greeting(struct smtp_session *s)
{
    smtp_expect(s, SMTP_GREETING, 0);
    s->expected_out = s->expected_end;
}

static void refused(struct smtp_session *s, enum smtp_end end, const char *what,
                    const struct smtp_reply *reply)
{
    smtp_end(s, end, "%s: %u %.*s", what, reply->code, TEXT_ARGS(reply->words));
}

static void let_in(struct smtp_session *s)
{
    s->phase = SMTP_OPEN;
    s->events->open(s->arg);
}

static void log_in(struct smtp_session *s)
{
    const struct smtp_login *login = s->config.login;
    if (!s->stream.tls && !s->config.login_in_clear) {
        smtp_end(
            s, SMTP_END_UNSAFE,
            "it offers no STARTTLS, and a password is not sent in the clear; `tls: off` "
            "would allow it");
    } else if (smtp_auth_begin(&s->auth, login, s->offer.mechanisms, &s->stream.out)) {
        smtp_expect(s, SMTP_AUTH, 0);
    } else if (login->mechanism == SMTP_AUTH_NONE) {
        smtp_end(s, SMTP_END_REFUSED,
                 "it offers neither AUTH PLAIN nor LOGIN, and a username is given");
    } else {
        smtp_end(s, SMTP_END_REFUSED,
                 "it does not offer AUTH %s; `auth: auto` takes what it has",
                 smtp_mechanism_name(login->mechanism));
    }
}

/* It has answered EHLO or HELO. */
static void introduced(struct smtp_session *s)
{
    bool wanted = !s->stream.tls && s->config.tls != SMTP_TLS_OFF;
    if (wanted && s->offer.starttls)
        say(s, "STARTTLS\r\n", SMTP_STARTTLS);
    else if (wanted && s->config.tls == SMTP_TLS_REQUIRED)
        smtp_end(s, SMTP_END_UNSAFE,
                 "it offers no STARTTLS, which `tls: required` asks for; `tls: auto` "
                 "would go on "
                 "without, smtps:// is for servers with TLS from the start");
    else if (s->config.login)
        log_in(s);
    else
        let_in(s);
}

static void on_auth_reply(struct smtp_session *s, const struct smtp_reply *reply)
{
    switch (reply->code) {
    case 235:
        let_in(s);
        return;
    case 334:
        if (smtp_auth_go_on(&s->auth, reply->words, &s->stream.out))
            smtp_expect(s, SMTP_AUTH, 0);
        else
            smtp_end(s, SMTP_END_BAD_REPLY, "it asks for more than AUTH %s has",
                     smtp_mechanism_name(s->auth.mechanism));
        return;
    case 530: /* RFC 4954 6: encryption or authentication is required, */
    case 534: /* the mechanism is too weak, */
    case 535: /* the credentials are wrong, */
    case 538: /* encryption is required for the mechanism */
        smtp_end(s, SMTP_END_CREDENTIALS, "it does not log in %s (AUTH %s): %u %.*s%s%s",
                 s->config.login->username, smtp_mechanism_name(s->auth.mechanism),
                 reply->code, TEXT_ARGS(reply->words), s->auth.complaint[0] ? " " : "",
                 s->auth.complaint);
        return;
    default:
        refused(s, SMTP_END_REFUSED, "it cannot log us in", reply);
    }
}

void smtp_hello_connected(struct smtp_session *s)
{
    s->phase = s->config.tls == SMTP_TLS_AT_ONCE ? SMTP_SECURING : SMTP_GREETINGS;
    if (s->phase == SMTP_SECURING)
        stream_secure(&s->stream, s->config.trust);
    else
        expect_greeting(s);
}

void smtp_hello_secured(struct smtp_session *s)
{
    s->phase = SMTP_GREETINGS;
    if (!s->greeted) {
        expect_greeting(s);
        return;
    }
    /* RFC 3207 4.2: what was said before does not count any more */
    s->offer = (struct smtp_offer){0};
    s->parser = (struct smtp_reply_parser){0};
    say_hello(s, "EHLO", SMTP_EHLO);
}

void smtp_hello_reply(struct smtp_session *s, enum smtp_stage stage,
                      const struct smtp_reply *reply)
{
    bool ok = reply->code / 100 == 2;
    if (stage == SMTP_AUTH) {
        on_auth_reply(s, reply);
    } else if (stage == SMTP_STARTTLS && !ok) {
        refused(s, SMTP_END_UNSAFE,
                "it offers STARTTLS and refuses it (`tls: off` would go on in the clear)",
                reply);
    } else if (stage == SMTP_STARTTLS) {
        s->phase =
            SMTP_SECURING; /* the handshake begins once nothing else of what came is left */
    } else if (stage == SMTP_GREETING && ok) {
        s->greeted = true;
        say_hello(s, "EHLO", SMTP_EHLO);
    } else if (stage == SMTP_EHLO && reply->code / 100 == 5) {
        say_hello(s, "HELO", SMTP_HELO); /* RFC 5321 3.2: a server without extensions */
    } else if (ok) {
        if (stage == SMTP_EHLO)
            smtp_offer_parse(reply->words, &s->offer);
        introduced(s);
    } else {
        refused(s, SMTP_END_REFUSED, "it does not want us", reply);
    }
}
