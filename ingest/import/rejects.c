/* rejects: see rejects.h. */
#include "ingest/import/rejects.h"

#include "base/buffer.h"
#include "base/file.h"
#include "ingest/import/csv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct rejects {
    char *path;
    char *temporary;
    FILE *file;
    struct buffer line;
    int failed_errno;
};

struct rejects *rejects_create(const char *path)
{
    struct rejects *rejects = calloc(1, sizeof(*rejects));
    CHECK(rejects != NULL);
    struct buffer temporary = {0};
    buffer_format(&temporary, "%s.%ld.tmp", path, (long)getpid());
    rejects->path = text_copy(text_of(path));
    rejects->temporary = temporary.data;
    return rejects;
}

static void put(struct rejects *rejects)
{
    const struct buffer *line = &rejects->line;
    if (fwrite(line->data, 1, line->bytes, rejects->file) != line->bytes)
        rejects->failed_errno = errno ? errno : EIO;
}

static void start(struct rejects *rejects)
{
    rejects->file = fopen(rejects->temporary, "we");
    if (!rejects->file) {
        rejects->failed_errno = errno;
        return;
    }
    buffer_clear(&rejects->line);
    buffer_string(&rejects->line, "file,line,reason,row\n");
    put(rejects);
}

void rejects_add(struct rejects *rejects, const char *file, uint64_t line,
                 struct text row, const char *format, ...)
{
    char reason[ERROR_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(reason, sizeof(reason), format, args);
    va_end(args);
    if (!rejects->file && !rejects->failed_errno)
        start(rejects);
    if (rejects->failed_errno)
        return;
    struct buffer *out = &rejects->line;
    buffer_clear(out);
    csv_append_field(out, text_of(file));
    buffer_format(out, ",%llu,", (unsigned long long)line);
    csv_append_field(out, text_of(reason));
    buffer_byte(out, ',');
    csv_append_field(out, row);
    buffer_byte(out, '\n');
    put(rejects);
}

static int commit_file(struct rejects *rejects, struct error *err)
{
    if (!rejects->file && !rejects->failed_errno) {
        if (unlink(rejects->path) && errno != ENOENT)
            return error_io(err, "cannot remove the earlier %s", rejects->path);
        return 0;
    }
    if (!rejects->failed_errno &&
        (fflush(rejects->file) || fsync(fileno(rejects->file)) ||
         rename(rejects->temporary, rejects->path)))
        rejects->failed_errno = errno;
    errno = rejects->failed_errno;
    return errno ? error_io(err, "cannot write %s", rejects->path) : 0;
}

int rejects_close(struct rejects **at, bool commit, bool *written_out, struct error *err)
{
    struct rejects *rejects = *at;
    *at = NULL;
    int rc = commit ? commit_file(rejects, err) : 0;
    if (written_out)
        *written_out = commit && !rc && rejects->file;
    if (rejects->file) {
        fclose(rejects->file);
        if (!commit || rc)
            unlink(rejects->temporary);
    }
    buffer_fini(&rejects->line);
    free(rejects->path);
    free(rejects->temporary);
    free(rejects);
    return rc;
}
