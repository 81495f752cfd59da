/* dispatch over the relay and a server without faults: rates, groups, retries,
 * withdrawal, books. */
#include "tests/outbox/fake_peer.h"
#include "tests/outbox/harness.h"

#include <criterion/criterion.h>

#define MAIL "Subject: hi\r\n\r\nhello\r\n"

struct scene {
    struct peer peer;
    struct harness h;
    struct provider_config config;
};

static struct scene *scene_open(const char *offers)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    scene->peer.offers = offers;
    peer_start(&scene->peer);
    scene->config = harness_config("smtp", scene->peer.url);
    scene->config.max_connections = 4;
    scene->h.intend_ns = NS_PER_MS;
    return scene;
}

static void scene_submit(struct scene *scene, size_t count)
{
    struct error err = {0};
    cr_assert_eq(harness_start(&scene->h, &scene->config, 1, &err), 0, "%s", err.text);
    harness_fill(&scene->h, count, CHANNEL_EMAIL, MAIL);
    dispatch_submit(scene->h.dispatch, scene->h.deliveries);
}

static void scene_close(struct scene *scene)
{
    cr_expect(harness_stop(&scene->h), "close hangs");
    peer_stop(&scene->peer);
    free(scene);
}

static void expect_each_once(struct scene *scene)
{
    for (size_t row = 0; row < scene->h.count; row++) {
        cr_expect_eq(scene->h.fates[row].done, 1, "row %zu: %d", row,
                     scene->h.fates[row].done);
        cr_expect_eq(scene->h.fates[row].verdict, DELIVERY_SENT, "row %zu: %s", row,
                     scene->h.fates[row].detail);
        cr_expect_eq(scene->peer.taken[row], 1, "row %zu: %d", row,
                     scene->peer.taken[row]);
    }
}

Test(dispatch, delivers_each_once_whatever_the_server_offers)
{
    static const char *const offers[] = {"", "PIPELINING", "PIPELINING CHUNKING",
                                         "CHUNKING",
                                         "PIPELINING CHUNKING SIZE=100000 8BITMIME"};
    for (size_t i = 0; i < ARRAY_COUNT(offers); i++) {
        struct scene *scene = scene_open(offers[i]);
        scene->h.intend_at_once = i % 2;
        scene_submit(scene, 2000);
        cr_expect(harness_run(&scene->h, 10 * NS_PER_S), "%s: %zu", offers[i],
                  scene->h.done);
        expect_each_once(scene);
        cr_expect_eq(scene->h.intended, 2000);
        cr_expect_str_eq(scene->h.fates[5].provider_id, "12AB");
        cr_expect_leq(scene->peer.connections, 4);
        struct dispatch_counters counters;
        dispatch_counters_read(scene->h.dispatch, 0, &counters);
        cr_expect_eq(counters.sent, 2000);
        cr_expect_eq(counters.queued + counters.in_flight + counters.failed, 0);
        scene_close(scene);
    }
}

Test(dispatch, keeps_the_rate_and_does_not_intend_far_ahead_of_it)
{
    struct scene *scene = scene_open("PIPELINING");
    scene->config.max_message_rate_per_s = 500;
    int64_t start_ns = clock_steady_ns();
    scene_submit(scene, 1000);
    size_t most = 0; /* in one of several spans, for others may use the machine too */
    for (int span = 0; span < 8 && most < 80; span++) {
        size_t before = scene->h.done;
        harness_run_for(&scene->h, 200 * NS_PER_MS);
        if (scene->h.done - before > most)
            most = scene->h.done - before;
    }
    double took_s = (double)(clock_steady_ns() - start_ns) / (double)NS_PER_S;
    cr_expect_geq(most, 80, "%zu in 0.2 s", most);
    cr_expect((double)scene->h.done <= 500 * (took_s + 0.02) + 1, "%zu in %g s",
              scene->h.done, took_s);
    cr_expect_leq(scene->h.intended, scene->h.done + 40, "%zu intended, %zu done",
                  scene->h.intended, scene->h.done);
    dispatch_withdraw(scene->h.dispatch, &scene->h.source);
    scene_close(scene);
}

Test(dispatch, withdraw_gives_back_what_is_not_in_flight)
{
    struct scene *scene = scene_open("PIPELINING");
    scene->config.max_message_rate_per_s = 200;
    scene_submit(scene, 1000);
    harness_run_for(&scene->h, 50 * NS_PER_MS);
    dispatch_withdraw(scene->h.dispatch, &scene->h.source);
    cr_expect(harness_run(&scene->h, 2 * NS_PER_S), "%zu done", scene->h.done);
    int sent = 0;
    for (size_t row = 0; row < 1000; row++) {
        const struct fate *fate = &scene->h.fates[row];
        cr_expect_eq(fate->done, 1);
        bool cancelled =
            fate->verdict == DELIVERY_DEFERRED && fate->reason == DELIVERY_CANCELLED;
        cr_expect(cancelled || fate->verdict == DELIVERY_SENT);
        cr_expect_eq(scene->peer.taken[row], cancelled ? 0 : 1);
        sent += !cancelled;
    }
    cr_expect(sent > 0 && sent < 100, "%d sent", sent);
    scene_close(scene);
}

Test(dispatch, close_gives_back_too)
{
    struct scene *scene = scene_open("PIPELINING");
    scene->config.max_message_rate_per_s = 200;
    scene_submit(scene, 100);
    harness_run_for(&scene->h, 30 * NS_PER_MS);
    dispatch_close(scene->h.dispatch, harness_on_closed, &scene->h);
    cr_expect(harness_run(&scene->h, 2 * NS_PER_S), "%zu done", scene->h.done);
    for (size_t row = 0; row < 100; row++)
        cr_expect_eq(scene->h.fates[row].done, 1);
    scene_close(scene);
}

static bool admit_even_rows(struct harness *h, struct delivery *delivery)
{
    if (delivery->row % 2 == 0)
        return true;
    h->done++; /* the source has dealt with it */
    return false;
}

Test(dispatch, what_admit_refuses_never_leaves)
{
    struct scene *scene = scene_open("PIPELINING CHUNKING");
    scene->h.admit = admit_even_rows;
    scene_submit(scene, 500);
    cr_expect(harness_run(&scene->h, 5 * NS_PER_S));
    for (size_t row = 0; row < 500; row++) {
        cr_expect_eq(scene->h.fates[row].done, row % 2 == 0);
        cr_expect_eq(scene->peer.taken[row], row % 2 == 0);
    }
    scene_close(scene);
}

Test(dispatch, ends_a_connection_after_its_messages)
{
    struct scene *scene = scene_open("PIPELINING");
    scene->config.messages_per_connection = 10;
    scene_submit(scene, 200);
    cr_expect(harness_run(&scene->h, 5 * NS_PER_S));
    expect_each_once(scene);
    cr_expect_geq(scene->peer.connections, 20);
    cr_expect_leq(scene->peer.largest_session, 10);
    scene_close(scene);
}

/* A source that submits again what was deferred, as a job does when its time has come. */
static void submit_again(struct harness *h, struct delivery *delivery)
{
    struct fate *fate = &h->fates[delivery->row];
    if (fate->verdict != DELIVERY_DEFERRED)
        return;
    cr_expect_gt(fate->wait_ns, 0);
    h->done--;
    fate->done--;
    delivery->attempt++;
    delivery->next = NULL;
    dispatch_submit(h->dispatch, delivery);
}

#define HELLO "S 220 fake\nE EHLO\nS 250-fake\nS 250 PIPELINING\n"
#define LATER                                                                            \
    "E MAIL\nE RCPT\nE DATA\nS 250 ok\nS 450 4.2.0 later\nS 503 no\nE RSET\nS 250 ok\n"

Test(dispatch, tries_again_until_it_works)
{
    struct scene *scene = scene_open("PIPELINING");
    scene->peer.scripts[0] = HELLO LATER LATER LATER "V";
    scene->config.max_connections = 1;
    scene->h.on_done = submit_again;
    scene_submit(scene, 1);
    cr_expect(harness_run(&scene->h, 5 * NS_PER_S));
    expect_each_once(scene);
    cr_expect_eq(scene->h.deliveries[0].attempt, 4);
    scene_close(scene);
}

Test(dispatch, gives_up_after_its_attempts)
{
    struct scene *scene = scene_open("PIPELINING");
    scene->peer.scripts[0] = HELLO LATER LATER LATER LATER LATER "V";
    scene->config.max_connections = 1;
    scene->config.retry_attempts = 3;
    scene->h.on_done = submit_again;
    scene_submit(scene, 1);
    cr_expect(harness_run(&scene->h, 5 * NS_PER_S));
    cr_expect_eq(scene->h.fates[0].verdict, DELIVERY_FAILED);
    cr_expect_eq(scene->h.fates[0].reason, DELIVERY_RETRIES_USED_UP);
    cr_expect_eq(scene->h.deliveries[0].attempt, 3);
    cr_expect(strstr(scene->h.fates[0].detail, "4.2.0 later"), "the last words are kept");
    scene_close(scene);
}

Test(dispatch, waits_for_a_dead_server_and_says_so)
{
    struct scene *scene = scene_open("PIPELINING");
    int port = scene->peer.port;
    peer_stop(&scene->peer); /* nobody listens there now */
    scene_submit(scene, 10);
    harness_run_for(&scene->h, 300 * NS_PER_MS);
    cr_expect_eq(scene->h.done, 0);
    struct dispatch_counters counters;
    dispatch_counters_read(scene->h.dispatch, 0, &counters);
    cr_expect(counters.broken);
    cr_expect_eq(counters.queued, 10);
    cr_expect(strstr(counters.trouble, "Connection refused"), "%s", counters.trouble);
    cr_expect(port > 0 && strstr(counters.trouble, "127.0.0.1:"), "%s", counters.trouble);
    dispatch_withdraw(scene->h.dispatch, &scene->h.source);
    cr_expect(harness_run(&scene->h, NS_PER_S));
    cr_expect(harness_stop(&scene->h));
    free(scene);
}

Test(dispatch, a_server_that_wants_a_login_is_stopped)
{
    struct scene *scene = scene_open("PIPELINING");
    scene->peer.scripts[0] = HELLO "E MAIL\nE RCPT\nE DATA\nS 530 5.7.0 log in first\nT";
    scene->config.max_connections = 1;
    scene_submit(scene, 50);
    cr_expect(harness_run(&scene->h, 2 * NS_PER_S), "%zu done", scene->h.done);
    for (size_t row = 0; row < 50; row++) {
        cr_expect_eq(scene->h.fates[row].done, 1);
        cr_expect_eq(scene->h.fates[row].verdict, DELIVERY_FAILED);
        cr_expect_eq(scene->h.fates[row].reason, DELIVERY_CREDENTIALS);
        cr_expect(strstr(scene->h.fates[row].detail, "log in first"), "%s",
                  scene->h.fates[row].detail);
    }
    scene_close(scene);
}

Test(dispatch, a_poisonous_mail_does_not_block_the_others)
{
    struct scene *scene = scene_open("PIPELINING");
    for (int i = 0; i < 5; i++)
        scene->peer.scripts[i] = HELLO "E MAIL\nE RCPT TO:<u0@\nE DATA\nC";
    scene->peer.scripts[4] = NULL;
    scene->config.max_connections = 1;
    scene_submit(scene, 5);
    cr_expect(harness_run(&scene->h, 5 * NS_PER_S), "%zu done", scene->h.done);
    cr_expect_eq(scene->h.fates[0].verdict, DELIVERY_DEFERRED);
    cr_expect_eq(scene->h.fates[0].reason, DELIVERY_UNREACHABLE);
    for (size_t row = 1; row < 5; row++)
        cr_expect_eq(scene->h.fates[row].verdict, DELIVERY_SENT);
    scene_close(scene);
}

Test(dispatch, bad_addresses_and_oversized_mails_are_never_offered)
{
    static const char *const bad[] = {
        "nobody", "a@b\r\nRCPT TO:<c@d>", "<a@b>", "a b@c", "@c", "a@", "a@b@c",
        "a\"b@c", "u\xC3\xBC@x.test"};
    struct scene *scene = scene_open("PIPELINING SIZE=100");
    struct error err = {0};
    cr_assert_eq(harness_start(&scene->h, &scene->config, 1, &err), 0);
    harness_fill(&scene->h, ARRAY_COUNT(bad) + 2, CHANNEL_EMAIL, MAIL);
    static char large[200];
    memset(large, 'x', sizeof(large));
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        scene->h.deliveries[i].to = text_of(bad[i]);
    scene->h.deliveries[ARRAY_COUNT(bad)].body = (struct text){large, sizeof(large)};
    scene->h.deliveries[ARRAY_COUNT(bad) + 1].body = TEXT("\xC3\xBC\r\n");
    dispatch_submit(scene->h.dispatch, scene->h.deliveries);
    cr_expect(harness_run(&scene->h, 2 * NS_PER_S));
    for (size_t i = 0; i < scene->h.count; i++) {
        enum delivery_reason reason = i < ARRAY_COUNT(bad)    ? DELIVERY_INVALID_ADDRESS
                                      : i == ARRAY_COUNT(bad) ? DELIVERY_TOO_LARGE
                                                              : DELIVERY_REJECTED;
        cr_expect_eq(scene->h.fates[i].verdict, DELIVERY_FAILED, "row %zu", i);
        cr_expect_eq(scene->h.fates[i].reason, reason, "row %zu", i);
    }
    cr_expect_eq(scene->peer.total, 0);
    scene_close(scene);
}

Test(dispatch, a_stopped_provider_leaves_the_route_to_the_next)
{
    struct scene *scene = scene_open("PIPELINING");
    struct peer *other = calloc(1, sizeof(*other));
    other->offers = "PIPELINING";
    peer_start(other);
    scene->peer.scripts[0] = HELLO "E MAIL\nE RCPT\nE DATA\nS 535 5.7.8 no\nT";
    scene->config.max_connections = 1;
    struct provider_config both[] = {scene->config, harness_config("smtp", other->url)};
    struct error err = {0};
    cr_assert_eq(harness_start(&scene->h, both, 2, &err), 0, "%s", err.text);
    harness_fill(&scene->h, 2, CHANNEL_EMAIL, MAIL);
    scene->h.deliveries[0].next = NULL;
    dispatch_submit(scene->h.dispatch, &scene->h.deliveries[0]);
    while (scene->h.done < 1)
        harness_run_for(&scene->h, NS_PER_MS);
    dispatch_submit(scene->h.dispatch, &scene->h.deliveries[1]);
    cr_expect(harness_run(&scene->h, 2 * NS_PER_S));
    for (int row = 0; row < 2; row++) {
        cr_expect_eq(scene->h.fates[row].verdict, DELIVERY_SENT, "%s",
                     scene->h.fates[row].detail);
        cr_expect_eq(other->taken[row], 1);
    }
    cr_expect_eq(scene->peer.total, 0);
    cr_expect(harness_stop(&scene->h));
    peer_stop(&scene->peer);
    peer_stop(other);
    free(other);
    free(scene);
}

Test(dispatch, the_common_limit_holds_over_all_providers_and_starves_none)
{
    struct peer *peers = calloc(2, sizeof(*peers));
    struct provider_config configs[2];
    struct harness h = {.intend_ns = NS_PER_MS};
    static const struct route_entry routes[] = {{0, 0, 1}, {1, 1, 1}};
    for (int i = 0; i < 2; i++) {
        peers[i].offers = "PIPELINING";
        peers[i].http = i == 1;
        peer_start(&peers[i]);
        configs[i] = harness_config(i == 0 ? "smtp" : "twilio", peers[i].url);
        configs[i].max_connections = 4;
    }
    struct error err = {0};
    cr_assert_eq(loop_create(&h.loop, &err), 0);
    cr_assert_eq(harness_start(&h, configs, 1, &err), 0, "%s", err.text);
    dispatch_destroy(&h.dispatch);
    struct dispatch_config config = {
        .providers = configs, .provider_count = 2, .max_message_rate_per_s = 400};
    config.routes[CHANNEL_EMAIL] = &routes[0];
    config.routes[CHANNEL_SMS] = &routes[1];
    config.route_counts[CHANNEL_EMAIL] = config.route_counts[CHANNEL_SMS] = 1;
    cr_assert_eq(dispatch_create(h.loop, &config, &h.dispatch, &err), 0, "%s", err.text);
    harness_fill(&h, 1000, CHANNEL_SMS, MAIL);
    for (size_t i = 0; i < 500; i++) {
        h.deliveries[i].channel = CHANNEL_EMAIL;
        h.deliveries[i].to = TEXT("u1@test.example");
    }
    dispatch_submit(h.dispatch, h.deliveries);
    harness_run_for(&h, 500 * NS_PER_MS);
    cr_expect(h.done > 100 && h.done < 260, "%zu in 0.5 s", h.done);
    cr_expect(peers[0].total > 50 && peers[1].total > 50, "%d and %d", peers[0].total,
              peers[1].total);
    cr_expect(harness_stop(&h));
    peer_stop(&peers[0]);
    peer_stop(&peers[1]);
    free(peers);
}

Test(dispatch, a_wrong_configuration_is_named)
{
    static const struct {
        const char *type, *url, *words;
    } cases[] = {
        {"smtp", "starttls://mx.example", "smtp://HOST:PORT or smtps://HOST:PORT"},
        {"smtp", "mx.example:25", "not of the form smtp://HOST:PORT"},
        {"smtp", "smtp://mx.example:99999", "not of the form"},
        {"smtp", "smtp://user@mx.example", "not of the form"},
        {"smtp", "smtp://mx.example/x", "not of the form"},
        {"twilio", "ftp://api.example", "providers.fake.url"},
        {"webhook", "http://", "providers.fake.url"},
        {"pigeon", "", "no type \"pigeon\""},
        {"twillio", "", "(did you mean \"twilio\"?)"},
    };
    struct loop *loop = NULL;
    struct error err = {0};
    cr_assert_eq(loop_create(&loop, &err), 0);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct provider_config config = harness_config(cases[i].type, cases[i].url);
        struct dispatch_config all = {.providers = &config, .provider_count = 1};
        struct dispatch *dispatch = NULL;
        cr_expect_eq(dispatch_create(loop, &all, &dispatch, &err), -ERROR_CONFIG);
        cr_expect(strstr(err.text, cases[i].words), "%s: %s", cases[i].url, err.text);
        cr_expect_null(dispatch);
    }
    loop_destroy(&loop);
}

Test(dispatch, keeps_whole_messages_away_from_routes_that_were_given_parts)
{
    struct provider_config providers[] = {
        harness_config("sendgrid", "http://127.0.0.1:9"),
        harness_config("smtp", "smtp://127.0.0.1:9")};
    providers[0].api_key = "SG.key";
    providers[1].name = "relay";
    static const struct route_entry both[] = {{0, 0, 1}, {1, 1, 1}};
    struct harness h = {0};
    struct error err = {0};
    struct dispatch_config config = {.providers = providers, .provider_count = 2};
    config.routes[CHANNEL_EMAIL] = both;
    config.route_counts[CHANNEL_EMAIL] = 1;
    cr_assert_eq(harness_dispatch(&h, &config, &err), 0, "%s", err.text);
    config.route_counts[CHANNEL_EMAIL] = 2;
    cr_expect_eq(dispatch_reconfigure(h.dispatch, &config, &err), -ERROR_CONFIG);
    cr_expect(strstr(err.text, "routes.email: "), "%s", err.text);
    config.route_counts[CHANNEL_EMAIL] = 1;
    cr_expect_eq(dispatch_reconfigure(h.dispatch, &config, &err), 0);
    harness_stop(&h);
}
