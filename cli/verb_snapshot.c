/* verb_snapshot: what is in a snapshot and what volley makes of it. */
#include "cli/verb.h"
#include "ingest/snapshot.h"

#include <inttypes.h>
#include <stdio.h>

static const struct option_spec options[] = {
    {"verify", NULL, "read every byte of every column"}, VERB_COMMON};

static const char *use_of(const struct snapshot *snapshot, size_t column)
{
    for (int role = 0; role < SNAPSHOT_ROLE_COUNT; role++) {
        if (snapshot_column(snapshot, (enum snapshot_role)role) == (int)column)
            return snapshot_role_name((enum snapshot_role)role);
    }
    return NULL;
}

static void print(struct verb_context *context, const struct snapshot *snapshot,
                  bool verified)
{
    size_t count;
    const struct column *schema = snapshot_schema(snapshot, &count);
    json_t *columns = json_array();
    if (!context->json)
        printf("%" PRIu64 " rows, %zu chunks%s\n", snapshot_rows(snapshot),
               snapshot_chunks(snapshot), verified ? ", every byte read" : "");
    for (size_t i = 0; i < count; i++) {
        const char *use = use_of(snapshot, i);
        json_array_append_new(
            columns,
            json_pack("{s:s, s:s, s:s?}", "name", schema[i].name, "type",
                      schema[i].type_name ? schema[i].type_name : "", "use", use));
        if (!context->json)
            printf("  %-28s %-36s %s\n", schema[i].name,
                   schema[i].type_name ? schema[i].type_name : "",
                   use ? use : "for filters and templates");
    }
    if (context->json)
        verb_print_json(json_pack("{s:I, s:I, s:b, s:O}", "rows",
                                  (json_int_t)snapshot_rows(snapshot), "chunks",
                                  (json_int_t)snapshot_chunks(snapshot), "verified",
                                  verified, "columns", columns));
    json_decref(columns);
}

static int run(struct verb_context *context)
{
    struct config *config = NULL;
    struct snapshot *snapshot = NULL;
    struct error err;
    bool verify = options_flag(&context->options, "verify");
    /* A snapshot can be looked at without a home; with one, its column names count. */
    if (config_load(context->home, &config, NULL))
        config = NULL;
    int rc = snapshot_open(context->options.arguments[0], config ? config->aliases : NULL,
                           config ? config->alias_count : 0, &snapshot, &err);
    if (rc == 0 && verify)
        rc = snapshot_verify(snapshot, &err);
    if (rc == 0)
        print(context, snapshot, verify);
    snapshot_close(&snapshot);
    config_destroy(&config);
    return rc ? verb_fail(context, &err) : 0;
}

const struct verb verb_snapshot = {
    .name = "snapshot",
    .arguments = "FILE",
    .summary = "a snapshot's columns, rows and what each column is used for",
    .example = "volley snapshot snapshots/studio.arrow --verify",
    .options = options,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run,
};
