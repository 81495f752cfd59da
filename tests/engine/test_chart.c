/* Scales end at round numbers just above what they show; what is drawn stays inside. */
#include "engine/page/chart.h"
#include "engine/page/markup.h"

#include <criterion/criterion.h>
#include <stdlib.h>

Test(chart, scales)
{
    static const struct {
        uint64_t max, step;
        unsigned ticks;
    } cases[] = {
        {0, 1, 1},
        {1, 1, 1},
        {3, 1, 3},
        {4, 1, 4},
        {5, 2, 3},
        {9, 5, 2},
        {10, 5, 2},
        {11, 5, 3},
        {21, 10, 3},
        {99, 50, 2},
        {100, 50, 2},
        {101, 50, 3},
        {450, 200, 3},
        {10000, 5000, 2},
        {10001, 5000, 3},
        {123456, 50000, 3},
        {1000000, 500000, 2},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct chart_scale s = chart_scale(cases[i].max, 4);
        cr_expect(s.step == cases[i].step && s.ticks == cases[i].ticks,
                  "%lu: step %lu, %u ticks", cases[i].max, s.step, s.ticks);
    }
}

Test(chart, scales_cover_what_they_show)
{
    srand(7);
    for (int i = 0; i < 20000; i++) {
        uint64_t max = ((uint64_t)rand() << 31 | (uint64_t)rand()) >> (rand() % 62);
        unsigned ticks_max = 1 + (unsigned)rand() % 8;
        struct chart_scale s = chart_scale(max, ticks_max);
        uint64_t lead = s.step;
        while (lead % 10 == 0)
            lead /= 10;
        cr_assert(lead == 1 || lead == 2 || lead == 5);
        cr_assert(s.ticks >= 1 && s.ticks <= ticks_max);
        cr_assert(s.step * s.ticks >= max);
        cr_assert(max == 0 || s.step * (s.ticks - 1) < max);
    }
    struct chart_scale top = chart_scale(UINT64_MAX, 4);
    cr_expect(top.step > 0 && top.ticks > 0);
}

Test(chart, time_steps)
{
    static const struct {
        int64_t span_s, step_s;
    } cases[] = {
        {0, 1},          {1, 1},     {7, 1},      {8, 2},      {60, 10},
        {119, 15},       {600, 120}, {1695, 300}, {3600, 600}, {86400, 21600 / 2 * 2},
        {700000, 172800}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        cr_expect_eq(chart_time_step(cases[i].span_s, 8), cases[i].step_s, "%ld: %ld",
                     cases[i].span_s, chart_time_step(cases[i].span_s, 8));
    for (int64_t span_s = 1; span_s < (int64_t)1 << 40; span_s = span_s * 3 / 2 + 1)
        cr_expect(span_s / chart_time_step(span_s, 8) < 8);
}

Test(chart, numbers)
{
    static const struct {
        uint64_t number;
        const char *whole, *brief;
    } cases[] = {{0, "0", "0"},
                 {999, "999", "999"},
                 {1000, "1,000", "1k"},
                 {1500, "1,500", "1.5k"},
                 {20000, "20,000", "20k"},
                 {100000, "100,000", "100k"},
                 {1234567, "1,234,567", "1.23M"},
                 {2500000000, "2,500,000,000", "2.5G"},
                 {UINT64_MAX, "18,446,744,073,709,551,615", "18.4E"}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char out[CHART_NUMBER_BYTES];
        chart_number(cases[i].number, out);
        cr_expect_str_eq(out, cases[i].whole);
        chart_short(cases[i].number, out);
        cr_expect_str_eq(out, cases[i].brief);
    }
}

/* attribute: of the next element behind *at, as a number. */
static double attribute(const char *element, const char *name)
{
    const char *found = strstr(element, name);
    cr_assert(found != NULL && found[strlen(name)] == '"');
    return strtod(found + strlen(name) + 1, NULL);
}

static void expect_inside(const char *svg, double height)
{
    for (const char *at = svg; (at = strstr(at, "<rect")) != NULL; at++) {
        double x = attribute(at, " x="), y = attribute(at, " y=");
        double w = attribute(at, "width="), h = attribute(at, "height=");
        cr_assert(x >= 0 && x + w <= 722 && y >= -1 && y + h <= height + 1 && w > 0 &&
                      h > 0,
                  "%.100s", at);
    }
}

Test(chart, columns_stay_inside)
{
    static const size_t sizes[] = {1, 2, 3, 20, 119, 120};
    static const uint64_t tops[] = {0, 1, 3, 1000, 123456789, (uint64_t)1 << 60};
    srand(3);
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        for (size_t t = 0; t < ARRAY_COUNT(tops); t++) {
            uint64_t counts[240];
            for (size_t c = 0; c < 240; c++)
                counts[c] = tops[t] ? (uint64_t)rand() % tops[t] : 0;
            counts[0] = tops[t];
            struct chart_columns chart = {
                .title = "t",
                .description = "d",
                .series = {{"sent", "Sent"}, {"failed", "Failed"}},
                .series_count = 2,
                .counts = counts,
                .count = sizes[i],
                .from_s = 1795370000 + rand() % 100,
                .step_s = 1 + rand() % 90000};
            struct buffer out = {0};
            chart_columns(&out, &chart);
            expect_inside(out.data, 218);
            buffer_fini(&out);
        }
    }
}

Test(chart, bars)
{
    const struct chart_bar bars[] = {
        {.label = TEXT("a <b> & \"c\""), .note = TEXT("<i>"), .counts = {1000000, 1}},
        {.label = TEXT("none")},
        {.label = TEXT("ääääääääääääääääääääääääääääääääääääää"), .counts = {0, 5}},
    };
    struct chart_bars chart = {.title = "<t>",
                               .description = "d & e",
                               .series = {{"sent", "Sent"}, {"failed", "Failed"}},
                               .series_count = 2,
                               .bars = bars,
                               .count = 3};
    struct buffer out = {0};
    chart_bars(&out, &chart);
    expect_inside(out.data, 78);
    cr_expect(strstr(out.data, "a &lt;b&gt; &amp; &quot;c&quot;</text>") != NULL);
    cr_expect(strstr(out.data, "<title>&lt;t&gt;</title><desc>d &amp; e</desc>") != NULL);
    cr_expect(strstr(out.data, "<b>") == NULL && strstr(out.data, "<i>") == NULL);
    cr_expect(strstr(out.data, "1,000,001") != NULL);
    /* 25 of 38 letters and a dot-dot-dot; the whole for who points at it */
    cr_expect(strstr(out.data, "</title>äääääääääääääääääääääääää…</text>") != NULL);
    buffer_fini(&out);
}

/* --- markup --- */

#define BAD "\xEF\xBF\xBD"

Test(markup, cases)
{
    static const struct {
        struct text in;
        const char *text, *clean;
    } cases[] = {
        {{"", 0}, "", ""},
        {{NULL, 0}, "", ""},
        {TEXT("plain 123 ~"), "plain 123 ~", "plain 123 ~"},
        {TEXT("<script>alert('1')</script>"),
         "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;",
         "<script>alert('1')</script>"},
        {TEXT("a&b \"c\""), "a&amp;b &quot;c&quot;", "a&b \"c\""},
        {TEXT("Zoë 🎉"), "Zoë 🎉", "Zoë 🎉"},
        {TEXT("a\0b"), "a" BAD "b", "a" BAD "b"},
        {TEXT("\x1b[31m\x7f"), BAD "[31m" BAD, BAD "[31m" BAD},
        {TEXT("tab\tline\n"), "tab\tline\n", "tab\tline\n"},
        {TEXT("\xff\xfe"), BAD BAD, BAD BAD},
        {TEXT("cut \xc3"), "cut " BAD, "cut " BAD},
        {TEXT("\xed\xa0\x80"), BAD BAD BAD, BAD BAD BAD}, /* half a surrogate pair */
        {TEXT("\xc0\xbcscript"), BAD BAD "script", BAD BAD "script"}, /* an overlong < */
        {TEXT("\xe2\x80\xaegnp.exe"), BAD "gnp.exe", BAD "gnp.exe"},
        {TEXT("\xef\xbf\xbe"), BAD, BAD}, /* U+FFFE, which XML forbids */
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct buffer text = {0}, clean = {0};
        markup_text(&text, cases[i].in);
        markup_clean(&clean, cases[i].in);
        cr_expect(text_is(buffer_view(&text), cases[i].text), "case %zu: %.*s", i,
                  TEXT_ARGS(buffer_view(&text)));
        cr_expect(text_is(buffer_view(&clean), cases[i].clean), "case %zu: %.*s", i,
                  TEXT_ARGS(buffer_view(&clean)));
        buffer_fini(&text);
        buffer_fini(&clean);
    }
}

Test(markup, any_bytes_become_text)
{
    srand(11);
    for (int i = 0; i < 20000; i++) {
        char bytes[24];
        size_t count = (size_t)rand() % sizeof(bytes);
        for (size_t b = 0; b < count; b++)
            bytes[b] = (char)rand();
        struct buffer out = {0}, again = {0};
        markup_text(&out, (struct text){bytes, count});
        cr_assert(utf8_valid(buffer_view(&out)));
        for (size_t b = 0; b < out.bytes; b++)
            cr_assert(strchr("<>\"'", out.data[b]) == NULL || out.data[b] == '\0');
        buffer_clear(&out);
        markup_clean(&out, (struct text){bytes, count});
        cr_assert(utf8_valid(buffer_view(&out)));
        markup_clean(&again, buffer_view(&out));
        cr_assert(text_equal(buffer_view(&out), buffer_view(&again)));
        buffer_fini(&out);
        buffer_fini(&again);
    }
}
