/* run_dir: the files of <home>/run: who they belong to and whether that one still lives. Private to
 * process/. */
#ifndef ENGINE_RUN_DIR_H
#define ENGINE_RUN_DIR_H

#include "base/file.h"

/* run_dir_claim: a name of our own in <home>/run, which is made when it is not there. name_out is the
 * process id, with a number behind it where another container has the same.
 * Returns the locked descriptor or a negative code. */
int run_dir_claim(const char *home, char name_out[64], struct error *err) MUST_USE;
void run_dir_release(const char *home, const char *name, int fd);

/* run_dir_write: replace <home>/run/<file>. Not made durable: after a crash of the machine nobody
 * lives that it could tell of. */
int run_dir_write(const char *home, const char *file, struct text content,
                  struct error *err) MUST_USE;

/* run_dir_generation: the number in <home>/run/reload; 0 when nobody ever asked. */
uint64_t run_dir_generation(const char *home);

/* run_dir_each: call fn with the name of every process that lives; remove what dead ones left.
 * Errors: ERROR_IO; a missing folder has nobody in it. */
int run_dir_each(const char *home, void (*fn)(void *arg, const char *name), void *arg,
                 struct error *err) MUST_USE;

/* run_dir_lock: one at a time may ask for a reload. Returns a descriptor to close, or a negative
 * code: ERROR_AGAIN when another asks right now. */
int run_dir_lock(const char *home, struct error *err) MUST_USE;

#endif
