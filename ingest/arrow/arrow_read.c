/* arrow_read: see arrow_read.h. */
#include "ingest/arrow/arrow_read.h"

#include "base/bitmap.h"
#include "base/buffer.h"
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

struct arrow_bytes arrow_place_bytes(const struct arrow_file *file,
                                     const struct arrow_place *place)
{
    return (struct arrow_bytes){.data = file->data + place->body_at,
                                .bytes = place->body_bytes,
                                .readable_end = file->readable_end};
}

/* --- the messages of a file, found when it is opened
 * --------------------------------------- */

struct scan {
    struct arrow_file *file;
    struct buffer records;
    struct buffer dictionaries;
    size_t
        message_bytes; /* of all messages: no more than the file when they are distinct */
    int64_t rows;
    struct error *err;
};

static int scan_record(struct scan *scan, struct arrow_message *message)
{
    struct arrow_file *file = scan->file;
    size_t number = scan->records.bytes / sizeof(struct arrow_record);
    struct arrow_body body;
    int rc = arrow_body_parse(&message->header, arrow_place_bytes(file, &message->place),
                              &body, scan->err);
    if (rc == 0)
        rc = arrow_body_check(&body, file->schema.fields, file->schema.count, scan->err);
    if (rc == 0 && body.rows > ARROW_ROWS_MAX - scan->rows)
        rc = error_set(scan->err, ERROR_INPUT, "there are more than %lld rows",
                       (long long)ARROW_ROWS_MAX);
    if (rc) {
        error_prefix(scan->err, "record batch %zu: ", number);
        return rc;
    }
    struct arrow_record record = {message->place, body.rows,
                                  scan->dictionaries.bytes /
                                      sizeof(struct arrow_dictionary)};
    scan->rows += body.rows;
    buffer_add(&scan->records, &record, sizeof(record));
    return 0;
}

static int scan_dictionary(struct scan *scan, struct arrow_message *message)
{
    struct arrow_dictionary dictionary = {
        .place = message->place,
        .id = flatbuf_integer(&message->header, DICTIONARY_BATCH_ID, 8, 0),
        .is_delta =
            flatbuf_integer(&message->header, DICTIONARY_BATCH_IS_DELTA, 1, 0) != 0};
    if (message->meta.damaged)
        return error_set(scan->err, ERROR_INPUT,
                         "the dictionary batch at byte %zu is damaged",
                         message->place.at);
    if (dictionary.is_delta)
        arrow_schema_widen(&scan->file->schema, dictionary.id);
    buffer_add(&scan->dictionaries, &dictionary, sizeof(dictionary));
    return 0;
}

static int scan_message(struct scan *scan, struct arrow_message *message)
{
    struct arrow_place *place = &message->place;
    scan->message_bytes += place->meta_bytes + place->body_bytes;
    if (scan->message_bytes > scan->file->bytes)
        return error_set(scan->err, ERROR_INPUT,
                         "the message at byte %zu overlaps others", place->at);
    switch (message->type) {
    case ARROW_RECORD_BATCH:
        return scan_record(scan, message);
    case ARROW_DICTIONARY_BATCH:
        return scan_dictionary(scan, message);
    default:
        return error_set(scan->err, ERROR_INPUT,
                         "the message at byte %zu is no record batch and no dictionary",
                         place->at);
    }
}

static int scan_stream(struct scan *scan)
{
    struct arrow_file *file = scan->file;
    struct arrow_message message;
    int rc = arrow_message_read(file->data, file->bytes, 0, &message, scan->err);
    if (rc == 1 && message.type != ARROW_SCHEMA)
        rc = 0;
    if (rc == 0)
        return error_set(scan->err, ERROR_INPUT, "it does not start with a schema");
    if (rc < 0)
        return rc;
    rc = arrow_schema_parse(&message.header, message.version, &file->schema, scan->err);
    while (rc == 0) {
        size_t next = message.place.body_at + message.place.body_bytes;
        int more = arrow_message_read(file->data, file->bytes, next, &message, scan->err);
        if (more <= 0)
            return more;
        rc = scan_message(scan, &message);
    }
    return rc;
}

static int scan_blocks(struct scan *scan, const struct flatbuf_vector *blocks,
                       enum arrow_header type)
{
    for (size_t i = 0; i < blocks->count; i++) {
        struct arrow_block block;
        memcpy(&block, blocks->data + i * sizeof(block), sizeof(block));
        struct arrow_message message;
        if (block.at < ARROW_MAGIC_BYTES)
            return error_set(scan->err, ERROR_INPUT, "its footer is damaged");
        int rc = arrow_message_read(scan->file->data, scan->file->bytes, (size_t)block.at,
                                    &message, scan->err);
        if (rc < 0)
            return rc;
        if (rc == 0 || message.type != type)
            return error_set(scan->err, ERROR_INPUT,
                             "at byte %lld is not what the footer says",
                             (long long)block.at);
        rc = scan_message(scan, &message);
        if (rc)
            return rc;
    }
    return 0;
}

/* A file is a stream with a table of contents at its end. */
static int scan_file(struct scan *scan)
{
    struct arrow_file *file = scan->file;
    const size_t tail = sizeof(uint32_t) + ARROW_MAGIC_BYTES;
    if (file->bytes < tail + 8 || memcmp(file->data + file->bytes - ARROW_MAGIC_BYTES,
                                         ARROW_MAGIC, ARROW_MAGIC_BYTES) != 0)
        return error_set(scan->err, ERROR_INPUT,
                         "it is cut short: the footer at its end is missing");
    uint32_t footer_bytes;
    memcpy(&footer_bytes, file->data + file->bytes - tail, sizeof(footer_bytes));
    if (footer_bytes > file->bytes - tail)
        return error_set(scan->err, ERROR_INPUT, "its footer is damaged");
    struct flatbuf meta = {.data = file->data + file->bytes - tail - footer_bytes,
                           .bytes = footer_bytes};
    struct flatbuf_table footer = flatbuf_root(&meta);
    struct flatbuf_table schema = flatbuf_sub(&footer, FOOTER_SCHEMA);
    struct flatbuf_vector dictionaries =
        flatbuf_vector(&footer, FOOTER_DICTIONARIES, sizeof(struct arrow_block));
    struct flatbuf_vector records =
        flatbuf_vector(&footer, FOOTER_RECORD_BATCHES, sizeof(struct arrow_block));
    int64_t version = flatbuf_integer(&footer, FOOTER_VERSION, 2, 0);
    if (meta.damaged || schema.at == 0)
        return error_set(scan->err, ERROR_INPUT, "its footer is damaged");
    int rc = arrow_schema_parse(&schema, version, &file->schema, scan->err);
    if (rc == 0)
        rc = scan_blocks(scan, &dictionaries, ARROW_DICTIONARY_BATCH);
    if (rc == 0)
        rc = scan_blocks(scan, &records, ARROW_RECORD_BATCH);
    return rc;
}

/* Files people take for Arrow: what to do about it, or NULL when it looks like Arrow. */
static const char *stranger(const struct arrow_file *file)
{
    static const struct {
        const char *magic;
        const char *sentence;
    } strangers[] = {
        {"PAR1", "it is a Parquet file; write it as Arrow IPC"},
        {"FEA1",
         "it is a Feather file of version 1; write version 2, which is Arrow IPC"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(strangers); i++) {
        if (file->bytes >= 4 && memcmp(file->data, strangers[i].magic, 4) == 0)
            return strangers[i].sentence;
    }
    /* Old streams start with a length, which for anything else is an absurd one. */
    uint32_t first;
    if (file->bytes < sizeof(first))
        return file->bytes == 0 ? "it is empty" : "it is no Arrow IPC file or stream";
    memcpy(&first, file->data, sizeof(first));
    if (memcmp(file->data, ARROW_MAGIC, sizeof(first)) != 0 &&
        first != ARROW_CONTINUATION && first > file->bytes)
        return "it is no Arrow IPC file or stream";
    return NULL;
}

static int scan_all(struct arrow_file *file, struct error *err)
{
    struct scan scan = {.file = file, .err = err};
    const char *advice = stranger(file);
    int rc;
    if (advice)
        rc = error_set(err, ERROR_INPUT, "%s", advice);
    else if (file->bytes >= ARROW_MAGIC_BYTES &&
             memcmp(file->data, ARROW_MAGIC, ARROW_MAGIC_BYTES) == 0)
        rc = scan_file(&scan);
    else
        rc = scan_stream(&scan);
    file->records = (void *)scan.records.data;
    file->record_count = scan.records.bytes / sizeof(*file->records);
    file->dictionaries = (void *)scan.dictionaries.data;
    file->dictionary_count = scan.dictionaries.bytes / sizeof(*file->dictionaries);
    return rc;
}

/* --- open and close
 * ------------------------------------------------------------------------ */

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
    int rc = scan_all(file, &why);
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
    int fd = open(path, O_RDONLY | O_CLOEXEC);
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

/* --- record batches
 * ------------------------------------------------------------------------ */

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
