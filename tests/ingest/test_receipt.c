/* receipt: what providers' events and mail servers' reports mean. The events are those of the vendors'
 * documents, shortened. */
#include "ingest/receipt.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define ID "0123456789abcdef0123456789abcdef"

static struct arena arena;
static struct receipt last;
static int count;

static void set_up(void)
{
    cr_assert_eq(arena_init(&arena, (size_t)1 << 20, NULL), 0);
    count = 0;
}

static void tear_down(void)
{
    arena_fini(&arena);
}

TestSuite(receipt, .init = set_up, .fini = tear_down);

static void on_receipt(void *arg, const struct receipt *receipt)
{
    (void)arg;
    last = *receipt;
    count++;
}

static int parse(const char *line)
{
    struct error err;
    return receipt_parse(text_of(line), &arena, on_receipt, NULL, &err);
}

Test(receipt, lines)
{
    static const struct {
        const char *line;
        enum receipt_status status; /* RECEIPT_NONE: tells nothing final */
        const char *id, *provider_id, *code;
        int64_t at_s;
    } cases[] = {
        {"{\"message_id\":\"" ID "\",\"status\":\"delivered\"}", RECEIPT_DELIVERED, ID,
         "", "", 0},
        {"{\"message_id\":\"<" ID
         "@x.org>\",\"status\":\"read\",\"at\":\"1970-01-02T00:00:00Z\"}",
         RECEIPT_READ, ID, "", "", 86400},
        {"{\"provider_id\":\"a\",\"status\":\"complained\",\"code\":7}",
         RECEIPT_COMPLAINED, "", "a", "7", 0},
        {"MessageStatus=delivered&MessageSid=SM%31", RECEIPT_DELIVERED, "", "SM1", "", 0},
        {"MessageSid=SM1&MessageStatus=queued", RECEIPT_NONE, "", "", "", 0},
        {"MessageSid=SM1&MessageStatus=failed&ErrorCode=30006", RECEIPT_BOUNCED, "",
         "SM1", "30006", 0},
        {"MessageSid=SM1&MessageStatus=undelivered&ErrorCode=30008", RECEIPT_UNDELIVERED,
         "", "SM1", "30008", 0},
        {"{\"MessageSid\":\"SM1\",\"MessageStatus\":\"read\"}", RECEIPT_READ, "", "SM1",
         "", 0},
        {"{\"eventType\":\"Open\",\"mail\":{\"messageId\":\"x\"},\"open\":{}}",
         RECEIPT_NONE, "", "", "", 0},
        {"{\"notificationType\":\"Bounce\",\"mail\":{\"messageId\":\"x\"},\"bounce\":{"
         "\"bounceType\":"
         "\"Permanent\",\"bounceSubType\":\"General\",\"bouncedRecipients\":[{"
         "\"emailAddress\":\"a@b\"}]}}",
         RECEIPT_BOUNCED, "", "x", "General", 0},
        {"[{\"event\":\"dropped\",\"volley_id\":\"" ID
         "\",\"timestamp\":5,\"reason\":\"Bounced Address\"}]",
         RECEIPT_UNDELIVERED, ID, "", "", 5},
        {"[{\"event\":\"bounce\",\"sg_message_id\":\"of another\"}]", RECEIPT_NONE, "",
         "", "", 0},
        {"   \r\n", RECEIPT_NONE, "", "", "", 0},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        count = 0;
        int wanted = cases[i].status != RECEIPT_NONE;
        cr_assert_eq(parse(cases[i].line), wanted, "%s", cases[i].line);
        cr_assert_eq(count, wanted);
        if (!wanted)
            continue;
        cr_expect_eq(last.status, cases[i].status, "%s", cases[i].line);
        cr_expect(text_is(last.message_id, cases[i].id), "%s", cases[i].line);
        cr_expect(text_is(last.provider_id, cases[i].provider_id), "%s", cases[i].line);
        cr_expect(text_is(last.code, cases[i].code), "%s", cases[i].line);
        cr_expect_eq(last.at_s, cases[i].at_s, "%s", cases[i].line);
    }
}

Test(receipt, what_is_refused)
{
    static const char *const lines[] = {
        "{",
        "{}",
        "[1]",
        "hello",
        "MessageSid=SM1",
        "{\"status\":\"delivered\"}",
        "{\"status\":\"lost\",\"provider_id\":\"x\"}",
        "{\"status\":\"read\",\"message_id\":\"123\"}",
        "{\"status\":\"read\",\"provider_id\":\"x\",\"at\":\"yesterday\"}",
        "{\"Type\":\"Notification\",\"Message\":\"no json\"}",
    };
    for (size_t i = 0; i < ARRAY_COUNT(lines); i++)
        cr_expect_eq(parse(lines[i]), -ERROR_INPUT, "%s", lines[i]);
}

static int parse_mail(const char *to, const char *action, const char *status,
                      const char *original)
{
    char mail[1024];
    snprintf(mail, sizeof(mail),
             "To: %s\nDate: Thu, 1 Jan 1970 02:00:05 +0200\nContent-Type: "
             "multipart/report;\n\tboundary=b\n\n"
             "--b\nContent-Type: text/plain\n\nStatus: 5.1.1\n--b\nContent-Type: "
             "message/delivery-status\n\n"
             "Final-Recipient: RFC822; <ann@x.org>\nAction: %s\nStatus: %s\n"
             "Diagnostic-Code: smtp; 550\n  no\n--b\n%s",
             to, action, status, original);
    return receipt_parse_mail((struct text){mail, strlen(mail)}, &arena, &last);
}

Test(receipt, mails)
{
    static const char original[] =
        "Content-Type: message/rfc822\n\nMessage-ID: <" ID "@x>\n";
    static const struct {
        const char *to, *action, *status, *original;
        enum receipt_status wanted;
        const char *address;
    } cases[] = {
        {"x@y", "failed", "5.1.1", original, RECEIPT_BOUNCED, "ann@x.org"},
        {"x@y", "failed", "5.2.1 (disabled)", original, RECEIPT_BOUNCED, "ann@x.org"},
        {"x@y", "failed", "5.2.2", original, RECEIPT_UNDELIVERED, "ann@x.org"},
        {"x@y", "failed", "4.4.7", original, RECEIPT_UNDELIVERED, "ann@x.org"},
        {"x@y", "Delivered", "2.0.0", original, RECEIPT_DELIVERED, "ann@x.org"},
        {"x@y", "delayed", "4.0.0", original, RECEIPT_NONE, ""},
        {"x@y", "failed", "5.1.1", "", RECEIPT_NONE, ""}, /* whose is it? */
        {"<bounce+bob=z.org@y>", "failed", "5.1.1", "", RECEIPT_BOUNCED, "bob@z.org"},
        {"bounce+a=b=z.org@y", "failed", "5.1.1", original, RECEIPT_BOUNCED, "a=b@z.org"},
        {"bounce+=@y", "failed", "5.1.1", "", RECEIPT_NONE, ""},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        int said =
            parse_mail(cases[i].to, cases[i].action, cases[i].status, cases[i].original);
        cr_assert_eq(said, cases[i].wanted != RECEIPT_NONE, "case %zu", i);
        if (!said)
            continue;
        cr_expect_eq(last.status, cases[i].wanted, "case %zu", i);
        cr_expect(text_is(last.address, cases[i].address), "case %zu", i);
        cr_expect(text_is(last.detail, "smtp; 550 no"));
        cr_expect_eq(last.at_s, 5);
        cr_expect_eq(last.message_id.data != NULL, cases[i].original[0] != '\0');
    }
}
