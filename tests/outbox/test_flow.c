/* flow: where messages go when a provider fails, domains with limits of their own, limits that
 * change while messages are on their way. */
#include "tests/outbox/certificates.h"
#include "tests/outbox/fake_peer.h"
#include "tests/outbox/harness.h"

#include <criterion/criterion.h>

#define MAIL  "Subject: hi\r\n\r\nhello\r\n"
#define HELLO "S 220 fake\nE EHLO\nS 250-fake\nS 250 PIPELINING\n"
#define LATER                                                                            \
    "E MAIL\nE RCPT\nE DATA\nS 250 ok\nS 450 4.2.0 later\nS 503 no\nE RSET\nS 250 ok\n"

static const char *const names[] = {"first", "second", "third"};

/* Up to three relays on one email route. */
struct scene {
    struct peer peers[3];
    struct harness h;
    struct provider_config configs[3];
    struct route_entry route[3];
    size_t count;
};

static struct scene *scene_open(size_t count)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    scene->count = count;
    scene->h.intend_ns = NS_PER_MS;
    for (size_t i = 0; i < count; i++) {
        scene->peers[i].offers = "PIPELINING";
        peer_start(&scene->peers[i]);
        scene->configs[i] = harness_config("smtp", scene->peers[i].url);
        scene->configs[i].name = names[i];
        scene->configs[i].max_connections = 4;
        scene->route[i] = (struct route_entry){(uint8_t)i, (uint8_t)i, 1};
    }
    return scene;
}

static struct dispatch_config config_of(struct scene *scene)
{
    struct dispatch_config config = {.providers = scene->configs,
                                     .provider_count = scene->count};
    config.routes[CHANNEL_EMAIL] = scene->route;
    config.route_counts[CHANNEL_EMAIL] = scene->count;
    return config;
}

static void scene_fill(struct scene *scene, size_t count)
{
    struct error err = {0};
    struct dispatch_config config = config_of(scene);
    cr_assert_eq(harness_dispatch(&scene->h, &config, &err), 0, "%s", err.text);
    harness_fill(&scene->h, count, CHANNEL_EMAIL, MAIL);
}

static void scene_submit(struct scene *scene, size_t count)
{
    scene_fill(scene, count);
    dispatch_submit(scene->h.dispatch, scene->h.deliveries);
}

static void scene_close(struct scene *scene)
{
    cr_expect(harness_stop(&scene->h), "close hangs");
    for (size_t i = 0; i < scene->count; i++) {
        if (scene->peers[i].listen_fd >= 0)
            peer_stop(&scene->peers[i]);
    }
    free(scene);
}

static void expect_each_once(struct scene *scene)
{
    for (size_t row = 0; row < scene->h.count; row++) {
        int taken = 0;
        for (size_t i = 0; i < scene->count; i++)
            taken += scene->peers[i].taken[row];
        cr_expect_eq(taken, 1, "row %zu: %d", row, taken);
        cr_expect_eq(scene->h.fates[row].done, 1, "row %zu: %d", row,
                     scene->h.fates[row].done);
        cr_expect_eq(scene->h.fates[row].verdict, DELIVERY_SENT, "row %zu: %s", row,
                     scene->h.fates[row].detail);
    }
}

/* --- failing over --- */

Test(flow, what_waits_for_a_dead_provider_moves_to_the_next)
{
    struct scene *scene = scene_open(2);
    peer_stop(&scene->peers[0]);
    scene->peers[0].listen_fd = -1;
    scene_submit(scene, 500);
    cr_expect(harness_run(&scene->h, 5 * NS_PER_S), "%zu done", scene->h.done);
    expect_each_once(scene);
    cr_expect_eq(scene->peers[1].total, 500);
    scene_close(scene);
}

Test(flow, what_waits_for_a_stopped_provider_moves_even_what_it_refused)
{
    struct scene *scene = scene_open(3);
    scene->peers[0].scripts[0] = HELLO "E MAIL\nE RCPT\nE DATA\nS 535 5.7.8 no\nT";
    scene->configs[0].max_connections = 1;
    scene_submit(scene, 300);
    cr_expect(harness_run(&scene->h, 5 * NS_PER_S), "%zu done", scene->h.done);
    expect_each_once(scene);
    cr_expect_eq(scene->peers[1].total, 300);
    struct dispatch_counters counters;
    dispatch_counters_read(scene->h.dispatch, 0, &counters);
    cr_expect(counters.stopped);
    cr_expect_eq(counters.queued + counters.in_flight + counters.failed, 0);
    cr_expect_eq(counters.brake, BRAKE_BROKEN);
    scene_close(scene);
}

/* Refused by one provider while the other does not answer: that one may come back. */
Test(flow, what_a_stopped_provider_had_waits_for_a_broken_one)
{
    struct scene *scene = scene_open(2);
    scene->route[1].tier = 0;
    scene->peers[0].scripts[0] = HELLO "E MAIL\nE RCPT\nE DATA\nW 150\nS 535 5.7.8 no\nT";
    scene->configs[0].max_connections = 1;
    peer_stop(&scene->peers[1]);
    scene->peers[1].listen_fd = -1;
    scene_submit(scene, 300);
    harness_run_for(&scene->h, 400 * NS_PER_MS);
    struct dispatch_counters first, second;
    dispatch_counters_read(scene->h.dispatch, 0, &first);
    dispatch_counters_read(scene->h.dispatch, 1, &second);
    cr_expect(first.stopped && second.broken);
    cr_expect_eq(scene->h.done, 0, "%zu: %s", scene->h.done, scene->h.fates[0].detail);
    cr_expect_eq(second.queued, 300);
    dispatch_withdraw(scene->h.dispatch, &scene->h.source);
    cr_expect(harness_run(&scene->h, NS_PER_S));
    scene_close(scene);
}

/* A job that was paused takes its messages back as they are, whatever happens to their provider. */
Test(flow, what_was_withdrawn_neither_fails_nor_moves_when_its_provider_stops)
{
    struct scene *scene = scene_open(2);
    scene->peers[0].scripts[0] = HELLO "E MAIL\nE RCPT\nE DATA\nW 100\nS 535 5.7.8 no\nT";
    scene->configs[0].max_connections = 1;
    scene->h.intend_ns = 20 * NS_PER_MS;
    scene_submit(scene, 300);
    while (scene->peers[0].connections == 0)
        harness_run_for(&scene->h, NS_PER_MS);
    harness_run_for(&scene->h, 30 * NS_PER_MS);
    dispatch_withdraw(scene->h.dispatch, &scene->h.source);
    cr_expect(harness_run(&scene->h, 2 * NS_PER_S), "%zu done", scene->h.done);
    for (size_t row = 0; row < 300; row++) {
        cr_expect_eq(scene->h.fates[row].done, 1, "row %zu", row);
        cr_expect_eq(scene->h.fates[row].reason, DELIVERY_CANCELLED, "row %zu", row);
    }
    cr_expect_eq(scene->peers[1].total, 0);
    scene_close(scene);
}

static void submit_again(struct harness *h, struct delivery *delivery)
{
    struct fate *fate = &h->fates[delivery->row];
    if (fate->verdict != DELIVERY_DEFERRED)
        return;
    h->done--;
    fate->done--;
    delivery->attempt++;
    delivery->next = NULL;
    dispatch_submit(h->dispatch, delivery);
}

Test(flow, three_deferrals_are_enough)
{
    struct scene *scene = scene_open(2);
    scene->peers[0].scripts[0] = HELLO LATER LATER LATER "V";
    scene->configs[0].max_connections = 1;
    scene->h.on_done = submit_again;
    scene_submit(scene, 1);
    cr_expect(harness_run(&scene->h, 5 * NS_PER_S));
    expect_each_once(scene);
    cr_expect_eq(scene->h.deliveries[0].attempt, 4);
    cr_expect_eq(scene->peers[0].total, 0);
    scene_close(scene);
}

Test(flow, what_may_have_got_through_never_moves)
{
    struct scene *scene = scene_open(2);
    peer_stop(&scene->peers[0]);
    scene->peers[0].listen_fd = -1;
    scene_fill(scene, 4);
    for (size_t i = 0; i < 4; i++) {
        scene->h.deliveries[i].in_doubt = true;
        scene->h.deliveries[i].provider = i % 2 == 0 ? 0 : 1;
    }
    dispatch_submit(scene->h.dispatch, scene->h.deliveries);
    harness_run_for(&scene->h, 300 * NS_PER_MS);
    cr_expect_eq(scene->h.done, 2);
    for (int row = 0; row < 4; row++)
        cr_expect_eq(scene->peers[1].taken[row], row % 2, "row %d", row);
    dispatch_withdraw(scene->h.dispatch, &scene->h.source);
    cr_expect(harness_run(&scene->h, NS_PER_S));
    scene_close(scene);
}

Test(flow, weights_share_the_messages)
{
    struct scene *scene = scene_open(3);
    scene->route[1] = (struct route_entry){1, 0, 3};
    scene->route[2] = (struct route_entry){2, 1, 9};
    scene_submit(scene, 2000);
    cr_expect(harness_run(&scene->h, 5 * NS_PER_S), "%zu done", scene->h.done);
    expect_each_once(scene);
    cr_expect(scene->peers[0].total > 430 && scene->peers[0].total < 570, "%d",
              scene->peers[0].total);
    cr_expect_eq(scene->peers[2].total, 0);
    scene_close(scene);
}

Test(flow, what_comes_back_unsent_after_withdrawing_ends)
{
    struct scene *scene = scene_open(1);
    scene->peers[0].scripts[0] = HELLO "E MAIL\nE RCPT\nE DATA\nW 150\nC";
    scene->configs[0].max_connections = 1;
    scene_submit(scene, 1);
    harness_run_for(&scene->h, 60 * NS_PER_MS);
    cr_expect_eq(scene->h.fates[0].admitted, 1, "it is under way");
    dispatch_withdraw(scene->h.dispatch, &scene->h.source);
    cr_expect_eq(scene->h.done, 0);
    cr_expect(harness_run(&scene->h, NS_PER_S), "it never came back");
    cr_expect_eq(scene->h.fates[0].reason, DELIVERY_CANCELLED);
    cr_expect_eq(scene->peers[0].total, 0);
    scene_close(scene);
}

/* --- domains --- */

/* Every `nth` message goes to u<row>@name. */
static void address(struct scene *scene, size_t nth, const char *name)
{
    for (size_t i = 0; i < scene->h.count; i += nth) {
        char *to = scene->h.addresses[i];
        snprintf(to, sizeof(scene->h.addresses[i]), "u%zu@%s", i, name);
        scene->h.deliveries[i].to = text_of(to);
    }
}

Test(flow, a_slow_domain_holds_up_nobody_else)
{
    static const struct provider_domain domains[] = {
        {.name = "slow.example", .max_message_rate_per_s = 20, .max_connections = 1}};
    struct scene *scene = scene_open(1);
    scene->configs[0].domains = domains;
    scene->configs[0].domain_count = 1;
    scene_fill(scene, 2000);
    address(scene, 40, "Slow.EXAMPLE"); /* 50 of them: 2.5 s */
    int64_t start_ns = clock_steady_ns();
    dispatch_submit(scene->h.dispatch, scene->h.deliveries);
    while (scene->h.done < 1950 && clock_steady_ns() - start_ns < 5 * NS_PER_S)
        harness_run_for(&scene->h, NS_PER_MS);
    cr_expect_lt(clock_steady_ns() - start_ns, NS_PER_S, "the others waited");
    int slow = 0;
    for (size_t row = 0; row < 2000; row += 40)
        slow += scene->h.fates[row].done;
    cr_expect_leq(slow, 25, "%d: the domain's rate", slow);
    struct dispatch_counters counters;
    dispatch_counters_read(scene->h.dispatch, 0, &counters);
    cr_expect_eq(counters.sent, scene->h.done, "all flows are counted");
    cr_expect_eq(counters.queued + counters.in_flight, 2000 - scene->h.done);
    dispatch_withdraw(scene->h.dispatch, &scene->h.source);
    cr_expect(harness_run(&scene->h, NS_PER_S));
    scene_close(scene);
}

Test(flow, a_domain_has_connections_of_its_own_out_of_the_providers)
{
    static const struct provider_domain domains[] = {
        {.name = "a.example", .max_connections = 1, .messages_per_connection = 5}};
    struct scene *scene = scene_open(1);
    scene->configs[0].domains = domains;
    scene->configs[0].domain_count = 1;
    scene->configs[0].max_connections = 2;
    scene_fill(scene, 200);
    address(scene, 1, "a.example");
    dispatch_submit(scene->h.dispatch, scene->h.deliveries);
    cr_expect(harness_run(&scene->h, 5 * NS_PER_S), "%zu done", scene->h.done);
    expect_each_once(scene);
    cr_expect_eq(scene->peers[0].largest_session, 5);
    cr_expect_geq(scene->peers[0].connections, 40);
    scene_close(scene);
}

Test(flow, the_providers_rate_holds_over_all_its_domains)
{
    static const struct provider_domain domains[] = {{.name = "a.example"},
                                                     {.name = "b.example"}};
    struct scene *scene = scene_open(1);
    scene->configs[0].domains = domains;
    scene->configs[0].domain_count = 2;
    scene->configs[0].max_message_rate_per_s = 400;
    scene_fill(scene, 1000);
    address(scene, 2, "a.example");
    address(scene, 3, "b.example");
    dispatch_submit(scene->h.dispatch, scene->h.deliveries);
    harness_run_for(&scene->h, 500 * NS_PER_MS);
    cr_expect(scene->h.done > 150 && scene->h.done < 260, "%zu in 0.5 s", scene->h.done);
    int done[3] = {0};
    for (size_t row = 0; row < 1000; row++)
        done[row % 3 == 0 ? 2 : row % 2 == 0 ? 1 : 0] += scene->h.fates[row].done;
    for (int i = 0; i < 3; i++)
        cr_expect_gt(done[i], 15, "kind %d: %d", i, done[i]);
    dispatch_withdraw(scene->h.dispatch, &scene->h.source);
    cr_expect(harness_run(&scene->h, NS_PER_S));
    scene_close(scene);
}

/* --- other limits while running --- */

static void reconfigure(struct scene *scene)
{
    struct error err = {0};
    struct dispatch_config config = config_of(scene);
    cr_assert_eq(dispatch_reconfigure(scene->h.dispatch, &config, &err), 0, "%s",
                 err.text);
}

Test(flow, limits_change_while_messages_are_on_their_way)
{
    static const struct provider_domain domains[] = {
        {.name = "a.example", .max_connections = 1, .max_message_rate_per_s = 5000},
        {.name = "b.example", .max_connections = 1}};
    struct scene *scene = scene_open(2);
    scene->configs[0].max_message_rate_per_s = 100;
    scene->configs[0].max_connections = 1;
    scene->configs[0].timeout_ns = 5 * NS_PER_S; /* however busy the machine is */
    scene_fill(scene, 2000);
    address(scene, 2, "a.example");
    address(scene, 5, "b.example");
    dispatch_submit(scene->h.dispatch, scene->h.deliveries);
    struct dispatch_counters counters = {0};
    for (int i = 0; i < 100 && counters.brake != BRAKE_RATE; i++) {
        harness_run_for(&scene->h, 20 * NS_PER_MS); /* between messages, not during one */
        dispatch_counters_read(scene->h.dispatch, 0, &counters);
    }
    cr_expect_lt(scene->h.done, 300);
    cr_expect_float_eq(counters.rate_limit_per_s, 100, 1e-9);
    cr_expect_eq(counters.brake, BRAKE_RATE, "%s", dispatch_brake_name(counters.brake));
    for (int round = 0; round < 24; round++) {
        scene->configs[0].domains = domains + (round % 3 == 2);
        scene->configs[0].domain_count = (size_t)(round % 3);
        if (scene->configs[0].domain_count == 2)
            scene->configs[0].domains = domains;
        scene->configs[0].max_connections = 3 + (unsigned)(round * 7 % 5);
        scene->configs[0].max_message_rate_per_s = 4000 + 300 * (round % 4);
        scene->configs[0].messages_per_connection = 20 + (unsigned)round;
        reconfigure(scene);
        harness_run_for(&scene->h, 10 * NS_PER_MS);
    }
    scene->configs[0].max_message_rate_per_s = 0;
    reconfigure(scene);
    cr_expect(harness_run(&scene->h, 5 * NS_PER_S), "%zu done", scene->h.done);
    expect_each_once(scene);
    cr_expect_gt(scene->peers[0].connections, 3);
    scene_close(scene);
}

Test(flow, http_connections_change_while_messages_are_on_their_way)
{
    struct peer *peer = calloc(1, sizeof(*peer));
    peer->http = true;
    peer_start(peer);
    static const struct route_entry route = {0, 0, 1};
    struct harness h = {.intend_ns = NS_PER_MS};
    struct provider_config provider = harness_config("twilio", peer->url);
    provider.timeout_ns = 5 * NS_PER_S;
    provider.max_message_rate_per_s = 4000; /* so that it lasts */
    struct dispatch_config config = {.providers = &provider, .provider_count = 1};
    config.routes[CHANNEL_SMS] = &route;
    config.route_counts[CHANNEL_SMS] = 1;
    struct error err = {0};
    cr_assert_eq(harness_dispatch(&h, &config, &err), 0, "%s", err.text);
    harness_fill(&h, 1500, CHANNEL_SMS, "hello");
    dispatch_submit(h.dispatch, h.deliveries);
    for (int i = 0; i < 100 && peer->connections == 0; i++)
        harness_run_for(&h, 20 * NS_PER_MS);
    cr_expect_eq(peer->connections, 1);
    for (unsigned round = 0; round < 8; round++) {
        provider.max_connections = 1 + round * 5 % 12;
        cr_assert_eq(dispatch_reconfigure(h.dispatch, &config, &err), 0, "%s", err.text);
        harness_run_for(&h, 20 * NS_PER_MS);
        struct dispatch_counters counters;
        dispatch_counters_read(h.dispatch, 0, &counters);
        cr_expect_leq(counters.in_flight, provider.max_connections);
    }
    cr_expect(harness_run(&h, 5 * NS_PER_S), "%zu done", h.done);
    for (size_t row = 0; row < h.count; row++) {
        cr_expect_eq(h.fates[row].done, 1);
        cr_expect_eq(peer->taken[row], 1);
    }
    cr_expect_gt(peer->connections, 1);
    cr_expect(harness_stop(&h), "close hangs");
    peer_stop(peer);
    free(peer);
}

Test(flow, what_cannot_change_while_running_is_named_and_nothing_changes)
{
    struct scene *scene = scene_open(2);
    scene_submit(scene, 1);
    cr_expect(harness_run(&scene->h, 5 * NS_PER_S));
    static const struct provider_domain greedy[] = {
        {.name = "a.example", .max_connections = 4}};
    static const struct provider_header header = {"X-A", "b"};
    const struct provider_config good = scene->configs[1];
    struct {
        const char *words;
        struct provider_config config;
    } cases[] = {{"providers.second.url: this cannot change", good},
                 {"providers.second.type: ", good},
                 {"providers.second.password: ", good},
                 {"providers.second.batch: ", good},
                 {"providers.second.headers: ", good},
                 {"providers.second.domains: their connections leave too few", good}};
    cases[0].config.url = "smtp://127.0.0.1:1";
    cases[1].config.type = "twilio";
    cases[2].config.password = "x";
    cases[3].config.batch = 9;
    cases[4].config.headers = &header;
    cases[4].config.header_count = 1;
    cases[5].config.domains = greedy;
    cases[5].config.domain_count = 1;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct error err = {0};
        scene->configs[0].max_message_rate_per_s = 7;
        scene->configs[1] = cases[i].config;
        struct dispatch_config config = config_of(scene);
        cr_expect_eq(dispatch_reconfigure(scene->h.dispatch, &config, &err),
                     -ERROR_CONFIG);
        cr_expect(strstr(err.text, cases[i].words), "%s", err.text);
        struct dispatch_counters counters;
        dispatch_counters_read(scene->h.dispatch, 0, &counters);
        cr_expect_eq(counters.rate_limit_per_s, 0, "nothing has changed");
    }
    struct error err = {0};
    struct dispatch_config fewer = config_of(scene);
    fewer.provider_count = 1;
    cr_expect_eq(dispatch_reconfigure(scene->h.dispatch, &fewer, &err), -ERROR_CONFIG);
    cr_expect(strstr(err.text, "needs a restart"), "%s", err.text);
    scene_close(scene);
}

/* Who reads the parts of a mail: nobody behind a relay, unless a provider that only takes emails may
 * come to it. */
Test(flow, parts_of_mails_are_made_where_somebody_reads_them)
{
    static const struct provider_config all[] = {
        {.type = "smtp"}, {.type = "webhook"}, {.type = "sendgrid"}};
    static const struct route_entry relay[] = {{.provider = 0, .weight = 1}};
    static const struct route_entry both[] = {{.provider = 0, .weight = 1},
                                              {.provider = 1, .weight = 1}};
    cr_expect_not(dispatch_needs_parts(all, 1, relay, 1));
    cr_expect_not(dispatch_needs_parts(all, 2, relay, 1));
    cr_expect(dispatch_needs_parts(all, 2, both, 2));
    cr_expect(dispatch_needs_parts(all, 3, relay, 1));
}

/* A message may be on its way to a channel whose route is taken away: it must have somewhere to go. */
Test(flow, a_route_in_use_cannot_be_taken_away)
{
    struct scene *scene = scene_open(1);
    scene_submit(scene, 1);
    cr_expect(harness_run(&scene->h, 5 * NS_PER_S));
    struct error err = {0};
    struct dispatch_config none = config_of(scene);
    none.route_counts[CHANNEL_EMAIL] = 0;
    cr_expect_eq(dispatch_reconfigure(scene->h.dispatch, &none, &err), -ERROR_CONFIG);
    cr_expect(strstr(err.text, "routes.email"), "%s", err.text);
    scene->h.done = 0;
    scene->h.fates[0].done = 0;
    dispatch_submit(scene->h.dispatch, scene->h.deliveries);
    cr_expect(harness_run(&scene->h, 5 * NS_PER_S));
    scene_close(scene);
}

/* What can be found out only by trying (a file that is gone, a name that is not resolved) changes
 * nothing either. */
Test(flow, a_domain_that_cannot_be_opened_changes_nothing)
{
    static const struct provider_domain domains[] = {
        {.name = "a.example", .max_connections = 1}};
    struct authority authority;
    authority_init(&authority);
    struct scene *scene = scene_open(2);
    scene->configs[1].tls_ca = authority.file;
    scene_submit(scene, 1);
    cr_expect(harness_run(&scene->h, 5 * NS_PER_S));
    const struct provider_config before[] = {scene->configs[0], scene->configs[1]};
    for (int i = 0; i < 2; i++) {
        scene->configs[i].max_message_rate_per_s = 7;
        scene->configs[i].domains = domains;
        scene->configs[i].domain_count = 1;
    }
    unlink(authority.file);
    struct error err = {0};
    struct dispatch_config config = config_of(scene);
    cr_expect_eq(dispatch_reconfigure(scene->h.dispatch, &config, &err), -ERROR_CONFIG);
    cr_expect(strstr(err.text, "tls_ca"), "%s", err.text);
    struct dispatch_counters counters;
    dispatch_counters_read(scene->h.dispatch, 0, &counters);
    cr_expect_eq(counters.rate_limit_per_s, 0, "nothing has changed");
    memcpy(scene->configs, before, sizeof(before));
    reconfigure(scene);
    authority_fini(&authority);
    scene_close(scene);
}

/* --- beside a slow provider --- */

#define SLOWLY "H\nW 700\nX HTTP/1.1 201 Created|Content-Length: 2||{}\nV"

/* Messages a second of a relay with a rate, beside a service that answers after the test. */
static double rate_beside(bool slow)
{
    struct peer *peers = calloc(2, sizeof(*peers));
    static const struct route_entry routes[] = {{0, 0, 1}, {1, 0, 1}};
    struct harness h = {.intend_ns = NS_PER_MS};
    struct provider_config configs[2];
    for (int i = 0; i < 2; i++) {
        peers[i].offers = "PIPELINING";
        peers[i].http = i == 1;
        for (int c = 0; c < 4 && i == 1; c++)
            peers[i].scripts[c] = SLOWLY;
        peer_start(&peers[i]);
        configs[i] = harness_config(i == 0 ? "smtp" : "twilio", peers[i].url);
        configs[i].max_connections = 4;
        configs[i].timeout_ns = 10 * NS_PER_S;
    }
    configs[0].max_message_rate_per_s = 4000;
    struct dispatch_config config = {.providers = configs, .provider_count = 2};
    config.routes[CHANNEL_EMAIL] = &routes[0];
    config.routes[CHANNEL_SMS] = &routes[1];
    config.route_counts[CHANNEL_EMAIL] = config.route_counts[CHANNEL_SMS] = 1;
    struct error err = {0};
    cr_assert_eq(harness_dispatch(&h, &config, &err), 0, "%s", err.text);
    harness_fill(&h, 2000, CHANNEL_EMAIL, MAIL);
    for (size_t i = 0; i < 400 && slow; i++) {
        h.deliveries[i * 5].channel = CHANNEL_SMS;
        h.deliveries[i * 5].to = TEXT("+15550000001");
    }
    int64_t start_ns = clock_steady_ns();
    dispatch_submit(h.dispatch, h.deliveries);
    int wanted = slow ? 1600 : 2000;
    while (peers[0].total < wanted && clock_steady_ns() - start_ns < 5 * NS_PER_S)
        harness_run_for(&h, NS_PER_MS);
    double rate = wanted * 1e9 / (double)(clock_steady_ns() - start_ns);
    dispatch_withdraw(h.dispatch, &h.source);
    cr_expect(harness_stop(&h), "close hangs");
    peer_stop(&peers[0]);
    peer_stop(&peers[1]);
    free(peers);
    return rate;
}

Test(flow, a_provider_that_hardly_answers_costs_others_nothing)
{
    double alone = rate_beside(false), beside = rate_beside(true);
    cr_expect_gt(beside, 0.93 * alone, "%.0f/s alone, %.0f/s beside", alone, beside);
}
