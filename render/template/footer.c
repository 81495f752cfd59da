/* footer: see footer.h. */
#include "render/template/footer.h"

#include <strings.h>

#define LINK "##{{" FOOTER_VARIABLE "}}"

static const struct {
    const char *language;
    const char *words;
} wordings[] = {
    {"en", "Unsubscribe from these emails"}, {"it", "Non ricevere più queste email"},
    {"fr", "Se désabonner de ces e-mails"},  {"es", "Dejar de recibir estos correos"},
    {"de", "Diese E-Mails abbestellen"},     {"pt", "Deixar de receber estes emails"},
    {"nl", "Afmelden voor deze e-mails"},
};

static const char *words_for(const char *language)
{
    for (size_t i = 0; i < sizeof(wordings) / sizeof(wordings[0]); i++) {
        if (strncasecmp(language, wordings[i].language, 2) == 0)
            return wordings[i].words;
    }
    return wordings[0].words;
}

/* body_end: where </body> stands, or the end of the text. */
static size_t body_end(struct text html)
{
    static const char tag[] = "</body";
    for (size_t at = html.bytes; at-- > 0;) {
        if (html.bytes - at >= sizeof(tag) - 1 &&
            strncasecmp(html.data + at, tag, sizeof(tag) - 1) == 0)
            return at;
    }
    return html.bytes;
}

void footer_add(struct buffer *source, enum template_escape escape, const char *language)
{
    const char *words = words_for(language);
    if (escape != TEMPLATE_HTML) {
        buffer_format(source, "\n-- \n%s: " LINK "\n", words);
        return;
    }
    size_t end = body_end(buffer_view(source));
    struct buffer rest = {0};
    buffer_add(&rest, buffer_view(source).data + end, source->bytes - end);
    source->bytes = end;
    buffer_format(
        source, "<p style=\"font-size:small\"><a href=\"" LINK "\">%s</a></p>\n", words);
    buffer_text(source, buffer_view(&rest));
    buffer_fini(&rest);
}
