/* file: whole files in, whole files out, and paths that stay inside the home. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/buffer.h"
#include "base/error.h"

#include <sys/types.h>

/* file_read: append the whole of path to out.
 * Errors: ERROR_INPUT when it does not exist, is a folder or is larger than max_bytes;
 *          ERROR_IO. */
int file_read(const char *path, size_t max_bytes, struct buffer *out,
              struct error *err) MUST_USE;

/* file_write: replace path by content, durably: a temporary file beside it, fsync,
 * rename, fsync of the folder. After a crash either the old or the new content is there.
 */
int file_write(const char *path, struct text content, struct error *err) MUST_USE;

/* file_create: a new file, synced; its folder is not.
 * Errors: ERROR_IO, also when there is one already */
int file_create(const char *path, struct text content, mode_t mode,
                struct error *err) MUST_USE;

/* file_replace: file_write for what can be made again: whoever reads finds the old or the
 * new content, but a power cut may leave nothing of either. */
int file_replace(const char *path, struct text content, struct error *err) MUST_USE;

/* file_make_dirs: like mkdir -p. */
int file_make_dirs(const char *path, struct error *err) MUST_USE;

/* file_sync_dir: make renames and creations in a folder durable. */
int file_sync_dir(const char *path, struct error *err) MUST_USE;

/* file_exists: something is there under this name. */
bool file_exists(const char *path);

/* path_join: "a/b" in a fixed buffer.
 * Errors: ERROR_INPUT when it does not fit. */
#define PATH_BYTES 4096
int path_join(char out[PATH_BYTES], const char *dir, struct text name,
              struct error *err) MUST_USE;

/* name_is_safe: a name for one folder entry that cannot leave its folder: 1–128 bytes of
 * letters, digits, `.`, `_`, `-`, not starting with `.`. Job ids, template and snapshot
 * names obey it. */
bool name_is_safe(struct text name);

/* path_is_inside: a relative path whose parts never climb above its start and that has no
 * NUL. */
bool path_is_inside(struct text path);

#endif
