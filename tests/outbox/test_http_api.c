/* The type http against a scripted peer: what each reply means for the messages of a call. */
#include "tests/outbox/fake_peer.h"
#include "tests/outbox/harness.h"

#include <criterion/criterion.h>

static struct provider_config config_for(const char *url)
{
    struct provider_config config = harness_config("http", url);
    config.body = "{\"to\": \"##{{to}}\", \"text\": ##{{body}}}";
    config.batch_body = config.batch_replies = config.id = config.detail = "";
    return config;
}

static void reply_with(struct peer *peer, char out[2048], const char *status,
                       const char *body)
{
    snprintf(out, 2048, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s", status,
             strlen(body), body);
    peer->http_reply = out;
}

static const struct provider_reply rules[] = {
    {.status = "200", .field = "code", .is = "0", .means = PROVIDER_MEANS_SENT},
    {.status = "200", .field = "code", .is = "406", .means = PROVIDER_MEANS_DEAD},
    {.status = "200", .field = "code", .is = "410", .means = PROVIDER_MEANS_OPTED_OUT},
    {.status = "200", .field = "code", .is = "100|101", .means = PROVIDER_MEANS_RETRY},
    {.status = "", .field = "code", .is = "429", .means = PROVIDER_MEANS_SLOW_DOWN},
    {.status = "", .field = "code", .is = "10", .means = PROVIDER_MEANS_STOP},
    {.status = "", .field = "code", .is = "500", .means = PROVIDER_MEANS_UNKNOWN},
    {.status = "200", .field = "code", .is = "", .means = PROVIDER_MEANS_FAILED},
};

static const struct {
    const char *status, *body;
    enum delivery_verdict verdict;
    enum delivery_reason reason;
    bool dead;
    const char *id, *detail;
} cases[] = {
    {"200 OK", "{\"code\":0,\"id\":\"a-1\"}", DELIVERY_SENT, DELIVERY_OK, false, "a-1",
     NULL},
    {"200 OK", "{\"code\":0,\"id\":12}", DELIVERY_SENT, DELIVERY_OK, false, "12", NULL},
    {"200 OK", "{\"code\":0}", DELIVERY_SENT, DELIVERY_OK, false, "", NULL},
    {"202 OK", "{\"id\":\"a-2\"}", DELIVERY_SENT, DELIVERY_OK, false, "a-2", NULL},
    /* 200 with an error inside */
    {"200 OK", "{\"code\":406,\"why\":\"gone\"}", DELIVERY_FAILED,
     DELIVERY_INVALID_ADDRESS, true, "", "gone"},
    {"200 OK", "{\"code\":410}", DELIVERY_FAILED, DELIVERY_OPTED_OUT, false, "", NULL},
    {"200 OK", "{\"code\":300,\"why\":\"bad\"}", DELIVERY_FAILED, DELIVERY_REJECTED,
     false, "", "bad"},
    {"200 OK", "{\"code\":101}", DELIVERY_DEFERRED, DELIVERY_TEMPORARY, false, "", NULL},
    {"200 OK\r\nRetry-After: 7", "{\"code\":429}", DELIVERY_DEFERRED, DELIVERY_THROTTLED,
     false, "", NULL},
    {"200 OK", "{\"code\":500}", DELIVERY_UNKNOWN, DELIVERY_BAD_REPLY, false, "", NULL},
    {"422 No", "{\"code\":10,\"why\":\"token\"}", DELIVERY_FAILED, DELIVERY_CREDENTIALS,
     false, "", "token"},
    /* nothing that proves it taken */
    {"202 OK", "{\"error\":\"no\"}", DELIVERY_UNKNOWN, DELIVERY_BAD_REPLY, false, "",
     "HTTP 202 without the id `id`, ask the service: "
     "{\"error\":\"no\"}"},
    {"200 OK", "<html>", DELIVERY_UNKNOWN, DELIVERY_BAD_REPLY, false, "",
     "HTTP 200, but the reply is no JSON; check `url`, ask the service if it was sent: "
     "<html>"},
    {"200 OK", "", DELIVERY_UNKNOWN, DELIVERY_BAD_REPLY, false, "",
     "HTTP 200, but the reply is empty; check `url`, ask the service if it was sent"},
    /* by the status alone */
    {"404 No", "<html>", DELIVERY_FAILED, DELIVERY_INVALID_ADDRESS, false, "", "<html>"},
    {"400 No", "{\"why\":\"because\"}", DELIVERY_FAILED, DELIVERY_REJECTED, false, "",
     "because"},
    {"400 No", "", DELIVERY_FAILED, DELIVERY_REJECTED, false, "", "HTTP 400"},
    {"429 No\r\nRetry-After: 7", "{}", DELIVERY_DEFERRED, DELIVERY_THROTTLED, false, "",
     "{}"},
    {"302 No\r\nLocation: /x", "", DELIVERY_DEFERRED, DELIVERY_TEMPORARY, false, "",
     "HTTP 302"},
    {"500 No", "", DELIVERY_UNKNOWN, DELIVERY_BAD_REPLY, false, "", "HTTP 500"},
};

Test(http_api, each_reply_has_its_meaning)
{
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct peer *peer = calloc(1, sizeof(*peer));
        char reply[2048];
        peer->http = true;
        reply_with(peer, reply, cases[i].status, cases[i].body);
        peer_start(peer);
        struct harness h = {.intend_ns = NS_PER_MS};
        struct error err = {0};
        struct provider_config config = config_for(peer->url);
        config.replies = rules;
        config.reply_count = ARRAY_COUNT(rules);
        config.id = "id";
        config.detail = "why";
        cr_assert_eq(harness_start(&h, &config, 1, &err), 0, "%s", err.text);
        harness_fill(&h, 1, CHANNEL_SMS, "hello");
        dispatch_submit(h.dispatch, h.deliveries);
        cr_expect(harness_run(&h, 3 * NS_PER_S), "case %zu", i);
        const struct fate *fate = &h.fates[0];
        cr_expect_eq(fate->verdict, cases[i].verdict, "case %zu: %d", i, fate->verdict);
        cr_expect_eq(fate->reason, cases[i].reason, "case %zu: %s", i,
                     delivery_reason_name(fate->reason));
        cr_expect_eq(fate->address_dead, cases[i].dead, "case %zu", i);
        cr_expect_str_eq(fate->provider_id, cases[i].id, "case %zu", i);
        if (cases[i].detail)
            cr_expect_str_eq(fate->detail, cases[i].detail, "case %zu", i);
        if (strstr(cases[i].status, "Retry-After"))
            cr_expect(fate->wait_ns > 6 * NS_PER_S && fate->wait_ns <= 7 * NS_PER_S);
        cr_expect_eq(peer->total, 1);
        cr_expect(harness_stop(&h));
        peer_stop(peer);
        free(peer);
    }
}

/* A batch of three and its reply; `letters` are the verdicts: s, f, u, d. */
static const struct {
    const char *status, *body, *letters;
} batches[] = {
    {"200 OK", "[{\"code\":0,\"id\":\"a\"},{\"code\":406},{\"code\":101}]", "sfd"},
    {"200 OK", "[{\"code\":0},{\"code\":0},{\"code\":0}]", "sss"},
    /* too few, too many, none at all: nobody knows whose they are */
    {"200 OK", "[{\"code\":0},{\"code\":0}]", "uuu"},
    {"200 OK", "[{\"code\":0},{\"code\":0},{\"code\":0},{\"code\":0}]", "uuu"},
    {"200 OK", "{\"code\":0}", "uuu"},
    {"200 OK", "[{\"code\":0},7,null]", "suu"},
    {"200 OK", "<html>", "uuu"},
    /* one reply for all */
    {"422 No", "{\"code\":10}", "fff"},
    {"500 No", "[]", "uuu"},
    {"503 No", "busy", "ddd"},
};

Test(http_api, a_batch_is_answered_per_message)
{
    for (size_t i = 0; i < ARRAY_COUNT(batches); i++) {
        struct peer *peer = calloc(1, sizeof(*peer));
        char reply[2048];
        peer->http = true;
        reply_with(peer, reply, batches[i].status, batches[i].body);
        peer_start(peer);
        struct harness h = {.intend_at_once = true};
        struct error err = {0};
        struct provider_config config = config_for(peer->url);
        config.replies = rules;
        config.reply_count = ARRAY_COUNT(rules);
        config.batch = 10;
        config.batch_replies = "$";
        config.id = "id";
        cr_assert_eq(harness_start(&h, &config, 1, &err), 0, "%s", err.text);
        harness_fill(&h, 3, CHANNEL_SMS, "hello");
        dispatch_submit(h.dispatch, h.deliveries);
        cr_expect(harness_run(&h, 3 * NS_PER_S), "case %zu", i);
        for (size_t m = 0; m < 3; m++)
            cr_expect_eq("sfud"[h.fates[m].verdict], batches[i].letters[m],
                         "case %zu, message %zu: %s", i, m, h.fates[m].detail);
        cr_expect_eq(peer->total, 1, "case %zu: one call", i);
        cr_expect(harness_stop(&h));
        peer_stop(peer);
        free(peer);
    }
}

/* What is refused whole for one of its messages goes again in parts; alone, a message fails. */
Test(http_api, a_split_ends_with_single_messages)
{
    static const struct provider_reply split = {
        .status = "422", .field = "", .is = "", .means = PROVIDER_MEANS_SPLIT};
    struct peer *peer = calloc(1, sizeof(*peer));
    char reply[2048];
    peer->http = true;
    reply_with(peer, reply, "422 No", "{}");
    peer_start(peer);
    struct harness h = {.intend_at_once = true};
    struct error err = {0};
    struct provider_config config = config_for(peer->url);
    config.replies = &split;
    config.reply_count = 1;
    config.batch = 100;
    cr_assert_eq(harness_start(&h, &config, 1, &err), 0, "%s", err.text);
    harness_fill(&h, 20, CHANNEL_SMS, "hello");
    dispatch_submit(h.dispatch, h.deliveries);
    cr_expect(harness_run(&h, 5 * NS_PER_S));
    for (size_t i = 0; i < h.count; i++) {
        cr_expect_eq(h.fates[i].done, 1);
        cr_expect_eq(h.fates[i].verdict, DELIVERY_FAILED);
        cr_expect_eq(h.fates[i].reason, DELIVERY_REJECTED);
    }
    cr_expect(peer->total > 20 && peer->total < 30, "%d calls", peer->total);
    cr_expect(harness_stop(&h));
    peer_stop(peer);
    free(peer);
}

static struct provider_config config_ok(void)
{
    return config_for("https://api.example/send?key=7");
}

static const struct provider_header key_header = {"idempotency-key", "1"};
static const struct provider_header login_header = {"Authorization", "Bearer x"};
static const struct provider_header bad_header = {"X Y", "1"};
static const struct provider_header many_headers[] = {
    {"A", "1"}, {"B", "1"}, {"C", "1"}, {"D", "1"}, {"E", "1"}, {"F", "1"}, {"G", "1"}};

static void with_header(struct provider_config *config,
                        const struct provider_header *header)
{
    config->headers = header;
    config->header_count = 1;
}

Test(http_api, a_wrong_configuration_is_named_by_its_key)
{
    static const struct provider_reply rule = {.status = "2xx", .field = "", .is = ""};
    const struct provider_type *type = provider_type_find(TEXT("http"));
    struct {
        struct provider_config config;
        const char *complaint;
    } wrong[12];
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++)
        wrong[i].config = config_ok();
    size_t n = 0;
    wrong[n].config.url = "ftp://x/y";
    wrong[n++].complaint = "providers.fake.url ";
    wrong[n].config.url = "https://x/y z";
    wrong[n++].complaint = "providers.fake.url ";
    wrong[n].config.body = "";
    wrong[n++].complaint = "providers.fake.body is missing";
    wrong[n].config.body = "{\"a\": \"##{{too}}\"}";
    wrong[n++].complaint = "providers.fake.body: line 1 of it: there is no value \"too\"";
    wrong[n].config.replies = &rule;
    wrong[n].config.reply_count = 1;
    wrong[n++].complaint = "providers.fake.replies.1.status: \"2xx\"";
    with_header(&wrong[n].config, &key_header);
    wrong[n++].complaint = "providers.fake.headers.idempotency-key: volley sets";
    with_header(&wrong[n].config, &bad_header);
    wrong[n++].complaint = "providers.fake.headers.X Y ";
    with_header(&wrong[n].config, &login_header);
    wrong[n].config.username = "api";
    wrong[n++].complaint = "providers.fake: username and headers.Authorization";
    wrong[n].config.batch_replies = "$";
    wrong[n++].complaint = "providers.fake.batch is missing";
    wrong[n].config.batch = 5;
    wrong[n].config.batch_body = "[]";
    wrong[n++].complaint = "providers.fake.batch_body must have ##{{messages}}";
    wrong[n].config.batch = 5;
    wrong[n].config.batch_body = "[##{{messages}}, ##{{messages}}]";
    wrong[n++].complaint = "providers.fake.batch_body must have ##{{messages}}";
    wrong[n].config.batch = 5;
    wrong[n].config.form = true;
    wrong[n++].complaint = "providers.fake.batch: a form";
    cr_assert_eq(n, ARRAY_COUNT(wrong));
    for (size_t i = 0; i < n; i++) {
        struct error err = {0};
        cr_expect_eq(type->check(&wrong[i].config, &err), -ERROR_CONFIG, "case %zu", i);
        cr_expect(strncmp(err.text, wrong[i].complaint, strlen(wrong[i].complaint)) == 0,
                  "case %zu: %s", i, err.text);
    }
    struct provider_config fine = config_ok();
    cr_expect_eq(type->check(&fine, NULL), 0);
    struct provider_config many = config_ok();
    struct harness h = {0};
    struct error err = {0};
    many.headers = many_headers;
    many.header_count = ARRAY_COUNT(many_headers);
    cr_expect_eq(harness_start(&h, &many, 1, &err), -ERROR_CONFIG);
    cr_expect(strstr(err.text, "providers.fake.headers: at most 7"), "%s", err.text);
    dispatch_destroy(&h.dispatch);
    loop_destroy(&h.loop);
}
