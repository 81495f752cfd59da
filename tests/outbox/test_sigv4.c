#include "outbox/wire/sigv4.h"

#include "base/check.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define KEY   "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define WHEN  1440938160 /* 2015-08-30T12:36:00Z */
#define TOKEN "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWL=="

/* The first is post-x-www-form-urlencoded of Amazon's aws4_testsuite; the others are what aws4 of npm
 * makes of the same request. */
static const struct {
    const char *region, *service, *token, *host, *path, *content_type, *body;
    const char *signed_headers, *signature;
} vectors[] = {
    {"us-east-1", "service", NULL, "example.amazonaws.com", "/",
     "application/x-www-form-urlencoded", "Param1=value1", "content-type;host;x-amz-date",
     "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
    {"eu-west-1", "ses", NULL, "127.0.0.1:8005", "/v2/email/outbound-bulk-emails",
     "application/json", "{\"a\":1}", "content-type;host;x-amz-date",
     "3f333ffa0120cccb47cd1c879f155045070b587490a326efa97eaf6fbc6f1867"},
    {"eu-west-1", "ses", TOKEN, "email.eu-west-1.amazonaws.com",
     "/v2/email/outbound-emails", "application/json", "{\"a\":1}",
     "content-type;host;x-amz-date;x-amz-security-token",
     "3c46c5b8b3c42d88dbf9acea73b6143287a1a6cf1377bb69b58ea53fc816609f"},
};

Test(sigv4, signs_as_amazon_and_aws4_do)
{
    for (size_t i = 0; i < ARRAY_COUNT(vectors); i++) {
        struct sigv4 signer = {.access_key = TEXT("AKIDEXAMPLE"),
                               .secret_key = TEXT(KEY),
                               .session_token = text_of(vectors[i].token),
                               .region = text_of(vectors[i].region),
                               .service = text_of(vectors[i].service)};
        const struct sigv4_request request = {.method = "POST",
                                              .host = text_of(vectors[i].host),
                                              .path = text_of(vectors[i].path),
                                              .content_type =
                                                  text_of(vectors[i].content_type),
                                              .body = text_of(vectors[i].body)};
        struct sigv4_headers headers;
        char want[512];
        snprintf(want, sizeof(want),
                 "Authorization: AWS4-HMAC-SHA256 "
                 "Credential=AKIDEXAMPLE/20150830/%s/%s/aws4_request, "
                 "SignedHeaders=%s, Signature=%s",
                 vectors[i].region, vectors[i].service, vectors[i].signed_headers,
                 vectors[i].signature);
        for (int again = 0; again < 2; again++) { /* with the day's key kept */
            sigv4_sign(&signer, &request, WHEN, &headers);
            cr_expect_str_eq(headers.authorization, want, "vector %zu", i);
            cr_expect_str_eq(headers.date, "X-Amz-Date: 20150830T123600Z");
        }
    }
}

Test(sigv4, derives_the_key_of_each_day)
{
    /* the example of Amazon's "Deriving the signing key" */
    static const unsigned char want[32] = {
        0xc4, 0xaf, 0xb1, 0xcc, 0x57, 0x71, 0xd8, 0x71, 0x76, 0x3a, 0x39,
        0x3e, 0x44, 0xb7, 0x03, 0x57, 0x1b, 0x55, 0xcc, 0x28, 0x42, 0x4d,
        0x1a, 0x5e, 0x86, 0xda, 0x6e, 0xd3, 0xc1, 0x54, 0xa4, 0xb9};
    struct sigv4 signer = {.access_key = TEXT("AKIDEXAMPLE"),
                           .secret_key = TEXT(KEY),
                           .region = TEXT("us-east-1"),
                           .service = TEXT("iam")};
    const struct sigv4_request request = {.method = "POST"};
    struct sigv4_headers headers;
    sigv4_sign(&signer, &request, WHEN, &headers);
    cr_expect_arr_eq(signer.key, want, sizeof(want));
    sigv4_sign(&signer, &request, WHEN + 86400, &headers);
    cr_expect_str_eq(signer.day, "20150831");
    cr_expect_neq(memcmp(signer.key, want, sizeof(want)), 0);
    sigv4_sign(&signer, &request, WHEN, &headers);
    cr_expect_arr_eq(signer.key, want, sizeof(want));
}
