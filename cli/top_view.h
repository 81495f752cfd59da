/* top_view: what the processes of a home say of themselves, as a table. */
#ifndef CLI_TOP_VIEW_H
#define CLI_TOP_VIEW_H

#include "base/buffer.h"

#include <jansson.h>

struct top_view {
    size_t width; /* columns of the screen; longer lines are cut; 0: never */
    bool colours;
};

/* top_view_draw: append the lines; list is what process_list() gives. Text that comes from
 * outside, as a provider's complaint, cannot control the terminal. */
void top_view_draw(const struct top_view *view, const json_t *list, struct buffer *out);

#endif
