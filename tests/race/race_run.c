/* A job that runs while opt-outs come in, somebody looks at it, gives its providers other limits,
 * pauses it, resumes it and cancels it: control thread, I/O thread and workers at once, and one that
 * asks for reloads. Run under ThreadSanitizer. */
#include "base/clock.h"
#include "engine/jobs/start.h"
#include "engine/process/process.h"
#include "outbox/sandbox/sandbox.h"
#include "tests/engine/studio.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { CUSTOMERS = 1500 };

static volatile sig_atomic_t stop; /* the sandbox's process */
static char smtp[32], http[32];
static _Atomic bool over, gone;

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
static pid_t sandbox(void)
{
    int fds[2];
    char byte;
    struct error err;
    snprintf(smtp, sizeof(smtp), "127.0.0.1:%u", free_port());
    snprintf(http, sizeof(http), "127.0.0.1:%u", free_port());
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

static void configure(const struct studio *studio, unsigned connections)
{
    char content[1024];
    snprintf(content, sizeof(content),
             "workers: 3\n"
             "providers:\n"
             "  relay: {type: smtp, url: \"smtp://%s\", max_connections: %u}\n"
             "  twilio: {type: twilio, url: \"http://%s\", max_message_rate: %u/s,\n"
             "           account_sid: AC00000000000000000000000000000001,\n"
             "           auth_token: x, from: \"+15005550006\"}\n"
             "routes: {email: [relay], sms: [twilio]}\n"
             "tiers: {all: {segments: 100000}}\n",
             smtp, connections, http, connections * 2000);
    studio_write(studio, "volley.yaml", text_of(content));
}

/* What `volley top` and `volley reload` do, from a thread of its own instead of another process. */
static void *onlooker(void *arg)
{
    const struct studio *studio = arg;
    struct error err;
    for (unsigned i = 0; !atomic_load(&over); i++) {
        json_t *told;
        configure(studio, 1 + i % 4);
        studio_must(process_reload(studio->home, 20 * NS_PER_S, &told, &err), &err);
        CHECK(json_array_size(told) == 1);
        CHECK(json_is_true(json_object_get(json_array_get(told, 0), "ok")));
        json_decref(told);
        studio_must(process_list(studio->home, &told, &err), &err);
        CHECK(json_array_size(told) == 1);
        json_decref(told);
    }
    atomic_store(&gone, true);
    return NULL;
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
static enum run_state watch(struct studio *studio, struct process *process,
                            struct run *run, uint64_t at, void (*then)(struct run *run))
{
    enum run_state state;
    unsigned customer = CUSTOMERS;
    while ((state = run_poll(run, 5)) == RUN_GOING) {
        struct run_progress progress;
        process_tick(process, &run, 1);
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
    struct process *process;
    pthread_t thread;
    studio_open(&studio, CUSTOMERS);
    pid_t child = sandbox();
    configure(&studio, 4);
    studio_must(process_open(studio.home, "send", &process, &err), &err);
    studio_must(io_thread_start(process_config(process), &io, &err), &err);
    process_attach(process, io);
    CHECK(pthread_create(&thread, NULL, onlooker, &studio) == 0);

    studio.env.config = process_config(process);
    CHECK(start_content(io, &studio.env, text_of(content), "job", NULL, NULL, &run,
                        &err) == START_RUNNING);
    CHECK(watch(&studio, process, run, 300, run_pause) == RUN_PAUSED);
    studio_must(run_end(&run, &err), &err);

    studio.env.config = process_config(process);
    CHECK(start_resume(io, &studio.env, TEXT("job"), &run, &err) == START_RUNNING);
    CHECK(watch(&studio, process, run, 700, run_cancel) == RUN_CANCELLED);
    struct run_progress progress;
    run_progress(run, &progress);
    CHECK(books_total(&progress.books, OUTCOME_PENDING) == 0);
    CHECK(books_total(&progress.books, OUTCOME_CANCELLED) > 0);
    studio_must(run_end(&run, &err), &err);
    CHECK(start_resume(io, &studio.env, TEXT("job"), &run, &err) == START_DONE);

    for (atomic_store(&over, true); !atomic_load(&gone);)
        process_tick(process, NULL, 0);
    CHECK(pthread_join(thread, NULL) == 0);
    process_attach(process, NULL);
    io_thread_stop(&io);
    process_close(&process);
    kill(child, SIGTERM);
    waitpid(child, NULL, 0);
    studio_close(&studio);
    return 0;
}
