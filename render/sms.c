/* sms: see sms.h.
 *
 * Segments hold 1120 bits: 160 septets or 70 UTF-16 units alone, 153 or 67 behind the
 * header that joins several (3GPP TS 23.040). Most texts need only the totals of
 * sms_scan. The rest is filled cluster by cluster as the providers' calculator does it:
 * when one does not fit into the first segment, that segment gets its header and gives
 * clusters from its end to the second, which is not checked again. */
#include "render/sms.h"

#include "render/grapheme.h"
#include "render/sms_scan.h"
#include "render/sms_smart_table.h"

#define FIRST_CLUSTERS_MAX 160

static const struct capacity {
    uint32_t alone, joined;
} capacities[] = {[SMS_GSM7] = {160, 153}, [SMS_UCS2] = {70, 67}};

struct fill {
    struct capacity capacity;
    uint32_t segments, used;           /* used: of the last segment */
    uint8_t first[FIRST_CLUSTERS_MAX]; /* the units of each cluster in the first one */
    uint32_t first_count;
    uint32_t *per_segment;
    size_t per_segment_max;
};

static void fill_note(struct fill *fill, uint32_t units)
{
    if (fill->segments <= fill->per_segment_max)
        fill->per_segment[fill->segments - 1] = units;
}

static void fill_add(struct fill *fill, uint32_t units)
{
    uint32_t capacity =
        fill->segments == 1 ? fill->capacity.alone : fill->capacity.joined;
    if (fill->used + units > capacity) {
        uint32_t moved = 0;
        if (fill->segments == 1) {
            while (fill->used - moved > fill->capacity.joined)
                moved += fill->first[--fill->first_count];
        }
        fill_note(fill, fill->used - moved);
        fill->segments++;
        fill->used = moved;
    } else if (fill->segments == 1) {
        fill->first[fill->first_count++] = (uint8_t)units;
    }
    fill->used += units;
}

static uint32_t utf16_units(uint32_t c)
{
    return c >= 0x10000 && c != UTF8_BAD ? 2 : 1;
}

static enum grapheme_class class_of(uint32_t c)
{
    return c == UTF8_BAD ? GRAPHEME_OTHER : grapheme_class(c);
}

static void fill_gsm7(struct fill *fill, struct text t)
{
    for (const char *at = t.data, *end = at + t.bytes; at < end;)
        fill_add(fill, sms_septets(utf8_next(&at, end)));
}

static void fill_ucs2(struct fill *fill, struct text t)
{
    struct grapheme grapheme = {0};
    uint32_t cluster = 0;
    for (const char *at = t.data, *end = at + t.bytes; at < end;) {
        uint32_t c = utf8_next(&at, end);
        if (grapheme_next(&grapheme, class_of(c)) && cluster > 0) {
            fill_add(fill, cluster);
            cluster = 0;
        }
        cluster += utf16_units(c);
    }
    if (cluster > 0)
        fill_add(fill, cluster);
}

/* measure: fill cluster by cluster; per_segment may be NULL when its maximum is 0. */
static void measure(struct text t, struct sms_size *size, uint32_t *per_segment,
                    size_t per_segment_max)
{
    struct fill fill = {.capacity = capacities[size->encoding],
                        .segments = 1,
                        .per_segment = per_segment,
                        .per_segment_max = per_segment_max};
    if (size->encoding == SMS_GSM7)
        fill_gsm7(&fill, t);
    else
        fill_ucs2(&fill, t);
    fill_note(&fill, fill.used);
    size->segments = fill.segments;
}

/* count_joined: the segments of a text that is longer than one and has no clusters. Units
 * move from one segment to the next singly then, so that counting with the joined
 * capacity from the start gives what filling does. */
static uint32_t count_joined(struct text t, enum sms_encoding encoding)
{
    uint32_t segments = 1, used = 0, capacity = capacities[encoding].joined;
    for (const char *at = t.data, *end = at + t.bytes; at < end;) {
        uint32_t c = (uint8_t)*at < 0x80 ? (uint8_t)*at++ : utf8_next(&at, end);
        uint32_t units = encoding == SMS_GSM7 ? sms_septets(c) : utf16_units(c);
        used += units;
        if (used > capacity) {
            segments++;
            used = units;
        }
    }
    return segments;
}

static void size_of(const struct sms_scan *scan, struct sms_size *out)
{
    out->encoding = scan->ucs2 ? SMS_UCS2 : SMS_GSM7;
    out->units = scan->ucs2 ? scan->units : scan->septets;
    out->segments = 1;
}

void sms_measure(struct text t, struct sms_size *out)
{
    struct sms_scan scan;
    sms_scan(t, &scan);
    size_of(&scan, out);
    const struct capacity *capacity = &capacities[out->encoding];
    if (out->units <= capacity->alone)
        return;
    if (scan.ucs2 && scan.joins)
        measure(t, out, NULL, 0);
    else if (scan.ucs2 ? scan.wide : scan.extension)
        out->segments = count_joined(t, out->encoding);
    else
        out->segments = (out->units + capacity->joined - 1) / capacity->joined;
}

size_t sms_measure_detail(struct text t, struct sms_size *out, uint32_t *per_segment,
                          size_t per_segment_max)
{
    struct sms_scan scan;
    sms_scan_scalar(t, &scan);
    size_of(&scan, out);
    measure(t, out, per_segment, per_segment_max);
    return out->segments < per_segment_max ? out->segments : per_segment_max;
}

struct text sms_culprit(struct text t)
{
    struct grapheme grapheme = {0};
    const char *start = t.data;
    bool ucs2 = false;
    for (const char *at = t.data, *end = at + t.bytes; at < end;) {
        const char *from = at;
        uint32_t c = utf8_next(&at, end);
        if (grapheme_next(&grapheme, class_of(c))) {
            if (ucs2)
                return (struct text){start, (size_t)(from - start)};
            start = from;
        }
        ucs2 |= sms_septets(c) == 0;
    }
    return ucs2 ? (struct text){start, (size_t)(t.data + t.bytes - start)} : TEXT_NONE;
}

/* --- smart encoding ----------------------------------------------------------------- */

/* The most bytes one byte of the text can become: a tab is seven blanks. */
#define SMART_GROWTH 7

/* smart_find: the entry that replaces c, or -1. */
static int smart_find(uint32_t c)
{
    if (c > 0xFFFF || !(smart_pages[c >> 12] >> (c >> 6 & 63) & 1))
        return -1;
    int from = 0, to = (int)ARRAY_COUNT(smart_table);
    while (from < to) {
        int middle = (from + to) / 2;
        if (smart_table[middle].code_point == c)
            return middle;
        if (smart_table[middle].code_point < c)
            from = middle + 1;
        else
            to = middle;
    }
    return -1;
}

/* smart_next: move *at to the next character with an entry, and *behind behind it; its
 * entry, or -1. */
static int smart_next(const char **at, const char **behind, const char *end)
{
    while (*at < end) {
        const char *p = *at;
        int entry;
        if ((uint8_t)*p > '`' &&
            (uint8_t)*p < 0x80) /* nothing is replaced among ASCII letters */
            entry = -1, p++;
        else
            entry = smart_find(utf8_next(&p, end));
        *behind = p;
        if (entry >= 0)
            return entry;
        *at = p;
    }
    return -1;
}

struct text sms_smart(struct text t, struct arena *arena)
{
    const char *end = t.data + t.bytes, *at = t.data, *behind = at, *from = at;
    int entry = smart_next(&at, &behind, end);
    if (entry < 0)
        return t;
    char *start = arena_reserve(arena, t.bytes * SMART_GROWTH);
    if (!start)
        return TEXT_NONE;
    char *out = start;
    for (; entry >= 0; entry = smart_next(&at, &behind, end)) {
        memcpy(out, from, (size_t)(at - from));
        out += at - from;
        memcpy(out, smart_table[entry].replacement, smart_table[entry].bytes);
        out += smart_table[entry].bytes;
        from = at = behind;
    }
    memcpy(out, from, (size_t)(end - from));
    out += end - from;
    arena_commit(arena, (size_t)(out - start));
    return (struct text){start, (size_t)(out - start)};
}
