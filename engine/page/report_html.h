/* report_html: report.json as a page to look at, print and forward: one file, no script,
 * nothing fetched. */
#ifndef ENGINE_REPORT_HTML_H
#define ENGINE_REPORT_HTML_H

#include "base/buffer.h"

#include <jansson.h>

/* report_html: append the page. What the report lacks, the page leaves away. */
void report_html(const json_t *report, struct buffer *out);

#endif
