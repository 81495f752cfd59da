/* receipt_table: see receipt_table.h. */
#include "engine/jobs/receipt_table.h"

#include <stdlib.h>

#define FIRST_SLOTS       1024
#define ADDRESS_BYTES_MAX 320

void receipt_table_fini(struct receipt_table *table)
{
    free(table->entries);
    free(table->slots);
    *table = (struct receipt_table){0};
}

void receipt_table_clear(struct receipt_table *table)
{
    if (table->slots)
        memset(table->slots, 0xFF, table->slot_count * sizeof(uint32_t));
    table->count = table->open = 0;
    table->by_id = table->by_provider = table->by_address = 0;
}

/* --- keys --- */

/* Hashed again: an id in a receipt is what somebody wrote, and slots take its low bits. */
struct hash128 receipt_key_id(struct hash128 message_id)
{
    return hash128(&message_id, sizeof(message_id));
}

struct hash128 receipt_key_provider(struct text provider_id)
{
    return hash128(provider_id.data, provider_id.bytes);
}

/* An email's case does not matter; what is too long for one finds nobody. */
struct hash128 receipt_key_address(struct text address)
{
    char lower[ADDRESS_BYTES_MAX];
    size_t bytes = address.bytes < sizeof(lower) ? address.bytes : sizeof(lower);
    for (size_t i = 0; i < bytes; i++) {
        char c = address.data[i];
        lower[i] = (char)(c | (c >= 'A' && c <= 'Z') << 5);
    }
    return hash128(lower, bytes);
}

static int digit(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* id_of: the other way of message_id_hex. */
static struct hash128 id_of(struct text hex)
{
    uint64_t words[2] = {0, 0};
    for (size_t i = 0; i < hex.bytes; i++)
        words[i / 16] = words[i / 16] << 4 | (uint64_t)digit(hex.data[i]);
    return (struct hash128){.high = words[0], .low = words[1]};
}

/* --- the table --- */

static uint32_t *slot_of(const struct receipt_table *table, struct hash128 key)
{
    return &table->slots[key.low & (table->slot_count - 1)];
}

static void grow(struct receipt_table *table)
{
    size_t slots = table->slot_count ? table->slot_count * 2 : FIRST_SLOTS;
    free(table->slots);
    table->slots = malloc(slots * sizeof(uint32_t));
    CHECK(table->slots != NULL);
    table->slot_count = slots;
    memset(table->slots, 0xFF, slots * sizeof(uint32_t));
    for (uint32_t i = 0; i < table->count; i++) {
        uint32_t *slot = slot_of(table, table->entries[i].key);
        table->entries[i].next = *slot;
        *slot = i;
    }
}

static struct receipt_entry *add(struct receipt_table *table, struct hash128 key)
{
    if (table->count == table->capacity) {
        table->capacity = table->capacity ? table->capacity * 2 : FIRST_SLOTS;
        table->entries =
            realloc(table->entries, table->capacity * sizeof(*table->entries));
        CHECK(table->entries != NULL && table->capacity < RECEIPT_NO_ENTRY);
    }
    if (table->count >= table->slot_count)
        grow(table);
    uint32_t number = (uint32_t)table->count++, *slot = slot_of(table, key);
    table->entries[number] =
        (struct receipt_entry){.key = key, .next = *slot, .found = number};
    *slot = number;
    return &table->entries[number];
}

/* is_better: of two receipts of one status, as receipt_file orders them. */
static bool is_better(const struct receipt *a, const struct receipt *b)
{
    if (a->at_s != b->at_s)
        return a->at_s > b->at_s;
    size_t bytes = a->code.bytes < b->code.bytes ? a->code.bytes : b->code.bytes;
    int order = bytes ? memcmp(a->code.data, b->code.data, bytes) : 0;
    return order ? order > 0 : a->code.bytes > b->code.bytes;
}

/* merge: true when a receipt of that status is there already, which then is the better of both. What
 * waits would else grow with every repetition. */
static bool merge(struct receipt_table *table, struct hash128 key,
                  const struct receipt *receipt)
{
    uint32_t e = receipt_table_find(table, key);
    while (e != RECEIPT_NO_ENTRY && (table->entries[e].found != e ||
                                     table->entries[e].receipt.status != receipt->status))
        e = receipt_table_next(table, e);
    if (e == RECEIPT_NO_ENTRY)
        return false;
    if (is_better(receipt, &table->entries[e].receipt))
        table->entries[e].receipt = *receipt;
    return true;
}

void receipt_table_add(struct receipt_table *table, const struct receipt *receipt)
{
    struct hash128 key;
    size_t *kind;
    if (receipt->message_id.data) {
        key = receipt_key_id(id_of(receipt->message_id));
        kind = &table->by_id;
    } else if (receipt->provider_id.data) {
        key = receipt_key_provider(receipt->provider_id);
        kind = &table->by_provider;
    } else {
        key = receipt_key_address(receipt->address);
        kind = &table->by_address;
    }
    if (merge(table, key, receipt))
        return;
    ++*kind;
    add(table, key)->receipt = *receipt;
    table->open++;
}

void receipt_table_alias(struct receipt_table *table, struct hash128 key, uint32_t found)
{
    add(table, key)->found = found;
    table->by_id++;
}

static uint32_t from(const struct receipt_table *table, uint32_t entry,
                     struct hash128 key)
{
    while (entry != RECEIPT_NO_ENTRY && (table->entries[entry].key.low != key.low ||
                                         table->entries[entry].key.high != key.high))
        entry = table->entries[entry].next;
    return entry;
}

uint32_t receipt_table_find(const struct receipt_table *table, struct hash128 key)
{
    return table->slot_count ? from(table, *slot_of(table, key), key) : RECEIPT_NO_ENTRY;
}

uint32_t receipt_table_next(const struct receipt_table *table, uint32_t entry)
{
    const struct receipt_entry *e = &table->entries[entry];
    return from(table, e->next, e->key);
}

void receipt_table_matched(struct receipt_table *table, uint32_t entry)
{
    table->open -= !table->entries[entry].matched;
    table->entries[entry].matched = true;
}
