/* json_write: strings of JSON into a buffer. */
#ifndef OUTBOX_SANDBOX_JSON_WRITE_H
#define OUTBOX_SANDBOX_JSON_WRITE_H

#include "base/buffer.h"

/* json_write_string: t in double quotes. Bytes that are not UTF-8 become U+FFFD each, so
 * that every line is valid whatever a client sent. */
void json_write_string(struct buffer *out, struct text t);

/* json_write_name: `"name":`, with a comma in front unless it is the first of its object.
 */
void json_write_name(struct buffer *out, const char *name);

/* json_write_member: the name and a string. */
void json_write_member(struct buffer *out, const char *name, struct text value);

#endif
