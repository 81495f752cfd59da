/* journal_lock: see journal_lock.h. */
#include "outbox/journal/journal_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* One line of /proc/locks (proc_locks(5)), "12: FLOCK  ADVISORY  WRITE 4711 fe:00:1234 0
 * EOF": the process that has this inode, or 0. Lines of those who wait have "->" behind the
 * number. */
static pid_t holder_in(const char *line, const struct stat *st)
{
    unsigned major_number, minor_number;
    unsigned long long inode;
    int pid;
    if (sscanf(line, "%*u: FLOCK %*s WRITE %d %x:%x:%llu", &pid, &major_number,
               &minor_number, &inode) != 4)
        return 0;
    bool ours = inode == st->st_ino && major_number == major(st->st_dev) &&
                minor_number == minor(st->st_dev);
    return ours && pid > 0 ? pid : 0;
}

pid_t journal_lock_holder(const char *dir)
{
    struct stat st;
    FILE *locks = stat(dir, &st) == 0 ? fopen("/proc/locks", "re") : NULL;
    if (!locks)
        return 0;
    char line[256];
    pid_t holder = 0;
    while (!holder && fgets(line, sizeof(line), locks))
        holder = holder_in(line, &st);
    fclose(locks);
    return holder;
}

int journal_lock(const char *dir, int *fd_out, struct error *err)
{
    *fd_out = -1;
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_io(err, "cannot open the folder %s", dir);
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        *fd_out = fd;
        return 0;
    }
    int why = errno;
    close(fd);
    errno = why;
    if (why != EWOULDBLOCK)
        return error_io(err, "cannot lock the folder %s", dir);
    char who[40] = "another process";
    pid_t holder = journal_lock_holder(dir);
    if (holder)
        snprintf(who, sizeof(who), "process %ld", (long)holder);
    return error_set(err, ERROR_AGAIN,
                     "%s is writing the journal in %s: wait for it or stop it", who, dir);
}
