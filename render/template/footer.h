/* footer: the unsubscribe link that every email carries (R7), for texts that do not place
 * it themselves with ##{{unsubscribe_url}}. */
#ifndef RENDER_FOOTER_H
#define RENDER_FOOTER_H

#include "base/buffer.h"
#include "render/template/template.h"

/* The variable that a footer uses; every template has it, listed or not. */
#define FOOTER_VARIABLE "unsubscribe_url"

/* footer_add: put the footer for a language at the end of a source, in HTML inside its
 * body. */
void footer_add(struct buffer *source, enum template_escape escape, const char *language);

#endif
