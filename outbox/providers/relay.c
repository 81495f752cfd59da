/* relay: type "smtp", any SMTP server that takes mail from us.
 *
 * A pool of sessions (wire/smtp.h); what a reply means for a message is in relay_reply.c. */
#include "outbox/dispatch/domain.h"
#include "outbox/dispatch/provider.h"
#include "outbox/providers/relay_reply.h"
#include "outbox/providers/types.h"
#include "outbox/wire/remote.h"
#include "outbox/wire/smtp.h"
#include "outbox/wire/smtp_text.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define RELAY_IDLE_NS (60 * NS_PER_S)
/* A message under which so many sessions ended waits for its next attempt: it may be the
 * cause. */
#define RELAY_RETURNS_MAX 3

struct relay {
    struct provider *provider;
    struct remote remote;
    size_t address; /* the one to try next */
    enum smtp_tls tls;
    struct tls_context *trust; /* NULL: tls is off */
    struct smtp_login login;   /* without a username nobody logs in */
    bool login_in_clear;
    char helo[256];
    char server[300];
    bool closing;
    size_t opening; /* sessions not yet greeted */
    size_t session_count;
    size_t session_room;
    struct relay_session *
        *sessions; /* at most config.max_connections, when that was not lowered */
};

struct relay_session {
    struct relay *relay;
    size_t index; /* in relay->sessions */
    struct smtp_session *smtp;
    bool opening;
    bool slowed; /* a reply has slowed us down: its end by 421 is no news */
    char from[SMTP_VERP_BYTES]; /* of the mail given last */
};

/* --- what a session calls --- */

static void relay_pump(struct provider *provider);

static bool on_next(void *arg, struct smtp_mail *out)
{
    struct relay_session *session = arg;
    struct delivery *delivery = provider_take(session->relay->provider);
    if (!delivery)
        return false;
    struct text from = delivery->from;
    const char *verp = session->relay->provider->config.verp;
    if (verp[0] != '\0' && from.bytes > 0 &&
        smtp_verp(delivery->to, text_of(verp), session->from))
        from = text_of(session->from);
    *out = (struct smtp_mail){
        .from = from,
        .to = delivery->to,
        .body = delivery->body, /* From has it, also where the return path is another */
        .utf8 = smtp_text_eight_bit(delivery->from),
        .plain = delivery->plain,
        .owner = delivery};
    return true;
}

static void on_answer(void *arg, void *owner, const struct smtp_answer *answer)
{
    struct provider *provider = ((struct relay_session *)arg)->relay->provider;
    struct delivery *delivery = owner;
    bool innocent = !answer->offered || ++delivery->returns <= RELAY_RETURNS_MAX;
    if (answer->fate == SMTP_UNSENT && innocent) {
        provider_return(provider, delivery);
        return;
    }
    struct delivery_result result = relay_reply(answer);
    if (answer->fate == SMTP_TAKEN)
        provider_ok(provider);
    if (result.reason == DELIVERY_THROTTLED) {
        ((struct relay_session *)arg)->slowed = true;
        provider_slow_down(provider, 0);
    }
    if (result.reason == DELIVERY_CREDENTIALS) {
        char sentence[512];
        snprintf(sentence, sizeof(sentence), "%s does not accept us: %.*s",
                 ((struct relay_session *)arg)->relay->server, TEXT_ARGS(answer->words));
        provider_stop(provider, sentence);
    }
    provider_done(provider, delivery, result);
}

static void opened(struct relay_session *session)
{
    session->relay->opening -= session->opening ? 1 : 0;
    session->opening = false;
}

static void on_open(void *arg)
{
    opened(arg);
}

static void forget(struct relay_session *session)
{
    struct relay *relay = session->relay;
    struct relay_session *last = relay->sessions[--relay->session_count];
    relay->sessions[session->index] = last;
    last->index = session->index;
    smtp_destroy(&session->smtp);
    free(session);
}

static void on_ended(void *arg, enum smtp_end end, const char *sentence)
{
    struct relay_session *session = arg;
    struct relay *relay = session->relay;
    if (end == SMTP_END_CONNECT)
        relay->address++;
    bool news = end != SMTP_END_BUSY || !session->slowed;
    if (end == SMTP_END_BUSY && news)
        provider_slow_down(relay->provider, 0);
    else if (end == SMTP_END_CREDENTIALS)
        provider_stop(relay->provider, sentence);
    else if (end != SMTP_END_CLOSED && news)
        provider_trouble(relay->provider, sentence);
    opened(session);
    forget(session); /* the sentence was its */
    if (!relay->closing)
        relay_pump(relay->provider);
    else if (relay->session_count == 0)
        provider_closed(relay->provider);
}

static const struct smtp_events events = {
    .next = on_next, .answer = on_answer, .open = on_open, .ended = on_ended};

/* --- what dispatch calls --- */

static struct relay_session *add_session(struct relay *relay)
{
    if (relay->session_count == relay->session_room) {
        relay->session_room = relay->session_room * 2 + 8;
        relay->sessions =
            realloc(relay->sessions, relay->session_room * sizeof(*relay->sessions));
        CHECK(relay->sessions);
    }
    struct relay_session *session = calloc(1, sizeof(*session));
    CHECK(session);
    session->relay = relay;
    session->index = relay->session_count;
    relay->sessions[relay->session_count++] = session;
    return session;
}

static void open_session(struct relay *relay)
{
    const struct provider_config *config = &relay->provider->config;
    size_t address = relay->address % relay->remote.count;
    struct smtp_config smtp = {
        .address = (const struct sockaddr *)&relay->remote.addresses[address],
        .address_bytes = relay->remote.address_bytes[address],
        .server = relay->server,
        .helo = relay->helo,
        .tls = relay->tls,
        .trust = relay->trust,
        .login = relay->login.username[0] != '\0' ? &relay->login : NULL,
        .login_in_clear = config->tls == PROVIDER_TLS_OFF ||
                          remote_is_loopback(
                              (const struct sockaddr *)&relay->remote.addresses[address]),
        .timeout_ns = config->timeout_ns,
        .idle_ns = RELAY_IDLE_NS,
        .mails_max = config->messages_per_connection,
    };
    struct relay_session *session = add_session(relay);
    relay->opening++;
    session->opening = true;
    session->smtp = smtp_open(relay->provider->loop, &smtp, &events, session);
}

static void relay_pump(struct provider *provider)
{
    struct relay *relay = provider->state;
    size_t idle = 0; /* or about to be */
    for (size_t i = 0; i < relay->session_count; i++) {
        struct relay_session *session = relay->sessions[i];
        if (session->opening)
            continue;
        smtp_kick(session->smtp);
        idle += smtp_is_idle(session->smtp);
    }
    size_t waiting = provider_waiting(provider);
    while (idle + relay->opening < waiting &&
           relay->session_count < provider->config.max_connections)
        open_session(relay);
}

/* Fewer connections than there are: the newest finish what they have. */
static void relay_reconfigure(struct provider *provider)
{
    struct relay *relay = provider->state;
    size_t most = provider->config.max_connections;
    for (size_t i = relay->session_count; i > most; i--)
        smtp_quit(relay->sessions[i - 1]->smtp);
}

/* --- configuration --- */

static int parse_url(const struct provider_config *config, struct remote *out,
                     enum smtp_tls *tls_out, struct error *err)
{
    static const enum smtp_tls wanted[] = {
        [PROVIDER_TLS_AUTO] = SMTP_TLS_AUTO,
        [PROVIDER_TLS_OFF] = SMTP_TLS_OFF,
        [PROVIDER_TLS_REQUIRED] = SMTP_TLS_REQUIRED,
    };
    *tls_out = wanted[config->tls];
    if (remote_parse(text_of(config->url), "smtp", "25", out) == 0)
        return 0;
    *tls_out = SMTP_TLS_AT_ONCE;
    if (remote_parse(text_of(config->url), "smtps", "465", out) != 0)
        return error_set(
            err, ERROR_CONFIG,
            "providers.%s.url: \"%s\" is not of the form smtp://HOST:PORT or "
            "smtps://HOST:PORT",
            config->name, config->url);
    if (config->tls == PROVIDER_TLS_OFF)
        return error_set(
            err, ERROR_CONFIG,
            "providers.%s.tls: \"off\" and a url with smtps:// contradict each "
            "other; write smtp:// for a connection without TLS",
            config->name);
    return 0;
}

static int make_trust(const struct provider_config *config, const struct remote *remote,
                      struct tls_context **out, struct error *err)
{
    struct tls_settings settings = {.host = remote->host,
                                    .ca_file = config->tls_ca,
                                    .unverified = config->tls_unverified};
    if (config->tls == PROVIDER_TLS_OFF)
        return 0;
    int rc = tls_context_create(&settings, out, err);
    if (rc != 0)
        error_prefix(err, "providers.%s.", config->name);
    return rc;
}

static int check_login(const struct provider_config *config, struct error *err)
{
    bool username = config->username[0] != '\0', password = config->password[0] != '\0';
    if (username != password)
        return error_set(
            err, ERROR_CONFIG,
            "providers.%s: username and password go together, and %s is missing",
            config->name, username ? "password" : "username");
    if (!username && config->auth != PROVIDER_AUTH_AUTO)
        return error_set(
            err, ERROR_CONFIG,
            "providers.%s.auth: it says how to log in, and username and password "
            "are missing",
            config->name);
    return 0;
}

static int check_verp(const struct provider_config *config, struct error *err)
{
    char path[SMTP_VERP_BYTES];
    if (config->verp[0] == '\0' || smtp_verp(TEXT("a@b"), text_of(config->verp), path))
        return 0;
    return error_set(err, ERROR_CONFIG, "providers.%s.verp: \"%s\" is not a domain",
                     config->name, config->verp);
}

static int relay_check(const struct provider_config *config, struct error *err)
{
    struct remote remote;
    enum smtp_tls tls;
    struct tls_context *trust = NULL;
    int rc = parse_url(config, &remote, &tls, err);
    if (rc == 0)
        rc = check_login(config, err);
    if (rc == 0)
        rc = check_verp(config, err);
    if (rc == 0)
        rc = domain_check(config, err);
    if (rc == 0)
        rc = make_trust(config, &remote, &trust, err);
    tls_context_destroy(&trust);
    return rc;
}

/* --- life --- */

/* EHLO wants a domain (RFC 5321 4.1.1.1); a host name may be anything. */
static void find_own_name(char *out, size_t out_bytes)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789.-";
    bool known = gethostname(out, out_bytes - 1) == 0;
    if (!known || out[0] == '\0' || out[strspn(out, letters)] != '\0')
        snprintf(out, out_bytes, "localhost");
}

static int relay_open(struct provider *provider, struct error *err)
{
    static const enum smtp_mechanism mechanisms[] = {
        [PROVIDER_AUTH_AUTO] = SMTP_AUTH_NONE,
        [PROVIDER_AUTH_PLAIN] = SMTP_AUTH_PLAIN,
        [PROVIDER_AUTH_LOGIN] = SMTP_AUTH_LOGIN,
        [PROVIDER_AUTH_XOAUTH2] = SMTP_AUTH_XOAUTH2,
    };
    const struct provider_config *config = &provider->config;
    struct relay *relay = calloc(1, sizeof(*relay));
    CHECK(relay);
    provider->state = relay;
    relay->provider = provider;
    relay->login =
        (struct smtp_login){config->username, config->password, mechanisms[config->auth]};
    find_own_name(relay->helo, sizeof(relay->helo));
    int rc = parse_url(config, &relay->remote, &relay->tls, err);
    if (rc == 0)
        rc = make_trust(config, &relay->remote, &relay->trust, err);
    if (rc != 0)
        return rc;
    snprintf(relay->server, sizeof(relay->server), "%s:%s", relay->remote.host,
             relay->remote.port);
    rc = remote_resolve(&relay->remote, err);
    if (rc != 0)
        error_prefix(err, "provider %s: ", config->name);
    return rc;
}

static void relay_close(struct provider *provider)
{
    struct relay *relay = provider->state;
    relay->closing = true;
    if (relay->session_count == 0) {
        provider_closed(provider);
        return;
    }
    for (size_t i = 0; i < relay->session_count; i++)
        smtp_quit(relay->sessions[i]->smtp);
}

static void relay_destroy(struct provider *provider)
{
    struct relay *relay = provider->state;
    while (relay->session_count > 0)
        forget(relay->sessions[0]);
    tls_context_destroy(&relay->trust);
    free(relay->sessions);
    free(relay);
    provider->state = NULL;
}

const struct provider_type provider_relay = {
    .name = "smtp",
    .channels = 1u << CHANNEL_EMAIL,
    .wants_mime = true,
    /* a resend carries the same Message-ID, by which mailboxes drop the second copy */
    .on_unknown_default = ON_UNKNOWN_RESEND,
    .check = relay_check,
    .open = relay_open,
    .pump = relay_pump,
    .reconfigure = relay_reconfigure,
    .close = relay_close,
    .destroy = relay_destroy,
};
