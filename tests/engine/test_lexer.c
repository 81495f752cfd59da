/* The words of an expression, and what is none. */
#include "engine/audience/lexer.h"

#include <criterion/criterion.h>
#include <stdio.h>

/* words: every token as <kind letter><text>, separated by blanks; or the error's first line. */
static void words(const char *expression, char *out, size_t out_bytes)
{
    static const char letters[] = {
        [TOKEN_END] = 'E',    [TOKEN_NAME] = 'n',   [TOKEN_QUOTED] = 'q',
        [TOKEN_STRING] = 's', [TOKEN_NUMBER] = 'd', [TOKEN_PARAM] = 'p',
        [TOKEN_SYMBOL] = '.'};
    struct error err = {0};
    struct source source = {.text = text_of(expression)};
    struct lexer lexer = {.source = &source, .err = &err};
    struct token token;
    size_t used = 0;
    out[0] = '\0';
    do {
        if (lexer_next(&lexer, &token)) {
            snprintf(out, out_bytes, "%.*s", (int)strcspn(err.text, "\n"), err.text);
            return;
        }
        cr_assert(token.offset <= source.text.bytes);
        used +=
            (size_t)snprintf(out + used, out_bytes - used, "%s%c%.*s", used ? " " : "",
                             letters[token.kind], TEXT_ARGS(token.text));
    } while (token.kind != TOKEN_END);
}

Test(lexer, words)
{
    static const struct {
        const char *expression, *words;
    } cases[] = {
        {"", "E"},
        {" \t\r\n", "E"},
        {"a", "na E"},
        {"_a1$ é", "n_a1$ né E"},
        {"a.b", "na .. nb E"},
        {"\"a b\"\"c\"", "qa b\"\"c E"},
        {"''", "s E"},
        {"'it''s'", "sit''s E"},
        {"'a' 'b'", "sa sb E"},
        {"'--' -- 'x'\n1", "s-- d1 E"},
        {"1 1. .5 1.5 1e3 1.5E-3 1e+2", "d1 d1. d.5 d1.5 d1e3 d1.5E-3 d1e+2 E"},
        {"1e", "where, line 1: a number cannot go on with a letter"},
        {"12ab", "where, line 1: a number cannot go on with a letter"},
        {"1.2.3", "d1.2 d.3 E"},
        {":name :_n1", "pname p_n1 E"},
        {": name", "where, line 1: unexpected character \":\""},
        {"<=>=<>!= < > = == ", ".<= .>= .<> .!= .< .> .= .= .= E"},
        {"(a,b)*+-/%", ".( na ., nb .) .* .+ .- ./ .% E"},
        {"a-1", "na .- d1 E"},
        {"a--1", "na E"},
        {"'open", "where, line 1: the text has no end (close it with ')"},
        {"a = 'it''", "where, line 1: the text has no end (close it with ')"},
        {"\"open", "where, line 1: the quoted name has no end (close it with \")"},
        {"a\n\n #", "where, line 3: unexpected character \"#\""},
        {"a;", "where, line 1: unexpected character \";\" (one expression, without a "
               "semicolon)"},
        {"a \x01", "where, line 1: unexpected control character"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char found[512];
        words(cases[i].expression, found, sizeof(found));
        cr_expect_str_eq(found, cases[i].words);
    }
}

Test(lexer, end_stays)
{
    struct source source = {.text = TEXT("a")};
    struct lexer lexer = {.source = &source};
    struct token token;
    cr_assert(lexer_next(&lexer, &token) == 0 && token_is(&token, "A"));
    for (int i = 0; i < 3; i++)
        cr_assert(lexer_next(&lexer, &token) == 0 && token.kind == TOKEN_END &&
                  token.offset == 1);
}
