/* status: how a job stands, whoever runs it, read from its folder and the store. */
#ifndef ENGINE_STATUS_H
#define ENGINE_STATUS_H

#include "engine/job/books.h"
#include "engine/state/store.h"
#include "outbox/journal/replay.h"

/* status_read: the report of an ended job, or what its journal says at this moment
 * (DESIGN 4.8).
 * Owns: the caller decrefs.
 * Errors: ERROR_INPUT when the job is not known; those of the journal */
int status_read(const char *home, struct store *store, struct text id, json_t **out,
                struct error *err) MUST_USE;

/* status_books: the books of the job in dir as its journal, read into replay, has them.
 * Errors: those of reading dir/job.json. */
int status_books(const char *dir, const struct replay *replay, struct books *out,
                 struct error *err) MUST_USE;

/* status_running: a live process of this home has the job: not just one with the same number, as
 * there may be in a home that was copied or behind a restart of the machine. */
bool status_running(const char *home, const struct store_job *job);

#endif
