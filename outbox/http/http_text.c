/* http_text: what stands in requests as text; see http.h. */
#include "outbox/http/http.h"

#include <openssl/evp.h>
#include <stdio.h>

bool http_url_ok(struct text url)
{
    size_t head = url.bytes > 8 && memcmp(url.data, "https://", 8) == 0  ? 8
                  : url.bytes > 7 && memcmp(url.data, "http://", 7) == 0 ? 7
                                                                         : 0;
    for (size_t i = head; i < url.bytes; i++) {
        unsigned char c = (unsigned char)url.data[i];
        if (c <= ' ' || c >= 0x7F || strchr("@?#\\\"<>", c))
            return false;
    }
    return head > 0 && url.data[head] != '/' && url.data[head] != ':';
}

int http_basic_auth(const char *user, const char *password, char *out, size_t out_bytes)
{
    unsigned char pair[512];
    int pair_bytes = snprintf((char *)pair, sizeof(pair), "%s:%s", user, password);
    int head = snprintf(out, out_bytes, "Authorization: Basic ");
    if (pair_bytes < 0 || (size_t)pair_bytes >= sizeof(pair) || head < 0 ||
        (size_t)head + (size_t)(pair_bytes + 2) / 3 * 4 + 1 > out_bytes)
        return -1;
    EVP_EncodeBlock((unsigned char *)out + head, pair, pair_bytes);
    return 0;
}
