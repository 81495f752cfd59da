/* tally: what a report says beyond the books: reasons, providers, attempts, rate. Counted
 * result by result in the pass that writes results.arrow. */
#ifndef ENGINE_TALLY_H
#define ENGINE_TALLY_H

#include "engine/page/timeline.h"
#include "outbox/dispatch/delivery.h"
#include "outbox/journal/journal.h"

#include <jansson.h>

#define TALLY_EXAMPLE_BYTES 256
#define TALLY_PROVIDERS     JOURNAL_PROVIDER_NONE

struct tally_reason {
    uint64_t count;
    uint16_t example_bytes;
    char example[TALLY_EXAMPLE_BYTES]; /* a provider's words */
};

struct tally {
    uint64_t dispositions[CHANNEL_COUNT][DISPOSITION_COUNT];
    struct tally_reason reasons[OUTCOME_COUNT][DELIVERY_REASON_COUNT];
    uint64_t providers[TALLY_PROVIDERS][OUTCOME_COUNT];
    uint64_t attempts[UINT8_MAX + 1]; /* messages by how many they needed */
    struct timeline rate;             /* series: sent, failed, unknown */
    char *names[TALLY_PROVIDERS];
    size_t name_count;
};

/* tally_add: one customer × channel; not the owner's notice. A zeroed tally is empty.
 * Owns: tally_fini frees the names */
struct result;
void tally_add(struct tally *tally, const struct result *result);
void tally_fini(struct tally *tally);

/* tally_json: add dispositions, reasons, providers, attempts and rate to a report. */
void tally_json(const struct tally *tally, json_t *report);

#endif
