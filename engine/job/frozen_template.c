/* frozen_template: see frozen_template.h. A copy is made under a name of its own, synced, and renamed
 * to its hash, so what is found there is whole and on the disk. */
#include "engine/job/frozen_template.h"

#include "base/buffer.h"
#include "base/file.h"
#include "base/hash.h"
#include "engine/job/draft.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_BYTES_MAX ((size_t)64 << 20)

/* The files and folders of a template in the order of their names; one entry after the other: kind,
 * name within the folder with a NUL, bytes, content. */
struct template_files {
    struct buffer entries;
};

struct entry {
    bool folder;
    const char *name; /* with its folder: "partials/foot.txt" */
    struct text content;
};

static void add_entry(struct template_files *files, bool folder, const char *name,
                      struct text content)
{
    buffer_byte(&files->entries, folder ? 'd' : 'f');
    buffer_add(&files->entries, name, strlen(name) + 1);
    buffer_add(&files->entries, &content.bytes, sizeof(content.bytes));
    buffer_text(&files->entries, content);
}

static bool next_entry(const struct template_files *files, size_t *at, struct entry *out)
{
    size_t bytes;
    if (*at == files->entries.bytes)
        return false;
    const char *data = files->entries.data + *at;
    out->folder = *data == 'd';
    out->name = data + 1;
    data = out->name + strlen(out->name) + 1;
    memcpy(&bytes, data, sizeof(bytes));
    out->content = (struct text){data + sizeof(bytes), bytes};
    *at = (size_t)(out->content.data + bytes - files->entries.data);
    return true;
}

static int collect(struct template_files *files, const char *root, const char *inner,
                   struct error *err);

static int collect_one(struct template_files *files, const char *root, const char *inner,
                       const char *name, struct error *err)
{
    char within[PATH_BYTES], path[PATH_BYTES];
    struct stat st;
    if (snprintf(within, sizeof(within), "%s%s%s", inner, inner[0] ? "/" : "", name) >=
        PATH_BYTES)
        return error_set(err, ERROR_INPUT, "the path %.80s… is too long", within);
    int rc = path_join(path, root, text_of(within), err);
    if (rc || stat(path, &st))
        return rc;
    if (S_ISDIR(st.st_mode) && !inner[0]) {
        add_entry(files, true, within, TEXT(""));
        return collect(files, root, within, err);
    }
    if (!S_ISREG(st.st_mode))
        return 0;
    struct buffer content = {0};
    rc = file_read(path, FILE_BYTES_MAX, &content, err);
    if (rc == 0)
        add_entry(files, false, within, buffer_view(&content));
    buffer_fini(&content);
    return rc;
}

static int not_hidden(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int collect(struct template_files *files, const char *root, const char *inner,
                   struct error *err)
{
    char path[PATH_BYTES];
    struct dirent **list;
    int rc = path_join(path, root, text_of(inner), err);
    if (rc)
        return rc;
    int count = scandir(path, &list, not_hidden, alphasort);
    if (count < 0)
        return error_io(err, "cannot open the folder %s", path);
    for (int i = 0; i < count; i++) {
        if (rc == 0)
            rc = collect_one(files, root, inner, list[i]->d_name, err);
        free(list[i]);
    }
    free(list);
    return rc;
}

/* --- the shared copy --- */

/* Read-only: all jobs of this template have it. */
#define SHARED_MODE 0444

/* fill: each entry in dir, written, or linked to the one in shared. */
static int fill(const struct template_files *files, const char *shared, const char *dir,
                struct error *err)
{
    struct entry entry;
    int rc = file_make_dirs(dir, err);
    for (size_t at = 0; rc == 0 && next_entry(files, &at, &entry);) {
        char path[PATH_BYTES], from[PATH_BYTES];
        rc = path_join(path, dir, text_of(entry.name), err);
        if (rc == 0 && shared)
            rc = path_join(from, shared, text_of(entry.name), err);
        if (rc)
            return rc;
        if (entry.folder)
            rc = file_make_dirs(path, err);
        else if (!shared || link(from, path)) /* EMLINK, or a file system without links */
            rc = file_create(path, entry.content, SHARED_MODE, err);
    }
    for (size_t at = 0; rc == 0 && next_entry(files, &at, &entry);) {
        char path[PATH_BYTES];
        if (entry.folder) {
            rc = path_join(path, dir, text_of(entry.name), err);
            if (rc == 0)
                rc = file_sync_dir(path, err);
        }
    }
    return rc ? rc : file_sync_dir(dir, err);
}

static int share(const struct template_files *files, const char *root, const char *shared,
                 struct error *err)
{
    struct draft draft;
    int rc = draft_open(&draft, root, TEXT("template"), err);
    if (rc == 0)
        rc = fill(files, NULL, draft.path, err);
    if (rc == 0)
        rc = draft_place(&draft, shared, err); /* 1: another was first */
    draft_close(&draft);
    return rc < 0 ? rc : file_sync_dir(root, err);
}

int frozen_template_make(const char *home, const char *from, const char *to,
                         struct error *err)
{
    struct template_files files = {0};
    char root[PATH_BYTES], shared[PATH_BYTES], name[40];
    int rc = path_join(root, home, TEXT("outbox/.templates"), err);
    if (rc == 0)
        rc = collect(&files, from, "", err);
    struct hash128 hash =
        hash128(files.entries.data ? files.entries.data : "", files.entries.bytes);
    snprintf(name, sizeof(name), "%016" PRIx64 "%016" PRIx64, hash.high, hash.low);
    if (rc == 0)
        rc = path_join(shared, root, text_of(name), err);
    if (rc == 0 && !file_exists(shared)) {
        rc = file_make_dirs(root, err);
        if (rc == 0)
            rc = share(&files, root, shared, err);
    }
    if (rc == 0)
        rc = fill(&files, shared, to, err);
    buffer_fini(&files.entries);
    return rc;
}
