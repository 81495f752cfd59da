/* lexer: see lexer.h. */
#include "engine/audience/lexer.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool starts_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (unsigned char)c >= 0x80;
}

static bool continues_name(char c)
{
    return starts_name(c) || is_digit(c) || c == '$';
}

/* peek: the byte i places on, or NUL behind the end. */
static char peek(const struct lexer *lexer, size_t i)
{
    struct text text = lexer->source->text;
    return i < text.bytes - lexer->at ? text.data[lexer->at + i] : '\0';
}

static void skip_blanks(struct lexer *lexer)
{
    struct text text = lexer->source->text;
    while (lexer->at < text.bytes) {
        char c = text.data[lexer->at];
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v') {
            lexer->at++;
        } else if (c == '-' && peek(lexer, 1) == '-') {
            while (lexer->at < text.bytes && text.data[lexer->at] != '\n')
                lexer->at++;
        } else {
            return;
        }
    }
}

static void take(struct lexer *lexer, enum token_kind kind, size_t bytes,
                 struct token *out)
{
    out->kind = kind;
    out->text = (struct text){lexer->source->text.data + lexer->at, bytes};
    lexer->at += bytes;
}

static void take_name(struct lexer *lexer, enum token_kind kind, struct token *out)
{
    size_t bytes = 0;
    while (continues_name(peek(lexer, bytes)))
        bytes++;
    take(lexer, kind, bytes, out);
}

static int take_quoted(struct lexer *lexer, char quote, struct token *out)
{
    struct text text = lexer->source->text;
    size_t start = ++lexer->at, end = start;
    while (end < text.bytes && (text.data[end] != quote ||
                                (end + 1 < text.bytes && text.data[end + 1] == quote)))
        end += text.data[end] == quote ? 2 : 1;
    if (end >= text.bytes)
        return source_error(lexer->source, start - 1, lexer->err,
                            quote == '"' ? "the quoted name has no end (close it with \")"
                                         : "the text has no end (close it with ')");
    take(lexer, quote == '"' ? TOKEN_QUOTED : TOKEN_STRING, end - start, out);
    lexer->at++;
    return 0;
}

static int take_number(struct lexer *lexer, struct token *out)
{
    size_t n = 0;
    while (is_digit(peek(lexer, n)))
        n++;
    if (peek(lexer, n) == '.') {
        n++;
        while (is_digit(peek(lexer, n)))
            n++;
    }
    if (peek(lexer, n) == 'e' || peek(lexer, n) == 'E') {
        size_t sign = peek(lexer, n + 1) == '+' || peek(lexer, n + 1) == '-';
        if (is_digit(peek(lexer, n + 1 + sign))) {
            n += 1 + sign;
            while (is_digit(peek(lexer, n)))
                n++;
        }
    }
    if (continues_name(peek(lexer, n)))
        return source_error(lexer->source, lexer->at + n, lexer->err,
                            "a number cannot go on with a letter");
    take(lexer, TOKEN_NUMBER, n, out);
    return 0;
}

static int take_symbol(struct lexer *lexer, struct token *out)
{
    static const char *const symbols[] = {"<>", "!=", "<=", ">=", "(", ")", ",", ".",
                                          "*",  "+",  "-",  "/",  "%", "=", "<", ">"};
    for (size_t i = 0; i < ARRAY_COUNT(symbols); i++) {
        size_t bytes = strlen(symbols[i]);
        if (peek(lexer, 0) == symbols[i][0] &&
            (bytes == 1 || peek(lexer, 1) == symbols[i][1])) {
            take(lexer, TOKEN_SYMBOL, bytes, out);
            return 0;
        }
    }
    char c = peek(lexer, 0);
    if ((unsigned char)c < 0x20 || c == 0x7F)
        return source_error(lexer->source, lexer->at, lexer->err,
                            "unexpected control character");
    return source_error(lexer->source, lexer->at, lexer->err,
                        "unexpected character \"%c\"%s", c,
                        c == ';' ? " (one expression, without a semicolon)" : "");
}

int lexer_next(struct lexer *lexer, struct token *out)
{
    skip_blanks(lexer);
    *out = (struct token){.kind = TOKEN_END, .offset = lexer->at};
    if (lexer->at == lexer->source->text.bytes)
        return 0;
    char c = peek(lexer, 0);
    if (c == '\'' || c == '"')
        return take_quoted(lexer, c, out);
    if (is_digit(c) || (c == '.' && is_digit(peek(lexer, 1))))
        return take_number(lexer, out);
    if (starts_name(c)) {
        take_name(lexer, TOKEN_NAME, out);
        return 0;
    }
    if (c == ':' && starts_name(peek(lexer, 1))) {
        lexer->at++;
        take_name(lexer, TOKEN_PARAM, out);
        return 0;
    }
    return take_symbol(lexer, out);
}

bool token_is(const struct token *token, const char *word)
{
    if (token->kind == TOKEN_NAME)
        return text_equal_nocase(token->text, text_of(word));
    return token->kind == TOKEN_SYMBOL && text_is(token->text, word);
}
