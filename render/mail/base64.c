/* base64: see base64.h. */
#include "render/mail/base64.h"

static const char plain[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_safe[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static char *encode(char *out, const unsigned char *p, size_t bytes, const char *digits)
{
    size_t i = 0;
    for (; i + 3 <= bytes; i += 3) {
        uint32_t group = (uint32_t)p[i] << 16 | (uint32_t)p[i + 1] << 8 | p[i + 2];
        *out++ = digits[group >> 18];
        *out++ = digits[group >> 12 & 63];
        *out++ = digits[group >> 6 & 63];
        *out++ = digits[group & 63];
    }
    if (i == bytes)
        return out;
    bool two = bytes - i == 2;
    uint32_t group = (uint32_t)p[i] << 16 | (two ? (uint32_t)p[i + 1] << 8 : 0);
    *out++ = digits[group >> 18];
    *out++ = digits[group >> 12 & 63];
    if (two)
        *out++ = digits[group >> 6 & 63];
    return out;
}

char *base64_encode(char *out, const void *data, size_t bytes)
{
    char *end = encode(out, data, bytes, plain);
    while ((end - out) % 4 != 0)
        *end++ = '=';
    return end;
}

char *base64url_encode(char *out, const void *data, size_t bytes)
{
    return encode(out, data, bytes, url_safe);
}

static int digit_of(char c)
{
    const char *at = c ? strchr(url_safe, c) : NULL;
    return at ? (int)(at - url_safe) : -1;
}

long base64url_decode(void *out, struct text t)
{
    unsigned char *at = out;
    uint32_t bits = 0;
    unsigned count = 0;
    if (t.bytes % 4 == 1)
        return -1;
    for (size_t i = 0; i < t.bytes; i++) {
        int digit = digit_of(t.data[i]);
        if (digit < 0)
            return -1;
        bits = bits << 6 | (uint32_t)digit;
        count += 6;
        if (count >= 8) {
            count -= 8;
            *at++ = (unsigned char)(bits >> count);
            bits &= (1u << count) - 1;
        }
    }
    return bits == 0 ? (long)(at - (unsigned char *)out) : -1;
}
