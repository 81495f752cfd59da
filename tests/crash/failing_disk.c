/* failing_disk: put before a program with LD_PRELOAD, the disk under its journals fails at a chosen
 * moment. $FAULT says how, $FAULT_LOG gets a line for the fault and one for every write or sync of
 * the same journal that comes after it.
 *
 *   sync:N    the Nth fdatasync or fsync fails with EIO, and what was written last is gone, as when
 *             the kernel drops the pages; the next one would succeed
 *   write:N   the Nth pwrite fails with EIO      full:N   …and all after it, with ENOSPC
 *   short:N   the Nth pwrite takes half          half:N   …and the one after it fails
 *   zeros:0   space cannot be zeroed ahead
 *   tear:N:K  power fails within the Nth sync: of what the last write changes only the first K bytes arrive
 *   hole:N:K  …all but the first K bytes arrive
 *   zero:N:K  …the same as tear, but the file has grown
 *
 * A pwritev2 with RWF_DSYNC is a write and a sync. With O_DIRECT a write takes whole blocks, so it is the
 * first one after the Nth with two that is short. FAULT_PLAIN=1: there is no O_DIRECT. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static struct {
    char kind[8];
    int nth;
    long keep;
} fault;
static int writes, syncs;
static bool happened, halved;
static char journal[512]; /* the one it happened to */
/* The last write, and what was there before. */
static off_t last_at;
static size_t last_bytes;
static char before[2 << 20];
static size_t before_same; /* so many first bytes are what they were */

typedef ssize_t write_fn(int, const void *, size_t, off_t);
typedef int sync_fn(int);

/* Of this program, or NULL: the file's name when it is a journal's. */
static const char *journal_of(int fd)
{
    static char path[512];
    char link[32];
    if (!fault.kind[0]) {
        const char *wish = getenv("FAULT");
        if (!wish ||
            sscanf(wish, "%7[a-z]:%d:%ld", fault.kind, &fault.nth, &fault.keep) < 2)
            abort();
    }
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t bytes = readlink(link, path, sizeof(path) - 1);
    path[bytes > 0 ? bytes : 0] = '\0';
    return strstr(path, "/journal.") ? path : NULL;
}

static void note(const char *what, const char *path)
{
    char line[640];
    int bytes = snprintf(line, sizeof(line), "%s %s\n", what, path);
    int fd = open(getenv("FAULT_LOG"), O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (fd < 0 || write(fd, line, (size_t)bytes) != bytes)
        abort();
    close(fd);
}

static bool only_zeros(const char *data, size_t bytes)
{
    return bytes > 0 && data[0] == 0 && memcmp(data, data + 1, bytes - 1) == 0;
}

static bool is(const char *kind)
{
    return strcmp(fault.kind, kind) == 0;
}

static void happen(const char *path)
{
    if (!happened) {
        happened = true;
        snprintf(journal, sizeof(journal), "%s", path);
        note(fault.kind, path);
    }
}

/* The file through the page cache, which takes any piece of it. */
static int plain(int fd)
{
    char path[32];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    int again = open(path, O_RDWR | O_CLOEXEC);
    if (again < 0)
        abort();
    return again;
}

static void remember(int fd, const char *data, size_t bytes, off_t at)
{
    last_at = at;
    last_bytes = bytes;
    if (bytes > sizeof(before))
        abort();
    memset(before, 0, bytes);
    int again = plain(fd);
    if (pread(again, before, bytes, at) < 0)
        abort();
    close(again);
    before_same = 0;
    while (before_same < bytes && before[before_same] == data[before_same])
        before_same++;
}

/* Bytes from..to of the last write never arrived. */
static void forget(int fd, size_t from, size_t to)
{
    write_fn *next = (write_fn *)dlsym(RTLD_NEXT, "pwrite");
    int again = plain(fd);
    if (to > from && next(again, before + from, to - from, last_at + (off_t)from) !=
                         (ssize_t)(to - from))
        abort();
    close(again);
}

static void power_fails(int fd)
{
    size_t kept = before_same + (size_t)fault.keep;
    kept = kept < last_bytes ? kept : last_bytes;
    if (is("hole"))
        forget(fd, 0, kept);
    else
        forget(fd, kept, last_bytes);
    if (is("tear") && ftruncate(fd, last_at + (off_t)kept) != 0)
        abort();
    kill(getpid(), SIGKILL);
}

/* How much a write takes that takes half; 0: it cannot. */
static size_t half_of(int fd, size_t bytes)
{
    return fcntl(fd, F_GETFL) & O_DIRECT ? bytes / 2 & ~(size_t)4095 : bytes / 2;
}

static ssize_t faulty_write(int fd, const void *data, size_t bytes, off_t at)
{
    write_fn *next = (write_fn *)dlsym(RTLD_NEXT, "pwrite");
    const char *path = journal_of(fd);
    if (!path)
        return next(fd, data, bytes, at);
    if (only_zeros(data, bytes)) { /* space made ahead: it may fail, nobody minds */
        errno = EIO;
        return is("zeros") ? -1 : next(fd, data, bytes, at);
    }
    writes++;
    if (happened && !is("short") && strcmp(path, journal) == 0)
        note("again", path);
    bool now = writes == fault.nth || (writes > fault.nth && is("full"));
    if (now && (is("write") || is("full"))) {
        happen(path);
        errno = is("full") ? ENOSPC : EIO;
        return -1;
    }
    if (is("half") && halved) {
        happen(path);
        errno = EIO;
        return -1;
    }
    if ((is("short") || is("half")) && writes >= fault.nth && !halved &&
        half_of(fd, bytes) > 0) {
        halved = true;
        if (is("short"))
            happen(path);
        return next(fd, data, half_of(fd, bytes), at);
    }
    remember(fd, data, bytes, at);
    return next(fd, data, bytes, at);
}

static int faulty_sync(int fd, const char *name)
{
    sync_fn *next = (sync_fn *)dlsym(RTLD_NEXT, name);
    const char *path = journal_of(fd);
    if (!path)
        return next(fd);
    syncs++;
    if (happened && !is("short") && strcmp(path, journal) == 0)
        note("again", path);
    if (syncs != fault.nth)
        return next(fd);
    if (is("sync")) {
        happen(path);
        forget(fd, 0, last_bytes);
        errno = EIO;
        return -1;
    }
    if (is("tear") || is("hole") || is("zero")) {
        happen(path);
        power_fails(fd);
    }
    return next(fd);
}

ssize_t pwrite(int fd, const void *data, size_t bytes, off_t at)
{
    return faulty_write(fd, data, bytes, at);
}

ssize_t pwrite64(int fd, const void *data, size_t bytes, off_t at)
{
    return faulty_write(fd, data, bytes, at);
}

int fdatasync(int fd)
{
    return faulty_sync(fd, "fdatasync");
}

int fsync(int fd)
{
    return faulty_sync(fd, "fsync");
}

ssize_t pwritev2(int fd, const struct iovec *parts, int count, off_t at, int flags)
{
    ssize_t (*next)(int, const struct iovec *, int, off_t, int) =
        (ssize_t(*)(int, const struct iovec *, int, off_t, int))dlsym(RTLD_NEXT,
                                                                      "pwritev2");
    if (!journal_of(fd) || count != 1 || !(flags & RWF_DSYNC))
        return next(fd, parts, count, at, flags);
    ssize_t put = faulty_write(fd, parts->iov_base, parts->iov_len, at);
    return put < 0 || faulty_sync(fd, "fdatasync") == 0 ? put : -1;
}

int open(const char *path, int flags, ...)
{
    int (*next)(const char *, int, ...) =
        (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
    va_list more;
    va_start(more, flags);
    int mode = flags & O_CREAT ? va_arg(more, int) : 0;
    va_end(more);
    if ((flags & O_DIRECT) == O_DIRECT && getenv("FAULT_PLAIN")) {
        errno = EINVAL;
        return -1;
    }
    return next(path, flags, mode);
}
