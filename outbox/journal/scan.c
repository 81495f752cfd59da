/* scan: see scan.h. */
#include "outbox/journal/scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file's size is a journal's own limit plus one group; more is no journal of ours. */
#define SCAN_FILE_BYTES_MAX (1u << 30)

/* Behind a bad frame the next good one is searched for. Torn groups can look like frames
 * without being any, but only a handful; where more do, somebody wrote them to keep us
 * busy. */
#define SCAN_SUSPECTS_MAX 4096

int scan_path(char out[PATH_BYTES], const char *dir, uint32_t number, struct error *err)
{
    char name[32];
    snprintf(name, sizeof(name), "journal.%04u", number);
    return path_join(out, dir, text_of(name), err);
}

int scan_damage(const struct scan *scan, uint32_t offset, const char *what,
                struct error *err)
{
    return error_set(
        err, ERROR_INPUT,
        "%s/journal.%04u is damaged at offset %u: %s; restore the file from a "
        "copy, nothing was changed",
        scan->dir, scan->file, offset, what);
}

/* The number in journal.NNNN, or -1. */
static int64_t file_number(const char *name)
{
    if (strncmp(name, "journal.", 8) != 0)
        return -1;
    const char *digits = name + 8;
    size_t count = strspn(digits, "0123456789");
    if (count < 4 || count > 9 || digits[count] != '\0')
        return -1;
    return strtol(digits, NULL, 10);
}

int scan_count(const char *path, uint32_t *count_out, struct error *err)
{
    DIR *dir = opendir(path);
    *count_out = 0;
    if (!dir && errno == ENOENT)
        return 0;
    if (!dir)
        return error_io(err, "cannot open the folder %s", path);
    int64_t highest = -1;
    uint32_t count = 0;
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        int64_t number = file_number(entry->d_name);
        count += number >= 0;
        if (number > highest)
            highest = number;
    }
    closedir(dir);
    if (highest + 1 != count)
        return error_set(err, ERROR_INPUT,
                         "%s has %u journal files, but the last is journal.%04u: restore "
                         "the missing ones from a copy",
                         path, count, (unsigned)highest);
    *count_out = count;
    return 0;
}

static int read_fd(struct scan *scan, int fd, const char *path, struct error *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return error_io(err, "cannot read %s", path);
    if (!S_ISREG(st.st_mode) || st.st_size > SCAN_FILE_BYTES_MAX)
        return error_set(err, ERROR_INPUT, "%s is no journal file", path);
    size_t wanted = (size_t)st.st_size;
    if (wanted > scan->capacity_bytes) {
        free(scan->bytes);
        scan->bytes = malloc(wanted);
        CHECK(scan->bytes);
        scan->capacity_bytes = wanted;
    }
    scan->file_bytes = 0;
    while (scan->file_bytes < wanted) {
        ssize_t got = pread(fd, scan->bytes + scan->file_bytes, wanted - scan->file_bytes,
                            (off_t)scan->file_bytes);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_io(err, "cannot read %s", path);
        if (got == 0)
            break; /* it was cut meanwhile */
        scan->file_bytes += (size_t)got;
    }
    return 0;
}

/* Read file `number` and go to its first frame. */
static int load(struct scan *scan, uint32_t number, struct error *err)
{
    char path[PATH_BYTES];
    int rc = scan_path(path, scan->dir, number, err);
    if (rc != 0)
        return rc;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_io(err, "cannot open %s", path);
    rc = read_fd(scan, fd, path, err);
    close(fd);
    if (rc != 0)
        return rc;
    scan->file = number;
    scan->offset = FRAME_FILE_BYTES;
    struct frame_file head;
    switch (frame_file_decode((struct text){scan->bytes, scan->file_bytes}, &head)) {
    case FRAME_FILE_OTHER_VERSION:
        return error_set(
            err, ERROR_INPUT,
            "%s was written by another version of this program: use that one", path);
    case FRAME_FILE_DAMAGED:
        return scan_damage(scan, 0, "the file's head is not what was written", err);
    case FRAME_FILE_GOOD:
        break;
    }
    if (head.number != number || (number > 0 && head.salt != scan->salt))
        return scan_damage(scan, 0, "the file belongs to another journal", err);
    scan->salt = head.salt;
    scan->version = head.version;
    return 0;
}

int scan_open(struct scan *scan, const char *dir, struct error *err)
{
    *scan = (struct scan){.next_sequence = 1};
    if (snprintf(scan->dir, sizeof(scan->dir), "%s", dir) >= PATH_BYTES)
        return error_set(err, ERROR_INPUT, "the path %.80s… is too long", dir);
    int rc = scan_count(dir, &scan->file_count, err);
    if (rc != 0)
        return rc;
    if (scan->file_count == 0)
        return error_set(err, ERROR_INPUT, "there is no journal in %s", dir);
    return load(scan, 0, err);
}

static bool take_at(struct scan *scan, uint32_t offset, struct frame *out)
{
    if (offset > scan->file_bytes)
        return false;
    struct text rest = {scan->bytes + offset, scan->file_bytes - offset};
    if (!frame_verify(rest, scan->salt, out) || out->sequence != scan->next_sequence)
        return false;
    scan->skipped_bytes += offset - scan->offset;
    scan->offset = offset + (uint32_t)out->bytes;
    scan->next_sequence++;
    return true;
}

/* Go behind the next frame, if it is at one of the two places where it may begin. */
static bool take(struct scan *scan, struct frame *out)
{
    return take_at(scan, scan->offset, out) ||
           (scan->version > 1 && take_at(scan, frame_block_up(scan->offset), out));
}

/* How many bytes there are without the zeros at their end. */
static size_t bytes_set(const char *bytes, size_t count)
{
    while (count > 0 && bytes[count - 1] == 0)
        count--;
    return count;
}

/* Does a good frame in the loaded file, from offset on, say that `end` was durable? */
static bool file_vouches(struct scan *scan, size_t offset, uint64_t end)
{
    if (offset < scan->file_bytes)
        scan->tail_bytes += bytes_set(scan->bytes + offset, scan->file_bytes - offset);
    unsigned suspects = 0;
    while (offset + FRAME_HEAD_BYTES <= scan->file_bytes) {
        struct text rest = {scan->bytes + offset, scan->file_bytes - offset};
        struct frame frame;
        if (!frame_plausible(rest)) {
            offset += FRAME_ALIGN;
        } else if (frame_verify(rest, scan->salt, &frame)) {
            if (frame.durable_to > end)
                return true;
            offset += frame.bytes;
        } else {
            if (++suspects > SCAN_SUSPECTS_MAX)
                return true;
            offset += FRAME_ALIGN;
        }
    }
    return false;
}

/* The end of the frames is at scan->offset of scan->file: 1 when a later frame vouches
 * for it, 0 when none does. Leaves another file loaded. */
static int vouched(struct scan *scan, struct error *err)
{
    uint32_t file = scan->file, offset = scan->offset;
    uint8_t version = scan->version;
    uint64_t end = frame_position(file, offset);
    bool found = file_vouches(scan, offset, end);
    int rc = 0;
    for (uint32_t f = file + 1; !found && rc == 0 && f < scan->file_count; f++) {
        rc = load(scan, f, err);
        found = rc == 0 && file_vouches(scan, FRAME_FILE_BYTES, end);
    }
    scan->file = file;
    scan->offset = offset;
    scan->version = version;
    return rc != 0 ? rc : found;
}

/* The frames of the loaded file go on in the next one, if it starts with the one that
 * comes. Returns 1, 0, or an error. */
static int next_file(struct scan *scan, struct frame *out, struct error *err)
{
    uint32_t file = scan->file, offset = scan->offset;
    if (file + 1 >= scan->file_count)
        return 0;
    int rc = load(scan, file + 1, err);
    if (rc != 0)
        return rc;
    if (take(scan, out))
        return 1;
    rc = load(scan, file, err);
    scan->offset = offset;
    return rc;
}

int scan_next(struct scan *scan, struct frame *out, struct error *err)
{
    if (take(scan, out))
        return 1;
    int rc = next_file(scan, out, err);
    if (rc != 0)
        return rc;
    rc = vouched(scan, err);
    if (rc <= 0)
        return rc;
    /* What vouches may have been written after we had read the place it vouches for: when
     * another process is at work, reading the file again settles it. */
    uint32_t offset = scan->offset;
    rc = load(scan, scan->file, err);
    if (rc != 0)
        return rc;
    if (offset <= scan->file_bytes) {
        scan->offset = offset;
        if (take(scan, out)) {
            scan->tail_bytes = 0;
            return 1;
        }
    }
    return scan_damage(scan, offset, "the bytes are not those that were written", err);
}

void scan_close(struct scan *scan)
{
    free(scan->bytes);
    scan->bytes = NULL;
}
