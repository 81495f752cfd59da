/* store: see store.h. Every write is one short transaction, because `serve`, `send` and
 * the other verbs use the file at the same time; synchronous=FULL, because what was
 * promised (an opt-out, segments taken) must survive power loss, and nothing here is
 * per message. */
#include "engine/state/store_private.h"

#include "base/file.h"
#include "base/near.h"
#include "engine/state/store_schema.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#define BUSY_TIMEOUT_MS 10000
#define SECRET_BYTES    32

/* The page cache may grow to 256 MiB: a bulk import's keys come in random order, and with
 * pages that do not stay in memory a million of them take ten times as long. */
#define CACHE_PRAGMA "PRAGMA cache_size = -262144;"

/* --- errors and statements --- */

int store_error(struct store *store, struct error *err)
{
    switch (sqlite3_errcode(store->db)) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return error_set(err, ERROR_AGAIN,
                         "state.db is locked by another process (waited %d s); try again",
                         BUSY_TIMEOUT_MS / 1000);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return error_set(err, ERROR_IO,
                         "state.db is damaged (%s): restore it from a backup",
                         sqlite3_errmsg(store->db));
    default:
        return error_set(err, ERROR_IO, "state.db: %s", sqlite3_errmsg(store->db));
    }
}

static sqlite3_stmt *prepared(struct store *store, const char *sql)
{
    for (size_t i = 0; i < store->statement_count; i++) {
        if (store->statements[i].sql == sql)
            return store->statements[i].statement;
    }
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement,
                           NULL))
        return NULL;
    CHECK(store->statement_count < STORE_STATEMENTS_MAX);
    store->statements[store->statement_count].sql = sql;
    store->statements[store->statement_count++].statement = statement;
    return statement;
}

sqlite3_stmt *store_bind(struct store *store, const char *sql, const char *types, ...)
{
    sqlite3_stmt *statement = prepared(store, sql);
    if (!statement)
        return NULL;
    CHECK(!sqlite3_stmt_busy(statement)); /* a loop over it is still running */
    sqlite3_reset(statement);
    va_list args;
    va_start(args, types);
    for (int i = 0; types[i]; i++) {
        int rc;
        if (types[i] == 't') {
            struct text t = va_arg(args, struct text);
            CHECK(t.bytes <= INT32_MAX);
            rc = sqlite3_bind_text(statement, i + 1, t.data, (int)t.bytes, SQLITE_STATIC);
        } else {
            CHECK(types[i] == 'i');
            rc = sqlite3_bind_int64(statement, i + 1, va_arg(args, int64_t));
        }
        CHECK(rc == SQLITE_OK);
    }
    va_end(args);
    return statement;
}

int store_step(struct store *store, sqlite3_stmt *statement, struct error *err)
{
    if (!statement)
        return store_error(store, err);
    int rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        return 1;
    rc = rc == SQLITE_DONE ? 0 : store_error(store, err);
    sqlite3_reset(statement);
    return rc;
}

int store_run(struct store *store, sqlite3_stmt *statement, struct error *err)
{
    int rc = store_step(store, statement, err);
    CHECK(rc <= 0);
    return rc;
}

int64_t store_changes(const struct store *store)
{
    return sqlite3_changes64(store->db);
}

static int execute(struct store *store, const char *sql, struct error *err)
{
    return sqlite3_exec(store->db, sql, NULL, NULL, NULL) ? store_error(store, err) : 0;
}

static int begin(struct store *store, const char *sql, struct error *err)
{
    if (store->depth == 0) {
        int rc = execute(store, sql, err);
        if (rc)
            return rc;
        store->doomed = false;
    }
    store->depth++;
    return 0;
}

int store_begin(struct store *store, struct error *err)
{
    return begin(store, "BEGIN IMMEDIATE", err);
}

int store_begin_read(struct store *store, struct error *err)
{
    return begin(store, "BEGIN", err);
}

int store_end(struct store *store, int rc, struct error *err)
{
    CHECK(store->depth > 0);
    store->doomed |= rc < 0;
    if (--store->depth > 0)
        return rc;
    int commit_rc = 0;
    if (!store->doomed)
        commit_rc = execute(store, "COMMIT", err);
    else if (rc >= 0)
        commit_rc = error_set(err, ERROR_IO,
                              "state.db: a step of this change failed before; "
                              "nothing of it was kept");
    /* Some errors have rolled back already, which is what autocommit says. */
    if (!sqlite3_get_autocommit(store->db))
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    return commit_rc ? commit_rc : rc;
}

struct text store_column_view(sqlite3_stmt *statement, int column)
{
    const char *data = (const char *)sqlite3_column_text(statement, column);
    return data ? (struct text){data, (size_t)sqlite3_column_bytes(statement, column)}
                : TEXT("");
}

struct text store_column(sqlite3_stmt *statement, int column, struct arena *arena)
{
    return arena_text(arena, store_column_view(statement, column));
}

int store_arena_full(struct error *err)
{
    return error_set(err, ERROR_IO,
                     "state.db: the answer does not fit into the memory for it");
}

void *store_grow(struct arena *arena, void *items, size_t count, size_t item_bytes)
{
    if (count > 0 && (count & (count - 1)) != 0)
        return items; /* full only at powers of two */
    void *bigger = arena_alloc(arena, (count ? 2 * count : 1) * item_bytes);
    if (bigger && count > 0)
        memcpy(bigger, items, count * item_bytes);
    return bigger;
}

int store_unknown(struct store *store, const char *noun, struct text name,
                  const char *sql, struct error *err)
{
    struct near near = {.wanted = name};
    char best[ERROR_TEXT_BYTES];
    char hint[ERROR_TEXT_BYTES];
    int rc;
    sqlite3_stmt *names = store_bind(store, sql, "");
    while ((rc = store_step(store, names, err)) == 1) {
        struct near one = near;
        near_offer(&one, store_column_view(names, 0));
        if (one.best.data == near.best.data || one.best.bytes >= sizeof(best))
            continue;
        memcpy(best, one.best.data,
               one.best.bytes); /* the row's text ends with the row */
        near.best = (struct text){best, one.best.bytes};
        near.best_distance = one.best_distance;
    }
    if (rc < 0)
        return rc;
    return error_set(err, ERROR_INPUT, "no %s \"%.*s\"%s", noun, TEXT_ARGS(name),
                     near_hint(&near, hint, sizeof(hint)));
}

/* --- open and close --- */

static int schema_version(struct store *store, int *out, struct error *err)
{
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(store->db, "PRAGMA user_version", -1, &statement, NULL))
        return store_error(store, err);
    int rc = sqlite3_step(statement) == SQLITE_ROW ? 0 : store_error(store, err);
    *out = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return rc;
}

/* migrate_locked: under the write lock, so that two processes that start at once do it
 * once. */
static int migrate_locked(struct store *store, struct error *err)
{
    int version;
    int rc = schema_version(store, &version, err);
    for (; rc == 0 && version < store_migration_count; version++)
        rc = execute(store, store_migrations[version], err);
    char pragma[64];
    sqlite3_snprintf(sizeof(pragma), pragma, "PRAGMA user_version = %d", version);
    return rc ? rc : execute(store, pragma, err);
}

static int migrate(struct store *store, struct error *err)
{
    int version;
    int rc = schema_version(store, &version, err);
    if (rc || version == store_migration_count)
        return rc;
    if (version > store_migration_count)
        return error_set(
            err, ERROR_INPUT,
            "state.db was made by a newer volley (schema %d, this one knows %d): "
            "use the newer program",
            version, store_migration_count);
    rc = store_begin(store, err);
    return rc ? rc : store_end(store, migrate_locked(store, err), err);
}

/* use_wal: the mode is kept in the file. The change needs the file alone, and SQLite does
 * not wait for that by itself, so processes that start at once take turns. */
static int use_wal(struct store *store, struct error *err)
{
    for (int waited_ms = 0;; waited_ms += 10) {
        if (!sqlite3_exec(store->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL))
            return 0;
        if (sqlite3_errcode(store->db) != SQLITE_BUSY || waited_ms >= BUSY_TIMEOUT_MS)
            return store_error(store, err);
        usleep(10000);
    }
}

static int prepare_file(const char *home, const char *path, bool create,
                        struct error *err)
{
    if (file_exists(path))
        return 0;
    if (!create)
        return error_set(err, ERROR_INPUT,
                         "%s is no volley home (no state.db): run `volley init %s`", home,
                         home);
    /* The key for unsubscribe tokens is inside: nobody else may read it. */
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return error_set(err, ERROR_INPUT,
                         "the folder %s does not exist: run `volley init %s`", home,
                         home);
    if (fd < 0)
        return error_io(err, "cannot create %s", path);
    close(fd);
    return 0;
}

int store_open(const char *home, bool create, struct store **out, struct error *err)
{
    char path[PATH_BYTES];
    int rc = path_join(path, home, TEXT("state.db"), err);
    if (rc == 0)
        rc = prepare_file(home, path, create, err);
    if (rc)
        return rc;
    struct store *store = calloc(1, sizeof(*store));
    CHECK(store != NULL);
    if (sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                        NULL))
        rc = error_set(err, ERROR_IO, "cannot open %s: %s", path,
                       sqlite3_errmsg(store->db));
    if (rc == 0)
        sqlite3_busy_timeout(store->db, BUSY_TIMEOUT_MS);
    if (rc == 0)
        rc = use_wal(store, err);
    if (rc == 0)
        rc = execute(store,
                     "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;" CACHE_PRAGMA
                     "PRAGMA trusted_schema = OFF",
                     err);
    if (rc == 0)
        rc = migrate(store, err);
    if (rc)
        store_close(&store);
    else
        *out = store;
    return rc;
}

void store_close(struct store **store)
{
    if (!*store)
        return;
    for (size_t i = 0; i < (*store)->statement_count; i++)
        sqlite3_finalize((*store)->statements[i].statement);
    sqlite3_close((*store)->db);
    free(*store);
    *store = NULL;
}

/* --- the home's secret --- */

static int read_secret(struct store *store, unsigned char out[SECRET_BYTES],
                       struct error *err)
{
    sqlite3_stmt *row =
        store_bind(store, "SELECT value FROM meta WHERE key = 'secret'", "");
    int rc = store_step(store, row, err);
    if (rc != 1)
        return rc;
    if (sqlite3_column_bytes(row, 0) == SECRET_BYTES)
        memcpy(out, sqlite3_column_blob(row, 0), SECRET_BYTES);
    else
        rc = error_set(err, ERROR_IO, "state.db: the home's secret is damaged");
    sqlite3_reset(row);
    return rc;
}

int store_secret(struct store *store, unsigned char out[SECRET_BYTES], struct error *err)
{
    int rc = read_secret(store, out, err);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    unsigned char fresh[SECRET_BYTES];
    if (getrandom(fresh, sizeof(fresh), 0) != (ssize_t)sizeof(fresh))
        return error_io(err, "cannot get random bytes");
    rc = store_begin(store, err);
    if (rc)
        return rc;
    /* Another process may have been first: its secret is the one that stays. */
    sqlite3_stmt *insert = store_bind(
        store, "INSERT OR IGNORE INTO meta (key, value) VALUES ('secret', ?)", "");
    if (insert)
        sqlite3_bind_blob(insert, 1, fresh, sizeof(fresh), SQLITE_STATIC);
    rc = store_run(store, insert, err);
    if (rc == 0)
        rc = read_secret(store, out, err);
    rc = store_end(store, rc, err);
    return rc < 0 ? rc : 0;
}
