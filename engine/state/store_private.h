/* store_private: what the files of state share: statements, transactions, errors of
 * SQLite. */
#ifndef ENGINE_STORE_PRIVATE_H
#define ENGINE_STORE_PRIVATE_H

#include "engine/state/store.h"

#include <sqlite3.h>

#define STORE_STATEMENTS_MAX 64

struct store {
    sqlite3 *db;
    unsigned depth; /* of nested store_begin; only the outermost is a transaction */
    bool doomed;    /* a nested step failed: the outermost end rolls back */
    size_t statement_count;
    struct {
        const char *sql; /* compared by address: every statement is one literal */
        sqlite3_stmt *statement;
    } statements[STORE_STATEMENTS_MAX];
};

/* store_bind: sql, prepared once per store, with its parameters bound in order. types
 * has one letter each: `t` a struct text (TEXT_NONE is NULL), `i` an int64_t.
 * Owns: texts are borrowed until the statement is done or reset. NULL when it cannot be
 *          prepared, which store_step reports. */
sqlite3_stmt *store_bind(struct store *store, const char *sql, const char *types, ...);

/* text_or_empty: columns are NOT NULL. */
static inline struct text text_or_empty(struct text t)
{
    return t.data ? t : TEXT("");
}

/* store_step: 1 for a row, 0 at the end, or negative; 0 and negative reset the statement.
 */
int store_step(struct store *store, sqlite3_stmt *statement, struct error *err) MUST_USE;

/* store_run: step to the end; for statements without rows. store_changes: rows it
 * changed. */
int store_run(struct store *store, sqlite3_stmt *statement, struct error *err) MUST_USE;
int64_t store_changes(const struct store *store);

/* store_begin_read: no lock; what is read is of one moment and nothing may be written. */
int store_begin_read(struct store *store, struct error *err) MUST_USE;

/* store_error: what SQLite says about the last call, as an error of ours. */
int store_error(struct store *store, struct error *err);

/* store_column: a text column copied to arena; a text without value becomes "". */
struct text store_column(sqlite3_stmt *statement, int column, struct arena *arena);
/* store_column_view: the same, valid until the next step. */
struct text store_column_view(sqlite3_stmt *statement, int column);

/* store_grow: room for one more element of a growing array in arena: doubles into a new
 * place. Returns NULL when the arena is full. */
void *store_grow(struct arena *arena, void *items, size_t count, size_t item_bytes);
int store_arena_full(struct error *err);

/* store_unknown: ERROR_INPUT `no <noun> "x"`, with the nearest value of sql's only
 * column. */
int store_unknown(struct store *store, const char *noun, struct text name,
                  const char *sql, struct error *err);

#endif
