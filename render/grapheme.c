/* grapheme: see grapheme.h.
 *
 * The rules GB3 … GB999 of UAX #29 revision 31, with the three places in which the
 * calculators' own library (grapheme-splitter 1.0.4) leaves them; an invoice follows it,
 * so we do as well. */
#include "render/grapheme.h"

#include "render/grapheme_table.h"

enum grapheme_class grapheme_class(uint32_t c)
{
    if (c - 0xAC00 < 11172) /* Hangul syllables: every 28th has no final consonant */
        return (c - 0xAC00) % 28 == 0 ? GRAPHEME_LV : GRAPHEME_LVT;
    uint32_t block;
    if (c < 0x20000)
        block = c / 128;
    else if (c - 0xE0000 < 0x1000)
        block = (0x20000 + (c - 0xE0000)) / 128;
    else
        return GRAPHEME_OTHER;
    for (uint32_t r = grapheme_blocks[block]; r < grapheme_blocks[block + 1]; r++) {
        if (c <= grapheme_ranges[r].last)
            return c >= grapheme_ranges[r].first
                       ? (enum grapheme_class)grapheme_ranges[r].class
                       : GRAPHEME_OTHER;
    }
    return GRAPHEME_OTHER;
}

static bool is_control(enum grapheme_class c)
{
    return c == GRAPHEME_CR || c == GRAPHEME_LF || c == GRAPHEME_CONTROL;
}

static bool is_emoji_base(enum grapheme_class c)
{
    return c == GRAPHEME_E_BASE || c == GRAPHEME_E_BASE_GAZ;
}

/* splits_early: what the library decides before it looks at the rules. */
static bool splits_early(const struct grapheme *g, enum grapheme_class next)
{
    /* a skin tone behind EXTENDs that belong to no emoji */
    if (next == GRAPHEME_E_MODIFIER && g->length > 1 && g->extends_only &&
        g->first != GRAPHEME_EXTEND && !is_emoji_base(g->first))
        return true;
    /* anything behind a flag that has been extended, even one more EXTEND */
    if (g->last == GRAPHEME_PREPEND || g->last == GRAPHEME_REGIONAL)
        return false;
    if (next == GRAPHEME_REGIONAL)
        return g->length == 1;
    return g->regional_at > 0 && g->regional_run == g->regional_at;
}

static bool is_break(const struct grapheme *g, enum grapheme_class next)
{
    enum grapheme_class last = g->last;
    if (splits_early(g, next) || is_control(last) || is_control(next)) /* GB3-GB5 */
        return true;
    if (last == GRAPHEME_L && (next == GRAPHEME_L || next == GRAPHEME_V ||
                               next == GRAPHEME_LV || next == GRAPHEME_LVT)) /* GB6 */
        return false;
    if ((last == GRAPHEME_LV || last == GRAPHEME_V) &&
        (next == GRAPHEME_V || next == GRAPHEME_T)) /* GB7 */
        return false;
    if ((last == GRAPHEME_LVT || last == GRAPHEME_T) && next == GRAPHEME_T) /* GB8 */
        return false;
    if (next == GRAPHEME_EXTEND || next == GRAPHEME_ZWJ || next == GRAPHEME_SPACING ||
        last == GRAPHEME_PREPEND) /* GB9, GB9a, GB9b */
        return false;
    if (next == GRAPHEME_E_MODIFIER) { /* GB10, but over at most one EXTEND */
        if (!g->has_extend)
            return !is_emoji_base(last);
        return !(last == GRAPHEME_EXTEND && g->length > 1 &&
                 is_emoji_base(g->before_last));
    }
    if (last == GRAPHEME_ZWJ &&
        (next == GRAPHEME_GLUE_AFTER_ZWJ || next == GRAPHEME_E_BASE_GAZ)) /* GB11 */
        return false;
    return !(last == GRAPHEME_REGIONAL && next == GRAPHEME_REGIONAL &&
             g->regional_at == 0); /* GB12, GB13 */
}

bool grapheme_next(struct grapheme *g, enum grapheme_class next)
{
    if (g->length == 0 || is_break(g, next)) {
        *g = (struct grapheme){.length = 1,
                               .first = next,
                               .last = next,
                               .has_extend = next == GRAPHEME_EXTEND,
                               .extends_only = true};
        return true;
    }
    if (next == GRAPHEME_REGIONAL) {
        g->regional_run += g->regional_run == g->length - 1;
        g->regional_at = g->length;
    }
    g->extends_only &= next == GRAPHEME_EXTEND;
    g->has_extend |= next == GRAPHEME_EXTEND;
    g->before_last = g->last;
    g->last = next;
    g->length++;
    return false;
}
