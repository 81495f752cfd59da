/* The table of docs and FACTS, then: the vector scan is the scalar one, the short cut is
 * the full count. tests/peers/segments holds both against the providers' own calculator.
 */
#include "render/sms.h"

#include "render/grapheme.h"
#include "render/sms_scan.h"

#include <criterion/criterion.h>
#include <stdlib.h>

/* times: a run of pieces, as {count, piece} pairs up to a 0. */
struct run {
    int count;
    const char *piece;
};

static const struct row {
    struct run runs[6];
    enum sms_encoding encoding;
    uint32_t per_segment[5];
} rows[] = {
    {{{0}}, SMS_GSM7, {0}},
    {{{160, "a"}}, SMS_GSM7, {160}},
    {{{161, "a"}}, SMS_GSM7, {153, 8}},
    {{{307, "a"}}, SMS_GSM7, {153, 153, 1}},
    {{{159, "a"}, {1, "€"}}, SMS_GSM7, {153, 8}},
    {{{158, "a"}, {1, "€"}}, SMS_GSM7, {160}},
    {{{80, "]"}}, SMS_GSM7, {160}},
    {{{81, "]"}}, SMS_GSM7, {152, 10}},
    {{{152, "]"}}, SMS_GSM7, {152, 152}},
    {{{153, "]"}}, SMS_GSM7, {152, 152, 2}},
    {{{152, "a"}, {1, "€"}, {6, "a"}}, SMS_GSM7, {160}},
    {{{152, "a"}, {1, "€"}, {8, "a"}}, SMS_GSM7, {152, 10}},
    {{{70, "中"}}, SMS_UCS2, {70}},
    {{{71, "中"}}, SMS_UCS2, {67, 4}},
    {{{36, "😀"}}, SMS_UCS2, {66, 6}},
    {{{66, "中"}, {1, "😀"}, {66, "中"}}, SMS_UCS2, {66, 67, 1}},
    {{{6, "👨‍👩‍👧‍👦"}}, SMS_UCS2, {66}},
    {{{7, "👨‍👩‍👧‍👦"}}, SMS_UCS2, {66, 11}},
    {{{18, "🇺🇸"}}, SMS_UCS2, {64, 8}},
    {{{80, "a"}, {1, "\r\n"}, {79, "a"}}, SMS_GSM7, {153, 8}},
    {{{68, "|"}, {1, "😀"}}, SMS_UCS2, {70}},
    {{{1, "e"}, {70, "\u0301"}}, SMS_UCS2, {0, 71}},
    {{{70, "e\u0301"}}, SMS_UCS2, {66, 66, 8}},
    {{{1, "`"}}, SMS_UCS2, {1}},
    {{{1, "\t"}}, SMS_UCS2, {1}},
    {{{1, "ç"}}, SMS_UCS2, {1}},
    {{{1, "Ç"}}, SMS_GSM7, {1}},
    {{{1, "\u2126"}},
     SMS_UCS2,
     {1}}, /* the ohm sign; the Greek letter is in the alphabet */
    {{{1, "Ω"}}, SMS_GSM7, {1}},
    {{{1, "\xFF\xC3"}}, SMS_UCS2, {2}},
};

static struct text build(const struct run *runs, char *out)
{
    size_t bytes = 0;
    for (; runs->count > 0; runs++) {
        for (int i = 0; i < runs->count; i++) {
            memcpy(out + bytes, runs->piece, strlen(runs->piece));
            bytes += strlen(runs->piece);
        }
    }
    return (struct text){out, bytes};
}

Test(sms, table)
{
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char buffer[4096];
        struct text t = build(rows[i].runs, buffer);
        struct sms_size size;
        uint32_t per_segment[8] = {0}, units = 0;
        size_t count = sms_measure_detail(t, &size, per_segment, 8);
        size_t wanted = 1;
        while (wanted < 5 && rows[i].per_segment[wanted] > 0)
            wanted++;
        cr_expect_eq(count, wanted, "row %zu: %zu segments", i, count);
        for (size_t s = 0; s < wanted; s++) {
            cr_expect_eq(per_segment[s], rows[i].per_segment[s],
                         "row %zu: segment %zu has %u", i, s, per_segment[s]);
            units += per_segment[s];
        }
        cr_expect_eq(size.encoding, rows[i].encoding, "row %zu", i);
        cr_expect_eq(size.units, units, "row %zu", i);
        cr_expect_eq(sms_measure_detail(t, &size, per_segment, 1), 1);
    }
}

Test(sms, culprit)
{
    static const struct {
        const char *text, *culprit;
    } cases[] = {
        {"Ciao, perché no? €5 [ok]", NULL},
        {"", NULL},
        {"Ciao, e\u0301 ora", "e\u0301"},
        {"a 👨‍👩‍👧 b ç", "👨‍👩‍👧"},
        {"tab\there", "\t"},
        {"it’s", "’"},
        {"end ç", "ç"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct text got = sms_culprit(text_of(cases[i].text));
        cr_expect(text_equal(got, text_of(cases[i].culprit)) &&
                      !got.data == !cases[i].culprit,
                  "%s: %.*s", cases[i].text, TEXT_ARGS(got));
    }
}

Test(sms, smart)
{
    static const char *const cases[][2] = {
        {"plain ascii", "plain ascii"},
        {"“it’s”", "\"it's\""},
        {"a…", "a..."},
        {"½ price – now", "1/2 price - now"},
        {"a\tb", "a       b"},
        {"zero\u200Bwidth", "zerowidth"},
        {"Привет 😀", "Привет 😀"},
        {"`x`", "'x'"},
        {"\xFF…", "\xFF..."},
    };
    struct arena arena;
    cr_assert_eq(arena_init(&arena, 8192, NULL), 0);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct text got = sms_smart(text_of(cases[i][0]), &arena);
        cr_expect(text_is(got, cases[i][1]), "%s: %.*s", cases[i][0], TEXT_ARGS(got));
    }
    struct text plain = TEXT("nothing to do");
    cr_expect_eq(sms_smart(plain, &arena).data, plain.data);
    cr_assert(arena_alloc(&arena, 7000));
    char tabs[1000];
    memset(tabs, '\t', sizeof(tabs));
    cr_expect_eq(sms_smart((struct text){tabs, sizeof(tabs)}, &arena).data, NULL);
    cr_expect(arena_overflowed(&arena));
    arena_fini(&arena);
}

/* Texts of every kind, cut anywhere, so that runs, lengths and ill-formed ends all occur.
 */
static struct text random_text(char *out, size_t out_bytes)
{
    static const char *const pieces[] = {
        "a",    "b ",       "{",      "~",      "€",  "é",  "ç",
        "Δ",    "д",        "ж",      "中",     "文", "😀",  "👍🏽",
        "🇮🇹",   "\r\n",     "\u0301", "\u200D", "👩",  "각", "\t",
        "\xC3", "\xF0\x9F", "\x80",   "\u0488", "ſ",  "ͅ",   "ѿ",
    };
    size_t bytes = 0, limit = (size_t)rand() % out_bytes;
    size_t kinds = 1 + (size_t)rand() % ARRAY_COUNT(pieces), first = (size_t)rand();
    while (bytes < limit) {
        const char *piece =
            pieces[(first + (size_t)rand() % kinds) % ARRAY_COUNT(pieces)];
        for (int n = rand() % 40; n >= 0 && bytes + strlen(piece) <= out_bytes; n--) {
            memcpy(out + bytes, piece, strlen(piece));
            bytes += strlen(piece);
        }
    }
    return (struct text){out, bytes < limit ? bytes : limit};
}

Test(sms, fast_is_slow)
{
    srand(7);
    for (int round = 0; round < 20000; round++) {
        char *exact, buffer[700];
        struct text t = random_text(buffer, sizeof(buffer));
        exact = malloc(t.bytes + 1); /* a load past the end shows under a sanitizer */
        memcpy(exact, t.data, t.bytes);
        t.data = exact;
        struct sms_scan fast, slow;
        sms_scan(t, &fast);
        sms_scan_scalar(t, &slow);
        cr_assert(fast.septets == slow.septets && fast.units == slow.units &&
                      fast.ucs2 == slow.ucs2 && fast.extension == slow.extension &&
                      fast.wide == slow.wide && fast.joins == slow.joins,
                  "%.*s", TEXT_ARGS(t));
        struct sms_size measured, counted;
        uint32_t per_segment[64], sum = 0;
        sms_measure(t, &measured);
        size_t n = sms_measure_detail(t, &counted, per_segment, 64);
        for (size_t i = 0; i < n; i++)
            sum += per_segment[i];
        cr_assert(
            measured.segments == counted.segments && measured.units == counted.units &&
                measured.encoding == counted.encoding && sum == counted.units && n < 64,
            "%.*s", TEXT_ARGS(t));
        free(exact);
    }
}

Test(sms, gsm7_has_137_characters)
{
    int basic = 0, extension = 0;
    for (uint32_t c = 0; c < 0x110000; c++) {
        basic += sms_septets(c) == 1;
        extension += sms_septets(c) == 2;
    }
    cr_expect_eq(basic, 127);
    cr_expect_eq(extension, 10);
}
