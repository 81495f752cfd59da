/* route: see route.h.
 *
 * A tier's choice is made twice: first among all its providers, whatever their state, and
 * when that one is not to be had among those that are, by another dice. So a provider that
 * breaks moves its own messages only, to all others by their weights. */
#include "outbox/dispatch/route.h"

#include "base/check.h"
#include "base/hash.h"

/* The entries of the first tier that has one of mask; 0: mask is empty. */
static uint64_t first_tier(const struct route_entry *route, size_t count, uint64_t mask)
{
    uint64_t tier = 0;
    for (size_t i = 0; i < count; i++) {
        if (!(mask >> i & 1))
            continue;
        if (tier != 0 && route[i].tier != route[__builtin_ctzll(tier)].tier)
            break;
        tier |= (uint64_t)1 << i;
    }
    return tier;
}

/* mask: not empty */
static size_t by_weight(const struct route_entry *route, uint64_t mask, struct hash128 id,
                        uint64_t dice)
{
    uint64_t total = 0, left = mask;
    do {
        total += route[__builtin_ctzll(left)].weight;
        left &= left - 1;
    } while (left);
    uint64_t at = hash64_seeded(&id, sizeof(id), dice) % total;
    for (uint64_t m = mask;; m &= m - 1) {
        size_t i = (size_t)__builtin_ctzll(m);
        if (at < route[i].weight)
            return i;
        at -= route[i].weight;
    }
}

/* One of allowed, where known are those that may count in the first dice. */
static size_t choose(const struct route_entry *route, size_t count, uint64_t known,
                     uint64_t allowed, struct hash128 id)
{
    uint64_t tier = first_tier(route, count, allowed);
    if ((tier & (tier - 1)) == 0)
        return (size_t)__builtin_ctzll(tier);
    uint64_t all = 0;
    for (size_t i = 0; i < count; i++) {
        if (known >> i & 1 && route[i].tier == route[__builtin_ctzll(tier)].tier)
            all |= (uint64_t)1 << i;
    }
    size_t first = by_weight(route, all, id, 1);
    return tier >> first & 1 ? first : by_weight(route, tier, id, 2);
}

int route_choose(const struct route_entry *route, size_t count,
                 const enum route_state *states, struct hash128 id, unsigned turn)
{
    CHECK(count <= 64);
    uint64_t masks[3] = {0};
    for (size_t i = 0; i < count; i++)
        masks[states[route[i].provider]] |= (uint64_t)1 << i;
    uint64_t allowed = masks[ROUTE_USABLE] ? masks[ROUTE_USABLE] : masks[ROUTE_BROKEN];
    if (!allowed)
        return -1;
    uint64_t known = masks[ROUTE_USABLE] | masks[ROUTE_BROKEN];
    unsigned skips = turn % (unsigned)__builtin_popcountll(allowed);
    for (;; skips--) {
        size_t i = choose(route, count, known, allowed, id);
        if (skips == 0)
            return route[i].provider;
        known &= ~((uint64_t)1 << i);
        allowed &= ~((uint64_t)1 << i);
    }
}

unsigned route_turn(unsigned attempt)
{
    return attempt > 0 ? (attempt - 1) / ROUTE_DEFERRALS : 0;
}
