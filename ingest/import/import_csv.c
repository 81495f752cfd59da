/* import_csv: see import_csv.h. */
#include "ingest/import/import_csv.h"

#include "base/file.h"
#include "ingest/import/csv_child.h"
#include "ingest/import/phone.h"

#include <stdio.h>
#include <stdlib.h>

#define TICK_ROWS            16384
#define IMPORT_CUSTOMERS_MAX 1000000000u

struct place {
    uint64_t offset;
    uint64_t line;
};

struct import {
    const struct import_csv_options *options;
    struct import_report *report;
    struct rejects *rejects;
    struct csv_table customers;
    size_t id;            /* index of the id column */
    struct buffer places; /* of the customers that are taken */
    struct id_map ids;
    struct arena id_bytes; /* of ids that do not stand in the file as they are */
    struct csv_child *children;
    struct column *schema;
    struct table_builder *builder;
    uint64_t done_bytes; /* in files read to their end */
    uint64_t total_bytes;
};

static void tick(void *arg, size_t offset)
{
    const struct import *import = arg;
    if (import->options->progress_fn)
        import->options->progress_fn(import->options->progress_arg,
                                     import->done_bytes + offset, import->total_bytes);
}

/* --- opening ------------------------------------------------------------------------ */

/* Columns that volley knows (DESIGN 4.5) have the type it needs, whatever they look like:
 * a phone number is no integer, and 0 and 1 in an opt-out column are no and yes. */
static const char *const text_columns[] = {"first_name", "last_name", "name", "email",
                                           "locale",     "timezone",  "role", "location",
                                           "push_token", "tags"};
static const char *const bool_columns[] = {"email_verified", "enrolled",
                                           "notifications_enabled"};

static bool is_one_of(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

static void give(struct csv_table *table, size_t column, struct text_type type)
{
    table->columns[column].type = type;
    table->columns[column].given = true;
}

static void give_known_types(struct import *import)
{
    const struct text_type text = {.type = COLUMN_UTF8}, boolean = {.type = COLUMN_BOOL};
    struct csv_table *customers = &import->customers;
    for (size_t i = 0; i < customers->column_count; i++) {
        const char *name = customers->columns[i].name;
        if (i == import->id || is_one_of(name, text_columns, ARRAY_COUNT(text_columns)))
            give(customers, i, text);
        else if (is_one_of(name, bool_columns, ARRAY_COUNT(bool_columns)) ||
                 strncmp(name, "optout_", 7) == 0)
            give(customers, i, boolean);
        else if (strcmp(name, "phone") == 0)
            give(customers, i, (struct text_type){.type = COLUMN_UTF8, .phone = true});
    }
    for (size_t c = 0; c < import->options->child_count; c++) {
        struct csv_child *child = &import->children[c];
        int only = csv_child_field(child);
        give(&child->table, child->key, text);
        for (size_t i = 0; i < child->table.column_count; i++) {
            const char *name =
                (int)i == only ? child->name : child->table.columns[i].name;
            if (is_one_of(name, text_columns, ARRAY_COUNT(text_columns)) ||
                strcmp(name, "phone") == 0)
                give(&child->table, i, text);
        }
    }
}

/* find_typed: the column that --type names: "age" of the customers, "visits.at" of a
 * child file, "tags" for the only column of one. */
static int find_typed(struct import *import, const char *name,
                      struct csv_table **table_out, size_t *index_out, struct error *err)
{
    for (size_t c = 0; c < import->options->child_count; c++) {
        struct csv_child *child = &import->children[c];
        size_t bytes = strlen(child->name);
        int only = csv_child_field(child);
        *table_out = &child->table;
        if (strncmp(name, child->name, bytes) != 0)
            continue;
        if (name[bytes] == '.')
            return csv_table_find(&child->table, name + bytes + 1, index_out, err);
        if (name[bytes] == '\0' && only >= 0) {
            *index_out = (size_t)only;
            return 0;
        }
    }
    *table_out = &import->customers;
    return csv_table_find(&import->customers, name, index_out, err);
}

static int give_types(struct import *import, struct error *err)
{
    give_known_types(import);
    for (size_t i = 0; i < import->options->type_count; i++) {
        const struct import_csv_type *wanted = &import->options->types[i];
        struct text_type type;
        struct csv_table *table;
        size_t index;
        if (text_type_parse(text_of(wanted->type), &type))
            return error_set(err, ERROR_USAGE,
                             "%s=%s: there is no such type; there are %s", wanted->column,
                             wanted->type, TEXT_TYPE_NAMES);
        int rc = find_typed(import, wanted->column, &table, &index, err);
        if (rc) {
            error_prefix(err, "%s=%s: ", wanted->column, wanted->type);
            return rc;
        }
        if (table == &import->customers && index == import->id &&
            type.type != COLUMN_UTF8)
            return error_set(err, ERROR_USAGE, "%s=%s: the customers' ids are text",
                             wanted->column, wanted->type);
        if (type.phone && table != &import->customers)
            return error_set(
                err, ERROR_USAGE,
                "%s=phone: only columns of the customers can be phone numbers",
                wanted->column);
        give(table, index, type);
    }
    return 0;
}

static int open_files(struct import *import, struct error *err)
{
    const struct import_csv_options *options = import->options;
    int rc = csv_table_open(&import->customers, options->customers_path,
                            options->delimiter, import->rejects, err);
    if (!rc)
        rc = csv_table_find(&import->customers,
                            options->id_column ? options->id_column : "id", &import->id,
                            err);
    for (size_t c = 0; c < options->child_count && !rc; c++) {
        const struct import_csv_child *child = &options->children[c];
        rc = csv_child_open(&import->children[c], child->name, child->path, child->key,
                            options->delimiter, import->rejects, err);
        import->total_bytes += 2 * import->children[c].table.mapping.bytes;
    }
    if (rc)
        return rc;
    import->total_bytes += 2 * import->customers.mapping.bytes;
    return arena_init(&import->id_bytes, import->customers.mapping.bytes + 4096, err);
}

/* --- reading ------------------------------------------------------------------------ */

static void take_customer(struct import *import, const struct csv_row *row)
{
    struct csv_table *customers = &import->customers;
    const struct csv_field *id = &row->fields[import->id];
    uint32_t number;
    if (id->text.bytes == 0) {
        csv_table_refuse(customers, row, "no value in column \"%.100s\"",
                         customers->columns[import->id].name);
        return;
    }
    struct text stable = id->doubled ? arena_text(&import->id_bytes, id->text) : id->text;
    if (!id_map_add(&import->ids, stable, &number)) {
        const struct place *first = (const struct place *)(void *)import->places.data;
        csv_table_refuse(customers, row, "this id stands on line %llu already",
                         (unsigned long long)first[number].line);
        return;
    }
    struct place place = {row->offset, row->line};
    buffer_add(&import->places, &place, sizeof(place));
    csv_table_guess(customers, row);
}

static int read_customers(struct import *import, struct error *err)
{
    struct csv_row row;
    while (csv_table_next(&import->customers, &row)) {
        if (import->ids.count == IMPORT_CUSTOMERS_MAX)
            return error_set(err, ERROR_INPUT, "%s has more than %u customers",
                             import->customers.path, IMPORT_CUSTOMERS_MAX);
        take_customer(import, &row);
        if (import->customers.rows % TICK_ROWS == 0)
            tick(import, row.offset);
    }
    csv_table_settle(&import->customers);
    import->done_bytes += import->customers.mapping.bytes;
    return 0;
}

static int read_children(struct import *import, struct error *err)
{
    for (size_t c = 0; c < import->options->child_count; c++) {
        struct csv_child *child = &import->children[c];
        int rc = csv_child_read(child, &import->ids, tick, import, err);
        if (rc)
            return rc;
        import->done_bytes += child->table.mapping.bytes;
    }
    return 0;
}

/* --- the schema --------------------------------------------------------------------- */

static struct column column_of(const char *name, struct text_type type)
{
    bool instant = type.type == COLUMN_TIMESTAMP && type.utc;
    return (struct column){.name = name,
                           .type = type.type,
                           .unit = type.unit,
                           .timezone = instant ? "UTC" : NULL};
}

/* list_of: the element column of a child file, and its fields behind it, in one block. */
static struct column list_of(const struct csv_child *child)
{
    const struct csv_table *table = &child->table;
    struct column *element = calloc(table->column_count, sizeof(*element));
    CHECK(element != NULL);
    int only = csv_child_field(child);
    size_t fields = 0;
    for (size_t i = 0; i < table->column_count && only < 0; i++) {
        if (i != child->key)
            element[1 + fields++] =
                column_of(table->columns[i].name, table->columns[i].type);
    }
    if (only >= 0)
        element[0] = column_of("item", table->columns[only].type);
    else
        element[0] = (struct column){.name = "item",
                                     .type = COLUMN_STRUCT,
                                     .children = element + 1,
                                     .child_count = fields};
    return (struct column){
        .name = child->name, .type = COLUMN_LIST, .children = element, .child_count = 1};
}

static int make_schema(struct import *import, struct error *err)
{
    const struct csv_table *customers = &import->customers;
    size_t plain = customers->column_count, count = plain + import->options->child_count;
    import->schema = calloc(count, sizeof(*import->schema));
    CHECK(import->schema != NULL);
    for (size_t i = 0; i < plain; i++)
        import->schema[i] = column_of(i == import->id ? "id" : customers->columns[i].name,
                                      customers->columns[i].type);
    for (size_t c = 0; c < import->options->child_count; c++)
        import->schema[plain + c] = list_of(&import->children[c]);
    for (size_t i = 0; i < count; i++) {
        struct text name = text_of(import->schema[i].name);
        if (column_find(import->schema, count, name) != (int)i)
            return error_set(
                err, ERROR_INPUT,
                "the snapshot would have two columns called \"%.*s\"; rename one",
                TEXT_ARGS(name));
    }
    return table_builder_open(import->options->out_path, import->schema, count,
                              &import->builder, err);
}

static void free_schema(struct import *import)
{
    for (size_t c = 0; c < import->options->child_count && import->schema; c++)
        free((void *)import->schema[import->customers.column_count + c].children);
    free(import->schema);
}

/* --- writing ------------------------------------------------------------------------ */

static void add_phone(struct import *import, const struct csv_row *row,
                      struct text number, struct table_column *column)
{
    char e164[PHONE_BYTES];
    enum phone_verdict verdict = PHONE_NO_NUMBER;
    if (number.bytes > 0)
        verdict = phone_normalize(number, import->options->phone_region, e164);
    if (verdict == PHONE_OK) {
        table_add_text(column, text_of(e164));
        return;
    }
    table_add_null(column);
    if (number.bytes == 0)
        return;
    import->report->phones_dropped++;
    int shown = number.bytes > 60 ? 60 : (int)number.bytes;
    rejects_add(import->rejects, import->customers.path, row->line, row->raw,
                "warning: \"%.*s\" %s; the customer is kept without it", shown,
                number.data, phone_verdict_text(verdict));
}

static int write_customer(struct import *import, uint32_t number, struct error *err)
{
    struct csv_table *customers = &import->customers;
    const struct place *place =
        (const struct place *)(void *)import->places.data + number;
    struct csv_row row;
    int rc = csv_table_again(customers, place->offset, place->line, &row, err);
    for (size_t i = 0; i < customers->column_count && !rc; i++) {
        struct table_column *column = table_builder_column(import->builder, i);
        if (customers->columns[i].type.phone)
            add_phone(import, &row, row.fields[i].text, column);
        else
            rc = csv_table_add(customers, &row, i, column, err);
    }
    for (size_t c = 0; c < import->options->child_count && !rc; c++)
        rc = csv_child_add(
            &import->children[c], number,
            table_builder_column(import->builder, customers->column_count + c), err);
    return rc ? rc : table_builder_end_row(import->builder, err);
}

static int write_customers(struct import *import, struct error *err)
{
    uint64_t left = import->total_bytes - import->done_bytes;
    for (uint32_t i = 0; i < import->ids.count; i++) {
        int rc = write_customer(import, i, err);
        if (rc)
            return rc;
        if (i % TICK_ROWS == 0)
            tick(import, left * i / import->ids.count);
    }
    tick(import, left);
    return 0;
}

/* --- the import --------------------------------------------------------------------- */

static int check_options(const struct import_csv_options *options, struct error *err)
{
    if (options->phone_region && !phone_region_exists(options->phone_region))
        return error_set(
            err, ERROR_USAGE,
            "there is no region \"%s\"; write it as two capital letters, like IT",
            options->phone_region);
    if (options->delimiter && strchr("\"\r\n", options->delimiter))
        return error_set(err, ERROR_USAGE,
                         "a quote or a line end cannot be the delimiter");
    for (size_t c = 0; c < options->child_count; c++) {
        if (!name_is_safe(text_of(options->children[c].name)))
            return error_set(
                err, ERROR_USAGE,
                "\"%s\" cannot be the name of a column; use letters, digits and _",
                options->children[c].name);
    }
    return 0;
}

/* rejected_path: out.arrow → out.rejected.csv. */
static int rejected_path(const char *out_path, char *path, size_t path_bytes,
                         struct error *err)
{
    size_t stem = strlen(out_path);
    if (stem > 6 && strcmp(out_path + stem - 6, ".arrow") == 0)
        stem -= 6;
    if ((size_t)snprintf(path, path_bytes, "%.*s.rejected.csv", (int)stem, out_path) >=
        path_bytes)
        return error_set(err, ERROR_USAGE, "the path %.80s… is too long", out_path);
    return 0;
}

static int run(struct import *import, struct error *err)
{
    int rc = open_files(import, err);
    if (!rc)
        rc = give_types(import, err);
    if (!rc)
        rc = read_customers(import, err);
    if (!rc)
        rc = read_children(import, err);
    if (!rc)
        rc = make_schema(import, err);
    if (!rc)
        rc = write_customers(import, err);
    return rc;
}

static void fill_report(const struct import *import)
{
    struct import_report *report = import->report;
    report->rows_in = import->customers.rows;
    report->rows_out = import->ids.count;
    report->rejected = import->customers.rejected;
    for (size_t c = 0; c < import->options->child_count; c++) {
        const struct csv_child *child = &import->children[c];
        report->child_rows_in += child->table.rows;
        report->child_rows_joined += child->joined;
        report->child_rows_without_customer += child->orphans;
        report->child_rows_rejected += child->table.rejected;
    }
}

static void fini(struct import *import)
{
    free_schema(import);
    for (size_t c = 0; c < import->options->child_count; c++)
        csv_child_close(&import->children[c]);
    free(import->children);
    csv_table_close(&import->customers);
    buffer_fini(&import->places);
    id_map_fini(&import->ids);
    arena_fini(&import->id_bytes);
}

int import_csv(const struct import_csv_options *options, struct import_report *report_out,
               struct error *err)
{
    *report_out = (struct import_report){0};
    int rc = check_options(options, err);
    if (!rc)
        rc = rejected_path(options->out_path, report_out->rejected_path,
                           sizeof(report_out->rejected_path), err);
    if (rc)
        return rc;
    struct import *import = calloc(1, sizeof(*import));
    CHECK(import != NULL);
    import->options = options;
    import->report = report_out;
    import->rejects = rejects_create(report_out->rejected_path);
    import->children = calloc(options->child_count + 1, sizeof(*import->children));
    CHECK(import->children != NULL);
    rc = run(import, err);
    fill_report(import);
    /* The rejected rows first: a snapshot never lies there without them. */
    bool written = false;
    int closed = rejects_close(&import->rejects, !rc, &written, rc ? NULL : err);
    rc = rc ? rc : closed;
    closed = table_builder_close(&import->builder, !rc, rc ? NULL : err);
    rc = rc ? rc : closed;
    if (!written)
        report_out->rejected_path[0] = '\0';
    fini(import);
    free(import);
    return rc;
}
