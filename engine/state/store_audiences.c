/* store_audiences: filters saved by name (R13); see store.h. */
#include "engine/state/store_private.h"

#include "base/clock.h"

#define NAME_BYTES_MAX       128
#define EXPRESSION_BYTES_MAX (64u << 10)

static bool name_is_good(struct text name)
{
    if (name.bytes == 0 || name.bytes > NAME_BYTES_MAX || !utf8_valid(name) ||
        text_trim(name).bytes != name.bytes)
        return false;
    for (size_t i = 0; i < name.bytes; i++) {
        if ((unsigned char)name.data[i] < 0x20 || name.data[i] == 0x7F)
            return false;
    }
    return true;
}

int store_audience_save(struct store *store, struct text name, struct text expression,
                        struct error *err)
{
    if (!name_is_good(name))
        return error_set(
            err, ERROR_INPUT,
            "an audience's name is 1 to %d bytes of text on one line, without blanks "
            "at its ends",
            NAME_BYTES_MAX);
    if (expression.bytes > EXPRESSION_BYTES_MAX)
        return error_set(err, ERROR_INPUT, "the audience \"%.*s\" is longer than 64 KiB",
                         TEXT_ARGS(name));
    sqlite3_stmt *insert = store_bind(
        store,
        "INSERT OR REPLACE INTO audience (name, expression, changed_ns) VALUES (?, ?, ?)",
        "tti", name, text_or_empty(expression), clock_now_ns());
    return store_run(store, insert, err);
}

int store_audience_get(struct store *store, struct text name, struct arena *arena,
                       struct text *expression_out, struct error *err)
{
    sqlite3_stmt *row =
        store_bind(store, "SELECT expression FROM audience WHERE name = ?", "t", name);
    int rc = store_step(store, row, err);
    if (rc != 1)
        return rc;
    *expression_out = store_column(row, 0, arena);
    sqlite3_reset(row);
    return arena_overflowed(arena) ? store_arena_full(err) : 1;
}

int store_audience_remove(struct store *store, struct text name, struct error *err)
{
    int rc = store_run(
        store, store_bind(store, "DELETE FROM audience WHERE name = ?", "t", name), err);
    return rc ? rc : (int)store_changes(store);
}

int store_audiences(struct store *store, struct arena *arena, struct store_audience **out,
                    size_t *count_out, struct error *err)
{
    struct store_audience *audiences = NULL;
    size_t count = 0;
    int rc;
    sqlite3_stmt *rows = store_bind(
        store, "SELECT name, expression, changed_ns FROM audience ORDER BY name", "");
    while ((rc = store_step(store, rows, err)) == 1) {
        audiences = store_grow(arena, audiences, count, sizeof(*audiences));
        if (audiences)
            audiences[count++] = (struct store_audience){store_column(rows, 0, arena),
                                                         store_column(rows, 1, arena),
                                                         sqlite3_column_int64(rows, 2)};
        if (arena_overflowed(arena)) {
            sqlite3_reset(rows);
            return store_arena_full(err);
        }
    }
    *out = audiences;
    *count_out = count;
    return rc;
}
