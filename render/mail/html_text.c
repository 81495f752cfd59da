/* html_text: see html_text.h. No parser of HTML: it has to read what templates hold, and
 * to say something sensible, in bounded time and space, about anything else. Every tag
 * writes fewer bytes than it has. */
#include "render/mail/html_text.h"

struct writer {
    char *start, *at;
    unsigned breaks;    /* line breaks owed before the next word */
    bool blank;         /* a blank is owed */
    struct text target; /* href of the link we are in */
    char *link_start;
};

/* Entities by name; those of U+00A0 … U+00FF come in order behind them. */
static const struct {
    const char *name;
    uint16_t code_point;
} entities[] = {
    {"amp", '&'},      {"lt", '<'},       {"gt", '>'},        {"quot", '"'},
    {"apos", '\''},    {"euro", 0x20AC},  {"hellip", 0x2026}, {"ndash", 0x2013},
    {"mdash", 0x2014}, {"lsquo", 0x2018}, {"rsquo", 0x2019},  {"sbquo", 0x201A},
    {"ldquo", 0x201C}, {"rdquo", 0x201D}, {"bdquo", 0x201E},  {"bull", 0x2022},
    {"trade", 0x2122}, {"rarr", 0x2192},  {"larr", 0x2190},   {"zwnj", 0x200C},
};
static const char *const latin1_entities[] = {
    "nbsp",   "iexcl",  "cent",   "pound",  "curren", "yen",    "brvbar", "sect",
    "uml",    "copy",   "ordf",   "laquo",  "not",    "shy",    "reg",    "macr",
    "deg",    "plusmn", "sup2",   "sup3",   "acute",  "micro",  "para",   "middot",
    "cedil",  "sup1",   "ordm",   "raquo",  "frac14", "frac12", "frac34", "iquest",
    "Agrave", "Aacute", "Acirc",  "Atilde", "Auml",   "Aring",  "AElig",  "Ccedil",
    "Egrave", "Eacute", "Ecirc",  "Euml",   "Igrave", "Iacute", "Icirc",  "Iuml",
    "ETH",    "Ntilde", "Ograve", "Oacute", "Ocirc",  "Otilde", "Ouml",   "times",
    "Oslash", "Ugrave", "Uacute", "Ucirc",  "Uuml",   "Yacute", "THORN",  "szlig",
    "agrave", "aacute", "acirc",  "atilde", "auml",   "aring",  "aelig",  "ccedil",
    "egrave", "eacute", "ecirc",  "euml",   "igrave", "iacute", "icirc",  "iuml",
    "eth",    "ntilde", "ograve", "oacute", "ocirc",  "otilde", "ouml",   "divide",
    "oslash", "ugrave", "uacute", "ucirc",  "uuml",   "yacute", "thorn",  "yuml",
};

/* What a tag does to the text: line breaks around it, or its content left out. */
static const struct {
    struct text name;
    unsigned breaks;
    bool hidden;
} tags[] = {
    {{"br", 2}, 1, false},          {{"div", 3}, 1, false},   {{"tr", 2}, 1, false},
    {{"li", 2}, 1, false},          {{"ul", 2}, 1, false},    {{"ol", 2}, 1, false},
    {{"hr", 2}, 1, false},          {{"table", 5}, 1, false}, {{"p", 1}, 2, false},
    {{"h1", 2}, 2, false},          {{"h2", 2}, 2, false},    {{"h3", 2}, 2, false},
    {{"h4", 2}, 2, false},          {{"h5", 2}, 2, false},    {{"h6", 2}, 2, false},
    {{"blockquote", 10}, 2, false}, {{"head", 4}, 0, true},   {{"style", 5}, 0, true},
    {{"script", 6}, 0, true},       {{"title", 5}, 0, true},
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static void pay(struct writer *w)
{
    if (w->at > w->start) {
        for (; w->breaks > 0; w->breaks--)
            *w->at++ = '\n';
        if (w->blank && w->at[-1] != '\n')
            *w->at++ = ' ';
    }
    w->breaks = 0;
    w->blank = false;
}

static void owe_breaks(struct writer *w, unsigned breaks)
{
    w->breaks = w->breaks > breaks ? w->breaks : breaks;
}

/* entity: the code point of the entity at p, and its length; 0 when there is none. */
static uint32_t numeric_entity(const char *p, size_t bytes, size_t *length_out)
{
    bool in_hex = bytes > 2 && (p[2] == 'x' || p[2] == 'X');
    uint32_t c = 0;
    size_t i = in_hex ? 3 : 2, first = i;
    for (; i < bytes && i < 12; i++) {
        char d = p[i] | 0x20;
        uint32_t digit = p[i] >= '0' && p[i] <= '9'       ? (uint32_t)(p[i] - '0')
                         : in_hex && d >= 'a' && d <= 'f' ? (uint32_t)(d - 'a') + 10
                                                          : 99;
        if (digit == 99)
            break;
        c = c * (in_hex ? 16 : 10) + digit;
    }
    bool good = i > first && i < bytes && p[i] == ';' && c >= 0x20 && c < 0x110000 &&
                (c < 0xD800 || c > 0xDFFF);
    *length_out = i + 1;
    return good ? c : 0;
}

static uint32_t entity(const char *p, size_t bytes, size_t *length_out)
{
    if (bytes > 2 && p[1] == '#')
        return numeric_entity(p, bytes, length_out);
    const char *semicolon = memchr(p, ';', bytes < 10 ? bytes : 10);
    struct text name = {p + 1, semicolon ? (size_t)(semicolon - p) - 1 : 0};
    *length_out = name.bytes + 2;
    for (size_t i = 0; name.bytes > 0 && i < sizeof(entities) / sizeof(entities[0]);
         i++) {
        if (text_is(name, entities[i].name))
            return entities[i].code_point;
    }
    for (size_t i = 0; name.bytes > 0 && i < 96; i++) {
        if (text_is(name, latin1_entities[i]))
            return 0xA0 + (uint32_t)i;
    }
    return 0;
}

/* put_text: words of an element's content or of an attribute. */
static void put_text(struct writer *w, struct text t)
{
    for (size_t i = 0; i < t.bytes;) {
        size_t length = 1;
        uint32_t c = t.data[i] == '&' ? entity(t.data + i, t.bytes - i, &length) : 0;
        if (is_space(t.data[i]) || c == 0xA0 || c == ' ') {
            w->blank = true;
            i += length;
            continue;
        }
        pay(w);
        if (c != 0) {
            w->at += utf8_encode(c, w->at);
            i += length;
        } else {
            *w->at++ = t.data[i++];
        }
    }
}

/* attribute: the value of name inside a tag, TEXT_NONE when it has none. */
static struct text attribute(struct text tag, const char *name)
{
    size_t bytes = strlen(name), i = 0;
    while (i + bytes < tag.bytes) {
        while (i < tag.bytes && !is_space(tag.data[i]) && tag.data[i] != '"' &&
               tag.data[i] != '\'')
            i++; /* the tag's name, or the rest of an attribute */
        if (i < tag.bytes &&
            !is_space(tag.data[i])) { /* a quoted value of another attribute */
            const char *quote = memchr(tag.data + i + 1, tag.data[i], tag.bytes - i - 1);
            i = quote ? (size_t)(quote - tag.data) + 1 : tag.bytes;
            continue;
        }
        while (i < tag.bytes && is_space(tag.data[i]))
            i++;
        struct text here = {tag.data + i, bytes};
        if (i + bytes >= tag.bytes || !text_equal_nocase(here, text_of(name)) ||
            tag.data[i + bytes] != '=')
            continue;
        struct text value = {tag.data + i + bytes + 1, tag.bytes - i - bytes - 1};
        char quote = value.bytes > 0 ? value.data[0] : '\0';
        bool quoted = quote == '"' || quote == '\'';
        value.data += quoted;
        value.bytes -= quoted;
        size_t end = 0;
        while (end < value.bytes &&
               (quoted ? value.data[end] != quote : !is_space(value.data[end])))
            end++;
        return (struct text){value.data, end};
    }
    return TEXT_NONE;
}

static void end_link(struct writer *w)
{
    struct text words = {w->link_start, (size_t)(w->at - w->link_start)};
    struct text target = text_trim(w->target);
    w->target = TEXT_NONE;
    if (target.bytes == 0 || target.data[0] == '#')
        return;
    char *before = w->at;
    bool empty = text_trim(words).bytes == 0;
    w->blank = !empty;
    if (!empty) {
        pay(w);
        *w->at++ = '(';
    }
    char *start = w->at;
    put_text(w, target);
    if (!empty &&
        text_equal(text_trim(words), (struct text){start, (size_t)(w->at - start)}))
        w->at = before; /* the words are the target */
    else if (!empty)
        *w->at++ = ')';
}

/* tag_end: behind the `>` of the tag at p, quotes respected; bytes when it has none. */
static size_t tag_end(const char *p, size_t bytes)
{
    char quote = '\0';
    for (size_t i = 1; i < bytes; i++) {
        if (quote != '\0')
            quote = p[i] == quote ? '\0' : quote;
        else if ((p[i] == '"' || p[i] == '\'') && p[i - 1] == '=')
            quote = p[i];
        else if (p[i] == '>')
            return i + 1;
    }
    return bytes;
}

/* skip_hidden: behind the end tag of an element that is not shown. */
static size_t skip_hidden(struct text html, size_t from, struct text name)
{
    for (size_t i = from; i + name.bytes + 2 <= html.bytes; i++) {
        if (html.data[i] == '<' && html.data[i + 1] == '/' &&
            text_equal_nocase((struct text){html.data + i + 2, name.bytes}, name))
            return i + tag_end(html.data + i, html.bytes - i);
    }
    return html.bytes;
}

/* put_tag: what the tag [from, to) does; returns where to go on. */
static size_t put_tag(struct writer *w, struct text html, size_t from, size_t to)
{
    bool closing = from + 1 < to && html.data[from + 1] == '/';
    size_t start = from + 1 + closing, end = start;
    while (end < to && !is_space(html.data[end]) && html.data[end] != '>' &&
           html.data[end] != '/')
        end++;
    struct text name = {html.data + start, end - start};
    struct text inside = {html.data + start, to - start};
    inside.bytes -= inside.bytes > 0 && inside.data[inside.bytes - 1] == '>';
    for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
        if (!text_equal_nocase(name, tags[i].name))
            continue;
        if (tags[i].hidden)
            return closing ? to : skip_hidden(html, to, name);
        if (tags[i].breaks == 1 && text_equal_nocase(name, TEXT("br")))
            w->breaks += w->breaks < 2;
        else
            owe_breaks(w, tags[i].breaks);
    }
    if (text_equal_nocase(name, TEXT("li")) && !closing) {
        pay(w);
        *w->at++ = '-';
        w->blank = true;
    } else if (text_equal_nocase(name, TEXT("td")) ||
               text_equal_nocase(name, TEXT("th"))) {
        w->blank = true;
    } else if (text_equal_nocase(name, TEXT("img"))) {
        put_text(w, attribute(inside, "alt"));
    } else if (text_equal_nocase(name, TEXT("a"))) {
        if (w->target.data)
            end_link(w);
        w->target = closing ? TEXT_NONE : attribute(inside, "href");
        w->link_start = w->at;
    }
    return to;
}

char *html_text(char *out, struct text html)
{
    struct writer w = {.start = out, .at = out};
    for (size_t i = 0; i < html.bytes;) {
        const char *p = html.data + i;
        size_t left = html.bytes - i;
        if (p[0] != '<') {
            const char *next = memchr(p, '<', left);
            size_t bytes = next ? (size_t)(next - p) : left;
            put_text(&w, (struct text){p, bytes});
            i += bytes;
        } else if (left >= 4 && memcmp(p, "<!--", 4) == 0) {
            const char *end = memmem(p + 4, left - 4, "-->", 3);
            i = end ? (size_t)(end - html.data) + 3 : html.bytes;
        } else if (left > 1 && (p[1] == '/' || p[1] == '!' || is_letter(p[1]))) {
            i = put_tag(&w, html, i, i + tag_end(p, left));
        } else {
            put_text(&w, (struct text){p, 1});
            i++;
        }
    }
    if (w.target.data)
        end_link(&w);
    return w.at;
}
