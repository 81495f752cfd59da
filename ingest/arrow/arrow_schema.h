/* arrow_schema: the columns an Arrow file declares, as a tree of columns and of what each
 * occupies in a record batch's body. */
#ifndef INGEST_ARROW_SCHEMA_H
#define INGEST_ARROW_SCHEMA_H

#include "base/column.h"
#include "ingest/arrow/flatbuf.h"

#define ARROW_DEPTH_MAX 16 /* levels of list and struct: bounds our recursion */
#define ARROW_FIELDS_MAX                                                                 \
    16384 /* over all levels: a FlatBuffer can repeat a subtree for free */

/* One field of the schema. Children of a type we do not support are here, to be skipped,
 * but not in the column. */
struct arrow_field {
    struct column *column;
    const char *path;     /* for messages: "visits.class_type" */
    uint8_t buffer_count; /* in a body, without variadic ones */
    bool variadic;        /* utf8_view and binary_view: a number of buffers that varies */
    struct arrow_field *children;
    size_t child_count;
    int64_t dictionary_id;
    struct arrow_field *dictionary; /* the values of a dictionary, or NULL */
};

struct arrow_schema {
    struct arena arena;
    struct column *columns;
    struct arrow_field *fields;
    size_t count;
    size_t field_total;
};

/* arrow_schema_parse: version is the metadata's, enum arrow_version.
 * Owns:   out on success; arrow_schema_fini frees it
 * Errors: ERROR_INPUT without the file's name */
int arrow_schema_parse(const struct flatbuf_table *table, int64_t version,
                       struct arrow_schema *out, struct error *err) MUST_USE;
void arrow_schema_fini(struct arrow_schema *schema);

/* arrow_schema_widen: some dictionary of this id comes in several parts, which are put
 * together as large_utf8, so that is what its columns have as dictionary. */
void arrow_schema_widen(struct arrow_schema *schema, int64_t dictionary_id);

#endif
