/* make_snapshot: a seeded snapshot of made-up customers, for benchmarks.
 *
 * The same seed and number of customers give the same file. Every customer has an email
 * address and a phone number of their own, so nobody is lost to duplicates. */
#include "base/clock.h"
#include "ingest/import/table_builder.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* The day the generated studio is looked at; bench/filter.py asks from here. */
#define TODAY_Y 2026
#define TODAY_M 11
#define TODAY_D 21

static const char *const first_names[] = {
    "Anna",      "Borja", "Chloé", "Dmitri", "Fatima", "Luca",  "Giulia", "Conan",
    "Katarzyna", "Søren", "Mei",   "Zoë",    "Thabo",  "Yusuf", "Ines"};
static const char *const last_names[] = {"Rossi",  "O'Brien", "Müller",  "Nowak",
                                         "García", "Smith",   "Bianchi", "Okafor",
                                         "Tanaka", "Dupont"};
static const char *const tags[] = {"vip",       "trial",   "lapsed",
                                   "corporate", "student", "press"};
static const char *const classes[] = {"Yoga", "Pilates", "Spin", "Boxing", "Barre"};

enum table {
    COLUMN_ID,
    COLUMN_FIRST_NAME,
    COLUMN_LAST_NAME,
    COLUMN_EMAIL,
    COLUMN_EMAIL_VERIFIED,
    COLUMN_PHONE,
    COLUMN_LOCALE,
    COLUMN_OPTOUT_MARKETING_EMAIL,
    COLUMN_OPTOUT_MARKETING_SMS,
    COLUMN_STATUS,
    COLUMN_JOINED,
    COLUMN_VISIT_COUNT,
    COLUMN_SPENT,
    COLUMN_TAGS,
    COLUMN_VISITS,
    COLUMN_TABLE_COUNT
};

static const struct column tag_child[] = {{.name = "item", .type = COLUMN_UTF8}};
static const struct column visit_fields[] = {
    {.name = "at", .type = COLUMN_TIMESTAMP, .unit = COLUMN_SECONDS, .timezone = "UTC"},
    {.name = "class_type", .type = COLUMN_UTF8},
};
static const struct column visit_child[] = {
    {.name = "item", .type = COLUMN_STRUCT, .children = visit_fields, .child_count = 2}};
static const struct column schema[COLUMN_TABLE_COUNT] = {
    [COLUMN_ID] = {.name = "id", .type = COLUMN_UTF8},
    [COLUMN_FIRST_NAME] = {.name = "first_name", .type = COLUMN_UTF8},
    [COLUMN_LAST_NAME] = {.name = "last_name", .type = COLUMN_UTF8},
    [COLUMN_EMAIL] = {.name = "email", .type = COLUMN_UTF8},
    [COLUMN_EMAIL_VERIFIED] = {.name = "email_verified", .type = COLUMN_BOOL},
    [COLUMN_PHONE] = {.name = "phone", .type = COLUMN_UTF8},
    [COLUMN_LOCALE] = {.name = "locale", .type = COLUMN_UTF8},
    [COLUMN_OPTOUT_MARKETING_EMAIL] = {.name = "optout_marketing_email",
                                       .type = COLUMN_BOOL},
    [COLUMN_OPTOUT_MARKETING_SMS] = {.name = "optout_marketing_sms", .type = COLUMN_BOOL},
    [COLUMN_STATUS] = {.name = "status", .type = COLUMN_INT64},
    [COLUMN_JOINED] = {.name = "joined", .type = COLUMN_DATE32},
    [COLUMN_VISIT_COUNT] = {.name = "visit_count", .type = COLUMN_INT64},
    [COLUMN_SPENT] = {.name = "spent", .type = COLUMN_FLOAT64},
    [COLUMN_TAGS] = {.name = "tags",
                     .type = COLUMN_LIST,
                     .children = tag_child,
                     .child_count = 1},
    [COLUMN_VISITS] = {.name = "visits",
                       .type = COLUMN_LIST,
                       .children = visit_child,
                       .child_count = 1},
};

/* SplitMix64 (Steele, Lea, Flood 2014): every step is a good 64-bit number. */
static uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static uint64_t below(uint64_t *state, uint64_t limit)
{
    return random_next(state) % limit;
}

static void add_format(struct table_column *column, const char *format, uint64_t number)
{
    char room[64];
    int bytes = snprintf(room, sizeof(room), format, number);
    table_add_text(column, (struct text){room, (size_t)bytes});
}

static void add_lists(struct table_column *const *columns, uint64_t *seed,
                      int64_t today_s)
{
    struct table_column *tag = table_child(columns[COLUMN_TAGS], 0);
    for (uint64_t i = below(seed, 4); i > 0; i--)
        table_add_text(tag, text_of(tags[below(seed, ARRAY_COUNT(tags))]));
    table_add_list(columns[COLUMN_TAGS]);

    struct table_column *visit = table_child(columns[COLUMN_VISITS], 0);
    for (uint64_t i = below(seed, 7); i > 0; i--) {
        table_add_integer(table_child(visit, 0),
                          today_s - (int64_t)below(seed, 90 * 86400));
        table_add_text(table_child(visit, 1),
                       text_of(classes[below(seed, ARRAY_COUNT(classes))]));
        table_add_struct(visit);
    }
    table_add_list(columns[COLUMN_VISITS]);
}

static void add_customer(struct table_column *const *columns, uint64_t number,
                         uint64_t *seed, int32_t today)
{
    add_format(columns[COLUMN_ID], "c%07" PRIu64, number);
    table_add_text(columns[COLUMN_FIRST_NAME],
                   text_of(first_names[below(seed, ARRAY_COUNT(first_names))]));
    table_add_text(columns[COLUMN_LAST_NAME],
                   text_of(last_names[below(seed, ARRAY_COUNT(last_names))]));
    add_format(columns[COLUMN_EMAIL], "customer%" PRIu64 "@example.com", number);
    table_add_integer(columns[COLUMN_EMAIL_VERIFIED], below(seed, 10) != 0);
    add_format(columns[COLUMN_PHONE], "+3934%08" PRIu64, number);
    table_add_text(columns[COLUMN_LOCALE], text_of(below(seed, 3) ? "en" : "en-GB"));
    table_add_integer(columns[COLUMN_OPTOUT_MARKETING_EMAIL], below(seed, 20) == 0);
    table_add_integer(columns[COLUMN_OPTOUT_MARKETING_SMS], below(seed, 20) == 0);
    table_add_integer(columns[COLUMN_STATUS], (int64_t)below(seed, 4));
    table_add_integer(columns[COLUMN_JOINED], today - (int32_t)below(seed, 2000));
    table_add_integer(columns[COLUMN_VISIT_COUNT], (int64_t)below(seed, 40));
    table_add_real(columns[COLUMN_SPENT], (double)below(seed, 100000) / 100);
    add_lists(columns, seed, (int64_t)today * 86400);
}

static int make(const char *path, uint64_t customers, uint64_t seed, struct error *err)
{
    struct table_builder *builder;
    struct table_column *columns[COLUMN_TABLE_COUNT];
    int rc = table_builder_open(path, schema, COLUMN_TABLE_COUNT, &builder, err);
    if (rc)
        return rc;
    for (size_t c = 0; c < COLUMN_TABLE_COUNT; c++)
        columns[c] = table_builder_column(builder, c);
    int32_t today = (int32_t)days_from_civil(TODAY_Y, TODAY_M, TODAY_D);
    for (uint64_t i = 0; rc == 0 && i < customers; i++) {
        add_customer(columns, i, &seed, today);
        rc = table_builder_end_row(builder, err);
    }
    int closed = table_builder_close(&builder, rc == 0, rc == 0 ? err : NULL);
    return rc ? rc : closed;
}

int main(int argc, char **argv)
{
    struct error err;
    if (argc != 4) {
        fprintf(stderr, "usage: make_snapshot FILE.arrow CUSTOMERS SEED\n");
        return 2;
    }
    if (make(argv[1], strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10), &err)) {
        fprintf(stderr, "make_snapshot: %s\n", err.text);
        return error_exit_status(err.kind);
    }
    return 0;
}
