/* grapheme: where one user-perceived character ends and the next begins, as SMS segment
 * counting needs it: by the rules of Unicode 10.0, which is what the providers'
 * calculators use. Newer rules (a library's) join emoji that these keep apart, and would
 * count other segments. */
#ifndef RENDER_GRAPHEME_H
#define RENDER_GRAPHEME_H

#include <stdbool.h>
#include <stdint.h>

/* Grapheme_Cluster_Break, UAX #29 revision 31. */
enum grapheme_class {
    GRAPHEME_OTHER,
    GRAPHEME_CR,
    GRAPHEME_LF,
    GRAPHEME_CONTROL,
    GRAPHEME_E_BASE,
    GRAPHEME_E_BASE_GAZ,
    GRAPHEME_GLUE_AFTER_ZWJ,
    /* from here on: a character that may join its neighbour whatever that is */
    GRAPHEME_EXTEND,
    GRAPHEME_REGIONAL,
    GRAPHEME_SPACING,
    GRAPHEME_L,
    GRAPHEME_V,
    GRAPHEME_T,
    GRAPHEME_LV,
    GRAPHEME_LVT,
    GRAPHEME_PREPEND,
    GRAPHEME_E_MODIFIER,
    GRAPHEME_ZWJ,
};

enum grapheme_class grapheme_class(uint32_t code_point);

/* grapheme_joins: false for characters that stand alone unless one that joins is beside
 * them. */
static inline bool grapheme_joins(enum grapheme_class class)
{
    return class >= GRAPHEME_EXTEND;
}

/* The cluster that is being read; zeroed before the first character. Positions count from
 * the cluster's first character, 0. */
struct grapheme {
    uint32_t length;
    enum grapheme_class first, last, before_last;
    bool has_extend;
    bool extends_only;     /* all behind the first are EXTEND */
    uint32_t regional_run; /* how many from position 1 on are REGIONAL without a gap */
    uint32_t regional_at;  /* position of the last REGIONAL, 0 = none behind the first */
};

/* grapheme_next: take the next character; true when it begins a new cluster. CR LF is two
 * clusters, as an SMS counts them. */
bool grapheme_next(struct grapheme *grapheme, enum grapheme_class next);

#endif
