/* template_language: see template_language.h. */
#include "render/template/template_language.h"

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool template_language_name(struct text t, char out[TEMPLATE_LANGUAGE_BYTES + 1])
{
    size_t letters = 0;
    while (letters < t.bytes && is_letter(t.data[letters]))
        letters++;
    if (letters < 2 || letters > 3 || t.bytes > TEMPLATE_LANGUAGE_BYTES)
        return false;
    for (size_t i = 0; i < t.bytes; i++) {
        char c = t.data[i] == '_' ? '-' : t.data[i];
        if (c == '-' ? i + 1 == t.bytes || out[i - 1] == '-'
                     : !is_letter(c) && (c < '0' || c > '9' || i == letters))
            return false;
        out[i] = c;
    }
    out[t.bytes] = '\0';
    return true;
}
