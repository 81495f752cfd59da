/* arrow_verify: see arrow_verify.h.
 *
 * Damage is rare, so the loops only gather whether anything is wrong in a block of BLOCK
 * rows, and a bad block is looked at again to find the row. The constant length of the
 * inner loops is what lets gcc vectorize them at -O2. */
#include "ingest/arrow/arrow_verify.h"

#include "base/bitmap.h"

#define BLOCK 1024

int64_t arrow_count_bits(const uint64_t *bits, int64_t rows)
{
    size_t words = (size_t)rows / 64;
    size_t count = bitmap_count(bits, words * 64);
    if (rows % 64 != 0)
        count += (size_t)__builtin_popcountll(bits[words] & ~(~0ull << (rows % 64)));
    return (int64_t)count;
}

/* Ascending: each offset is at most the next one. */
#define DEFINE_OFFSETS(bits)                                                             \
    static int64_t descent##bits(const int##bits##_t *offsets, int64_t rows)             \
    {                                                                                    \
        int64_t row = 0;                                                                 \
        for (; rows - row >= BLOCK; row += BLOCK) {                                      \
            const int##bits##_t *at = offsets + row;                                     \
            int##bits##_t bad = 0;                                                       \
            for (int i = 0; i < BLOCK; i++)                                              \
                bad |= at[i + 1] < at[i];                                                \
            if (bad)                                                                     \
                break;                                                                   \
        }                                                                                \
        for (; row < rows; row++) {                                                      \
            if (offsets[row + 1] < offsets[row])                                         \
                return row;                                                              \
        }                                                                                \
        return -1;                                                                       \
    }                                                                                    \
                                                                                         \
    int64_t arrow_verify_offsets##bits(const int##bits##_t *offsets, int64_t rows,       \
                                       int64_t limit)                                    \
    {                                                                                    \
        if (offsets[0] < 0)                                                              \
            return 0;                                                                    \
        int64_t bad = descent##bits(offsets, rows);                                      \
        if (bad >= 0 || offsets[rows] <= limit)                                          \
            return bad;                                                                  \
        for (int64_t row = 0; row < rows; row++) {                                       \
            if (offsets[row + 1] > limit)                                                \
                return row;                                                              \
        }                                                                                \
        return 0;                                                                        \
    }

DEFINE_OFFSETS(32)
DEFINE_OFFSETS(64)

int64_t arrow_verify_views(const struct column_view *views, int64_t rows,
                           const struct text *buffers, size_t buffer_count)
{
    for (int64_t row = 0; row < rows; row++) {
        const struct column_view *view = &views[row];
        if (view->bytes >= 0 && view->bytes <= (int32_t)sizeof(view->inlined))
            continue;
        int32_t bytes = view->bytes, buffer = view->outside.buffer;
        int32_t offset = view->outside.offset;
        if (bytes < 0 || buffer < 0 || (size_t)buffer >= buffer_count || offset < 0 ||
            (size_t)offset + (size_t)bytes > buffers[buffer].bytes)
            return row;
    }
    return -1;
}

int64_t arrow_verify_list_views(const int32_t *offsets, const int32_t *sizes,
                                int64_t rows, int64_t limit)
{
    for (int64_t row = 0; row < rows; row++) {
        if (offsets[row] < 0 || sizes[row] < 0 ||
            (int64_t)offsets[row] + sizes[row] > limit)
            return row;
    }
    return -1;
}

/* A negative code is a large one when read without its sign, so the largest tells. */
#define DEFINE_CODES(bits)                                                               \
    static int64_t codes##bits(const uint##bits##_t *codes, int64_t rows,                \
                               uint64_t limit)                                           \
    {                                                                                    \
        int64_t row = 0;                                                                 \
        for (; rows - row >= BLOCK; row += BLOCK) {                                      \
            uint##bits##_t most = 0;                                                     \
            for (int i = 0; i < BLOCK; i++)                                              \
                most = codes[row + i] > most ? codes[row + i] : most;                    \
            if (most >= limit)                                                           \
                break;                                                                   \
        }                                                                                \
        for (; row < rows; row++) {                                                      \
            if (codes[row] >= limit)                                                     \
                return row;                                                              \
        }                                                                                \
        return -1;                                                                       \
    }

DEFINE_CODES(8)
DEFINE_CODES(16)
DEFINE_CODES(32)
DEFINE_CODES(64)

int64_t arrow_verify_codes(const void *codes, enum column_type type, int64_t rows,
                           int64_t limit)
{
    /* A signed type names fewer entries than its bits could. */
    uint64_t most = (uint64_t)limit;
    switch (type) {
    case COLUMN_INT8:
        return codes8(codes, rows, most < 1u << 7 ? most : 1u << 7);
    case COLUMN_UINT8:
        return codes8(codes, rows, most);
    case COLUMN_INT16:
        return codes16(codes, rows, most < 1u << 15 ? most : 1u << 15);
    case COLUMN_UINT16:
        return codes16(codes, rows, most);
    case COLUMN_INT32:
        return codes32(codes, rows, most < 1u << 31 ? most : 1u << 31);
    case COLUMN_UINT32:
        return codes32(codes, rows, most);
    default:
        CHECK(type == COLUMN_INT64 || type == COLUMN_UINT64);
        return codes64(codes, rows, most);
    }
}
