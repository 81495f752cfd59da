/* import_csv: customers and their child tables from CSV files to a snapshot.
 *
 * The types of the columns are found by reading everything once (text_type.h); the second
 * reading writes. A row that cannot be used goes to a file beside the snapshot, with its
 * reason; a customer with an unusable phone number is kept without it, and noted there
 * too. docs/import.md says it for users. */
#ifndef INGEST_IMPORT_CSV_H
#define INGEST_IMPORT_CSV_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* A child file: rows that name their customer. With one column beside that it becomes a
 * list of values, else a list of structs. */
struct import_csv_child {
    const char *name; /* of the list column */
    const char *path;
    const char *key; /* column with the customer's id; NULL: customer_id */
};

struct import_csv_type {
    const char *column; /* "age", "visits.at", "tags" */
    const char *type;   /* as text_type_parse takes it */
};

struct import_csv_options {
    const char *customers_path;
    const char *out_path;
    const char *id_column;    /* NULL: id; written as id */
    const char *phone_region; /* "IT"; NULL: phone numbers must start with + */
    char delimiter;           /* 0: found in each file's header */
    const struct import_csv_child *children;
    size_t child_count;
    const struct import_csv_type *types;
    size_t type_count;
    void (*progress_fn)(void *arg, uint64_t done_bytes,
                        uint64_t total_bytes); /* or NULL */
    void *progress_arg;
};

/* rows_in = rows_out + rejected; child_rows_in = joined + without_customer +
 * child_rejected */
struct import_report {
    uint64_t rows_in; /* customers */
    uint64_t rows_out;
    uint64_t rejected;
    uint64_t child_rows_in; /* over all child files */
    uint64_t child_rows_joined;
    uint64_t child_rows_without_customer;
    uint64_t child_rows_rejected;
    uint64_t phones_dropped;  /* customers kept without their phone number */
    char rejected_path[4096]; /* "" when there is nothing to see in it */
};

/* import_csv: write options->out_path, complete or not at all.
 * Errors: ERROR_USAGE: a type, region or column name that does not exist;
 *         ERROR_INPUT: a file missing, without header or id column, two columns of one
 * name; ERROR_IO */
int import_csv(const struct import_csv_options *options, struct import_report *report_out,
               struct error *err) MUST_USE;

#endif
