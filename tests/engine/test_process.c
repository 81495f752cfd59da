/* process: who is listed while it lives, what a dead one leaves, what a reload answers. */
#include "engine/process/process.h"
#include "base/clock.h"
#include "base/file.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static char home[64];

static void write_config(const char *content)
{
    char path[PATH_BYTES];
    struct error err;
    cr_assert_eq(path_join(path, home, TEXT("volley.yaml"), &err), 0);
    cr_assert_eq(file_write(path, text_of(content), &err), 0, "%s", err.text);
}

static void setup(void)
{
    snprintf(home, sizeof(home), "/tmp/volley-process-XXXXXX");
    cr_assert_not_null(mkdtemp(home));
    write_config("max_message_rate: 10/s\n");
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static void teardown(void)
{
    nftw(home, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

TestSuite(process, .init = setup, .fini = teardown);

static struct process *open_process(const char *verb)
{
    struct process *process;
    struct error err;
    cr_assert_eq(process_open(home, verb, &process, &err), 0, "%s", err.text);
    return process;
}

static size_t listed(void)
{
    json_t *list;
    struct error err;
    cr_assert_eq(process_list(home, &list, &err), 0, "%s", err.text);
    size_t count = json_array_size(list);
    json_decref(list);
    return count;
}

/* files: how many entries of run/ there are. */
static size_t files(const char *ending)
{
    char command[256];
    snprintf(command, sizeof(command), "ls %s/run | grep -c '%s$'", home, ending);
    FILE *pipe = popen(command, "r");
    int count = -1;
    cr_assert_eq(fscanf(pipe, "%d", &count), 1);
    pclose(pipe);
    return (size_t)count;
}

Test(process, listed_while_it_lives)
{
    cr_expect_eq(listed(), 0);
    struct process *one = open_process("serve"), *two = open_process("send");
    cr_expect_eq(listed(), 2); /* the same number twice, as in two containers */
    process_close(&one);
    cr_expect_eq(listed(), 1);
    process_close(&two);
    cr_expect_eq(listed(), 0);
    cr_expect_eq(files("lock"), 0);
    cr_expect_eq(files("json"), 0);
}

Test(process, what_a_dead_one_leaves_is_removed)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct process *process;
        _exit(process_open(home, "send", &process, NULL) ? 1 : 0);
    }
    int status;
    waitpid(pid, &status, 0);
    cr_assert_eq(status, 0);
    cr_expect_eq(files("lock"), 1);
    cr_expect_eq(listed(), 0);
    cr_expect_eq(files("lock"), 0);
    cr_expect_eq(files("json"), 0);
}

Test(process, no_files_where_there_is_no_home)
{
    struct process *process = NULL;
    struct error err;
    char path[PATH_BYTES];
    snprintf(path, sizeof(path), "%s/volley.yaml", home);
    unlink(path);
    cr_expect_eq(process_open(home, "send", &process, &err), -ERROR_CONFIG);
    snprintf(path, sizeof(path), "%s/run", home);
    cr_expect_not(file_exists(path));
}

/* A process that ticks until it is told to stop. */
struct ticking {
    struct process *process;
    pthread_t thread;
    _Atomic bool stop;
};

static void *tick(void *arg)
{
    struct ticking *ticking = arg;
    while (!atomic_load(&ticking->stop)) {
        process_tick(ticking->process, NULL, 0);
        usleep(5000);
    }
    return NULL;
}

static json_t *reload(void)
{
    json_t *answers = NULL;
    struct error err;
    cr_assert_eq(process_reload(home, NS_PER_S * 5, &answers, &err), 0, "%s", err.text);
    return answers;
}

Test(process, reload_is_answered)
{
    struct ticking t = {.process = open_process("send")};
    pthread_create(&t.thread, NULL, tick, &t);

    write_config("max_message_rate: 20/s\n");
    json_t *answers = reload();
    char *text = json_dumps(answers, JSON_COMPACT);
    cr_expect(strstr(text, "{\"key\":\"max_message_rate\",\"was\":\"10/s\",\"is\":\"20/"
                           "s\",\"when\":\"now\"}"),
              "%s", text);
    free(text);
    json_decref(answers);

    write_config("max_message_rate: never\n");
    answers = reload();
    const json_t *answer = json_array_get(answers, 0);
    cr_expect(json_is_false(json_object_get(answer, "ok")));
    cr_expect(strstr(json_string_value(json_object_get(answer, "reason")),
                     "volley.yaml:1: max_message_rate"));
    json_decref(answers);

    atomic_store(&t.stop, true);
    pthread_join(t.thread, NULL);
    cr_expect_float_eq(process_config(t.process)->max_message_rate_per_s, 20, 1e-9);
    process_close(&t.process);
}

Test(process, reload_does_not_wait_for_the_dead)
{
    int ready[2];
    char byte;
    cr_assert_eq(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct process *process;
        if (process_open(home, "send", &process, NULL))
            _exit(1);
        (void)!write(ready[1], "r", 1);
        usleep(200000); /* it never answers, and dies while it is waited for */
        _exit(0);
    }
    cr_assert_eq(read(ready[0], &byte, 1), 1);
    json_t *answers = reload();
    cr_expect_eq(json_array_size(answers), 0);
    json_decref(answers);
    waitpid(pid, NULL, 0);
}

Test(process, reload_says_when_nobody_answers)
{
    struct process *process = open_process("send"); /* never ticks */
    json_t *answers = NULL;
    struct error err;
    cr_expect_eq(process_reload(home, NS_PER_MS * 50, &answers, &err), -ERROR_AGAIN);
    cr_expect(strstr(err.text, "does not answer"));
    process_close(&process);
}

/* One that starts after the number was raised has read the new file: nothing to answer. */
Test(process, a_late_one_has_the_new_configuration)
{
    json_t *list = reload();
    cr_assert_eq(json_array_size(list), 0);
    json_decref(list);
    struct process *process = open_process("send");
    cr_assert_eq(process_list(home, &list, NULL), 0);
    cr_expect_eq(
        json_integer_value(json_object_get(json_array_get(list, 0), "generation")), 1);
    json_decref(list);
    process_close(&process);
}
