/* like: see like.h. Most patterns are a fixed text with % at one end or both; the rest
 * goes through the usual matcher that returns to the last % only, which is enough. */
#include "engine/audience/like.h"

#include <utf8proc.h>

enum { PATTERN_END = 0x110000, PATTERN_ANY, PATTERN_ONE, PATTERN_BROKEN };

/* next: the next code point of the pattern or one of the above. */
static uint32_t next(const struct like *like, const char **at)
{
    const char *end = like->pattern.data + like->pattern.bytes;
    if (*at == end)
        return PATTERN_END;
    uint32_t c = utf8_next(at, end);
    if (like->escape && c == like->escape) {
        if (*at == end)
            return PATTERN_BROKEN;
        c = utf8_next(at, end);
    } else if (c == '%') {
        return PATTERN_ANY;
    } else if (c == '_') {
        return PATTERN_ONE;
    }
    return like->fold_case ? like_fold(c) : c;
}

uint32_t like_fold(uint32_t c)
{
    if (c < 0x80)
        return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
    if (c == UTF8_BAD)
        return c;
    utf8proc_int32_t folded[8];
    int boundary = 0;
    utf8proc_ssize_t count = utf8proc_decompose_char((utf8proc_int32_t)c, folded, 8,
                                                     UTF8PROC_CASEFOLD, &boundary);
    /* ß folds to two letters; one code point has to stay one, so that _ means one. */
    return count == 1 ? (uint32_t)folded[0]
                      : (uint32_t)utf8proc_tolower((utf8proc_int32_t)c);
}

/* find_shape: a pattern without _ and escapes whose only % are at its ends. */
static void find_shape(struct like *like)
{
    struct text t = like->pattern;
    bool before = t.bytes > 0 && t.data[0] == '%';
    if (before)
        t = (struct text){t.data + 1, t.bytes - 1};
    bool behind = t.bytes > 0 && t.data[t.bytes - 1] == '%';
    t.bytes -= behind;
    like->shape = LIKE_GENERAL;
    if (like->fold_case || like->escape ||
        (t.bytes > 0 && (memchr(t.data, '%', t.bytes) || memchr(t.data, '_', t.bytes))))
        return;
    like->fixed = t;
    like->shape = before && behind ? LIKE_INSIDE
                  : before         ? LIKE_SUFFIX
                  : behind         ? LIKE_PREFIX
                                   : LIKE_SAME;
}

int like_init(struct like *like, struct text pattern, struct text escape, bool fold_case)
{
    *like = (struct like){.pattern = pattern, .fold_case = fold_case};
    if (escape.bytes > 0) {
        const char *at = escape.data;
        like->escape = utf8_next(&at, escape.data + escape.bytes);
    }
    find_shape(like);
    const char *at = pattern.data;
    for (uint32_t c = 0; like->escape && c != PATTERN_END;) {
        c = next(like, &at);
        if (c == PATTERN_BROKEN)
            return -1;
    }
    return 0;
}

static bool matches_general(const struct like *like, struct text t)
{
    const char *at = t.data, *end = t.data + t.bytes;
    const char *pattern = like->pattern.data;
    const char *retry_at = NULL, *retry_pattern = NULL; /* behind the last % */
    for (;;) {
        uint32_t wanted = next(like, &pattern);
        if (wanted == PATTERN_ANY) {
            retry_at = at;
            retry_pattern = pattern;
            continue;
        }
        if (at == end) /* if it is too early, every other try has even less text left */
            return wanted == PATTERN_END;
        uint32_t c = utf8_next(&at, end);
        if (wanted == PATTERN_ONE || wanted == (like->fold_case ? like_fold(c) : c))
            continue;
        if (!retry_at)
            return false;
        at = retry_at;
        utf8_next(&at, end);
        retry_at = at;
        pattern = retry_pattern;
    }
}

bool like_matches(const struct like *like, struct text t)
{
    struct text fixed = like->fixed;
    switch (like->shape) {
    case LIKE_SAME:
        return text_equal(t, fixed);
    case LIKE_PREFIX:
        return t.bytes >= fixed.bytes &&
               text_equal((struct text){t.data, fixed.bytes}, fixed);
    case LIKE_SUFFIX:
        return t.bytes >= fixed.bytes &&
               text_equal((struct text){t.data + t.bytes - fixed.bytes, fixed.bytes},
                          fixed);
    case LIKE_INSIDE:
        return fixed.bytes == 0 ||
               memmem(t.data, t.bytes, fixed.data, fixed.bytes) != NULL;
    default:
        return matches_general(like, t);
    }
}
