/* waits: see waits.h. */
#include "engine/pipeline/waits.h"

#include "base/bitmap.h"

#include <string.h>

static struct waits_time *time_at(struct waits *w, int64_t until_ns)
{
    size_t i = w->count;
    while (i > 0 && w->times[i - 1].until_ns >= until_ns)
        i--;
    if (i < w->count && w->times[i].until_ns == until_ns)
        return &w->times[i];
    if (w->count == WAITS_MAX) {
        struct waits_time *last = &w->times[WAITS_MAX - 1];
        last->until_ns = last->until_ns > until_ns ? last->until_ns : until_ns;
        return last;
    }
    memmove(&w->times[i + 1], &w->times[i], (w->count - i) * sizeof(w->times[0]));
    w->count++;
    w->times[i] = (struct waits_time){.until_ns = until_ns};
    return &w->times[i];
}

static void note_zone(struct waits *w, uint16_t zone, struct text name)
{
    w->zone_missing += zone == ZONES_NONE;
    if (zone != ZONES_UNKNOWN || w->zone_unknown++ > 0)
        return;
    size_t bytes = name.bytes < sizeof(w->unknown) ? name.bytes : sizeof(w->unknown) - 1;
    for (size_t i = 0; i < bytes; i++) /* it is shown to people */
        w->unknown[i] = name.data[i] >= ' ' && name.data[i] <= '~' ? name.data[i] : '?';
    w->unknown[bytes] = '\0';
}

void waits_add_batch(struct waits *w, struct opening *opening, const struct job *job,
                     const struct batch *batch, int64_t now_ns)
{
    const struct column *column = job_column(job, &batch->chunk, SNAPSHOT_TIMEZONE);
    bool zoned = column && column->type != COLUMN_NULL && job->hours.count > 0;
    uint32_t rows = batch->chunk.rows;
    for (size_t r = bitmap_next(batch->selected, 0, rows); r < rows;
         r = bitmap_next(batch->selected, r + 1, rows)) {
        uint16_t zone = opening_zone(opening, &batch->chunk, (uint32_t)r);
        int64_t until_ns = opening_wait_ns(opening, zone, now_ns);
        if (zoned)
            note_zone(w, zone, column_text(column, batch->chunk.first + (int64_t)r));
        for (int c = 0; c < CHANNEL_COUNT && until_ns != 0; c++) {
            if (!disposition_sends((enum disposition)batch->dispositions[c][r]))
                continue;
            if (until_ns == HOURS_NEVER)
                w->expired[c]++;
            else
                time_at(w, until_ns)->messages[c]++;
        }
    }
}

void waits_add(struct waits *w, const struct waits *other)
{
    for (size_t i = 0; i < other->count; i++) {
        struct waits_time *time = time_at(w, other->times[i].until_ns);
        for (int c = 0; c < CHANNEL_COUNT; c++)
            time->messages[c] += other->times[i].messages[c];
    }
    for (int c = 0; c < CHANNEL_COUNT; c++)
        w->expired[c] += other->expired[c];
    if (w->zone_unknown == 0)
        memcpy(w->unknown, other->unknown, sizeof(w->unknown));
    w->zone_unknown += other->zone_unknown;
    w->zone_missing += other->zone_missing;
}
