/* rejects: what an import could not take as it stood: a CSV file of file, line, reason
 * and row, written beside the snapshot so that nothing is dropped silently. */
#ifndef INGEST_REJECTS_H
#define INGEST_REJECTS_H

#include "base/error.h"
#include "base/text.h"

struct rejects;

/* rejects_create: path is where the file will be; it is made with the first row. */
struct rejects *rejects_create(const char *path);

void rejects_add(struct rejects *rejects, const char *file, uint64_t line,
                 struct text row, const char *format, ...) PRINTF_LIKE(5, 6);

/* rejects_close: with commit the file gets its name, or, without any row, the one of an
 * earlier import is removed. *written_out (NULL allowed): there is a file.
 * Owns: *rejects is destroyed in every case. Errors: ERROR_IO */
int rejects_close(struct rejects **rejects, bool commit, bool *written_out,
                  struct error *err) MUST_USE;

#endif
