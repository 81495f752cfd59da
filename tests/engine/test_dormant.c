/* dormant: against a plain list of who waits until when. */
#include "base/hours.h"
#include "engine/run/dormant.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define ROWS   10000
#define CHUNK  1000 /* rows; the last one of a record batch may be of any size */
#define CHUNKS (ROWS / CHUNK)

static int64_t until[CHANNEL_COUNT][ROWS]; /* 0: does not wait */

static uint64_t count_waiting(void)
{
    uint64_t count = 0;
    for (int c = 0; c < CHANNEL_COUNT; c++) {
        for (uint32_t r = 0; r < ROWS; r++)
            count += until[c][r] != 0;
    }
    return count;
}

static int64_t first_time(void)
{
    int64_t first = HOURS_NEVER;
    for (int c = 0; c < CHANNEL_COUNT; c++) {
        for (uint32_t r = 0; r < ROWS; r++)
            first = until[c][r] && until[c][r] < first ? until[c][r] : first;
    }
    return first;
}

static void add(struct dormant *d, int c, uint32_t row, int64_t at)
{
    until[c][row] = at;
    dormant_add(d, row / CHUNK, row, (uint8_t)c, at);
}

/* let_go: what is due at a time goes; what is taken with it and is not due waits again, as the run
 * does it. */
static uint64_t let_go(struct dormant *d, int64_t now)
{
    uint64_t gone = 0;
    size_t chunk;
    while (dormant_due(d, now, &chunk)) {
        uint64_t row = chunk * CHUNK, end = row + CHUNK, last = row;
        struct redo group[64];
        for (size_t count; (count = dormant_take(d, &row, end, group, 64)) > 0;) {
            for (size_t i = 0; i < count; i++) {
                int64_t *waits = &until[group[i].channel][group[i].row];
                cr_assert(*waits != 0 && group[i].row / CHUNK == chunk);
                cr_assert(group[i].row >= last && group[i].attempt == 0);
                last = group[i].row;
                gone += *waits <= now;
                if (*waits > now)
                    *waits = -*waits; /* again below: the range is still being read */
                else
                    *waits = 0;
            }
        }
        for (int c = 0; c < CHANNEL_COUNT; c++) {
            for (uint64_t r = chunk * CHUNK; r < end; r++) {
                if (until[c][r] < 0)
                    add(d, c, (uint32_t)r, -until[c][r]);
            }
        }
    }
    return gone;
}

Test(dormant, each_goes_in_its_time_and_once)
{
    struct dormant d;
    dormant_init(&d, ROWS, CHUNKS);
    srand(7);
    cr_expect_eq(dormant_next_ns(&d), HOURS_NEVER);
    for (int i = 0; i < 20000; i++) {
        int c = rand() % CHANNEL_COUNT;
        uint32_t row = (uint32_t)(rand() % ROWS);
        if (!until[c][row])
            add(&d, c, row, 100 + 10 * (rand() % 24));
    }
    for (int64_t now = 95; now <= 340; now += 5) {
        uint64_t before = count_waiting();
        cr_expect_eq(d.messages, before);
        cr_expect_leq(dormant_next_ns(&d), first_time());
        uint64_t gone = let_go(&d, now);
        cr_expect_eq(before - gone, count_waiting());
        cr_expect_gt(first_time(), now);
    }
    cr_expect_eq(d.messages, 0);
    cr_expect_eq(dormant_next_ns(&d), HOURS_NEVER);
    dormant_fini(&d);
}

Test(dormant, takes_all_of_a_range)
{
    struct dormant d;
    struct redo group[8];
    uint64_t row = 0;
    size_t taken = 0;
    dormant_init(&d, 70, 1);
    for (uint32_t r = 0; r < 70; r += 3)
        dormant_add(&d, 0, r, (uint8_t)(r % CHANNEL_COUNT), 5);
    for (size_t count; (count = dormant_take(&d, &row, 66, group, 8)) > 0; taken += count)
        ;
    cr_expect_eq(taken, 22);
    cr_expect(row >= 66 && d.messages == 2);
    dormant_fini(&d);
}

/* What is only kept is met by whoever comes to its row, and no time wakes it. */
Test(dormant, kept_ones_are_only_taken)
{
    struct dormant d;
    struct redo group[64];
    uint64_t row = 0;
    size_t chunk;
    dormant_init(&d, ROWS, CHUNKS);
    dormant_keep(&d, 70, CHANNEL_SMS);
    dormant_keep(&d, 2000, CHANNEL_PUSH);
    cr_expect(d.messages == 2 && dormant_next_ns(&d) == HOURS_NEVER);
    cr_expect(!dormant_due(&d, INT64_MAX, &chunk));
    cr_assert_eq(dormant_take(&d, &row, 1000, group, 64), 1u);
    cr_expect(group[0].row == 70 && group[0].channel == CHANNEL_SMS && d.messages == 1);
    cr_assert_eq(dormant_take(&d, &row, ROWS, group, 64), 1u);
    cr_expect(group[0].row == 2000 && d.messages == 0);
    dormant_fini(&d);
}
