/* kernels_x86: AVX2 and AVX-512 twins of kernels.c. */
#include "engine/audience/kernels_loops.h"

#ifdef __x86_64__
#include <immintrin.h>

#define AVX2   __attribute__((target("avx2,bmi2,popcnt")))
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,bmi2,popcnt")))
#define INLINE inline __attribute__((always_inline))

extern const struct kernels kernels_avx2, kernels_avx512;

/* --- AVX-512: the comparison is the mask -----------------------------------------------
 * Masks go to memory in their own width and are never put together in a register: gcc 12 spills a
 * 32-bit mask as 32 bits and reads it back as 64 (seen at -O1 -fsanitize=undefined). */

#define DEFINE_WORD_512(name, type, bits, mask)                                          \
    AVX512 static INLINE void name(const type *x, uint64_t *out, uint64_t low,           \
                                   uint64_t span)                                        \
    {                                                                                    \
        const size_t lanes = 512 / (bits);                                               \
        const __m512i from = SET1_512_##bits(low), width = SET1_512_##bits(span);        \
        for (size_t i = 0; i < 64; i += lanes) {                                         \
            __m512i v = _mm512_sub_epi##bits(_mm512_loadu_si512(x + i), from);           \
            mask m = _mm512_cmple_epu##bits##_mask(v, width);                            \
            memcpy((char *)out + i / 8, &m, sizeof(m));                                  \
        }                                                                                \
    }

#define SET1_512_8(v)  _mm512_set1_epi8((char)(v))
#define SET1_512_16(v) _mm512_set1_epi16((short)(v))
#define SET1_512_32(v) _mm512_set1_epi32((int)(v))
#define SET1_512_64(v) _mm512_set1_epi64((long long)(v))

DEFINE_WORD_512(word_8_512, uint8_t, 8, __mmask64)
DEFINE_WORD_512(word_16_512, uint16_t, 16, __mmask32)
DEFINE_WORD_512(word_32_512, uint32_t, 32, __mmask16)
DEFINE_WORD_512(word_64_512, uint64_t, 64, __mmask8)

#define DEFINE_REAL_512(name, type, suffix, vector, lanes, mask)                         \
    AVX512 static INLINE void name(const type *x, uint64_t *out, type low, type high,    \
                                   bool nan)                                             \
    {                                                                                    \
        const vector from = _mm512_set1_##suffix(low), to = _mm512_set1_##suffix(high);  \
        for (size_t i = 0; i < 64; i += (lanes)) {                                       \
            vector v = _mm512_loadu_##suffix(x + i);                                     \
            mask m = _mm512_cmp_##suffix##_mask(v, from, _CMP_GE_OQ);                    \
            m = _mm512_mask_cmp_##suffix##_mask(m, v, to, _CMP_LE_OQ);                   \
            if (nan)                                                                     \
                m = (mask)(m | _mm512_cmp_##suffix##_mask(v, v, _CMP_UNORD_Q));          \
            memcpy((char *)out + i / 8, &m, sizeof(m));                                  \
        }                                                                                \
    }

DEFINE_REAL_512(word_real32_512, float, ps, __m512, 16, __mmask16)
DEFINE_REAL_512(word_real64_512, double, pd, __m512d, 8, __mmask8)

DEFINE_RANGE(AVX512, range_8_512, uint8_t, word_8_512)
DEFINE_RANGE(AVX512, range_16_512, uint16_t, word_16_512)
DEFINE_RANGE(AVX512, range_32_512, uint32_t, word_32_512)
DEFINE_RANGE(AVX512, range_64_512, uint64_t, word_64_512)
DEFINE_REAL(AVX512, real_32_512, float, word_real32_512)
DEFINE_REAL(AVX512, real_64_512, double, word_real64_512)

AVX512 static void lengths_512(const int32_t *offsets, size_t rows, int32_t bytes,
                               uint64_t *out)
{
    const __m512i wanted = _mm512_set1_epi32(bytes);
    memset(out, 0, (rows + 63) / 64 * 8);
    for (size_t r = 0; r < rows; r += 16) {
        size_t left = rows - r;
        __mmask16 there = (__mmask16)(left < 16 ? (1u << left) - 1 : 0xFFFFu);
        __m512i at = _mm512_maskz_loadu_epi32(there, offsets + r);
        __m512i end = _mm512_maskz_loadu_epi32(there, offsets + r + 1);
        __mmask16 same =
            _mm512_mask_cmpeq_epi32_mask(there, _mm512_sub_epi32(end, at), wanted);
        memcpy((char *)out + r / 8, &same, sizeof(same));
    }
}

/* --- AVX2: unsigned v <= width is min(v, width) == v ------------------------------------ */

AVX2 static INLINE void word_8_256(const uint8_t *x, uint64_t *out, uint64_t low,
                                   uint64_t span)
{
    const __m256i from = _mm256_set1_epi8((char)low),
                  width = _mm256_set1_epi8((char)span);
    uint64_t word = 0;
    for (size_t i = 0; i < 64; i += 32) {
        __m256i v = _mm256_sub_epi8(_mm256_loadu_si256((const __m256i *)(x + i)), from);
        __m256i in = _mm256_cmpeq_epi8(_mm256_min_epu8(v, width), v);
        word |= (uint64_t)(uint32_t)_mm256_movemask_epi8(in) << i;
    }
    *out = word;
}

AVX2 static INLINE __m256i in_16_256(const uint16_t *x, __m256i from, __m256i width)
{
    __m256i v = _mm256_sub_epi16(_mm256_loadu_si256((const __m256i *)x), from);
    return _mm256_cmpeq_epi16(_mm256_min_epu16(v, width), v);
}

AVX2 static INLINE void word_16_256(const uint16_t *x, uint64_t *out, uint64_t low,
                                    uint64_t span)
{
    const __m256i from = _mm256_set1_epi16((short)low),
                  width = _mm256_set1_epi16((short)span);
    uint64_t word = 0;
    for (size_t i = 0; i < 64; i += 32) {
        /* The pack works within 128-bit halves; the permutation puts the quarters in
         * order. */
        __m256i packed = _mm256_packs_epi16(in_16_256(x + i, from, width),
                                            in_16_256(x + i + 16, from, width));
        packed = _mm256_permute4x64_epi64(packed, 0xD8);
        word |= (uint64_t)(uint32_t)_mm256_movemask_epi8(packed) << i;
    }
    *out = word;
}

AVX2 static INLINE void word_32_256(const uint32_t *x, uint64_t *out, uint64_t low,
                                    uint64_t span)
{
    const __m256i from = _mm256_set1_epi32((int)low),
                  width = _mm256_set1_epi32((int)span);
    uint64_t word = 0;
    for (size_t i = 0; i < 64; i += 8) {
        __m256i v = _mm256_sub_epi32(_mm256_loadu_si256((const __m256i *)(x + i)), from);
        __m256i in = _mm256_cmpeq_epi32(_mm256_min_epu32(v, width), v);
        word |= (uint64_t)(uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(in)) << i;
    }
    *out = word;
}

AVX2 static INLINE void word_64_256(const uint64_t *x, uint64_t *out, uint64_t low,
                                    uint64_t span)
{
    /* There is no unsigned 64-bit comparison: with the top bit flipped the signed one
     * serves. */
    const uint64_t top = 1ull << 63;
    const __m256i from = _mm256_set1_epi64x((long long)(low ^ top));
    const __m256i width = _mm256_set1_epi64x((long long)(span ^ top));
    uint64_t word = 0;
    for (size_t i = 0; i < 64; i += 4) {
        __m256i v = _mm256_sub_epi64(_mm256_loadu_si256((const __m256i *)(x + i)), from);
        __m256i beyond = _mm256_cmpgt_epi64(v, width);
        word |= (uint64_t)(~_mm256_movemask_pd(_mm256_castsi256_pd(beyond)) & 15) << i;
    }
    *out = word;
}

AVX2 static INLINE void word_real32_256(const float *x, uint64_t *out, float low,
                                        float high, bool nan)
{
    const __m256 from = _mm256_set1_ps(low), to = _mm256_set1_ps(high);
    uint64_t word = 0, nans = 0;
    for (size_t i = 0; i < 64; i += 8) {
        __m256 v = _mm256_loadu_ps(x + i);
        __m256 in = _mm256_and_ps(_mm256_cmp_ps(v, from, _CMP_GE_OQ),
                                  _mm256_cmp_ps(v, to, _CMP_LE_OQ));
        word |= (uint64_t)(uint32_t)_mm256_movemask_ps(in) << i;
        nans |= (uint64_t)(uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(v, v, _CMP_UNORD_Q))
                << i;
    }
    *out = nan ? word | nans : word;
}

AVX2 static INLINE void word_real64_256(const double *x, uint64_t *out, double low,
                                        double high, bool nan)
{
    const __m256d from = _mm256_set1_pd(low), to = _mm256_set1_pd(high);
    uint64_t word = 0, nans = 0;
    for (size_t i = 0; i < 64; i += 4) {
        __m256d v = _mm256_loadu_pd(x + i);
        __m256d in = _mm256_and_pd(_mm256_cmp_pd(v, from, _CMP_GE_OQ),
                                   _mm256_cmp_pd(v, to, _CMP_LE_OQ));
        word |= (uint64_t)(uint32_t)_mm256_movemask_pd(in) << i;
        nans |= (uint64_t)(uint32_t)_mm256_movemask_pd(_mm256_cmp_pd(v, v, _CMP_UNORD_Q))
                << i;
    }
    *out = nan ? word | nans : word;
}

DEFINE_RANGE(AVX2, range_8_256, uint8_t, word_8_256)
DEFINE_RANGE(AVX2, range_16_256, uint16_t, word_16_256)
DEFINE_RANGE(AVX2, range_32_256, uint32_t, word_32_256)
DEFINE_RANGE(AVX2, range_64_256, uint64_t, word_64_256)
DEFINE_REAL(AVX2, real_32_256, float, word_real32_256)
DEFINE_REAL(AVX2, real_64_256, double, word_real64_256)

AVX2 static void lengths_256(const int32_t *offsets, size_t rows, int32_t bytes,
                             uint64_t *out)
{
    const __m256i wanted = _mm256_set1_epi32(bytes);
    memset(out, 0, (rows + 63) / 64 * 8);
    size_t r = 0;
    for (; r + 8 <= rows; r += 8) {
        __m256i at = _mm256_loadu_si256((const __m256i *)(offsets + r));
        __m256i end = _mm256_loadu_si256((const __m256i *)(offsets + r + 1));
        __m256i same = _mm256_cmpeq_epi32(_mm256_sub_epi32(end, at), wanted);
        out[r / 64] |= (uint64_t)(uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(same))
                       << (r % 64);
    }
    for (; r < rows; r++)
        out[r / 64] |= (uint64_t)(offsets[r + 1] - offsets[r] == bytes) << (r % 64);
}

/* --- both: the plain loops with the machine's own instructions for bits ----------------- */

AVX2 static void count_bmi(const uint64_t *map, const uint16_t *from, const uint16_t *to,
                           size_t rows, int64_t *counts)
{
    count_loop(map, from, to, rows, counts);
}

AVX2 static void any_bmi(const uint64_t *map, const uint16_t *from, const uint16_t *to,
                         size_t rows, uint64_t *out, size_t row)
{
    any_loop(map, from, to, rows, out, row);
}

const struct kernels kernels_avx2 = {
    .name = "avx2",
    .range = {range_8_256, range_16_256, range_32_256, range_64_256},
    .real32 = real_32_256,
    .real64 = real_64_256,
    .lengths = lengths_256,
    .count = count_bmi,
    .any = any_bmi,
};

const struct kernels kernels_avx512 = {
    .name = "avx512",
    .range = {range_8_512, range_16_512, range_32_512, range_64_512},
    .real32 = real_32_512,
    .real64 = real_64_512,
    .lengths = lengths_512,
    .count = count_bmi,
    .any = any_bmi,
};
#endif
