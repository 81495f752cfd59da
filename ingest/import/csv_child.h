/* csv_child: the rows of a child file, gathered by the customer they belong to. */
#ifndef INGEST_CSV_CHILD_H
#define INGEST_CSV_CHILD_H

#include "ingest/import/csv_table.h"
#include "ingest/import/id_map.h"

struct csv_child {
    const char *name;
    struct csv_table table;
    size_t key;         /* the column with the customer's id */
    struct buffer rows; /* while reading: where each lies and whose it is */
    uint64_t *offsets;  /* of the joined rows: by customer, then as in the file */
    uint32_t *starts;   /* by customer: first of offsets; one more at the end */
    uint32_t customers;
    uint64_t joined;
    uint64_t orphans; /* rows of no customer */
};

/* csv_child_open: key_column NULL is "customer_id".
 * Errors: as csv_table_open; no such column; no column beside it. */
int csv_child_open(struct csv_child *child, const char *name, const char *path,
                   const char *key_column, char delimiter, struct rejects *rejects,
                   struct error *err) MUST_USE;
void csv_child_close(struct csv_child *child);

/* csv_child_field: the only column beside the key, or -1 when there are several. */
int csv_child_field(const struct csv_child *child);

/* csv_child_read: read every row, join it and settle the types. tick (NULL allowed) is
 * told the offset now and then.
 * Errors: ERROR_INPUT for more than 2^32 - 1 rows */
int csv_child_read(struct csv_child *child, const struct id_map *customers,
                   void (*tick)(void *arg, size_t offset), void *arg,
                   struct error *err) MUST_USE;

/* csv_child_add: a customer's rows as one value of a list column: of the field itself,
 * or of a struct of the fields.
 * Errors: as csv_table_again */
int csv_child_add(struct csv_child *child, uint32_t customer, struct table_column *list,
                  struct error *err) MUST_USE;

#endif
