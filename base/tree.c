/* tree: see tree.h. */
#include "base/tree.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>

#define FOLDERS_OPEN 16

static int remove_entry(const char *path, const struct stat *st, int kind,
                        struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

int tree_remove(const char *path, struct error *err)
{
    if (nftw(path, remove_entry, FOLDERS_OPEN, FTW_DEPTH | FTW_PHYS) == 0 ||
        errno == ENOENT)
        return 0;
    return error_io(err, "cannot remove %s", path);
}
