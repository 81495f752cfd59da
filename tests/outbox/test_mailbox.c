#include "outbox/sandbox/mailbox.h"

#include "base/file.h"
#include "outbox/sandbox/json_write.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char dir[] = "/tmp/volley-mailbox-XXXXXX";
static struct mailbox *mailbox;

static void open_mailbox(void)
{
    struct error err = {0};
    cr_assert_eq(mailbox_open(dir, &mailbox, &err), 0, "%s", err.text);
}

static void make_dir(void)
{
    cr_assert_not_null(mkdtemp(dir));
    open_mailbox();
}

static void remove_dir(void)
{
    char command[64];
    mailbox_close(&mailbox);
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    cr_assert_eq(system(command), 0);
}

TestSuite(mailbox, .init = make_dir, .fini = remove_dir);

static struct buffer content_of(const char *name)
{
    char path[PATH_BYTES];
    struct buffer content = {0};
    struct error err = {0};
    cr_assert_eq(path_join(path, dir, text_of(name), &err), 0);
    cr_assert_eq(file_read(path, 1 << 20, &content, &err), 0, "%s", err.text);
    return content;
}

/* --- JSON strings: jansson reads back what was written --- */

Test(json_write, escapes_what_must_be)
{
    static const struct {
        struct text in;
        const char *out;
    } cases[] = {
        {{"", 0}, "\"\""},
        {{"a\"b\\c/", 6}, "\"a\\\"b\\\\c/\""},
        {{"\b\t\n\v\f\r\0\x1f\x7f", 9}, "\"\\b\\t\\n\\u000b\\f\\r\\u0000\\u001f\x7f\""},
        {{"\xC3\xA8\xF0\x9F\x98\x80", 6}, "\"\xC3\xA8\xF0\x9F\x98\x80\""},
        {{"\xFFx\xC3", 3}, "\"\\ufffdx\\ufffd\""},
        {{"\xED\xA0\x80", 3}, "\"\\ufffd\\ufffd\\ufffd\""}, /* a surrogate */
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct buffer out = {0};
        json_write_string(&out, cases[i].in);
        cr_assert_str_eq(out.data, cases[i].out);
        buffer_fini(&out);
    }
}

Test(json_write, any_bytes_make_valid_json)
{
    uint64_t random = 1;
    for (int round = 0; round < 20000; round++) {
        char in[16];
        for (size_t i = 0; i < sizeof(in); i++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            in[i] = (char)(random >> 56);
        }
        struct buffer out = {0};
        json_write_string(&out, (struct text){in, random % sizeof(in)});
        json_t *value =
            json_loadb(out.data, out.bytes, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        cr_assert_not_null(value, "%s", out.data);
        if (utf8_valid((struct text){in, random % sizeof(in)}))
            cr_assert_eq(memcmp(json_string_value(value), in, random % sizeof(in)), 0);
        json_decref(value);
        buffer_fini(&out);
    }
}

/* --- lines --- */

static const struct {
    const char *raw, *id;
} letters[] = {
    {"Message-ID: <a@b>\r\n\r\nx", "a@b"},
    {"Subject: x\r\nmessage-id:\r\n <folded@b>\r\n\r\n", "folded@b"},
    {"Subject: x\r\n Message-ID: <not-a-header@b>\r\n\r\n", "made-up"},
    {"\r\nMessage-ID: <in-the-body@b>\r\n", "made-up"},
    {"Message-ID:\r\n\r\n", "made-up"},
    {"Message-ID", "made-up"},
    {"", "made-up"},
};

Test(mailbox, an_email_is_known_by_its_message_id)
{
    struct error err = {0};
    for (size_t i = 0; i < ARRAY_COUNT(letters); i++)
        mailbox_email(mailbox, TEXT("f@x"), TEXT("t@x"), text_of(letters[i].raw),
                      TEXT("made-up"));
    cr_assert_eq(mailbox_flush(mailbox, &err), 0);
    struct buffer content = content_of("email.ndjson");
    char *line = strtok(content.data, "\n");
    for (size_t i = 0; i < ARRAY_COUNT(letters); i++, line = strtok(NULL, "\n")) {
        json_t *object = json_loads(line, 0, NULL);
        cr_assert_str_eq(json_string_value(json_object_get(object, "id")), letters[i].id);
        cr_assert_str_eq(json_string_value(json_object_get(object, "raw")),
                         letters[i].raw);
        json_decref(object);
    }
    cr_assert_null(line);
    buffer_fini(&content);
}

Test(mailbox, nothing_is_in_the_file_before_the_flush)
{
    struct error err = {0};
    mailbox_push(mailbox, TEXT("1"), TEXT("/push"), TEXT("[\"not an object\"]"));
    struct buffer content = content_of("push.ndjson");
    cr_assert_eq(content.bytes, 0);
    buffer_fini(&content);
    cr_assert_eq(mailbox_flush(mailbox, &err), 0);
    cr_assert_eq(mailbox_flush(mailbox, &err), 0);
    content = content_of("push.ndjson");
    cr_assert_str_eq(
        content.data,
        "{\"id\":\"1\",\"from\":\"\",\"to\":\"/push\",\"body\":\"[\\\"not an object"
        "\\\"]\",\"path\":\"/push\",\"raw\":\"[\\\"not an object\\\"]\"}\n");
    buffer_fini(&content);
}

/* --- listing --- */

static void add_sms(const char *id, const char *to)
{
    mailbox_sms(mailbox, &(struct mailbox_sms){.id = text_of(id),
                                               .from = TEXT("f"),
                                               .to = text_of(to),
                                               .body = TEXT("\"sid\":\"x\\"),
                                               .sid = text_of(id),
                                               .date = TEXT("today")});
}

static void list_one(void *arg, const struct mailbox_sms *sms)
{
    cr_assert(text_is(sms->body, "\\\"sid\\\":\\\"x\\\\"));
    buffer_text(arg, sms->sid);
}

static const char *listed(const char *to, size_t skip, size_t limit, size_t more)
{
    static struct buffer out;
    buffer_clear(&out);
    struct mailbox_filter wanted = {.to = to ? text_of(to) : TEXT_NONE,
                                    .first_day = INT32_MIN,
                                    .last_day = INT32_MAX};
    cr_assert_eq(mailbox_list(mailbox, &wanted, skip, limit, list_one, &out), more);
    return buffer_view(&out).bytes ? out.data : "";
}

Test(mailbox, sms_are_listed_newest_first_also_after_a_crash)
{
    struct error err = {0};
    for (int i = 0; i < 6; i++) {
        char id[2] = {(char)('a' + i), '\0'};
        add_sms(id, i % 2 ? "+1" : "+2");
        if (i == 3)
            cr_assert_eq(mailbox_flush(mailbox, &err), 0);
    }
    for (int reopened = 0; reopened < 2; reopened++) {
        cr_assert_str_eq(listed(NULL, 0, 10, 0), "fedcba");
        cr_assert_str_eq(listed("+1", 0, 10, 0), "fdb");
        cr_assert_str_eq(listed("+2", 1, 1, 1), "c");
        cr_assert_str_eq(listed("+2", 2, 1, 0), "a");
        cr_assert_str_eq(listed("+3", 0, 10, 0), "");
        cr_assert_eq(mailbox_flush(mailbox, &err), 0);
        mailbox_close(&mailbox);
        char path[PATH_BYTES];
        snprintf(path, sizeof(path), "%s/sms.ndjson", dir);
        int fd = open(path, O_WRONLY | O_APPEND);
        cr_assert_eq(write(fd, "{\"id\":\"torn", 11), 11);
        close(fd);
        open_mailbox();
    }
    add_sms("g", "+1");
    cr_assert_eq(mailbox_flush(mailbox, &err), 0);
    cr_assert_str_eq(listed("+1", 0, 10, 0), "gfdb");
    struct buffer content = content_of("sms.ndjson");
    cr_assert_null(strstr(content.data, "torn"));
    buffer_fini(&content);
}

Test(mailbox, sms_are_listed_by_sender_and_day)
{
    static const char *const days[] = {"Thu, 01 Jan 1970 00:00:00 +0000", "no date",
                                       "Sat, 03 Jan 1970 23:59:59 +0000"};
    for (int i = 0; i < 6; i++) {
        char id[2] = {(char)('a' + i), '\0'};
        mailbox_sms(mailbox,
                    &(struct mailbox_sms){.id = text_of(id),
                                          .from = i < 3 ? TEXT("+1") : TEXT("\"q"),
                                          .to = TEXT("+2"),
                                          .body = TEXT("\"sid\":\"x\\"),
                                          .sid = text_of(id),
                                          .date = text_of(days[i % 3])});
    }
    static const struct {
        struct mailbox_filter filter;
        const char *ids;
    } cases[] = {
        {{.from = {"+1", 2}, .first_day = INT32_MIN, .last_day = INT32_MAX}, "cba"},
        {{.from = {"\"q", 2}, .first_day = INT32_MIN, .last_day = INT32_MAX}, "fed"},
        {{.first_day = 2, .last_day = INT32_MAX}, "fc"},
        {{.first_day = INT32_MIN, .last_day = 1}, "edba"},
        {{.from = {"+1", 2}, .first_day = 2, .last_day = 2}, "c"},
        {{.first_day = 3, .last_day = INT32_MAX}, ""},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct buffer out = {0};
        mailbox_list(mailbox, &cases[i].filter, 0, 10, list_one, &out);
        cr_expect(text_is(buffer_view(&out), cases[i].ids), "case %zu: %.*s", i,
                  TEXT_ARGS(buffer_view(&out)));
        buffer_fini(&out);
    }
}
