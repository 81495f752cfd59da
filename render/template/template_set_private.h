/* template_set_private: what the files of template_set share: template_set_open.c reads a folder,
 * template_set_compile.c makes its texts templates, template_set.c answers. */
#ifndef RENDER_TEMPLATE_SET_PRIVATE_H
#define RENDER_TEMPLATE_SET_PRIVATE_H

#include "base/file.h"
#include "base/yaml.h"
#include "render/template/template_language.h"
#include "render/template/template_set.h"
#include "render/template/variable_list.h"

#define LANGUAGES_MAX 64

struct language {
    char name[TEMPLATE_LANGUAGE_BYTES + 1];
    struct template *parts[PART_COUNT];
};

struct template_set {
    struct yaml *yaml; /* what the variables' texts point into */
    struct variable_list list;
    int category;
    struct language languages[LANGUAGES_MAX];
    size_t language_count;
};

/* A part that is a file, `<channel>.<language>.<extension>`. */
struct template_file {
    const char *channel, *extension;
    enum template_part part;
    enum template_escape escape;
};

/* A folder being read. */
struct open_set {
    struct template_set *set;
    const char *dir;
    template_note_fn *note_fn;
    void *note_arg;
    struct error *err;
    char path[PATH_BYTES];           /* the file in work, for notes and errors */
    const struct language *language; /* what partials are looked for */
    enum template_escape escape;
};

/* template_set_find: by a language's name, or NULL. */
struct language *template_set_find(struct template_set *set, struct text name);

/* template_set_read_text: a file as LF-terminated UTF-8 without a byte order mark, at open->path. */
int template_set_read_text(struct open_set *open, struct buffer *out) MUST_USE;
/* template_set_compile_file: the text at open->path. */
int template_set_compile_file(struct open_set *open, const struct template_file *file,
                              struct language *language) MUST_USE;
int template_set_compile_subjects(struct open_set *open,
                                  const struct yaml_node *subjects) MUST_USE;

#endif
