/* template: see template.h.
 *
 * Compiled to a flat list of operations, each a literal followed by one action. A
 * rendering is one pass: since nothing that was written is read again, a value cannot
 * become a tag. Literals are stored with slack behind them so that short ones are copied
 * in fixed-size steps, which the processor does without a loop. */
#include "render/template/template.h"

#include "base/near.h"
#include "render/template/escape.h"
#include "render/template/tag.h"

#include <stdio.h>
#include <stdlib.h>

#define LITERAL_SLACK_BYTES 64
#define SECTION_DEPTH_MAX   32
#define PARTIAL_DEPTH_MAX   16
#define PARTIAL_COUNT_MAX   1000
/* Inlined partials and all; an SMS has 1600 characters, Gmail cuts a mail at 102 kB. */
#define TEMPLATE_BYTES_MAX ((size_t)16 << 20)

enum action { ACTION_NONE, ACTION_TEXT, ACTION_HTML, ACTION_UNLESS_SET, ACTION_IF_SET };

struct op {
    uint32_t literal_at; /* in literals */
    uint32_t literal_bytes;
    enum action action;
    uint32_t slot;
    uint32_t jump; /* sections: the operation behind their end */
};

struct template
{
    struct op *ops;
    size_t op_count, op_capacity;
    struct buffer literals;
    size_t literal_bytes; /* those of the operations, without slack */
    struct text *fallbacks;
    size_t variable_count;
};

struct compile {
    const struct template_options *options;
    struct template *template;
    struct error *err;
    size_t pending_at; /* literal bytes from here on belong to no operation yet */
    struct {           /* sections around the place */
        size_t op;
        unsigned line;
    } open[SECTION_DEPTH_MAX];
    size_t depth;
    unsigned partial_count;
};

/* --- compiling ---------------------------------------------------------------------- */

static size_t add_op(struct compile *c, enum action action, uint32_t slot)
{
    struct template *t = c->template;
    if (t->op_count == t->op_capacity) {
        t->op_capacity = t->op_capacity ? 2 * t->op_capacity : 16;
        t->ops = realloc(t->ops, t->op_capacity * sizeof(*t->ops));
        CHECK(t->ops != NULL);
    }
    t->ops[t->op_count] = (struct op){
        .literal_at = (uint32_t)c->pending_at,
        .literal_bytes = (uint32_t)(t->literals.bytes - c->pending_at),
        .action = action,
        .slot = slot,
    };
    c->pending_at = t->literals.bytes;
    return t->op_count++;
}

static void flush_literal(struct compile *c)
{
    if (c->pending_at < c->template->literals.bytes)
        add_op(c, ACTION_NONE, 0);
}

/* slot_of: the number of a listed variable, or -1. `.` is the value of the section
 * around. */
static int slot_of(const struct compile *c, struct text name)
{
    const struct template *t = c->template;
    for (size_t i = c->depth; i-- > 0 && text_is(name, ".");) {
        if (t->ops[c->open[i].op].action == ACTION_IF_SET)
            return (int)t->ops[c->open[i].op].slot;
    }
    for (size_t v = 0; v < c->options->variable_count; v++) {
        if (text_equal(c->options->variables[v].name, name))
            return (int)v;
    }
    return -1;
}

static const char *hint(const struct compile *c, struct text name, char *out,
                        size_t out_bytes)
{
    struct near near = {.wanted = name};
    for (size_t v = 0; v < c->options->variable_count; v++)
        near_offer(&near, c->options->variables[v].name);
    return near_hint(&near, out, out_bytes);
}

static void PRINTF_LIKE(3, 4)
    note(const struct compile *c, unsigned line, const char *format, ...)
{
    char sentence[ERROR_TEXT_BYTES];
    va_list args;
    if (!c->options->note_fn)
        return;
    va_start(args, format);
    vsnprintf(sentence, sizeof(sentence), format, args);
    va_end(args);
    c->options->note_fn(c->options->note_arg, line, sentence);
}

/* shown: the start of a text that goes into a sentence. */
static struct text shown(struct text t)
{
    return (struct text){t.data, t.bytes < 64 ? t.bytes : 64};
}

static void compile_variable(struct compile *c, const struct tag *tag)
{
    char buffer[ERROR_TEXT_BYTES];
    int slot = slot_of(c, tag->name);
    if (slot >= 0) {
        bool html = c->options->escape == TEMPLATE_HTML && tag->kind == TAG_VARIABLE;
        add_op(c, html ? ACTION_HTML : ACTION_TEXT, (uint32_t)slot);
        return;
    }
    buffer_text(&c->template->literals, tag->typed);
    note(c, tag->line, "the variable \"%.*s\" is not on the list and stays as typed%s",
         TEXT_ARGS(shown(tag->name)), hint(c, tag->name, buffer, sizeof(buffer)));
}

static int open_section(struct compile *c, const struct tag *tag)
{
    char buffer[ERROR_TEXT_BYTES];
    int slot = slot_of(c, tag->name);
    if (slot < 0)
        return error_set(c->err, ERROR_INPUT,
                         "a section over \"%.*s\", which is no variable of the list%s",
                         TEXT_ARGS(shown(tag->name)),
                         hint(c, tag->name, buffer, sizeof(buffer)));
    if (c->depth == SECTION_DEPTH_MAX)
        return error_set(c->err, ERROR_INPUT, "more than %d sections inside each other",
                         SECTION_DEPTH_MAX);
    enum action action = tag->kind == TAG_SECTION ? ACTION_IF_SET : ACTION_UNLESS_SET;
    c->open[c->depth].op = add_op(c, action, (uint32_t)slot);
    c->open[c->depth++].line = tag->line;
    return 0;
}

static int close_section(struct compile *c, const struct tag *tag, size_t outer_depth)
{
    if (c->depth == outer_depth)
        return error_set(c->err, ERROR_INPUT, "there is no section \"%.*s\" to end",
                         TEXT_ARGS(shown(tag->name)));
    struct op *start = &c->template->ops[c->open[c->depth - 1].op];
    c->depth--; /* the name means what it meant outside the section */
    if (slot_of(c, tag->name) != (int)start->slot)
        return error_set(c->err, ERROR_INPUT, "the section to end here is \"%.*s\"",
                         TEXT_ARGS(shown(c->options->variables[start->slot].name)));
    flush_literal(c);
    c->template->ops[c->open[c->depth].op].jump = (uint32_t)c->template->op_count;
    return 0;
}

static int too_large(struct compile *c)
{
    return error_set(c->err, ERROR_INPUT, "the template is larger than %zu MiB",
                     TEMPLATE_BYTES_MAX >> 20);
}

static int compile_source(struct compile *c, struct text source, const char *name,
                          unsigned partial_depth);

static int compile_partial(struct compile *c, const struct tag *tag,
                           unsigned partial_depth)
{
    if (partial_depth == PARTIAL_DEPTH_MAX)
        return error_set(c->err, ERROR_INPUT, "more than %d partials inside each other",
                         PARTIAL_DEPTH_MAX);
    if (++c->partial_count > PARTIAL_COUNT_MAX)
        return error_set(c->err, ERROR_INPUT, "more than %d partials", PARTIAL_COUNT_MAX);
    struct buffer source = {0}, indented = {0};
    int rc = c->options->partial_fn ? c->options->partial_fn(c->options->partial_arg,
                                                             tag->name, &source, c->err)
                                    : 0;
    if (rc == 0)
        rc = error_set(c->err, ERROR_INPUT, "there is no partial \"%.*s\"",
                       TEXT_ARGS(shown(tag->name)));
    if (rc > 0) {
        char *name = text_copy(tag->name);
        rc = tag_indent(&indented, buffer_view(&source), tag->indent, TEMPLATE_BYTES_MAX)
                 ? too_large(c)
                 : compile_source(c, buffer_view(&indented), name, partial_depth + 1);
        free(name);
    }
    buffer_fini(&source);
    buffer_fini(&indented);
    return rc;
}

static int compile_tag(struct compile *c, const struct tag *tag, size_t outer_depth,
                       unsigned partial_depth)
{
    switch (tag->kind) {
    case TAG_UNCLOSED:
        note(c, tag->line, "a tag without end stays as typed: \"%.*s\"",
             TEXT_ARGS(shown(tag->typed)));
        __attribute__((fallthrough));
    case TAG_LITERAL:
        buffer_text(&c->template->literals, tag->typed);
        return 0;
    case TAG_SECTION:
    case TAG_INVERTED:
        return open_section(c, tag);
    case TAG_END:
        return close_section(c, tag, outer_depth);
    case TAG_PARTIAL:
        return compile_partial(c, tag, partial_depth);
    default:
        compile_variable(c, tag);
        return 0;
    }
}

static int compile_source(struct compile *c, struct text source, const char *name,
                          unsigned partial_depth)
{
    struct tag_reader reader;
    struct tag tag;
    size_t outer_depth = c->depth;
    unsigned line = 0;
    int rc;
    tag_reader_init(&reader, source, TEXT("##{{"), TEXT("}}"));
    while ((rc = tag_next(&reader, &tag, c->err)) > 0) {
        line = tag.line;
        rc = compile_tag(c, &tag, outer_depth, partial_depth);
        if (rc == 0 && c->template->literals.bytes > TEMPLATE_BYTES_MAX)
            rc = too_large(c);
        if (rc)
            break;
        line = 0;
    }
    if (rc == 0 && c->depth > outer_depth) {
        const struct op *op = &c->template->ops[c->open[c->depth - 1].op];
        line = c->open[c->depth - 1].line;
        rc = error_set(c->err, ERROR_INPUT, "the section \"%.*s\" has no end",
                       TEXT_ARGS(shown(c->options->variables[op->slot].name)));
    }
    if (rc < 0)
        error_prefix(c->err, "%s:%u: ", name, line ? line : reader.line);
    return rc;
}

static struct template *template_create(const struct template_options *options)
{
    struct template *template = calloc(1, sizeof(*template));
    CHECK(template != NULL);
    template->variable_count = options->variable_count;
    template->fallbacks =
        calloc(options->variable_count + 1, sizeof(*template->fallbacks));
    CHECK(template->fallbacks != NULL);
    for (size_t v = 0; v < options->variable_count; v++) {
        struct text fallback = options->variables[v].fallback;
        template->fallbacks[v] = (struct text){text_copy(fallback), fallback.bytes};
    }
    return template;
}

int template_compile_with(struct text source, const char *name,
                          const struct template_options *options, struct template **out,
                          struct error *err)
{
    struct template *template = template_create(options);
    struct compile c = {.options = options, .template = template, .err = err};
    int rc = compile_source(&c, source, name, 0);
    if (rc) {
        template_destroy(&template);
        return rc;
    }
    flush_literal(&c);
    template->literal_bytes = template->literals.bytes;
    memset(buffer_room(&template->literals, LITERAL_SLACK_BYTES), 0, LITERAL_SLACK_BYTES);
    *out = template;
    return 0;
}

int template_compile(struct text source, const char *name, enum template_escape escape,
                     const struct template_variable *variables, size_t variable_count,
                     template_note_fn *note_fn, void *arg, struct template **out,
                     struct error *err)
{
    struct template_options options = {.escape = escape,
                                       .variables = variables,
                                       .variable_count = variable_count,
                                       .note_fn = note_fn,
                                       .note_arg = arg};
    return template_compile_with(source, name, &options, out, err);
}

void template_destroy(struct template **template)
{
    struct template *t = *template;
    if (!t)
        return;
    for (size_t v = 0; v < t->variable_count; v++)
        free((char *)t->fallbacks[v].data);
    free(t->fallbacks);
    free(t->ops);
    buffer_fini(&t->literals);
    free(t);
    *template = NULL;
}

bool template_uses(const struct template *template, size_t v)
{
    for (size_t i = 0; i < template->op_count; i++) {
        if (template->ops[i].action != ACTION_NONE && template->ops[i].slot == v)
            return true;
    }
    return false;
}

/* --- rendering ---------------------------------------------------------------------- */

static inline char *copy_literal(char *out, const char *literal, size_t bytes)
{
    if (bytes <= 64) {
        memcpy(out, literal, 32);
        if (bytes > 32)
            memcpy(out + 32, literal + 32, 32);
    } else {
        memcpy(out, literal, bytes);
    }
    return out + bytes;
}

static inline struct text value_of(const struct template *template,
                                   const struct text *values, uint32_t slot)
{
    return values[slot].data ? values[slot] : template->fallbacks[slot];
}

static bool is_set(struct text value)
{
    return value.bytes > 0 && !text_is(value, "0") && !text_is(value, "false");
}

static size_t upper_bound(const struct template *template, const struct text *values)
{
    size_t bytes = template->literal_bytes + LITERAL_SLACK_BYTES;
    for (size_t i = 0; i < template->op_count; i++) {
        const struct op *op = &template->ops[i];
        if (op->action == ACTION_TEXT)
            bytes += ESCAPE_TEXT_GROWTH * value_of(template, values, op->slot).bytes;
        else if (op->action == ACTION_HTML)
            bytes += ESCAPE_HTML_GROWTH * value_of(template, values, op->slot).bytes;
    }
    return bytes;
}

void template_render(const struct template *template, const struct text *values,
                     struct arena *arena, struct text *out)
{
    char *start = arena_reserve(arena, upper_bound(template, values));
    *out = TEXT_NONE;
    if (!start)
        return;
    char *at = start;
    for (size_t i = 0; i < template->op_count;) {
        const struct op *op = &template->ops[i++];
        at =
            copy_literal(at, template->literals.data + op->literal_at, op->literal_bytes);
        switch (op->action) {
        case ACTION_TEXT:
            at = escape_text(at, value_of(template, values, op->slot));
            break;
        case ACTION_HTML:
            at = escape_html(at, value_of(template, values, op->slot));
            break;
        case ACTION_IF_SET:
            if (!is_set(value_of(template, values, op->slot)))
                i = op->jump;
            break;
        case ACTION_UNLESS_SET:
            if (is_set(value_of(template, values, op->slot)))
                i = op->jump;
            break;
        case ACTION_NONE:
            break;
        }
    }
    *out = (struct text){start, (size_t)(at - start)};
    arena_commit(arena, out->bytes);
}
