/* arrow_read: see arrow_read.h. */
#include "ingest/arrow/arrow_read.h"

#include "ingest/arrow/arrow_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct arrow_batch {
    struct arrow_memory memory;
    struct column *columns;
};

/* --- open and close --- */

/* Takes over the mapping, even when it fails. */
static int open_file(const char *path, const void *data, size_t bytes,
                     size_t mapped_bytes, struct arrow_file **out, struct error *err)
{
    struct error why; /* the functions below rely on having one */
    struct arrow_file *file = calloc(1, sizeof(*file));
    CHECK(file != NULL);
    file->path = text_copy(text_of(path));
    file->data = data;
    file->bytes = bytes;
    file->mapped_bytes = mapped_bytes;
    file->readable_end = file->data + (mapped_bytes ? mapped_bytes : bytes);
    pthread_mutex_init(&file->mutex, NULL);
    int rc = arrow_scan(file, &why);
    if (rc) {
        arrow_close(&file);
        return error_set(err, why.kind, "%s: %s", path, why.text);
    }
    *out = file;
    return 0;
}

int arrow_open_bytes(const char *name, const void *data, size_t bytes,
                     struct arrow_file **out, struct error *err)
{
    *out = NULL;
    return open_file(name, data, bytes, 0, out, err);
}

int arrow_open(const char *path, struct arrow_file **out, struct error *err)
{
    *out = NULL;
    /* O_NONBLOCK: a FIFO is refused below, and must not make us wait before. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return error_set(err, ERROR_INPUT, "%s does not exist", path);
    if (fd < 0)
        return error_io(err, "cannot open %s", path);
    struct stat st;
    void *map = NULL;
    size_t bytes = 0, mapped_bytes = 0;
    int rc = 0;
    if (fstat(fd, &st))
        rc = error_io(err, "cannot read %s", path);
    else if (!S_ISREG(st.st_mode))
        rc = error_set(err, ERROR_INPUT, "%s is no regular file", path);
    else
        bytes = (size_t)st.st_size;
    if (bytes > 0) {
        size_t page = (size_t)sysconf(_SC_PAGESIZE);
        mapped_bytes = (bytes + page - 1) / page * page;
        map = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
        if (map == MAP_FAILED)
            rc = error_io(err, "cannot map %s", path);
    }
    close(fd);
    return rc ? rc : open_file(path, map, bytes, mapped_bytes, out, err);
}

void arrow_close(struct arrow_file **file_at)
{
    struct arrow_file *file = *file_at;
    if (!file)
        return;
    if (file->mapped_bytes > 0)
        munmap((void *)file->data, file->mapped_bytes);
    arrow_memory_fini(&file->dictionary_memory);
    arrow_schema_fini(&file->schema);
    pthread_mutex_destroy(&file->mutex);
    free(file->records);
    free(file->dictionaries);
    free(file->path);
    free(file);
    *file_at = NULL;
}

const struct column *arrow_schema(const struct arrow_file *file, size_t *count_out)
{
    *count_out = file->schema.count;
    return file->schema.columns;
}

void arrow_rename(struct arrow_file *file, size_t column, const char *name)
{
    CHECK(column < file->schema.count);
    file->schema.columns[column].name = name;
    file->schema.fields[column].path = name;
}

struct text arrow_contents(const struct arrow_file *file)
{
    return (struct text){(const char *)file->data, file->bytes};
}

size_t arrow_batch_count(const struct arrow_file *file)
{
    return file->record_count;
}

int64_t arrow_batch_rows(const struct arrow_file *file, size_t batch)
{
    CHECK(batch < file->record_count);
    return file->records[batch].rows;
}

/* --- record batches --- */

struct lookup {
    struct arrow_file *file;
    size_t before;
};

static int get_dictionary(void *arg, const struct arrow_field *field,
                          const struct column **out, struct error *err)
{
    struct lookup *lookup = arg;
    return arrow_dictionary_get(lookup->file, lookup->before, field, out, err);
}

static int load(struct arrow_file *file, size_t number, const uint64_t *needed,
                struct arrow_batch *batch, struct error *err)
{
    const struct arrow_record *record = &file->records[number];
    struct arrow_message message;
    int rc = arrow_message_read(file->data, file->bytes, record->place.at, &message, err);
    if (rc < 0)
        return rc;
    struct arrow_body body;
    rc = arrow_body_parse(&message.header, arrow_place_bytes(file, &message.place), &body,
                          err);
    if (rc)
        return rc;
    size_t count = file->schema.count;
    batch->columns =
        arrow_memory_zero(&batch->memory, count * sizeof(*batch->columns), err);
    if (!batch->columns)
        return -(int)err->kind;
    struct lookup lookup = {file, record->dictionaries_before};
    struct arrow_dictionaries dictionaries = {get_dictionary, &lookup};
    return arrow_body_load(&body, file->schema.fields, count, needed, &dictionaries,
                           &batch->memory, batch->columns, err);
}

int arrow_batch_load(const struct arrow_file *file, size_t number, const uint64_t *needed,
                     struct arrow_batch **out, struct error *err)
{
    CHECK(number < file->record_count);
    *out = NULL;
    struct error why;
    struct arrow_batch *batch = calloc(1, sizeof(*batch));
    CHECK(batch != NULL);
    /* Dictionaries are made on first use, under a lock: a detail the caller need not see.
     */
    int rc = load((struct arrow_file *)file, number, needed, batch, &why);
    if (rc) {
        arrow_batch_destroy(&batch);
        return error_set(err, why.kind, "%s: record batch %zu: %s", file->path, number,
                         why.text);
    }
    *out = batch;
    return 0;
}

void arrow_batch_destroy(struct arrow_batch **batch)
{
    if (!*batch)
        return;
    arrow_memory_fini(&(*batch)->memory);
    free(*batch);
    *batch = NULL;
}

const struct column *arrow_batch_columns(const struct arrow_batch *batch)
{
    return batch->columns;
}

size_t arrow_batch_memory(const struct arrow_batch *batch)
{
    return batch->memory.bytes;
}
