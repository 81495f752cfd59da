/* job_file: see job_file.h. A table of keys per object says which function reads which
 * key; the reader reports each problem with its line and goes on.
 * docs/job.schema.json says the same for other programs; a test holds the two together.
 */
#include "ingest/job_file_parts.h"

#include "base/file.h"
#include "base/units.h"

#define CONTENT_BYTES_MAX ((size_t)64 << 20)

static void read_safe_name(struct json_reader *reader, const char *key,
                           const json_t *value, struct text *out)
{
    if (json_reader_text(reader, key, value, JSON_READER_NAME_BYTES_MAX, out) &&
        !name_is_safe(*out))
        json_reader_problem(
            reader,
            "\"%s\" may have only letters, digits, `.`, `_` and `-`, and not start "
            "with `.`",
            key);
}

static void read_id(struct json_reader *reader, const char *key, const json_t *value)
{
    read_safe_name(reader, key, value, &job_of(reader)->id);
}

static void read_account(struct json_reader *reader, const char *key, const json_t *value)
{
    json_reader_plain(reader, key, value, &job_of(reader)->account);
}

static void read_template(struct json_reader *reader, const char *key,
                          const json_t *value)
{
    read_safe_name(reader, key, value, &job_of(reader)->template_name);
}

static void read_category(struct json_reader *reader, const char *key,
                          const json_t *value)
{
    const char *names[CATEGORY_COUNT];
    for (int i = 0; i < CATEGORY_COUNT; i++)
        names[i] = category_name((enum category)i);
    int choice = json_reader_choice(reader, key, value, names, CATEGORY_COUNT);
    if (choice >= 0)
        job_of(reader)->category = (enum category)choice;
}

static void read_source(struct json_reader *reader, const char *key, const json_t *value)
{
    static const char *const names[] = {[JOB_CAMPAIGN] = "campaign",
                                        [JOB_SEQUENCE] = "sequence",
                                        [JOB_MANUAL] = "manual"};
    int choice = json_reader_choice(reader, key, value, names, ARRAY_COUNT(names));
    if (choice >= 0)
        job_of(reader)->source = (enum job_source)choice;
}

static void read_priority(struct json_reader *reader, const char *key,
                          const json_t *value)
{
    const char *names[PRIORITY_COUNT];
    for (int i = 0; i < PRIORITY_COUNT; i++)
        names[i] = priority_name((enum priority)i);
    int choice = json_reader_choice(reader, key, value, names, PRIORITY_COUNT);
    if (choice >= 0)
        job_of(reader)->priority = (enum priority)choice;
}

static void read_vars(struct json_reader *reader, const char *key, const json_t *value)
{
    job_file_pairs(reader, key, value, &job_of(reader)->vars, &job_of(reader)->var_count);
}

static void read_channel(struct json_reader *reader, const char *key, const json_t *value)
{
    const char *names[CHANNEL_COUNT];
    for (int i = 0; i < CHANNEL_COUNT; i++)
        names[i] = channel_name((enum channel)i);
    int choice = json_reader_choice(reader, key, value, names, CHANNEL_COUNT);
    if (choice < 0)
        return;
    struct job_file *job = job_of(reader);
    for (size_t i = 0; i < job->channel_count; i++) {
        if (job->channels[i] == (enum channel)choice) {
            json_reader_problem(reader, "\"%s\" names \"%s\" twice", key, names[choice]);
            return;
        }
    }
    job->channels[job->channel_count++] = (enum channel)choice;
}

static void read_channels(struct json_reader *reader, const char *key,
                          const json_t *value)
{
    size_t count = json_array_size(value);
    if (!json_is_array(value) || count == 0)
        json_reader_problem(
            reader, "\"%s\" must be a list of at least one channel, like [\"sms\"]", key);
    reader->depth++;
    for (size_t i = 0; i < count; i++) {
        reader->path[reader->depth - 1] = i;
        read_channel(reader, key, json_array_get(value, i));
    }
    reader->depth--;
}

static void read_delivery(struct json_reader *reader, const char *key,
                          const json_t *value)
{
    static const char *const names[] = {
        [JOB_DELIVER_ALL] = "all", [JOB_DELIVER_FIRST] = "first"};
    int choice = json_reader_choice(reader, key, value, names, ARRAY_COUNT(names));
    if (choice >= 0)
        job_of(reader)->delivery = (enum job_delivery)choice;
}

static void read_sms_fallback(struct json_reader *reader, const char *key,
                              const json_t *value)
{
    static const char *const names[] = {"email"};
    job_of(reader)->sms_fallback_email =
        json_reader_choice(reader, key, value, names, ARRAY_COUNT(names)) == 0;
}

/* --- the hours in which messages may go out ----------------------------------------- */

static void read_quiet_start(struct json_reader *reader, const char *key,
                             const json_t *value)
{
    json_reader_minutes(reader, key, value, &job_of(reader)->quiet_hours.start_min);
}

static void read_quiet_end(struct json_reader *reader, const char *key,
                           const json_t *value)
{
    json_reader_minutes(reader, key, value, &job_of(reader)->quiet_hours.end_min);
}

/* check_hours: called behind each of the two keys. */
static void check_hours(struct json_reader *reader, const char *key,
                        const struct hours_rule *rule)
{
    const struct job_file *job = job_of(reader);
    struct hours both = {0};
    if (rule->start_min == rule->end_min)
        json_reader_problem(reader,
                            "\"%s\" start and end at the same time; leave the key out "
                            "for no limit",
                            key);
    if (reader->problems || !job->quiet_hours.days || !job->delivery_window.days)
        return;
    hours_add(&both, &job->quiet_hours);
    hours_add(&both, &job->delivery_window);
    if (!hours_ever(&both))
        json_reader_problem(reader,
                            "\"delivery_window\" lies in the \"quiet_hours\": nothing "
                            "could ever go out");
}

static void read_quiet_hours(struct json_reader *reader, const char *key,
                             const json_t *value)
{
    static const struct json_key keys[] = {{"start", true, read_quiet_start},
                                           {"end", true, read_quiet_end}};
    struct hours_rule *quiet = &job_of(reader)->quiet_hours;
    *quiet = (struct hours_rule){
        .start_min = -1, .end_min = -2, .days = HOURS_EVERY_DAY, .quiet = true};
    json_reader_object(reader, "\"quiet_hours\"", value, keys, ARRAY_COUNT(keys));
    check_hours(reader, key, quiet);
}

static void read_window_start(struct json_reader *reader, const char *key,
                              const json_t *value)
{
    json_reader_minutes(reader, key, value, &job_of(reader)->delivery_window.start_min);
}

static void read_window_end(struct json_reader *reader, const char *key,
                            const json_t *value)
{
    json_reader_minutes(reader, key, value, &job_of(reader)->delivery_window.end_min);
}

static void read_days(struct json_reader *reader, const char *key, const json_t *value)
{
    static const char *const names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    unsigned days = 0;
    size_t count = json_array_size(value);
    reader->depth++;
    for (size_t i = 0; i < count; i++) {
        reader->path[reader->depth - 1] = i;
        int day = json_reader_choice(reader, key, json_array_get(value, i), names,
                                     ARRAY_COUNT(names));
        days |= day >= 0 ? 1u << day : 0;
    }
    reader->depth--;
    if (!json_is_array(value) || count == 0)
        json_reader_problem(
            reader, "\"%s\" must be a list of at least one day, like [\"mon\"]", key);
    job_of(reader)->delivery_window.days = (uint8_t)days;
}

static void read_delivery_window(struct json_reader *reader, const char *key,
                                 const json_t *value)
{
    static const struct json_key keys[] = {{"start", false, read_window_start},
                                           {"end", false, read_window_end},
                                           {"days", false, read_days}};
    struct hours_rule *window = &job_of(reader)->delivery_window;
    *window = (struct hours_rule){.end_min = HOURS_DAY_MIN, .days = HOURS_EVERY_DAY};
    json_reader_object(reader, "\"delivery_window\"", value, keys, ARRAY_COUNT(keys));
    check_hours(reader, key, window);
}

/* --- limits ------------------------------------------------------------------------- */

static void read_rate(struct json_reader *reader, const char *key, const json_t *value)
{
    if (!json_is_string(value) ||
        units_rate(json_text(value), &job_of(reader)->max_message_rate_per_s))
        json_reader_problem(reader,
                            "\"%s\" must be a rate like \"500/s\" or \"1000/hr\", up to "
                            "10000000/s",
                            key);
}

static void read_max_segments(struct json_reader *reader, const char *key,
                              const json_t *value)
{
    json_reader_count(reader, key, value, &job_of(reader)->max_segments);
}

static void read_max_recipients(struct json_reader *reader, const char *key,
                                const json_t *value)
{
    json_reader_count(reader, key, value, &job_of(reader)->max_recipients);
}

static void read_limits(struct json_reader *reader, const char *key, const json_t *value)
{
    static const struct json_key keys[] = {
        {"max_message_rate", false, read_rate},
        {"max_segments", false, read_max_segments},
        {"max_recipients", false, read_max_recipients}};
    (void)key;
    json_reader_object(reader, "\"limits\"", value, keys, ARRAY_COUNT(keys));
}

static void read_dedupe(struct json_reader *reader, const char *key, const json_t *value)
{
    static const char *const names[] = {"none", "address"};
    job_of(reader)->dedupe_address =
        json_reader_choice(reader, key, value, names, ARRAY_COUNT(names)) == 1;
}

/* --- resend: what another job left undone -------------------------------------------- */

static const char *const resend_names[] = {[RESEND_FAILED] = "failed",
                                           [RESEND_UNKNOWN] = "unknown",
                                           [RESEND_UNSENT] = "unsent",
                                           [RESEND_QUOTA] = "quota"};

const char *resend_only_name(enum resend_only only)
{
    return resend_names[only];
}

int resend_only_parse(struct text name)
{
    for (size_t i = 0; i < ARRAY_COUNT(resend_names); i++) {
        if (text_is(name, resend_names[i]))
            return (int)i;
    }
    return -1;
}

static void read_resend_job(struct json_reader *reader, const char *key,
                            const json_t *value)
{
    read_safe_name(reader, key, value, &job_of(reader)->resend.job);
}

static void read_resend_only(struct json_reader *reader, const char *key,
                             const json_t *value)
{
    int choice =
        json_reader_choice(reader, key, value, resend_names, ARRAY_COUNT(resend_names));
    if (choice >= 0)
        job_of(reader)->resend.only = (enum resend_only)choice;
}

static void read_resend_text(struct json_reader *reader, const char *key,
                             const json_t *value)
{
    static const char *const names[] = {"frozen", "new"};
    job_of(reader)->resend.new_text =
        json_reader_choice(reader, key, value, names, ARRAY_COUNT(names)) == 1;
}

static void read_resend(struct json_reader *reader, const char *key, const json_t *value)
{
    static const struct json_key keys[] = {{"job", true, read_resend_job},
                                           {"only", true, read_resend_only},
                                           {"text", false, read_resend_text}};
    (void)key;
    json_reader_object(reader, "\"resend\"", value, keys, ARRAY_COUNT(keys));
}

static const struct json_key job_keys[] = {
    {"id", true, read_id},
    {"account", true, read_account},
    {"category", true, read_category},
    {"source", false, read_source},
    {"priority", false, read_priority},
    {"template", true, read_template},
    {"vars", false, read_vars},
    {"audience", true, job_file_audience},
    {"channels", true, read_channels},
    {"delivery", false, read_delivery},
    {"sms_fallback", false, read_sms_fallback},
    {"send_at", false, job_file_send_at},
    {"spread_over", false, job_file_spread_over},
    {"finish_by", false, job_file_finish_by},
    {"expires_at", false, job_file_expires_at},
    {"quiet_hours", false, read_quiet_hours},
    {"delivery_window", false, read_delivery_window},
    {"limits", false, read_limits},
    {"dedupe", false, read_dedupe},
    {"auto_hold", false, job_file_auto_hold},
    {"resend", false, read_resend},
};

static void parse(struct json_reader *reader)
{
    if (reader->content.bytes > CONTENT_BYTES_MAX) {
        json_reader_report(reader, 0, "a job file may have up to 64 MiB");
        return;
    }
    json_t *root = json_reader_parse(reader);
    if (!root)
        return;
    json_reader_object(reader, "a job", root, job_keys, ARRAY_COUNT(job_keys));
    /* Somebody waits for a message of these; marketing can wait for them. */
    if (!json_object_get(root, "priority") &&
        job_of(reader)->category != CATEGORY_MARKETING)
        job_of(reader)->priority = PRIORITY_HIGH;
    json_decref(root);
    if (arena_overflowed(reader->arena))
        json_reader_report(reader, 0, "the job has too many values for its size");
}

int job_file_parse(struct text content, const char *name, job_problem_fn *problem_fn,
                   void *arg, struct job_file *out, struct error *err)
{
    /* RFC 8259, 8.1: a parser may ignore a byte order mark; Windows editors write one. */
    if (content.bytes >= 3 && memcmp(content.data, "\xEF\xBB\xBF", 3) == 0)
        content = (struct text){content.data + 3, content.bytes - 3};
    *out = (struct job_file){
        .priority = PRIORITY_NORMAL,
        .auto_hold = {
            .enabled = -1, .canary_share = -1, .failure_rate = -1, .wait_ns = -1}};
    struct json_reader reader = {.content = content,
                                 .name = name,
                                 .problem_fn = problem_fn,
                                 .arg = arg,
                                 .err = err,
                                 .arena = &out->arena,
                                 .target = out};
    /* The most that a byte becomes is 9, for `1,` in recipients: a text and its copy. */
    size_t parsed = content.bytes <= CONTENT_BYTES_MAX ? content.bytes : 0;
    int rc = arena_init(&out->arena, 16 * parsed + 65536, err);
    if (rc)
        return rc;
    parse(&reader);
    if (reader.problems == 0)
        return 0;
    job_file_fini(out);
    return -ERROR_INPUT;
}

void job_file_fini(struct job_file *job)
{
    arena_fini(&job->arena);
    *job = (struct job_file){0};
}
