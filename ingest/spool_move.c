/* spool_move: the one step of a file's life: a rename from folder to folder, and its sync. */
#include "base/failpoint.h"
#include "ingest/spool_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_BYTES_MAX 128 /* of a safe name */

bool spool_is_there(int folder_fd, const char *name)
{
    struct stat st;
    return fstatat(folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

void spool_numbered(char out[SPOOL_NAME_ROOM], const char *name, unsigned number)
{
    char ending[32];
    const char *dot = strrchr(name, '.');
    if (number == 0) {
        snprintf(out, SPOOL_NAME_ROOM, "%s", name);
        return;
    }
    if (!dot || dot == name || strlen(dot) > 8)
        dot = name + strlen(name);
    size_t ending_bytes = (size_t)snprintf(ending, sizeof(ending), ".%u%s", number, dot);
    size_t stem = (size_t)(dot - name);
    if (stem + ending_bytes > NAME_BYTES_MAX)
        stem = NAME_BYTES_MAX - ending_bytes;
    snprintf(out, SPOOL_NAME_ROOM, "%.*s%s", (int)stem, name, ending);
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
    if (spool_is_there(to_fd, new_name)) {
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
           !spool_is_there(spool->folder_fds[SPOOL_HOLD], name);
}

int spool_move_as(struct spool *spool, const char *name, enum spool_folder from,
                  const char *new_name, enum spool_folder to,
                  char moved_out[SPOOL_NAME_ROOM], struct error *err)
{
    int from_fd = spool->folder_fds[from], to_fd = spool->folder_fds[to];
    for (unsigned number = 0;; number++) {
        spool_numbered(moved_out, new_name, number);
        if (!is_free(spool, from, to, moved_out))
            continue;
        if (rename_new(from_fd, name, to_fd, moved_out) == 0)
            break;
        if (errno == ENOENT)
            return 1;
        if (errno != EEXIST)
            return error_io(err, "cannot move spool/%s/%.128s to spool/%s",
                            spool_folder_name(from), name, spool_folder_name(to));
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
    static const enum spool_folder order[] = {
        SPOOL_DONE,     SPOOL_FAILED,   SPOOL_HOLD, SPOOL_ACTIVE,
        SPOOL_INCOMING, SPOOL_RECEIPTS, SPOOL_TMP};
    for (size_t i = 0; i < ARRAY_COUNT(order); i++) {
        if (spool->unsynced[order[i]] && fsync(spool->folder_fds[order[i]]))
            return error_io(err, "cannot sync the folder spool/%s",
                            spool_folder_name(order[i]));
        spool->unsynced[order[i]] = false;
    }
    return 0;
}

int spool_move(struct spool *spool, const char *name, enum spool_folder from,
               enum spool_folder to, struct error *err)
{
    char moved[SPOOL_NAME_ROOM];
    if (!name_is_safe(text_of(name)))
        return error_set(err, ERROR_INPUT, "\"%.128s\" is no name of a job file", name);
    int rc = spool_move_as(spool, name, from, name, to, moved, err);
    if (rc > 0)
        return error_set(err, ERROR_INPUT, "spool/%s/%s does not exist",
                         spool_folder_name(from), name);
    return rc;
}

bool spool_has(const struct spool *spool, enum spool_folder folder, struct text name)
{
    char file[SPOOL_NAME_ROOM];
    snprintf(file, sizeof(file), "%.*s", TEXT_ARGS(name));
    return name_is_safe(name) && spool_is_there(spool->folder_fds[folder], file);
}
