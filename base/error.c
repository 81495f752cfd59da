/* error: see error.h. */
#include "base/error.h"

#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int exit_status; /* sysexits(3) where it has one */
} kinds[] = {
    [ERROR_NONE] = {"none", 0},
    [ERROR_USAGE] = {"usage", 2},
    [ERROR_CONFIG] = {"config", 78},
    [ERROR_INPUT] = {"input", 65},
    [ERROR_IO] = {"io", 74},
    [ERROR_TEMPORARY] = {"temporary", 69},
    [ERROR_PERMANENT] = {"permanent", 69},
    [ERROR_AGAIN] = {"again", 75},
    [ERROR_BUG] = {"bug", 70},
};

/* make_valid: a sentence may quote bytes that are no UTF-8, or be cut inside a character.
 */
static void make_valid(char *text)
{
    const char *at = text, *end = text + strlen(text);
    while (at < end) {
        const char *start = at;
        if (utf8_next(&at, end) == UTF8_BAD)
            text[start - text] = '?';
    }
}

int error_set_v(struct error *err, enum error_kind kind, const char *format, va_list args)
{
    CHECK(kind != ERROR_NONE);
    if (err) {
        err->kind = kind;
        vsnprintf(err->text, sizeof(err->text), format, args);
        make_valid(err->text);
    }
    return -(int)kind;
}

int error_set(struct error *err, enum error_kind kind, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int code = error_set_v(err, kind, format, args);
    va_end(args);
    return code;
}

int error_io(struct error *err, const char *format, ...)
{
    const char *why = strerror(errno);
    va_list args;
    va_start(args, format);
    int code = error_set_v(err, ERROR_IO, format, args);
    va_end(args);
    if (err) {
        size_t used = strlen(err->text);
        snprintf(err->text + used, sizeof(err->text) - used, ": %s", why);
        make_valid(err->text);
    }
    return code;
}

void error_prefix(struct error *err, const char *format, ...)
{
    if (!err)
        return;
    char sentence[ERROR_TEXT_BYTES];
    memcpy(sentence, err->text, sizeof(sentence));
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof(err->text), format, args);
    va_end(args);
    size_t used = strlen(err->text);
    snprintf(err->text + used, sizeof(err->text) - used, "%s", sentence);
    make_valid(err->text);
}

int error_exit_status(enum error_kind kind)
{
    CHECK((size_t)kind < ARRAY_COUNT(kinds));
    return kinds[kind].exit_status;
}

const char *error_kind_name(enum error_kind kind)
{
    CHECK((size_t)kind < ARRAY_COUNT(kinds));
    return kinds[kind].name;
}
