/* http_request: see http_request.h. Strict where leniency lets two servers disagree about
 * where a request ends (RFC 9112, 11.2): bare LF, blanks before the colon, folded lines,
 * a length beside chunks, two lengths. */
#include "outbox/sandbox/http_request.h"

#include "base/units.h"

#define CHUNK_LINE_BYTES_MAX 256

enum {
    BAD = -400,
    TOO_LARGE = -413,
    HEAD_TOO_LARGE = -431,
    NO_SUCH_CODING = -501,
    VERSION = -505
};

/* next_line: up to CRLF. 1 and the line; 0 when it has not come in full; BAD for a bare
 * LF. */
static int next_line(struct text *rest, struct text *line_out)
{
    const char *newline = memchr(rest->data, '\n', rest->bytes);
    if (!newline)
        return 0;
    size_t bytes = (size_t)(newline - rest->data);
    if (bytes == 0 || newline[-1] != '\r')
        return BAD;
    *line_out = (struct text){rest->data, bytes - 1};
    rest->data += bytes + 1;
    rest->bytes -= bytes + 1;
    return 1;
}

/* --- the head --- */

static bool is_token_byte(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c != 0 && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_token(struct text t)
{
    for (size_t i = 0; i < t.bytes; i++) {
        if (!is_token_byte((unsigned char)t.data[i]))
            return false;
    }
    return t.bytes > 0;
}

static bool is_visible(struct text t)
{
    for (size_t i = 0; i < t.bytes; i++) {
        if ((unsigned char)t.data[i] <= 0x20 || t.data[i] == 0x7F)
            return false;
    }
    return t.bytes > 0;
}

static int parse_request_line(struct text line, struct http_request *out)
{
    const char *end = line.data + line.bytes;
    const char *first = memchr(line.data, ' ', line.bytes);
    const char *last = memrchr(line.data, ' ', line.bytes);
    if (!first || first == last)
        return BAD;
    out->method = (struct text){line.data, (size_t)(first - line.data)};
    struct text target = {first + 1, (size_t)(last - first - 1)};
    struct text version = {last + 1, (size_t)(end - last - 1)};
    if (!is_token(out->method) || !is_visible(target))
        return BAD;
    if (version.bytes != 8 || memcmp(version.data, "HTTP/", 5) != 0)
        return BAD;
    out->is_http_1_0 = text_is(version, "HTTP/1.0");
    if (!out->is_http_1_0 && !text_is(version, "HTTP/1.1"))
        return VERSION;
    out->keeps_alive = !out->is_http_1_0;
    const char *question = memchr(target.data, '?', target.bytes);
    out->path = target;
    if (question) {
        out->path.bytes = (size_t)(question - target.data);
        out->query = (struct text){question + 1, target.bytes - out->path.bytes - 1};
    }
    return 1;
}

/* has_word: whether a comma-separated list such as that of Connection names word. */
static bool has_word(struct text list, struct text word)
{
    while (list.bytes > 0) {
        const char *comma = memchr(list.data, ',', list.bytes);
        size_t bytes = comma ? (size_t)(comma - list.data) : list.bytes;
        if (text_equal_nocase(text_trim((struct text){list.data, bytes}), word))
            return true;
        bytes += comma != NULL;
        list.data += bytes;
        list.bytes -= bytes;
    }
    return false;
}

static int parse_length(struct text value, struct http_request *out)
{
    uint64_t length;
    if (units_count(value, &length) || (out->has_length && length != out->length_bytes))
        return BAD;
    if (length > HTTP_BODY_BYTES_MAX)
        return TOO_LARGE;
    out->has_length = true;
    out->length_bytes = (size_t)length;
    return 1;
}

static int parse_field(struct text name, struct text value, struct http_request *out)
{
    switch (name.bytes) {
    case 6:
        if (text_equal_nocase(name, TEXT("Expect")))
            out->expects_continue = text_equal_nocase(value, TEXT("100-continue"));
        break;
    case 10:
        if (text_equal_nocase(name, TEXT("Connection"))) {
            if (has_word(value, TEXT("close")))
                out->keeps_alive = false;
            else if (has_word(value, TEXT("keep-alive")))
                out->keeps_alive = true;
        }
        break;
    case 13:
        if (text_equal_nocase(name, TEXT("Authorization")))
            out->authorization = value;
        break;
    case 14:
        if (text_equal_nocase(name, TEXT("Content-Length")))
            return parse_length(value, out);
        break;
    case 15:
        if (text_equal_nocase(name, TEXT("Idempotency-Key")))
            out->idempotency_key = value;
        break;
    case 17:
        if (text_equal_nocase(name, TEXT("Transfer-Encoding"))) {
            if (out->is_chunked || !text_equal_nocase(value, TEXT("chunked")))
                return NO_SUCH_CODING;
            out->is_chunked = true;
        }
        break;
    default:
        break;
    }
    return 1;
}

static int parse_header_line(struct text line, struct http_request *out)
{
    const char *colon = memchr(line.data, ':', line.bytes);
    if (!colon || memchr(line.data, '\0', line.bytes) ||
        memchr(line.data, '\r', line.bytes))
        return BAD;
    struct text name = {line.data, (size_t)(colon - line.data)};
    if (!is_token(name))
        return BAD;
    struct text value = {colon + 1, line.bytes - name.bytes - 1};
    return parse_field(name, text_trim(value), out);
}

static int parse_head(struct text input, struct http_request *out)
{
    struct text rest = input, line;
    if (rest.bytes > HTTP_HEAD_BYTES_MAX)
        rest.bytes = HTTP_HEAD_BYTES_MAX;
    /* RFC 9112, 2.2: an empty line before the request is forgiven */
    if (rest.bytes >= 2 && rest.data[0] == '\r' && rest.data[1] == '\n') {
        rest.data += 2;
        rest.bytes -= 2;
    }
    int rc = next_line(&rest, &line);
    if (rc == 1)
        rc = parse_request_line(line, out);
    while (rc == 1 && (rc = next_line(&rest, &line)) == 1 && line.bytes > 0)
        rc = parse_header_line(line, out);
    if (rc == 0 && input.bytes >= HTTP_HEAD_BYTES_MAX)
        return HEAD_TOO_LARGE;
    if (rc != 1)
        return rc;
    out->head_bytes = (size_t)(rest.data - input.data);
    /* RFC 9112, 6.1: both are an attempt at smuggling; 1.0 has no chunks */
    return out->is_chunked && (out->has_length || out->is_http_1_0) ? BAD : 1;
}

/* --- the body --- */

/* parse_chunk_size: hex digits, perhaps followed by extensions that nobody needs. */
static int64_t parse_chunk_size(struct text line)
{
    int64_t size = 0;
    size_t digits = 0;
    for (; digits < line.bytes; digits++) {
        char c = line.data[digits];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            break;
        size = size * 16 + digit;
        if (size > HTTP_BODY_BYTES_MAX)
            return TOO_LARGE;
    }
    bool ends = digits == line.bytes || line.data[digits] == ';' ||
                line.data[digits] == ' ' || line.data[digits] == '\t';
    return digits == 0 || !ends ? BAD : size;
}

/* parse_trailers: lines up to an empty one; their content does not matter. */
static int parse_trailers(struct text *rest)
{
    struct text line, window = *rest;
    if (window.bytes > HTTP_HEAD_BYTES_MAX)
        window.bytes = HTTP_HEAD_BYTES_MAX;
    int rc;
    do
        rc = next_line(&window, &line);
    while (rc == 1 && line.bytes > 0);
    if (rc == 0 && rest->bytes >= HTTP_HEAD_BYTES_MAX)
        return HEAD_TOO_LARGE;
    rest->bytes -= (size_t)(window.data - rest->data);
    rest->data = window.data;
    return rc;
}

/* next_chunk: the size of the next chunk in *size_out; 1, 0 for more, or a status. */
static int next_chunk(struct text *rest, size_t *size_out)
{
    struct text line;
    int rc = next_line(rest, &line);
    if (rc == 0 && rest->bytes >= CHUNK_LINE_BYTES_MAX + 2)
        return BAD;
    if (rc != 1)
        return rc;
    int64_t size = line.bytes > CHUNK_LINE_BYTES_MAX ? BAD : parse_chunk_size(line);
    if (size < 0)
        return (int)size;
    *size_out = (size_t)size;
    return 1;
}

static int parse_chunks(struct text *rest, struct buffer *chunks)
{
    buffer_clear(chunks);
    for (;;) {
        size_t bytes = 0;
        int rc = next_chunk(rest, &bytes);
        if (rc != 1)
            return rc;
        if (bytes == 0)
            return parse_trailers(rest);
        if (chunks->bytes + bytes > HTTP_BODY_BYTES_MAX)
            return TOO_LARGE;
        if (rest->bytes < bytes + 2)
            return 0;
        if (rest->data[bytes] != '\r' || rest->data[bytes + 1] != '\n')
            return BAD;
        buffer_add(chunks, rest->data, bytes);
        rest->data += bytes + 2;
        rest->bytes -= bytes + 2;
    }
}

int64_t http_request_parse(struct text input, struct buffer *chunks,
                           struct http_request *out)
{
    *out = (struct http_request){0};
    int rc = parse_head(input, out);
    if (rc != 1)
        return rc;
    struct text rest = {input.data + out->head_bytes, input.bytes - out->head_bytes};
    if (!out->is_chunked) {
        out->body = (struct text){rest.data, out->length_bytes};
        return rest.bytes < out->length_bytes
                   ? 0
                   : (int64_t)(out->head_bytes + out->length_bytes);
    }
    rc = parse_chunks(&rest, chunks);
    if (rc != 1)
        return rc;
    out->body = buffer_view(chunks);
    return (int64_t)(input.bytes - rest.bytes);
}
