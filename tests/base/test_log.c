/* log: levels, one line per event, and values that cannot break it. */
#include "base/clock.h"
#include "base/log.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

static int pipe_fds[2], old_stderr;

static void catch_stderr(void)
{
    unsetenv("VOLLEY_LOG");
    cr_assert_eq(pipe(pipe_fds), 0);
    old_stderr = dup(STDERR_FILENO);
    dup2(pipe_fds[1], STDERR_FILENO);
    clock_freeze(1795248000123000000);
}

static void release_stderr(char *out, size_t out_bytes)
{
    dup2(old_stderr, STDERR_FILENO);
    close(pipe_fds[1]);
    ssize_t got = read(pipe_fds[0], out, out_bytes - 1);
    out[got > 0 ? got : 0] = '\0';
    clock_freeze(-1);
}

Test(log, a_line)
{
    char out[4096];
    catch_stderr();
    log_set_level(LOG_INFO);
    log_debug("spool", "silent", NULL);
    log_info("spool", "job taken", "job=%s n=%d", "a", 7);
    log_error("spool", "bare", NULL);
    release_stderr(out, sizeof(out));
    cr_expect_str_eq(
        out, "ts=2026-11-21T08:00:00.123Z level=info room=spool msg=\"job taken\" "
             "job=a n=7\n"
             "ts=2026-11-21T08:00:00.123Z level=error room=spool msg=\"bare\"\n");
}

Test(log, a_long_line_is_cut_and_still_a_line)
{
    char out[8192];
    catch_stderr();
    log_warn("r", "m", "x=%05000d", 1);
    release_stderr(out, sizeof(out));
    cr_expect_eq(strlen(out), 2048u);
    cr_expect_eq(out[2047], '\n');
}

Test(log, levels)
{
    unsetenv("VOLLEY_LOG");
    cr_expect(log_enabled(LOG_WARN) && !log_enabled(LOG_INFO));
    log_set_level(LOG_OFF);
    cr_expect_not(log_enabled(LOG_ERROR));
}

Test(log, the_environment_wins)
{
    setenv("VOLLEY_LOG", "debug", 1);
    log_set_level(LOG_ERROR);
    cr_expect(log_enabled(LOG_DEBUG));
}

Test(log, quote)
{
    char out[64], small[12];
    cr_expect_str_eq(log_quote(TEXT("a \"b\"\\\n\x7F"), out, sizeof(out)),
                     "\"a \\\"b\\\"\\\\\\x0a\\x7f\"");
    cr_expect_str_eq(log_quote(TEXT_NONE, out, sizeof(out)), "\"\"");
    log_quote(TEXT("\n\n\n\n\n\n\n\n"), small, sizeof(small));
    cr_expect_lt(strlen(small), sizeof(small));
    cr_expect_eq(small[strlen(small) - 1], '"');
}
