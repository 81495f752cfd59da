/* transport: outbox alone, what the whole of volley is held against: equal mails through one
 * provider, with nothing before it (no audience, no rendering) and nothing beside it (no
 * journal, no books). One thread. */
#include "base/clock.h"
#include "outbox/dispatch/dispatch.h"

#include <stdio.h>
#include <stdlib.h>

/* Waiting or on their way at any time: enough for every connection's window. */
#define DELIVERIES 1024
#define BODY_BYTES 16384

struct bench {
    struct delivery_source source;
    struct loop *loop;
    struct dispatch *dispatch;
    struct delivery deliveries[DELIVERIES];
    long left;    /* not yet submitted */
    long open;    /* submitted and not done */
    long refused; /* not sent */
    bool closed;
};

static void submit(struct bench *bench, struct delivery *delivery)
{
    if (bench->left == 0)
        return;
    delivery->id = (struct hash128){.low = (uint64_t)bench->left--};
    delivery->attempt = 1;
    delivery->started_ns = 0;
    delivery->returns = 0;
    delivery->next = NULL;
    bench->open++;
    dispatch_submit(bench->dispatch, delivery);
}

static void intend(struct delivery_source *source, struct delivery *list, size_t count)
{
    (void)count;
    dispatch_intended(((struct bench *)source)->dispatch, list);
}

static bool admit(struct delivery_source *source, struct delivery *delivery)
{
    (void)source;
    (void)delivery;
    return true;
}

static void done(struct delivery_source *source, struct delivery *delivery,
                 const struct delivery_result *result)
{
    struct bench *bench = (struct bench *)source;
    bench->open--;
    bench->refused += result->verdict != DELIVERY_SENT;
    submit(bench, delivery);
}

static void on_closed(void *arg)
{
    ((struct bench *)arg)->closed = true;
}

static void turn(struct bench *bench)
{
    struct error err = {0};
    if (loop_run(bench->loop, -1, &err) != 0) {
        fprintf(stderr, "transport: %s\n", err.text);
        exit(1);
    }
}

/* A mail of as many bytes as the file has. */
static struct text read_body(const char *path)
{
    static char body[BODY_BYTES];
    FILE *file = fopen(path, "rb");
    size_t bytes = file ? fread(body, 1, sizeof(body), file) : 0;
    if (bytes == 0 || bytes == sizeof(body)) {
        fprintf(stderr, "transport: %s is no mail of 1 to %d bytes\n", path,
                BODY_BYTES - 1);
        exit(1);
    }
    fclose(file);
    return (struct text){body, bytes};
}

static void open_provider(struct bench *bench, const char *url, long connections)
{
    struct error err = {0};
    struct provider_config config = {
        .name = "relay",
        .type = "smtp",
        .url = url,
        .account_sid = "",
        .auth_token = "",
        .from = "",
        .username = "",
        .password = "",
        .tls_ca = "",
        .verp = "",
        .max_connections = (unsigned)connections,
        .messages_per_connection = 1000, /* as volley's default */
        .timeout_ns = 30 * NS_PER_S,
        .retry_first_ns = NS_PER_S,
        .retry_max_ns = NS_PER_S,
        .retry_give_up_ns = NS_PER_S,
        .retry_attempts = 1,
    };
    const struct route_entry route = {.provider = 0, .weight = 1};
    struct dispatch_config setup = {.providers = &config,
                                    .provider_count = 1,
                                    .routes = {[CHANNEL_EMAIL] = &route},
                                    .route_counts = {[CHANNEL_EMAIL] = 1}};
    if (loop_create(&bench->loop, &err) != 0 ||
        dispatch_create(bench->loop, &setup, &bench->dispatch, &err) != 0) {
        fprintf(stderr, "transport: %s\n", err.text);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    static struct bench bench = {
        .source = {.intend = intend, .admit = admit, .done = done}};
    if (argc != 5) {
        fprintf(stderr, "usage: transport URL CONNECTIONS MAILS MAIL-FILE\n");
        return 2;
    }
    struct text body = read_body(argv[4]);
    open_provider(&bench, argv[1], strtol(argv[2], NULL, 10));
    bench.left = strtol(argv[3], NULL, 10);
    for (size_t i = 0; i < DELIVERIES; i++) {
        bench.deliveries[i] = (struct delivery){.source = &bench.source,
                                                .channel = CHANNEL_EMAIL,
                                                .row = (uint32_t)i,
                                                .from = TEXT("hello@studio.example"),
                                                .to = TEXT("customer@example.com"),
                                                .body = body};
        submit(&bench, &bench.deliveries[i]);
    }
    while (bench.open > 0)
        turn(&bench);
    dispatch_close(bench.dispatch, on_closed, &bench);
    while (!bench.closed)
        turn(&bench);
    dispatch_destroy(&bench.dispatch);
    loop_destroy(&bench.loop);
    if (bench.refused > 0)
        fprintf(stderr, "transport: %ld mails were not taken\n", bench.refused);
    return bench.refused > 0 ? 1 : 0;
}
