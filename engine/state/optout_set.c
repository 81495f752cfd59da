/* optout_set: one account's opt-outs as a hash table of cache lines; see optout.h.
 *
 * A probe that misses the cache costs one memory access, so that is what the layout is
 * for: a bucket is one line with seven keys and their masks, and a row's line is asked
 * for some rows ahead of its turn. Buckets are filled to four on average; what a full one
 * cannot take goes to the next, and a mark on the full one sends readers on. Almost every
 * probe therefore reads one line.
 *
 * Keys are 64-bit hashes without their values: with ten million entries a customer who is
 * not on the list has a chance of 5e-13 to be taken for one who is. */
#include "engine/state/optout.h"

#include "base/hash.h"
#include "engine/state/address.h"
#include "engine/state/store_private.h"

#include <stdlib.h>
#include <sys/mman.h>

#define BUCKET_KEYS 7
/* Keys a bucket on average: 5 % of the buckets overflow (Poisson). */
#define BUCKET_FILL 4
/* A memory access takes as long as the work of this many probes. */
#define PREFETCH_ROWS 32

#define BUCKET_OVERFLOWED 1

struct bucket {
    uint64_t keys[BUCKET_KEYS];
    uint8_t masks[BUCKET_KEYS]; /* 0: the place is free */
    uint8_t flags;
};
_Static_assert(sizeof(struct bucket) == 64, "a bucket is a cache line");

struct optout_set {
    struct bucket *buckets;
    size_t bucket_count;
    size_t mapped_bytes;
    size_t count;
};

/* --- keys --- */

static uint64_t hash_email(struct text value)
{
    char lower[ADDRESS_EMAIL_BYTES_MAX];
    for (size_t i = 0; i < value.bytes; i++) {
        char c = value.data[i];
        lower[i] = (char)(c | (c >= 'A' && c <= 'Z') << 5);
    }
    return hash64_seeded(lower, value.bytes, OPTOUT_EMAIL);
}

uint64_t optout_hash(enum optout_key key, struct text value)
{
    /* A longer email cannot be on the list, whatever its hash. */
    if (key == OPTOUT_EMAIL && value.bytes <= ADDRESS_EMAIL_BYTES_MAX)
        return hash_email(value);
    return hash64_seeded(value.data, value.bytes, key);
}

/* --- probes --- */

/* bucket_of: the hash's high bits scaled to the number of buckets, which may be any. */
static inline size_t bucket_of(const struct optout_set *set, uint64_t hash)
{
    return (size_t)(((unsigned __int128)hash * set->bucket_count) >> 64);
}

static inline unsigned probe(const struct optout_set *set, size_t at, uint64_t hash)
{
    for (;;) {
        const struct bucket *bucket = &set->buckets[at];
        unsigned mask = 0; /* no branch a key: a free place has mask 0 and adds nothing */
#pragma GCC unroll 7
        for (size_t i = 0; i < BUCKET_KEYS; i++)
            mask |= bucket->masks[i] & -(unsigned)(bucket->keys[i] == hash);
        if (mask || !(bucket->flags & BUCKET_OVERFLOWED))
            return mask;
        at = at + 1 == set->bucket_count ? 0 : at + 1;
    }
}

unsigned optout_set_mask(const struct optout_set *set, uint64_t hash)
{
    return probe(set, bucket_of(set, hash), hash);
}

void optout_set_masks(const struct optout_set *set, const uint64_t *hashes, size_t rows,
                      uint8_t *masks_out)
{
    for (size_t r = 0; r < rows && r < PREFETCH_ROWS; r++)
        __builtin_prefetch(&set->buckets[bucket_of(set, hashes[r])]);
    for (size_t r = 0; r < rows; r++) {
        if (r + PREFETCH_ROWS < rows)
            __builtin_prefetch(&set->buckets[bucket_of(set, hashes[r + PREFETCH_ROWS])]);
        masks_out[r] = (uint8_t)probe(set, bucket_of(set, hashes[r]), hashes[r]);
    }
}

size_t optout_set_count(const struct optout_set *set)
{
    return set->count;
}

/* --- making one --- */

int optout_set_create(size_t entries, struct optout_set **out, struct error *err)
{
    size_t buckets = entries / BUCKET_FILL + 1;
    size_t bytes = buckets * sizeof(struct bucket);
    void *memory =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return error_io(err, "no memory for %zu opt-outs", entries);
    /* Random access over many small pages would miss the TLB on every probe as well. */
    madvise(memory, bytes, MADV_HUGEPAGE);
    struct optout_set *set = malloc(sizeof(*set));
    CHECK(set != NULL);
    *set = (struct optout_set){memory, buckets, bytes, 0};
    *out = set;
    return 0;
}

void optout_set_insert(struct optout_set *set, uint64_t hash, unsigned mask)
{
    for (size_t at = bucket_of(set, hash);;
         at = at + 1 == set->bucket_count ? 0 : at + 1) {
        struct bucket *bucket = &set->buckets[at];
        for (size_t i = 0; i < BUCKET_KEYS; i++) {
            if (bucket->masks[i] != 0 && bucket->keys[i] != hash)
                continue;
            set->count += bucket->masks[i] == 0;
            bucket->keys[i] = hash;
            bucket->masks[i] |= (uint8_t)mask;
            return;
        }
        bucket->flags |= BUCKET_OVERFLOWED;
    }
}

static int load(struct store *store, struct text account, struct optout_set **out,
                int64_t *serial_out, struct error *err)
{
    sqlite3_stmt *head = store_bind(
        store, "SELECT count(*), coalesce(max(serial), 0) FROM optout WHERE account = ?",
        "t", account);
    int rc = store_step(store, head, err);
    if (rc < 0)
        return rc;
    CHECK(rc == 1);
    size_t entries = (size_t)sqlite3_column_int64(head, 0);
    *serial_out = sqlite3_column_int64(head, 1);
    sqlite3_reset(head);
    rc = optout_set_create(entries, out, err);
    if (rc)
        return rc;
    sqlite3_stmt *rows = store_bind(
        store, "SELECT key, value, mask FROM optout WHERE account = ? AND mask <> 0", "t",
        account);
    while ((rc = store_step(store, rows, err)) == 1) {
        uint64_t hash = optout_hash((enum optout_key)sqlite3_column_int(rows, 0),
                                    store_column_view(rows, 1));
        optout_set_insert(*out, hash, (unsigned)sqlite3_column_int(rows, 2) & OPTOUT_ALL);
    }
    if (rc)
        optout_set_destroy(out);
    return rc;
}

int optout_set_load(struct store *store, struct text account, struct optout_set **out,
                    int64_t *serial_out, struct error *err)
{
    *out = NULL;
    int rc = store_begin_read(store, err); /* rows and serial from one moment */
    if (rc)
        return rc;
    return store_end(store, load(store, account, out, serial_out, err), err);
}

void optout_set_destroy(struct optout_set **set)
{
    if (!*set)
        return;
    munmap((*set)->buckets, (*set)->mapped_bytes);
    free(*set);
    *set = NULL;
}
