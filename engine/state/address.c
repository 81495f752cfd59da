/* address: see address.h. */
#include "engine/state/address.h"

bool address_is_email(struct text t)
{
    size_t ats = 0, at = 0;
    if (t.bytes > ADDRESS_EMAIL_BYTES_MAX || !utf8_valid(t))
        return false;
    for (size_t i = 0; i < t.bytes; i++) {
        unsigned char c = (unsigned char)t.data[i];
        if (c <= ' ' || c == 0x7F || strchr("<>()[],;:\\\"", c))
            return false;
        if (c == '@') {
            ats++;
            at = i;
        }
    }
    return ats == 1 && at > 0 && at + 1 < t.bytes && t.data[at + 1] != '.' &&
           t.data[t.bytes - 1] != '.';
}

bool address_is_phone(struct text t)
{
    if (t.bytes < 8 || t.bytes > 16 || t.data[0] != '+' || t.data[1] == '0')
        return false;
    for (size_t i = 1; i < t.bytes; i++) {
        if (t.data[i] < '0' || t.data[i] > '9')
            return false;
    }
    return true;
}

struct text address_of_mailbox(struct text t)
{
    struct text address = t;
    if (t.bytes > 0 && t.data[t.bytes - 1] == '>') {
        const char *open = memchr(t.data, '<', t.bytes);
        if (!open)
            return TEXT_NONE;
        size_t before = (size_t)(open - t.data);
        address = (struct text){open + 1, t.bytes - before - 2};
    }
    return address_is_email(address) ? address : TEXT_NONE;
}
