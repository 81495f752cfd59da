/* failpoint: oracle: a child armed with a place dies of SIGKILL at the pass that was named and at no other
 * place. That every place is passed by a real campaign, tests/crash/chaos.sh shows. */
#include "base/failpoint.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* status of a child that arms `wish` and then passes every place twice; its exit status says how many
 * passes it lived through. */
static int status_of(const char *wish, int *passed)
{
    int fds[2], status;
    cr_assert(pipe(fds) == 0);
    pid_t pid = fork();
    cr_assert(pid >= 0);
    if (pid == 0) {
        if (failpoint_arm(wish, NULL))
            _exit(2);
        for (int round = 0; round < 2; round++) {
            for (int place = 1; place < FAILPOINT_COUNT; place++) {
                failpoint((enum failpoint)place);
                if (write(fds[1], "x", 1) != 1)
                    _exit(3);
            }
        }
        _exit(0);
    }
    close(fds[1]);
    char one;
    for (*passed = 0; read(fds[0], &one, 1) == 1;)
        ++*passed;
    close(fds[0]);
    cr_assert(waitpid(pid, &status, 0) == pid);
    return status;
}

Test(failpoint, every_place_kills_at_its_pass)
{
    for (int place = 1; place < FAILPOINT_COUNT; place++) {
        char wish[64];
        int passed;
        const char *name = failpoint_name((enum failpoint)place);
        int status = status_of(name, &passed);
        cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "%s: %d", name,
                  status);
        cr_expect(passed == place - 1, "%s: %d passed", name, passed);
        snprintf(wish, sizeof(wish), "%s:2", name);
        status = status_of(wish, &passed);
        cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "%s: %d", wish,
                  status);
        cr_expect(passed == FAILPOINT_COUNT - 1 + place - 1, "%s: %d passed", wish,
                  passed);
    }
}

Test(failpoint, passes_that_do_not_come_kill_nobody)
{
    int passed;
    cr_expect(status_of("group-sealed:3", &passed) == 0);
    cr_expect(passed == 2 * (FAILPOINT_COUNT - 1));
}

Test(failpoint, names_differ)
{
    for (int a = 0; a < FAILPOINT_COUNT; a++) {
        for (int b = 0; b < a; b++)
            cr_expect(strcmp(failpoint_name((enum failpoint)a),
                             failpoint_name((enum failpoint)b)) != 0);
    }
}

Test(failpoint, wrong_wishes_are_told_what_there_is)
{
    static const struct {
        const char *wish, *words;
    } cases[] = {
        {"group-seald", "did you mean \"group-sealed\"?"},
        {"group-seald", "spool-moved"}, /* the last of the list */
        {"none", "no place \"none\""},
        {"", "no place \"\""},
        {":3", "no place"},
        {"group-sealed:0", "no count"},
        {"group-sealed:", "no count"},
        {"group-sealed:two", "no count"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct error err = {0};
        cr_expect(failpoint_arm(cases[i].wish, &err) == -ERROR_USAGE);
        cr_expect(strstr(err.text, cases[i].words), "%s: %s", cases[i].wish, err.text);
    }
    cr_expect(failpoint_armed == FAILPOINT_NONE);
}
