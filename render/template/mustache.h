/* mustache: one template of the whole Mustache language against one JSON value, for the
 * verb `render`. Jobs use template.h, which knows its variables and renders millions of
 * rows.
 *
 * As in JavaScript false, null, 0, "" and an empty list are falsy. A number prints in its
 * shortest form, a list or an object as JSON. */
#ifndef RENDER_MUSTACHE_H
#define RENDER_MUSTACHE_H

#include "base/buffer.h"
#include "base/error.h"

#include <jansson.h>

/* What a hostile template may cost: sections and partials inside each other, literals and
 * tags rendered, the rendering, the partials (each indentation counts), and the sources
 * of all of them together. */
#define MUSTACHE_DEPTH_MAX    128
#define MUSTACHE_STEPS_MAX    ((size_t)20 << 20)
#define MUSTACHE_OUTPUT_BYTES ((size_t)256 << 20)
#define MUSTACHE_PARTIALS_MAX 1000
#define MUSTACHE_SOURCE_BYTES ((size_t)16 << 20)

/* A partial's source, appended to out. Returns 1, 0 when there is none (it renders as
 * nothing), or negative. */
typedef int mustache_partial_fn(void *arg, struct text name, struct buffer *out,
                                struct error *err);

struct mustache_options {
    struct text open, close; /* TEXT_NONE: `##{{` and `}}`, as in templates */
    bool missing_literal;    /* an unknown variable stays as typed, instead of nothing */
    bool escape_html;        /* `{{name}}` escapes & < > " ' */
    mustache_partial_fn *partial_fn; /* NULL: there are none */
    void *partial_arg;
};

/* mustache_render: append the rendering of source over data to out.
 * Errors: ERROR_INPUT `name:line: …` for a syntax error, a partial that includes itself
 *          without end or a limit above; out then holds a part.
 * Threads: any. */
int mustache_render(struct text source, const char *name, json_t *data,
                    const struct mustache_options *options, struct buffer *out,
                    struct error *err) MUST_USE;

/* mustache_partial_from_dir: a mustache_partial_fn; arg is a folder's path, the partial x
 * is the file x or x.mustache in it. */
int mustache_partial_from_dir(void *arg, struct text name, struct buffer *out,
                              struct error *err);

#endif
