/* progress: see progress.h. */
#include "cli/progress.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>

#define BAR_CELLS 24

void progress_init(struct progress *progress, bool terminal)
{
    *progress = (struct progress){.terminal = terminal};
}

static void format_seconds(double seconds, char *out, size_t bytes)
{
    unsigned s = seconds < 0 ? 0 : seconds > 359999 ? 359999 : (unsigned)(seconds + 0.5);
    if (s >= 3600)
        snprintf(out, bytes, "%u:%02u:%02u", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(out, bytes, "%u:%02u", s / 60, s % 60);
}

static void draw(struct run *run)
{
    struct run_progress now;
    run_progress(run, &now);
    uint64_t pending = books_total(&now.books, OUTCOME_PENDING);
    uint64_t done = run_progress_planned(&now) - pending;
    double share = run_progress_share(&now);
    double seconds = (double)now.elapsed_ns / (double)NS_PER_S;
    double rate = seconds > 0 ? (double)(done - now.answered_before) / seconds : 0;
    double left = share > 0 && rate > 0 ? (double)done / share * (1 - share) / rate : 0;
    char eta[24], bar[BAR_CELLS + 1];
    format_seconds(left, eta, sizeof(eta));
    for (int i = 0; i < BAR_CELLS; i++)
        bar[i] = (double)i < share * BAR_CELLS ? '#' : '.';
    bar[BAR_CELLS] = '\0';
    fprintf(stderr,
            "\r[%s] %3.0f%%  %.0f/s  ETA %s  sent %" PRIu64 "  failed %" PRIu64
            "  unknown %" PRIu64 "  pending %" PRIu64 "\033[K",
            bar, share * 100, rate, eta, books_total(&now.books, OUTCOME_SENT),
            books_total(&now.books, OUTCOME_FAILED),
            books_total(&now.books, OUTCOME_UNKNOWN), pending);
    if (now.waiting > 0) {
        char until[CLOCK_FORMAT_BYTES];
        clock_format(now.waiting_until_ns, false, until);
        fprintf(stderr, "  (%" PRIu64 " wait for their time, next at %s)\033[K",
                now.waiting, until);
    }
}

void progress_draw(struct progress *progress, struct run *run)
{
    int64_t now = clock_steady_ns();
    if (!progress->terminal || now - progress->drawn_ns < 200 * NS_PER_MS)
        return;
    progress->drawn_ns = now;
    draw(run);
}

void progress_end(struct progress *progress, struct run *run)
{
    if (!progress->terminal)
        return;
    draw(run);
    fputc('\n', stderr);
}
