/* folder_list: see folder_list.h. */
#include "ingest/folder_list.h"

#include "base/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct entry {
    int64_t modified_ns;
    size_t name; /* offset into names */
};

static int compare(const void *a, const void *b, void *names)
{
    const struct entry *x = a, *y = b;
    if (x->modified_ns != y->modified_ns)
        return x->modified_ns < y->modified_ns ? -1 : 1;
    return strcmp((const char *)names + x->name, (const char *)names + y->name);
}

static void add(struct folder_list *list, int folder_fd, const char *name)
{
    struct stat st;
    if (fstatat(folder_fd, name, &st, AT_SYMLINK_NOFOLLOW))
        return; /* gone in between */
    struct entry entry = {st.st_mtim.tv_sec * NS_PER_S + st.st_mtim.tv_nsec,
                          list->names.bytes};
    buffer_add(&list->names, name, strlen(name) + 1);
    buffer_add(&list->entries, &entry, sizeof(entry));
}

int folder_list_read(struct folder_list *list, int folder_fd)
{
    buffer_clear(&list->names);
    buffer_clear(&list->entries);
    list->next = 0;
    /* Not a dup of folder_fd: that would share, and keep, its place in the folder. */
    int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    DIR *dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return -1;
    }
    struct dirent *entry;
    while (errno = 0, (entry = readdir(dir))) {
        if (entry->d_name[0] != '.')
            add(list, folder_fd, entry->d_name);
    }
    int why = errno;
    closedir(dir);
    if (list->entries.bytes > 0)
        qsort_r(list->entries.data, list->entries.bytes / sizeof(struct entry),
                sizeof(struct entry), compare, list->names.data);
    errno = why;
    return why ? -1 : 0;
}

void folder_list_fini(struct folder_list *list)
{
    buffer_fini(&list->names);
    buffer_fini(&list->entries);
}

const char *folder_list_next(struct folder_list *list)
{
    if (list->next == list->entries.bytes / sizeof(struct entry))
        return NULL;
    return list->names.data + ((struct entry *)list->entries.data)[list->next++].name;
}
