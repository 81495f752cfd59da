/* receipt_table: receipts that look for their messages, by what names these. */
#ifndef ENGINE_RECEIPT_TABLE_H
#define ENGINE_RECEIPT_TABLE_H

#include "base/hash.h"
#include "ingest/receipt.h"

#define RECEIPT_NO_ENTRY UINT32_MAX

struct receipt_entry {
    struct hash128 key;
    uint32_t next;  /* of the same slot */
    uint32_t found; /* of the entry that the key stands for: itself, but for an alias */
    bool matched;
    struct receipt receipt;
};

/* Starts as {0}. */
struct receipt_table {
    struct receipt_entry *entries;
    size_t count, capacity;
    uint32_t *slots;
    size_t slot_count; /* a power of two */
    size_t open;       /* receipts that have not found their message */
    size_t by_id, by_provider, by_address; /* how many of each kind there are */
};

void receipt_table_fini(struct receipt_table *table);
/* receipt_table_clear: forget all of them. */
void receipt_table_clear(struct receipt_table *table);

/* Keys. A message is looked for by our id of it; where a receipt has none by the provider's; or by the
 * address alone. */
struct hash128 receipt_key_id(struct hash128 message_id);
struct hash128 receipt_key_provider(struct text provider_id);
struct hash128 receipt_key_address(struct text address);

/* receipt_table_add: of several of one status for the same message the one that counts stays. */
void receipt_table_add(struct receipt_table *table, const struct receipt *receipt);
/* receipt_table_alias: another key for the entry `found`. */
void receipt_table_alias(struct receipt_table *table, struct hash128 key, uint32_t found);

/* receipt_table_find: the first entry of a key, or RECEIPT_NO_ENTRY; receipt_table_next: the one behind
 * an entry. */
uint32_t receipt_table_find(const struct receipt_table *table, struct hash128 key);
uint32_t receipt_table_next(const struct receipt_table *table, uint32_t entry);

/* receipt_table_matched: the entry's receipt has found its message. */
void receipt_table_matched(struct receipt_table *table, uint32_t entry);

#endif
