/* verb_top: what is being sent right now, and what keeps it from being faster. */
#include "base/clock.h"
#include "base/units.h"
#include "cli/top_view.h"
#include "cli/verb.h"
#include "engine/process/process.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static const struct option_spec options[] = {
    {"interval", "TIME", "draw again this often (default 1s); with --json: a line each"},
    {"once", NULL, "draw once, also on a terminal"},
    VERB_COMMON};

static int read_interval(const struct options *given, int64_t *out, struct error *err)
{
    const char *value = options_value(given, "interval");
    *out = NS_PER_S;
    if (value && (units_duration(text_of(value), out) || *out < 50 * NS_PER_MS))
        return error_set(err, ERROR_USAGE,
                         "--interval %s: write a time like 1s, at least 50ms", value);
    return 0;
}

/* A signal ends the pause early. */
static void pause_for(int64_t ns)
{
    struct timespec wait = {.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
    nanosleep(&wait, NULL);
}

static int print_json(const struct verb_context *context, int64_t interval_ns,
                      struct error *err)
{
    bool once = options_flag(&context->options, "once") ||
                !options_value(&context->options, "interval");
    int rc = 0;
    while (rc == 0 && !verb_stop) {
        json_t *list;
        rc = process_list(context->home, &list, err);
        if (rc == 0) {
            verb_print_json(json_pack("{s:o}", "processes", list));
            if (once || fflush(stdout) == EOF)
                return 0;
            pause_for(interval_ns);
        }
    }
    return rc;
}

static int print_plain(const struct verb_context *context, struct error *err)
{
    json_t *list;
    struct buffer lines = {0};
    int rc = process_list(context->home, &list, err);
    if (rc)
        return rc;
    top_view_draw(&(struct top_view){0}, list, &lines);
    fwrite(lines.data, 1, lines.bytes, stdout);
    buffer_fini(&lines);
    json_decref(list);
    return 0;
}

/* --- the screen --- */

/* show: the lines over what stood there before, as many as the screen has. */
static void show(const struct buffer *lines, size_t rows)
{
    const char *at = lines->data, *end = at + lines->bytes;
    fputs("\033[H", stdout);
    for (size_t row = 1; at < end && row < rows; row++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        fwrite(at, 1, (size_t)(newline - at), stdout);
        fputs("\033[K\r\n", stdout);
        at = newline + 1;
    }
    fputs("\033[J", stdout);
    fflush(stdout);
}

static int refresh(const struct verb_context *context, int64_t interval_ns,
                   struct error *err)
{
    int rc = 0;
    fputs("\033[?1049h\033[?25l", stdout); /* a screen of its own, without the cursor */
    while (rc == 0 && !verb_stop) {
        struct winsize size = {0};
        struct buffer lines = {0};
        json_t *list;
        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || size.ws_col == 0)
            size = (struct winsize){.ws_col = 80, .ws_row = 24};
        struct top_view view = {.width = size.ws_col, .colours = !getenv("NO_COLOR")};
        rc = process_list(context->home, &list, err);
        if (rc)
            break;
        top_view_draw(&view, list, &lines);
        show(&lines, size.ws_row);
        buffer_fini(&lines);
        json_decref(list);
        pause_for(interval_ns);
    }
    fputs("\033[?25h\033[?1049l", stdout);
    fflush(stdout);
    return rc;
}

static int run(struct verb_context *context)
{
    struct error err;
    int64_t interval_ns;
    const char *terminal = getenv("TERM");
    bool screen = isatty(STDOUT_FILENO) && terminal && strcmp(terminal, "dumb") != 0 &&
                  !options_flag(&context->options, "once");
    verb_catch_signals();
    int rc = read_interval(&context->options, &interval_ns, &err);
    if (rc == 0 && context->json)
        rc = print_json(context, interval_ns, &err);
    else if (rc == 0 && screen)
        rc = refresh(context, interval_ns, &err);
    else if (rc == 0)
        rc = print_plain(context, &err);
    return rc ? verb_fail(context, &err) : 0;
}

const struct verb verb_top = {
    .name = "top",
    .arguments = "",
    .summary =
        "what is being sent now: rates, latencies, what throttles, what is slowest",
    .example = "volley top\nvolley top --once\nvolley top --json --interval 1s",
    .options = options,
    .arguments_min = 0,
    .arguments_max = 0,
    .run = run,
};
