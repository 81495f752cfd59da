/* store_schema: the migrations that make state.db what this program expects. */
#ifndef ENGINE_STORE_SCHEMA_H
#define ENGINE_STORE_SCHEMA_H

extern const char *const store_migrations[];
extern const int store_migration_count;

#endif
