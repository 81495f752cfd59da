/* relay: type "smtp", any SMTP server that takes mail from us, over plain TCP.
 *
 * A pool of sessions (wire/smtp.h); what a reply means for a message is the table below.
 */
#include "outbox/dispatch/provider.h"
#include "outbox/providers/types.h"
#include "outbox/wire/remote.h"
#include "outbox/wire/smtp.h"

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
    char helo[256];
    char server[300];
    bool closing;
    size_t session_count; /* at most config.max_connections */
    size_t opening;       /* of them, not yet greeted */
    struct relay_session *sessions;
};

struct relay_session {
    struct relay *relay;
    struct smtp_session *smtp; /* NULL: free */
    bool opening;
};

/* --- what replies mean --- */

static bool address_is_dead(const uint16_t status[3])
{
    /* RFC 3463 5.1.1 bad mailbox, 5.1.2 bad domain, 5.1.3 syntax, 5.1.6 moved; RFC
     * 7505 5.1.10 */
    return status[0] == 5 && status[1] == 1 &&
           (status[2] == 1 || status[2] == 2 || status[2] == 3 || status[2] == 6 ||
            status[2] == 10);
}

static bool code_names_address(unsigned code, const uint16_t status[3])
{
    bool addressing = status[0] == 0 || status[1] == 1;
    return addressing && (code == 550 || code == 551 || code == 553);
}

static struct delivery_result judge_refusal(enum smtp_stage stage,
                                            const struct smtp_reply *reply)
{
    struct delivery_result result = {.verdict = DELIVERY_FAILED,
                                     .reason = DELIVERY_REJECTED};
    unsigned code = reply->code;
    if (code / 100 == 4) {
        /* 421 closes the channel, 452 is a full disk or too many recipients, and what is
         * refused at MAIL has nothing to do with this message */
        bool too_fast = code == 421 || code == 452 || stage == SMTP_MAIL;
        result.verdict = DELIVERY_DEFERRED;
        result.reason = too_fast ? DELIVERY_THROTTLED : DELIVERY_TEMPORARY;
    } else if (code == 530 || code == 534 || code == 535 || code == 538) {
        result.reason = DELIVERY_CREDENTIALS; /* RFC 4954 6 */
    } else if (code == 552 && (reply->status[0] == 0 || reply->status[1] == 3)) {
        result.reason =
            DELIVERY_TOO_LARGE; /* RFC 1870 6.1; 552 5.2.2 is a full mailbox */
    } else if (stage == SMTP_RCPT && code_names_address(code, reply->status)) {
        result.reason = DELIVERY_INVALID_ADDRESS;
        result.address_dead = address_is_dead(reply->status);
    }
    return result;
}

static struct delivery_result judge(const struct smtp_answer *answer)
{
    switch (answer->fate) {
    case SMTP_TAKEN:
        return (struct delivery_result){.verdict = DELIVERY_SENT};
    case SMTP_REFUSED:
        return judge_refusal(answer->stage, answer->reply);
    case SMTP_BAD_ADDRESS:
        return (struct delivery_result){.verdict = DELIVERY_FAILED,
                                        .reason = DELIVERY_INVALID_ADDRESS};
    case SMTP_NEEDS_8BIT:
        return (struct delivery_result){.verdict = DELIVERY_FAILED,
                                        .reason = DELIVERY_REJECTED};
    case SMTP_TOO_LARGE:
        return (struct delivery_result){.verdict = DELIVERY_FAILED,
                                        .reason = DELIVERY_TOO_LARGE};
    case SMTP_UNSENT:
        return (struct delivery_result){.verdict = DELIVERY_DEFERRED,
                                        .reason = DELIVERY_UNREACHABLE};
    case SMTP_LOST:
        break;
    }
    enum delivery_reason reason = answer->end == SMTP_END_TIMEOUT ? DELIVERY_TIMEOUT
                                  : answer->end == SMTP_END_BAD_REPLY
                                      ? DELIVERY_BAD_REPLY
                                      : DELIVERY_CONNECTION_LOST;
    return (struct delivery_result){.verdict = DELIVERY_UNKNOWN, .reason = reason};
}

/* "2.0.0 Ok: queued as 4Rk2x" names the message in the server's log: Postfix, and others
 * after it. */
static struct text queue_id(struct text words)
{
    static const char mark[] = "queued as ";
    const char *at = memmem(words.data, words.bytes, mark, sizeof(mark) - 1);
    if (!at)
        return TEXT_NONE;
    at += sizeof(mark) - 1;
    const char *end = at;
    while (end<words.data + words.bytes && * end> ' ' && *end < 0x7F)
        end++;
    return (struct text){at, (size_t)(end - at)};
}

/* --- what a session calls --- */

static void relay_pump(struct provider *provider);

static bool on_next(void *arg, struct smtp_mail *out)
{
    struct relay_session *session = arg;
    struct delivery *delivery = provider_take(session->relay->provider);
    if (!delivery)
        return false;
    *out = (struct smtp_mail){.from = delivery->from,
                              .to = delivery->to,
                              .body = delivery->body,
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
    struct delivery_result result = judge(answer);
    result.detail = answer->words;
    if (answer->fate == SMTP_TAKEN) {
        result.provider_id = queue_id(answer->words);
        provider_ok(provider);
    }
    if (result.reason == DELIVERY_THROTTLED)
        provider_slow_down(provider, 0);
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

static void on_ended(void *arg, enum smtp_end end, const char *sentence)
{
    struct relay_session *session = arg;
    struct relay *relay = session->relay;
    if (end == SMTP_END_CONNECT)
        relay->address++;
    if (end == SMTP_END_BUSY)
        provider_slow_down(relay->provider, 0);
    else if (end != SMTP_END_CLOSED)
        provider_trouble(relay->provider, sentence);
    opened(session);
    smtp_destroy(&session->smtp); /* the sentence was its */
    relay->session_count--;
    if (!relay->closing)
        relay_pump(relay->provider);
    else if (relay->session_count == 0)
        provider_closed(relay->provider);
}

static const struct smtp_events events = {
    .next = on_next, .answer = on_answer, .open = on_open, .ended = on_ended};

/* --- what dispatch calls --- */

static void open_session(struct relay *relay)
{
    const struct provider_config *config = &relay->provider->config;
    struct relay_session *session = relay->sessions;
    while (session->smtp)
        session++;
    size_t address = relay->address % relay->remote.count;
    struct smtp_config smtp = {
        .address = (const struct sockaddr *)&relay->remote.addresses[address],
        .address_bytes = relay->remote.address_bytes[address],
        .server = relay->server,
        .helo = relay->helo,
        .timeout_ns = config->timeout_ns,
        .idle_ns = RELAY_IDLE_NS,
        .mails_max = config->messages_per_connection,
    };
    relay->session_count++;
    relay->opening++;
    session->opening = true;
    session->smtp = smtp_open(relay->provider->loop, &smtp, &events, session);
}

static void relay_pump(struct provider *provider)
{
    struct relay *relay = provider->state;
    size_t most = provider->config.max_connections;
    size_t idle = 0; /* or about to be */
    for (size_t i = 0; i < most && relay->session_count > relay->opening; i++) {
        struct smtp_session *smtp = relay->sessions[i].smtp;
        if (smtp && !relay->sessions[i].opening) {
            smtp_kick(smtp);
            idle += smtp_is_idle(smtp);
        }
    }
    size_t waiting = provider_waiting(provider);
    while (idle + relay->opening < waiting && relay->session_count < most)
        open_session(relay);
}

static int relay_check(const struct provider_config *config, struct error *err)
{
    struct remote remote;
    static const char *const encrypted[] = {"smtps", "starttls", "smtp+starttls"};
    for (size_t i = 0; i < ARRAY_COUNT(encrypted); i++) {
        if (remote_parse(text_of(config->url), encrypted[i], "465", &remote) == 0)
            return error_set(
                err, ERROR_CONFIG,
                "providers.%s.url: %s is not spoken; use smtp://HOST:PORT of a "
                "relay on this machine or a private network",
                config->name, config->url);
    }
    if (remote_parse(text_of(config->url), "smtp", "25", &remote) != 0)
        return error_set(err, ERROR_CONFIG,
                         "providers.%s.url: \"%s\" is not of the form smtp://HOST:PORT",
                         config->name, config->url);
    return 0;
}

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
    struct relay *relay = calloc(1, sizeof(*relay));
    CHECK(relay);
    provider->state = relay;
    relay->provider = provider;
    relay->sessions =
        calloc(provider->config.max_connections + 1, sizeof(*relay->sessions));
    CHECK(relay->sessions);
    for (size_t i = 0; i < provider->config.max_connections; i++)
        relay->sessions[i].relay = relay;
    find_own_name(relay->helo, sizeof(relay->helo));
    CHECK(remote_parse(text_of(provider->config.url), "smtp", "25", &relay->remote) == 0);
    snprintf(relay->server, sizeof(relay->server), "%s:%s", relay->remote.host,
             relay->remote.port);
    int rc = remote_resolve(&relay->remote, err);
    if (rc != 0)
        error_prefix(err, "provider %s: ", provider->config.name);
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
    for (size_t i = 0; i < provider->config.max_connections; i++) {
        if (relay->sessions[i].smtp)
            smtp_quit(relay->sessions[i].smtp);
    }
}

static void relay_destroy(struct provider *provider)
{
    struct relay *relay = provider->state;
    for (size_t i = 0; i < provider->config.max_connections; i++)
        smtp_destroy(&relay->sessions[i].smtp);
    free(relay->sessions);
    free(relay);
    provider->state = NULL;
}

const struct provider_type provider_relay = {
    .name = "smtp",
    .channels = 1u << CHANNEL_EMAIL,
    /* a resend carries the same Message-ID, by which mailboxes drop the second copy */
    .on_unknown_default = ON_UNKNOWN_RESEND,
    .check = relay_check,
    .open = relay_open,
    .pump = relay_pump,
    .close = relay_close,
    .destroy = relay_destroy,
};
