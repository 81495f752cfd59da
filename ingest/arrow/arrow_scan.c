/* arrow_scan: the messages of a file, found when it is opened.
 *
 * Only metadata is touched, but that of every record batch, so that rows can be counted
 * on and damage there shows before a job starts. */
#include "base/buffer.h"
#include "ingest/arrow/arrow_file.h"

struct arrow_bytes arrow_place_bytes(const struct arrow_file *file,
                                     const struct arrow_place *place)
{
    return (struct arrow_bytes){.data = file->data + place->body_at,
                                .bytes = place->body_bytes,
                                .readable_end = file->readable_end};
}

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

int arrow_scan(struct arrow_file *file, struct error *err)
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
