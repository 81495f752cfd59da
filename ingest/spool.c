/* spool: see spool.h.
 *
 * Every step of a file's life is one rename inside one file system, made durable by fsync
 * of both folders; a crash leaves a file in exactly one of them. */
#include "ingest/spool.h"

#include "base/failpoint.h"
#include "base/file.h"
#include "ingest/folder_list.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define JOB_BYTES_MAX     ((size_t)64 << 20)
#define CONTROL_BYTES_MAX ((size_t)65536)
#define NAME_BYTES_MAX    128 /* of a safe name */
#define NAME_ROOM         192 /* and a process id and a number behind it */

static const char *const folders[SPOOL_FOLDER_COUNT] = {
    [SPOOL_TMP] = "tmp",   [SPOOL_INCOMING] = "incoming", [SPOOL_ACTIVE] = "active",
    [SPOOL_DONE] = "done", [SPOOL_FAILED] = "failed",     [SPOOL_HOLD] = "hold",
};

struct spool {
    char *home;
    int folder_fds[SPOOL_FOLDER_COUNT];
    int inotify_fd;
    struct folder_list incoming; /* served from here, read again once it is used up */
    struct folder_list left;     /* what an earlier run left in active */
    struct buffer controls;      /* names of control files that came, each with a NUL */
    size_t controls_read;
    bool deferred, unsynced[SPOOL_FOLDER_COUNT];
    char name[NAME_ROOM]; /* of the file handed out */
};

const char *spool_folder_name(enum spool_folder folder)
{
    CHECK(folder < SPOOL_FOLDER_COUNT);
    return folders[folder];
}

/* --- opening ------------------------------------------------------------------------ */

static int folder_path(char out[PATH_BYTES], const char *home, enum spool_folder folder,
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
        rc = folder_path(path, home, (enum spool_folder)i, err);
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
        int rc = folder_path(path, spool->home, (enum spool_folder)i, err);
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
    int rc = folder_path(path, spool->home, SPOOL_INCOMING, err);
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

/* --- moving ------------------------------------------------------------------------- */

static bool is_there(int folder_fd, const char *name)
{
    struct stat st;
    return fstatat(folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* numbered: "a.json" → "a.1.json", cut in the stem where it would be no safe name any
 * more; number 0 leaves the name as it is. */
static void numbered(char out[NAME_ROOM], const char *name, unsigned number)
{
    char ending[32];
    const char *dot = strrchr(name, '.');
    if (number == 0) {
        snprintf(out, NAME_ROOM, "%s", name);
        return;
    }
    if (!dot || dot == name || strlen(dot) > 8)
        dot = name + strlen(name);
    size_t ending_bytes = (size_t)snprintf(ending, sizeof(ending), ".%u%s", number, dot);
    size_t stem = (size_t)(dot - name);
    if (stem + ending_bytes > NAME_BYTES_MAX)
        stem = NAME_BYTES_MAX - ending_bytes;
    snprintf(out, NAME_ROOM, "%.*s%s", (int)stem, name, ending);
}

/* rename_new: like rename, but never over a file that is there (EEXIST). */
static int rename_new(int from_fd, const char *name, int to_fd, const char *new_name)
{
    if (renameat2(from_fd, name, to_fd, new_name, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    /* A file system without RENAME_NOREPLACE (NFS). The spool has one owner, so nobody
     * comes between the look and the rename. */
    if (is_there(to_fd, new_name)) {
        errno = EEXIST;
        return -1;
    }
    return renameat(from_fd, name, to_fd, new_name);
}

/* is_free: a job goes back and forth between active and hold under the name it came by, so that must
 * be its own in both. */
static bool is_free(const struct spool *spool, enum spool_folder from,
                    enum spool_folder to, const char *name)
{
    return from != SPOOL_INCOMING || to != SPOOL_ACTIVE ||
           !is_there(spool->folder_fds[SPOOL_HOLD], name);
}

/* move: name in one folder becomes new_name, or the next free number of it, in another;
 * durable when it returns. Returns 1 when name is not there (any more). */
static int move(struct spool *spool, const char *name, enum spool_folder from,
                const char *new_name, enum spool_folder to, char moved_out[NAME_ROOM],
                struct error *err)
{
    int from_fd = spool->folder_fds[from], to_fd = spool->folder_fds[to];
    for (unsigned number = 0;; number++) {
        numbered(moved_out, new_name, number);
        if (!is_free(spool, from, to, moved_out))
            continue;
        if (rename_new(from_fd, name, to_fd, moved_out) == 0)
            break;
        if (errno == ENOENT)
            return 1;
        if (errno != EEXIST)
            return error_io(err, "cannot move spool/%s/%.128s to spool/%s", folders[from],
                            name, folders[to]);
    }
    failpoint(FAILPOINT_SPOOL_MOVED);
    spool->unsynced[from] = spool->unsynced[to] = true;
    return spool->deferred ? 0 : spool_sync(spool, err);
}

void spool_defer(struct spool *spool)
{
    spool->deferred = true;
}

int spool_sync(struct spool *spool, struct error *err)
{
    /* Where files come to before where they left: a crash in between leaves two names of a file
     * rather than none. */
    static const enum spool_folder order[] = {SPOOL_DONE,   SPOOL_FAILED,   SPOOL_HOLD,
                                              SPOOL_ACTIVE, SPOOL_INCOMING, SPOOL_TMP};
    for (size_t i = 0; i < ARRAY_COUNT(order); i++) {
        if (spool->unsynced[order[i]] && fsync(spool->folder_fds[order[i]]))
            return error_io(err, "cannot sync the folder spool/%s", folders[order[i]]);
        spool->unsynced[order[i]] = false;
    }
    return 0;
}

int spool_move(struct spool *spool, const char *name, enum spool_folder from,
               enum spool_folder to, struct error *err)
{
    char moved[NAME_ROOM];
    if (!name_is_safe(text_of(name)))
        return error_set(err, ERROR_INPUT, "\"%.128s\" is no name of a job file", name);
    int rc = move(spool, name, from, name, to, moved, err);
    if (rc > 0)
        return error_set(err, ERROR_INPUT, "spool/%s/%s does not exist", folders[from],
                         name);
    return rc;
}

bool spool_has(const struct spool *spool, enum spool_folder folder, struct text name)
{
    char file[NAME_ROOM];
    snprintf(file, sizeof(file), "%.*s", TEXT_ARGS(name));
    return name_is_safe(name) && is_there(spool->folder_fds[folder], file);
}

/* --- failing ------------------------------------------------------------------------ */

/* error_json: message may have been cut inside a character, or quote a hostile name. */
static void error_json(const char *code, const char *message, unsigned line,
                       struct buffer *out)
{
    struct buffer clean = {0};
    const char *at = message, *end = message + strlen(message);
    while (at < end) {
        const char *start = at;
        if (utf8_next(&at, end) == UTF8_BAD)
            buffer_byte(&clean, '?');
        else
            buffer_add(&clean, start, (size_t)(at - start));
    }
    json_t *root =
        json_pack("{s:s, s:s%, s:i}", "code", code, "message",
                  clean.data ? clean.data : "", clean.bytes, "line", (int)line);
    char *text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
    CHECK(text != NULL);
    buffer_format(out, "%s\n", text);
    free(text);
    json_decref(root);
    buffer_fini(&clean);
}

/* fail: the explanation goes first, so that no file is ever in failed without one; a
 * crash in between leaves the file where it was, to fail again under the same name. */
static int fail(struct spool *spool, const char *name, enum spool_folder from,
                const char *new_name, const struct error *why, unsigned line,
                struct error *err)
{
    char failed[NAME_ROOM], dir[PATH_BYTES], path[PATH_BYTES], moved[NAME_ROOM];
    unsigned number = 0;
    do
        numbered(failed, new_name, number++);
    while (is_there(spool->folder_fds[SPOOL_FAILED], failed));
    int rc = folder_path(dir, spool->home, SPOOL_FAILED, err);
    if (rc)
        return rc;
    if (snprintf(path, sizeof(path), "%s/%s.error.json", dir, failed) >= PATH_BYTES)
        return error_set(err, ERROR_INPUT, "the path %.80s… is too long", dir);
    struct buffer json = {0};
    error_json(error_kind_name(why->kind), why->text, line, &json);
    rc = file_write(path, buffer_view(&json), err);
    buffer_fini(&json);
    if (!rc)
        rc = move(spool, name, from, failed, SPOOL_FAILED, moved, err);
    return rc;
}

int spool_fail(struct spool *spool, const char *name, const struct error *why,
               unsigned line, struct error *err)
{
    if (!name_is_safe(text_of(name)) || !is_there(spool->folder_fds[SPOOL_ACTIVE], name))
        return error_set(err, ERROR_INPUT, "spool/active/%.128s does not exist", name);
    return fail(spool, name, SPOOL_ACTIVE, name, why, line, err);
}

/* refuse: a name that cannot be used is made safe, so that failed holds only safe names.
 * Returns 0: there is nothing to hand out. */
PRINTF_LIKE(5, 6)
static int refuse(struct spool *spool, const char *name, enum spool_folder from,
                  struct error *err, const char *format, ...)
{
    char safe[101];
    size_t bytes = strlen(name) < sizeof(safe) - 1 ? strlen(name) : sizeof(safe) - 1;
    for (size_t i = 0; i < bytes; i++)
        safe[i] = name_is_safe((struct text){name + i, 1}) || (name[i] == '.' && i > 0)
                      ? name[i]
                      : '_';
    safe[bytes] = '\0';
    struct error why;
    va_list args;
    va_start(args, format);
    error_set_v(&why, ERROR_INPUT, format, args);
    va_end(args);
    int rc = fail(spool, name, from, safe, &why, 0, err);
    return rc < 0 ? rc : 0;
}

/* --- claiming ----------------------------------------------------------------------- */

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
        return refuse(spool, name, SPOOL_ACTIVE, err,
                      "%s is a symbolic link; job files are "
                      "regular files",
                      name);
    if (fd < 0 && (errno == EACCES || errno == ENXIO))
        return refuse(spool, name, SPOOL_ACTIVE, err, "%s cannot be opened: %s", name,
                      strerror(errno));
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
        return refuse(spool, name, SPOOL_ACTIVE, err, "%s is no regular file", name);
    if (content_out->bytes > JOB_BYTES_MAX)
        return refuse(spool, name, SPOOL_ACTIVE, err, "%s is larger than 64 MiB", name);
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
        return refuse(
            spool, name, SPOOL_INCOMING, err,
            "\"%s\" is no name for a job file; use up to 128 letters, digits, `.`, "
            "`_` and `-`, ending in .json",
            name);
    if (being_written(spool->folder_fds[SPOOL_INCOMING], name))
        return 0;
    int rc = move(spool, name, SPOOL_INCOMING, name, SPOOL_ACTIVE, spool->name, err);
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
        if (folder_path(dir, spool->home, SPOOL_INCOMING, NULL) == 0 &&
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
            rc = refuse(spool, name, SPOOL_ACTIVE, err,
                        "\"%s\" is no name for a job file", name);
        }
        if (rc)
            return rc;
    }
    return 0;
}

/* --- submitting --------------------------------------------------------------------- */

int spool_submit(const char *home, const char *name, struct text content,
                 struct error *err)
{
    static _Atomic unsigned count;
    char dir[PATH_BYTES], path[PATH_BYTES], temporary[NAME_ROOM], moved[NAME_ROOM];
    if (!is_job_name(text_of(name)))
        return error_set(err, ERROR_INPUT,
                         "\"%.128s\" is no name for a job file; use up to 128 letters, "
                         "digits, `.`, `_` and `-`, ending in .json",
                         name);
    struct spool spool = {.home = (char *)home};
    int rc = folder_path(dir, home, SPOOL_TMP, err);
    if (rc)
        return rc;
    snprintf(temporary, sizeof(temporary), "%s.%ld.%u", name, (long)getpid(), count++);
    rc = path_join(path, dir, text_of(temporary), err);
    if (!rc)
        rc = file_write(path, content, err);
    if (!rc)
        rc = open_folders(&spool, err);
    if (!rc)
        rc = move(&spool, temporary, SPOOL_TMP, name, SPOOL_INCOMING, moved, err);
    for (int i = 0; i < SPOOL_FOLDER_COUNT; i++)
        if (spool.folder_fds[i] > 0)
            close(spool.folder_fds[i]);
    return rc > 0 ? error_set(err, ERROR_IO, "%s has vanished", path) : rc;
}
