/* http1_head: see http1_head.h. */
#include "outbox/http/http1_head.h"

/* --- the status line: RFC 9112, 4 --- */

#define VERSION_BYTES 8 /* HTTP/1.1 */

bool http1_head_starts_well(struct text line)
{
    static const char prefix[] = "HTTP/1.";
    size_t known = sizeof(prefix) - 1;
    return memcmp(line.data, prefix, line.bytes < known ? line.bytes : known) == 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Servers leave out the blank behind the status together with the reason. */
int http1_head_status_line(struct http1_reply *r, struct text line)
{
    if (line.bytes < VERSION_BYTES + 4 || !http1_head_starts_well(line))
        return -1;
    const char *status = line.data + VERSION_BYTES + 1;
    bool ok = is_digit(status[-2]) && status[-1] == ' ' && is_digit(status[0]) &&
              is_digit(status[1]) && is_digit(status[2]) &&
              (line.bytes == VERSION_BYTES + 4 || status[3] == ' ');
    r->minor_one = status[-2] != '0';
    r->status = ok ? (unsigned)(status[0] - '0') * 100 +
                         (unsigned)(status[1] - '0') * 10 + (unsigned)(status[2] - '0')
                   : 0;
    return r->status >= 100 && r->status != 101 ? 0
                                                : -1; /* 101: nobody asked to switch */
}

/* --- the fields: RFC 9112, 5 --- */

static bool next_line(struct text *rest, struct text *line_out)
{
    const char *newline = rest->bytes > 0 ? memchr(rest->data, '\n', rest->bytes) : NULL;
    if (!newline)
        return false;
    *line_out = (struct text){rest->data, (size_t)(newline - rest->data)};
    rest->bytes -= line_out->bytes + 1;
    rest->data = newline + 1;
    if (line_out->bytes > 0 && newline[-1] == '\r')
        line_out->bytes--;
    return true;
}

/* RFC 9110, 8.6: the same length twice can be believed, two lengths cannot. */
static int read_length(struct http1_reply *r, struct text value)
{
    uint64_t length = 0;
    if (value.bytes < 1 || value.bytes > 18)
        return -1;
    for (size_t i = 0; i < value.bytes; i++) {
        if (!is_digit(value.data[i]))
            return -1;
        length = length * 10 + (uint64_t)(value.data[i] - '0');
    }
    if (r->sized && r->left != length)
        return -1;
    r->sized = true;
    r->left = length;
    return 0;
}

/* next_word: of a list with commas. */
static bool next_word(struct text *list, struct text *word_out)
{
    if (list->bytes == 0)
        return false;
    const char *comma = memchr(list->data, ',', list->bytes);
    size_t bytes = comma ? (size_t)(comma - list->data) : list->bytes;
    *word_out = text_trim((struct text){list->data, bytes});
    bytes += comma ? 1 : 0;
    *list = (struct text){list->data + bytes, list->bytes - bytes};
    return true;
}

/* We ask for no coding but chunked, which every client of HTTP/1.1 must read. */
static int read_coding(struct http1_reply *r, struct text value)
{
    for (struct text word; next_word(&value, &word);) {
        if (text_equal_nocase(word, TEXT("identity")) || word.bytes == 0)
            continue;
        if (r->chunked || !text_equal_nocase(word, TEXT("chunked")))
            return -1;
        r->chunked = true;
    }
    return 0;
}

static int read_connection(struct http1_reply *r, struct text value)
{
    for (struct text word; next_word(&value, &word);) {
        r->closes |= text_equal_nocase(word, TEXT("close"));
        r->persists |= text_equal_nocase(word, TEXT("keep-alive"));
    }
    return 0;
}

/* What says where the reply ends; else no_framing. */
static int no_framing(struct http1_reply *r, struct text value)
{
    (void)r, (void)value;
    return 0;
}

static int (*framing_of(struct text name))(struct http1_reply *, struct text)
{
    static const struct {
        struct text name;
        int (*read)(struct http1_reply *, struct text);
    } framing[] = {{TEXT("Content-Length"), read_length},
                   {TEXT("Transfer-Encoding"), read_coding},
                   {TEXT("Connection"), read_connection}};
    for (size_t i = 0; i < ARRAY_COUNT(framing); i++) {
        if (name.bytes == framing[i].name.bytes &&
            text_equal_nocase(name, framing[i].name))
            return framing[i].read;
    }
    return no_framing;
}

static int read_field(struct http1_reply *r, struct text line)
{
    const char *colon = line.bytes > 0 ? memchr(line.data, ':', line.bytes) : NULL;
    if (!colon || colon == line.data || r->field_count == HTTP1_FIELDS_MAX)
        return -1;
    size_t before_bytes = (size_t)(colon - line.data);
    struct text name = text_trim((struct text){line.data, before_bytes});
    struct text value =
        text_trim((struct text){colon + 1, line.bytes - before_bytes - 1});
    int (*read)(struct http1_reply *, struct text) = framing_of(name);
    /* RFC 9112, 5.1: blanks there have let two readers see two lengths */
    if (name.bytes < before_bytes && read != no_framing)
        return -1;
    r->fields[r->field_count++] = (struct http1_field){
        (uint32_t)(name.data - r->lines.data), (uint32_t)name.bytes,
        (uint32_t)(value.data - r->lines.data), (uint32_t)value.bytes};
    return read(r, value);
}

void http1_head_unfold(char *lines, size_t bytes)
{
    for (size_t i = 1; i < bytes; i++) {
        if (lines[i - 1] != '\n' || (lines[i] != ' ' && lines[i] != '\t'))
            continue;
        lines[i - 1] = ' ';
        if (i > 1 && lines[i - 2] == '\r')
            lines[i - 2] = ' ';
    }
}

int http1_head_fields(struct http1_reply *r)
{
    struct text rest = r->lines;
    if (rest.bytes > 0 && memchr(rest.data, '\0', rest.bytes))
        return -1;
    for (struct text line; next_line(&rest, &line);) {
        if (memchr(line.data, '\r', line.bytes) || read_field(r, line) != 0)
            return -1;
    }
    return 0;
}
