/* report_parts: the charts of report.html, a section each. What the report lacks makes no
 * section. */
#ifndef ENGINE_REPORT_PARTS_H
#define ENGINE_REPORT_PARTS_H

#include "base/buffer.h"

#include <jansson.h>

void part_rate(struct buffer *out, const json_t *report);
void part_channels(struct buffer *out, const json_t *report);
void part_reasons(struct buffer *out, const json_t *report);
void part_suppressed(struct buffer *out, const json_t *report);
void part_segments(struct buffer *out, const json_t *report);
void part_providers(struct buffer *out, const json_t *report);
void part_attempts(struct buffer *out, const json_t *report);

/* part_number: a count, 0 where there is none. part_text: TEXT_NONE where there is none. */
uint64_t part_number(const json_t *object, const char *key);
struct text part_text(const json_t *object, const char *key);

/* part_share: "98.2 %"; never 100 or 0 unless it is all or nothing. */
#define PART_SHARE_BYTES 16
void part_share(uint64_t part, uint64_t whole, char out[PART_SHARE_BYTES]);

#endif
