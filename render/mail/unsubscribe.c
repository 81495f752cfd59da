/* unsubscribe: see unsubscribe.h.
 *
 * The signed bytes are: version, category, length of the account id, account id, customer
 * id. The MAC follows them, cut to 16 bytes (RFC 2104, 5): 2^-128 is enough for a link,
 * and links should be short. */
#define OPENSSL_SUPPRESS_DEPRECATED /* see unsubscribe_signer_init */
#include "render/mail/unsubscribe.h"

#include "render/mail/base64.h"

#include <openssl/crypto.h>

#define VERSION         1
#define HEADER_BYTES    3
#define MAC_BYTES       16
#define ID_BYTES_MAX    255 /* ids are limited where they come in */
#define TOKEN_BYTES_MAX (HEADER_BYTES + 2 * ID_BYTES_MAX + MAC_BYTES)
#define TOKEN_CHARS_MAX ((4 * TOKEN_BYTES_MAX + 2) / 3)

/* HMAC (RFC 2104) over SHA-256. HMAC() and EVP_MAC look their algorithm up and allocate for
 * each call, which takes several times as long as the blocks that are hashed here; OpenSSL calls
 * the plain functions deprecated, which does not make them worse. */
void unsubscribe_signer_init(struct unsubscribe_signer *signer,
                             const unsigned char key[UNSUBSCRIBE_KEY_BYTES])
{
    unsigned char inner[SHA256_CBLOCK], outer[SHA256_CBLOCK];
    _Static_assert(UNSUBSCRIBE_KEY_BYTES <= SHA256_CBLOCK, "a longer key is hashed");
    for (size_t i = 0; i < SHA256_CBLOCK; i++) {
        unsigned char byte = i < UNSUBSCRIBE_KEY_BYTES ? key[i] : 0;
        inner[i] = byte ^ 0x36;
        outer[i] = byte ^ 0x5C;
    }
    SHA256_Init(&signer->inner);
    SHA256_Update(&signer->inner, inner, sizeof(inner));
    SHA256_Init(&signer->outer);
    SHA256_Update(&signer->outer, outer, sizeof(outer));
    OPENSSL_cleanse(inner, sizeof(inner));
    OPENSSL_cleanse(outer, sizeof(outer));
}

static void sign(const struct unsubscribe_signer *signer, const unsigned char *data,
                 size_t bytes, unsigned char mac[MAC_BYTES])
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256_CTX sha = signer->inner;
    SHA256_Update(&sha, data, bytes);
    SHA256_Final(digest, &sha);
    sha = signer->outer;
    SHA256_Update(&sha, digest, sizeof(digest));
    SHA256_Final(digest, &sha);
    OPENSSL_cleanse(&sha, sizeof(sha));
    memcpy(mac, digest, MAC_BYTES);
}

struct text unsubscribe_token(const struct unsubscribe_signer *signer,
                              enum category category, struct text account,
                              struct text customer, struct arena *arena)
{
    unsigned char bytes[TOKEN_BYTES_MAX];
    CHECK(account.bytes <= ID_BYTES_MAX && customer.bytes <= ID_BYTES_MAX);
    size_t used = HEADER_BYTES + account.bytes + customer.bytes;
    bytes[0] = VERSION;
    bytes[1] = (unsigned char)category;
    bytes[2] = (unsigned char)account.bytes;
    memcpy(bytes + HEADER_BYTES, account.data ? account.data : "", account.bytes);
    memcpy(bytes + HEADER_BYTES + account.bytes, customer.data ? customer.data : "",
           customer.bytes);
    sign(signer, bytes, used, bytes + used);
    char *start = arena_reserve(arena, BASE64_ROOM(used + MAC_BYTES));
    if (!start)
        return TEXT_NONE;
    char *end = base64url_encode(start, bytes, used + MAC_BYTES);
    arena_commit(arena, (size_t)(end - start));
    return (struct text){start, (size_t)(end - start)};
}

int unsubscribe_verify(const unsigned char key[UNSUBSCRIBE_KEY_BYTES], struct text token,
                       struct arena *arena, enum category *category_out,
                       struct text *account_out, struct text *customer_out,
                       struct error *err)
{
    unsigned char bytes[TOKEN_BYTES_MAX], mac[MAC_BYTES];
    long decoded = token.bytes <= TOKEN_CHARS_MAX ? base64url_decode(bytes, token) : -1;
    size_t signed_bytes =
        decoded < HEADER_BYTES + MAC_BYTES ? 0 : (size_t)decoded - MAC_BYTES;
    if (signed_bytes > 0) {
        struct unsubscribe_signer signer;
        unsubscribe_signer_init(&signer, key);
        sign(&signer, bytes, signed_bytes, mac);
        OPENSSL_cleanse(&signer, sizeof(signer));
    }
    if (signed_bytes == 0 || CRYPTO_memcmp(mac, bytes + signed_bytes, MAC_BYTES) != 0)
        return error_set(err, ERROR_INPUT, "this unsubscribe link is not one of ours");
    size_t account_bytes = bytes[2];
    if (bytes[0] != VERSION || bytes[1] >= CATEGORY_COUNT ||
        HEADER_BYTES + account_bytes > signed_bytes)
        return error_set(err, ERROR_INPUT, "this unsubscribe link is of another version");
    const char *ids = (const char *)bytes + HEADER_BYTES;
    *category_out = (enum category)bytes[1];
    *account_out = arena_text(arena, (struct text){ids, account_bytes});
    *customer_out =
        arena_text(arena, (struct text){ids + account_bytes,
                                        signed_bytes - HEADER_BYTES - account_bytes});
    return arena_overflowed(arena)
               ? error_set(err, ERROR_BUG, "no room for the parts of an unsubscribe link")
               : 0;
}
