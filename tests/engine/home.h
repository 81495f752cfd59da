/* home: a folder of its own for a test, removed at the end. */
#ifndef TESTS_ENGINE_HOME_H
#define TESTS_ENGINE_HOME_H

#include "base/file.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline char *home_make(char out[64])
{
    snprintf(out, 64, "/tmp/volley-test-XXXXXX");
    CHECK(mkdtemp(out) != NULL);
    return out;
}

static inline void home_remove(const char *home)
{
    DIR *dir = opendir(home);
    CHECK(dir != NULL);
    for (struct dirent *entry; (entry = readdir(dir));) {
        char path[PATH_BYTES];
        if (entry->d_name[0] != '.' &&
            path_join(path, home, text_of(entry->d_name), NULL) == 0)
            unlink(path);
    }
    closedir(dir);
    rmdir(home);
}

#endif
