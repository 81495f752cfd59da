/* csv_child: see csv_child.h. A hash join that keeps 12 bytes a row: rows stay in the
 * mapped file and are read a second time when their customer is written. */
#include "ingest/import/csv_child.h"

#include <stdlib.h>

#define TICK_ROWS          16384
#define PREFETCH_CUSTOMERS 8

struct child_row {
    uint64_t offset;
    uint32_t customer;
} __attribute__((packed)); /* millions of them: 12 bytes, not 16 */

int csv_child_open(struct csv_child *child, const char *name, const char *path,
                   const char *key_column, char delimiter, struct rejects *rejects,
                   struct error *err)
{
    *child = (struct csv_child){.name = name};
    int rc = csv_table_open(&child->table, path, delimiter, rejects, err);
    if (!rc)
        rc = csv_table_find(&child->table, key_column ? key_column : "customer_id",
                            &child->key, err);
    if (!rc && child->table.column_count < 2)
        rc = error_set(err, ERROR_INPUT, "%s has no column beside \"%s\"", path,
                       child->table.columns[child->key].name);
    return rc;
}

void csv_child_close(struct csv_child *child)
{
    csv_table_close(&child->table);
    buffer_fini(&child->rows);
    free(child->offsets);
    free(child->starts);
    *child = (struct csv_child){0};
}

int csv_child_field(const struct csv_child *child)
{
    return child->table.column_count == 2 ? 1 - (int)child->key : -1;
}

static void join(struct csv_child *child, const struct csv_row *row,
                 const struct id_map *customers)
{
    struct csv_table *table = &child->table;
    struct text id = row->fields[child->key].text;
    if (id.bytes == 0) {
        csv_table_refuse(table, row, "no value in column \"%.100s\"",
                         table->columns[child->key].name);
        return;
    }
    uint32_t customer = id_map_find(customers, id);
    if (customer == ID_MAP_NONE) {
        int shown = id.bytes > 60 ? 60 : (int)id.bytes;
        rejects_add(table->rejects, table->path, row->line, row->raw,
                    "there is no customer \"%.*s\"", shown, id.data);
        child->orphans++;
        return;
    }
    csv_table_guess(table, row);
    struct child_row joined = {row->offset, customer};
    buffer_add(&child->rows, &joined, sizeof(joined));
    child->joined++;
}

/* gather: a counting sort by customer, which keeps the order of the file. */
static void gather(struct csv_child *child, uint32_t customers)
{
    const struct child_row *rows = (const struct child_row *)child->rows.data;
    child->starts = calloc((size_t)customers + 2, sizeof(*child->starts));
    child->offsets = malloc((child->joined + 1) * sizeof(*child->offsets));
    CHECK(child->starts && child->offsets);
    /* Counted two places on, so that behind the sums place[c] is the first of customer c;
     * filling moves it to the first of c + 1, which is what starts[c + 1] has to be. */
    child->customers = customers;
    uint32_t *place = child->starts + 1;
    for (uint64_t i = 0; i < child->joined; i++)
        place[rows[i].customer + 1]++;
    for (uint32_t c = 0; c < customers; c++)
        place[c + 1] += place[c];
    for (uint64_t i = 0; i < child->joined; i++)
        child->offsets[place[rows[i].customer]++] = rows[i].offset;
    buffer_fini(&child->rows);
}

int csv_child_read(struct csv_child *child, const struct id_map *customers,
                   void (*tick)(void *arg, size_t offset), void *arg, struct error *err)
{
    struct csv_row row;
    while (csv_table_next(&child->table, &row)) {
        if (child->joined == UINT32_MAX - 1)
            return error_set(err, ERROR_INPUT, "%s has more than %u rows",
                             child->table.path, UINT32_MAX - 1);
        join(child, &row, customers);
        if (tick && child->table.rows % TICK_ROWS == 0)
            tick(arg, row.offset);
    }
    gather(child, customers->count);
    csv_table_settle(&child->table);
    return 0;
}

static int add_fields(struct csv_child *child, const struct csv_row *row,
                      struct table_column *element, struct error *err)
{
    const struct csv_table *table = &child->table;
    int only = csv_child_field(child);
    if (only >= 0)
        return csv_table_add(table, row, (size_t)only, element, err);
    for (size_t i = 0; i < table->column_count; i++) {
        if (i == child->key)
            continue;
        int rc =
            csv_table_add(table, row, i, table_child(element, i - (i > child->key)), err);
        if (rc)
            return rc;
    }
    table_add_struct(element);
    return 0;
}

/* prefetch: rows of one customer lie scattered over the file; ask for those of a customer
 * further on, so that they are there by then (measured: writing takes two thirds). */
static void prefetch(const struct csv_child *child, uint32_t customer)
{
    if (customer >= child->customers)
        return;
    for (uint32_t i = child->starts[customer]; i < child->starts[customer + 1]; i++) {
        const char *row = child->table.csv.content.data + child->offsets[i];
        __builtin_prefetch(row);
        __builtin_prefetch(row + 64);
    }
}

int csv_child_add(struct csv_child *child, uint32_t customer, struct table_column *list,
                  struct error *err)
{
    struct csv_row row;
    prefetch(child, customer + PREFETCH_CUSTOMERS);
    for (uint32_t i = child->starts[customer]; i < child->starts[customer + 1]; i++) {
        int rc = csv_table_again(&child->table, child->offsets[i], 0, &row, err);
        if (!rc)
            rc = add_fields(child, &row, table_child(list, 0), err);
        if (rc)
            return rc;
    }
    table_add_list(list);
    return 0;
}
