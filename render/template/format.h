/* format: a customer's column value as the text that stands in a message. */
#ifndef RENDER_FORMAT_H
#define RENDER_FORMAT_H

#include "base/column.h"
#include "base/tzif.h"

/* format_can: false for lists, structs and types that are not supported; format_value
 * gives TEXT_NONE for those. */
bool format_can(const struct column *column);

/* format_value: the text of column at row: text as it stands, numbers in their shortest
 * form (12.5, 3), true and false, 2026-11-22, 2026-11-22 18:30 in zone (NULL is UTC; a
 * timestamp without a zone of its own is wall-clock time and stays as it is).
 * Owns:    text points into the column, the rest into the arena
 * Errors:  none; TEXT_NONE for null, a NaN, or when the arena overflows
 * Threads: any */
struct text format_value(const struct column *column, int64_t row,
                         const struct tzif *zone, struct arena *arena);

#endif
