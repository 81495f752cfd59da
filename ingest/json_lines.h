/* json_lines: on which line a value of a JSON text stands; jansson forgets positions. */
#ifndef INGEST_JSON_LINES_H
#define INGEST_JSON_LINES_H

#include "base/text.h"

/* json_line: the line of the member or element at path, from 1. A path is a list of
 * places counted from 0, in objects as in arrays: {3, 0} is the first part of the fourth
 * member. Of a member it is its key's line. depth 0 is the whole value.
 * Shapes: json was accepted by a parser that rejects double keys; on other text, or for
 *          a path that is not there, the result is some line of it. */
unsigned json_line(struct text json, const size_t *path, size_t depth);

#endif
