/* draft: a folder that is made under a name of its own and gets its real one when it is whole. Two
 * processes that make the same thing have two drafts. Who makes one has it locked, so what a dead
 * process left is known for sure. */
#ifndef ENGINE_DRAFT_H
#define ENGINE_DRAFT_H

#include "base/file.h"

struct draft {
    char path[PATH_BYTES];
    int lock_fd;
    bool placed;
};

/* draft_open: an empty folder `.new.<name>.<number>` in root. draft_close follows, also after an error.
 * Errors: ERROR_INPUT when the path is too long; ERROR_IO */
int draft_open(struct draft *draft, const char *root, struct text name,
               struct error *err) MUST_USE;

/* draft_place: give it its real name; the folder around it is not synced. It stays locked until
 * draft_close. Returns 1 when the name is taken, 0 or negative. */
int draft_place(struct draft *draft, const char *path, struct error *err) MUST_USE;

/* draft_close: what has not been placed is removed. */
void draft_close(struct draft *draft);

/* draft_sweep: remove the drafts in root that nobody is at; a missing root has none. */
int draft_sweep(const char *root, struct error *err) MUST_USE;

#endif
