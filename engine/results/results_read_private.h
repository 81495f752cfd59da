/* results_read_private: a file of results being read, for who filters it and who gives its rows. */
#ifndef ENGINE_RESULTS_READ_PRIVATE_H
#define ENGINE_RESULTS_READ_PRIVATE_H

#include "base/column.h"
#include "engine/results/results_read.h"

enum results_field {
    RESULTS_CUSTOMER,
    RESULTS_ROLE,
    RESULTS_CHANNEL,
    RESULTS_DISPOSITION,
    RESULTS_OUTCOME,
    RESULTS_REASON,
    RESULTS_PROVIDER,
    RESULTS_PROVIDER_ID,
    RESULTS_DETAIL,
    RESULTS_SEGMENTS,
    RESULTS_ATTEMPTS,
    RESULTS_FIRST_AT,
    RESULTS_AT,
    RESULTS_FIELDS
};

struct results_reading {
    const struct results_filter *filter;
    struct arrow_file *file;
    int places[RESULTS_FIELDS]; /* in the file's schema */
    uint64_t *needed;           /* bitmap of the schema's columns */
    size_t column_count;
    const struct column *columns; /* of the batch at hand */
    int64_t rows;
    uint64_t first_row; /* of the batch, within the file */
    uint64_t *map,
        *other; /* rows of the batch that are still wanted; room for another such */
    int (*fn)(void *arg, const struct result *result);
    void *arg;
    uint64_t matched;
};

/* --- results_read.c --- */

const struct column *results_read_column(const struct results_reading *r,
                                         enum results_field field);
void results_read_need(struct results_reading *r, enum results_field field);
/* results_read_notice: the notice stands first, in a row of its own. */
bool results_read_notice(const struct results_reading *r, int64_t row);

/* --- results_filter.c --- */

/* results_filter_needs: the columns that the filter looks at. */
void results_filter_needs(struct results_reading *r);
/* results_filter_keep: make r->map. */
void results_filter_keep(struct results_reading *r);

#endif
