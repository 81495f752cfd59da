/* studio: a home with one account, one template and a snapshot of customers, for tests that need a
 * whole job. */
#ifndef TESTS_ENGINE_STUDIO_H
#define TESTS_ENGINE_STUDIO_H

#include "base/buffer.h"
#include "engine/job/job.h"
#include "ingest/import/import_csv.h"
#include "tests/engine/home.h"

#include <ftw.h>

struct studio {
    char home[64];
    struct config *config;
    struct store *store;
    struct job_env env;
};

static inline void studio_must(int rc, const struct error *err)
{
    if (rc)
        fprintf(stderr, "%s\n", err->text);
    CHECK(rc == 0);
}

static inline void studio_write(const struct studio *studio, const char *name,
                                struct text content)
{
    char path[PATH_BYTES];
    struct error err;
    studio_must(path_join(path, studio->home, text_of(name), &err), &err);
    studio_must(file_write(path, content, &err), &err);
}

/* Every third has no phone, every seventh no verified email; every ninth's name makes UCS-2. */
static inline void studio_customers(struct studio *studio, unsigned count)
{
    struct buffer csv = {0};
    char from[PATH_BYTES], to[PATH_BYTES];
    struct import_report report;
    struct error err;
    buffer_text(&csv, TEXT("id,first_name,email,email_verified,phone,locale\n"));
    for (unsigned i = 1; i <= count; i++) {
        char line[256], phone[32];
        snprintf(phone, sizeof(phone), "+39333%07u", i);
        snprintf(line, sizeof(line), "c%u,%s%u,c%u@example.com,%s,%s,%s\n", i,
                 i % 9 ? "Name" : "Łukasz", i, i, i % 7 ? "true" : "false",
                 i % 3 ? phone : "", i % 2 ? "en" : "it");
        buffer_text(&csv, text_of(line));
    }
    studio_write(studio, "customers.csv", buffer_view(&csv));
    buffer_fini(&csv);
    studio_must(path_join(from, studio->home, TEXT("customers.csv"), &err), &err);
    studio_must(path_join(to, studio->home, TEXT("studio.arrow"), &err), &err);
    struct import_csv_options options = {.customers_path = from, .out_path = to};
    studio_must(import_csv(&options, &report, &err), &err);
}

static inline void studio_open(struct studio *studio, unsigned customers)
{
    static const char account[] = "{\"id\": \"studio\", \"timezone\": \"Europe/Rome\",\n"
                                  " \"tier\": \"all\",\n"
                                  " \"email_from\": \"hello@studio.example\",\n"
                                  " \"sms_from\": \"+15005550006\"}";
    struct error err;
    struct arena arena;
    struct account parsed;
    char templates[PATH_BYTES];
    *studio = (struct studio){0};
    home_make(studio->home);
    studio_must(path_join(templates, studio->home, TEXT("templates/waiver"), &err), &err);
    studio_must(file_make_dirs(templates, &err), &err);
    studio_write(studio, "templates/waiver/template.yaml",
                 TEXT("category: transactional\nvariables: {first_name: }\n"
                      "subject: {en: \"For ##{{first_name}}\"}\n"));
    studio_write(studio, "templates/waiver/sms.en.txt",
                 TEXT("Please sign, ##{{first_name}}"));
    studio_write(studio, "templates/waiver/email.en.txt",
                 TEXT("Please sign, ##{{first_name}}"));
    studio_write(
        studio, "volley.yaml",
        TEXT("providers:\n"
             "  relay: {type: smtp, url: \"smtp://127.0.0.1:9\"}\n"
             "  grid: {type: sendgrid, url: \"http://127.0.0.1:9\", api_key: x}\n"
             "  twilio: {type: twilio, url: \"http://127.0.0.1:9\",\n"
             "           account_sid: AC00000000000000000000000000000001,\n"
             "           auth_token: x, from: \"+15005550006\"}\n"
             "routes: {email: [relay], sms: [twilio]}\n"
             "tiers: {all: {segments: 100000}}\n"));
    studio_customers(studio, customers);
    studio_must(config_load(studio->home, &studio->config, &err), &err);
    studio_must(store_open(studio->home, true, &studio->store, &err), &err);
    studio_must(arena_init(&arena, 1 << 20, &err), &err);
    studio_must(account_parse(text_of(account), "account", &arena, &parsed, &err), &err);
    studio_must(account_put(studio->store, &parsed, &err), &err);
    arena_fini(&arena);
    studio->env = (struct job_env){
        .home = studio->home, .config = studio->config, .store = studio->store};
}

/* studio_job: keys is the end of a job file, after audience: `, "channels": …}`. */
static inline struct job *studio_job(struct studio *studio, const char *keys)
{
    char content[1024], path[PATH_BYTES];
    struct job *job;
    struct error err;
    snprintf(
        content, sizeof(content),
        "{\"id\": \"job\", \"account\": \"studio\", \"category\": \"transactional\",\n"
        " \"template\": \"waiver\", \"audience\": {\"snapshot\": \"studio.arrow\"}%s",
        keys);
    studio_write(studio, "job.json", text_of(content));
    studio_must(path_join(path, studio->home, TEXT("job.json"), &err), &err);
    studio_must(job_load(&studio->env, path, NULL, &job, &err), &err);
    return job;
}

static inline int studio_remove(const char *path, const struct stat *st, int type,
                                struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static inline void studio_close(struct studio *studio)
{
    store_close(&studio->store);
    config_destroy(&studio->config);
    nftw(studio->home, studio_remove, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
