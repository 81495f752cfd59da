/* text: a borrowed run of bytes, usually UTF-8, and the few things everybody does with
 * one. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* data may be NULL, which means "no value" and is different from an empty value. */
struct text {
    const char *data;
    size_t bytes;
};

#define TEXT_NONE     ((struct text){NULL, 0})
#define TEXT(literal) ((struct text){"" literal, sizeof(literal) - 1})
/* for printf("%.*s", TEXT_ARGS(t)) */
#define TEXT_ARGS(t) (int)(t).bytes, (t).data ? (t).data : ""

static inline struct text text_of(const char *string)
{
    return (struct text){string, string ? strlen(string) : 0};
}

static inline bool text_equal(struct text a, struct text b)
{
    return a.bytes == b.bytes && (a.bytes == 0 || memcmp(a.data, b.data, a.bytes) == 0);
}

static inline bool text_is(struct text a, const char *string)
{
    return text_equal(a, text_of(string));
}

/* text_trim: without ASCII white space at both ends. */
struct text text_trim(struct text t);

/* text_copy: a NUL-terminated heap copy.
 * Owns: the caller frees it. */
char *text_copy(struct text t);

/* text_equal_nocase: equal but for the case of ASCII letters. */
bool text_equal_nocase(struct text a, struct text b);

/* utf8_next: decode one code point and move *at behind it.
 * Shapes: *at < end
 * Errors: an ill-formed sequence gives UTF8_BAD and moves by one byte (Unicode 15, 3.9:
 * maximal subpart practice is not needed, we only have to make progress and never read
 * past end). */
#define UTF8_BAD 0xFFFFFFFFu
uint32_t utf8_next(const char **at, const char *end);

/* utf8_encode: write a code point below 0x110000; returns 1–4 bytes. */
size_t utf8_encode(uint32_t code_point, char out[4]);

/* utf8_valid: true when every sequence is well formed. */
bool utf8_valid(struct text t);

#endif
