#include "outbox/wire/jwt.h"

#include <criterion/criterion.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

/* The key of RFC 7515 A.2.1 as PKCS #8. */
static const char rsa_pem[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCh+BYK4uPJtGXO\n"
    "jS1lYmM2K5J9vinh8CR3/BYlzJChNuOL2TSXxbbqY913EeZ8dCn5VrD7io8ImtxL\n"
    "aYk8wTM/U+3QGbh3hCUv7JFP5IV3aVlL6kKA0ywPVb9ilE8TA5a8bpvfbr3SvaNn\n"
    "juygxmj3AbONv/s4yDQs4v5tJ/reSlpIdJed1LnPmt7Ex1sFhSwsD174pcF1A5L5\n"
    "ROjtZMEQxrZHYJqkeDrrnGya11UxMFBji4NmXG9veoKjlnAqH2QbgtPr8jkiGUkf\n"
    "toaHLFcW9Qr4NY2ai50Xw0Byj3+H2JoY2PyrZ62EWQwuz3WTOTY8BwNNb2BvniHg\n"
    "VFbK5emhAgMBAAECggEAEq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyW\n"
    "PEAeP88vLNO97IjlA7/GQ5sLKMgvfTeXZx9SE+7YwVol2NXOoAJe46sui395IW/G\n"
    "O+pWJ1O0BkTGoVEn2bKVRUCgu+GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzj\n"
    "kn439X0M/V51gfpRLI9JYanrC4D4qAdGcopV/0ZHHzQlBjudU2QvXt4ehNYTCBr6\n"
    "XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl/x/jTj3ccPDVZFD9pIuhLhBOneufuBiB\n"
    "4cS98l2SR/RQyGWSeWjnczT0QU91p1DhOVRuOopznQKBgQDgHMQQ60imZV1URk0K\n"
    "pLttoLhyt3SmqdEf/kgHePDdtzEafpAu+cS191R2JiuoF2yzWXnwFDcqGigp5BNr\n"
    "0AHQfD8/Lk8l1Mk09jxxCfui5nYooNyac8YFjm3vItzVCVDnEd3BbVWG8qf6deqE\n"
    "lMGAg+C2V0L4oNXnP7LZcPAZRwKBgQC5A8R+CZW2MvRTLLHzwZkUXV866cff7tx6\n"
    "kqa0finGG0KgeqlaZPxgCZnFp7AeAcCMtiynVlJ7vMVgePsLq6XtON4tB5kP9jAP\n"
    "rq3rbAOal78eUH5OcED6eNuCV8ixEu1eWcPNCS/l1OW1EnXUEoEHKl54Xrrz2uNw\n"
    "kgMTP1FZ1wKBgAcCn1dwJKufzBWQxWQp1vsM5fggqPN1qGb5y0MAk3g7/Ls5bkUp\n"
    "5u9SN0Ai3Ya6hNnvWJMb7sXQX6U/zyO2M/hTip7tUeh7CXgwo59dkpN75gJLVds2\n"
    "9+DAncu3KXU4f2Fa+7bLNrur53k8KwPOq2bbuTG69QtV7Jr5MR0AHWKNAoGBAIf/\n"
    "evpitUf+4JYbLpvNXWcY052Mpz22aR84mY3nh3F2LF2mjMJDpTg7FmuyPcVw6EcG\n"
    "yoAe9fa65iNqCq+jdw6PVNGo2hxfjSiZ8IIzHdsPXI89//pMjZcQK9r+CCoRjaZj\n"
    "OYiIDktVWZzmevJuv6WywUqd57LE3Zar3dLSIkx1AoGAIYd7DHOhrWvxkwPQsRM2\n"
    "tOgrjbcrfvtQJipd+DlcxyVuuM9sQLdgjVk2oy26F0EmpScGLq2MowX7fhd/QJQ3\n"
    "ydy5cY7YIBi87w93IKLEdfnbJtoOPLUW0ITrJReOgo1cq9SbsxYawBgfp/gh6A56\n"
    "03k2+ZQwVK0JKSHuLFkuQ3U=\n"
    "-----END PRIVATE KEY-----\n";

/* The key of RFC 7515 A.3.1. */
static const char ec_pem[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjpsQnnGQmL+YBIff\n"
    "H1136cspYG6+0iY7X1fCE9+E9LKhRANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp\n"
    "7xO6z248e9FURcfxRM0bvZt+hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt\n"
    "-----END PRIVATE KEY-----\n";

#define PAYLOAD                                                                          \
    "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}"
#define PAYLOAD_64                                                                       \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19y"   \
    "b290Ijp0cnVlfQ"
#define ES256_64 "eyJhbGciOiJFUzI1NiJ9." PAYLOAD_64 "."

static struct jwt_key *parse(const char *pem, enum jwt_algorithm algorithm)
{
    struct jwt_key *key;
    struct error err = {0};
    cr_assert_eq(jwt_key_parse(text_of(pem), algorithm, &key, &err), 0, "%s", err.text);
    return key;
}

Test(jwt, rs256_is_that_of_rfc_7515_a_2)
{
    struct jwt_key *key = parse(rsa_pem, JWT_RS256);
    struct buffer out = {0};
    buffer_string(&out, "assertion=");
    cr_assert_eq(jwt_sign(key, TEXT("{\"alg\":\"RS256\"}"), TEXT(PAYLOAD), &out, NULL),
                 0);
    cr_expect_str_eq(out.data,
                     "assertion=eyJhbGciOiJSUzI1NiJ9." PAYLOAD_64
                     ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7"
                     "AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4"
                     "BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K"
                     "0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqv"
                     "hJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrB"
                     "p0igcN_IoypGlUPQGe77Rw");
    buffer_fini(&out);
    jwt_key_free(&key);
    cr_expect_null(key);
}

/* The other direction, written apart from jwt.c: base64url, r and s, DER, OpenSSL. */
static bool verifies_es256(const char *token)
{
    const char *dot = strrchr(token, '.');
    unsigned char raw[66], *der = NULL;
    char padded[89] = "";
    if (strlen(dot + 1) != 86)
        return false;
    for (int i = 0; i < 86; i++)
        padded[i] = dot[1 + i] == '-' ? '+' : dot[1 + i] == '_' ? '/' : dot[1 + i];
    strcat(padded, "==");
    if (EVP_DecodeBlock(raw, (unsigned char *)padded, 88) != 66)
        return false;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    ECDSA_SIG_set0(pair, BN_bin2bn(raw, 32, NULL), BN_bin2bn(raw + 32, 32, NULL));
    int der_bytes = i2d_ECDSA_SIG(pair, &der);
    BIO *bio = BIO_new_mem_buf(ec_pem, -1);
    EVP_PKEY *pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, pkey);
    bool ok = EVP_DigestVerify(context, der, (size_t)der_bytes,
                               (const unsigned char *)token, (size_t)(dot - token)) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(pkey);
    BIO_free(bio);
    OPENSSL_free(der);
    ECDSA_SIG_free(pair);
    return ok;
}

Test(jwt, es256_verifies_as_that_of_rfc_7515_a_3_does)
{
    cr_assert(verifies_es256(ES256_64
                             "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw"
                             "5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"));
    cr_assert_not(verifies_es256(ES256_64
                                 "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw"
                                 "5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1A"));
    struct jwt_key *key = parse(ec_pem, JWT_ES256);
    /* numbers that begin with zeros are shorter in DER: one in 128 signatures */
    for (int i = 0; i < 600; i++) {
        struct buffer out = {0};
        cr_assert_eq(
            jwt_sign(key, TEXT("{\"alg\":\"ES256\"}"), TEXT(PAYLOAD), &out, NULL), 0);
        cr_assert(verifies_es256(out.data), "%s", out.data);
        cr_assert_eq(strncmp(out.data, ES256_64, sizeof(ES256_64) - 1), 0);
        buffer_fini(&out);
    }
    jwt_key_free(&key);
}

Test(jwt, keys_that_are_none_or_of_another_kind_are_refused)
{
    static const struct {
        const char *pem;
        enum jwt_algorithm algorithm;
        const char *words;
    } cases[] = {
        {"", JWT_RS256, "no private key"},
        {"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", JWT_RS256,
         "no private key"},
        /* openssl genrsa -aes128: it must not ask for the password at the terminal */
        {"-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
         "MIIBvTBXBgkqhkiG9w0BBQ0wSjApBgkqhkiG9w0BBQwwHAQI\n"
         "-----END ENCRYPTED PRIVATE KEY-----\n",
         JWT_RS256, "no private key"},
        {rsa_pem, JWT_ES256, "P-256"},
        {ec_pem, JWT_RS256, "RSA"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct jwt_key *key;
        struct error err = {0};
        cr_expect_lt(jwt_key_parse(text_of(cases[i].pem), cases[i].algorithm, &key, &err),
                     0);
        cr_expect_null(key);
        cr_expect_eq(err.kind, ERROR_CONFIG);
        cr_expect(strstr(err.text, cases[i].words), "case %zu: %s", i, err.text);
    }
}
