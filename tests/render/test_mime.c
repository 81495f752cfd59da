/* Whole messages to the byte where that says most, then the properties every message has.
 * tests/peers/mail has independent parsers read them back. */
#include "render/mail/mime.h"

#include "render/mail/html_text.h"
#include "render/mail/mime_body.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static struct arena arena;

static void setup(void)
{
    cr_assert_eq(arena_init(&arena, 8 << 20, NULL), 0);
}

static void teardown(void)
{
    arena_fini(&arena);
}

TestSuite(mime, .init = setup, .fini = teardown);

static const struct mime_mail plain = {
    .from_name = {"Studio 42", 9},
    .from = {"hello@studio.example", 20},
    .to = {"ada@example.com", 15},
    .subject = {"See you tomorrow", 16},
    .text = {"Hi Ada,\nsee you.\n", 17},
    .message_id = {"0123@studio.example", 19},
    .date_ns = 1795359845000000000, /* 2026-11-22T15:04:05Z */
};

static struct text compose(const struct mime_mail *mail)
{
    struct text out;
    mime_compose(mail, &arena, &out);
    return out;
}

static void expect_text(struct text got, const char *wanted)
{
    cr_expect(text_is(got, wanted), "wanted:\n%s\ngot:\n%.*s", wanted, TEXT_ARGS(got));
}

static bool contains(struct text t, const char *part)
{
    return memmem(t.data, t.bytes, part, strlen(part)) != NULL;
}

Test(mime, a_plain_text)
{
    expect_text(compose(&plain), "From: Studio 42 <hello@studio.example>\r\n"
                                 "To: <ada@example.com>\r\n"
                                 "Subject: See you tomorrow\r\n"
                                 "Date: Sun, 22 Nov 2026 15:04:05 +0000\r\n"
                                 "Message-ID: <0123@studio.example>\r\n"
                                 "MIME-Version: 1.0\r\n"
                                 "Content-Type: text/plain; charset=utf-8\r\n"
                                 "Content-Transfer-Encoding: 7bit\r\n"
                                 "\r\n"
                                 "Hi Ada,\r\nsee you.\r\n");
}

Test(mime, ready_fields_stand_where_made_ones_would)
{
    static const char *const names[] = {"Studio 42", "Stúdio", ""};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        struct mime_mail mail = plain;
        mail.from_name = text_of(names[i]);
        struct text made = compose(&mail);
        mail.from_field = mime_from_field(mail.from_name, mail.from, &arena);
        mail.date_field = mime_date_field(mail.date_ns, &arena);
        cr_assert(mail.from_field.data && mail.date_field.data);
        struct text ready = compose(&mail);
        cr_expect(text_equal(made, ready), "%.*s", TEXT_ARGS(ready));
    }
}

Test(mime, html_gets_a_text_part_and_one_click)
{
    struct mime_mail mail = plain;
    mail.text = TEXT_NONE;
    mail.html =
        TEXT("<p>Città &amp; <a href=\"https://x.example/?a=1&amp;b=2\">link</a></p>");
    mail.unsubscribe = TEXT("https://v.example/u/abc");
    struct text got = compose(&mail);
    const char *body = memmem(got.data, got.bytes, "List-", 5);
    cr_assert(body);
    expect_text((struct text){body, got.bytes - (size_t)(body - got.data)},
                "List-Unsubscribe: <https://v.example/u/abc>\r\n"
                "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
                "MIME-Version: 1.0\r\n"
                "Content-Type: multipart/alternative;\r\n"
                " boundary=\"=_e34ba4c0f3359994ad328168b7cc9db9\"\r\n"
                "\r\n"
                "--=_e34ba4c0f3359994ad328168b7cc9db9\r\n"
                "Content-Type: text/plain; charset=utf-8\r\n"
                "Content-Transfer-Encoding: quoted-printable\r\n"
                "\r\n"
                "Citt=C3=A0 & link (https://x.example/?a=3D1&b=3D2)\r\n"
                "\r\n"
                "--=_e34ba4c0f3359994ad328168b7cc9db9\r\n"
                "Content-Type: text/html; charset=utf-8\r\n"
                "Content-Transfer-Encoding: quoted-printable\r\n"
                "\r\n"
                "<p>Citt=C3=A0 &amp; <a "
                "href=3D\"https://x.example/?a=3D1&amp;b=3D2\">link</a>=\r\n"
                "</p>\r\n"
                "\r\n"
                "--=_e34ba4c0f3359994ad328168b7cc9db9--\r\n");
}

Test(mime, header_values)
{
    static const struct {
        const char *subject, *wanted;
    } cases[] = {
        {"", "\r\nSubject: \r\n"},
        {"Perché no?", "\r\nSubject: =?UTF-8?Q?Perch=C3=A9_no=3F?=\r\n"},
        {"Привет", "\r\nSubject: =?UTF-8?B?0J/RgNC40LLQtdGC?=\r\n"},
        {"a\r\nBcc: x@y.example",
         "\r\nSubject: =?UTF-8?Q?a_Bcc=3A_x=40y=2Eexample?=\r\n"},
        {"a\n\tb\r", "\r\nSubject: =?UTF-8?Q?a__b_?=\r\n"},
        {"=?UTF-8?Q?x?=", "\r\nSubject: =?UTF-8?B?PT9VVEYtOD9RP3g/PQ==?=\r\n"},
        {"bad \xFF byte", "\r\nSubject: =?UTF-8?Q?bad_=EF=BF=BD_byte?=\r\n"},
        {"a very long subject that has to be folded because nobody could read it in one "
         "line",
         "\r\nSubject: a very long subject that has to be folded because nobody could "
         "read\r\n"
         " it in one line\r\n"},
        {"😀😀😀😀😀😀😀😀😀😀😀😀😀",
         "\r\nSubject: =?UTF-8?B?8J+YgPCfmIDwn5iA8J+YgPCfmIDwn5iA8J+YgPCfmIDwn5iA?=\r\n"
         " =?UTF-8?B?8J+YgPCfmIDwn5iA8J+YgA==?=\r\n"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct mime_mail mail = plain;
        mail.subject = text_of(cases[i].subject);
        struct text got = compose(&mail);
        cr_expect(contains(got, cases[i].wanted), "%s\n%.*s", cases[i].wanted,
                  TEXT_ARGS(got));
    }
    struct mime_mail mail = plain;
    mail.from_name = TEXT("O'Brien, \"Bob\"");
    mail.to_name = TEXT("Zoë");
    mail.to = TEXT("a@b\r\nBcc: <c@d>");
    mail.message_id = TEXT("x y>\r\n");
    mail.unsubscribe = TEXT("https://x/ à>\r\nX: y");
    struct text got = compose(&mail);
    cr_expect(contains(got, "From: \"O'Brien, \\\"Bob\\\"\" <hello@studio.example>\r\n"));
    cr_expect(contains(got, "\r\nTo: =?UTF-8?Q?Zo=C3=AB?= <a@b??Bcc:??c@d?>\r\n"));
    cr_expect(contains(got, "\r\nMessage-ID: <x?y?\?\?>\r\n"));
    cr_expect(contains(got, "List-Unsubscribe: <https://x/%20%C3%A0%3E%0D%0AX:%20y>\r\n"),
              "%.*s", TEXT_ARGS(got));
    mail.to = TEXT("jörg@bücher.example"); /* RFC 6532: as it is */
    mail.from = TEXT("h\xE9llo@studio.example");
    got = compose(&mail);
    cr_expect(contains(got, "<jörg@bücher.example>\r\n"), "%.*s", TEXT_ARGS(got));
    cr_expect(contains(got, "<h?llo@studio.example>\r\n"), "%.*s", TEXT_ARGS(got));
}

Test(mime, bodies)
{
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        {"", "7bit\r\n\r\n\r\n"},
        {"a\rb\r\nc\n\nd", "7bit\r\n\r\na\r\nb\r\nc\r\n\r\nd\r\n"},
        {".dot", "quoted-printable\r\n\r\n=2Edot\r\n"},
        {"--x", "quoted-printable\r\n\r\n=2D-x\r\n"},
        {"€ \n", "quoted-printable\r\n\r\n=E2=82=AC=20\r\n"},
        {"caffè e tè \nx\t\n\fy",
         "quoted-printable\r\n\r\ncaff=C3=A8 e t=C3=A8=20\r\nx=09\r\n=0Cy\r\n"},
        {"Привет, мир\n", "base64\r\n\r\n0J/RgNC40LLQtdGCLCDQvNC40YANCg==\r\n"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct mime_mail mail = plain;
        mail.text = text_of(cases[i].text);
        struct text got = compose(&mail);
        size_t bytes = strlen(cases[i].wanted);
        cr_expect(got.bytes > bytes &&
                      memcmp(got.data + got.bytes - bytes, cases[i].wanted, bytes) == 0,
                  "%s\n%.*s", cases[i].wanted, TEXT_ARGS(got));
    }
}

Test(mime, html_to_text)
{
    static const char *const cases[][2] = {
        {"", ""},
        {"<html><head><title>T</title><style>p{}</style></head><body> Hi  "
         "<b>you</b>!</body>",
         "Hi you!"},
        {"<p>a</p><p>b<br>c<br/>d</p>", "a\n\nb\nc\nd"},
        {"<ul><li>a</li><li>b</li></ul>", "- a\n- b"},
        {"<a href='https://x.example'>https://x.example</a> <a href=\"#top\">up</a>",
         "https://x.example up"},
        {"<a class=\"href=x\" href=https://y>words</a>.", "words (https://y)."},
        {"<a href=\"u\"><img src=x alt=\"Logo\"></a>", "Logo (u)"},
        {"<a href=\"u\"></a>", "u"},
        {"1 < 2 &lt;&egrave;&#8364;&#x20AC;&bogus;&#0; <!-- <b> --> x &amp",
         "1 < 2 <è€€&bogus;&#0; x &amp"},
        {"<script>if (a<b) x('</p>')</script>y<script>", "y"},
        {"<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"},
        {"<p", ""},
        {"<a href=x", "x"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char *out = malloc(strlen(cases[i][0]) + HTML_TEXT_ROOM);
        char *end = html_text(out, text_of(cases[i][0]));
        cr_expect(text_is((struct text){out, (size_t)(end - out)}, cases[i][1]),
                  "%s\n%.*s", cases[i][0], (int)(end - out), out);
        free(out);
    }
}

/* check_lines: CRLF ends only, short lines, ASCII, no line that begins with a dot. */
static void check_lines(struct text t)
{
    bool header = true;
    for (size_t from = 0; from < t.bytes;) {
        const char *cr = memchr(t.data + from, '\r', t.bytes - from);
        cr_assert(cr && cr + 1 < t.data + t.bytes && cr[1] == '\n');
        size_t to = (size_t)(cr - t.data);
        cr_assert_not(memchr(t.data + from, '\n', to - from));
        cr_assert_leq(to - from, header ? 78 : 76, "%.*s", (int)(to - from),
                      t.data + from);
        cr_assert_neq(t.data[from], '.');
        for (size_t i = from; i < to; i++)
            cr_assert((unsigned char)t.data[i] < 0x80 && t.data[i] != '\0');
        header &= to > from;
        from = to + 2;
    }
}

Test(mime, every_message_is_well_formed)
{
    static const char *const pieces[] = {
        "a",     " ",          "word ", "\r", "\n", "\r\n", ".",   "--",
        "=",     "=?UTF-8?B?", "è",     "😀",  "中", "\xFF", "<p>", "<a href='x'>",
        "&amp;", "\t",         "\x01",  "\"", "\\", "@",    ",",
    };
    srand(11);
    for (int round = 0; round < 5000; round++) {
        char values[4][1200];
        struct text t[4];
        for (int v = 0; v < 4; v++) {
            size_t bytes = 0, limit = (size_t)rand() % (v < 2 ? 300 : 1100);
            size_t kinds = 1 + (size_t)rand() % ARRAY_COUNT(pieces),
                   first = (size_t)rand();
            while (bytes < limit) {
                const char *piece =
                    pieces[(first + (size_t)rand() % kinds) % ARRAY_COUNT(pieces)];
                memcpy(values[v] + bytes, piece, strlen(piece));
                bytes += strlen(piece);
            }
            t[v] = (struct text){values[v], bytes};
        }
        struct mime_mail mail = plain;
        mail.from_name = t[0];
        mail.subject = t[1];
        mail.text = round % 3 ? t[2] : TEXT_NONE;
        mail.html = round % 2 ? t[3] : TEXT_NONE;
        arena_reset(&arena);
        check_lines(compose(&mail));
    }
}

/* Bodies of pieces, long lines and all bytes, at sizes around the sixteen bytes that are looked at
 * together. */
static struct text random_body(char *out, size_t room)
{
    static const char *const pieces[] = {"\n",
                                         "\r\n",
                                         "\r",
                                         ".",
                                         "--",
                                         " ",
                                         "\t",
                                         "=",
                                         "\xC3\xA8",
                                         "x",
                                         "a line of text, as most are",
                                         "0123456789012345678901234567890123456789"};
    size_t wanted = (size_t)rand() % room, bytes = 0;
    unsigned kinds = 1 + (unsigned)rand() % ARRAY_COUNT(pieces);
    bool any_byte = rand() % 8 == 0;
    while (bytes < wanted) {
        const char *piece = pieces[ARRAY_COUNT(pieces) - 1 - (size_t)rand() % kinds];
        size_t n = strlen(piece);
        if (bytes + n > wanted)
            break;
        memcpy(out + bytes, piece, n);
        bytes += n;
        if (any_byte && rand() % 20 == 0 && bytes < wanted)
            out[bytes++] = (char)rand();
    }
    return (struct text){out, bytes};
}

Test(mime, a_body_in_one_pass_is_as_in_three)
{
    char content[400], *once = malloc(mime_body_room(400)),
                       *twice = malloc(mime_body_room(400));
    size_t seen[3] = {0};
    srand(7);
    for (int round = 0; round < 20000; round++) {
        enum mime_encoding encoding;
        struct mime_body body;
        struct text t = random_body(content, sizeof(content));
        char *once_end = mime_body_write_once(t, &encoding, once);
        mime_body_plan(t, &body);
        if (!once_end) {
            cr_assert(body.encoding == MIME_BASE64 || !utf8_valid(t));
            seen[MIME_BASE64]++;
            continue;
        }
        char *twice_end = mime_body_write(&body, twice);
        seen[encoding]++;
        cr_assert_eq(encoding, body.encoding, "%.*s", TEXT_ARGS(t));
        cr_assert(text_equal((struct text){once, (size_t)(once_end - once)},
                             (struct text){twice, (size_t)(twice_end - twice)}),
                  "%.*s", TEXT_ARGS(t));
    }
    for (size_t i = 0; i < ARRAY_COUNT(seen); i++)
        cr_expect_gt(seen[i], 500);
    free(once);
    free(twice);
}

Test(mime, says_whether_it_is_all_ascii)
{
    struct text out;
    struct mime_mail mail = plain;
    mail.subject = mail.text = mail.to_name = TEXT("caff\xC3\xA8");
    cr_expect(mime_compose(&mail, &arena, &out));
    for (size_t i = 0; i < out.bytes; i++)
        cr_assert_lt((unsigned char)out.data[i], 0x80);
    mail.to = TEXT("jos\xC3\xA9@example.com");
    cr_expect_not(mime_compose(&mail, &arena, &out));
}

Test(mime, overflow_latches)
{
    struct arena small;
    struct text out;
    cr_assert_eq(arena_init(&small, 4096, NULL), 0);
    cr_assert(arena_alloc(&small, 3000));
    mime_compose(&plain, &small, &out);
    cr_expect(out.data == NULL && arena_overflowed(&small));
    arena_fini(&small);
}

Test(mime, addresses)
{
    static const struct {
        const char *address;
        bool ok;
    } cases[] = {
        {"ada@example.com", true},
        {"a.b+c@x.co", true},
        {"o'brien@example.ie", true},
        {"", false},
        {"ada", false},
        {"@x.com", false},
        {"a@", false},
        {"a@-", false},
        {"a@b@c", false},
        {"a b@x.com", false},
        {"a@x.com\r\nRCPT", false},
        {"<a@x.com>", false},
        {"\"a\"@x.com", false},
        {"a@[127.0.0.1]", false},
        {"a@x..com", false},
        {"a@.x.com", false},
        {"a@x.com.", false},
        {"josé@x.com", true},
        {"用户@例子.广告", true},
        {"a@é", true},
        {"jos\xE9@x.com", false},       /* Latin-1 */
        {"a\xC2\x85@x.com", false},     /* U+0085, next line */
        {"a\xE2\x80\xA8@x.com", false}, /* U+2028, line separator */
        {"a@x.com\xC0\x8A", false},
        {"a@x.com,b@y.com", false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        cr_expect_eq(mime_address_ok(text_of(cases[i].address)), cases[i].ok, "%s",
                     cases[i].address);
    cr_expect_not(mime_address_ok(TEXT_NONE));
    char longest[400];
    memset(longest, 'a', sizeof(longest));
    longest[64] = '@';
    cr_expect(mime_address_ok((struct text){longest, 64 + 1 + 255}));
    cr_expect_not(mime_address_ok((struct text){longest, 64 + 1 + 256}));
    cr_expect_not(mime_address_ok((struct text){"bbbbb", 5}));
    cr_expect_not(mime_address_ok((struct text){longest + 1, 20}));
}
