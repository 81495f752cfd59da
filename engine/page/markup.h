/* markup: text from outside as HTML, XML and JSON can hold it. Pure. */
#ifndef ENGINE_MARKUP_H
#define ENGINE_MARKUP_H

#include "base/buffer.h"

/* markup_clean: append t as well-formed UTF-8 of characters that XML 1.0 (2.2) allows,
 * U+FFFD in the place of each that is none. */
void markup_clean(struct buffer *out, struct text t);

/* markup_text: the same, with & < > " ' as references: it may stand in an element and in
 * a quoted attribute. */
void markup_text(struct buffer *out, struct text t);

#endif
