/* tag: see tag.h. */
#include "render/template/tag.h"

void tag_reader_init(struct tag_reader *reader, struct text source, struct text open,
                     struct text close)
{
    *reader = (struct tag_reader){.source = source.data ? source : TEXT(""),
                                  .open = open,
                                  .close = close,
                                  .line = 1};
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_white(char c)
{
    return is_blank(c) || c == '\r' || c == '\n';
}

int tag_delimiters(struct text pair, struct text *open_out, struct text *close_out)
{
    pair = text_trim(pair);
    size_t open = 0;
    while (open < pair.bytes && !is_white(pair.data[open]))
        open++;
    *open_out = (struct text){pair.data, open};
    *close_out = text_trim((struct text){pair.data + open, pair.bytes - open});
    bool bad = open == 0 || close_out->bytes == 0 || memchr(pair.data, '=', pair.bytes);
    for (size_t i = 0; i < close_out->bytes; i++)
        bad |= is_white(close_out->data[i]);
    return bad ? -1 : 0;
}

/* find: where wanted begins in source[from, to), or to. */
static size_t find(struct text source, size_t from, size_t to, struct text wanted)
{
    const char *hit =
        from < to ? memmem(source.data + from, to - from, wanted.data, wanted.bytes)
                  : NULL;
    return hit ? (size_t)(hit - source.data) : to;
}

static bool stands_at(struct text source, size_t at, struct text wanted)
{
    return at <= source.bytes && source.bytes - at >= wanted.bytes &&
           memcmp(source.data + at, wanted.data, wanted.bytes) == 0;
}

static void count_lines(struct tag_reader *reader, size_t to)
{
    for (; reader->line_at < to; reader->line_at++)
        reader->line += reader->source.data[reader->line_at] == '\n';
}

/* next_close: the first closing delimiter at or behind from. Remembered, because many
 * opening delimiters before one closing one must not cost quadratic time. */
static size_t next_close(struct tag_reader *reader, size_t from)
{
    if (!reader->close_known || reader->close_at < from) {
        reader->close_at =
            find(reader->source, from, reader->source.bytes, reader->close);
        reader->close_known = true;
    }
    return reader->close_at;
}

/* alone: a tag in source[from, to) is the only thing on its line but for blanks. */
static bool alone(struct text source, size_t from, size_t to, size_t *line_from_out,
                  size_t *line_to_out)
{
    while (from > 0 && is_blank(source.data[from - 1]))
        from--;
    if (from > 0 && source.data[from - 1] != '\n')
        return false;
    while (to < source.bytes && is_blank(source.data[to]))
        to++;
    if (stands_at(source, to, TEXT("\r\n")))
        to += 2;
    else if (stands_at(source, to, TEXT("\n")))
        to += 1;
    else if (to < source.bytes)
        return false;
    *line_from_out = from;
    *line_to_out = to;
    return true;
}

static struct text slice(struct text source, size_t from, size_t to)
{
    return (struct text){source.data + from, to - from};
}

static int set_delimiters(struct tag_reader *reader, struct text pair, struct error *err)
{
    struct text open, close;
    if (tag_delimiters(pair, &open, &close))
        return error_set(
            err, ERROR_INPUT,
            "\"%.*s\" is no pair of delimiters (write two words, like <%% %%>)",
            TEXT_ARGS(pair));
    reader->open = open;
    reader->close = close;
    reader->close_known = false;
    return 0;
}

enum sort { SORT_VARIABLE, SORT_COMMENT, SORT_DELIMITERS };

/* What a tag's first character makes of it. */
static const struct sigil {
    char sign;
    enum tag_kind kind;
    enum sort sort;
    bool alone; /* may take its line with it */
} sigils[] = {
    {'#', TAG_SECTION, SORT_VARIABLE, true}, {'^', TAG_INVERTED, SORT_VARIABLE, true},
    {'/', TAG_END, SORT_VARIABLE, true},     {'>', TAG_PARTIAL, SORT_VARIABLE, true},
    {'&', TAG_RAW, SORT_VARIABLE, false},    {'{', TAG_RAW, SORT_VARIABLE, false},
    {'!', TAG_LITERAL, SORT_COMMENT, true},  {'=', TAG_LITERAL, SORT_DELIMITERS, true},
};

static const struct sigil *sigil_of(char c)
{
    static const struct sigil none = {0, TAG_VARIABLE, SORT_VARIABLE, false};
    for (size_t i = 0; i < ARRAY_COUNT(sigils); i++) {
        if (sigils[i].sign == c)
            return &sigils[i];
    }
    return &none;
}

/* tag_end: where the inside of a tag ends and where the tag ends. Returns 0, or -1 for no
 * end. */
static int tag_end(struct tag_reader *reader, size_t from, const struct sigil *sigil,
                   size_t *inside_to_out, size_t *to_out)
{
    struct text source = reader->source;
    size_t close = next_close(reader, from);
    if (close >= source.bytes)
        return -1;
    *inside_to_out = close;
    *to_out = close + reader->close.bytes;
    bool equals = close > from && source.data[close - 1] == '=';
    bool brace = close > from && source.data[close - 1] == '}';
    if (sigil->sort == SORT_DELIMITERS) {
        *inside_to_out -= equals;
    } else if (sigil->sign == '{') {
        if (source.data[close] == '}' && stands_at(source, close + 1, reader->close))
            *to_out +=
                1; /* {{{name}}}: the first brace is the tag's, the rest the delimiter */
        else if (brace)
            *inside_to_out -= 1;
        else
            return -1;
    }
    bool holds_open = sigil->sort == SORT_VARIABLE &&
                      find(source, from, *inside_to_out, reader->open) < *inside_to_out;
    return holds_open ? -1 : 0;
}

/* read_tag: the tag whose opening delimiter stands at from. What lies in
 * [*literal_to_out, at) afterwards is not literal. Sets has_waiting when there is
 * something to hand on. */
static int read_tag(struct tag_reader *reader, size_t from, size_t *literal_to_out,
                    struct error *err)
{
    struct text source = reader->source;
    size_t inside = from + reader->open.bytes, to, inside_to;
    const struct sigil *sigil =
        sigil_of(inside < source.bytes ? source.data[inside] : '\0');
    count_lines(reader, from);
    *literal_to_out = from;
    reader->waiting = (struct tag){.kind = sigil->kind, .line = reader->line};
    reader->has_waiting = sigil->sort == SORT_VARIABLE;
    if (tag_end(reader, inside + (sigil->sign != 0), sigil, &inside_to, &to)) {
        reader->at = find(source, inside, source.bytes, reader->open);
        reader->waiting.kind = TAG_UNCLOSED;
        reader->waiting.typed = slice(source, from, reader->at);
        reader->has_waiting = true;
        return 0;
    }
    reader->waiting.name =
        text_trim(slice(source, inside + (sigil->sign != 0), inside_to));
    reader->waiting.typed = slice(source, from, to);
    reader->at = to;
    size_t line_from, line_to;
    if (sigil->alone && alone(source, from, to, &line_from, &line_to)) {
        reader->waiting.indent = slice(source, line_from, from);
        *literal_to_out = line_from;
        reader->at = line_to;
    }
    return sigil->sort == SORT_DELIMITERS
               ? set_delimiters(reader, reader->waiting.name, err)
               : 0;
}

int tag_next(struct tag_reader *reader, struct tag *out, struct error *err)
{
    while (!reader->has_waiting && reader->at < reader->source.bytes) {
        size_t from = reader->at, literal_to;
        size_t open = find(reader->source, from, reader->source.bytes, reader->open);
        count_lines(reader, from);
        unsigned line = reader->line;
        if (open == reader->source.bytes) {
            literal_to = open;
            reader->at = open;
        } else {
            int rc = read_tag(reader, open, &literal_to, err);
            if (rc)
                return rc;
        }
        if (literal_to > from) {
            *out = (struct tag){.kind = TAG_LITERAL,
                                .line = line,
                                .name = TEXT(""),
                                .typed = slice(reader->source, from, literal_to)};
            return 1;
        }
    }
    if (!reader->has_waiting)
        return 0;
    reader->has_waiting = false;
    *out = reader->waiting;
    return 1;
}

int tag_indent(struct buffer *out, struct text source, struct text indent,
               size_t max_bytes)
{
    while (source.bytes > 0) {
        const char *newline = memchr(source.data, '\n', source.bytes);
        size_t line = newline ? (size_t)(newline - source.data) + 1 : source.bytes;
        if (out->bytes + indent.bytes + line > max_bytes)
            return -1;
        buffer_text(out, indent);
        buffer_add(out, source.data, line);
        source.data += line;
        source.bytes -= line;
    }
    return 0;
}
