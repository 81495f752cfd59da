/* report_style: how report.html looks: light, dark, on paper. */
#ifndef ENGINE_REPORT_STYLE_H
#define ENGINE_REPORT_STYLE_H

extern const char report_style[];

#endif
