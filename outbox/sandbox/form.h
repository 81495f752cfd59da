/* form: application/x-www-form-urlencoded, of a body or a query (WHATWG URL, 5.1). Pure.
 */
#ifndef OUTBOX_SANDBOX_FORM_H
#define OUTBOX_SANDBOX_FORM_H

#include "base/buffer.h"

/* form_next: the next name and value of *rest. A percent sign without two hex digits
 * stands for itself.
 * Owns: both point into decoded, in which form_begin has made room for all of them
 *          Returns false at the end. */
void form_begin(struct buffer *decoded, struct text form);
bool form_next(struct text *rest, struct buffer *decoded, struct text *name_out,
               struct text *value_out);

#endif
