/* What frame_rows leaves out must be without the rows asked for; the oracle keeps every frame's span. */
#include "engine/results/frame_rows.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static struct frame_rows frames;

Test(frame_rows, an_unknown_frame_may_have_anything)
{
    cr_expect(frame_rows_has(&frames, 1, 0, 10));
    frame_rows_begin(&frames, 1);
    cr_expect_not(frame_rows_has(&frames, 1, 0, 10), "nothing was noted of it");
    cr_expect(frame_rows_has(&frames, 2, 0, 10));
}

Test(frame_rows, spans_touch_at_their_ends)
{
    frame_rows_begin(&frames, 1);
    frame_rows_note(&frames, 20, 20);
    frame_rows_note(&frames, 10, 10);
    frame_rows_begin(&frames, 3); /* 2 says nothing of rows */
    frame_rows_note(&frames, 0, UINT32_MAX);
    cr_expect_not(frame_rows_has(&frames, 1, 0, 10));
    cr_expect(frame_rows_has(&frames, 1, 10, 1));
    cr_expect(frame_rows_has(&frames, 1, 15, 1), "one span is kept");
    cr_expect(frame_rows_has(&frames, 1, 20, 10));
    cr_expect_not(frame_rows_has(&frames, 1, 21, 10));
    cr_expect_not(frame_rows_has(&frames, 2, 0, 1000));
    cr_expect(frame_rows_has(&frames, 3, UINT32_MAX - 1, 1));
}

Test(frame_rows, more_frames_than_entries_lose_nothing)
{
    enum { FRAMES = 5 * FRAME_ROWS_MAX + 3 };
    static uint32_t rows[FRAMES + 1];
    srand(1);
    for (uint32_t f = 1; f <= FRAMES; f++) {
        rows[f] = f * 10 + (uint32_t)rand() % 1000;
        frame_rows_begin(&frames, f);
        frame_rows_note(&frames, rows[f], rows[f]);
    }
    size_t left_out = 0;
    for (uint32_t f = 1; f <= FRAMES; f++) {
        cr_assert(frame_rows_has(&frames, f, rows[f], 1));
        left_out += !frame_rows_has(&frames, f, 100000, 20000);
    }
    cr_expect_gt(left_out, FRAMES / 2);
    cr_expect(frame_rows_has(&frames, FRAMES + 1, 0, 1), "though it shares an entry");
}
