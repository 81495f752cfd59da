/* template: one text with variables, compiled to a list of pieces.
 *
 * `##{{name}}` is replaced by the customer's value. Which variables exist is decided by
 * the list given at compile time: a listed one becomes a slot, an unlisted one stays as
 * typed (R23). */
#ifndef RENDER_TEMPLATE_H
#define RENDER_TEMPLATE_H

#include "base/arena.h"

enum template_escape { TEMPLATE_TEXT, TEMPLATE_HTML };

struct template_variable {
    struct text name;
    struct text fallback; /* the default value, or TEXT_NONE = empty */
    bool required;        /* must appear in the template (R24) */
};

struct template;

/* Told about each thing worth saying: an unlisted variable (with the nearest listed
 * spelling), a tag without end. */
typedef void template_note_fn(void *arg, unsigned line, const char *sentence);

/* template_compile: source is copied.
 * Errors: ERROR_INPUT `name:line: …` for a syntax error. */
int template_compile(struct text source, const char *name, enum template_escape escape,
                     const struct template_variable *variables, size_t variable_count,
                     template_note_fn *note_fn, void *arg, struct template **out,
                     struct error *err) MUST_USE;
void template_destroy(struct template **template);

/* template_uses: true when variable number v appears. */
bool template_uses(const struct template *template, size_t v);

/* template_render: values[variable_count], TEXT_NONE = missing: the default is used.
 * Owns:    out lies in the arena
 * Errors:  none; on overflow the arena latches and out is TEXT_NONE
 * Threads: a template is read-only */
void template_render(const struct template *template, const struct text *values,
                     struct arena *arena, struct text *out);

#endif
