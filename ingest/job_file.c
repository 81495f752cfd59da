/* job_file: see job_file.h. A table of keys per object says which function reads which
 * key; the reader reports each problem with its line and goes on.
 * docs/job.schema.json says the same for other programs; a test holds the two together.
 */
#include "ingest/job_file.h"

#include "base/file.h"
#include "base/units.h"
#include "ingest/json_lines.h"
#include "ingest/json_reader.h"

#include <stdio.h>
#include <stdlib.h>

#define CONTENT_BYTES_MAX ((size_t)64 << 20)
#define WAIT_MAX_NS       (3600 * (int64_t)1000000000)
#define HOLD_MESSAGES_MAX 1000000

static const char *const priorities[JOB_PRIORITY_COUNT] = {
    [JOB_PRIORITY_HIGH] = "high",
    [JOB_PRIORITY_NORMAL] = "normal",
    [JOB_PRIORITY_LOW] = "low",
};

const char *job_priority_name(enum job_priority priority)
{
    CHECK(priority < JOB_PRIORITY_COUNT);
    return priorities[priority];
}

static struct job_file *job_of(struct json_reader *reader)
{
    return reader->target;
}

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

/* format_real: the shortest digits that read back as the same number. */
static struct text format_real(struct arena *arena, double real)
{
    char digits[32];
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(digits, sizeof(digits), "%.*g", precision, real);
        if (strtod(digits, NULL) == real)
            break;
    }
    return arena_text(arena, text_of(digits));
}

static bool read_scalar(struct arena *arena, const json_t *value, struct job_pair *out)
{
    switch (json_typeof(value)) {
    case JSON_STRING:
        out->kind = JOB_TEXT;
        out->value = arena_text(arena, json_text(value));
        return json_string_length(value) <= JSON_READER_TEXT_BYTES_MAX;
    case JSON_INTEGER:
        out->kind = JOB_INTEGER;
        out->value = arena_format(arena, "%lld", json_integer_value(value));
        return true;
    case JSON_REAL:
        out->kind = JOB_REAL;
        out->value = format_real(arena, json_real_value(value));
        return true;
    case JSON_TRUE:
    case JSON_FALSE:
        out->kind = JOB_BOOL;
        out->value = json_is_true(value) ? TEXT("true") : TEXT("false");
        return true;
    case JSON_NULL:
        out->kind = JOB_NULL;
        out->value = TEXT_NONE;
        return true;
    default:
        return false;
    }
}

static void read_pairs(struct json_reader *reader, const char *key, const json_t *value,
                       struct job_pair **pairs_out, size_t *count_out)
{
    if (!json_is_object(value)) {
        json_reader_problem(reader, "\"%s\" must be an object of names and values", key);
        return;
    }
    struct arena *arena = reader->arena;
    struct job_pair *pairs =
        arena_zalloc(arena, json_object_size(value) * sizeof(struct job_pair));
    if (!pairs)
        return;
    size_t count = 0;
    const char *name;
    json_t *member;
    reader->path[reader->depth++] = 0;
    json_object_foreach((json_t *)value, name, member)
    {
        struct text t = text_of(name);
        if (t.bytes == 0 || t.bytes > JSON_READER_NAME_BYTES_MAX || !text_is_plain(t))
            json_reader_problem(
                reader,
                "a name in \"%s\" must have 1 to %d bytes, none of them control "
                "characters",
                key, JSON_READER_NAME_BYTES_MAX);
        pairs[count].name = arena_text(arena, t);
        if (!read_scalar(arena, member, &pairs[count++]))
            json_reader_problem(
                reader,
                "\"%.100s\" in \"%s\" must be a text of up to %d bytes, a number, "
                "true, false or null",
                name, key, JSON_READER_TEXT_BYTES_MAX);
        reader->path[reader->depth - 1]++;
    }
    reader->depth--;
    *pairs_out = pairs;
    *count_out = count;
}

/* --- audience ----------------------------------------------------------------------- */

static void read_snapshot(struct json_reader *reader, const char *key,
                          const json_t *value)
{
    struct text *out = &job_of(reader)->audience.snapshot;
    if (json_reader_text(reader, key, value, PATH_BYTES - 1, out) &&
        (!path_is_inside(*out) || !text_is_plain(*out)))
        json_reader_problem(reader,
                            "\"%s\" must be a path inside the home, like "
                            "\"snapshots/studio.arrow\"",
                            key);
}

static void read_where(struct json_reader *reader, const char *key, const json_t *value)
{
    json_reader_text(reader, key, value, JSON_READER_TEXT_BYTES_MAX,
                     &job_of(reader)->audience.where);
    job_of(reader)->audience.where_line =
        json_line(reader->content, reader->path, reader->depth);
}

static void read_params(struct json_reader *reader, const char *key, const json_t *value)
{
    read_pairs(reader, key, value, &job_of(reader)->audience.params,
               &job_of(reader)->audience.param_count);
}

static void read_saved(struct json_reader *reader, const char *key, const json_t *value)
{
    json_reader_plain(reader, key, value, &job_of(reader)->audience.saved);
}

/* read_recipient: a customer id; numbers are ids of snapshots that count their customers.
 */
static void read_recipient(struct json_reader *reader, const json_t *value,
                           struct text *out)
{
    if (json_is_integer(value))
        *out = arena_format(reader->arena, "%lld", json_integer_value(value));
    else if (json_is_string(value))
        json_reader_plain(reader, "recipients", value, out);
    else
        json_reader_problem(reader, "\"recipients\" must be a list of customer ids");
}

static void read_recipients(struct json_reader *reader, const char *key,
                            const json_t *value)
{
    size_t count = json_array_size(value);
    if (!json_is_array(value) || count == 0) {
        json_reader_problem(reader, "\"%s\" must be a list of at least one customer id",
                            key);
        return;
    }
    struct text *ids = arena_zalloc(reader->arena, count * sizeof(*ids));
    if (!ids)
        return;
    reader->path[reader->depth++] = 0;
    for (size_t i = 0; i < count; i++) {
        reader->path[reader->depth - 1] = i;
        read_recipient(reader, json_array_get(value, i), &ids[i]);
    }
    reader->depth--;
    job_of(reader)->audience.recipients = ids;
    job_of(reader)->audience.recipient_count = count;
}

static const struct json_key audience_keys[] = {
    {"snapshot", true, read_snapshot},      {"where", false, read_where},
    {"params", false, read_params},         {"saved", false, read_saved},
    {"recipients", false, read_recipients},
};

static void read_audience(struct json_reader *reader, const char *key,
                          const json_t *value)
{
    (void)key;
    json_reader_object(reader, "\"audience\"", value, audience_keys,
                       ARRAY_COUNT(audience_keys));
    bool where = json_object_get(value, "where"), saved = json_object_get(value, "saved");
    bool recipients = json_object_get(value, "recipients");
    if (where + saved + recipients > 1)
        json_reader_problem(
            reader, "\"audience\" takes one of \"where\", \"saved\" and \"recipients\", "
                    "not several; none of them means everybody");
    if (!where && !saved && job_of(reader)->audience.param_count > 0)
        json_reader_problem(reader,
                            "\"params\" needs a \"where\" or a \"saved\" that uses them");
}

/* --- the other keys ----------------------------------------------------------------- */

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
    int choice = json_reader_choice(reader, key, value, priorities, JOB_PRIORITY_COUNT);
    if (choice >= 0)
        job_of(reader)->priority = (enum job_priority)choice;
}

static void read_vars(struct json_reader *reader, const char *key, const json_t *value)
{
    read_pairs(reader, key, value, &job_of(reader)->vars, &job_of(reader)->var_count);
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

/* check_period: called behind each of the two keys, so that the later one is blamed. */
static void check_period(struct json_reader *reader)
{
    const struct job_file *job = job_of(reader);
    if (job->send_at_ns && job->expires_at_ns && job->expires_at_ns <= job->send_at_ns)
        json_reader_problem(reader, "\"expires_at\" must be later than \"send_at\"");
}

static void read_send_at(struct json_reader *reader, const char *key, const json_t *value)
{
    if (json_reader_time(reader, key, value, &job_of(reader)->send_at_ns))
        check_period(reader);
}

static void read_expires_at(struct json_reader *reader, const char *key,
                            const json_t *value)
{
    if (json_reader_time(reader, key, value, &job_of(reader)->expires_at_ns))
        check_period(reader);
}

static void read_quiet_start(struct json_reader *reader, const char *key,
                             const json_t *value)
{
    json_reader_minutes(reader, key, value, &job_of(reader)->quiet_start_min);
}

static void read_quiet_end(struct json_reader *reader, const char *key,
                           const json_t *value)
{
    json_reader_minutes(reader, key, value, &job_of(reader)->quiet_end_min);
}

static void read_quiet_hours(struct json_reader *reader, const char *key,
                             const json_t *value)
{
    static const struct json_key keys[] = {{"start", true, read_quiet_start},
                                           {"end", true, read_quiet_end}};
    (void)key;
    json_reader_object(reader, "\"quiet_hours\"", value, keys, ARRAY_COUNT(keys));
    const struct job_file *job = job_of(reader);
    if (job->quiet_start_min >= 0 && job->quiet_start_min == job->quiet_end_min)
        json_reader_problem(
            reader, "\"quiet_hours\" start and end at the same time; leave the key out "
                    "for no quiet hours");
}

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

/* --- auto_hold: what differs from the configuration's ------------------------------- */

static void read_hold_enabled(struct json_reader *reader, const char *key,
                              const json_t *value)
{
    if (json_is_boolean(value))
        job_of(reader)->auto_hold.enabled = json_is_true(value);
    else
        json_reader_problem(reader, "\"%s\" must be true or false", key);
}

static void read_share(struct json_reader *reader, const char *key, const json_t *value,
                       double *out)
{
    double share;
    if (json_is_string(value) && units_fraction(json_text(value), &share) == 0)
        *out = share;
    else
        json_reader_problem(reader, "\"%s\" must be a share like \"10%%\"", key);
}

static void read_canary(struct json_reader *reader, const char *key, const json_t *value)
{
    json_reader_count(reader, key, value, &job_of(reader)->auto_hold.canary);
}

static void read_canary_share(struct json_reader *reader, const char *key,
                              const json_t *value)
{
    read_share(reader, key, value, &job_of(reader)->auto_hold.canary_share);
}

static void read_min_messages(struct json_reader *reader, const char *key,
                              const json_t *value)
{
    json_reader_count(reader, key, value, &job_of(reader)->auto_hold.min_messages);
}

static void read_failure_rate(struct json_reader *reader, const char *key,
                              const json_t *value)
{
    read_share(reader, key, value, &job_of(reader)->auto_hold.failure_rate);
}

static void read_window(struct json_reader *reader, const char *key, const json_t *value)
{
    json_reader_count(reader, key, value, &job_of(reader)->auto_hold.window);
}

static void read_wait(struct json_reader *reader, const char *key, const json_t *value)
{
    int64_t wait_ns;
    if (json_is_string(value) && units_duration(json_text(value), &wait_ns) == 0 &&
        wait_ns <= WAIT_MAX_NS)
        job_of(reader)->auto_hold.wait_ns = wait_ns;
    else
        json_reader_problem(reader,
                            "\"%s\" must be a duration like \"30s\", up to an hour", key);
}

/* check_hold: a window of them lies in memory. */
static void check_hold(struct json_reader *reader)
{
    const struct job_file *job = job_of(reader);
    if (job->auto_hold.canary > HOLD_MESSAGES_MAX ||
        job->auto_hold.min_messages > HOLD_MESSAGES_MAX ||
        job->auto_hold.window > HOLD_MESSAGES_MAX)
        json_reader_problem(reader, "\"auto_hold\" counts up to %d messages",
                            HOLD_MESSAGES_MAX);
}

static void read_auto_hold(struct json_reader *reader, const char *key,
                           const json_t *value)
{
    static const struct json_key keys[] = {{"enabled", false, read_hold_enabled},
                                           {"canary_share", false, read_canary_share},
                                           {"canary", false, read_canary},
                                           {"min_messages", false, read_min_messages},
                                           {"failure_rate", false, read_failure_rate},
                                           {"window", false, read_window},
                                           {"wait", false, read_wait}};
    (void)key;
    json_reader_object(reader, "\"auto_hold\"", value, keys, ARRAY_COUNT(keys));
    check_hold(reader);
}

static const struct json_key job_keys[] = {
    {"id", true, read_id},
    {"account", true, read_account},
    {"category", true, read_category},
    {"source", false, read_source},
    {"priority", false, read_priority},
    {"template", true, read_template},
    {"vars", false, read_vars},
    {"audience", true, read_audience},
    {"channels", true, read_channels},
    {"delivery", false, read_delivery},
    {"sms_fallback", false, read_sms_fallback},
    {"send_at", false, read_send_at},
    {"expires_at", false, read_expires_at},
    {"quiet_hours", false, read_quiet_hours},
    {"limits", false, read_limits},
    {"dedupe", false, read_dedupe},
    {"auto_hold", false, read_auto_hold},
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
        job_of(reader)->priority = JOB_PRIORITY_HIGH;
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
        .priority = JOB_PRIORITY_NORMAL,
        .quiet_start_min = -1,
        .quiet_end_min = -1,
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
