/* sms_scan: see sms_scan.h.
 *
 * The vector version takes 64 bytes at a time. It understands ASCII and the two-byte
 * sequences of the alphabets in which no character joins its neighbour (Latin, Greek,
 * Cyrillic); the run of anything else goes through the scalar version, one character
 * after the other. Every step begins and ends between characters, so nothing is carried
 * from one to the next. */
#include "render/sms_scan.h"

#include "render/grapheme.h"

/* GSM-7 cost by ASCII byte; 0 = not in the alphabet. */
#define X 1, 1, 1, 1, 1, 1, 1, 1
static const uint8_t ascii_septets[128] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2, 1, 0, 0, /* LF, FF, CR */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /**/
    X, X, X, X, X, X, X,                            /* 0x20 … 0x57 */
    1, 1, 1, 2, 2, 2, 2, 1,                         /* X Y Z [ \ ] ^ _ */
    0, 1, 1, 1, 1, 1, 1, 1, X, X,                   /* no grave accent */
    1, 1, 1, 2, 2, 2, 2, 0,                         /* x y z { | } ~ DEL */
};
#undef X

/* Which characters of U+0080 … U+00BF, U+00C0 … U+00FF and U+0380 … U+03BF are in it:
 * those whose UTF-8 begins with C2, C3 and CE. Bit = the second byte's low six bits. */
#define BIT(c) (1ull << ((c)&63))
static const uint64_t latin1_signs =
    BIT(0xA1) | BIT(0xA3) | BIT(0xA4) | BIT(0xA5) | BIT(0xA7) | BIT(0xBF);
static const uint64_t latin1_letters =
    BIT(0xC4) | BIT(0xC5) | BIT(0xC6) | BIT(0xC7) | BIT(0xC9) | BIT(0xD1) | BIT(0xD6) |
    BIT(0xD8) | BIT(0xDC) | BIT(0xDF) | BIT(0xE0) | BIT(0xE4) | BIT(0xE5) | BIT(0xE6) |
    BIT(0xE8) | BIT(0xE9) | BIT(0xEC) | BIT(0xF1) | BIT(0xF2) | BIT(0xF6) | BIT(0xF8) |
    BIT(0xF9) | BIT(0xFC);
static const uint64_t greek_letters = BIT(0x393) | BIT(0x394) | BIT(0x398) | BIT(0x39B) |
                                      BIT(0x39E) | BIT(0x3A0) | BIT(0x3A3) | BIT(0x3A6) |
                                      BIT(0x3A8) | BIT(0x3A9);

unsigned sms_septets(uint32_t c)
{
    if (c < 0x80)
        return ascii_septets[c];
    switch (c >> 6) {
    case 0x80 >> 6:
        return latin1_signs >> (c & 63) & 1;
    case 0xC0 >> 6:
        return latin1_letters >> (c & 63) & 1;
    case 0x380 >> 6:
        return greek_letters >> (c & 63) & 1;
    default:
        return c == 0x20AC ? 2 : 0;
    }
}

static inline const char *scan_character(const char *at, const char *end,
                                         struct sms_scan *s)
{
    uint32_t c = utf8_next(&at, end);
    unsigned septets = sms_septets(c);
    s->septets += septets;
    s->ucs2 |= septets == 0;
    s->extension |= septets == 2;
    s->units += 1;
    if (c >= 0x10000 && c != UTF8_BAD) {
        s->units += 1;
        s->wide = true;
    }
    if (septets == 0 && c != UTF8_BAD)
        s->joins |= grapheme_joins(grapheme_class(c));
    return at;
}

void sms_scan_scalar(struct text t, struct sms_scan *out)
{
    const char *at = t.data, *end = t.data + t.bytes;
    struct sms_scan s = {0};
    while (at < end) {
        uint8_t c = (uint8_t)*at;
        if (c >= 0x80) {
            at = scan_character(at, end, &s);
            continue;
        }
        unsigned septets = ascii_septets[c];
        s.septets += septets;
        s.units += 1;
        s.ucs2 |= septets == 0;
        s.extension |= septets == 2;
        at++;
    }
    *out = s;
}

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vbmi,popcnt,bmi")))

/* Which of 64 bytes begin a well-formed pair of ours whose second byte lies in the block
 * as well: U+0080 … U+02FF, U+0380 … U+047F. */
AVX512 static inline uint64_t pair_leads(__m512i bytes, uint64_t high)
{
    uint64_t continuations =
        high & _mm512_cmplt_epu8_mask(bytes, _mm512_set1_epi8((char)0xC0));
    uint64_t leads = _mm512_cmpge_epu8_mask(bytes, _mm512_set1_epi8((char)0xC2)) &
                     _mm512_cmple_epu8_mask(bytes, _mm512_set1_epi8((char)0xD1)) &
                     ~_mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8((char)0xCC)) &
                     ~_mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8((char)0xCD));
    return leads & continuations >> 1;
}

/* Of these pairs, those in GSM-7. */
AVX512 static inline uint64_t pair_septets(__m512i bytes, __m512i next, uint64_t leads)
{
    /* bit b of a 64-bit alphabet as byte b of a vector, indexed by the second byte's low
     * six bits */
    const __m512i one = _mm512_set1_epi8(1);
    __m512i signs = _mm512_maskz_mov_epi8(latin1_signs, one);
    __m512i letters = _mm512_maskz_mov_epi8(latin1_letters, one);
    __m512i greek = _mm512_maskz_mov_epi8(greek_letters, one);
    uint64_t c2 = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8((char)0xC2));
    uint64_t c3 = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8((char)0xC3));
    uint64_t ce = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8((char)0xCE));
    __m512i found = _mm512_maskz_permutexvar_epi8(c2, next, signs);
    found = _mm512_mask_permutexvar_epi8(found, c3, next, letters);
    found = _mm512_mask_permutexvar_epi8(found, ce, next, greek);
    return leads & _mm512_test_epi8_mask(found, found);
}

AVX512 static void sms_scan_avx512(struct text t, struct sms_scan *out)
{
    const __m512i low = _mm512_loadu_si512(ascii_septets);
    const __m512i high_half = _mm512_loadu_si512(ascii_septets + 64);
    const char *at = t.data, *end = t.data + t.bytes;
    struct sms_scan s = {0};
    while (at < end) {
        size_t left = (size_t)(end - at);
        uint64_t all = left < 64 ? (1ull << left) - 1 : ~0ull;
        __m512i bytes = _mm512_maskz_loadu_epi8(all, at);
        uint64_t high = _mm512_movepi8_mask(bytes), pairs = 0, pairs_gsm = 0;
        if (high != 0) {
            pairs = pair_leads(bytes, high);
            uint64_t strange = high & ~(pairs | pairs << 1);
            if (strange != 0)
                all &= (1ull << __builtin_ctzll(strange)) - 1;
            pairs &= all;
            __m512i next = _mm512_maskz_loadu_epi8(all >> 1, at + 1);
            pairs_gsm = pair_septets(bytes, next, pairs);
        }
        uint64_t ascii = all & ~high;
        __m512i septets = _mm512_permutex2var_epi8(low, bytes, high_half);
        uint64_t known = _mm512_mask_test_epi8_mask(ascii, septets, septets);
        uint64_t doubled =
            _mm512_mask_test_epi8_mask(ascii, septets, _mm512_set1_epi8(2));
        s.septets += (uint32_t)(__builtin_popcountll(known | pairs_gsm) +
                                __builtin_popcountll(doubled));
        s.units += (uint32_t)__builtin_popcountll(ascii | pairs);
        s.ucs2 |= known != ascii || pairs_gsm != pairs;
        s.extension |= doubled != 0;
        size_t step = (size_t)__builtin_popcountll(all);
        at += step;
        if (step == 64 || at == end)
            continue;
        do
            at = scan_character(at, end, &s);
        while (at < end && (uint8_t)*at >= 0xD2);
    }
    *out = s;
}
#endif

static void (*scan_fn)(struct text, struct sms_scan *) = sms_scan_scalar;

__attribute__((constructor)) static void choose(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512bw"))
        scan_fn = sms_scan_avx512;
#endif
}

void sms_scan(struct text t, struct sms_scan *out)
{
    scan_fn(t, out);
}
