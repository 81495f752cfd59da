/* spread: slots by table, and against a rank counted row by row. */
#include "engine/pipeline/spread.h"

#include "base/bitmap.h"
#include "base/clock.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define START_NS 1790000000000000000ll

static struct spread *make(const char *rows, uint64_t most, int64_t span_ns)
{
    uint64_t count = strlen(rows), *bits = calloc(bitmap_words(count) + 1, sizeof(*bits));
    cr_assert_not_null(bits);
    for (uint64_t r = 0; r < count; r++) {
        if (rows[r] == 'x')
            bitmap_set(bits, r);
    }
    return spread_make(bits, count, most, START_NS, span_ns);
}

Test(spread, slots_by_table)
{
    static const struct {
        const char *rows; /* who matches */
        uint64_t most;
        int64_t span_s;
        const char *slots; /* of each row, in tenths of the time; `.` does not match */
    } cases[] = {
        {"xxxxxxxxxx", 0, 10, "0123456789"},
        {"xx........", 0, 10, "05........"}, /* all at the front */
        {"........xx", 0, 7200, "........05"},
        {"x.x.x.x.x.", 0, 3, "0.2.4.6.8."},
        {"....x.....", 0, 100, "....0....."},
        {"xxxxxxxxxx", 5, 10, "02468aaaaa"}, /* `a`: at the end */
        {"xx........", 5, 10, "05........"},
        {"..........", 0, 10, ".........."},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        int64_t span_ns = cases[i].span_s * NS_PER_S;
        struct spread *spread = make(cases[i].rows, cases[i].most, span_ns);
        for (uint64_t r = 0; cases[i].rows[r]; r++) {
            char slot = cases[i].slots[r];
            if (slot == '.')
                continue;
            int64_t tenth = slot == 'a' ? 10 : slot - '0';
            cr_expect_eq(spread_slot_ns(spread, r), START_NS + span_ns / 10 * tenth,
                         "case %zu row %lu", i, r);
        }
        cr_expect_eq(spread_due(spread, START_NS + span_ns), strlen(cases[i].rows));
        spread_destroy(&spread);
    }
}

Test(spread, equals_a_rank_counted_row_by_row)
{
    uint64_t rows = 10000, *bits = calloc(bitmap_words(rows) + 1, sizeof(*bits));
    char *matches = calloc(rows, 1);
    uint64_t total = 0;
    srand(7);
    for (uint64_t r = 0; r < rows; r++) { /* dense here, sparse there */
        matches[r] = rand() % 100 < (int)(r * 100 / rows);
        total += (uint64_t)matches[r];
        if (matches[r])
            bitmap_set(bits, r);
    }
    int64_t span_ns = 3601 * NS_PER_S + 7;
    struct spread *spread = spread_make(bits, rows, 0, START_NS, span_ns);
    uint64_t rank = 0;
    for (uint64_t r = 0; r < rows; r++) {
        int64_t slot_ns = spread_slot_ns(spread, r);
        if (rank < total)
            cr_assert_eq(slot_ns, START_NS + (int64_t)((__int128)span_ns * rank / total));
        /* due: everything up to here, and nothing that comes later */
        uint64_t due = spread_due(spread, slot_ns);
        cr_assert(due > r && due <= rows);
        cr_assert(due == rows || spread_slot_ns(spread, due) > slot_ns);
        if (slot_ns > START_NS)
            cr_assert(spread_due(spread, slot_ns - 1) <= r);
        rank += (uint64_t)matches[r];
    }
    cr_expect_eq(spread_due(spread, START_NS - 1), 0);
    free(matches);
    spread_destroy(&spread);
}

Test(spread, thirty_days_of_many_do_not_overflow)
{
    uint64_t rows = 1u << 22, words = bitmap_words(rows);
    uint64_t *bits = calloc(words + 1, sizeof(*bits));
    bitmap_fill(bits, rows);
    int64_t span_ns = 30 * 86400 * NS_PER_S;
    struct spread *spread = spread_make(bits, rows, 0, START_NS, span_ns);
    cr_expect_eq(spread_slot_ns(spread, rows / 4), START_NS + span_ns / 4);
    cr_expect_lt(spread_slot_ns(spread, rows - 1), START_NS + span_ns);
    spread_destroy(&spread);
}
