/* http1_reply: see http1_reply.h.
 *
 * The head is found line by line and read once it is whole: in the bytes that were fed, or in a copy
 * when it came in several pieces. */
#include "outbox/http/http1_reply.h"
#include "outbox/http/http1_head.h"

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
        http1_head_unfold(r->head.data + r->lines_at, empty_line_at - r->lines_at);
    r->lines = (struct text){head + r->lines_at, empty_line_at - r->lines_at};
    if (http1_head_fields(r) != 0)
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
    if (r->state == STATUS_LINE && !http1_head_starts_well(buffer_view(&r->head)))
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
        return http1_head_status_line(r, line);
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
    return c >= '0' && c <= '9'   ? c - '0'
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
