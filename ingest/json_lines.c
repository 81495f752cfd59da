/* json_lines: see json_lines.h. One pass that follows strings and brackets; keys are
 * never compared, because the n-th member of jansson's object is the n-th in the text. */
#include "ingest/json_lines.h"

struct walker {
    const char *at;
    const char *end;
    unsigned line;
};

static void skip_space(struct walker *w)
{
    while (w->at < w->end && strchr(" \t\r\n", *w->at) && *w->at) {
        w->line += *w->at == '\n';
        w->at++;
    }
}

/* skip_string: from an opening quote to behind the closing one. */
static void skip_string(struct walker *w)
{
    w->at++;
    while (w->at < w->end && *w->at != '"')
        w->at += *w->at == '\\' && w->end - w->at > 1 ? 2 : 1;
    w->at += w->at < w->end;
}

/* skip_part: to the comma or closing bracket behind a member or element. */
static void skip_part(struct walker *w)
{
    unsigned open = 0;
    while (w->at < w->end) {
        char c = *w->at;
        if (c == '"') {
            skip_string(w);
            continue;
        }
        if (open == 0 && (c == ',' || c == ']' || c == '}'))
            return;
        open += c == '[' || c == '{';
        open -= c == ']' || c == '}';
        w->line += c == '\n';
        w->at++;
    }
}

/* skip_key: of a member, to its value. */
static void skip_key(struct walker *w)
{
    if (w->at == w->end || *w->at != '"')
        return;
    struct walker behind = *w;
    skip_string(&behind);
    skip_space(&behind);
    if (behind.at < behind.end && *behind.at == ':') {
        behind.at++;
        skip_space(&behind);
        *w = behind;
    }
}

unsigned json_line(struct text json, const size_t *path, size_t depth)
{
    struct walker w = {json.data, json.data + json.bytes, 1};
    skip_space(&w);
    unsigned line = w.line;
    for (size_t level = 0; level < depth; level++) {
        if (level > 0)
            skip_key(&w);
        for (size_t part = 0; part <= path[level] && w.at < w.end; part++) {
            if (part > 0)
                skip_part(&w);
            w.at += w.at < w.end; /* the opening bracket, or the comma */
            skip_space(&w);
        }
        line = w.line;
    }
    return line;
}
