/* http1_reply: see http1_reply.h.
 *
 * The head is found line by line and read once it is whole: in the bytes that were fed, or in a copy
 * when it came in several pieces. */
#include "outbox/http/http1_reply.h"

enum state {
    STATUS_LINE,
    FIELDS,
    SIZED,
    CHUNK_SIZE,
    CHUNK,
    CHUNK_END,
    TRAILER,
    ENDLESS,
    OVER
};

void http1_reply_begin(struct http1_reply *r, size_t body_bytes_max)
{
    struct buffer head = r->head, kept = r->kept;
    memset(r, 0, offsetof(struct http1_reply, fields));
    r->field_count = 0;
    r->line_at = 0;
    r->head = head;
    r->kept = kept;
    buffer_clear(&r->head);
    buffer_clear(&r->kept);
    r->body_bytes_max = body_bytes_max;
}

void http1_reply_fini(struct http1_reply *r)
{
    buffer_fini(&r->head);
    buffer_fini(&r->kept);
}

/* over: the body is what was kept of it. */
static int over(struct http1_reply *r, bool whole)
{
    r->state = OVER;
    r->truncated = !whole;
    r->keeps = r->keeps && whole;
    if (!r->body.data)
        r->body = buffer_view(&r->kept);
    return 1;
}

/* --- the status line: RFC 9112, 4 --- */

#define VERSION_BYTES 8 /* HTTP/1.1 */

static bool starts_like_http(struct text line)
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
static int read_status_line(struct http1_reply *r, struct text line)
{
    if (line.bytes < VERSION_BYTES + 4 || !starts_like_http(line))
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

/* unfold: a line that begins with a blank goes on with the one before (RFC 9112, 5.2). */
static void unfold(char *lines, size_t bytes)
{
    for (size_t i = 1; i < bytes; i++) {
        if (lines[i - 1] != '\n' || (lines[i] != ' ' && lines[i] != '\t'))
            continue;
        lines[i - 1] = ' ';
        if (i > 1 && lines[i - 2] == '\r')
            lines[i - 2] = ' ';
    }
}

static int read_fields(struct http1_reply *r)
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

/* --- from the head to the body: RFC 9112, 6.3 --- */

static void choose_body(struct http1_reply *r)
{
    r->keeps = !r->closes && (r->minor_one || r->persists);
    if (r->status == 204 || r->status == 304) {
        r->state = SIZED;
        r->left = 0;
    } else if (r->chunked) {
        /* RFC 9112, 6.1: a length beside it, or HTTP/1.0, smells of smuggling */
        r->keeps = r->keeps && !r->sized && r->minor_one;
        r->left = 0;
        r->state = CHUNK_SIZE;
    } else if (r->sized) {
        r->state = SIZED;
    } else {
        r->keeps = false;
        r->state = ENDLESS;
    }
}

/* Behind the empty line; head: all of it. */
static int finish_head(struct http1_reply *r, const char *head, size_t empty_line_at)
{
    if (r->folded && head != r->head.data) {
        buffer_add(&r->head, head, empty_line_at);
        head = r->head.data;
    }
    if (r->folded)
        unfold(r->head.data + r->lines_at, empty_line_at - r->lines_at);
    r->lines = (struct text){head + r->lines_at, empty_line_at - r->lines_at};
    if (read_fields(r) != 0)
        return -1;
    if (r->status >= 200) {
        choose_body(r);
        return 0;
    }
    unsigned interim = r->interim + 1;
    http1_reply_begin(r, r->body_bytes_max);
    r->interim = interim;
    return interim <= HTTP1_INTERIM_MAX ? 0 : -1;
}

/* keep_head: the rest of it is to come. */
static int keep_head(struct http1_reply *r, const char *from, const char *end)
{
    buffer_add(&r->head, from, (size_t)(end - from));
    if (r->state == STATUS_LINE && !starts_like_http(buffer_view(&r->head)))
        return -1;
    return r->head.bytes <= HTTP1_HEAD_BYTES_MAX ? 0 : -1;
}

/* take_line: of the head, without its end. Returns 1 at the empty line. */
static int take_line(struct http1_reply *r, struct text line, size_t behind_bytes)
{
    if (line.bytes > 0 && line.data[line.bytes - 1] == '\r')
        line.bytes--;
    if (r->state == STATUS_LINE) {
        r->state = FIELDS;
        r->lines_at = behind_bytes;
        return read_status_line(r, line);
    }
    if (line.bytes == 0)
        return 1;
    bool folds = line.data[0] == ' ' || line.data[0] == '\t';
    r->folded |= folds;
    return folds && r->line_at == r->lines_at ? -1 : 0;
}

/* Returns 1 at the body, 0 when the bytes are used up. */
static int read_head(struct http1_reply *r, const char **at, const char *end)
{
    const char *from = *at; /* the head, when it began in these bytes */
    while (r->state <= FIELDS) {
        const char *newline = *at < end ? memchr(*at, '\n', (size_t)(end - *at)) : NULL;
        bool kept = r->head.bytes > 0;
        if (!newline) {
            int rc = keep_head(r, kept ? *at : from, end);
            *at = end;
            return rc;
        }
        if (kept && keep_head(r, *at, newline + 1) != 0)
            return -1;
        const char *head = kept ? r->head.data : from;
        size_t line_end = kept ? r->head.bytes - 1 : (size_t)(newline - from);
        if (line_end >= HTTP1_HEAD_BYTES_MAX)
            return -1;
        struct text line = {head + r->line_at, line_end - r->line_at};
        int got = take_line(r, line, line_end + 1);
        if (got > 0)
            got = finish_head(r, head, r->line_at);
        if (got < 0)
            return -1;
        *at = newline + 1;
        r->line_at = line_end + 1;
        if (r->state == STATUS_LINE) { /* an interim reply is over */
            from = *at;
            r->line_at = 0;
        }
    }
    return 1;
}

/* --- the body: RFC 9112, 6 and 7 --- */

/* take: some of the body. Returns false once there is more of it than is wanted. */
static bool take(struct http1_reply *r, const char *data, size_t bytes)
{
    size_t room = r->body_bytes_max - r->kept.bytes;
    buffer_add(&r->kept, data, bytes < room ? bytes : room);
    return bytes <= room;
}

static int read_sized(struct http1_reply *r, const char **at, const char *end)
{
    size_t bytes = (size_t)(end - *at);
    bool all = bytes >= r->left;
    if (all)
        bytes = (size_t)r->left;
    const char *data = *at;
    *at += bytes;
    r->left -= bytes;
    if (all && r->kept.bytes == 0 && bytes <= r->body_bytes_max) {
        r->body = (struct text){data, bytes};
        return over(r, true);
    }
    if (!take(r, data, bytes))
        return over(r, false);
    return all ? over(r, true) : 0;
}

static int hex_digit(char c)
{
    return is_digit(c)            ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* A byte of "5;extension"; false: not of such a line. */
static bool read_size_byte(struct http1_reply *r, char c)
{
    int digit = r->in_extension || r->behind_cr ? -1 : hex_digit(c);
    if (++r->line_bytes > HTTP1_CHUNK_LINE_BYTES || r->behind_cr ||
        (digit >= 0 && r->left >> 56))
        return false;
    if (digit >= 0) {
        r->left = r->left << 4 | (unsigned)digit;
        r->has_digits = true;
    } else if (c == '\r') {
        r->behind_cr = true;
    } else if (!r->in_extension) {
        r->in_extension = c == ';' || c == ' ' || c == '\t';
        return r->in_extension && r->has_digits;
    }
    return true;
}

static void begin_line(struct http1_reply *r)
{
    r->line_bytes = 0;
    r->has_digits = r->in_extension = r->behind_cr = false;
}

static int read_chunk_size(struct http1_reply *r, const char **at, const char *end)
{
    while (*at < end) {
        char c = *(*at)++;
        if (c != '\n') {
            if (!read_size_byte(r, c))
                return over(r, false);
            continue;
        }
        if (!r->has_digits)
            return over(r, false);
        r->state = r->left > 0 ? CHUNK : TRAILER;
        begin_line(r);
        return 0;
    }
    return 0;
}

static int read_chunk(struct http1_reply *r, const char **at, const char *end)
{
    size_t bytes = (size_t)(end - *at);
    if (bytes > r->left)
        bytes = (size_t)r->left;
    if (!take(r, *at, bytes))
        return over(r, false);
    *at += bytes;
    r->left -= bytes;
    if (r->left == 0)
        r->state = CHUNK_END;
    return 0;
}

static int read_chunk_end(struct http1_reply *r, const char **at)
{
    char c = *(*at)++;
    if (c == '\r' && !r->behind_cr) {
        r->behind_cr = true;
        return 0;
    }
    if (c != '\n')
        return over(r, false);
    begin_line(r);
    r->state = CHUNK_SIZE;
    return 0;
}

/* Up to an empty line; fields behind the body say nothing to us. */
static int read_trailer(struct http1_reply *r, const char **at, const char *end)
{
    while (*at < end) {
        char c = *(*at)++;
        if (++r->left > HTTP1_HEAD_BYTES_MAX)
            return over(r, false);
        if (c == '\n' && r->line_bytes == 0)
            return over(r, true);
        if (c == '\n')
            r->line_bytes = 0;
        else if (c != '\r')
            r->line_bytes++;
    }
    return 0;
}

static int read_endless(struct http1_reply *r, const char **at, const char *end)
{
    bool wanted = take(r, *at, (size_t)(end - *at));
    *at = end;
    return wanted ? 0 : over(r, false);
}

static int read_body(struct http1_reply *r, const char **at, const char *end)
{
    switch ((enum state)r->state) {
    case SIZED:
        return read_sized(r, at, end);
    case CHUNK_SIZE:
        return read_chunk_size(r, at, end);
    case CHUNK:
        return read_chunk(r, at, end);
    case CHUNK_END:
        return read_chunk_end(r, at);
    case TRAILER:
        return read_trailer(r, at, end);
    default:
        return read_endless(r, at, end);
    }
}

/* --- the door --- */

/* The fed bytes go: what points into them is copied. */
static void hold_head(struct http1_reply *r)
{
    if (r->head.bytes > 0)
        return;
    buffer_text(&r->head, r->lines);
    r->lines.data = r->head.data;
}

int http1_reply_feed(struct http1_reply *r, const char **at, const char *end)
{
    CHECK(r->state != OVER);
    int got = r->state <= FIELDS ? read_head(r, at, end) : 1;
    if (got <= 0)
        return got;
    got = r->state == SIZED ? read_sized(r, at, end) : 0;
    while (got == 0 && *at < end)
        got = read_body(r, at, end);
    if (got == 0)
        hold_head(r);
    return got;
}

bool http1_reply_cut(struct http1_reply *r, bool in_order)
{
    bool whole = r->state == ENDLESS && in_order;
    over(r, whole);
    return whole;
}

struct text http1_reply_field(const struct http1_reply *r, const char *name)
{
    struct text wanted = text_of(name);
    for (size_t i = 0; i < r->field_count; i++) {
        const struct http1_field *field = &r->fields[i];
        struct text found = {r->lines.data + field->name_at, field->name_bytes};
        if (field->name_bytes == wanted.bytes && text_equal_nocase(found, wanted))
            return (struct text){r->lines.data + field->value_at, field->value_bytes};
    }
    return TEXT_NONE;
}
