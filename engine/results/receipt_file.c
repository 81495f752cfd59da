/* receipt_file: see receipt_file.h.
 *
 *   0     8 bytes "VLYRCPT1", 8 bytes rows, 48 bytes of zero
 *   64    254 codes of 32 bytes, each ending with NUL; the first free one begins with NUL
 *   8192  a word of 8 bytes for each row: from the top 3 bits of rank, 35 of seconds, 4 of status,
 *         14 of zero, 8 of the code's number, 0 for none
 *
 * The file has holes where nothing was heard. It is mapped to be read and written with pwrite, for a
 * full disk is an error there and a signal in a mapping. A code stands before the words that name it;
 * one that a power failure lost reads as no code until the receipt is read again. */
#include "engine/results/receipt_file.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD_BYTES 8192
#define CODES_AT   64
#define CODE_BYTES (RECEIPT_CODE_BYTES + 1)
#define CODES_MAX  ((HEAD_BYTES - CODES_AT) / CODE_BYTES)
#define TIME_AT    26
#define TIME_MAX   (((int64_t)1 << 35) - 1)
#define STATUS_AT  22
#define CODE_MASK  255u
#define RANK_AT    61
#define PAGE_ROWS  512
_Static_assert(CODES_MAX <= CODE_MASK, "a code's number fits");

static const char magic[8] = "VLYRCPT1";

struct receipt_file {
    char path[PATH_BYTES];
    int fd;
    uint64_t rows;
    size_t bytes;
    const char *map; /* shared, so it shows what is written */
    bool dirty;
    uint64_t page[PAGE_ROWS]; /* being changed; rows come in order, so one is enough */
    uint64_t page_number;
    bool page_loaded, page_dirty;
};

/* --- words --- */

/* Of states of one rank the later one counts. Who complains has got it, who reads it too. */
static const unsigned ranks[RECEIPT_STATUS_COUNT] = {
    [RECEIPT_DELIVERED] = 1, [RECEIPT_UNDELIVERED] = 1, [RECEIPT_BOUNCED] = 1,
    [RECEIPT_READ] = 2,      [RECEIPT_COMPLAINED] = 3,
};

static uint64_t word_of(const struct receipt *receipt)
{
    int64_t at_s = receipt->at_s < 0          ? 0
                   : receipt->at_s > TIME_MAX ? TIME_MAX
                                              : receipt->at_s;
    return (uint64_t)ranks[receipt->status] << RANK_AT | (uint64_t)at_s << TIME_AT |
           (uint64_t)receipt->status << STATUS_AT;
}

static uint64_t word_at(const struct receipt_file *file, uint64_t row)
{
    uint64_t word;
    if (file->page_loaded && row / PAGE_ROWS == file->page_number)
        return file->page[row % PAGE_ROWS];
    memcpy(&word, file->map + HEAD_BYTES + row * sizeof(word), sizeof(word));
    return word;
}

static const char *code_at(const struct receipt_file *file, uint64_t number)
{
    return number == 0 || number > CODES_MAX
               ? ""
               : file->map + CODES_AT + (number - 1) * CODE_BYTES;
}

/* --- open and close --- */

static int damaged(const struct receipt_file *file, const char *what, struct error *err)
{
    return error_set(err, ERROR_INPUT, "%s %s; remove it and read the receipts again",
                     file->path, what);
}

static int write_at(struct receipt_file *file, const void *data, size_t bytes,
                    uint64_t offset, struct error *err)
{
    ssize_t written = pwrite(file->fd, data, bytes, (off_t)offset);
    if (written < 0 || (size_t)written < bytes) {
        if (written >= 0)
            errno = ENOSPC;
        return error_io(err, "cannot write %s", file->path);
    }
    file->dirty = true;
    return 0;
}

/* begin: a new file, or one whose making was interrupted, which is empty or all zero. */
static int begin(struct receipt_file *file, struct error *err)
{
    if (ftruncate(file->fd, (off_t)file->bytes))
        return error_io(err, "cannot write %s", file->path);
    int rc = write_at(file, &file->rows, sizeof(file->rows), sizeof(magic), err);
    return rc ? rc : write_at(file, magic, sizeof(magic), 0, err);
}

static bool codes_end(const char *head)
{
    size_t number = 1;
    while (number <= CODES_MAX && head[CODES_AT + number * CODE_BYTES - 1] == '\0')
        number++;
    return number > CODES_MAX;
}

static int map(struct receipt_file *file, bool write, struct error *err)
{
    static const char zero[8];
    struct stat st;
    char head[8] = "";
    if (fstat(file->fd, &st) || pread(file->fd, head, sizeof(head), 0) < 0)
        return error_io(err, "cannot read %s", file->path);
    bool empty = st.st_size == 0 || memcmp(head, zero, sizeof(head)) == 0;
    int rc = empty && write ? begin(file, err) : 0;
    if (rc || (empty && !write))
        return rc;
    if (!empty && (size_t)st.st_size != file->bytes)
        return damaged(file, "is not as long as the job's results ask for", err);
    const char *data = mmap(NULL, file->bytes, PROT_READ, MAP_SHARED, file->fd, 0);
    if (data == MAP_FAILED)
        return error_io(err, "cannot map %s", file->path);
    file->map = data;
    uint64_t rows;
    memcpy(&rows, data + sizeof(magic), sizeof(rows));
    if (memcmp(data, magic, sizeof(magic)) != 0 || rows != file->rows || !codes_end(data))
        return damaged(file, "has no receipts of this job's results", err);
    return 0;
}

int receipt_file_open(const char *dir, uint64_t rows, bool write,
                      struct receipt_file **out, struct error *err)
{
    *out = NULL;
    struct receipt_file *file = calloc(1, sizeof(*file));
    CHECK(file != NULL);
    file->rows = rows;
    file->bytes = HEAD_BYTES + rows * sizeof(uint64_t);
    int rc = path_join(file->path, dir, TEXT("receipts"), err);
    file->fd =
        rc ? -1
           : open(file->path, (write ? O_RDWR | O_CREAT : O_RDONLY) | O_CLOEXEC, 0644);
    bool none = rc == 0 && file->fd < 0 && errno == ENOENT && !write;
    if (rc == 0 && file->fd < 0 && !none)
        rc = error_io(err, "cannot open %s", file->path);
    if (rc == 0 && !none)
        rc = map(file, write, err);
    if (rc == 0 && file->map) {
        *out = file;
        return 0;
    }
    (void)!receipt_file_close(&file, NULL);
    return rc;
}

static uint64_t page_rows(const struct receipt_file *file, uint64_t number)
{
    uint64_t left = file->rows - number * PAGE_ROWS;
    return left < PAGE_ROWS ? left : PAGE_ROWS;
}

static int flush(struct receipt_file *file, struct error *err)
{
    uint64_t first = file->page_number * PAGE_ROWS;
    if (!file->page_dirty)
        return 0;
    file->page_dirty = false;
    return write_at(file, file->page,
                    page_rows(file, file->page_number) * sizeof(uint64_t),
                    HEAD_BYTES + first * sizeof(uint64_t), err);
}

static int load(struct receipt_file *file, uint64_t number, struct error *err)
{
    if (file->page_loaded && file->page_number == number)
        return 0;
    int rc = flush(file, err);
    memcpy(file->page, file->map + HEAD_BYTES + number * sizeof(file->page),
           page_rows(file, number) * sizeof(uint64_t));
    file->page_number = number;
    file->page_loaded = true;
    return rc;
}

int receipt_file_close(struct receipt_file **at, struct error *err)
{
    struct receipt_file *file = *at;
    *at = NULL;
    if (!file)
        return 0;
    int rc = flush(file, err);
    if (rc == 0 && file->dirty && fdatasync(file->fd))
        rc = error_io(err, "cannot write %s", file->path);
    if (file->map)
        munmap((void *)(uintptr_t)file->map, file->bytes);
    if (file->fd >= 0)
        close(file->fd);
    free(file);
    return rc;
}

/* --- rows --- */

enum receipt_status receipt_file_get(const struct receipt_file *file, uint64_t row,
                                     int64_t *at_s_out, const char **code_out)
{
    uint64_t word = file && row < file->rows ? word_at(file, row) : 0;
    unsigned status = word >> STATUS_AT & 15;
    *at_s_out = (int64_t)(word >> TIME_AT) & TIME_MAX;
    *code_out = file ? code_at(file, word & CODE_MASK) : "";
    return status < RECEIPT_STATUS_COUNT ? (enum receipt_status)status : RECEIPT_NONE;
}

int receipt_file_count(const char *dir, uint64_t counts_out[RECEIPT_STATUS_COUNT],
                       struct error *err)
{
    char path[PATH_BYTES];
    struct stat st;
    struct receipt_file *file = NULL;
    memset(counts_out, 0, RECEIPT_STATUS_COUNT * sizeof(*counts_out));
    int rc = path_join(path, dir, TEXT("receipts"), err);
    if (rc || stat(path, &st) || st.st_size <= HEAD_BYTES)
        return rc;
    rc = receipt_file_open(dir, ((uint64_t)st.st_size - HEAD_BYTES) / sizeof(uint64_t),
                           false, &file, err);
    for (uint64_t row = 0; file && row < file->rows; row++) {
        unsigned status = word_at(file, row) >> STATUS_AT & 15;
        counts_out[status < RECEIPT_STATUS_COUNT ? status : RECEIPT_NONE]++;
    }
    (void)!receipt_file_close(&file, NULL); /* nothing was written */
    counts_out[RECEIPT_NONE] = 0;
    return rc;
}

bool receipt_file_would(const struct receipt_file *file, uint64_t row,
                        const struct receipt *receipt)
{
    uint64_t new = word_of(receipt) >> STATUS_AT;
    uint64_t old = row < file->rows ? word_at(file, row) : UINT64_MAX;
    if (new != old >> STATUS_AT)
        return new > old >> STATUS_AT;
    char code[CODE_BYTES] = "";
    memcpy(code, receipt->code.data ? receipt->code.data : "",
           receipt->code.bytes < CODE_BYTES ? receipt->code.bytes : CODE_BYTES - 1);
    return strcmp(code, code_at(file, old & CODE_MASK)) > 0;
}

/* code_number: of a code, which is added when it is new; 0 once there are too many. */
static int code_number(struct receipt_file *file, struct text code, uint64_t *out,
                       struct error *err)
{
    char entry[CODE_BYTES] = "";
    *out = 0;
    if (code.bytes == 0)
        return 0;
    memcpy(entry, code.data, code.bytes < CODE_BYTES ? code.bytes : CODE_BYTES - 1);
    for (uint64_t n = 1; n <= CODES_MAX; n++) {
        bool is_free = *code_at(file, n) == '\0';
        if (!is_free && memcmp(code_at(file, n), entry, CODE_BYTES) != 0)
            continue;
        *out = n;
        return is_free ? write_at(file, entry, CODE_BYTES,
                                  CODES_AT + (n - 1) * CODE_BYTES, err)
                       : 0;
    }
    return 0;
}

int receipt_file_put(struct receipt_file *file, uint64_t row,
                     const struct receipt *receipt, struct error *err)
{
    uint64_t code, word = word_of(receipt);
    if (!receipt_file_would(file, row, receipt))
        return 0;
    int rc = code_number(file, receipt->code, &code, err);
    if (rc == 0 && code == 0 && word == (word_at(file, row) & ~(uint64_t)CODE_MASK))
        return 0; /* there was no more room for its code */
    word |= code;
    if (rc == 0)
        rc = load(file, row / PAGE_ROWS, err);
    if (rc)
        return rc;
    file->page[row % PAGE_ROWS] = word;
    file->page_dirty = true;
    return 1;
}
