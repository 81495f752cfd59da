/* control_file: see control_file.h. */
#include "ingest/control_file.h"

#include "base/file.h"
#include "ingest/json_reader.h"

#include <stdio.h>

static void read_job(struct json_reader *reader, const char *key, const json_t *value)
{
    struct control_file *file = reader->target;
    struct text id;
    if (!json_reader_text(reader, key, value, sizeof(file->job) - 1, &id))
        return;
    if (name_is_safe(id))
        snprintf(file->job, sizeof(file->job), "%.*s", TEXT_ARGS(id));
    else
        json_reader_problem(reader, "\"%s\" must be the id of a job", key);
}

static void read_do(struct json_reader *reader, const char *key, const json_t *value)
{
    static const char *const wishes[] = {[CONTROL_PAUSE] = "pause",
                                         [CONTROL_RESUME] = "resume",
                                         [CONTROL_CANCEL] = "cancel"};
    struct control_file *file = reader->target;
    int choice = json_reader_choice(reader, key, value, wishes, CONTROL_WISH_COUNT);
    if (choice >= 0)
        file->wish = (enum control_wish)choice;
}

int control_file_parse(struct text content, const char *name, struct control_file *out,
                       struct error *err)
{
    static const struct json_key keys[] = {{"job", true, read_job},
                                           {"do", true, read_do}};
    struct arena arena;
    *out = (struct control_file){0};
    int rc = arena_init(&arena, 2 * content.bytes + 4096, err);
    if (rc)
        return rc;
    struct json_reader reader = {
        .content = content, .name = name, .err = err, .arena = &arena, .target = out};
    json_t *root = json_reader_parse(&reader);
    if (root)
        json_reader_object(&reader, "a control file", root, keys, ARRAY_COUNT(keys));
    json_decref(root);
    arena_fini(&arena);
    return reader.problems ? -ERROR_INPUT : 0;
}
