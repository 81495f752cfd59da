/* csv_table: see csv_table.h. */
#include "ingest/import/csv_table.h"

#include "base/near.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int map_file(const char *path, struct text *out, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return error_set(err, ERROR_INPUT, "%s does not exist", path);
    if (fd < 0)
        return error_io(err, "cannot open %s", path);
    struct stat st;
    int rc = 0;
    *out = TEXT("");
    if (fstat(fd, &st) || !S_ISREG(st.st_mode))
        rc = error_set(err, ERROR_INPUT, "%s is no regular file", path);
    else if (st.st_size > 0) {
        void *at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (at == MAP_FAILED)
            rc = error_io(err, "cannot map %s", path);
        else
            *out = (struct text){at, (size_t)st.st_size};
    }
    close(fd);
    return rc;
}

static int add_column(struct csv_table *table, struct text name, struct error *err)
{
    if (name.bytes == 0)
        return error_set(err, ERROR_INPUT, "%s:1: column %zu has no name in the header",
                         table->path, table->column_count + 1);
    if (!utf8_valid(name) || memchr(name.data, '\0', name.bytes))
        return error_set(err, ERROR_INPUT,
                         "%s:1: the name of column %zu is not UTF-8 text", table->path,
                         table->column_count + 1);
    for (size_t i = 0; i < table->column_count; i++) {
        if (text_is(name, table->columns[i].name))
            return error_set(err, ERROR_INPUT, "%s:1: two columns are called \"%s\"",
                             table->path, table->columns[i].name);
    }
    table->columns[table->column_count++] =
        (struct csv_table_column){.name = text_copy(name), .guess = text_guess_any()};
    return 0;
}

static int read_header(struct csv_table *table, struct error *err)
{
    struct csv_row row;
    if (!csv_next(&table->csv, &row))
        return error_set(err, ERROR_INPUT,
                         "%s is empty; its first line must name the columns",
                         table->path);
    if (row.problem)
        return error_set(err, ERROR_INPUT, "%s:%llu: the header cannot be read: %s",
                         table->path, (unsigned long long)row.line, row.problem);
    table->columns = calloc(row.count, sizeof(*table->columns));
    CHECK(table->columns != NULL);
    for (size_t i = 0; i < row.count; i++) {
        int rc = add_column(table, row.fields[i].text, err);
        if (rc)
            return rc;
    }
    return 0;
}

int csv_table_open(struct csv_table *table, const char *path, char delimiter,
                   struct rejects *rejects, struct error *err)
{
    *table = (struct csv_table){.path = path, .rejects = rejects};
    int rc = map_file(path, &table->mapping, err);
    if (rc)
        return rc;
    csv_init(&table->csv, table->mapping, delimiter);
    return read_header(table, err);
}

void csv_table_close(struct csv_table *table)
{
    for (size_t i = 0; i < table->column_count; i++)
        free(table->columns[i].name);
    free(table->columns);
    csv_fini(&table->csv);
    if (table->mapping.bytes > 0)
        munmap((void *)table->mapping.data, table->mapping.bytes);
    *table = (struct csv_table){0};
}

int csv_table_find(const struct csv_table *table, const char *name, size_t *index_out,
                   struct error *err)
{
    char hint[160];
    struct near near = {.wanted = text_of(name)};
    for (size_t i = 0; i < table->column_count; i++) {
        if (strcmp(table->columns[i].name, name) == 0) {
            *index_out = i;
            return 0;
        }
        near_offer(&near, text_of(table->columns[i].name));
    }
    return error_set(err, ERROR_INPUT, "%s has no column \"%s\"%s", table->path, name,
                     near_hint(&near, hint, sizeof(hint)));
}

void csv_table_refuse(struct csv_table *table, const struct csv_row *row,
                      const char *format, ...)
{
    char reason[ERROR_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(reason, sizeof(reason), format, args);
    va_end(args);
    table->rejected++;
    rejects_add(table->rejects, table->path, row->line, row->raw, "%s", reason);
}

static bool types_fit(struct csv_table *table, const struct csv_row *row)
{
    for (size_t i = 0; i < row->count; i++) {
        const struct csv_table_column *column = &table->columns[i];
        struct text t = row->fields[i].text;
        if (!column->given || t.bytes == 0 || text_type_fits(column->type, t))
            continue;
        int shown = t.bytes > 60 ? 60 : (int)t.bytes;
        csv_table_refuse(table, row, "\"%.*s\" in column \"%.100s\" is no %s", shown,
                         t.data, column->name, text_type_name(column->type));
        return false;
    }
    return true;
}

int csv_table_next(struct csv_table *table, struct csv_row *row_out)
{
    while (csv_next(&table->csv, row_out)) {
        table->rows++;
        if (row_out->problem)
            csv_table_refuse(table, row_out, "%s", row_out->problem);
        else if (row_out->count != table->column_count)
            csv_table_refuse(table, row_out, "%zu fields where the header has %zu",
                             row_out->count, table->column_count);
        else if (!utf8_valid(row_out->raw))
            csv_table_refuse(table, row_out, "not UTF-8");
        else if (memchr(row_out->raw.data, '\0', row_out->raw.bytes))
            csv_table_refuse(table, row_out, "a NUL byte");
        else if (types_fit(table, row_out))
            return 1;
    }
    return 0;
}

void csv_table_guess(struct csv_table *table, const struct csv_row *row)
{
    for (size_t i = 0; i < row->count; i++) {
        struct csv_table_column *column = &table->columns[i];
        if (!column->given && row->fields[i].text.bytes > 0)
            text_guess_add(&column->guess, row->fields[i].text);
    }
}

void csv_table_settle(struct csv_table *table)
{
    for (size_t i = 0; i < table->column_count; i++) {
        struct csv_table_column *column = &table->columns[i];
        if (!column->given)
            column->type = text_guess_type(&column->guess);
    }
}

/* changed: reading a mapped file twice gave two different things. */
static int changed(const struct csv_table *table, struct error *err)
{
    return error_set(err, ERROR_INPUT,
                     "%s was changed while it was imported; import it again",
                     table->path);
}

int csv_table_again(struct csv_table *table, size_t offset, uint64_t line,
                    struct csv_row *row_out, struct error *err)
{
    csv_seek(&table->csv, offset, line);
    if (!csv_next(&table->csv, row_out) || row_out->problem ||
        row_out->count != table->column_count)
        return changed(table, err);
    return 0;
}

int csv_table_add(const struct csv_table *table, const struct csv_row *row, size_t field,
                  struct table_column *column, struct error *err)
{
    struct text_type type = table->columns[field].type;
    struct text t = row->fields[field].text;
    int64_t integer;
    double real;
    if (t.bytes == 0 && !(row->fields[field].quoted && type.type == COLUMN_UTF8)) {
        table_add_null(column);
    } else if (type.type == COLUMN_UTF8) {
        table_add_text(column, t);
    } else if (type.type == COLUMN_FLOAT64) {
        if (text_type_real(t, &real))
            return changed(table, err);
        table_add_real(column, real);
    } else {
        if (text_type_integer(type, t, &integer))
            return changed(table, err);
        table_add_integer(column, integer);
    }
    return 0;
}
