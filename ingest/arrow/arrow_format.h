/* arrow_format: the numbers of Arrow's IPC metadata.
 * Source: format/Schema.fbs, Message.fbs and File.fbs of https://github.com/apache/arrow
 */
#ifndef INGEST_ARROW_FORMAT_H
#define INGEST_ARROW_FORMAT_H

#include <stdint.h>

#define ARROW_MAGIC        "ARROW1"
#define ARROW_MAGIC_BYTES  6
#define ARROW_CONTINUATION 0xFFFFFFFFu /* before a message's length since Arrow 0.15 */
#define ARROW_ALIGN        64          /* what the format recommends for buffers */

enum arrow_version { ARROW_V4 = 3, ARROW_V5 = 4 };

enum arrow_header {
    ARROW_SCHEMA = 1,
    ARROW_DICTIONARY_BATCH = 2,
    ARROW_RECORD_BATCH = 3
};

enum arrow_type {
    ARROW_NULL = 1,
    ARROW_INT,
    ARROW_FLOAT,
    ARROW_BINARY,
    ARROW_UTF8,
    ARROW_BOOL,
    ARROW_DECIMAL,
    ARROW_DATE,
    ARROW_TIME,
    ARROW_TIMESTAMP,
    ARROW_INTERVAL,
    ARROW_LIST,
    ARROW_STRUCT,
    ARROW_UNION,
    ARROW_FIXED_SIZE_BINARY,
    ARROW_FIXED_SIZE_LIST,
    ARROW_MAP,
    ARROW_DURATION,
    ARROW_LARGE_BINARY,
    ARROW_LARGE_UTF8,
    ARROW_LARGE_LIST,
    ARROW_RUN_END_ENCODED,
    ARROW_BINARY_VIEW,
    ARROW_UTF8_VIEW,
    ARROW_LIST_VIEW,
    ARROW_LARGE_LIST_VIEW
};

enum arrow_precision { ARROW_HALF, ARROW_SINGLE, ARROW_DOUBLE };
enum arrow_date_unit { ARROW_DAY, ARROW_MILLISECOND };
enum arrow_codec { ARROW_CODEC_NONE = -1, ARROW_LZ4_FRAME = 0, ARROW_ZSTD = 1 };

/* Field numbers within each table. */
enum { MESSAGE_VERSION, MESSAGE_HEADER_TYPE, MESSAGE_HEADER, MESSAGE_BODY_BYTES };
enum { FOOTER_VERSION, FOOTER_SCHEMA, FOOTER_DICTIONARIES, FOOTER_RECORD_BATCHES };
enum { SCHEMA_ENDIANNESS, SCHEMA_FIELDS };
enum {
    FIELD_NAME,
    FIELD_NULLABLE,
    FIELD_TYPE_TYPE,
    FIELD_TYPE,
    FIELD_DICTIONARY,
    FIELD_CHILDREN
};
enum { DICTIONARY_ID, DICTIONARY_INDEX_TYPE };
enum { DICTIONARY_BATCH_ID, DICTIONARY_BATCH_DATA, DICTIONARY_BATCH_IS_DELTA };
enum {
    RECORD_BATCH_ROWS,
    RECORD_BATCH_NODES,
    RECORD_BATCH_BUFFERS,
    RECORD_BATCH_COMPRESSION,
    RECORD_BATCH_VARIADIC
};
enum { COMPRESSION_CODEC, COMPRESSION_METHOD };
enum { INT_BIT_WIDTH, INT_IS_SIGNED };
enum { FLOAT_PRECISION };
enum { DECIMAL_PRECISION, DECIMAL_SCALE, DECIMAL_BIT_WIDTH };
enum { DATE_UNIT };
enum { TIMESTAMP_UNIT, TIMESTAMP_TIMEZONE };
enum { UNION_MODE };

/* The structs that vectors hold, in file byte order. */
struct arrow_node {
    int64_t rows;
    int64_t nulls;
};

struct arrow_extent { /* of a buffer within its body */
    int64_t at;
    int64_t bytes;
};

struct arrow_block { /* of a message within the file */
    int64_t at;
    int32_t meta_bytes; /* with prefix and padding */
    int32_t padding;
    int64_t body_bytes;
};

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "Arrow files are little-endian");

#endif
