#include "ingest/job_file.h"
#include "ingest/json_lines.h"

#include "base/clock.h"
#include "base/file.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>

#define WHOLE                                                                            \
    "{ \"id\": \"2026-11-21-waiver\", \"account\": \"studio-42\",\n"                     \
    "  \"category\": \"transactional\", \"source\": \"sequence\",\n"                     \
    "  \"template\": \"waiver-update\",\n"                                               \
    "  \"vars\": {\"url\": \"https://x/w/7\", \"n\": 3, \"r\": 0.1, \"b\": true, "       \
    "\"z\": null},\n"                                                                    \
    "  \"audience\": {\"snapshot\": \"snapshots/studio-42.arrow\",\n"                    \
    "               \"where\": \"tags = :t\",\n"                                         \
    "               \"params\": {\"t\": \"vip\"}},\n"                                    \
    "  \"channels\": [\"sms\", \"push\"], \"delivery\": \"first\",\n"                    \
    "  \"sms_fallback\": \"email\", \"send_at\": \"2026-11-22T09:00:00+01:00\",\n"       \
    "  \"spread_over\": \"1.5h\", \"finish_by\": \"2026-11-22T18:00:00+01:00\",\n"       \
    "  \"expires_at\": \"2026-11-23T00:00:00Z\",\n"                                      \
    "  \"quiet_hours\": {\"start\": \"21:00\", \"end\": \"08:05\"},\n"                   \
    "  \"delivery_window\": {\"end\": \"20:00\", \"days\": [\"mon\", \"sun\"]},\n"       \
    "  \"limits\": {\"max_message_rate\": \"600/min\", \"max_segments\": 20000,\n"       \
    "             \"max_recipients\": 7},\n"                                             \
    "  \"dedupe\": \"address\" }\n"

#define LEAST                                                                            \
    "{\"id\":\"a\",\"account\":\"s\",\"category\":\"marketing\",\"template\":\"t\","     \
    "\"audience\":{\"snapshot\":\"s.arrow\"},\"channels\":[\"sms\"]"

static void collect(void *arg, unsigned line, const char *sentence)
{
    buffer_format(arg, "%u: %s\n", line, sentence);
}

/* problems_of: what job_file_parse says about json, one problem a line; "" when it is
 * right. */
static void problems_of(struct text json, struct buffer *out)
{
    struct job_file job;
    struct error err;
    buffer_add(out, "", 0);
    int rc = job_file_parse(json, "job.json", collect, out, &job, &err);
    cr_assert_eq(rc, out->bytes > 0 ? -ERROR_INPUT : 0);
    if (rc == 0)
        job_file_fini(&job);
}

Test(job_file, every_key_arrives)
{
    struct job_file job;
    struct error err;
    cr_assert_eq(job_file_parse(TEXT(WHOLE), "j", NULL, NULL, &job, &err), 0, "%s",
                 err.text);
    cr_expect(text_is(job.id, "2026-11-21-waiver"));
    cr_expect(text_is(job.account, "studio-42"));
    cr_expect_eq(job.category, CATEGORY_TRANSACTIONAL);
    cr_expect_eq(job.source, JOB_SEQUENCE);
    cr_expect(text_is(job.template_name, "waiver-update"));
    static const struct job_pair vars[] = {
        {{"url", 3}, {"https://x/w/7", 13}, JOB_TEXT},
        {{"n", 1}, {"3", 1}, JOB_INTEGER},
        {{"r", 1}, {"0.1", 3}, JOB_REAL},
        {{"b", 1}, {"true", 4}, JOB_BOOL},
        {{"z", 1}, {NULL, 0}, JOB_NULL},
    };
    cr_assert_eq(job.var_count, ARRAY_COUNT(vars));
    for (size_t i = 0; i < job.var_count; i++) {
        cr_expect(text_equal(job.vars[i].name, vars[i].name));
        cr_expect(text_equal(job.vars[i].value, vars[i].value), "%zu", i);
        cr_expect_eq(job.vars[i].kind, vars[i].kind);
    }
    cr_expect_null(job.vars[4].value.data);
    cr_expect(text_is(job.audience.snapshot, "snapshots/studio-42.arrow"));
    cr_expect(text_is(job.audience.where, "tags = :t"));
    cr_expect_eq(job.audience.where_line, 6u);
    cr_expect_null(job.audience.saved.data);
    cr_assert_eq(job.audience.param_count, 1u);
    cr_expect(text_is(job.audience.params[0].value, "vip"));
    cr_assert_eq(job.channel_count, 2u);
    cr_expect(job.channels[0] == CHANNEL_SMS && job.channels[1] == CHANNEL_PUSH);
    cr_expect_eq(job.delivery, JOB_DELIVER_FIRST);
    cr_expect(job.sms_fallback_email);
    int64_t ns;
    bool offset;
    cr_assert_eq(clock_parse(TEXT("2026-11-22T08:00:00Z"), &ns, &offset), 0);
    cr_expect_eq(job.send_at_ns, ns);
    cr_expect_eq(job.expires_at_ns, ns + 16 * 3600 * NS_PER_S);
    cr_expect_eq(job.finish_by_ns, ns + 9 * 3600 * NS_PER_S);
    cr_expect_eq(job.spread_over_ns, 90 * 60 * NS_PER_S);
    cr_expect(job.quiet_hours.quiet && job.quiet_hours.days == HOURS_EVERY_DAY);
    cr_expect_eq(job.quiet_hours.start_min, 21 * 60);
    cr_expect_eq(job.quiet_hours.end_min, 8 * 60 + 5);
    cr_expect(!job.delivery_window.quiet && job.delivery_window.days == 0x41);
    cr_expect_eq(job.delivery_window.start_min, 0);
    cr_expect_eq(job.delivery_window.end_min, 20 * 60);
    cr_expect_float_eq(job.max_message_rate_per_s, 10, 1e-9);
    cr_expect_eq(job.max_segments, 20000u);
    cr_expect_eq(job.max_recipients, 7u);
    cr_expect(job.dedupe_address);
    job_file_fini(&job);
}

Test(job_file, what_is_left_out_has_its_default)
{
    struct job_file job;
    cr_assert_eq(
        job_file_parse(TEXT("\xEF\xBB\xBF" LEAST "}"), "j", NULL, NULL, &job, NULL), 0);
    cr_expect_eq(job.source, JOB_CAMPAIGN);
    cr_expect_eq(job.delivery, JOB_DELIVER_ALL);
    cr_expect(!job.sms_fallback_email && !job.dedupe_address);
    cr_expect(job.send_at_ns == 0 && job.expires_at_ns == 0);
    cr_expect(job.finish_by_ns == 0 && job.spread_over_ns == 0);
    cr_expect(job.quiet_hours.days == 0 && job.delivery_window.days == 0);
    cr_expect(job.max_segments == 0 && job.max_recipients == 0);
    cr_expect(job.max_message_rate_per_s == 0.0);
    cr_expect_null(job.audience.where.data);
    cr_expect_null(job.audience.recipients);
    job_file_fini(&job);
}

Test(job_file, recipients_are_texts_or_numbers)
{
    struct job_file job;
    static const char json[] =
        "{\"id\":\"a\",\"account\":\"s\",\"category\":\"manual\",\"template\":\"t\","
        "\"audience\":{\"snapshot\":\"s.arrow\",\"recipients\":[\"c1\",42]},"
        "\"channels\":[\"email\"]}";
    cr_assert_eq(job_file_parse(text_of(json), "j", NULL, NULL, &job, NULL), 0);
    cr_assert_eq(job.audience.recipient_count, 2u);
    cr_expect(text_is(job.audience.recipients[0], "c1"));
    cr_expect(text_is(job.audience.recipients[1], "42"));
    job_file_fini(&job);
}

Test(job_file, priority_follows_the_category_unless_it_is_said)
{
    static const struct {
        const char *category, *key;
        enum priority expected;
    } cases[] = {
        {"transactional", "", PRIORITY_HIGH},
        {"manual", "", PRIORITY_HIGH},
        {"marketing", "", PRIORITY_NORMAL},
        {"marketing", "\"priority\":\"high\",", PRIORITY_HIGH},
        {"marketing", "\"priority\":\"low\",", PRIORITY_LOW},
        {"transactional", "\"priority\":\"low\",", PRIORITY_LOW},
        {"manual", "\"priority\":\"normal\",", PRIORITY_NORMAL},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct job_file job;
        struct buffer json = {0};
        buffer_format(&json,
                      "{%s\"id\":\"a\",\"account\":\"s\",\"category\":\"%s\","
                      "\"template\":\"t\",\"audience\":{\"snapshot\":\"s.arrow\"},"
                      "\"channels\":[\"sms\"]}",
                      cases[i].key, cases[i].category);
        cr_assert_eq(job_file_parse(buffer_view(&json), "j", NULL, NULL, &job, NULL), 0);
        cr_expect_eq(job.priority, cases[i].expected, "case %zu", i);
        job_file_fini(&job);
        buffer_fini(&json);
    }
}

Test(job_file, each_problem_is_named)
{
    static const struct {
        const char *rest, *expected; /* behind the least job; part of what is said */
    } cases[] = {
        {",\n\"chanels\":[]}", "2: unknown key \"chanels\" (did you mean \"channels\"?)"},
        {",\n\"source\":\"marketing\"}",
         "2: \"source\" must be \"campaign\", \"sequence\" or \"manual\""},
        {",\n\"delivery\":\"frist\"}", "(did you mean \"first\"?)"},
        {",\n\"delivery\":1}", "2: \"delivery\" must be \"all\" or \"first\""},
        {",\n\"sms_fallback\":\"push\"}", "2: \"sms_fallback\" must be \"email\""},
        {",\n\"dedupe\":true}", "2: \"dedupe\" must be \"none\" or \"address\""},
        {",\n\"send_at\":\"2026-11-22T09:00:00\"}", "2: \"send_at\" has no offset"},
        {",\n\"send_at\":\"tomorrow\"}", "2: \"send_at\" must be a time like"},
        {",\n\"send_at\":\"1960-11-22T09:00:00Z\"}",
         "2: \"send_at\" must be later than 1970"},
        {",\n\"expires_at\":\"2026-11-22T09:00:00Z\",\n\"send_at\":\"2026-11-22T09:00:"
         "00Z\"}",
         "3: \"expires_at\" must be later than \"send_at\""},
        {",\n\"finish_by\":\"2026-11-22T09:00:00Z\",\n\"send_at\":\"2026-11-22T09:00:"
         "00Z\"}",
         "3: \"finish_by\" must be later than \"send_at\""},
        {",\n\"expires_at\":\"2026-11-22T09:00:00Z\",\n\"finish_by\":\"2026-11-22T09:00:"
         "01Z\"}",
         "3: \"finish_by\" must not be later than \"expires_at\""},
        {",\n\"finish_by\":\"18:00\"}", "2: \"finish_by\" must be a time like"},
        {",\n\"spread_over\":\"0.9s\"}", "2: \"spread_over\" must be a duration like"},
        {",\n\"spread_over\":\"31d\"}", "2: \"spread_over\" must be a duration"},
        {",\n\"spread_over\":7200}", "2: \"spread_over\" must be a duration"},
        {",\n\"quiet_hours\":{\"start\":\"24:00\",\n\"end\":\"8:00\"}}",
         "2: \"start\" must be a time of day like \"21:00\"\n3: \"end\" must be"},
        {",\n\"quiet_hours\":{\"start\":\"20:00\"}}",
         "2: \"quiet_hours\" needs the key \"end\""},
        {",\"quiet_hours\":{\"start\":\"20:00\",\"end\":\"20:00\"}}", "at the same time"},
        {",\n\"delivery_window\":{\"start\":\"00:00\",\"end\":\"00:00\"}}",
         "2: \"delivery_window\" start and end at the same time"},
        {",\n\"delivery_window\":{\"days\":[]}}", "2: \"days\" must be a list"},
        {",\"delivery_window\":{\"days\":[\"mon\",\n\"tues\"]}}",
         "2: \"days\" must be \"mon\""},
        {",\"quiet_hours\":{\"start\":\"20:00\",\"end\":\"09:00\"},\n"
         "\"delivery_window\":{\"start\":\"07:00\",\"end\":\"09:00\"}}",
         "2: \"delivery_window\" lies in the \"quiet_hours\""},
        {",\n\"limits\":{\"max_message_rate\":500}}",
         "2: \"max_message_rate\" must be a rate"},
        {",\n\"limits\":{\"max_message_rate\":\"500\"}}", "must be a rate like"},
        {",\"limits\":{\n\"max_segments\":0}}",
         "2: \"max_segments\" must be a whole number"},
        {",\"limits\":{\n\n\"max_recipients\":1.5}}", "3: \"max_recipients\" must be"},
        {",\"limits\":{\"max_recipient\":1}}", "(did you mean \"max_recipients\"?)"},
        {",\"limits\":[]}", "\"limits\" must be an object"},
        {",\"auto_hold\":{\"failure_rate\":10}}",
         "\"failure_rate\" must be a share like \"10%\""},
        {",\"auto_hold\":{\"canary_share\":\"101%\"}}", "must be a share"},
        {",\"auto_hold\":{\"enabled\":\"no\"}}", "must be true or false"},
        {",\"auto_hold\":{\"canary\":0}}", "\"canary\" must be"},
        {",\"auto_hold\":{\"window\":1000001}}", "counts up to 1000000 messages"},
        {",\"auto_hold\":{\"wait\":\"2h\"}}", "up to an hour"},
        {",\"auto_hold\":{\"canery\":5}}", "(did you mean \"canary\"?)"},
        {",\"resend\":{\"job\":\"a/b\",\"only\":\"failed\"}}", "letters, digits"},
        {",\"resend\":{\"job\":\"a\"}}", "\"only\""},
        {",\"resend\":{\"job\":\"a\",\"only\":\"faild\"}}", "(did you mean \"failed\"?)"},
        {",\n\"vars\":{\"a\":1,\n\"b\":[1]}}", "3: \"b\" in \"vars\" must be a text"},
        {",\"vars\":{\"\":1}}", "a name in \"vars\" must have 1 to 128 bytes"},
        {",\"vars\":7}", "\"vars\" must be an object"},
        {",\n\"id\":\"b\"}", "2: a key stands twice in one object"},
        {",\n\"vars\":{\"a\":\"\\u0000\"}}", "2: this is not valid JSON"},
        {",\n\"vars\":{\"a\":\"\xC3\"}}", "this is not valid JSON"},
        {",\n", "this is not valid JSON"},
        {"} x", "this is not valid JSON"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct buffer json = {0}, said = {0};
        buffer_format(&json, "%s%s", LEAST, cases[i].rest);
        problems_of(buffer_view(&json), &said);
        cr_expect(strstr(said.data, cases[i].expected), "%s\n→ %s", cases[i].rest,
                  said.data);
        buffer_fini(&json);
        buffer_fini(&said);
    }
}

Test(job_file, names_and_audiences_are_checked)
{
    static const struct {
        const char *id, *template_name, *audience, *channels, *expected;
    } cases[] = {
        {"../x", "t", "{\"snapshot\":\"s\"}", "[\"sms\"]", "\"id\" may have only"},
        {"", "t", "{\"snapshot\":\"s\"}", "[\"sms\"]", "\"id\" is empty"},
        {"a", "t/u", "{\"snapshot\":\"s\"}", "[\"sms\"]", "\"template\" may have only"},
        {"a", "t", "{\"snapshot\":\"../s\"}", "[\"sms\"]", "a path inside the home"},
        {"a", "t", "{\"snapshot\":\"/s\"}", "[\"sms\"]", "a path inside the home"},
        {"a", "t", "{}", "[\"sms\"]", "\"audience\" needs the key \"snapshot\""},
        {"a", "t", "[]", "[\"sms\"]", "\"audience\" must be an object"},
        {"a", "t", "{\"snapshot\":\"s\",\"where\":\"x\",\"saved\":\"y\"}", "[\"sms\"]",
         "takes one of"},
        {"a", "t", "{\"snapshot\":\"s\",\"where\":\"x\",\"recipients\":[\"y\"]}",
         "[\"sms\"]", "takes one of"},
        {"a", "t", "{\"snapshot\":\"s\",\"recipients\":[]}", "[\"sms\"]",
         "at least one customer"},
        {"a", "t", "{\"snapshot\":\"s\",\"recipients\":[\"a\",null]}", "[\"sms\"]",
         "must be a list of customer ids"},
        {"a", "t", "{\"snapshot\":\"s\",\"recipients\":[\"a\\nb\"]}", "[\"sms\"]",
         "control character"},
        {"a", "t", "{\"snapshot\":\"s\",\"params\":{\"a\":1}}", "[\"sms\"]",
         "\"params\" needs"},
        {"a", "t", "{\"snapshot\":\"s\"}", "[]", "at least one channel"},
        {"a", "t", "{\"snapshot\":\"s\"}", "\"sms\"", "at least one channel"},
        {"a", "t", "{\"snapshot\":\"s\"}", "[\"sms\",\"email\",\"sms\"]",
         "names \"sms\" twice"},
        {"a", "t", "{\"snapshot\":\"s\"}", "[\"smss\"]", "(did you mean \"sms\"?)"},
        {"a", "t", "{\"snapshot\":\"s\",\"saved\":\"y\",\"params\":{\"a\":1}}",
         "[\"sms\"]", ""},
        {"a", "t", "{\"snapshot\":\"s\",\"params\":{}}", "[\"sms\"]", ""},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct buffer json = {0}, said = {0};
        buffer_format(&json,
                      "{\"id\":\"%s\",\"account\":\"s\",\"category\":\"marketing\","
                      "\"template\":\"%s\",\"audience\":%s,\"channels\":%s}",
                      cases[i].id, cases[i].template_name, cases[i].audience,
                      cases[i].channels);
        problems_of(buffer_view(&json), &said);
        cr_expect(strstr(said.data, cases[i].expected), "%s\n→ %s", json.data, said.data);
        cr_expect_eq(said.bytes == 0, cases[i].expected[0] == '\0', "%s", said.data);
        buffer_fini(&json);
        buffer_fini(&said);
    }
}

Test(job_file, all_problems_are_told_and_the_first_is_the_error)
{
    struct job_file job;
    struct error err;
    struct buffer said = {0};
    cr_expect_lt(job_file_parse(TEXT("{\n\"id\": 7,\n\"acount\": \"x\"}"), "jobs/a.json",
                                collect, &said, &job, &err),
                 0);
    cr_expect_str_eq(err.text, "jobs/a.json:2: \"id\" must be a text in quotes");
    cr_expect_eq(err.kind, ERROR_INPUT);
    static const char *const expected[] = {
        "2: \"id\" must be",
        "3: unknown key \"acount\" (did you mean \"account\"?)",
        "1: a job needs the key \"account\"",
        "needs the key \"category\"",
        "needs the key \"template\"",
        "needs the key \"audience\"",
        "needs the key \"channels\""};
    for (size_t i = 0; i < ARRAY_COUNT(expected); i++)
        cr_expect(strstr(said.data, expected[i]), "%s in\n%s", expected[i], said.data);
    buffer_fini(&said);
}

Test(job_file, a_file_full_of_problems_ends_early)
{
    struct buffer json = {0}, said = {0};
    buffer_string(&json, "{");
    for (int i = 0; i < 20000; i++)
        buffer_format(&json, "\"k%d\": 1,\n", i);
    buffer_string(&json, "\"z\": 1}");
    problems_of(buffer_view(&json), &said);
    cr_expect(strstr(said.data, "too many problems"));
    cr_expect_lt(said.bytes, 10000u);
    buffer_fini(&json);
    buffer_fini(&said);
}

Test(job_file, lines_of_places)
{
    static const char json[] =
        "\n{\"a\\\"}\": [1,\n 2,\n {\"b\"\n: \"x,]\",\n \"c\": {}}],\n\"d\":\n 4}";
    static const struct {
        size_t path[3], depth;
        unsigned line;
    } cases[] = {{{0}, 0, 2},    {{0}, 1, 2},       {{0, 0}, 2, 2},    {{0, 1}, 2, 3},
                 {{0, 2}, 2, 4}, {{0, 2, 0}, 3, 4}, {{0, 2, 1}, 3, 6}, {{1}, 1, 7}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        cr_expect_eq(json_line(text_of(json), cases[i].path, cases[i].depth),
                     cases[i].line, "case %zu: %u", i,
                     json_line(text_of(json), cases[i].path, cases[i].depth));
}

/* schema_agrees: an object of the schema lists the keys the parser knows, and requires
 * the same: a key of the schema alone is never "unknown"; one that is required is missed.
 */
static void schema_agrees(const json_t *schema, const char *before, const char *after)
{
    const char *key;
    json_t *property;
    size_t index;
    cr_expect(json_is_false(json_object_get(schema, "additionalProperties")));
    json_object_foreach(json_object_get(schema, "properties"), key, property)
    {
        struct buffer json = {0}, said = {0};
        buffer_format(&json, "%s\"%s\": [[]]%s", before, key, after);
        problems_of(buffer_view(&json), &said);
        cr_expect_not(strstr(said.data, "unknown key"), "%s", said.data);
        cr_expect(json_string_length(json_object_get(property, "description")) > 20, "%s",
                  key);
        buffer_fini(&json);
        buffer_fini(&said);
    }
    struct buffer json = {0}, said = {0};
    buffer_format(&json, "%s%s", before, after);
    problems_of(buffer_view(&json), &said);
    json_array_foreach(json_object_get(schema, "required"), index, property)
    {
        char expected[100];
        snprintf(expected, sizeof(expected), "needs the key \"%s\"",
                 json_string_value(property));
        cr_expect(strstr(said.data, expected), "%s", expected);
    }
    buffer_fini(&json);
    buffer_fini(&said);
}

Test(job_file, the_schema_and_the_parser_know_the_same_keys)
{
    json_t *schema = json_load_file("docs/job.schema.json", 0, NULL);
    cr_assert_not_null(schema);
    schema_agrees(schema, "{", "}");
    json_t *properties = json_object_get(schema, "properties");
    static const char *const objects[] = {"audience", "quiet_hours", "delivery_window",
                                          "limits",   "auto_hold",   "resend"};
    for (size_t i = 0; i < ARRAY_COUNT(objects); i++) {
        char before[40];
        snprintf(before, sizeof(before), "{\"%s\": {", objects[i]);
        schema_agrees(json_object_get(properties, objects[i]), before, "}}");
    }
    json_t *whole = json_loads(WHOLE, 0, NULL);
    const char *key;
    json_t *value;
    json_object_foreach(whole, key, value)
        cr_expect_not_null(json_object_get(properties, key), "%s", key);
    json_decref(whole);
    json_decref(schema);
}
