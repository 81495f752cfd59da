/* audience: a filter expression, compiled against a snapshot's schema, evaluated chunk by
 * chunk. The language is DESIGN 4.4 and 4.9: the WHERE clause of standard SQL over one
 * table of customers whose list columns are child tables. */
#ifndef ENGINE_AUDIENCE_H
#define ENGINE_AUDIENCE_H

#include "base/column.h"
#include "base/tzif.h"

struct audience_param {
    struct text name;
    struct text value;
    enum {
        AUDIENCE_TEXT,
        AUDIENCE_INTEGER,
        AUDIENCE_REAL,
        AUDIENCE_BOOL,
        AUDIENCE_NULL
    } kind;
};

/* What an expression may refer to besides columns. */
struct audience_env {
    int64_t now_ns;          /* the frozen clock */
    const struct tzif *zone; /* the account's; NULL is UTC */
    const struct audience_param *params;
    size_t param_count;
    /* saved: the expression called name for audience('name'), or TEXT_NONE; near may be
     * offered candidates (base/near.h). NULL: there are none. */
    struct text (*saved)(void *arg, struct text name);
    void *arg;
};

struct audience;

/* audience_compile: parse, check types, make a program.
 * Shapes: expression up to 64 KiB; TEXT_NONE or blank selects everybody
 * Owns:   out borrows nothing but the schema's names
 * Errors: ERROR_INPUT: the sentence, the line of the expression and a caret under the
 * place, with the nearest column where a name is unknown */
int audience_compile(struct text expression, const struct column *schema,
                     size_t column_count, const struct audience_env *env,
                     struct audience **out, struct error *err) MUST_USE;
void audience_destroy(struct audience **audience);

/* audience_columns: set the bit of every schema column the program reads. */
void audience_columns(const struct audience *audience, uint64_t *needed);

/* Scratch memory for one thread; grows to the largest chunk's child rows and stays. */
struct audience_scratch;
struct audience_scratch *audience_scratch_create(const struct audience *audience);
void audience_scratch_destroy(struct audience_scratch **scratch);

/* audience_select: set bit r of selected when the expression is true (not false, not
 * unknown) for row r of the chunk.
 * Shapes: selected is a bitmap of chunk->rows bits, all written
 * Errors: none
 * Threads: the audience is read-only; one scratch a thread */
void audience_select(const struct audience *audience, struct audience_scratch *scratch,
                     const struct chunk *chunk, uint64_t *selected);

#endif
