/* dormant: messages that wait for their customer's hours, a bit each. They may be all of ten million
 * customers' until tomorrow morning.
 *
 * A bitmap of rows a channel says who waits, and for each time at which hours open somewhere a
 * bitmap of chunks says where to look then. When its time comes a chunk's messages are all asked for
 * again: whoever makes them judges them anyway, and gives back those for which it is too early. */
#ifndef ENGINE_DORMANT_H
#define ENGINE_DORMANT_H

#include "engine/pipeline/batch.h"

struct dormant {
    uint64_t rows;
    size_t chunks;
    uint64_t *waiting[CHANNEL_COUNT]; /* by row; NULL: none ever */
    struct rouse {
        int64_t at_ns; /* calendar */
        uint64_t *chunks;
        size_t next_chunk; /* all before it are clear */
    } * rouses;            /* by time */
    size_t rouse_count, rouse_capacity;
    uint64_t messages;
};

void dormant_init(struct dormant *dormant, uint64_t rows, size_t chunks);
void dormant_fini(struct dormant *dormant);

/* dormant_add: a message that was never tried, of a chunk, until some time. */
void dormant_add(struct dormant *dormant, size_t chunk, uint32_t row, uint8_t channel,
                 int64_t until_ns);

/* dormant_keep: the same for one whose time the caller knows: it is only to be taken. */
void dormant_keep(struct dormant *dormant, uint32_t row, uint8_t channel);

/* dormant_next_ns: when the next ones may go; HOURS_NEVER: nothing waits. */
int64_t dormant_next_ns(const struct dormant *dormant);

/* dormant_due: a chunk in which messages are due; false: none. Its messages are then to be taken. */
bool dormant_due(struct dormant *dormant, int64_t now_ns, size_t *chunk_out);

/* dormant_take: up to most messages that wait, of rows from *row up to end, in the order of rows; *row
 * moves behind them. */
size_t dormant_take(struct dormant *dormant, uint64_t *row, uint64_t end,
                    struct redo *out, size_t most);

#endif
