/* spool: see spool.h.
 *
 * Every step of a file's life is one rename inside one file system, made durable by fsync
 * of both folders; a crash leaves a file in exactly one of them. */
#include "ingest/spool.h"

#include "base/failpoint.h"
#include "ingest/spool_private.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define JOB_BYTES_MAX     ((size_t)64 << 20)
#define CONTROL_BYTES_MAX ((size_t)65536)

static const char *const folders[SPOOL_FOLDER_COUNT] = {
    [SPOOL_TMP] = "tmp",           [SPOOL_INCOMING] = "incoming",
    [SPOOL_ACTIVE] = "active",     [SPOOL_DONE] = "done",
    [SPOOL_FAILED] = "failed",     [SPOOL_HOLD] = "hold",
    [SPOOL_RECEIPTS] = "receipts",
};

const char *spool_folder_name(enum spool_folder folder)
{
    CHECK(folder < SPOOL_FOLDER_COUNT);
    return folders[folder];
}

int spool_folder_path(char out[PATH_BYTES], const char *home, enum spool_folder folder,
                      struct error *err)
{
    if (snprintf(out, PATH_BYTES, "%s/spool/%s", home, folders[folder]) >= PATH_BYTES)
        return error_set(err, ERROR_INPUT, "the path %.80s… is too long", home);
    return 0;
}

int spool_make(const char *home, struct error *err)
{
    char path[PATH_BYTES];
    int rc = 0;
    for (int i = 0; i < SPOOL_FOLDER_COUNT && !rc; i++) {
        rc = spool_folder_path(path, home, (enum spool_folder)i, err);
        if (!rc)
            rc = file_make_dirs(path, err);
    }
    if (!rc)
        rc = path_join(path, home, TEXT("spool/status"), err);
    return rc ? rc : file_make_dirs(path, err);
}

static int open_folders(struct spool *spool, struct error *err)
{
    for (int i = 0; i < SPOOL_FOLDER_COUNT; i++) {
        char path[PATH_BYTES];
        int rc = spool_folder_path(path, spool->home, (enum spool_folder)i, err);
        if (rc)
            return rc;
        spool->folder_fds[i] = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (spool->folder_fds[i] < 0)
            return error_io(err, "cannot open the folder %s", path);
    }
    return 0;
}

static int watch_incoming(struct spool *spool, struct error *err)
{
    char path[PATH_BYTES];
    int rc = spool_folder_path(path, spool->home, SPOOL_INCOMING, err);
    if (rc)
        return rc;
    spool->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (spool->inotify_fd < 0 ||
        inotify_add_watch(spool->inotify_fd, path, IN_MOVED_TO | IN_CLOSE_WRITE) < 0)
        return error_io(err, "cannot watch %s", path);
    return 0;
}

int spool_open(const char *home, struct spool **out, struct error *err)
{
    struct spool *spool = calloc(1, sizeof(*spool));
    CHECK(spool != NULL);
    spool->home = text_copy(text_of(home));
    spool->inotify_fd = -1;
    for (int i = 0; i < SPOOL_FOLDER_COUNT; i++)
        spool->folder_fds[i] = -1;
    int rc = open_folders(spool, err);
    if (!rc)
        rc = watch_incoming(spool, err);
    if (!rc)
        rc = spool_reread(spool, err);
    if (rc)
        spool_close(&spool);
    *out = spool;
    return rc;
}

void spool_close(struct spool **at)
{
    struct spool *spool = *at;
    *at = NULL;
    if (!spool)
        return;
    for (int i = 0; i < SPOOL_FOLDER_COUNT; i++) {
        if (spool->folder_fds[i] >= 0)
            close(spool->folder_fds[i]);
    }
    if (spool->inotify_fd >= 0)
        close(spool->inotify_fd);
    folder_list_fini(&spool->incoming);
    folder_list_fini(&spool->left);
    buffer_fini(&spool->controls);
    free(spool->home);
    free(spool);
}

int spool_fd(const struct spool *spool)
{
    return spool->inotify_fd;
}

static int read_all(int fd, struct buffer *out)
{
    while (out->bytes <= JOB_BYTES_MAX) {
        char *room = buffer_room(out, 65536);
        ssize_t got = read(fd, room, 65536);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return (int)got;
        out->bytes += (size_t)got;
    }
    return 0;
}

/* read_active: 1 with the content of a file in active; 0 when it was refused. */
static int read_active(struct spool *spool, const char *name, struct buffer *content_out,
                       struct error *err)
{
    int fd = openat(spool->folder_fds[SPOOL_ACTIVE], name,
                    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0 && errno == ELOOP)
        return spool_refuse(spool, name, SPOOL_ACTIVE, err,
                            "%s is a symbolic link; job files are "
                            "regular files",
                            name);
    if (fd < 0 && (errno == EACCES || errno == ENXIO))
        return spool_refuse(spool, name, SPOOL_ACTIVE, err, "%s cannot be opened: %s",
                            name, strerror(errno));
    if (fd < 0)
        return error_io(err, "cannot open spool/active/%s", name);
    struct stat st;
    buffer_clear(content_out);
    int rc = fstat(fd, &st);
    bool regular = rc == 0 && S_ISREG(st.st_mode);
    if (regular)
        rc = read_all(fd, content_out);
    int why = errno;
    close(fd);
    if (rc) {
        errno = why;
        return error_io(err, "cannot read spool/active/%s", name);
    }
    if (!regular)
        return spool_refuse(spool, name, SPOOL_ACTIVE, err, "%s is no regular file",
                            name);
    if (content_out->bytes > JOB_BYTES_MAX)
        return spool_refuse(spool, name, SPOOL_ACTIVE, err, "%s is larger than 64 MiB",
                            name);
    buffer_add(content_out, "", 0);
    return 1;
}

/* being_written: a file that was put into incoming without a rename and is still open.
 * The kernel grants a read lease only while nobody has the file open for writing
 * (fcntl(2)); where leases are not to be had, the file counts as complete. */
static bool being_written(int folder_fd, const char *name)
{
    int fd = openat(folder_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return false;
    /* A broken lease is announced by a signal: one that is ignored unless asked for. */
    bool refused = fcntl(fd, F_SETSIG, SIGURG) == 0 &&
                   fcntl(fd, F_SETLEASE, F_RDLCK) != 0 && errno == EAGAIN;
    close(fd);
    return refused;
}

static bool is_job_name(struct text name)
{
    return name_is_safe(name) && name.bytes > 5 &&
           memcmp(name.data + name.bytes - 5, ".json", 5) == 0;
}

/* claim: 1 with the content of a file moved from incoming to active; 0 when it was
 * refused, is gone, or is not complete yet: closing it makes spool_fd readable. */
static int claim(struct spool *spool, const char *name, struct buffer *content_out,
                 struct error *err)
{
    if (!is_job_name(text_of(name)))
        return spool_refuse(
            spool, name, SPOOL_INCOMING, err,
            "\"%s\" is no name for a job file; use up to 128 letters, digits, `.`, "
            "`_` and `-`, ending in .json",
            name);
    if (being_written(spool->folder_fds[SPOOL_INCOMING], name))
        return 0;
    int rc =
        spool_move_as(spool, name, SPOOL_INCOMING, name, SPOOL_ACTIVE, spool->name, err);
    if (rc)
        return rc < 0 ? rc : 0;
    failpoint(FAILPOINT_SPOOL_CLAIMED);
    return read_active(spool, spool->name, content_out, err);
}

bool spool_is_control(const char *name)
{
    static const char ending[] = ".control.json";
    size_t bytes = strlen(name);
    return bytes >= sizeof(ending) &&
           strcmp(name + bytes - (sizeof(ending) - 1), ending) == 0;
}

/* drain_events: all but the names of control files can be forgotten: they will be in the list. */
static void drain_events(struct spool *spool)
{
    _Alignas(struct inotify_event) char events[16384];
    ssize_t bytes;
    while ((bytes = read(spool->inotify_fd, events, sizeof(events))) > 0) {
        for (char *at = events; at < events + bytes;) {
            const struct inotify_event *event = (const void *)at;
            if (event->len > 0 && spool_is_control(event->name))
                buffer_add(&spool->controls, event->name, strlen(event->name) + 1);
            at += sizeof(*event) + event->len;
        }
    }
}

int spool_control(struct spool *spool, const char **name_out, struct buffer *content_out,
                  struct error *err)
{
    (void)err;
    drain_events(spool);
    *name_out = spool->name;
    while (spool->controls_read < spool->controls.bytes) {
        const char *name = spool->controls.data + spool->controls_read;
        spool->controls_read += strlen(name) + 1;
        if (!is_job_name(text_of(name)) ||
            being_written(spool->folder_fds[SPOOL_INCOMING], name))
            continue;
        snprintf(spool->name, sizeof(spool->name), "%s", name);
        char dir[PATH_BYTES], path[PATH_BYTES];
        buffer_clear(content_out);
        if (spool_folder_path(dir, spool->home, SPOOL_INCOMING, NULL) == 0 &&
            path_join(path, dir, text_of(name), NULL) == 0 &&
            file_read(path, CONTROL_BYTES_MAX, content_out, NULL) == 0)
            return 1;
    }
    buffer_clear(&spool->controls);
    spool->controls_read = 0;
    return 0;
}

int spool_next(struct spool *spool, const char **name_out, struct buffer *content_out,
               struct error *err)
{
    *name_out = spool->name;
    for (bool fresh = false;; fresh = true) {
        const char *name;
        while ((name = folder_list_next(&spool->incoming))) {
            int rc = claim(spool, name, content_out, err);
            if (rc)
                return rc;
        }
        if (fresh)
            return 0;
        /* Events go before the look: what comes after it makes the descriptor readable.
         */
        drain_events(spool);
        if (folder_list_read(&spool->incoming, spool->folder_fds[SPOOL_INCOMING]))
            return error_io(err, "cannot read the folder %s/spool/incoming", spool->home);
    }
}

int spool_reread(struct spool *spool, struct error *err)
{
    if (folder_list_read(&spool->left, spool->folder_fds[SPOOL_ACTIVE]))
        return error_io(err, "cannot read the folder %s/spool/active", spool->home);
    return 0;
}

int spool_active(struct spool *spool, const char **name_out, struct buffer *content_out,
                 struct error *err)
{
    const char *name;
    *name_out = spool->name;
    while ((name = folder_list_next(&spool->left))) {
        int rc;
        if (is_job_name(text_of(name))) {
            snprintf(spool->name, sizeof(spool->name), "%s", name);
            rc = read_active(spool, spool->name, content_out, err);
        } else {
            rc = spool_refuse(spool, name, SPOOL_ACTIVE, err,
                              "\"%s\" is no name for a job file", name);
        }
        if (rc)
            return rc;
    }
    return 0;
}

int spool_submit(const char *home, const char *name, struct text content,
                 struct error *err)
{
    static _Atomic unsigned count;
    char dir[PATH_BYTES], path[PATH_BYTES], temporary[SPOOL_NAME_ROOM],
        moved[SPOOL_NAME_ROOM];
    if (!is_job_name(text_of(name)))
        return error_set(err, ERROR_INPUT,
                         "\"%.128s\" is no name for a job file; use up to 128 letters, "
                         "digits, `.`, `_` and `-`, ending in .json",
                         name);
    struct spool spool = {.home = (char *)home};
    int rc = spool_folder_path(dir, home, SPOOL_TMP, err);
    if (rc)
        return rc;
    snprintf(temporary, sizeof(temporary), "%s.%ld.%u", name, (long)getpid(), count++);
    rc = path_join(path, dir, text_of(temporary), err);
    if (!rc)
        rc = file_write(path, content, err);
    if (!rc)
        rc = open_folders(&spool, err);
    if (!rc)
        rc =
            spool_move_as(&spool, temporary, SPOOL_TMP, name, SPOOL_INCOMING, moved, err);
    for (int i = 0; i < SPOOL_FOLDER_COUNT; i++)
        if (spool.folder_fds[i] > 0)
            close(spool.folder_fds[i]);
    return rc > 0 ? error_set(err, ERROR_IO, "%s has vanished", path) : rc;
}
