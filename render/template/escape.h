/* escape: values on their way into a text: ill-formed UTF-8 becomes U+FFFD, and in HTML
 * the five characters that mean something there become entities. */
#ifndef RENDER_ESCAPE_H
#define RENDER_ESCAPE_H

#include "base/text.h"

/* The most bytes one byte of a value can become: `"` is &quot;, an ill-formed byte is
 * U+FFFD. */
#define ESCAPE_HTML_GROWTH 6
#define ESCAPE_TEXT_GROWTH 3

/* escape_text, escape_html: write value to out and return the end of what was written.
 * Shapes: out has room for value.bytes × growth. */
char *escape_text(char *out, struct text value);
char *escape_html(char *out, struct text value);

#endif
