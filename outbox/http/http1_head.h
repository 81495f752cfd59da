/* http1_head: the status line and the fields of a reply (RFC 9112, 4 and 5); part of http1_reply. */
#ifndef OUTBOX_HTTP1_HEAD_H
#define OUTBOX_HTTP1_HEAD_H

#include "outbox/http/http1_reply.h"

/* http1_head_starts_well: line, or the beginning of it, can be a status line. */
bool http1_head_starts_well(struct text line);

/* http1_head_status_line: fill in status and minor_one.
 * Errors: -1. */
int http1_head_status_line(struct http1_reply *reply, struct text line);

/* http1_head_unfold: a line that begins with a blank goes on with the one before (5.2). */
void http1_head_unfold(char *lines, size_t bytes);

/* http1_head_fields: from ->lines: the fields, and what they say of where the reply ends and whether the
 * connection persists.
 * Errors: -1. */
int http1_head_fields(struct http1_reply *reply);

#endif
