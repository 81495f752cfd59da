/* tree: a folder with all that is in it. */
#ifndef BASE_TREE_H
#define BASE_TREE_H

#include "base/error.h"

/* tree_remove: a file or folder, whatever is in it; links are not followed. Nothing there is fine.
 * Errors: ERROR_IO, also when somebody puts something in meanwhile */
int tree_remove(const char *path, struct error *err);

#endif
