/* mime_header: see mime_header.h. */
#include "render/mail/mime_header.h"

#include "base/clock.h"
#include "render/mail/base64.h"

#define LINE_COLUMNS         78 /* RFC 5322, 2.1.1 */
#define ENCODED_LINE_COLUMNS 76 /* RFC 2047, 2 */
#define WORD_OVERHEAD        12 /* =?UTF-8?Q??= */
#define PLAIN_WORD_BYTES     60 /* a longer one could not be folded */

typedef uint8_t lanes __attribute__((vector_size(16)));

struct line {
    char *at;
    size_t column;
};

static void put(struct line *line, const char *data, size_t bytes)
{
    memcpy(line->at, data, bytes);
    line->at += bytes;
    line->column += bytes;
}

static void put_byte(struct line *line, char c)
{
    *line->at++ = c;
    line->column++;
}

static void fold(struct line *line)
{
    put(line, "\r\n ", 3);
    line->column = 1;
}

static struct line begin(char *out, const char *name)
{
    struct line line = {out, 0};
    put(&line, name, strlen(name));
    put(&line, ":", 1);
    return line;
}

static char *end(struct line *line)
{
    put(line, "\r\n", 2);
    return line->at;
}

/* --- values ------------------------------------------------------------------------- */

/* next_char: one character of a value as it goes into a header: 1–4 bytes. */
static size_t next_char(const char **at, const char *to, char out[4])
{
    const char *from = *at;
    if (*from >= ' ' && *from < 0x7F) {
        out[0] = *(*at)++;
        return 1;
    }
    uint32_t c = utf8_next(at, to);
    if (c == UTF8_BAD)
        return utf8_encode(0xFFFD, out);
    if (c < 0x20 || c == 0x7F) {
        if (c == '\r' && *at < to && **at == '\n')
            (*at)++;
        out[0] = ' ';
        return 1;
    }
    memcpy(out, from, (size_t)(*at - from));
    return (size_t)(*at - from);
}

/* is_plain: printable ASCII that can be folded at its blanks and reads back as it is. */
static bool is_plain(struct text t)
{
    size_t word = 0;
    for (size_t i = 0; i < t.bytes; i++) {
        unsigned char c = (unsigned char)t.data[i];
        bool edge = i == 0 || i + 1 == t.bytes;
        if (c < 0x20 || c >= 0x7F || (c == ' ' && (edge || t.data[i + 1] == ' ')))
            return false;
        if (c == '=' && i + 1 < t.bytes && t.data[i + 1] == '?')
            return false; /* would be read as an encoded-word */
        word = c == ' ' ? 0 : word + 1;
        if (word > PLAIN_WORD_BYTES)
            return false;
    }
    return true;
}

static void put_plain(struct line *line, struct text t)
{
    while (t.bytes > 0) {
        const char *blank = memchr(t.data + 1, ' ', t.bytes - 1);
        size_t bytes = blank ? (size_t)(blank - t.data) : t.bytes;
        if (line->column + bytes > LINE_COLUMNS && t.data[0] == ' ') {
            put(line, "\r\n", 2);
            line->column = 0;
        }
        put(line, t.data, bytes);
        t.data += bytes;
        t.bytes -= bytes;
    }
}

/* --- encoded-words ------------------------------------------------------------------ */

static const char hex[] = "0123456789ABCDEF";

/* The bytes that Q leaves alone even inside a display name (RFC 2047, 5 (3)). */
static const bool q_safe_bytes[256] = {
    ['a' ... 'z'] = true, ['A' ... 'Z'] = true, ['0' ... '9'] = true, ['!'] = true,
    ['*'] = true,         ['+'] = true,         ['-'] = true,         ['/'] = true,
};

static bool q_safe(char c)
{
    return q_safe_bytes[(unsigned char)c];
}

static size_t q_columns(const char *character, size_t bytes)
{
    return bytes == 1 && (q_safe(character[0]) || character[0] == ' ') ? 1 : 3 * bytes;
}

/* q_is_better: Q can be read by people and is preferred, unless it is much longer. */
static bool q_is_better(struct text t)
{
    size_t q = 0, bytes = 0;
    char character[4];
    for (const char *at = t.data, *to = at + t.bytes; at < to;) {
        size_t n = next_char(&at, to, character);
        q += q_columns(character, n);
        bytes += n;
    }
    return q <= bytes / 3 * 5 + 4;
}

static void put_q(struct line *line, const char *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        if (q_safe(data[i])) {
            put_byte(line, data[i]);
        } else if (data[i] == ' ') {
            put_byte(line, '_');
        } else {
            put_byte(line, '=');
            put_byte(line, hex[(unsigned char)data[i] >> 4]);
            put_byte(line, hex[data[i] & 15]);
        }
    }
}

static void put_base64(struct line *line, const char *data, size_t bytes)
{
    char *to = base64_encode(line->at, data, bytes);
    line->column += (size_t)(to - line->at);
    line->at = to;
}

/* put_encoded: as many encoded-words as it takes, whole characters in each, one a line.
 */
static void put_encoded(struct line *line, struct text t)
{
    bool q = q_is_better(t);
    const char *at = t.data, *to = at + t.bytes;
    while (at < to) {
        char word[80]; /* the unencoded bytes of one word */
        size_t word_bytes = 0, columns = 0;
        size_t room = ENCODED_LINE_COLUMNS - WORD_OVERHEAD - line->column;
        while (at < to) {
            const char *next = at;
            char character[4];
            size_t n = next_char(&next, to, character);
            size_t after =
                q ? columns + q_columns(character, n) : (word_bytes + n + 2) / 3 * 4;
            if (after > room)
                break;
            memcpy(word + word_bytes, character, n);
            word_bytes += n;
            columns = after;
            at = next;
        }
        if (word_bytes > 0) {
            put(line, q ? "=?UTF-8?Q?" : "=?UTF-8?B?", 10);
            if (q)
                put_q(line, word, word_bytes);
            else
                put_base64(line, word, word_bytes);
            put(line, "?=", 2);
        }
        if (at < to)
            fold(line);
    }
}

/* --- fields ------------------------------------------------------------------------- */

char *mime_header_text(char *out, const char *name, struct text value)
{
    struct line line = begin(out, name);
    put_byte(&line, ' ');
    if (is_plain(value))
        put_plain(&line, value);
    else
        put_encoded(&line, value);
    return end(&line);
}

/* A phrase of atoms needs no quotes (RFC 5322, 3.2.3). */
static bool is_atoms(struct text t)
{
    for (size_t i = 0; i < t.bytes; i++) {
        char c = t.data[i];
        if (!(c == ' ' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              (c >= '0' && c <= '9') || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c))))
            return false;
    }
    return true;
}

static void put_display(struct line *line, struct text display)
{
    if (!is_plain(display)) {
        put_encoded(line, display);
    } else if (is_atoms(display)) {
        put_plain(line, display);
    } else if (display.bytes <= 30) {
        put_byte(line, '"');
        for (size_t i = 0; i < display.bytes; i++) {
            if (display.data[i] == '"' || display.data[i] == '\\')
                put_byte(line, '\\');
            put_byte(line, display.data[i]);
        }
        put_byte(line, '"');
    } else {
        put_encoded(line, display); /* quoted, it could not be folded safely */
    }
}

static bool token_safe(char c)
{
    return c > 0x20 && c < 0x7F && c != '<' && c != '>' && c != '"' && c != '\\';
}

static lanes unsafe_lanes(const char *p)
{
    lanes v;
    memcpy(&v, p, sizeof(v));
    return (lanes)(v <= 0x20) | (lanes)(v >= 0x7F) | (lanes)(v == '<') |
           (lanes)(v == '>') | (lanes)(v == '"') | (lanes)(v == '\\');
}

/* Sixteen bytes at a time, the last ones seen twice: nearly every token is safe, each mail has
 * several, and a link is long. */
static bool is_safe(struct text token)
{
    bool safe = true;
    if (token.bytes < sizeof(lanes)) {
        for (size_t i = 0; i < token.bytes; i++)
            safe &= token_safe(token.data[i]);
        return safe;
    }
    lanes unsafe = unsafe_lanes(token.data + token.bytes - sizeof(lanes));
    for (size_t i = 0; i + sizeof(lanes) <= token.bytes; i += sizeof(lanes))
        unsafe |= unsafe_lanes(token.data + i);
    uint64_t words[2];
    memcpy(words, &unsafe, sizeof(words));
    return (words[0] | words[1]) == 0;
}

static size_t unsafe_bytes(struct text token)
{
    size_t unsafe = 0;
    for (size_t i = 0; i < token.bytes; i++)
        unsafe += !token_safe(token.data[i]);
    return unsafe;
}

/* An address or id that is not ASCII stands as it is, in UTF-8 (RFC 6532 3.2). */
static void put_token(struct line *line, struct text token, bool is_uri)
{
    bool utf8 = !is_uri && utf8_valid(token);
    put_byte(line, '<');
    for (size_t i = 0; i < token.bytes; i++) {
        char c = token.data[i];
        if (token_safe(c) || (utf8 && (unsigned char)c >= 0x80)) {
            put_byte(line, c);
        } else if (is_uri) {
            put_byte(line, '%');
            put_byte(line, hex[(unsigned char)c >> 4]);
            put_byte(line, hex[c & 15]);
        } else {
            put_byte(line, '?');
        }
    }
    put_byte(line, '>');
}

/* put_brackets: ` <token>`, on a line of its own where it would not fit. */
static void put_brackets(struct line *line, struct text token, bool is_uri)
{
    bool safe = is_safe(token);
    size_t columns = token.bytes + 2 + (safe || !is_uri ? 0 : 2 * unsafe_bytes(token));
    if (line->column + 1 + columns > ENCODED_LINE_COLUMNS)
        fold(line);
    else
        put_byte(line, ' ');
    if (!safe) {
        put_token(line, token, is_uri);
        return;
    }
    put_byte(line, '<');
    if (token.bytes > 0)
        put(line, token.data, token.bytes);
    put_byte(line, '>');
}

char *mime_header_mailbox(char *out, const char *name, struct text display,
                          struct text address)
{
    struct line line = begin(out, name);
    if (display.bytes > 0) {
        put_byte(&line, ' ');
        put_display(&line, display);
    }
    put_brackets(&line, address, false);
    return end(&line);
}

char *mime_header_brackets(char *out, const char *name, struct text token, bool is_uri)
{
    struct line line = begin(out, name);
    put_brackets(&line, token, is_uri);
    return end(&line);
}

static void put_number(struct line *line, unsigned value, unsigned digits)
{
    char out[4];
    for (unsigned i = digits; i-- > 0; value /= 10)
        out[i] = (char)('0' + value % 10);
    put(line, out, digits);
}

char *mime_header_date(char *out, int64_t date_ns)
{
    static const char days[] = "ThuFriSatSunMonTueWed"; /* 1970-01-01 was a Thursday */
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int64_t s = date_ns / NS_PER_S - (date_ns % NS_PER_S < 0), year;
    int64_t day = s / 86400 - (s % 86400 < 0);
    unsigned of_day = (unsigned)(s - day * 86400), month, of_month;
    civil_from_days(day, &year, &month, &of_month);
    int weekday = (int)((day % 7 + 7) % 7);
    struct line line = begin(out, "Date");
    put_byte(&line, ' ');
    put(&line, days + 3 * weekday, 3);
    put(&line, ", ", 2);
    put_number(&line, of_month, of_month < 10 ? 1 : 2);
    put_byte(&line, ' ');
    put(&line, months + 3 * (month - 1), 3);
    put_byte(&line, ' ');
    put_number(&line, (unsigned)year, 4); /* int64 nanoseconds end in 2262 */
    put_byte(&line, ' ');
    put_number(&line, of_day / 3600, 2);
    put_byte(&line, ':');
    put_number(&line, of_day / 60 % 60, 2);
    put_byte(&line, ':');
    put_number(&line, of_day % 60, 2);
    put(&line, " +0000", 6);
    return end(&line);
}
