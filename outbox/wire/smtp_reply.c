/* smtp_reply: see smtp_reply.h. */
#include "outbox/wire/smtp_reply.h"

#include "base/units.h"
#include "outbox/wire/smtp_auth.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The code and whether more lines follow; 0 when the line has no code. */
static unsigned line_code(struct text line, bool *more_out)
{
    if (line.bytes < 3 || line.data[0] < '2' || line.data[0] > '5' ||
        !is_digit(line.data[1]) || !is_digit(line.data[2]))
        return 0;
    /* RFC 5321 4.2.1 lets a server leave out the text and the blank before it */
    if (line.bytes > 3 && line.data[3] != ' ' && line.data[3] != '-')
        return 0;
    *more_out = line.bytes > 3 && line.data[3] == '-';
    return (unsigned)(line.data[0] - '0') * 100 + (unsigned)(line.data[1] - '0') * 10 +
           (unsigned)(line.data[2] - '0');
}

/* RFC 2034: class "." subject "." detail, the class being the code's first digit. */
static void status_parse(struct text words, unsigned code, uint16_t out[3])
{
    uint16_t parts[3] = {0};
    size_t at = 0;
    memset(out, 0, 3 * sizeof(out[0]));
    for (int part = 0; part < 3; part++) {
        size_t start = at;
        while (at < words.bytes && at - start < 3 && is_digit(words.data[at]))
            parts[part] = (uint16_t)(parts[part] * 10 + (words.data[at++] - '0'));
        if (at == start)
            return;
        if (part < 2 && (at == words.bytes || words.data[at++] != '.'))
            return;
    }
    bool ends = at == words.bytes || words.data[at] == ' ' || words.data[at] == '\n';
    if (ends && parts[0] == code / 100)
        memcpy(out, parts, sizeof(parts));
}

static void keep(struct smtp_reply_parser *parser, struct text words)
{
    size_t left = sizeof(parser->kept) - parser->kept_bytes;
    if (parser->lines > 1 && left > 0) {
        parser->kept[parser->kept_bytes++] = '\n';
        left--;
    }
    if (words.bytes > left)
        words.bytes = left;
    if (words.bytes > 0)
        memcpy(parser->kept + parser->kept_bytes, words.data, words.bytes);
    parser->kept_bytes += words.bytes;
}

static int take_line(struct smtp_reply_parser *parser, struct text line,
                     struct smtp_reply *out)
{
    if (line.bytes > 0 && line.data[line.bytes - 1] == '\r')
        line.bytes--;
    bool more = false;
    unsigned code = line_code(line, &more);
    if (code == 0 || (parser->lines > 0 && code != parser->code) ||
        ++parser->lines > SMTP_REPLY_LINES_MAX)
        return -1;
    parser->code = code;
    struct text words = {line.data + 4, line.bytes > 4 ? line.bytes - 4 : 0};
    if (words.bytes == 0)
        words = TEXT("");
    if (more || parser->lines > 1)
        keep(parser, words);
    if (more)
        return 0;
    if (parser->lines > 1)
        words = (struct text){parser->kept, parser->kept_bytes};
    out->code = code;
    out->words = words;
    status_parse(words, code, out->status);
    parser->lines = 0;
    parser->kept_bytes = 0;
    return 1;
}

int smtp_reply_next(struct smtp_reply_parser *parser, const char **at, const char *end,
                    struct smtp_reply *out)
{
    while (*at < end) {
        const char *newline = memchr(*at, '\n', (size_t)(end - *at));
        struct text piece = {*at, (size_t)((newline ? newline : end) - *at)};
        *at += piece.bytes + (newline ? 1 : 0);
        struct text line = piece;
        if (parser->line_bytes > 0 || !newline) {
            if (piece.bytes > sizeof(parser->line) - parser->line_bytes)
                return -1;
            memcpy(parser->line + parser->line_bytes, piece.data, piece.bytes);
            parser->line_bytes += piece.bytes;
            line = (struct text){parser->line, parser->line_bytes};
        }
        if (!newline)
            return 0;
        parser->line_bytes = 0;
        int done = take_line(parser, line, out);
        if (done != 0)
            return done;
    }
    return 0;
}

static void offer_take(struct text word, struct text rest, struct smtp_offer *out)
{
    if (text_equal_nocase(word, TEXT("PIPELINING")))
        out->pipelining = true;
    else if (text_equal_nocase(word, TEXT("CHUNKING")))
        out->chunking = true;
    else if (text_equal_nocase(word, TEXT("8BITMIME")))
        out->eight_bit = true;
    else if (text_equal_nocase(word, TEXT("SMTPUTF8")))
        out->utf8 = true;
    else if (text_equal_nocase(word, TEXT("STARTTLS")))
        out->starttls = true;
    else if (text_equal_nocase(word, TEXT("AUTH")))
        out->mechanisms |= smtp_auth_mechanisms(rest);
    else if (text_equal_nocase(word, TEXT("SIZE"))) {
        out->size = true;
        if (units_count(text_trim(rest), &out->size_max_bytes) != 0)
            out->size_max_bytes = 0;
    }
}

/* A keyword ends at a blank, or at `=` where servers still say "AUTH=LOGIN" for clients older than
 * RFC 2554. */
static size_t keyword_bytes(struct text line)
{
    size_t bytes = 0;
    while (bytes < line.bytes && line.data[bytes] != ' ' && line.data[bytes] != '=')
        bytes++;
    return bytes;
}

void smtp_offer_parse(struct text words, struct smtp_offer *out)
{
    *out = (struct smtp_offer){0};
    const char *end = words.data + words.bytes;
    const char *at =
        memchr(words.data, '\n', words.bytes); /* the first line is a greeting */
    while (at) {
        at++;
        const char *next = memchr(at, '\n', (size_t)(end - at));
        struct text line =
            text_trim((struct text){at, (size_t)((next ? next : end) - at)});
        size_t word = keyword_bytes(line);
        size_t skipped = word < line.bytes ? word + 1 : word;
        if (word > 0)
            offer_take((struct text){line.data, word},
                       (struct text){line.data + skipped, line.bytes - skipped}, out);
        at = next;
    }
}
