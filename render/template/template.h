/* template: one text with variables, compiled to a list of pieces.
 *
 * `##{{name}}` is replaced by the customer's value. Which variables exist is decided by
 * the list given at compile time: a listed one becomes a slot, an unlisted one stays as
 * typed (R23).
 *
 * The language is Mustache's (tag.h). A section ##{{#name}} … ##{{/name}} appears when
 * the variable has a value other than `0` and `false`, an inverted one otherwise;
 * ##{{.}} is the section's value. */
#ifndef RENDER_TEMPLATE_H
#define RENDER_TEMPLATE_H

#include "base/arena.h"
#include "base/buffer.h"

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

/* A partial's source, appended to out. Returns 1, 0 when there is none, or negative. */
typedef int template_partial_fn(void *arg, struct text name, struct buffer *out,
                                struct error *err);

/* template_compile: source is copied.
 * Errors: ERROR_INPUT `name:line: …` for a syntax error and for a section over an
 * unlisted variable, which has nothing to be typed as. */
int template_compile(struct text source, const char *name, enum template_escape escape,
                     const struct template_variable *variables, size_t variable_count,
                     template_note_fn *note_fn, void *arg, struct template **out,
                     struct error *err) MUST_USE;

/* template_compile_with: the same, with partials: ##{{> name}} is replaced by what
 * partial_fn gives. Here a missing partial is an error, and so is one that includes
 * itself. */
struct template_options {
    enum template_escape escape;
    const struct template_variable *variables;
    size_t variable_count;
    template_note_fn *note_fn; /* may be NULL */
    void *note_arg;
    template_partial_fn *partial_fn; /* may be NULL: there are none */
    void *partial_arg;
};
int template_compile_with(struct text source, const char *name,
                          const struct template_options *options, struct template **out,
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
