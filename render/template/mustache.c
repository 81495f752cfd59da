/* mustache: see mustache.h. https://mustache.github.io/mustache.5.html,
 * specification 1.x.
 *
 * Source is cut into tags (tag.h) and every section learns where it ends; rendering walks
 * the tags with a stack of contexts. A partial is parsed once for each indentation it is
 * used with, because its lines are indented before they are parsed. */
#include "render/template/mustache.h"

#include "base/file.h"
#include "render/template/escape.h"
#include "render/template/tag.h"

#include <stdio.h>
#include <stdlib.h>

struct piece {
    struct tag tag;
    size_t end; /* section: its TAG_END */
};

/* One parsed text: the template itself, or a partial at one indentation. */
struct script {
    char *name;
    char *indent;
    struct buffer source;
    struct piece *pieces;
    size_t piece_count, piece_capacity;
    struct script *next;
};

struct context {
    json_t *value;
    const struct context *outer;
};

struct run {
    const struct mustache_options *options;
    struct text open, close;
    struct script *scripts;
    struct buffer *out;
    size_t out_start_bytes, source_bytes, script_count, steps;
    struct error *err;
};

/* --- parsing ------------------------------------------------------------------------ */

static void script_add(struct script *script, const struct tag *tag)
{
    if (script->piece_count == script->piece_capacity) {
        script->piece_capacity = script->piece_capacity ? 2 * script->piece_capacity : 32;
        script->pieces =
            realloc(script->pieces, script->piece_capacity * sizeof(*script->pieces));
        CHECK(script->pieces != NULL);
    }
    script->pieces[script->piece_count++] = (struct piece){.tag = *tag};
}

static int complain(struct run *run, const struct script *script, unsigned line,
                    const char *what, struct text name)
{
    return error_set(run->err, ERROR_INPUT, "%s:%u: %s \"%.*s\"", script->name, line,
                     what, (int)(name.bytes < 64 ? name.bytes : 64), name.data);
}

static int script_parse(struct run *run, struct script *script)
{
    struct tag_reader reader;
    struct tag tag;
    size_t open[MUSTACHE_DEPTH_MAX], depth = 0;
    int rc;
    tag_reader_init(&reader, buffer_view(&script->source), run->open, run->close);
    while ((rc = tag_next(&reader, &tag, run->err)) > 0) {
        if (tag.kind == TAG_UNCLOSED)
            return complain(run, script, tag.line, "a tag without end:", tag.typed);
        if (tag.kind == TAG_SECTION || tag.kind == TAG_INVERTED) {
            if (depth == MUSTACHE_DEPTH_MAX)
                return complain(run, script, tag.line, "too many sections around",
                                tag.name);
            open[depth++] = script->piece_count;
        } else if (tag.kind == TAG_END) {
            struct piece *start = depth ? &script->pieces[open[depth - 1]] : NULL;
            if (!start)
                return complain(run, script, tag.line, "no section to end:", tag.name);
            if (!text_equal(start->tag.name, tag.name))
                return complain(run, script, tag.line, "the section to end here is",
                                start->tag.name);
            start->end = script->piece_count;
            depth--;
        }
        script_add(script, &tag);
    }
    if (rc < 0) {
        error_prefix(run->err, "%s:%u: ", script->name, reader.line);
        return rc;
    }
    if (depth > 0) {
        const struct tag *start = &script->pieces[open[depth - 1]].tag;
        return complain(run, script, start->line, "a section without end:", start->name);
    }
    return 0;
}

static struct script *script_create(struct run *run, struct text name, struct text indent)
{
    struct script *script = calloc(1, sizeof(*script));
    CHECK(script != NULL);
    script->name = text_copy(name);
    script->indent = text_copy(indent);
    script->next = run->scripts;
    run->scripts = script;
    return script;
}

static void script_destroy(struct script *script)
{
    free(script->name);
    free(script->indent);
    buffer_fini(&script->source);
    free(script->pieces);
    free(script);
}

static int script_limit(struct run *run, const struct script *script)
{
    run->source_bytes += script->source.bytes;
    if (run->source_bytes > MUSTACHE_SOURCE_BYTES)
        return error_set(run->err, ERROR_INPUT,
                         "%s: templates and partials together are larger than %zu MiB",
                         script->name, MUSTACHE_SOURCE_BYTES >> 20);
    if (++run->script_count > MUSTACHE_PARTIALS_MAX)
        return error_set(run->err, ERROR_INPUT, "%s: more than %d partials", script->name,
                         MUSTACHE_PARTIALS_MAX);
    return 0;
}

/* load_partial: the parsed partial; an unknown one is an empty script. */
static int load_partial(struct run *run, const struct tag *tag, struct script **out)
{
    for (*out = run->scripts; *out; *out = (*out)->next) {
        if (text_is(tag->name, (*out)->name) && text_is(tag->indent, (*out)->indent))
            return 0;
    }
    struct buffer source = {0};
    int rc = run->options->partial_fn
                 ? run->options->partial_fn(run->options->partial_arg, tag->name, &source,
                                            run->err)
                 : 0;
    if (rc >= 0) {
        struct script *script = script_create(run, tag->name, tag->indent);
        if (tag_indent(&script->source, buffer_view(&source), tag->indent,
                       MUSTACHE_SOURCE_BYTES))
            run->source_bytes = MUSTACHE_SOURCE_BYTES;
        rc = script_limit(run, script);
        if (rc == 0)
            rc = script_parse(run, script);
        *out = script;
    }
    buffer_fini(&source);
    return rc < 0 ? rc : 0;
}

/* --- looking up --------------------------------------------------------------------- */

static json_t *member(json_t *object, struct text name)
{
    return json_is_object(object) ? json_object_getn(object, name.data, name.bytes)
                                  : NULL;
}

/* lookup: the value of a dotted name, NULL when unknown. Only the first part is searched
 * through the stack of contexts; the rest must be inside what it found. */
static json_t *lookup(const struct context *context, struct text name)
{
    if (text_is(name, "."))
        return context->value;
    const char *dot = memchr(name.data, '.', name.bytes);
    struct text part = {name.data, dot ? (size_t)(dot - name.data) : name.bytes};
    json_t *value = NULL;
    for (; context && !value; context = context->outer)
        value = member(context->value, part);
    while (value && dot) {
        name.bytes -= part.bytes + 1;
        name.data = dot + 1;
        dot = memchr(name.data, '.', name.bytes);
        part = (struct text){name.data, dot ? (size_t)(dot - name.data) : name.bytes};
        value = member(value, part);
    }
    return value;
}

static bool truthy(const json_t *value)
{
    switch (value ? json_typeof(value) : JSON_NULL) {
    case JSON_NULL:
    case JSON_FALSE:
        return false;
    case JSON_STRING:
        return json_string_length(value) > 0;
    case JSON_INTEGER:
        return json_integer_value(value) != 0;
    case JSON_REAL:
        return json_real_value(value) != 0;
    case JSON_ARRAY:
        return json_array_size(value) > 0;
    default:
        return true;
    }
}

/* --- rendering ---------------------------------------------------------------------- */

static int dump_chunk(const char *data, size_t bytes, void *out)
{
    buffer_add(out, data, bytes);
    return 0;
}

static void add_real(struct buffer *out, double value)
{
    char digits[32];
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(digits, sizeof(digits), "%.*g", precision, value);
        if (strtod(digits, NULL) == value)
            break;
    }
    buffer_string(out, digits);
}

static void add_value(struct buffer *out, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_NULL:
        break;
    case JSON_STRING:
        buffer_add(out, json_string_value(value), json_string_length(value));
        break;
    case JSON_REAL:
        add_real(out, json_real_value(value));
        break;
    default:
        json_dump_callback(value, dump_chunk, out, JSON_ENCODE_ANY | JSON_COMPACT);
    }
}

static void render_variable(struct run *run, const struct tag *tag,
                            const struct context *context)
{
    const json_t *value = lookup(context, tag->name);
    if (!value) {
        if (run->options->missing_literal)
            buffer_text(run->out, tag->typed);
    } else if (!run->options->escape_html || tag->kind == TAG_RAW) {
        add_value(run->out, value);
    } else {
        struct buffer plain = {0};
        add_value(&plain, value);
        char *room = buffer_room(run->out, plain.bytes * ESCAPE_HTML_GROWTH);
        char *end = escape_html(room, buffer_view(&plain));
        *end = '\0';
        run->out->bytes += (size_t)(end - room);
        buffer_fini(&plain);
    }
}

static int render_pieces(struct run *run, const struct script *script, size_t from,
                         size_t to, const struct context *context, unsigned depth);

static int render_section(struct run *run, const struct script *script, size_t at,
                          const struct context *context, unsigned depth)
{
    const struct piece *piece = &script->pieces[at];
    json_t *value = lookup(context, piece->tag.name);
    if (piece->tag.kind == TAG_INVERTED)
        return truthy(value)
                   ? 0
                   : render_pieces(run, script, at + 1, piece->end, context, depth + 1);
    if (!truthy(value))
        return 0;
    if (!json_is_array(value)) {
        struct context inner = {value, context};
        return render_pieces(run, script, at + 1, piece->end, &inner, depth + 1);
    }
    int rc = 0;
    for (size_t i = 0; i < json_array_size(value) && rc == 0; i++) {
        struct context inner = {json_array_get(value, i), context};
        rc = render_pieces(run, script, at + 1, piece->end, &inner, depth + 1);
    }
    return rc;
}

static int within_limits(struct run *run, const struct script *script,
                         const struct tag *tag, unsigned depth)
{
    if (depth > MUSTACHE_DEPTH_MAX)
        return complain(run, script, tag->line,
                        "sections and partials nested too deep at", tag->name);
    if (++run->steps > MUSTACHE_STEPS_MAX)
        return complain(run, script, tag->line, "too many repetitions at", tag->name);
    if (run->out->bytes - run->out_start_bytes > MUSTACHE_OUTPUT_BYTES)
        return complain(run, script, tag->line, "the rendering becomes too large at",
                        tag->name);
    return 0;
}

static int render_pieces(struct run *run, const struct script *script, size_t from,
                         size_t to, const struct context *context, unsigned depth)
{
    for (size_t i = from; i < to; i++) {
        const struct piece *piece = &script->pieces[i];
        struct script *partial;
        int rc = within_limits(run, script, &piece->tag, depth);
        if (rc)
            return rc;
        switch (piece->tag.kind) {
        case TAG_LITERAL:
            buffer_text(run->out, piece->tag.typed);
            break;
        case TAG_SECTION:
        case TAG_INVERTED:
            rc = render_section(run, script, i, context, depth);
            i = piece->end;
            break;
        case TAG_PARTIAL:
            rc = load_partial(run, &piece->tag, &partial);
            if (rc == 0)
                rc = render_pieces(run, partial, 0, partial->piece_count, context,
                                   depth + 1);
            break;
        default:
            render_variable(run, &piece->tag, context);
        }
        if (rc)
            return rc;
    }
    return 0;
}

int mustache_render(struct text source, const char *name, json_t *data,
                    const struct mustache_options *options, struct buffer *out,
                    struct error *err)
{
    struct run run = {
        .options = options,
        .open = options->open.data ? options->open : TEXT("##{{"),
        .close = options->close.data ? options->close : TEXT("}}"),
        .out = out,
        .out_start_bytes = out->bytes,
        .err = err,
    };
    struct script *script = script_create(&run, text_of(name), TEXT_NONE);
    run.scripts = NULL; /* a partial of the same name is another text */
    buffer_text(&script->source, source);
    int rc = script_limit(&run, script);
    if (rc == 0)
        rc = script_parse(&run, script);
    if (rc == 0) {
        struct context top = {data, NULL};
        rc = render_pieces(&run, script, 0, script->piece_count, &top, 0);
    }
    script_destroy(script);
    while (run.scripts) {
        struct script *next = run.scripts->next;
        script_destroy(run.scripts);
        run.scripts = next;
    }
    return rc;
}

int mustache_partial_from_dir(void *arg, struct text name, struct buffer *out,
                              struct error *err)
{
    char path[PATH_BYTES];
    if (name.bytes == 0 || !path_is_inside(name))
        return 0;
    int rc = path_join(path, arg, name, err);
    if (rc)
        return rc;
    if (!file_exists(path)) {
        size_t used = strlen(path);
        if (used + sizeof(".mustache") > sizeof(path))
            return 0;
        memcpy(path + used, ".mustache", sizeof(".mustache"));
        if (!file_exists(path))
            return 0;
    }
    rc = file_read(path, MUSTACHE_SOURCE_BYTES, out, err);
    return rc ? rc : 1;
}
