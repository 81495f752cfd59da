/* recent_table: how many messages each customer got, by the hash of the id: one word per customer. */
#ifndef ENGINE_RECENT_TABLE_H
#define ENGINE_RECENT_TABLE_H

#include "engine/job/reached.h"

struct recent_table {
    uint64_t *
        slots; /* [capacity], as the words of struct reached; 0: free; at most 3/4 full */
    size_t count, capacity;
    bool full; /* a customer has REACHED_COUNT_MAX, or more */
};

void recent_table_add(struct recent_table *table, uint64_t hash, unsigned messages);
void recent_table_add_all(struct recent_table *table, const struct reached *reached);
/* recent_table_of: how many; REACHED_COUNT_MAX stands for more as well. */
unsigned recent_table_of(const struct recent_table *table, uint64_t hash);
/* recent_table_sum: base + more - less, a table of its own. */
void recent_table_sum(const struct recent_table *base, const struct recent_table *more,
                      const struct recent_table *less, struct recent_table *out);
void recent_table_fini(struct recent_table *table);

#endif
