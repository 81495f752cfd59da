/* sigv4: see sigv4.h. The steps have the names of Amazon's text. */
#include "outbox/wire/sigv4.h"

#include "base/buffer.h"
#include "base/clock.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>

#define DIGEST_BYTES 32
#define HEX_BYTES    (2 * DIGEST_BYTES + 1)

static void hmac(const void *key, size_t key_bytes, struct text t,
                 unsigned char out[DIGEST_BYTES])
{
    unsigned bytes = DIGEST_BYTES;
    CHECK(HMAC(EVP_sha256(), key, (int)key_bytes, (const unsigned char *)t.data, t.bytes,
               out, &bytes));
}

static void hex(const unsigned char digest[DIGEST_BYTES], char out[HEX_BYTES])
{
    for (size_t i = 0; i < DIGEST_BYTES; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

static void hash_hex(struct text t, char out[HEX_BYTES])
{
    unsigned char digest[DIGEST_BYTES];
    CHECK(EVP_Digest(t.data, t.bytes, digest, NULL, EVP_sha256(), NULL));
    hex(digest, out);
}

/* The key is the same for a whole day. */
static void derive_key(struct sigv4 *signer, const char day[9])
{
    if (strcmp(signer->day, day) == 0)
        return;
    struct buffer secret = {0};
    buffer_string(&secret, "AWS4");
    buffer_text(&secret, signer->secret_key);
    hmac(secret.data, secret.bytes, text_of(day), signer->key);
    memset(secret.data, 0, secret.bytes);
    buffer_fini(&secret);
    const struct text steps[] = {signer->region, signer->service, TEXT("aws4_request")};
    for (size_t i = 0; i < ARRAY_COUNT(steps); i++) {
        unsigned char key[DIGEST_BYTES];
        memcpy(key, signer->key, sizeof(key));
        hmac(key, sizeof(key), steps[i], signer->key);
    }
    memcpy(signer->day, day, sizeof(signer->day));
}

static const char *signed_headers(const struct sigv4 *signer)
{
    return signer->session_token.data
               ? "content-type;host;x-amz-date;x-amz-security-token"
               : "content-type;host;x-amz-date";
}

static void hash_canonical_request(const struct sigv4 *signer,
                                   const struct sigv4_request *request, const char *time,
                                   char out[HEX_BYTES])
{
    char payload[HEX_BYTES];
    hash_hex(request->body, payload);
    struct buffer canonical = {0};
    buffer_format(&canonical, "%s\n%.*s\n\ncontent-type:%.*s\nhost:%.*s\nx-amz-date:%s\n",
                  request->method, TEXT_ARGS(request->path),
                  TEXT_ARGS(request->content_type), TEXT_ARGS(request->host), time);
    if (signer->session_token.data)
        buffer_format(&canonical, "x-amz-security-token:%.*s\n",
                      TEXT_ARGS(signer->session_token));
    buffer_format(&canonical, "\n%s\n%s", signed_headers(signer), payload);
    hash_hex(buffer_view(&canonical), out);
    buffer_fini(&canonical);
}

/* "20150830T123600Z" */
static void format_time(int64_t now_s, char out[CLOCK_FORMAT_BYTES])
{
    char time[CLOCK_FORMAT_BYTES];
    clock_format(now_s * NS_PER_S, false, time);
    size_t bytes = 0;
    for (const char *at = time; *at; at++) {
        if (*at != '-' && *at != ':')
            out[bytes++] = *at;
    }
    out[bytes] = '\0';
}

void sigv4_sign(struct sigv4 *signer, const struct sigv4_request *request, int64_t now_s,
                struct sigv4_headers *out)
{
    char time[CLOCK_FORMAT_BYTES], day[9], scope[160], request_hash[HEX_BYTES];
    format_time(now_s, time);
    snprintf(day, sizeof(day), "%.8s", time);
    CHECK(signer->region.bytes < 64 && signer->service.bytes < 64 &&
          signer->access_key.bytes <= SIGV4_ACCESS_KEY_BYTES_MAX);
    snprintf(scope, sizeof(scope), "%s/%.*s/%.*s/aws4_request", day,
             TEXT_ARGS(signer->region), TEXT_ARGS(signer->service));
    hash_canonical_request(signer, request, time, request_hash);

    char string_to_sign[320], signature[HEX_BYTES];
    unsigned char digest[DIGEST_BYTES];
    int bytes = snprintf(string_to_sign, sizeof(string_to_sign),
                         "AWS4-HMAC-SHA256\n%s\n%s\n%s", time, scope, request_hash);
    derive_key(signer, day);
    hmac(signer->key, sizeof(signer->key), (struct text){string_to_sign, (size_t)bytes},
         digest);
    hex(digest, signature);
    snprintf(out->date, sizeof(out->date), "X-Amz-Date: %s", time);
    bytes =
        snprintf(out->authorization, sizeof(out->authorization),
                 "Authorization: AWS4-HMAC-SHA256 Credential=%.*s/%s, "
                 "SignedHeaders=%s, Signature=%s",
                 TEXT_ARGS(signer->access_key), scope, signed_headers(signer), signature);
    CHECK((size_t)bytes < sizeof(out->authorization));
}
