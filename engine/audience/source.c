/* source: see source.h. An error holds 512 bytes: the sentence may take half of them, the
 * line and its caret share the rest. */
#include "engine/audience/source.h"

#include <stdio.h>
#include <utf8proc.h>

#define SENTENCE_BYTES 240
#define WINDOW_BYTES   120

static bool continues(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

/* whole: the most bytes of t up to limit that do not cut a code point. */
static size_t whole(struct text t, size_t limit)
{
    if (t.bytes <= limit)
        return t.bytes;
    while (limit > 0 && continues(t.data[limit]))
        limit--;
    return limit;
}

static char printable(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7F ? ' ' : c;
}

const char *source_quote(struct text t, char out[SOURCE_QUOTE_BYTES])
{
    size_t bytes = whole(t, SOURCE_QUOTE_BYTES - 4);
    for (size_t i = 0; i < bytes; i++)
        out[i] = printable(t.data[i]);
    memcpy(out + bytes, bytes < t.bytes ? "…" : "", bytes < t.bytes ? 4 : 1);
    return out;
}

static struct text line_around(struct text text, size_t offset, unsigned *number_out)
{
    size_t start = offset, end = offset;
    while (start > 0 && text.data[start - 1] != '\n')
        start--;
    while (end < text.bytes && text.data[end] != '\n')
        end++;
    *number_out = 1;
    for (size_t i = 0; i < start; i++)
        *number_out += text.data[i] == '\n';
    return (struct text){text.data + start, end - start};
}

static size_t columns(struct text t)
{
    size_t count = 0;
    const char *at = t.data, *end = t.data + t.bytes;
    while (at < end) {
        uint32_t c = utf8_next(&at, end);
        int width = c < 0x80 || c == UTF8_BAD ? 1 : utf8proc_charwidth((int32_t)c);
        count += (size_t)width;
    }
    return count;
}

/* point: "\n<line>\n<spaces>^" into out. */
static void point(struct text line, size_t caret, char *out, size_t out_bytes)
{
    size_t from = caret > WINDOW_BYTES / 2 ? caret - WINDOW_BYTES / 2 : 0;
    while (from > 0 && from < line.bytes && continues(line.data[from]))
        from--;
    struct text rest = {line.data + from, line.bytes - from};
    size_t shown = whole(rest, WINDOW_BYTES);
    char text[WINDOW_BYTES + 4];
    for (size_t i = 0; i < shown; i++)
        text[i] = printable(rest.data[i]);
    const char *before = from > 0 ? "…" : "", *after = shown < rest.bytes ? "…" : "";
    size_t indent = (from > 0) + columns((struct text){text, caret - from});
    snprintf(out, out_bytes, "\n%s%.*s%s\n%*s^", before, (int)shown, text, after,
             (int)indent, "");
}

int source_error(const struct source *source, size_t offset, struct error *err,
                 const char *format, ...)
{
    char sentence[SENTENCE_BYTES];
    va_list args;
    va_start(args, format);
    int wanted = vsnprintf(sentence, sizeof(sentence), format, args);
    va_end(args);
    struct text said = {sentence, (size_t)wanted};
    sentence[whole(said, sizeof(sentence) - 2)] = '\0';
    unsigned number;
    struct text line = line_around(source->text, offset, &number);
    size_t caret = (size_t)(source->text.data + offset - line.data);
    char place[2 * WINDOW_BYTES + 32], quoted[SOURCE_QUOTE_BYTES];
    point(line, caret, place, sizeof(place));
    if (source->saved.data)
        return error_set(err, ERROR_INPUT, "audience \"%s\", line %u: %s%s",
                         source_quote(source->saved, quoted), number, sentence, place);
    return error_set(err, ERROR_INPUT, "where, line %u: %s%s", number, sentence, place);
}
