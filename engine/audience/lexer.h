/* lexer: the words of an audience expression. */
#ifndef ENGINE_AUDIENCE_LEXER_H
#define ENGINE_AUDIENCE_LEXER_H

#include "engine/audience/source.h"

enum token_kind {
    TOKEN_END,
    TOKEN_NAME,   /* a keyword or an identifier: which one depends on the place */
    TOKEN_QUOTED, /* "identifier", quotes still doubled inside */
    TOKEN_STRING, /* 'text', quotes still doubled inside */
    TOKEN_NUMBER,
    TOKEN_PARAM, /* :name */
    TOKEN_SYMBOL /* ( ) , . * + - / % = <> != < <= > >= */
};

struct token {
    enum token_kind kind;
    size_t offset;    /* of its first byte in the source */
    struct text text; /* without quotes or colon */
};

struct lexer {
    const struct source *source;
    size_t at;
    struct error *err;
};

/* lexer_next: the next token; behind the last one TOKEN_END, as often as asked.
 * Owns:   the token borrows from the source
 * Errors: ERROR_INPUT with a caret: a character or number that is none, an open quote */
int lexer_next(struct lexer *lexer, struct token *out) MUST_USE;

/* token_is: the keyword (any case) or symbol. */
bool token_is(const struct token *token, const char *word);

#endif
