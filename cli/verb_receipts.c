/* verb_receipts: what providers and mail servers say of messages later. */
#include "base/file.h"
#include "cli/verb.h"
#include "engine/jobs/receipt_lines.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#define TOLD_MAX 10 /* lines that are complained about, each with a sentence */

static const struct option_spec options[] = {
    {"dsn", "PATH", "a bounce or complaint as a mail, or a maildir full of them"},
    VERB_COMMON};

struct reading {
    struct receipt_lines lines;
    uint64_t told;
};

static void on_refused(void *arg, const char *name, uint64_t line, const char *why)
{
    struct reading *r = arg;
    if (r->told++ < TOLD_MAX)
        fprintf(stderr, "volley: %s:%" PRIu64 ": %s\n", name, line, why);
}

static bool is_stopped(void *arg)
{
    (void)arg;
    return verb_stop;
}

static int read_file(struct reading *r, const char *path, struct error *err)
{
    if (strcmp(path, "-") == 0)
        return receipt_lines_read(&r->lines, stdin, "stdin", err);
    FILE *file = fopen(path, "re");
    if (!file && errno == ENOENT)
        return error_set(err, ERROR_INPUT, "%s does not exist", path);
    if (!file)
        return error_io(err, "cannot open %s", path);
    int rc = receipt_lines_read(&r->lines, file, path, err);
    fclose(file);
    return rc;
}

/* --- mails --- */

static int read_folder(struct reading *r, const char *path, struct error *err)
{
    DIR *dir = opendir(path);
    int rc = dir ? 0 : error_io(err, "cannot read the folder %s", path);
    for (const struct dirent *entry; rc == 0 && !verb_stop && (entry = readdir(dir));) {
        char mail[PATH_BYTES];
        struct stat st;
        if (entry->d_name[0] == '.')
            continue;
        rc = path_join(mail, path, text_of(entry->d_name), err);
        if (rc == 0 && stat(mail, &st) == 0 && S_ISREG(st.st_mode))
            rc = receipt_lines_mail(&r->lines, mail, err);
    }
    if (dir)
        closedir(dir);
    return rc;
}

/* read_mails: a file; a maildir, of which new/ and cur/ are read; or a folder of mails. */
static int read_mails(struct reading *r, const char *path, struct error *err)
{
    char new[PATH_BYTES], cur[PATH_BYTES];
    struct stat st;
    if (stat(path, &st))
        return error_set(err, ERROR_INPUT, "%s does not exist", path);
    if (!S_ISDIR(st.st_mode))
        return receipt_lines_mail(&r->lines, path, err);
    int rc = path_join(new, path, TEXT("new"), err);
    if (rc == 0)
        rc = path_join(cur, path, TEXT("cur"), err);
    if (rc)
        return rc;
    if (!file_exists(new) && !file_exists(cur))
        return read_folder(r, path, err);
    rc = file_exists(new) ? read_folder(r, new, err) : 0;
    return rc == 0 && file_exists(cur) ? read_folder(r, cur, err) : rc;
}

/* --- what became of them --- */

static void tell(const struct verb_context *context, const struct reading *r,
                 const struct receipts_counts *c)
{
    if (context->json)
        verb_print_json(json_pack(
            "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "read", (json_int_t)c->read,
            "matched", (json_int_t)c->matched, "changed", (json_int_t)c->changed,
            "waiting", (json_int_t)c->waiting, "dropped", (json_int_t)c->dropped,
            "ignored", (json_int_t)r->lines.ignored, "refused",
            (json_int_t)r->lines.refused, "dead", (json_int_t)c->dead, "opted_out",
            (json_int_t)c->opted_out));
    else
        printf("%" PRIu64 " receipts: %" PRIu64 " found their message, %" PRIu64
               " of them new; %" PRIu64 " wait; %" PRIu64 " addresses dead, %" PRIu64
               " customers opted out; %" PRIu64 " lines tell nothing final, %" PRIu64
               " refused\n",
               c->read, c->matched, c->changed, c->waiting, c->dead, c->opted_out,
               r->lines.ignored, r->lines.refused);
}

static int read_all(struct verb_context *context, struct reading *r, struct error *err)
{
    const struct options *given = &context->options;
    const char *mails;
    size_t at = 0;
    int rc = 0;
    while (rc == 0 && (mails = options_next(given, "dsn", &at)))
        rc = read_mails(r, mails, err);
    for (size_t i = 0; rc == 0 && i < given->argument_count; i++)
        rc = read_file(r, given->arguments[i], err);
    return rc;
}

static int run(struct verb_context *context)
{
    struct reading reading = {
        .lines = {.refuse_fn = on_refused, .stop_fn = is_stopped, .arg = &reading}};
    struct receipts_counts counts = {0};
    struct config *config = NULL;
    struct store *store = NULL;
    struct error err = {0};
    verb_catch_signals();
    int rc = verb_open(context, &config, &store, &err);
    if (rc == 0)
        rc = receipts_open(context->home, config, store, &reading.lines.receipts, &err);
    if (rc == 0) {
        rc = read_all(context, &reading, &err);
        int closed =
            receipts_close(&reading.lines.receipts, rc == 0, &counts, rc ? NULL : &err);
        rc = rc ? rc : closed;
    }
    if (store)
        store_close(&store);
    config_destroy(&config);
    if (rc)
        return verb_fail(context, &err);
    tell(context, &reading, &counts);
    return reading.lines.refused ? error_exit_status(ERROR_INPUT) : 0;
}

const struct verb verb_receipts = {
    .name = "receipts",
    .arguments = "[FILE|-]…",
    .summary =
        "join delivery receipts, bounces and complaints to the messages they are about",
    .example =
        "volley receipts events.ndjson\ncurl -s https://app.example/events | volley "
        "receipts -\nvolley receipts --dsn /var/mail/bounces",
    .options = options,
    .arguments_min = 0,
    .arguments_max = OPTIONS_VALUES_MAX,
    .run = run,
};
