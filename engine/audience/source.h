/* source: the text of an expression, and complaints that point into it. */
#ifndef ENGINE_AUDIENCE_SOURCE_H
#define ENGINE_AUDIENCE_SOURCE_H

#include "base/error.h"
#include "base/text.h"

struct source {
    struct text text;
    struct text
        saved; /* the name of a saved audience; TEXT_NONE for the expression itself */
};

/* source_error: a sentence, the line it is about and a caret under its place:
 *     where, line 1: unknown column "frist_name" (did you mean "first_name"?)
 *     frist_name = 'Ada'
 *     ^
 * Shapes: offset <= text.bytes; of a long line the part around the caret is shown
 * Errors: returns -ERROR_INPUT */
int source_error(const struct source *source, size_t offset, struct error *err,
                 const char *format, ...) PRINTF_LIKE(4, 5);

/* source_quote: t for use inside a sentence: without control characters and cut to what
 * an error can hold. Returns out. */
#define SOURCE_QUOTE_BYTES 72
const char *source_quote(struct text t, char out[SOURCE_QUOTE_BYTES]);

#endif
