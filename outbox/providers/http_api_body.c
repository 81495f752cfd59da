/* http_api_body: see http_api_body.h. A template becomes a list of steps: bytes as they are, a value,
 * the start of a section with the step behind its end. */
#include "outbox/providers/http_api_body.h"

#include "base/near.h"
#include "outbox/api/api.h"

#include <jansson.h>
#include <stdlib.h>

#define OPEN        "##{{"
#define CLOSE       "}}"
#define SECTION_MAX 8 /* inside each other */

static const char *const names[HTTP_API_VALUES] = {
    [HTTP_API_TO] = "to",
    [HTTP_API_FROM] = "from",
    [HTTP_API_FROM_NAME] = "from_name",
    [HTTP_API_SENDER] = "sender",
    [HTTP_API_SUBJECT] = "subject",
    [HTTP_API_TEXT] = "text",
    [HTTP_API_HTML] = "html",
    [HTTP_API_BODY] = "body",
    [HTTP_API_TITLE] = "title",
    [HTTP_API_UNSUBSCRIBE] = "unsubscribe",
    [HTTP_API_ID] = "id",
    [HTTP_API_CHANNEL] = "channel",
    [HTTP_API_MIME_BASE64] = "mime_base64",
};

enum step_kind {
    STEP_BYTES,
    STEP_SECTION, /* go on behind `end` when the value is not there */
    STEP_FORM,
    STEP_JSON_INSIDE, /* of a string */
    STEP_JSON_WHOLE,  /* a string, or null */
};

struct step {
    enum step_kind kind;
    enum http_api_value value;
    size_t start, bytes; /* STEP_BYTES: in the template's text */
    size_t end;          /* STEP_SECTION */
};

struct http_api_body {
    struct buffer bytes; /* what stands between the values */
    struct step *steps;
    size_t count, room;
};

/* Where the parser is. */
struct reader {
    struct http_api_body *body;
    struct text source;
    size_t at;
    bool form;
    bool in_string, escaped; /* JSON: behind an opening quote; behind a backslash */
    struct {
        size_t step;
        bool in_string;
    } sections[SECTION_MAX];
    size_t depth;
    struct error *err;
};

static int complain(const struct reader *r, const char *format, ...) PRINTF_LIKE(2, 3);

static int complain(const struct reader *r, const char *format, ...)
{
    unsigned line = 1;
    for (size_t i = 0; i < r->at && i < r->source.bytes; i++)
        line += r->source.data[i] == '\n';
    va_list args;
    va_start(args, format);
    int rc = error_set_v(r->err, ERROR_CONFIG, format, args);
    va_end(args);
    error_prefix(r->err, "line %u of it: ", line);
    return rc;
}

static void add_step(struct http_api_body *body, struct step step)
{
    if (body->count == body->room) {
        body->room = body->room * 2 + 16;
        body->steps = realloc(body->steps, body->room * sizeof(*body->steps));
        CHECK(body->steps);
    }
    body->steps[body->count++] = step;
}

/* --- what stands between the values --- */

/* Quotes and backslashes say whether the next value stands in a string. */
static void follow_json(struct reader *r, char c)
{
    if (r->escaped)
        r->escaped = false;
    else if (r->in_string && c == '\\')
        r->escaped = true;
    else if (c == '"')
        r->in_string = !r->in_string;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A form may be written on several lines: blanks beside `&`, a line's end or the body's are dropped,
 * others are a `+`. */
static size_t form_blanks(struct reader *r, size_t at, size_t end)
{
    const char *data = r->source.data;
    size_t behind = at;
    bool line_end = false;
    for (; behind < end && is_blank(data[behind]); behind++)
        line_end |= data[behind] == '\n';
    bool edge = at == 0 || behind == r->source.bytes || data[at - 1] == '&' ||
                (behind < end && data[behind] == '&');
    for (size_t i = at; i < behind && !line_end && !edge; i++)
        buffer_byte(&r->body->bytes, '+');
    return behind;
}

static void read_bytes(struct reader *r, size_t end)
{
    struct http_api_body *body = r->body;
    size_t start = body->bytes.bytes;
    for (size_t i = r->at; i < end;) {
        char c = r->source.data[i];
        if (r->form && is_blank(c)) {
            i = form_blanks(r, i, end);
            continue;
        }
        if (!r->form)
            follow_json(r, c);
        buffer_byte(&body->bytes, c);
        i++;
    }
    r->at = end;
    if (body->bytes.bytes > start)
        add_step(body, (struct step){.kind = STEP_BYTES,
                                     .start = start,
                                     .bytes = body->bytes.bytes - start});
}

/* --- tags --- */

static int find_value(const struct reader *r, struct text name, enum http_api_value *out)
{
    struct near near = {.wanted = name};
    char hint[64];
    for (size_t i = 0; i < HTTP_API_VALUES; i++) {
        if (text_is(name, names[i])) {
            *out = (enum http_api_value)i;
            return 0;
        }
        near_offer(&near, text_of(names[i]));
    }
    return complain(r, "there is no value \"%.*s\"%s",
                    (int)(name.bytes < 60 ? name.bytes : 60), name.data,
                    near_hint(&near, hint, sizeof(hint)));
}

static int open_section(struct reader *r, enum http_api_value value)
{
    if (r->depth == SECTION_MAX)
        return complain(r, "more than %d sections stand inside each other", SECTION_MAX);
    r->sections[r->depth].step = r->body->count;
    r->sections[r->depth++].in_string = r->in_string;
    add_step(r->body, (struct step){.kind = STEP_SECTION, .value = value});
    return 0;
}

static int close_section(struct reader *r, enum http_api_value value)
{
    if (r->depth == 0)
        return complain(r, "##{{/%s}} closes what was not opened", names[value]);
    size_t opened = r->sections[--r->depth].step;
    struct step *section = &r->body->steps[opened];
    if (section->value != value)
        return complain(r, "##{{/%s}} stands where ##{{/%s}} must", names[value],
                        names[section->value]);
    if (r->sections[r->depth].in_string != r->in_string)
        return complain(r, "the section ##{{#%s}} has one quote without its other",
                        names[value]);
    section->end = r->body->count;
    return 0;
}

/* r->at is at `##{{`. */
static int read_tag(struct reader *r)
{
    struct text rest = {r->source.data + r->at + 4, r->source.bytes - r->at - 4};
    const char *close = memmem(rest.data, rest.bytes, CLOSE, 2);
    if (!close)
        return complain(r, "##{{ without }}");
    struct text name = text_trim((struct text){rest.data, (size_t)(close - rest.data)});
    char mark = name.bytes > 0 && (name.data[0] == '#' || name.data[0] == '/')
                    ? name.data[0]
                    : '\0';
    if (mark)
        name = text_trim((struct text){name.data + 1, name.bytes - 1});
    enum http_api_value value = HTTP_API_VALUES;
    int rc = find_value(r, name, &value);
    if (rc)
        return rc;
    if (mark == '#')
        rc = open_section(r, value);
    else if (mark == '/')
        rc = close_section(r, value);
    else
        add_step(r->body, (struct step){.kind = r->form        ? STEP_FORM
                                                : r->in_string ? STEP_JSON_INSIDE
                                                               : STEP_JSON_WHOLE,
                                        .value = value});
    r->at = (size_t)(close - r->source.data) + 2;
    return rc;
}

static int read_all(struct reader *r)
{
    int rc = 0;
    while (r->at < r->source.bytes && rc == 0) {
        const char *open =
            memmem(r->source.data + r->at, r->source.bytes - r->at, OPEN, 4);
        read_bytes(r, open ? (size_t)(open - r->source.data) : r->source.bytes);
        if (open)
            rc = read_tag(r);
    }
    if (rc == 0 && r->depth > 0)
        rc = complain(r, "the section ##{{#%s}} is not closed",
                      names[r->body->steps[r->sections[r->depth - 1].step].value]);
    return rc;
}

/* --- the whole --- */

/* With all the values and with none: both must be JSON, or no message of the kind would ever be
 * taken. */
static int check_json(const struct http_api_body *body, struct error *err)
{
    struct text values[HTTP_API_VALUES];
    struct buffer sample = {0};
    int rc = 0;
    for (int filled = 1; filled >= 0 && rc == 0; filled--) {
        json_error_t why;
        for (size_t i = 0; i < HTTP_API_VALUES; i++)
            values[i] = filled ? text_of(names[i]) : TEXT_NONE;
        buffer_clear(&sample);
        http_api_body_write(body, values, &sample);
        struct text written = buffer_view(&sample);
        json_t *root = json_loadb(written.data, written.bytes, 0, &why);
        if (!root)
            rc = error_set(err, ERROR_CONFIG, "is no JSON when %s: line %d: %s",
                           filled ? "every value is there" : "values are missing",
                           why.line, why.text);
        json_decref(root);
    }
    buffer_fini(&sample);
    return rc;
}

int http_api_body_parse(struct text source, bool form, struct http_api_body **out,
                        struct error *err)
{
    struct http_api_body *body = calloc(1, sizeof(*body));
    CHECK(body);
    struct reader r = {.body = body, .source = source, .form = form, .err = err};
    int rc = read_all(&r);
    if (rc == 0 && !form)
        rc = check_json(body, err);
    if (rc)
        http_api_body_destroy(&body);
    *out = body;
    return rc;
}

void http_api_body_destroy(struct http_api_body **body)
{
    if (!*body)
        return;
    buffer_fini(&(*body)->bytes);
    free((*body)->steps);
    free(*body);
    *body = NULL;
}

bool http_api_body_uses(const struct http_api_body *body, enum http_api_value value)
{
    for (size_t i = 0; i < body->count; i++) {
        if (body->steps[i].kind != STEP_BYTES && body->steps[i].value == value)
            return true;
    }
    return false;
}

void http_api_body_write(const struct http_api_body *body, const struct text *values,
                         struct buffer *out)
{
    for (size_t i = 0; i < body->count; i++) {
        const struct step *step = &body->steps[i];
        struct text value = values[step->value];
        switch (step->kind) {
        case STEP_BYTES:
            buffer_add(out, body->bytes.data + step->start, step->bytes);
            break;
        case STEP_SECTION:
            if (value.bytes == 0)
                i = step->end - 1;
            break;
        case STEP_FORM:
            api_form_value(out, value);
            break;
        case STEP_JSON_INSIDE:
            api_json_value(out, value);
            break;
        case STEP_JSON_WHOLE:
            if (value.data)
                api_json(out, value);
            else
                buffer_string(out, "null");
            break;
        }
    }
}
