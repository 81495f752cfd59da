/* arrow_file: what is kept of an open file, for the files that read it. */
#ifndef INGEST_ARROW_FILE_H
#define INGEST_ARROW_FILE_H

#include "ingest/arrow/arrow_body.h"
#include "ingest/arrow/arrow_message.h"
#include "ingest/arrow/arrow_read.h"

#include <pthread.h>

struct arrow_record {
    struct arrow_place place;
    int64_t rows;
    size_t dictionaries_before; /* how many dictionary batches come before it */
};

/* One dictionary batch. What it stands for, with the batches it adds to, is made when a
 * column first needs it and kept until the file is closed. */
struct arrow_dictionary {
    struct arrow_place place;
    int64_t id;
    bool is_delta;
    const struct column *column; /* NULL until it is needed */
};

struct arrow_file {
    char *path;
    const uint8_t *data;
    size_t bytes;
    size_t mapped_bytes; /* 0: the bytes are somebody else's */
    const uint8_t *readable_end;
    struct arrow_schema schema;
    struct arrow_record *records;
    size_t record_count;
    struct arrow_dictionary *dictionaries;
    size_t dictionary_count;
    pthread_mutex_t mutex; /* for dictionaries[].column and dictionary_memory */
    struct arrow_memory dictionary_memory;
};

/* arrow_open_bytes: as arrow_open, over bytes in memory that stay until arrow_close; name
 * is for messages. */
int arrow_open_bytes(const char *name, const void *data, size_t bytes,
                     struct arrow_file **out, struct error *err) MUST_USE;

/* arrow_scan: fill in schema, records and dictionaries.
 * Errors: ERROR_INPUT without the file's name, with what was found so far left for
 *          arrow_close; err is never NULL. */
int arrow_scan(struct arrow_file *file, struct error *err) MUST_USE;

/* arrow_dictionary_get: the dictionary of a field as it stands before dictionary batch
 * number `before`.
 * Errors: ERROR_INPUT.
 * Threads: any number at a time. */
int arrow_dictionary_get(struct arrow_file *file, size_t before,
                         const struct arrow_field *field, const struct column **out,
                         struct error *err) MUST_USE;

/* arrow_place_bytes: the body of a message. */
struct arrow_bytes arrow_place_bytes(const struct arrow_file *file,
                                     const struct arrow_place *place);

#endif
