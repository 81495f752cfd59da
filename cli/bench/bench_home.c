/* bench_home: see bench_home.h. */
#include "cli/bench/bench_home.h"

#include "base/tree.h"
#include "engine/state/account.h"
#include "ingest/import/table_builder.h"

#include <jansson.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    COLUMN_ID,
    COLUMN_FIRST_NAME,
    COLUMN_ADDRESS,
    COLUMN_REACHABLE,
    COLUMN_TABLE_COUNT
};

static const char *const first_names[] = {"Ann",   "Bianca", "Chloé", "Dmitri", "Elif",
                                          "Fatou", "Giulia", "Hans",  "Inês",   "Jürgen"};

/* A kilobyte is what a short mail has. */
static const char paragraph[] =
    "this is a message that `volley bench` made up to measure how fast messages go "
    "out. Nobody has to read it, and nothing has to be done about it. Its length is that "
    "of a short mail, because how long a message is makes a difference to how fast it "
    "goes.\n\n";

static int write_texts(const struct bench_home *home, struct error *err)
{
    char path[PATH_BYTES];
    struct buffer mail = {0};
    buffer_string(&mail, "Hi ##{{first_name}},\n\n");
    for (int i = 0; i < 4; i++)
        buffer_string(&mail, paragraph);
    const struct {
        const char *name;
        struct text content;
    } files[] = {
        {"templates/bench/template.yaml",
         TEXT("category: transactional\nvariables: {first_name: {default: \"you\"}}\n"
              "subject: {en: \"A measurement, ##{{first_name}}\"}\n")},
        {"templates/bench/sms.en.txt", TEXT("Hi ##{{first_name}}, a volley bench")},
        {"templates/bench/push.en.txt", TEXT("Hi ##{{first_name}}, a volley bench")},
        {"templates/bench/inapp.en.txt", TEXT("Hi ##{{first_name}}, a volley bench")},
        {"templates/bench/email.en.txt", buffer_view(&mail)},
    };
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < ARRAY_COUNT(files); i++) {
        rc = path_join(path, home->path, text_of(files[i].name), err);
        if (rc == 0)
            rc = file_write(path, files[i].content, err);
    }
    buffer_fini(&mail);
    return rc;
}

static int put_account(const struct bench_home *home, struct error *err)
{
    struct arena arena;
    struct account account;
    bool email = home->channel == CHANNEL_EMAIL, given = *home->from;
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "id", "bench", "name", "volley bench",
                  "locale", "en", "tier", "bench", "email_from",
                  email && given ? home->from : "volley bench <bench@example.com>",
                  "sms_from", !email && given ? home->from : "+15005550006");
    CHECK(json != NULL);
    char *text = json_dumps(json, 0);
    int rc = arena_init(&arena, (size_t)1 << 20, err);
    if (rc == 0)
        rc = account_parse(text_of(text), "--from", &arena, &account, err);
    if (rc == 0)
        rc = account_put(home->store, &account, err);
    arena_fini(&arena);
    free(text);
    json_decref(json);
    return rc;
}

static int choose_path(struct bench_home *home, const char *parent, struct error *err)
{
    char config[PATH_BYTES];
    const char *temporary = getenv("TMPDIR");
    bool inside =
        path_join(config, parent, TEXT("volley.yaml"), NULL) == 0 && file_exists(config);
    if (!inside)
        parent = temporary && *temporary ? temporary : "/tmp";
    if (snprintf(home->path, sizeof(home->path), "%s/%sbench-XXXXXX", parent,
                 inside ? "." : "volley-") >= (int)sizeof(home->path))
        return error_set(err, ERROR_INPUT, "%s: the path is too long", parent);
    if (!mkdtemp(home->path)) {
        int rc = error_io(err, "cannot make a folder in %s", parent);
        home->path[0] = '\0';
        return rc;
    }
    return 0;
}

int bench_home_make(struct bench_home *home, const char *parent, struct error *err)
{
    static const char *const folders[] = {"templates/bench", "snapshots", "outbox"};
    char path[PATH_BYTES];
    int rc = choose_path(home, parent, err);
    for (size_t i = 0; rc == 0 && i < ARRAY_COUNT(folders); i++) {
        rc = path_join(path, home->path, text_of(folders[i]), err);
        if (rc == 0)
            rc = file_make_dirs(path, err);
    }
    if (rc == 0)
        rc = write_texts(home, err);
    if (rc == 0)
        rc = store_open(home->path, true, &home->store, err);
    if (rc == 0)
        rc = put_account(home, err);
    if (rc)
        bench_home_remove(home);
    return rc;
}

void bench_home_remove(struct bench_home *home)
{
    if (home->store)
        store_close(&home->store);
    if (home->path[0])
        (void)tree_remove(home->path, NULL);
    home->path[0] = '\0';
}

static int write_customers(const char *path, const struct bench_home *home,
                           uint64_t customers, struct error *err)
{
    static const struct {
        const char *address, *reachable;
    } names[CHANNEL_COUNT] = {
        [CHANNEL_SMS] = {"phone", "enrolled"},
        [CHANNEL_EMAIL] = {"email", "email_verified"},
        [CHANNEL_PUSH] = {"push_token", "notifications_enabled"},
        [CHANNEL_INAPP] = {"push_token", "notifications_enabled"},
    };
    const struct column schema[COLUMN_TABLE_COUNT] = {
        [COLUMN_ID] = {.name = "id", .type = COLUMN_UTF8},
        [COLUMN_FIRST_NAME] = {.name = "first_name", .type = COLUMN_UTF8},
        [COLUMN_ADDRESS] = {.name = names[home->channel].address, .type = COLUMN_UTF8},
        [COLUMN_REACHABLE] = {.name = names[home->channel].reachable,
                              .type = COLUMN_BOOL},
    };
    struct table_builder *builder;
    struct table_column *columns[COLUMN_TABLE_COUNT];
    int rc = table_builder_open(path, schema, COLUMN_TABLE_COUNT, &builder, err);
    if (rc)
        return rc;
    for (size_t c = 0; c < COLUMN_TABLE_COUNT; c++)
        columns[c] = table_builder_column(builder, c);
    for (uint64_t i = 0; rc == 0 && i < customers; i++) {
        char id[24];
        int bytes = snprintf(id, sizeof(id), "bench-%08" PRIu64, i);
        table_add_text(columns[COLUMN_ID], (struct text){id, (size_t)bytes});
        table_add_text(columns[COLUMN_FIRST_NAME],
                       text_of(first_names[i * 7 % ARRAY_COUNT(first_names)]));
        table_add_text(columns[COLUMN_ADDRESS], text_of(home->to));
        table_add_integer(columns[COLUMN_REACHABLE], 1);
        rc = table_builder_end_row(builder, err);
    }
    int closed = table_builder_close(&builder, rc == 0, rc == 0 ? err : NULL);
    return rc ? rc : closed;
}

int bench_home_job(struct bench_home *home, uint64_t customers,
                   struct buffer *content_out, struct error *err)
{
    char name[64], path[PATH_BYTES];
    snprintf(name, sizeof(name), "snapshots/bench-%u.arrow", ++home->jobs);
    int rc = path_join(path, home->path, text_of(name), err);
    if (rc == 0)
        rc = write_customers(path, home, customers, err);
    buffer_format(
        content_out,
        "{\"id\": \"bench-%u\", \"account\": \"bench\", \"category\": "
        "\"transactional\",\n \"template\": \"bench\", \"channels\": [\"%s\"],\n "
        "\"audience\": {\"snapshot\": \"%s\"}}\n",
        home->jobs, channel_name(home->channel), name);
    return rc;
}
