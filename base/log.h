/* log: one logfmt line per event on stderr, for people and machines alike.
 *
 * log_info("spool", "job taken", "job=%s file=%s", id, name) prints
 * ts=2026-11-21T08:00:00.123Z level=info room=spool msg="job taken" job=… file=…
 * A line is written with one write(2), so lines of several threads do not mix. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/error.h"
#include "base/text.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_OFF };

/* log_set_level: what is below stays silent. The default is LOG_WARN; `serve` uses
 * LOG_INFO. VOLLEY_LOG=debug|info|warn|error|off in the environment wins.
 * Threads: any. */
void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);

/* log_write: fields is a printf format of logfmt pairs, or NULL. Values with blanks must
 * be quoted by log_quote. */
void log_write(enum log_level level, const char *room, const char *message,
               const char *fields, ...) PRINTF_LIKE(4, 5);

/* log_quote: value in double quotes with quotes, backslashes and control bytes escaped,
 * cut to the buffer. Returns out. */
const char *log_quote(struct text value, char *out, size_t out_bytes);

#define log_debug(room, ...) log_write(LOG_DEBUG, room, __VA_ARGS__)
#define log_info(room, ...)  log_write(LOG_INFO, room, __VA_ARGS__)
#define log_warn(room, ...)  log_write(LOG_WARN, room, __VA_ARGS__)
#define log_error(room, ...) log_write(LOG_ERROR, room, __VA_ARGS__)

#endif
