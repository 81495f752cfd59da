/* progress: a line on stderr about a run: how far, how fast, how long still, what came of
 * it; redrawn in place a few times a second, and only on a terminal. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "engine/run/run.h"

struct progress {
    bool terminal;
    int64_t drawn_ns;
};

void progress_init(struct progress *progress, bool terminal);
void progress_draw(struct progress *progress, struct run *run);
/* progress_end: the last state stays on the screen. */
void progress_end(struct progress *progress, struct run *run);

#endif
