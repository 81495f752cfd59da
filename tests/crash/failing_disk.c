/* failing_disk: put before a program with LD_PRELOAD, the disk under its journals fails at a chosen
 * moment. $FAULT says how, $FAULT_LOG gets a line for the fault and one for every write or sync of
 * the same journal that comes after it.
 *
 *   sync:N    the Nth fdatasync or fsync fails with EIO, and what was written last is gone, as when
 *             the kernel drops the pages; the next one would succeed
 *   write:N   the Nth pwrite fails with EIO      full:N   …and all after it, with ENOSPC
 *   short:N   the Nth pwrite takes half          half:N   …and the one after it fails
 *   zeros:0   space cannot be zeroed ahead
 *   tear:N:K  power fails within the Nth sync: of the last write only the first K bytes arrive
 *   hole:N:K  …all but the first K bytes arrive, which are zeros
 *   zero:N:K  …the file has grown, but from byte K on holds zeros */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
    char kind[8];
    int nth;
    long keep;
} fault;
static int writes, syncs;
static bool happened;
static char journal[512]; /* the one it happened to */
static off_t last_at;
static size_t last_bytes;

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

static void zeros(int fd, off_t from, off_t to)
{
    static const char none[1 << 20];
    write_fn *next = (write_fn *)dlsym(RTLD_NEXT, "pwrite");
    if (to > from && next(fd, none, (size_t)(to - from), from) != to - from)
        abort();
}

static void power_fails(int fd)
{
    off_t end = last_at + (off_t)last_bytes, kept = last_at + fault.keep;
    kept = kept < end ? kept : end;
    if (is("hole"))
        zeros(fd, last_at, kept);
    else
        zeros(fd, kept, end);
    if (is("tear") && ftruncate(fd, kept) != 0)
        abort();
    kill(getpid(), SIGKILL);
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
    if (is("half") && writes == fault.nth + 1) {
        happen(path);
        errno = EIO;
        return -1;
    }
    if (now && (is("short") || is("half"))) {
        if (is("short"))
            happen(path);
        return next(fd, data, bytes / 2, at);
    }
    last_at = at;
    last_bytes = bytes;
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
        zeros(fd, last_at, last_at + (off_t)last_bytes);
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
