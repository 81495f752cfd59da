/* html_text: the text a person reads in an HTML mail, for readers that show no HTML. */
#ifndef RENDER_HTML_TEXT_H
#define RENDER_HTML_TEXT_H

#include "base/text.h"

/* html_text: write the text of html: tags become line breaks or nothing, entities
 * characters, a link `words (target)`, an image its alt text; head, style and script are
 * left out.
 * Shapes: out has room for html.bytes + HTML_TEXT_ROOM. Returns the end of what was
 *          written. */
#define HTML_TEXT_ROOM 16
char *html_text(char *out, struct text html);

#endif
