/* progress: a line on stderr about a run: how far, how fast, how long still, what came of
 * it. On a terminal one line is redrawn a few times a second; elsewhere a line is written
 * every ten seconds. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "engine/jobs/run.h"

struct progress {
    bool terminal;
    int64_t drawn_ns, started_ns;
    uint64_t done_at_start;
    bool drawn;
};

void progress_init(struct progress *progress, bool terminal);
void progress_draw(struct progress *progress, struct run *run);
/* progress_end: the last state stays on the screen. */
void progress_end(struct progress *progress, struct run *run);

#endif
