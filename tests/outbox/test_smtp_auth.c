#include "outbox/wire/smtp_auth.h"

#include <criterion/criterion.h>

#define BIT(mechanism) (1u << SMTP_AUTH_##mechanism)

Test(smtp_auth, reads_what_is_offered)
{
    static const struct {
        const char *words;
        unsigned bits;
    } cases[] = {
        {"PLAIN LOGIN", BIT(PLAIN) | BIT(LOGIN)},
        {"login xoauth2 CRAM-MD5", BIT(LOGIN) | BIT(XOAUTH2)},
        {"  PLAIN  ", BIT(PLAIN)},
        {"", 0},
        {"AUTH PLAINS PLAI OAUTHBEARER", 0},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        cr_expect_eq(smtp_auth_mechanisms(text_of(cases[i].words)), cases[i].bits, "%s",
                     cases[i].words);
}

/* What is said up to the end, one line a challenge; encoded by base64(1). */
static const struct {
    enum smtp_mechanism wanted;
    unsigned offered;
    const char *username, *password;
    const char *said; /* NULL: nothing offered will do */
} talks[] = {
    /* the example of RFC 4616 4 */
    {SMTP_AUTH_NONE, BIT(PLAIN) | BIT(LOGIN), "tim", "tanstaaftanstaaf",
     "AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n"},
    {SMTP_AUTH_NONE, BIT(LOGIN) | BIT(XOAUTH2), "tim", "x",
     "AUTH LOGIN\r\ndGlt\r\neA==\r\n"},
    {SMTP_AUTH_LOGIN, BIT(LOGIN) | BIT(PLAIN), "tim", "x",
     "AUTH LOGIN\r\ndGlt\r\neA==\r\n"},
    /* the example of Google's "XOAUTH2 Mechanism" */
    {SMTP_AUTH_XOAUTH2, BIT(XOAUTH2), "someuser@example.com",
     "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg",
     "AUTH XOAUTH2 "
     "dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52"
     "YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ==\r\n\r\n"},
    {SMTP_AUTH_NONE, BIT(XOAUTH2), "tim", "x", NULL}, /* only when asked for */
    {SMTP_AUTH_XOAUTH2, BIT(PLAIN), "tim", "x", NULL},
    {SMTP_AUTH_NONE, 0, "tim", "x", NULL},
};

Test(smtp_auth, says_what_each_mechanism_has)
{
    for (size_t i = 0; i < ARRAY_COUNT(talks); i++) {
        struct smtp_login login = {talks[i].username, talks[i].password, talks[i].wanted};
        struct smtp_auth auth = {0};
        struct buffer out = {0};
        bool begun = smtp_auth_begin(&auth, &login, talks[i].offered, &out);
        cr_assert_eq(begun, talks[i].said != NULL, "%zu", i);
        for (int challenges = 0; begun && challenges < 5; challenges++) {
            if (!smtp_auth_go_on(&auth, TEXT("eyJ4IjoxfQ=="), &out))
                break;
        }
        if (begun)
            cr_expect(text_is(buffer_view(&out), talks[i].said), "%zu: %.*s", i,
                      TEXT_ARGS(buffer_view(&out)));
        cr_expect_str_eq(auth.complaint,
                         auth.mechanism == SMTP_AUTH_XOAUTH2 ? "{\"x\":1}" : "");
        buffer_fini(&out);
    }
}

Test(smtp_auth, a_long_token_waits_for_the_challenge)
{
    char token[2001];
    memset(token, 't', sizeof(token) - 1);
    token[sizeof(token) - 1] = '\0';
    struct smtp_login login = {"ann", token, SMTP_AUTH_XOAUTH2};
    struct smtp_auth auth = {0};
    struct buffer out = {0};
    cr_assert(smtp_auth_begin(&auth, &login, BIT(XOAUTH2), &out));
    cr_expect(text_is(buffer_view(&out), "AUTH XOAUTH2\r\n"));
    buffer_clear(&out);
    cr_expect(smtp_auth_go_on(&auth, TEXT(""), &out));
    cr_expect_gt(out.bytes, sizeof(token) * 4 / 3);
    cr_expect_eq(memcmp(out.data, "dXNlcj1hbm4B", 12), 0);
    buffer_clear(&out);
    cr_expect(smtp_auth_go_on(&auth, TEXT("not base64!"), &out));
    cr_expect(text_is(buffer_view(&out), "\r\n"));
    cr_expect_not(smtp_auth_go_on(&auth, TEXT(""), &out));
    buffer_fini(&out);
}
