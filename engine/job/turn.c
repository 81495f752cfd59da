/* turn: see turn.h. A lock on a file, which a process that dies lets go of. */
#include "engine/job/turn.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#define POLL_US 1000

struct turn {
    int fd;
};

static int open_file(const char *home, struct text account, int *fd_out,
                     struct error *err)
{
    char dir[PATH_BYTES], name[40], path[PATH_BYTES];
    /* An account's id may be no file name. */
    snprintf(name, sizeof(name), "turn-%016" PRIx64, hash64(account.data, account.bytes));
    int rc = path_join(dir, home, TEXT("run"), err);
    if (rc == 0)
        rc = file_make_dirs(dir, err);
    if (rc == 0)
        rc = path_join(path, dir, text_of(name), err);
    if (rc)
        return rc;
    *fd_out = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    return *fd_out < 0 ? error_io(err, "cannot open %s", path) : 0;
}

static bool gives_up(const struct turn_wait *wait, int64_t since_ns)
{
    return clock_steady_ns() - since_ns > wait->at_most_ns || (wait->stop && *wait->stop);
}

int turn_begin(const char *home, struct text account, const struct turn_wait *wait,
               struct turn **out, struct error *err)
{
    int fd;
    int rc = open_file(home, account, &fd, err);
    if (rc)
        return rc;
    int64_t since_ns = clock_steady_ns();
    while (flock(fd, LOCK_EX | LOCK_NB)) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            rc = error_io(err, "cannot lock a file in %s/run", home);
        else if (gives_up(wait, since_ns))
            rc = error_set(err, ERROR_AGAIN,
                           "another marketing job of account %.*s is still starting; "
                           "try again",
                           TEXT_ARGS(account));
        if (rc) {
            close(fd);
            return rc;
        }
        usleep(POLL_US);
    }
    *out = malloc(sizeof(**out));
    CHECK(*out != NULL);
    (*out)->fd = fd;
    return 0;
}

void turn_end(struct turn **turn)
{
    if (!*turn)
        return;
    close((*turn)->fd);
    free(*turn);
    *turn = NULL;
}
