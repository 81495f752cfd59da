/* tag: a template's text cut into literals and tags; the one lexer behind template and
 * mustache.
 *
 * The tags are Mustache's (https://mustache.github.io/mustache.5.html). Comments and
 * set-delimiter tags do their work here and are not handed on. A section, end, partial,
 * comment or set-delimiter tag that stands alone on its line takes the whole line with
 * it, as the specification asks. */
#ifndef RENDER_TAG_H
#define RENDER_TAG_H

#include "base/buffer.h"
#include "base/error.h"

enum tag_kind {
    TAG_LITERAL,
    TAG_VARIABLE, /* {{name}} */
    TAG_RAW,      /* {{{name}}}, {{&name}} */
    TAG_SECTION,  /* {{#name}} */
    TAG_INVERTED, /* {{^name}} */
    TAG_END,      /* {{/name}} */
    TAG_PARTIAL,  /* {{>name}} */
    TAG_UNCLOSED, /* the opening delimiter without a closing one before the next tag or
                     the end */
};

/* Everything is a view into the source. */
struct tag {
    enum tag_kind kind;
    unsigned line;      /* from 1 */
    struct text name;   /* trimmed; TAG_LITERAL, TAG_UNCLOSED: empty */
    struct text typed;  /* the whole of it as it stands in the source */
    struct text indent; /* TAG_PARTIAL alone on its line: the white space before it */
};

struct tag_reader {
    struct text source;
    struct text open, close; /* may be changed by a set-delimiter tag */
    size_t at;
    unsigned line;
    size_t line_at;  /* line was counted up to here */
    size_t close_at; /* the first close at or behind at, while close_known */
    bool close_known;
    struct tag waiting; /* the tag behind a literal that was handed out first */
    bool has_waiting;
};

/* tag_reader_init: open and close are not empty and hold neither blanks nor `=`. */
void tag_reader_init(struct tag_reader *reader, struct text source, struct text open,
                     struct text close);

/* tag_delimiters: split "<% %>" into its two halves. Returns 0, or -1 when it is no such
 * pair. */
int tag_delimiters(struct text pair, struct text *open_out, struct text *close_out);

/* tag_next: the next piece. Returns 1, 0 at the end, or negative.
 * Errors: ERROR_INPUT without a place: that is reader->line. Takes linear time for any
 * source. */
int tag_next(struct tag_reader *reader, struct tag *out, struct error *err) MUST_USE;

/* tag_indent: append a partial's source with every line indented, as the specification
 * asks before it is read. Returns 0, or -1 when that would be more than max_bytes. */
int tag_indent(struct buffer *out, struct text source, struct text indent,
               size_t max_bytes) MUST_USE;

#endif
