/* jwt: see jwt.h. */
#include "outbox/wire/jwt.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>

#define RSA_BITS_MIN        2048 /* RFC 7518 3.3 */
#define P256_NUMBER_BYTES   32
#define SIGNATURE_BYTES_MAX 2048 /* an RSA key of 16384 bits, OpenSSL's largest */

struct jwt_key {
    EVP_PKEY *pkey;
    enum jwt_algorithm algorithm;
};

/* --- keys --- */

/* Instead of OpenSSL's own, which would ask at the terminal. */
static int no_password(char *out, int bytes, int is_writing, void *arg)
{
    (void)out, (void)bytes, (void)is_writing, (void)arg;
    return -1;
}

static bool is_p256(const EVP_PKEY *pkey)
{
    char group[32] = "";
    return EVP_PKEY_is_a(pkey, "EC") &&
           EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, group,
                                          sizeof(group), NULL) == 1 &&
           strcmp(group, "prime256v1") == 0;
}

static bool is_rsa(const EVP_PKEY *pkey)
{
    return EVP_PKEY_is_a(pkey, "RSA") && EVP_PKEY_get_bits(pkey) >= RSA_BITS_MIN;
}

int jwt_key_parse(struct text pem, enum jwt_algorithm algorithm, struct jwt_key **out,
                  struct error *err)
{
    *out = NULL;
    BIO *bio = BIO_new_mem_buf(pem.data ? pem.data : "", (int)pem.bytes);
    CHECK(bio);
    EVP_PKEY *pkey = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
    BIO_free(bio);
    if (!pkey)
        return error_set(err, ERROR_CONFIG,
                         "no private key in PEM without a password (\"-----BEGIN PRIVATE "
                         "KEY-----\")");
    if (algorithm == JWT_RS256 ? !is_rsa(pkey) : !is_p256(pkey)) {
        EVP_PKEY_free(pkey);
        return error_set(err, ERROR_CONFIG, "the private key is not %s",
                         algorithm == JWT_RS256 ? "an RSA key of 2048 bits or more"
                                                : "an elliptic curve key on P-256");
    }
    struct jwt_key *key = calloc(1, sizeof(*key));
    CHECK(key);
    *key = (struct jwt_key){.pkey = pkey, .algorithm = algorithm};
    *out = key;
    return 0;
}

void jwt_key_free(struct jwt_key **key)
{
    if (*key)
        EVP_PKEY_free((*key)->pkey);
    free(*key);
    *key = NULL;
}

/* --- signing --- */

static void add_base64url(struct buffer *out, const void *data, size_t bytes)
{
    unsigned char *start = (unsigned char *)buffer_room(out, (bytes + 2) / 3 * 4 + 1);
    size_t used = (size_t)EVP_EncodeBlock(start, data, (int)bytes);
    while (used > 0 && start[used - 1] == '=')
        used--;
    for (size_t i = 0; i < used; i++)
        start[i] = start[i] == '+' ? '-' : start[i] == '/' ? '_' : start[i];
    start[used] = '\0';
    out->bytes += used;
}

/* JWS has the two numbers side by side, 32 bytes each (RFC 7518 3.4), where OpenSSL writes DER.
 * Returns 64, or 0. */
static size_t numbers_of(unsigned char *signature, size_t bytes)
{
    const unsigned char *at = signature;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)bytes);
    if (!pair)
        return 0;
    bool ok = BN_bn2binpad(ECDSA_SIG_get0_r(pair), signature, P256_NUMBER_BYTES) > 0 &&
              BN_bn2binpad(ECDSA_SIG_get0_s(pair), signature + P256_NUMBER_BYTES,
                           P256_NUMBER_BYTES) > 0;
    ECDSA_SIG_free(pair);
    return ok ? 2 * P256_NUMBER_BYTES : 0;
}

static size_t sign(const struct jwt_key *key, struct text input,
                   unsigned char signature[SIGNATURE_BYTES_MAX])
{
    size_t bytes = SIGNATURE_BYTES_MAX;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    CHECK(context);
    bool ok = EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key->pkey) == 1 &&
              EVP_DigestSign(context, signature, &bytes,
                             (const unsigned char *)input.data, input.bytes) == 1;
    EVP_MD_CTX_free(context);
    if (!ok)
        return 0;
    return key->algorithm == JWT_ES256 ? numbers_of(signature, bytes) : bytes;
}

int jwt_sign(const struct jwt_key *key, struct text header, struct text claims,
             struct buffer *out, struct error *err)
{
    size_t start = out->bytes;
    add_base64url(out, header.data, header.bytes);
    buffer_byte(out, '.');
    add_base64url(out, claims.data, claims.bytes);
    unsigned char signature[SIGNATURE_BYTES_MAX];
    struct text input = {out->data + start, out->bytes - start};
    size_t bytes = sign(key, input, signature);
    if (bytes == 0) {
        out->bytes = start;
        return error_set(err, ERROR_BUG, "OpenSSL does not sign a token");
    }
    buffer_byte(out, '.');
    add_base64url(out, signature, bytes);
    return 0;
}
