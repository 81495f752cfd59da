#include "outbox/wire/smtp_text.h"

#include <criterion/criterion.h>

Test(smtp_text, doubles_dots_that_begin_a_line)
{
    static const struct {
        const char *body, *wire;
    } cases[] = {
        {"", ".\r\n"},
        {"a\r\n", "a\r\n.\r\n"},
        {"a", "a\r\n.\r\n"},
        {"a\n", "a\n\r\n.\r\n"},
        {".", "..\r\n.\r\n"},
        {".\r\n", "..\r\n.\r\n"},
        {"..\r\n.\r\n.", "...\r\n..\r\n..\r\n.\r\n"},
        {"a.b\r\n.c\r\nd\r\n", "a.b\r\n..c\r\nd\r\n.\r\n"},
        {"a\n.\nQUIT\r\n", "a\n..\nQUIT\r\n.\r\n"},
        {"a\r\n.\r\nRCPT TO:<x>\r\n", "a\r\n..\r\nRCPT TO:<x>\r\n.\r\n"},
    };
    struct buffer out = {0};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        buffer_clear(&out);
        smtp_text_stuff(&out, text_of(cases[i].body));
        cr_expect(text_is(buffer_view(&out), cases[i].wire), "case %zu: %s", i, out.data);
    }
    buffer_fini(&out);
}

/* What a server keeps of a body, RFC 5321 4.5.2: the oracle. Returns where the message
 * ended. */
static const char *receive(struct text wire, char *out, size_t *bytes_out)
{
    const char *at = wire.data;
    const char *end = wire.data + wire.bytes;
    *bytes_out = 0;
    for (;;) {
        const char *next = memmem(at, (size_t)(end - at), "\r\n", 2);
        cr_assert_not_null(next);
        if (next - at == 1 && *at == '.')
            return next + 2;
        at += *at == '.';
        memcpy(out + *bytes_out, at, (size_t)(next + 2 - at));
        *bytes_out += (size_t)(next + 2 - at);
        at = next + 2;
    }
}

Test(smtp_text, a_server_gets_back_what_was_sent)
{
    static const char *const pieces[] = {".", "..", "\r\n", "a", "\r\n.", "\r"};
    struct buffer out = {0};
    uint64_t dice = 12345;
    for (int round = 0; round < 20000; round++) {
        char body[64] = "", got[128];
        size_t got_bytes;
        for (int i = 0; i < 12; i++) {
            dice = dice * 6364136223846793005u + 1442695040888963407u;
            strcat(body, pieces[(dice >> 33) % ARRAY_COUNT(pieces)]);
        }
        strcat(body, "\r\n");
        buffer_clear(&out);
        smtp_text_stuff(&out, text_of(body));
        const char *end = receive(buffer_view(&out), got, &got_bytes);
        cr_assert_eq(end, out.data + out.bytes, "nothing stands behind the end");
        cr_assert(text_is((struct text){got, got_bytes}, body));
    }
    buffer_fini(&out);
}

Test(smtp_text, tells_eight_bit_text)
{
    char bytes[40];
    for (size_t count = 0; count < sizeof(bytes); count++) {
        memset(bytes, 'x', sizeof(bytes));
        cr_expect_not(smtp_text_eight_bit((struct text){bytes, count}));
        for (size_t at = 0; at < sizeof(bytes); at++) {
            bytes[at] = '\x80';
            cr_expect_eq(smtp_text_eight_bit((struct text){bytes, count}), at < count);
            bytes[at] = 'x';
        }
    }
}

Test(smtp_text, takes_only_addresses_that_fit_a_command)
{
    static const struct {
        const char *address;
        bool ok;
    } cases[] = {
        {"a@b", true},
        {"first.last+tag@mail.example.com", true},
        {"u\xC3\xBC@x.test", true},
        {"!#$%&'*+-/=?^_`{|}~@x", true},
        {"", false},
        {"a", false},
        {"@b", false},
        {"a@", false},
        {"a@b@c", false},
        {"a b@c", false},
        {"a@b\r\n", false},
        {"a\n@b", false},
        {"<a@b>", false},
        {"\"a\"@b", false},
        {"a@[127.0.0.1]", false},
        {"a\x7F@b", false},
        {"a\xFF@b", false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        cr_expect_eq(smtp_address_ok(text_of(cases[i].address)), cases[i].ok, "%s",
                     cases[i].address);
    char lengthy[400];
    for (size_t local = 64; local <= 65; local++) {
        for (size_t domain = 255; domain <= 256; domain++) {
            memset(lengthy, 'x', sizeof(lengthy));
            lengthy[local] = '@';
            cr_expect_eq(smtp_address_ok((struct text){lengthy, local + 1 + domain}),
                         local == 64 && domain == 255);
        }
    }
    cr_expect_not(smtp_address_ok((struct text){"a\0b@c", 5}),
                  "strchr finds NUL in any set");
}

Test(smtp_text, return_paths_name_the_recipient)
{
    static const struct {
        const char *to, *domain, *path; /* path NULL: it cannot be */
    } cases[] = {
        {"ann@example.org", "return.example", "bounce+ann=example.org@return.example"},
        {"a=b@c.org", "r.example", "bounce+a=b=c.org@r.example"},
        {"a+tag@c.org", "r.example", "bounce+a+tag=c.org@r.example"},
        {"j\xC3\xB6rg@c.org", "r.example", "bounce+j\xC3\xB6rg=c.org@r.example"},
        /* 64 bytes, and 65 */
        {"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrst@0123.com", "r",
         "bounce+abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrst=0123.com@r"},
        {"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrst@01234567.com", "r", NULL},
        {"ann", "r.example", NULL},
        {"", "r.example", NULL},
        {"ann@example.org", "two words", NULL},
        {"ann@example.org", "", NULL},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char path[SMTP_VERP_BYTES];
        bool ok = smtp_verp(text_of(cases[i].to), text_of(cases[i].domain), path);
        cr_assert_eq(ok, cases[i].path != NULL, "%s", cases[i].to);
        if (ok)
            cr_expect_str_eq(path, cases[i].path);
    }
    char lengthy[300], path[SMTP_VERP_BYTES];
    memset(lengthy, 'x', sizeof(lengthy));
    lengthy[1] = '@';
    cr_expect_not(smtp_verp((struct text){lengthy, sizeof(lengthy)}, TEXT("r"), path));
    cr_expect_not(smtp_verp(TEXT("a@b"), (struct text){lengthy + 2, 256}, path));
}
