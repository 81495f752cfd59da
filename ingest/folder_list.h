/* folder_list: the names in a folder at one moment, oldest first, handed out one by one.
 */
#ifndef INGEST_FOLDER_LIST_H
#define INGEST_FOLDER_LIST_H

#include "base/buffer.h"

struct folder_list {
    struct buffer names;   /* each followed by a NUL */
    struct buffer entries; /* by modification time, then name */
    size_t next;
};

/* folder_list_read: every name but those that start with a dot. Returns 0, or -1 with
 * errno. */
int folder_list_read(struct folder_list *list, int folder_fd) MUST_USE;
void folder_list_fini(struct folder_list *list);

/* folder_list_next: valid until the list is read again; NULL at the end. */
const char *folder_list_next(struct folder_list *list);

#endif
