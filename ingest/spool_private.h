/* spool_private: what the files of the spool share. */
#ifndef INGEST_SPOOL_PRIVATE_H
#define INGEST_SPOOL_PRIVATE_H

#include "base/file.h"
#include "ingest/folder_list.h"
#include "ingest/spool.h"

#define SPOOL_NAME_ROOM 192 /* a safe name, and a process id and a number behind it */

struct spool {
    char *home;
    int folder_fds[SPOOL_FOLDER_COUNT];
    int inotify_fd;
    struct folder_list incoming; /* served from here, read again once it is used up */
    struct folder_list left;     /* what an earlier run left in active */
    struct buffer controls;      /* names of control files that came, each with a NUL */
    size_t controls_read;
    bool deferred, unsynced[SPOOL_FOLDER_COUNT];
    char name[SPOOL_NAME_ROOM]; /* of the file handed out */
};

int spool_folder_path(char out[PATH_BYTES], const char *home, enum spool_folder folder,
                      struct error *err) MUST_USE;

/* --- spool_move.c --- */

bool spool_is_there(int folder_fd, const char *name);
/* spool_numbered: "a.json" → "a.1.json", cut in the stem where it would be no safe name any
 * more; number 0 leaves the name as it is. */
void spool_numbered(char out[SPOOL_NAME_ROOM], const char *name, unsigned number);
/* spool_move_as: name in one folder becomes new_name, or the next free number of it, in another;
 * durable when it returns. Returns 1 when name is not there (any more). */
int spool_move_as(struct spool *spool, const char *name, enum spool_folder from,
                  const char *new_name, enum spool_folder to,
                  char moved_out[SPOOL_NAME_ROOM], struct error *err) MUST_USE;

/* --- spool_fail.c --- */

/* spool_refuse: a name that cannot be used is made safe, so that failed holds only safe names.
 * Returns 0: there is nothing to hand out. */
int spool_refuse(struct spool *spool, const char *name, enum spool_folder from,
                 struct error *err, const char *format, ...) PRINTF_LIKE(5, 6);

#endif
