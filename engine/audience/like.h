/* like: LIKE and ILIKE patterns: % is any text, _ is one code point. There is no escape
 * character unless ESCAPE names one, as standard SQL has it. */
#ifndef ENGINE_AUDIENCE_LIKE_H
#define ENGINE_AUDIENCE_LIKE_H

#include "base/text.h"

struct like {
    struct text pattern;
    uint32_t escape; /* a code point; 0: none */
    bool fold_case;
    enum { LIKE_GENERAL, LIKE_SAME, LIKE_PREFIX, LIKE_SUFFIX, LIKE_INSIDE } shape;
    struct text fixed; /* the pattern but for its % at the ends; not for LIKE_GENERAL */
};

/* like_init: look at a pattern once for many texts.
 * Owns:   pattern is borrowed
 * Errors: -1 when the pattern ends with the escape character */
int like_init(struct like *like, struct text pattern, struct text escape, bool fold_case);

bool like_matches(const struct like *like, struct text t);

/* like_fold: a code point without its case (Unicode's simple case folding). */
uint32_t like_fold(uint32_t code_point);

#endif
