/* journal_file: see journal_file.h. */
#include "outbox/journal/journal_file.h"

#include "base/failpoint.h"
#include "base/log.h"
#include "outbox/journal/journal_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* As much is zeroed at a time as the file holds already, within these bounds: a job of
 * one message stays small, and a busy loop is never held up longer than a write of 1 MiB
 * into the page cache takes (0.3 ms). */
#define ZERO_BYTES_MIN (64u << 10)
#define ZERO_BYTES_MAX (1u << 20)
/* Zeros that go along with a group hold it up. */
#define ALONG_BYTES_MAX (256u << 10)
/* Space for large groups; asking for it waits until nothing is on its way (ext4). */
#define ALLOCATE_BYTES_MIN (1u << 20)

static int write_at(int fd, const char *data, size_t bytes, uint64_t offset)
{
    while (bytes > 0) {
        ssize_t put = pwrite(fd, data, bytes, (off_t)offset);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return -1;
        data += put;
        bytes -= (size_t)put;
        offset += (uint64_t)put;
    }
    return 0;
}

int journal_file_lock(struct journal_file *file, const char *dir, struct error *err)
{
    *file = (struct journal_file){.dir_fd = -1, .fd = -1, .direct_fd = -1};
    if (snprintf(file->dir, sizeof(file->dir), "%s", dir) >= PATH_BYTES)
        return error_set(err, ERROR_INPUT, "the path %.80s… is too long", dir);
    return journal_lock(dir, &file->dir_fd, err);
}

static void close_files(struct journal_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    if (file->direct_fd >= 0)
        close(file->direct_fd);
    file->fd = file->direct_fd = -1;
    file->direct = false;
}

/* Groups are whole blocks from here on, if the one they begin in can be had. */
static void read_tail(struct journal_file *file)
{
    uint32_t partial = file->offset % FRAME_BLOCK_BYTES;
    file->direct =
        file->direct_fd >= 0 &&
        pread(file->fd, file->tail, partial, file->offset - partial) == (ssize_t)partial;
}

/* Past the page cache from here on, where that is possible. A file system that lets it be
 * opened so and then refuses to write is found out by the first group. */
static void open_direct(struct journal_file *file, const char *path)
{
    file->allocated_to = file->zeroed_to;
    if (file->limits.buffered)
        return;
    file->direct_fd = open(path, O_WRONLY | O_DIRECT | O_CLOEXEC);
    read_tail(file);
}

/* Head, frame and first zeros of a file that has no name yet. */
static int fill_new(struct journal_file *file, uint32_t number, struct text frame)
{
    char head[FRAME_FILE_BYTES];
    frame_file_encode(&(struct frame_file){.number = number, .salt = file->salt}, head);
    if (write_at(file->fd, head, sizeof(head), 0) != 0 ||
        write_at(file->fd, frame.data, frame.bytes, sizeof(head)) != 0)
        return -1;
    file->number = number;
    file->offset = file->zeroed_to = (uint32_t)(sizeof(head) + frame.bytes);
    journal_file_zero_ahead(file, 0);
    return fsync(file->fd);
}

int journal_file_begin(struct journal_file *file, uint32_t number, struct text frame,
                       struct error *err)
{
    char path[PATH_BYTES], temporary[PATH_BYTES];
    int rc = scan_path(path, file->dir, number, err);
    if (rc == 0)
        rc = path_join(temporary, file->dir, TEXT("journal.new"), err);
    if (rc != 0)
        return rc;
    close_files(file);
    file->fd = open(temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (file->fd < 0)
        return error_io(err, "cannot create %s", temporary);
    if (fill_new(file, number, frame) != 0)
        return error_io(err, "cannot write %s", temporary);
    failpoint(FAILPOINT_FILE_FILLED);
    if (rename(temporary, path) != 0)
        return error_io(err, "cannot create %s", path);
    failpoint(FAILPOINT_FILE_NAMED);
    if (fsync(file->dir_fd) != 0)
        return error_io(err, "cannot create %s", path);
    failpoint(FAILPOINT_FILE_BEGUN);
    open_direct(file, path);
    return 0;
}

/* What lies behind the last frame was never acknowledged. It has to go before anything is
 * written: a frame left over behind a new one could pass for the one that follows it. */
static int cut(const struct journal_file *file, const struct scan *scan,
               struct error *err)
{
    char path[PATH_BYTES];
    for (uint32_t f = scan->file_count; f-- > scan->file + 1;) {
        int rc = scan_path(path, file->dir, f, err);
        if (rc != 0)
            return rc;
        if (unlink(path) != 0)
            return error_io(err, "cannot remove %s", path);
    }
    failpoint(FAILPOINT_CUT_FILES);
    if (ftruncate(file->fd, scan->offset) != 0)
        return error_io(err, "cannot cut %s/journal.%04u", file->dir, file->number);
    failpoint(FAILPOINT_CUT_TAIL);
    if (fsync(file->fd) != 0 || fsync(file->dir_fd) != 0)
        return error_io(err, "cannot cut %s/journal.%04u", file->dir, file->number);
    failpoint(FAILPOINT_CUT_DONE);
    return 0;
}

/* We may have been killed between writing frames and their fdatasync. */
static int sync_earlier(const struct journal_file *file, struct error *err)
{
    for (uint32_t f = 0; f < file->number; f++) {
        char path[PATH_BYTES];
        int rc = scan_path(path, file->dir, f, err);
        if (rc != 0)
            return rc;
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return error_io(err, "cannot open %s", path);
        if (fsync(fd) != 0)
            rc = error_io(err, "cannot sync %s", path);
        close(fd);
        if (rc != 0)
            return rc;
    }
    return 0;
}

int journal_file_continue(struct journal_file *file, const struct scan *scan,
                          struct error *err)
{
    char path[PATH_BYTES];
    int rc = scan_path(path, file->dir, scan->file, err);
    if (rc != 0)
        return rc;
    file->fd = open(path, O_RDWR | O_CLOEXEC);
    if (file->fd < 0)
        return error_io(err, "cannot open %s", path);
    file->salt = scan->salt;
    file->number = scan->file;
    file->offset = file->zeroed_to = scan->offset;
    rc = cut(file, scan, err);
    /* Version 1 has no room between frames, so nothing may be aligned in such a file. */
    if (rc == 0 && scan->version > 1)
        open_direct(file, path);
    return rc == 0 ? sync_earlier(file, err) : rc;
}

bool journal_file_is_full(const struct journal_file *file, size_t bytes)
{
    return file->offset > FRAME_FILE_BYTES &&
           file->offset + bytes > file->limits.file_bytes;
}

static int write_zeros(int fd, uint32_t from, uint32_t to)
{
    static const char zeros[16 << 10];
    while (from < to) {
        uint32_t bytes = to - from < sizeof(zeros) ? to - from : (uint32_t)sizeof(zeros);
        if (write_at(fd, zeros, bytes, from) != 0)
            return -1;
        from += bytes;
    }
    return 0;
}

static uint32_t lowest(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* As much as the file holds, within bounds; 0 when half as much is there behind `end`. */
static uint32_t piece_behind(uint32_t end, uint32_t have_to, uint32_t most)
{
    uint32_t piece = lowest(end < ZERO_BYTES_MIN ? ZERO_BYTES_MIN : end, most);
    return have_to >= end + piece / 2 ? 0 : piece;
}

void journal_file_zero_ahead(struct journal_file *file, size_t bytes)
{
    uint32_t end = file->offset + (uint32_t)bytes;
    uint32_t piece = piece_behind(end, file->zeroed_to, ZERO_BYTES_MAX);
    uint32_t from = end > file->zeroed_to ? end : file->zeroed_to;
    uint32_t to = lowest(end + piece, file->limits.file_bytes);
    if (piece > 0 && from < to)
        file->zeroed_to = write_zeros(file->fd, from, to) == 0 ? to : UINT32_MAX;
}

uint32_t journal_file_zeros_along(struct journal_file *file, uint32_t end,
                                  size_t room_bytes)
{
    uint32_t piece = piece_behind(end, file->zeroed_to, ALONG_BYTES_MAX);
    uint32_t most = room_bytes < piece ? (uint32_t)room_bytes : piece;
    uint32_t to = lowest(end + most, file->limits.file_bytes) & ~(FRAME_BLOCK_BYTES - 1);
    if (to <= end)
        return 0;
    file->zeroed_to = to;
    return to - end;
}

void journal_file_allocate(struct journal_file *file, uint32_t end)
{
    if (end <= file->allocated_to)
        return;
    uint32_t piece = file->number > 0           ? file->limits.file_bytes
                     : end < ALLOCATE_BYTES_MIN ? ALLOCATE_BYTES_MIN
                                                : end;
    uint32_t to = lowest(end + piece, file->limits.file_bytes);
    to = to > end ? to : end;
    int rc = fallocate(file->fd, 0, file->allocated_to, to - file->allocated_to);
    file->allocated_to = rc == 0 ? to : UINT32_MAX;
}

int journal_file_write(struct journal_file *file, struct text frame)
{
    if (write_at(file->fd, frame.data, frame.bytes, file->offset) != 0 ||
        fdatasync(file->fd) != 0)
        return -errno;
    file->offset += (uint32_t)frame.bytes;
    read_tail(file);
    return 0;
}

void journal_file_close(struct journal_file *file, bool trim)
{
    if (file->fd >= 0 && trim && ftruncate(file->fd, file->offset) != 0)
        log_warn("journal", "unused space stays behind", "dir=%s", file->dir);
    close_files(file);
    if (file->dir_fd >= 0)
        close(file->dir_fd);
    file->dir_fd = -1;
}
