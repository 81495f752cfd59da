/* run_dir: see run_dir.h. */
#include "engine/process/run_dir.h"

#include "base/units.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int path_of(char out[PATH_BYTES], const char *home, const char *name,
                   const char *ending, struct error *err)
{
    int bytes = snprintf(out, PATH_BYTES, "%s/run/%s%s", home, name, ending);
    return bytes < PATH_BYTES
               ? 0
               : error_set(err, ERROR_INPUT, "%s: the path is too long", home);
}

static bool same_file(int fd, const char *path)
{
    struct stat ours, there;
    return fstat(fd, &ours) == 0 && stat(path, &there) == 0 &&
           ours.st_ino == there.st_ino && ours.st_dev == there.st_dev;
}

/* lock_file: a descriptor with the lock, or -1 and errno; EWOULDBLOCK: somebody has it. A file that
 * was removed between opening and locking belongs to nobody: once more. */
static int lock_file(const char *path, int flags)
{
    for (;;) {
        int fd = open(path, flags | O_RDWR | O_CLOEXEC, 0644);
        if (fd < 0)
            return -1;
        bool locked = flock(fd, LOCK_EX | LOCK_NB) == 0;
        int why = errno;
        if (locked && same_file(fd, path))
            return fd;
        close(fd);
        errno = why;
        if (!locked && why != EINTR)
            return -1;
    }
}

int run_dir_claim(const char *home, char name_out[64], struct error *err)
{
    char path[PATH_BYTES];
    int rc = path_of(path, home, "", "", err);
    if (rc == 0)
        rc = file_make_dirs(path, err);
    for (int number = 1; rc == 0 && number <= 64; number++) {
        snprintf(name_out, 64, number == 1 ? "%ld" : "%ld-%d", (long)getpid(), number);
        rc = path_of(path, home, name_out, ".lock", err);
        int fd = rc ? -1 : lock_file(path, O_CREAT);
        if (fd >= 0)
            return fd;
        if (rc == 0 && errno != EWOULDBLOCK)
            rc = error_io(err, "cannot lock %s", path);
    }
    return rc ? rc : error_set(err, ERROR_AGAIN, "%s: no free name", path);
}

static void remove_files(const char *home, const char *name)
{
    /* The lock last: who sees it gone may take the name. */
    static const char *const endings[] = {".json", ".json.new", ".lock"};
    char path[PATH_BYTES];
    for (size_t i = 0; i < ARRAY_COUNT(endings); i++) {
        if (path_of(path, home, name, endings[i], NULL) == 0)
            unlink(path);
    }
}

void run_dir_release(const char *home, const char *name, int fd)
{
    remove_files(home, name);
    close(fd);
}

int run_dir_write(const char *home, const char *file, struct text content,
                  struct error *err)
{
    char fresh[PATH_BYTES], path[PATH_BYTES];
    int rc = path_of(path, home, file, "", err);
    if (rc == 0)
        rc = path_of(fresh, home, file, ".new", err);
    if (rc)
        return rc;
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return error_io(err, "cannot write %s", fresh);
    ssize_t written = write(fd, content.data, content.bytes);
    if (written != (ssize_t)content.bytes) {
        errno = written < 0 ? errno : ENOSPC;
        rc = error_io(err, "cannot write %s", fresh);
    }
    close(fd);
    if (rc == 0 && rename(fresh, path))
        rc = error_io(err, "cannot rename %s", fresh);
    return rc;
}

uint64_t run_dir_generation(const char *home)
{
    char path[PATH_BYTES];
    struct buffer content = {0};
    uint64_t generation = 0;
    if (path_of(path, home, "reload", "", NULL) == 0 && file_exists(path) &&
        file_read(path, 64, &content, NULL) == 0 &&
        units_count(text_trim(buffer_view(&content)), &generation))
        generation = 0;
    buffer_fini(&content);
    return generation;
}

int run_dir_each(const char *home, void (*fn)(void *arg, const char *name), void *arg,
                 struct error *err)
{
    char path[PATH_BYTES], name[64];
    int rc = path_of(path, home, "", "", err);
    DIR *dir = rc ? NULL : opendir(path);
    if (rc || !dir)
        return rc || errno == ENOENT ? rc : error_io(err, "cannot read %s", path);
    for (struct dirent *entry; (entry = readdir(dir));) {
        size_t bytes = strlen(entry->d_name), ending = strlen(".lock");
        if (entry->d_name[0] == '.' || bytes <= ending || bytes >= sizeof(name) ||
            strcmp(entry->d_name + bytes - ending, ".lock") != 0)
            continue;
        snprintf(name, sizeof(name), "%.*s", (int)(bytes - ending), entry->d_name);
        if (path_of(path, home, name, ".lock", NULL))
            continue;
        int fd = lock_file(path, 0);
        if (fd >= 0)
            run_dir_release(home, name, fd); /* left by a dead one */
        else if (errno == EWOULDBLOCK)
            fn(arg, name);
    }
    closedir(dir);
    return 0;
}

int run_dir_lock(const char *home, struct error *err)
{
    char path[PATH_BYTES];
    int rc = path_of(path, home, "", "", err);
    if (rc == 0)
        rc = file_make_dirs(path, err);
    if (rc == 0)
        rc = path_of(path, home, ".reload", "", err);
    if (rc)
        return rc;
    int fd = lock_file(path, O_CREAT);
    if (fd < 0 && errno == EWOULDBLOCK)
        return error_set(err, ERROR_AGAIN, "another `volley reload` is under way in %s",
                         home);
    return fd < 0 ? error_io(err, "cannot lock %s", path) : fd;
}
