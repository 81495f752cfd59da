/* books_table: the books of a job for people. */
#ifndef CLI_BOOKS_TABLE_H
#define CLI_BOOKS_TABLE_H

#include <jansson.h>

/* books_table_report: what report_json() and status_read() give, to stdout. */
void books_table_report(const json_t *report);

/* books_table_plan: what `plan --json` prints, to stdout. */
void books_table_plan(const json_t *plan);

#endif
