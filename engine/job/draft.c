/* draft: see draft.h. A leading dot is no job id and no hash, so what a crash leaves is never taken for
 * something whole. */
#include "engine/job/draft.h"

#include "base/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX ".new."
/* So many that dead processes left, and no `volley serve` has swept, are passed by. */
#define NUMBER_MAX 10000

/* lock: the folder at path, open and locked; -1 with errno else. */
static int lock(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

/* is_at: path still names what fd has open. */
static bool is_at(const char *path, int fd)
{
    struct stat named, opened;
    return stat(path, &named) == 0 && fstat(fd, &opened) == 0 &&
           named.st_ino == opened.st_ino && named.st_dev == opened.st_dev;
}

/* try: 0, or 1 when the name is taken, or was swept before it was locked. */
static int try(struct draft *draft, struct error *err)
{
    if (mkdir(draft->path, 0755))
        return errno == EEXIST ? 1
                               : error_io(err, "cannot make the folder %s", draft->path);
    draft->lock_fd = lock(draft->path);
    if (draft->lock_fd >= 0 && is_at(draft->path, draft->lock_fd))
        return 0;
    if (draft->lock_fd < 0 && errno != ENOENT && errno != EWOULDBLOCK)
        return error_io(err, "cannot lock the folder %s", draft->path);
    if (draft->lock_fd >= 0)
        close(draft->lock_fd);
    draft->lock_fd = -1;
    return 1;
}

int draft_open(struct draft *draft, const char *root, struct text name, struct error *err)
{
    draft->lock_fd = -1;
    draft->placed = false;
    for (unsigned number = 0; number < NUMBER_MAX; number++) {
        if (snprintf(draft->path, sizeof(draft->path), "%s/" PREFIX "%.*s.%u", root,
                     TEXT_ARGS(name), number) >= PATH_BYTES)
            return error_set(err, ERROR_INPUT, "the path %.80s… is too long",
                             draft->path);
        int rc = try(draft, err);
        if (rc <= 0)
            return rc;
    }
    return error_set(err, ERROR_IO, "%s has too many drafts of dead processes", root);
}

int draft_place(struct draft *draft, const char *path, struct error *err)
{
    if (rename(draft->path, path)) {
        if (errno == ENOTEMPTY || errno == EEXIST)
            return 1;
        return error_io(err, "cannot rename %s to %s", draft->path, path);
    }
    draft->placed = true;
    return 0;
}

void draft_close(struct draft *draft)
{
    if (draft->lock_fd < 0)
        return;
    if (!draft->placed)
        (void)tree_remove(draft->path, NULL);
    close(draft->lock_fd);
    draft->lock_fd = -1;
}

/* sweep: what is locked is somebody's; what got its real name before we locked it is no draft. */
static int sweep(const char *path, struct error *err)
{
    int fd = lock(path);
    if (fd < 0)
        return errno == EWOULDBLOCK || errno == ENOENT || errno == ENOTDIR
                   ? 0
                   : error_io(err, "cannot open the folder %s", path);
    int rc = is_at(path, fd) ? tree_remove(path, err) : 0;
    close(fd);
    return rc;
}

int draft_sweep(const char *root, struct error *err)
{
    char path[PATH_BYTES];
    DIR *dir = opendir(root);
    if (!dir)
        return errno == ENOENT ? 0 : error_io(err, "cannot read the folder %s", root);
    int rc = 0;
    for (const struct dirent *entry; rc == 0 && (entry = readdir(dir));) {
        if (strncmp(entry->d_name, PREFIX, sizeof(PREFIX) - 1) != 0)
            continue;
        rc = path_join(path, root, text_of(entry->d_name), err);
        if (rc == 0)
            rc = sweep(path, err);
    }
    closedir(dir);
    return rc;
}
