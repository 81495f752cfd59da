/* file: see file.h. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int read_all(int fd, const char *path, size_t max_bytes, struct buffer *out,
                    struct error *err)
{
    size_t total = 0;
    for (;;) {
        char *room = buffer_room(out, 65536);
        ssize_t got = read(fd, room, 65536);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_io(err, "cannot read %s", path);
        room[got] = '\0';
        if (got == 0)
            return 0;
        out->bytes += (size_t)got;
        total += (size_t)got;
        if (total > max_bytes)
            return error_set(err, ERROR_INPUT, "%s is larger than %zu bytes", path,
                             max_bytes);
    }
}

int file_read(const char *path, size_t max_bytes, struct buffer *out, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return error_set(err, ERROR_INPUT, "%s does not exist", path);
    if (fd < 0)
        return error_io(err, "cannot open %s", path);
    struct stat st;
    int rc = 0;
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
        rc = error_set(err, ERROR_INPUT, "%s is a folder, not a file", path);
    if (rc == 0)
        rc = read_all(fd, path, max_bytes, out, err);
    close(fd);
    return rc;
}

static int write_all(int fd, struct text content)
{
    while (content.bytes > 0) {
        ssize_t put = write(fd, content.data, content.bytes);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return -1;
        content.data += put;
        content.bytes -= (size_t)put;
    }
    return 0;
}

static void parent_of(const char *path, char out[PATH_BYTES])
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        snprintf(out, PATH_BYTES, ".");
    else if (slash == path)
        snprintf(out, PATH_BYTES, "/");
    else
        snprintf(out, PATH_BYTES, "%.*s", (int)(slash - path), path);
}

static int replace(const char *path, struct text content, bool durably, struct error *err)
{
    char temporary[PATH_BYTES];
    if (snprintf(temporary, sizeof(temporary), "%s.%ld.tmp", path, (long)getpid()) >=
        PATH_BYTES)
        return error_set(err, ERROR_INPUT, "the path %.80s… is too long", path);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return error_io(err, "cannot create %s", temporary);
    int failed = write_all(fd, content) || (durably && fsync(fd));
    int why = errno;
    if (close(fd) && !failed) {
        failed = 1;
        why = errno;
    }
    if (!failed && rename(temporary, path)) {
        failed = 1;
        why = errno;
    }
    if (failed) {
        unlink(temporary);
        errno = why;
        return error_io(err, "cannot write %s", path);
    }
    return 0;
}

int file_write(const char *path, struct text content, struct error *err)
{
    char dir[PATH_BYTES];
    int rc = replace(path, content, true, err);
    if (rc)
        return rc;
    parent_of(path, dir);
    return file_sync_dir(dir, err);
}

int file_replace(const char *path, struct text content, struct error *err)
{
    return replace(path, content, false, err);
}

int file_create(const char *path, struct text content, mode_t mode, struct error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0)
        return error_io(err, "cannot create %s", path);
    int rc =
        write_all(fd, content) || fsync(fd) ? error_io(err, "cannot write %s", path) : 0;
    close(fd);
    return rc;
}

int file_make_dirs(const char *path, struct error *err)
{
    char partial[PATH_BYTES];
    if (snprintf(partial, sizeof(partial), "%s", path) >= PATH_BYTES)
        return error_set(err, ERROR_INPUT, "the path %.80s… is too long", path);
    for (char *at = partial + (*path != '\0');; at++) {
        if (*at != '/' && *at != '\0')
            continue;
        char kept = *at;
        *at = '\0';
        struct stat st;
        if (mkdir(partial, 0755) &&
            (errno != EEXIST || stat(partial, &st) || !S_ISDIR(st.st_mode)))
            return error_io(err, "cannot make the folder %s", partial);
        *at = kept;
        if (kept == '\0')
            return 0;
    }
}

int file_sync_dir(const char *path, struct error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_io(err, "cannot open the folder %s", path);
    int rc = fsync(fd) ? error_io(err, "cannot sync the folder %s", path) : 0;
    close(fd);
    return rc;
}

bool file_exists(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

int path_join(char out[PATH_BYTES], const char *dir, struct text name, struct error *err)
{
    int bytes = snprintf(out, PATH_BYTES, "%s/%.*s", dir, TEXT_ARGS(name));
    if (bytes >= PATH_BYTES)
        return error_set(err, ERROR_INPUT, "the path %.80s… is too long", out);
    return 0;
}

bool name_is_safe(struct text name)
{
    if (name.bytes == 0 || name.bytes > 128 || name.data[0] == '.')
        return false;
    for (size_t i = 0; i < name.bytes; i++) {
        char c = name.data[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
        if (!ok)
            return false;
    }
    return true;
}

bool path_is_inside(struct text path)
{
    if (path.bytes == 0 || path.bytes >= PATH_BYTES || path.data[0] == '/' ||
        memchr(path.data, '\0', path.bytes))
        return false;
    const char *at = path.data, *end = path.data + path.bytes;
    while (at < end) {
        const char *slash = memchr(at, '/', (size_t)(end - at));
        size_t bytes = (size_t)((slash ? slash : end) - at);
        if (bytes == 2 && at[0] == '.' && at[1] == '.')
            return false;
        at += bytes + 1;
    }
    return true;
}
