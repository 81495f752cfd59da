/* spool_fail: what cannot be a job goes to failed, with an explanation beside it. */
#include "ingest/spool_private.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/* error_json: message may have been cut inside a character, or quote a hostile name. */
static void error_json(const char *code, const char *message, unsigned line,
                       struct buffer *out)
{
    struct buffer clean = {0};
    const char *at = message, *end = message + strlen(message);
    while (at < end) {
        const char *start = at;
        if (utf8_next(&at, end) == UTF8_BAD)
            buffer_byte(&clean, '?');
        else
            buffer_add(&clean, start, (size_t)(at - start));
    }
    json_t *root =
        json_pack("{s:s, s:s%, s:i}", "code", code, "message",
                  clean.data ? clean.data : "", clean.bytes, "line", (int)line);
    char *text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
    CHECK(text != NULL);
    buffer_format(out, "%s\n", text);
    free(text);
    json_decref(root);
    buffer_fini(&clean);
}

/* fail: the explanation goes first, so that no file is ever in failed without one; a
 * crash in between leaves the file where it was, to fail again under the same name. */
static int fail(struct spool *spool, const char *name, enum spool_folder from,
                const char *new_name, const struct error *why, unsigned line,
                struct error *err)
{
    char failed[SPOOL_NAME_ROOM], dir[PATH_BYTES], path[PATH_BYTES],
        moved[SPOOL_NAME_ROOM];
    unsigned number = 0;
    do
        spool_numbered(failed, new_name, number++);
    while (spool_is_there(spool->folder_fds[SPOOL_FAILED], failed));
    int rc = spool_folder_path(dir, spool->home, SPOOL_FAILED, err);
    if (rc)
        return rc;
    if (snprintf(path, sizeof(path), "%s/%s.error.json", dir, failed) >= PATH_BYTES)
        return error_set(err, ERROR_INPUT, "the path %.80s… is too long", dir);
    struct buffer json = {0};
    error_json(error_kind_name(why->kind), why->text, line, &json);
    rc = file_write(path, buffer_view(&json), err);
    buffer_fini(&json);
    if (!rc)
        rc = spool_move_as(spool, name, from, failed, SPOOL_FAILED, moved, err);
    return rc;
}

int spool_fail(struct spool *spool, const char *name, enum spool_folder from,
               const struct error *why, unsigned line, struct error *err)
{
    if (!name_is_safe(text_of(name)) || !spool_is_there(spool->folder_fds[from], name))
        return error_set(err, ERROR_INPUT, "spool/%s/%.128s does not exist",
                         spool_folder_name(from), name);
    return fail(spool, name, from, name, why, line, err);
}

int spool_refuse(struct spool *spool, const char *name, enum spool_folder from,
                 struct error *err, const char *format, ...)
{
    char safe[101];
    size_t bytes = strlen(name) < sizeof(safe) - 1 ? strlen(name) : sizeof(safe) - 1;
    for (size_t i = 0; i < bytes; i++)
        safe[i] = name_is_safe((struct text){name + i, 1}) || (name[i] == '.' && i > 0)
                      ? name[i]
                      : '_';
    safe[bytes] = '\0';
    struct error why;
    va_list args;
    va_start(args, format);
    error_set_v(&why, ERROR_INPUT, format, args);
    va_end(args);
    int rc = fail(spool, name, from, safe, &why, 0, err);
    return rc < 0 ? rc : 0;
}
