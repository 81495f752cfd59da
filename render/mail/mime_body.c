/* mime_body: see mime_body.h.
 *
 * Most content is ASCII in lines, so bytes are classified sixteen at a time and copied in
 * runs. */
#include "render/mail/mime_body.h"

#include "base/check.h"
#include "render/mail/base64.h"

#include <endian.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define LINE_COLUMNS 76

typedef uint8_t lanes __attribute__((vector_size(16)));

static const char hex[] = "0123456789ABCDEF";

static bool any(lanes v)
{
    uint64_t words[2];
    memcpy(words, &v, sizeof(words));
    return (words[0] | words[1]) != 0;
}

/* --- planning ----------------------------------------------------------------------- */

struct tally {
    size_t high;     /* bytes outside ASCII */
    size_t controls; /* but for TAB, CR, LF */
    size_t equals;
    size_t breaks; /* CR and LF bytes */
};

static size_t sum(lanes v)
{
    size_t total = 0;
    for (size_t i = 0; i < sizeof(v); i++)
        total += v[i];
    return total;
}

/* tally_block: at most 255 × 16 bytes, so that no lane overflows; bytes is a multiple
 * of 16. */
static void tally_block(const char *p, size_t bytes, struct tally *tally)
{
    lanes high = {0}, controls = {0}, equals = {0}, breaks = {0};
    for (size_t i = 0; i < bytes; i += 16) {
        lanes v;
        memcpy(&v, p + i, 16);
        lanes is_break = (lanes)(v == '\n') | (lanes)(v == '\r');
        /* a comparison's true is 255, which is -1 */
        high -= (lanes)(v >= 0x80);
        controls -=
            ((lanes)(v < 0x20) | (lanes)(v == 0x7F)) & ~is_break & ~(lanes)(v == '\t');
        equals -= (lanes)(v == '=');
        breaks -= is_break;
    }
    tally->high += sum(high);
    tally->controls += sum(controls);
    tally->equals += sum(equals);
    tally->breaks += sum(breaks);
}

static struct tally tally_of(struct text t)
{
    struct tally tally = {0};
    char rest[16];
    while (t.bytes >= 16) {
        size_t bytes = t.bytes < 255 * 16 ? t.bytes & ~(size_t)15 : 255 * 16;
        tally_block(t.data, bytes, &tally);
        t.data += bytes;
        t.bytes -= bytes;
    }
    if (t.bytes > 0) {
        memset(rest, 'x', sizeof(rest));
        memcpy(rest, t.data, t.bytes);
        tally_block(rest, sizeof(rest), &tally);
    }
    return tally;
}

/* find_break: the first CR or LF, or bytes. */
static size_t find_break(const char *p, size_t bytes)
{
    size_t i = 0;
    for (; i + 16 <= bytes; i += 16) {
        lanes v;
        memcpy(&v, p + i, 16);
        if (any((lanes)(v == '\n') | (lanes)(v == '\r')))
            break;
    }
    while (i < bytes && p[i] != '\n' && p[i] != '\r')
        i++;
    return i;
}

/* break_bytes: of the line end that stands there; 0 at the end of t. */
static inline size_t break_bytes(struct text t, size_t at)
{
    if (at == t.bytes)
        return 0;
    return t.data[at] == '\r' && at + 1 < t.bytes && t.data[at + 1] == '\n' ? 2 : 1;
}

/* next_line: the next line without its end; moves t behind the end. */
static struct text next_line(struct text *t)
{
    struct text line = {t->data, find_break(t->data, t->bytes)};
    size_t taken = line.bytes + break_bytes(*t, line.bytes);
    t->data += taken;
    t->bytes -= taken;
    return line;
}

static bool starts_badly(struct text line)
{
    return line.bytes > 0 &&
           (line.data[0] == '.' ||
            (line.bytes > 1 && line.data[0] == '-' && line.data[1] == '-'));
}

static bool lines_are_fine(struct text t)
{
    while (t.bytes > 0) {
        struct text line = next_line(&t);
        if (line.bytes > LINE_COLUMNS || starts_badly(line))
            return false;
    }
    return true;
}

static bool escapes_are_many(size_t escapes, size_t bytes)
{
    return 5 * escapes > bytes + 64; /* base64 adds 37 %, an escape two bytes */
}

void mime_body_plan(struct text content, struct mime_body *body)
{
    struct tally tally = tally_of(content);
    size_t escapes = tally.high + tally.controls + tally.equals;
    body->content = content;
    if (tally.high + tally.controls == 0 && lines_are_fine(content))
        body->encoding = MIME_7BIT;
    else
        body->encoding = escapes_are_many(escapes, content.bytes) ? MIME_BASE64
                                                                  : MIME_QUOTED_PRINTABLE;
}

/* --- writing ------------------------------------------------------------------------ */

static char *put(char *out, const char *data, size_t bytes)
{
    memcpy(out, data, bytes);
    return out + bytes;
}

static char *put_escaped(char *out, char c)
{
    out[0] = '=';
    out[1] = hex[(unsigned char)c >> 4];
    out[2] = hex[c & 15];
    return out + 3;
}

static char *write_7bit(struct text t, char *out)
{
    do {
        struct text line = next_line(&t);
        out = put(out, line.data, line.bytes);
        out = put(out, "\r\n", 2);
    } while (t.bytes > 0);
    return out;
}

static bool is_literal(char c)
{
    return c >= 0x20 && c < 0x7F && c != '=';
}

/* literal_run: how many of the first bytes stand for themselves. */
static size_t literal_run(const char *p, size_t bytes)
{
    size_t i = 0;
    for (; i + 16 <= bytes; i += 16) {
        lanes v;
        memcpy(&v, p + i, 16);
        if (any((lanes)(v < 0x20) | (lanes)(v >= 0x7F) | (lanes)(v == '=')))
            break;
    }
    while (i < bytes && is_literal(p[i]))
        i++;
    return i;
}

/* write_line: one line of the content in quoted-printable. Every line written keeps its
 * last column free for the `=` of a soft break. */
static char *write_line(struct text line, char *out)
{
    size_t column = 0, i = 0;
    while (i < line.bytes) {
        struct text rest = {line.data + i, line.bytes - i};
        size_t room = LINE_COLUMNS - 1 - column;
        bool last = rest.bytes == 1;
        bool bad_start = column == 0 && starts_badly(rest);
        size_t run =
            bad_start ? 0 : literal_run(rest.data, rest.bytes < room ? rest.bytes : room);
        if (run == rest.bytes && rest.data[run - 1] == ' ')
            run--; /* a blank at a line's end would be lost (RFC 2045, 6.7 (3)) */
        if (run > 0) {
            out = put(out, rest.data, run);
            column += run;
            i += run;
            continue;
        }
        bool escape =
            !is_literal(rest.data[0]) || bad_start || (last && rest.data[0] == ' ');
        if (rest.data[0] == '\t' && !last)
            escape = false;
        if (room < (escape ? 3u : 1u)) {
            out = put(out, "=\r\n", 3);
            column = 0;
            continue;
        }
        out = escape ? put_escaped(out, rest.data[0]) : put(out, rest.data, 1);
        column += escape ? 3 : 1;
        i++;
    }
    return out;
}

static char *write_quoted_printable(struct text t, char *out)
{
    do {
        out = write_line(next_line(&t), out);
        out = put(out, "\r\n", 2);
    } while (t.bytes > 0);
    return out;
}

struct base64_lines {
    unsigned char line[57]; /* 76 columns */
    size_t filled;
    char *out;
};

static void base64_flush(struct base64_lines *b)
{
    b->out = put(base64_encode(b->out, b->line, b->filled), "\r\n", 2);
    b->filled = 0;
}

static void base64_add(struct base64_lines *b, const char *data, size_t bytes)
{
    while (bytes > 0) {
        size_t part = sizeof(b->line) - b->filled;
        part = bytes < part ? bytes : part;
        memcpy(b->line + b->filled, data, part);
        b->filled += part;
        data += part;
        bytes -= part;
        if (b->filled == sizeof(b->line))
            base64_flush(b);
    }
}

static char *write_base64(struct text t, char *out)
{
    struct base64_lines b = {.out = out};
    do {
        struct text line = next_line(&t);
        base64_add(&b, line.data, line.bytes);
        base64_add(&b, "\r\n", 2);
    } while (t.bytes > 0);
    if (b.filled > 0)
        base64_flush(&b);
    return b.out;
}

char *mime_body_write(const struct mime_body *body, char *out)
{
    switch (body->encoding) {
    case MIME_7BIT:
        return write_7bit(body->content, out);
    case MIME_QUOTED_PRINTABLE:
        return write_quoted_printable(body->content, out);
    case MIME_BASE64:
        return write_base64(body->content, out);
    default:
        CHECK(!"an encoding of ours");
        return out;
    }
}

/* --- in one pass ---------------------------------------------------------------------- */

/* first_strange: the first byte that does not stand for itself; 16: none. Signed, so that one
 * comparison finds both the controls and what is not ASCII. */
static size_t first_strange(lanes v)
{
    typedef int8_t signed_lanes __attribute__((vector_size(16)));
    signed_lanes s = (signed_lanes)v;
    lanes strange = (lanes)(s < 0x20) | (lanes)(s == 0x7F) | (lanes)(s == '=');
#ifdef __SSE2__
    unsigned mask = (unsigned)_mm_movemask_epi8((__m128i)strange);
    return mask ? (size_t)__builtin_ctz(mask) : sizeof(v);
#else
    uint64_t words[2];
    memcpy(words, &strange, sizeof(words));
    if (words[0])
        return (size_t)__builtin_ctzll(le64toh(words[0])) / 8;
    return words[1] ? 8 + (size_t)__builtin_ctzll(le64toh(words[1])) / 8 : sizeof(v);
#endif
}

/* copy_literals: what stands for itself, or a line full of it and some more. Up to 15 bytes behind
 * it are written as well. Returns its bytes. */
static size_t copy_literals(char *out, struct text from)
{
    size_t i = 0, blocks = from.bytes & ~(size_t)15;
    size_t most = blocks < LINE_COLUMNS ? blocks : LINE_COLUMNS;
    for (; i < most; i += 16) {
        lanes v;
        memcpy(&v, from.data + i, 16);
        memcpy(out + i, &v, 16);
        size_t strange = first_strange(v);
        if (strange < 16)
            return i + strange;
    }
    for (; i < from.bytes && i < LINE_COLUMNS && is_literal(from.data[i]); i++)
        out[i] = from.data[i];
    return i;
}

/* is_whole_line: these first bytes of t, all literal, are a line that quoted-printable leaves alone. */
static bool is_whole_line(struct text t, size_t bytes)
{
    bool ends = bytes == t.bytes || t.data[bytes] == '\n' || t.data[bytes] == '\r';
    return ends && bytes < LINE_COLUMNS && !starts_badly((struct text){t.data, bytes}) &&
           (bytes == 0 || t.data[bytes - 1] != ' ');
}

/* Nearly all lines are the same in 7bit and in quoted-printable, so they are copied while nothing is
 * known of those behind them. */
char *mime_body_write_once(struct text content, enum mime_encoding *encoding_out,
                           char *out)
{
    struct text t = content;
    char *at = out;
    size_t escapes = 0, high = 0;
    bool fine = true, same = true; /* for 7bit; there as in quoted-printable */
    do {
        size_t literals = copy_literals(at, t);
        if (is_whole_line(t, literals)) {
            size_t taken = literals + break_bytes(t, literals);
            t.data += taken;
            t.bytes -= taken;
            at += literals;
        } else {
            struct text line = next_line(&t);
            bool literal = literal_run(line.data, line.bytes) == line.bytes;
            struct tally tally = literal ? (struct tally){0} : tally_of(line);
            high += tally.high;
            escapes += tally.high + tally.controls + tally.equals;
            fine = fine && tally.high + tally.controls == 0 &&
                   line.bytes <= LINE_COLUMNS && !starts_badly(line);
            same = false;
            if (!fine && escapes_are_many(escapes, content.bytes))
                return NULL;
            at = write_line(line, at);
        }
        at = put(at, "\r\n", 2);
    } while (t.bytes > 0);
    *encoding_out = fine ? MIME_7BIT : MIME_QUOTED_PRINTABLE;
    if (fine)
        return same ? at : write_7bit(content, out);
    bool unfit =
        escapes_are_many(escapes, content.bytes) || (high > 0 && !utf8_valid(content));
    return unfit ? NULL : at;
}

const char *mime_encoding_name(enum mime_encoding encoding)
{
    static const char *const names[] = {"7bit", "quoted-printable", "base64"};
    CHECK((size_t)encoding < ARRAY_COUNT(names));
    return names[encoding];
}
