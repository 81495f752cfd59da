/* log: see log.h. */
#include "base/log.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LINE_BYTES 2048

static const char *const level_names[] = {"debug", "info", "warn", "error", "off"};
static _Atomic int current_level = LOG_WARN;
static pthread_once_t environment_read = PTHREAD_ONCE_INIT;
static bool environment_wins;

static void read_environment(void)
{
    const char *wanted = getenv("VOLLEY_LOG");
    for (size_t i = 0; wanted && i < ARRAY_COUNT(level_names); i++) {
        if (strcmp(wanted, level_names[i]) == 0) {
            atomic_store(&current_level, (int)i);
            environment_wins = true;
        }
    }
}

void log_set_level(enum log_level level)
{
    pthread_once(&environment_read, read_environment);
    if (!environment_wins)
        atomic_store(&current_level, (int)level);
}

bool log_enabled(enum log_level level)
{
    pthread_once(&environment_read, read_environment);
    return (int)level >= atomic_load_explicit(&current_level, memory_order_relaxed);
}

const char *log_quote(struct text value, char *out, size_t out_bytes)
{
    CHECK(out_bytes >= 8);
    size_t used = 0;
    out[used++] = '"';
    for (size_t i = 0; i < value.bytes && used + 7 < out_bytes; i++) {
        unsigned char c = (unsigned char)value.data[i];
        if (c == '"' || c == '\\') {
            out[used++] = '\\';
            out[used++] = (char)c;
        } else if (c < 0x20 || c == 0x7F) {
            used += (size_t)snprintf(out + used, out_bytes - used, "\\x%02x", c);
        } else {
            out[used++] = (char)c;
        }
    }
    out[used++] = '"';
    out[used] = '\0';
    return out;
}

void log_write(enum log_level level, const char *room, const char *message,
               const char *fields, ...)
{
    if (!log_enabled(level))
        return;
    char now[CLOCK_FORMAT_BYTES];
    clock_format(clock_now_ns(), true, now);
    char line[LINE_BYTES];
    int head = snprintf(line, sizeof(line), "ts=%s level=%s room=%s msg=\"%s\"", now,
                        level_names[level], room, message);
    size_t used = (size_t)head < sizeof(line) - 1 ? (size_t)head : sizeof(line) - 1;
    if (fields && used + 2 < sizeof(line)) {
        line[used++] = ' ';
        va_list args;
        va_start(args, fields);
        int more = vsnprintf(line + used, sizeof(line) - used, fields, args);
        va_end(args);
        used +=
            (size_t)more < sizeof(line) - used ? (size_t)more : sizeof(line) - used - 1;
    }
    line[used++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, used);
    (void)written; /* a log that cannot be written has nowhere to say so */
}
