/* verb_import: a snapshot from what a database exports. */
#include "base/file.h"
#include "cli/verb.h"
#include "ingest/import/import_csv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const struct option_spec options[] = {
    {"child", "NAME=FILE[:KEY]",
     "a child table; KEY is its column with the customer's id (default customer_id); may "
     "be repeated"},
    {"type", "COLUMN=TYPE",
     "a column's type instead of the inferred one; may be repeated"},
    {"id", "COLUMN", "the column with the customer's id (default id)"},
    {"region", "CC", "the country of phone numbers without +, e.g. IT"},
    {"delimiter", "CHAR", "instead of , ; or tab, whichever the header has"},
    {"out", "FILE", "the snapshot to write (also -o FILE)"},
    VERB_COMMON};

#define PAIRS_MAX OPTIONS_VALUES_MAX

struct request {
    struct import_csv_options csv;
    struct import_csv_child children[PAIRS_MAX];
    struct import_csv_type types[PAIRS_MAX];
    char *copies[2 * PAIRS_MAX]; /* split pairs */
    size_t copy_count;
};

/* split: "name=value" into two strings; false when there is no `=`. */
static bool split(struct request *r, const char *pair, char **name_out, char **value_out)
{
    const char *equals = strchr(pair, '=');
    if (!equals || equals == pair || !equals[1])
        return false;
    char *copy = r->copies[r->copy_count++] = text_copy(text_of(pair));
    copy[equals - pair] = '\0';
    *name_out = copy;
    *value_out = copy + (equals - pair) + 1;
    return true;
}

static int read_children(const struct options *given, struct request *r,
                         struct error *err)
{
    size_t at = 0;
    for (const char *pair; (pair = options_next(given, "child", &at));) {
        char *name, *path;
        if (!split(r, pair, &name, &path))
            return error_set(err, ERROR_USAGE, "--child %s: write NAME=FILE", pair);
        char *colon = strrchr(path, ':');
        if (colon && !strchr(colon, '/'))
            *colon = '\0';
        r->children[r->csv.child_count++] = (struct import_csv_child){
            .name = name, .path = path, .key = colon && !*colon ? colon + 1 : NULL};
    }
    at = 0;
    for (const char *pair; (pair = options_next(given, "type", &at));) {
        char *column, *type;
        if (!split(r, pair, &column, &type))
            return error_set(err, ERROR_USAGE, "--type %s: write COLUMN=TYPE", pair);
        r->types[r->csv.type_count++] =
            (struct import_csv_type){.column = column, .type = type};
    }
    return 0;
}

static int read_request(const struct options *given, struct request *r, struct error *err)
{
    const char *delimiter = options_value(given, "delimiter");
    const char *format = given->arguments[0];
    if (strcmp(format, "csv") != 0)
        return error_set(err, ERROR_USAGE, "import %s: write csv", format);
    if (given->argument_count != 2 || !options_value(given, "out"))
        return error_set(err, ERROR_USAGE, "usage: volley import csv FILE -o FILE.arrow");
    if (delimiter && strlen(delimiter) != 1 && strcmp(delimiter, "\\t") != 0)
        return error_set(err, ERROR_USAGE, "--delimiter %s: write one character",
                         delimiter);
    r->csv =
        (struct import_csv_options){.customers_path = given->arguments[1],
                                    .out_path = options_value(given, "out"),
                                    .id_column = options_value(given, "id"),
                                    .phone_region = options_value(given, "region"),
                                    .delimiter = !delimiter             ? 0
                                                 : delimiter[0] == '\\' ? '\t'
                                                                        : delimiter[0],
                                    .children = r->children,
                                    .types = r->types};
    return read_children(given, r, err);
}

static void on_progress(void *arg, uint64_t done_bytes, uint64_t total_bytes)
{
    (void)arg;
    fprintf(stderr, "\rimporting %3.0f%%\033[K",
            total_bytes ? 100.0 * (double)done_bytes / (double)total_bytes : 100.0);
}

static void print(struct verb_context *context, const struct import_report *report,
                  const char *out_path)
{
    if (context->json) {
        verb_print_json(json_pack(
            "{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s}", "out", out_path,
            "rows_in", (json_int_t)report->rows_in, "rows", (json_int_t)report->rows_out,
            "rejected", (json_int_t)report->rejected, "child_rows_in",
            (json_int_t)report->child_rows_in, "child_rows",
            (json_int_t)report->child_rows_joined, "child_rows_without_customer",
            (json_int_t)report->child_rows_without_customer, "child_rows_rejected",
            (json_int_t)report->child_rows_rejected, "phones_dropped",
            (json_int_t)report->phones_dropped, "rejected_file", report->rejected_path));
        return;
    }
    printf("%s: %" PRIu64 " customers, %" PRIu64 " child rows\n", out_path,
           report->rows_out, report->child_rows_joined);
    if (report->rejected_path[0])
        printf("%" PRIu64 " customers and %" PRIu64 " child rows rejected, %" PRIu64
               " phone numbers dropped: see %s\n",
               report->rejected,
               report->child_rows_rejected + report->child_rows_without_customer,
               report->phones_dropped, report->rejected_path);
}

static int run(struct verb_context *context)
{
    struct request *request = calloc(1, sizeof(*request));
    struct import_report report;
    struct error err;
    CHECK(request != NULL);
    int rc = read_request(&context->options, request, &err);
    if (rc == 0) {
        request->csv.progress_fn = context->terminal ? on_progress : NULL;
        rc = import_csv(&request->csv, &report, &err);
        if (context->terminal)
            fputs("\r\033[K", stderr);
    }
    if (rc == 0)
        print(context, &report, request->csv.out_path);
    for (size_t i = 0; i < request->copy_count; i++)
        free(request->copies[i]);
    free(request);
    return rc ? verb_fail(context, &err) : 0;
}

const struct verb verb_import = {
    .name = "import",
    .arguments = "csv FILE [--child NAME=FILE …] -o FILE.arrow",
    .summary = "make a snapshot from a database's export",
    .example = "volley import csv customers.csv --child tags=tags.csv --child "
               "visits=visits.csv \\\n"
               "  --region IT -o snapshots/studio.arrow",
    .options = options,
    .arguments_min = 1,
    .arguments_max = 2,
    .run = run,
};
