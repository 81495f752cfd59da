/* A relay under TLS and with a login: scripted servers that do it well, badly and not at all. */
#include "tests/outbox/harness.h"
#include "outbox/wire/smtp.h"
#include "tests/outbox/certificates.h"
#include "tests/outbox/fake_peer.h"

#include <criterion/criterion.h>

#define HOUR 3600
#define MAIL "Subject: hi\r\n\r\nhello\r\n"
#define MANY 20

enum { RIGHT, WRONG_NAME, EXPIRED, NOBODYS, CERTIFICATES };

static struct authority ca;
static SSL_CTX *servers[CERTIFICATES];

static void setup(void)
{
    authority_init(&ca);
    servers[RIGHT] = certificate_server(&ca, "IP:127.0.0.1", -HOUR, HOUR);
    servers[WRONG_NAME] = certificate_server(&ca, "DNS:mx.example", -HOUR, HOUR);
    servers[EXPIRED] = certificate_server(&ca, "IP:127.0.0.1", -3 * HOUR, -HOUR);
    servers[NOBODYS] = certificate_server(NULL, "IP:127.0.0.1", -HOUR, HOUR);
}

static void teardown(void)
{
    for (int i = 0; i < CERTIFICATES; i++)
        SSL_CTX_free(servers[i]);
    authority_fini(&ca);
}

TestSuite(relay_tls, .init = setup, .fini = teardown);

struct talk {
    struct peer *peer;
    struct harness h;
    struct provider_config config;
};

/* A server that offers this, and a provider that trusts the CA. */
static void talk_init(struct talk *t, const char *offers, bool tls_at_once)
{
    *t =
        (struct talk){.peer = calloc(1, sizeof(*t->peer)), .h = {.intend_ns = NS_PER_MS}};
    t->peer->tls = servers[RIGHT];
    t->peer->offers = offers;
    t->peer->tls_at_once = tls_at_once;
    peer_start(t->peer);
    if (tls_at_once)
        snprintf(t->peer->url, sizeof(t->peer->url), "smtps://127.0.0.1:%d",
                 t->peer->port);
    t->config = harness_config("smtp", t->peer->url);
    t->config.tls_ca = ca.file;
}

static void talk_start(struct talk *t, size_t mails)
{
    struct error err = {0};
    cr_assert_eq(harness_start(&t->h, &t->config, 1, &err), 0, "%s", err.text);
    harness_fill(&t->h, mails, CHANNEL_EMAIL, MAIL);
    dispatch_submit(t->h.dispatch, t->h.deliveries);
}

static void talk_fini(struct talk *t, const char *name)
{
    cr_expect_eq(t->peer->mismatches, 0, "%s", name);
    cr_expect(harness_stop(&t->h), "%s: close hangs", name);
    peer_stop(t->peer);
    free(t->peer);
}

/* --- what goes well --- */

static const struct {
    const char *name, *offers;
    bool tls_at_once;
    enum provider_tls tls;
    enum provider_auth auth;
    const char *username, *password;
    char *login; /* what the server insists on */
} good[] = {
    {"STARTTLS", "STARTTLS PIPELINING", .username = "", .password = ""},
    {"STARTTLS in lock-step", "STARTTLS", .username = "", .password = ""},
    {"STARTTLS with chunks", "STARTTLS PIPELINING CHUNKING", .username = "",
     .password = ""},
    {"required", "STARTTLS PIPELINING", false, PROVIDER_TLS_REQUIRED, .username = "",
     .password = ""},
    {"offered and not wanted", "STARTTLS PIPELINING", false, PROVIDER_TLS_OFF,
     .username = "", .password = ""},
    {"smtps", "PIPELINING", true, .username = "", .password = ""},
    {"smtps that offers STARTTLS as well", "STARTTLS PIPELINING CHUNKING", true,
     .username = "", .password = ""},
    {"PLAIN", "STARTTLS AUTH=LOGIN=PLAIN", .username = "ann", .password = "secret",
     .login = "PLAIN AGFubgBzZWNyZXQ="},
    {"PLAIN in the clear on this machine", "AUTH=PLAIN", .username = "ann",
     .password = "secret", .login = "PLAIN AGFubgBzZWNyZXQ="},
    {"XOAUTH2", "AUTH=XOAUTH2=PLAIN", true, .auth = PROVIDER_AUTH_XOAUTH2,
     .username = "ann", .password = "token",
     .login = "XOAUTH2 dXNlcj1hbm4BYXV0aD1CZWFyZXIgdG9rZW4BAQ=="},
};

Test(relay_tls, delivers_everything_under_tls)
{
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        struct talk t;
        talk_init(&t, good[i].offers, good[i].tls_at_once);
        t.peer->login = good[i].login;
        t.config.tls = good[i].tls;
        t.config.auth = good[i].auth;
        t.config.username = good[i].username;
        t.config.password = good[i].password;
        t.config.max_connections = 3;
        t.config.messages_per_connection = 7;
        talk_start(&t, MANY);
        cr_expect(harness_run(&t.h, 5 * NS_PER_S), "%s: %zu done", good[i].name,
                  t.h.done);
        for (size_t row = 0; row < MANY; row++) {
            cr_expect_eq(t.h.fates[row].verdict, DELIVERY_SENT, "%s: row %zu: %s",
                         good[i].name, row, t.h.fates[row].detail);
            cr_expect_eq(t.peer->taken[row], 1, "%s: row %zu", good[i].name, row);
        }
        cr_expect(t.peer->largest_session <= 7, "%s: %d in one session", good[i].name,
                  t.peer->largest_session);
        talk_fini(&t, good[i].name);
    }
}

/* --- what keeps a provider from working: everything waits, and a sentence says why --- */

#define HELLO    "S 220 fake\nE EHLO\nS 250-fake\n"
#define STARTTLS HELLO "S 250 STARTTLS\nE STARTTLS\n"
#define AUTH     HELLO "S 250 AUTH PLAIN LOGIN XOAUTH2\n"

static const struct {
    const char *name, *script;
    int certificate;
    enum provider_tls tls;
    bool smtps;
    enum provider_auth auth;
    const char *username;
    const char *sentence;
} broken[] = {
    {"refuses", STARTTLS "S 454 4.7.0 TLS not available\nT", .username = "",
     .sentence =
         "offers STARTTLS and refuses it (`tls: off` would go on in the clear): 454"},
    {"does not offer", HELLO "S 250 SIZE\nT", .tls = PROVIDER_TLS_REQUIRED,
     .username = "", .sentence = "offers no STARTTLS, which `tls: required` asks for"},
    {"knows no EHLO", "S 220 fake\nE EHLO\nS 502 what\nE HELO\nS 250 fake\nT",
     .tls = PROVIDER_TLS_REQUIRED, .username = "", .sentence = "offers no STARTTLS"},
    {"injects", STARTTLS "X 220 go|250 2.0.0 injected|\nT", .username = "",
     .sentence = "somebody in the middle"},
    {"injects half a line", STARTTLS "X 220 go|250\nT", .username = "",
     .sentence = "somebody in the middle"},
    {"answers before STARTTLS", "X 220 fake|250-fake|250 STARTTLS|220 go|\nT",
     .username = "", .sentence = "it answered before it was asked"},
    {"garbage", STARTTLS "S 220 go\nE \nS what is this?\nT", .username = "",
     .sentence = "not TLS"},
    {"stalls", STARTTLS "S 220 go\nT", .username = "",
     .sentence = "TLS was not agreed upon within 0.3 s"},
    {"closes", STARTTLS "S 220 go\nC", .username = "",
     .sentence = "broke off while TLS was being agreed upon"},
    {"plain smtps", "S 220 fake\nT", .smtps = true, .username = "",
     .sentence = "not TLS"},
    {"silent smtps", "T", .smtps = true, .username = "", .sentence = "not agreed upon"},
    {"wrong name", "L\nT", WRONG_NAME, .smtps = true, .username = "",
     .sentence = "its certificate is for mx.example, not for 127.0.0.1"},
    {"expired", STARTTLS "S 220 go\nL\nT", EXPIRED, .username = "",
     .sentence = "its certificate has expired"},
    {"nobody's", STARTTLS "S 220 go\nL\nT", NOBODYS, .username = "",
     .sentence = "tls_ca"},
    {"silent under TLS", STARTTLS "S 220 go\nL\nT", .username = "",
     .sentence = "no reply within 0.3 s"},
    {"banner under TLS", "L\nF 10000000\nT", .smtps = true, .username = "",
     .sentence = "it does not speak SMTP"},
    {"broken under TLS", "L\nS 220 fake\nE EHLO\nZ garbage garbage\nT", .smtps = true,
     .username = "", .sentence = "not TLS"},
    {"no AUTH", HELLO "S 250 SIZE\nT", .username = "ann",
     .sentence = "neither AUTH PLAIN nor LOGIN"},
    {"no XOAUTH2", HELLO "S 250 AUTH PLAIN\nT", .auth = PROVIDER_AUTH_XOAUTH2,
     .username = "ann", .sentence = "does not offer AUTH XOAUTH2"},
    {"AUTH later", AUTH "E AUTH PLAIN\nS 454 4.7.0 later\nT", .username = "ann",
     .sentence = "cannot log us in: 454 4.7.0 later"},
    {"AUTH for ever", AUTH "E AUTH PLAIN\nS 334 more\nT", .username = "ann",
     .sentence = "asks for more than AUTH PLAIN has"},
    {"AUTH without answer", AUTH "E AUTH PLAIN\nT", .username = "ann",
     .sentence = "no reply within 0.3 s"},
    {"AUTH, closed", AUTH "E AUTH PLAIN\nC", .username = "ann",
     .sentence = "it closed the connection"},
};

static void run_broken(size_t i)
{
    struct talk t;
    talk_init(&t, "", false);
    t.peer->tls = servers[broken[i].certificate];
    for (size_t k = 0; k < ARRAY_COUNT(t.peer->scripts); k++)
        t.peer->scripts[k] = broken[i].script;
    if (broken[i].smtps)
        snprintf(t.peer->url, sizeof(t.peer->url), "smtps://127.0.0.1:%d", t.peer->port);
    t.config.tls = broken[i].tls;
    t.config.auth = broken[i].auth;
    t.config.username = broken[i].username;
    t.config.password = broken[i].username;
    talk_start(&t, 1);
    struct dispatch_counters now = {0};
    int64_t end_ns = clock_steady_ns() + 2 * NS_PER_S;
    while (now.trouble[0] == '\0' && clock_steady_ns() < end_ns) {
        harness_run_for(&t.h, 5 * NS_PER_MS);
        dispatch_counters_read(t.h.dispatch, 0, &now);
    }
    cr_expect(strstr(now.trouble, broken[i].sentence), "%s: %s", broken[i].name,
              now.trouble);
    cr_expect_eq(t.h.done, 0, "%s: it waits", broken[i].name);
    cr_expect_eq(now.stopped, false, "%s", broken[i].name);
    talk_fini(&t, broken[i].name);
}

Test(relay_tls, what_is_broken_has_a_sentence_and_costs_nothing)
{
    for (size_t i = 0; i < ARRAY_COUNT(broken); i++)
        run_broken(i);
}

/* --- logins that are refused for good --- */

Test(relay_tls, refused_credentials_stop_the_provider)
{
    static const struct {
        const char *script;
        enum provider_auth auth;
        const char *sentence;
    } cases[] = {
        {AUTH "E AUTH PLAIN AGFubgBzZWNyZXQ=\nS 535 5.7.8 wrong\nT", PROVIDER_AUTH_AUTO,
         "does not log in ann (AUTH PLAIN): 535 5.7.8 wrong"},
        {AUTH "E AUTH LOGIN\nS 334 VXNlcm5hbWU6\nE YW5u\nS 334 UGFzc3dvcmQ6\nE c2VjcmV0\n"
              "S 535 5.7.8 wrong\nT",
         PROVIDER_AUTH_LOGIN, "does not log in ann (AUTH LOGIN): 535 5.7.8 wrong"},
        {AUTH "E AUTH PLAIN\nS 534 5.7.9 too weak\nT", PROVIDER_AUTH_PLAIN, "534 5.7.9"},
        {AUTH "E AUTH PLAIN\nS 530 5.7.0 STARTTLS first\nT", PROVIDER_AUTH_PLAIN, "530"},
        /* Google: the reason comes in a challenge, which an empty line answers */
        {AUTH "E AUTH XOAUTH2\nS 334 eyJzdGF0dXMiOiI0MDAifQ==\nE \nS 535 5.7.8 wrong\nT",
         PROVIDER_AUTH_XOAUTH2, "535 5.7.8 wrong {\"status\":\"400\"}"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct talk t;
        talk_init(&t, "", false);
        t.peer->scripts[0] = cases[i].script;
        t.config.auth = cases[i].auth;
        t.config.username = "ann";
        t.config.password = "secret";
        talk_start(&t, MANY);
        cr_expect(harness_run(&t.h, 2 * NS_PER_S), "%zu: %zu done", i, t.h.done);
        struct dispatch_counters now;
        dispatch_counters_read(t.h.dispatch, 0, &now);
        cr_expect(now.stopped && strstr(now.trouble, cases[i].sentence), "%zu: %s", i,
                  now.trouble);
        for (size_t row = 0; row < MANY; row++)
            cr_expect(t.h.fates[row].verdict == DELIVERY_FAILED &&
                      t.h.fates[row].reason == DELIVERY_CREDENTIALS);
        talk_fini(&t, "login");
    }
}

/* --- in the middle of a mail --- */

Test(relay_tls, tls_that_breaks_behind_the_body_leaves_it_unknown)
{
    static const char *const ends[] = {"C", "R", "T", "Z garbage garbage\nT"};
    for (size_t i = 0; i < ARRAY_COUNT(ends); i++) {
        char script[300];
        snprintf(script, sizeof(script),
                 "L\n" HELLO "S 250 PIPELINING\nE MAIL\nE RCPT\nE DATA\nS 250 ok\n"
                 "S 250 ok\nS 354 go\nD\nA\n%s",
                 ends[i]);
        struct talk t;
        talk_init(&t, "PIPELINING", true);
        t.peer->scripts[0] = script;
        talk_start(&t, MANY);
        cr_expect(harness_run(&t.h, 5 * NS_PER_S), "%s: %zu", ends[i], t.h.done);
        cr_expect_eq(t.h.fates[0].verdict, DELIVERY_UNKNOWN);
        cr_expect_eq(t.h.fates[0].reason,
                     ends[i][0] == 'T' ? DELIVERY_TIMEOUT : DELIVERY_CONNECTION_LOST);
        for (size_t row = 1; row < MANY; row++)
            cr_expect(t.h.fates[row].verdict == DELIVERY_SENT && t.peer->taken[row] == 1);
        talk_fini(&t, ends[i]);
    }
}

/* Many servers close without close_notify. An answer that came before counts. */
Test(relay_tls, an_answer_counts_though_tls_ends_without_a_farewell)
{
    static const char *const ends[] = {"C", "R", "Z garbage\nC"};
    for (size_t i = 0; i < ARRAY_COUNT(ends); i++) {
        char script[300];
        snprintf(script, sizeof(script),
                 "L\n" HELLO "S 250 8BITMIME\nE MAIL\nS 250 ok\nE RCPT\nS 250 ok\n"
                 "E DATA\nS 354 go\nD\nA\nS 250 2.0.0 taken\nW 30\n%s",
                 ends[i]);
        struct talk t;
        talk_init(&t, "PIPELINING", true);
        t.peer->scripts[0] = script;
        talk_start(&t, MANY);
        cr_expect(harness_run(&t.h, 5 * NS_PER_S), "%s: %zu", ends[i], t.h.done);
        for (size_t row = 0; row < MANY; row++)
            cr_expect(t.h.fates[row].verdict == DELIVERY_SENT && t.peer->taken[row] == 1,
                      "%s: row %zu: %d", ends[i], row, t.h.fates[row].verdict);
        talk_fini(&t, ends[i]);
    }
}

/* --- a password does not travel in the clear --- */

struct watch {
    bool open, ended;
    enum smtp_end end;
    char sentence[300];
};

static bool no_mail(void *arg, struct smtp_mail *out)
{
    (void)arg, (void)out;
    return false;
}

static void no_answer(void *arg, void *owner, const struct smtp_answer *answer)
{
    (void)arg, (void)owner, (void)answer;
}

static void on_open(void *arg)
{
    ((struct watch *)arg)->open = true;
}

static void on_ended(void *arg, enum smtp_end end, const char *sentence)
{
    struct watch *watch = arg;
    watch->ended = true;
    watch->end = end;
    snprintf(watch->sentence, sizeof(watch->sentence), "%s", sentence);
}

Test(relay_tls, a_password_waits_for_tls)
{
    struct peer *peer = calloc(1, sizeof(*peer));
    peer->scripts[0] = AUTH "E nothing\nT";
    peer_start(peer);
    struct loop *loop = NULL;
    struct error err;
    cr_assert_eq(loop_create(&loop, &err), 0);
    static const struct smtp_events events = {no_mail, no_answer, on_open, on_ended};
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)peer->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct smtp_login login = {"ann", "secret", SMTP_AUTH_NONE};
    struct smtp_config config = {.address = (struct sockaddr *)&address,
                                 .address_bytes = sizeof(address),
                                 .server = "mx",
                                 .helo = "me",
                                 .login = &login,
                                 .timeout_ns = NS_PER_S};
    struct watch watch = {0};
    struct smtp_session *session = smtp_open(loop, &config, &events, &watch);
    for (int i = 0; i < 200 && !watch.ended; i++)
        cr_assert_eq(loop_run(loop, 10 * NS_PER_MS, &err), 0);
    cr_expect(watch.ended && !watch.open && watch.end == SMTP_END_UNSAFE);
    cr_expect(strstr(watch.sentence, "a password is not sent in the clear"), "%s",
              watch.sentence);
    smtp_destroy(&session);
    loop_destroy(&loop);
    peer_stop(peer);
    cr_expect_eq(peer->mismatches, 0, "nothing was said behind EHLO");
    free(peer);
}

/* --- configuration --- */

Test(relay_tls, contradictions_are_named)
{
    static const struct {
        const char *url;
        enum provider_tls tls;
        const char *username, *password, *tls_ca, *verp;
        enum provider_auth auth;
        const char *words;
    } cases[] = {
        {"smtps://mx.example", PROVIDER_TLS_OFF, "", "", "", "", 0,
         "contradict each other"},
        {"smtp://mx.example", 0, "ann", "", "", "", 0, "password is missing"},
        {"smtp://mx.example", 0, "", "secret", "", "", 0, "username is missing"},
        {"smtp://mx.example", 0, "", "", "", "", PROVIDER_AUTH_LOGIN, "fake.auth"},
        {"smtp://mx.example", 0, "", "", "/nonexistent.pem", "", 0,
         "fake.tls_ca: \"/non"},
        {"smtp://mx.example", 0, "", "", "", "a b", 0,
         "fake.verp: \"a b\" is not a domain"},
        {"smtp://mx.example", 0, "", "", "", "x@y", 0, "is not a domain"},
        {"smtps://mx.example:x", 0, "", "", "", "", 0, "not of the form"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct provider_config config = harness_config("smtp", cases[i].url);
        config.tls = cases[i].tls;
        config.username = cases[i].username;
        config.password = cases[i].password;
        config.tls_ca = cases[i].tls_ca;
        config.verp = cases[i].verp;
        config.auth = cases[i].auth;
        struct error err = {0};
        const struct provider_type *type = provider_type_find(TEXT("smtp"));
        cr_expect_eq(type->check(&config, &err), -ERROR_CONFIG, "%zu", i);
        cr_expect(strstr(err.text, cases[i].words), "%zu: %s", i, err.text);
    }
}
