/* report_parts: the charts of report.html, a section each. What the report lacks makes no
 * section. */
#ifndef ENGINE_REPORT_PARTS_H
#define ENGINE_REPORT_PARTS_H

#include "base/buffer.h"
#include "engine/page/chart.h"

#include <jansson.h>

void part_rate(struct buffer *out, const json_t *report);
void part_channels(struct buffer *out, const json_t *report);
void part_reasons(struct buffer *out, const json_t *report);
void part_suppressed(struct buffer *out, const json_t *report);
void part_segments(struct buffer *out, const json_t *report);
void part_providers(struct buffer *out, const json_t *report);
void part_attempts(struct buffer *out, const json_t *report);
void part_receipts(struct buffer *out, const json_t *report);

/* The outcomes as series, in the order they are stacked. */
#define PART_OUTCOMES 7
extern const struct chart_series part_outcomes[PART_OUTCOMES];

/* part_begin, part_end: a section around a drawing. */
void part_begin(struct buffer *out, const char *title);
void part_end(struct buffer *out);

/* part_number: a count, 0 where there is none. part_text: TEXT_NONE where there is none. */
uint64_t part_number(const json_t *object, const char *key);
struct text part_text(const json_t *object, const char *key);

/* part_share: "98.2 %"; never 100 or 0 unless it is all or nothing. */
#define PART_SHARE_BYTES 16
void part_share(uint64_t part, uint64_t whole, char out[PART_SHARE_BYTES]);

#endif
