/* main: volley VERB [ARGS]. */
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/near.h"
#include "cli/verb.h"
#include "cli/version.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct verb *const verbs[] = {
    &verb_init,   &verb_import,  &verb_snapshot, &verb_audience, &verb_segments,
    &verb_render, &verb_check,   &verb_plan,     &verb_preview,  &verb_send,
    &verb_resume, &verb_resend,  &verb_submit,   &verb_serve,    &verb_jobs,
    &verb_show,   &verb_pause,   &verb_cancel,   &verb_messages, &verb_receipts,
    &verb_optout, &verb_account, &verb_quota,    &verb_outbox,   &verb_sandbox,
    &verb_reload, &verb_top,     &verb_bench,
};

static void print_verbs(FILE *out)
{
    fprintf(
        out,
        "volley sends one message to millions of customers and can say, for every one, "
        "what happened.\n\nusage: volley VERB [ARGS]\n\n");
    for (size_t i = 0; i < ARRAY_COUNT(verbs); i++)
        fprintf(out, "  %-10s %s\n", verbs[i]->name, verbs[i]->summary);
    fprintf(out, "\n`volley VERB --help` tells more about each, `volley --version` what "
                 "this is. A first campaign:\n"
                 "  volley init studio && cd studio\n"
                 "  volley import csv customers.csv -o snapshots/studio.arrow\n"
                 "  volley plan job.json && volley send job.json\n");
}

static void print_help(const struct verb *verb)
{
    printf("usage: volley %s%s%s\n\n%s\n\n", verb->name, verb->arguments[0] ? " " : "",
           verb->arguments, verb->summary);
    for (const struct option_spec *o = verb->options; o->name; o++) {
        char head[64];
        snprintf(head, sizeof(head), "--%s%s%s", o->name, o->value ? " " : "",
                 o->value ? o->value : "");
        printf("  %-26s %s\n", head, o->help);
    }
    printf("\nexample:\n");
    for (const char *line = verb->example; *line;) {
        size_t bytes = strcspn(line, "\n");
        printf("  %.*s\n", (int)bytes, line);
        line += bytes + (line[bytes] == '\n');
    }
}

static const struct verb *find_verb(struct text name, struct error *err)
{
    struct near near = {.wanted = name};
    char hint[128];
    for (size_t i = 0; i < ARRAY_COUNT(verbs); i++) {
        if (text_is(name, verbs[i]->name))
            return verbs[i];
        near_offer(&near, text_of(verbs[i]->name));
    }
    error_set(err, ERROR_USAGE, "unknown verb \"%.*s\"%s; `volley --help` lists them",
              TEXT_ARGS(name), near_hint(&near, hint, sizeof(hint)));
    return NULL;
}

/* A file that somebody truncates while it is mapped cannot be read any more: an I/O
 * error. */
static void on_bus_error(int number)
{
    static const char sentence[] =
        "volley: a mapped file was cut off or its disk failed while it was read\n";
    (void)number;
    ssize_t written = write(STDERR_FILENO, sentence, sizeof(sentence) - 1);
    (void)written;
    _exit(74);
}

static int run_verb(const struct verb *verb, int argc, char **argv)
{
    struct verb_context context = {.home = getenv("VOLLEY_HOME"),
                                   .terminal = isatty(STDERR_FILENO)};
    struct error err;
    if (!context.home || !*context.home)
        context.home = ".";
    int rc = options_parse(verb->options, argc, argv, &context.options, &err);
    if (rc == 0 && options_flag(&context.options, "help")) {
        print_help(verb);
        return 0;
    }
    context.json = options_flag(&context.options, "json");
    if (options_value(&context.options, "home"))
        context.home = options_value(&context.options, "home");
    size_t count = context.options.argument_count;
    if (rc == 0 && (count < verb->arguments_min || count > verb->arguments_max))
        rc = error_set(&err, ERROR_USAGE, "usage: volley %s%s%s (see `volley %s --help`)",
                       verb->name, verb->arguments[0] ? " " : "", verb->arguments,
                       verb->name);
    if (rc == 0)
        rc = clock_freeze_from_environment(&err);
    if (rc == 0)
        rc = failpoint_from_environment(&err);
    if (rc)
        return verb_fail(&context, &err);
    return verb->run(&context);
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGBUS, on_bus_error);
    if (argc < 2) {
        print_verbs(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        print_verbs(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0)
        return version_print(argc > 2 && strcmp(argv[2], "--json") == 0);
    struct error err;
    const struct verb *verb = find_verb(text_of(argv[1]), &err);
    if (!verb) {
        fprintf(stderr, "volley: %s\n", err.text);
        return 2;
    }
    int status = run_verb(verb, argc - 2, argv + 2);
    if (fflush(stdout) == EOF || ferror(stdout)) {
        if (errno == EPIPE) /* the reader, `head` say, has seen enough */
            return status;
        fprintf(stderr, "volley: cannot write to standard output\n");
        return status ? status : 74;
    }
    return status;
}
