/* A job that runs while opt-outs come in, somebody looks at it, pauses it, resumes it and cancels
 * it: control thread, I/O thread and workers at once. Run under ThreadSanitizer. */
#include "engine/jobs/start.h"
#include "outbox/sandbox/sandbox.h"
#include "tests/engine/studio.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { CUSTOMERS = 1500 };

static volatile sig_atomic_t stop;

static void on_term(int number)
{
    (void)number;
    stop = 1;
}

static void ready(void *arg)
{
    CHECK(write(*(int *)arg, "r", 1) == 1);
}

static uint16_t free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(fd, (struct sockaddr *)&address, bytes) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&address, &bytes) == 0);
    close(fd);
    return ntohs(address.sin_port);
}

/* In a process of its own, forked before there are threads. */
static pid_t sandbox(char smtp[32], char http[32])
{
    int fds[2];
    char byte;
    struct error err;
    snprintf(smtp, 32, "127.0.0.1:%u", free_port());
    snprintf(http, 32, "127.0.0.1:%u", free_port());
    CHECK(pipe(fds) == 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        struct sandbox_config config = {.listen_smtp = smtp,
                                        .listen_http = http,
                                        .discard = true,
                                        .latency_ns = 2000000};
        struct sandbox_counts counts;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGTERM, on_term);
        _exit(sandbox_run(&config, ready, &fds[1], &stop, &counts, &err) ? 1 : 0);
    }
    CHECK(read(fds[0], &byte, 1) == 1);
    close(fds[0]);
    close(fds[1]);
    return pid;
}

static void configure(struct studio *studio, const char *smtp, const char *http)
{
    char content[1024];
    struct error err;
    snprintf(content, sizeof(content),
             "workers: 3\n"
             "providers:\n"
             "  relay: {type: smtp, url: \"smtp://%s\", max_connections: 4}\n"
             "  twilio: {type: twilio, url: \"http://%s\", max_connections: 4,\n"
             "           account_sid: AC00000000000000000000000000000001,\n"
             "           auth_token: x, from: \"+15005550006\"}\n"
             "routes: {email: [relay], sms: [twilio]}\n"
             "tiers: {all: {segments: 100000}}\n",
             smtp, http);
    studio_write(studio, "volley.yaml", text_of(content));
    config_destroy(&studio->config);
    studio_must(config_load(studio->home, &studio->config, &err), &err);
    studio->env.config = studio->config;
}

static void opt_out(struct studio *studio, unsigned customer)
{
    char id[32];
    struct error err;
    snprintf(id, sizeof(id), "c%u", customer);
    struct optout entry = {.account = TEXT("studio"),
                           .key = OPTOUT_CUSTOMER,
                           .value = text_of(id),
                           .mask = OPTOUT_ALL,
                           .reason = TEXT("test")};
    studio_must(optout_add(studio->store, &entry, &err), &err);
}

/* watch: poll until the run is over; at the given number of outcomes, do something to it. */
static enum run_state watch(struct studio *studio, struct run *run, uint64_t at,
                            void (*then)(struct run *run))
{
    enum run_state state;
    unsigned customer = CUSTOMERS;
    while ((state = run_poll(run, 5)) == RUN_GOING) {
        struct run_progress progress;
        run_progress(run, &progress);
        CHECK(books_balanced(&progress.books, NULL, 0));
        if (books_total(&progress.books, OUTCOME_SENT) >= at)
            then(run);
        if (customer > CUSTOMERS - 40)
            opt_out(studio, customer--);
    }
    return state;
}

int main(void)
{
    static const char content[] =
        "{\"id\": \"job\", \"account\": \"studio\", \"category\": \"transactional\",\n"
        " \"template\": \"waiver\", \"channels\": [\"sms\", \"email\"],\n"
        " \"limits\": {\"max_message_rate\": \"4000/s\"},\n"
        " \"audience\": {\"snapshot\": \"studio.arrow\"}}";
    struct studio studio;
    struct io_thread *io;
    struct run *run;
    struct error err;
    char smtp[32], http[32];
    studio_open(&studio, CUSTOMERS);
    pid_t child = sandbox(smtp, http);
    configure(&studio, smtp, http);
    studio_must(io_thread_start(studio.config, &io, &err), &err);

    CHECK(start_content(io, &studio.env, text_of(content), "job", NULL, NULL, &run,
                        &err) == START_RUNNING);
    CHECK(watch(&studio, run, 300, run_pause) == RUN_PAUSED);
    studio_must(run_end(&run, &err), &err);

    CHECK(start_resume(io, &studio.env, TEXT("job"), &run, &err) == START_RUNNING);
    CHECK(watch(&studio, run, 700, run_cancel) == RUN_CANCELLED);
    struct run_progress progress;
    run_progress(run, &progress);
    CHECK(books_total(&progress.books, OUTCOME_PENDING) == 0);
    CHECK(books_total(&progress.books, OUTCOME_CANCELLED) > 0);
    studio_must(run_end(&run, &err), &err);
    CHECK(start_resume(io, &studio.env, TEXT("job"), &run, &err) == START_DONE);

    io_thread_stop(&io);
    kill(child, SIGTERM);
    waitpid(child, NULL, 0);
    studio_close(&studio);
    return 0;
}
