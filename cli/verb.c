/* verb: see verb.h. */
#include "cli/verb.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

volatile sig_atomic_t verb_stop;

int verb_fail(const struct verb_context *context, const struct error *err)
{
    if (context->json)
        verb_print_json(json_pack("{s:{s:s, s:s}}", "error", "code",
                                  error_kind_name(err->kind), "message", err->text));
    fprintf(stderr, "volley: %s\n", err->text);
    return error_exit_status(err->kind);
}

int verb_open(const struct verb_context *context, struct config **config,
              struct store **store, struct error *err)
{
    int rc = config ? config_load(context->home, config, err) : 0;
    if (rc == 0 && store)
        rc = store_open(context->home, false, store, err);
    if (rc && config)
        config_destroy(config);
    return rc;
}

int verb_with_store(struct verb_context *context,
                    int (*fn)(struct verb_context *context, struct store *store,
                              struct arena *arena, struct error *err))
{
    struct store *store = NULL;
    struct arena arena = {0};
    struct error err = {0};
    int rc = verb_open(context, NULL, &store, &err);
    if (rc == 0)
        rc = arena_init(&arena, (size_t)1 << 30, &err);
    if (rc == 0)
        rc = fn(context, store, &arena, &err);
    arena_fini(&arena);
    if (store)
        store_close(&store);
    return rc ? verb_fail(context, &err) : 0;
}

void verb_print_json(json_t *json)
{
    CHECK(json != NULL);
    char *line = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(9));
    CHECK(line != NULL);
    puts(line);
    free(line);
    json_decref(json);
}

static void on_signal(int number)
{
    if (verb_stop && number == SIGINT)
        _exit(130);
    verb_stop = 1;
}

void verb_catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static void print(void *arg, const char *kind, const char *sentence)
{
    if (arg)
        *(bool *)arg = true;
    fprintf(stderr, "%s: %s\n", kind, sentence);
}

void verb_warning(void *arg, unsigned line, const char *sentence)
{
    (void)line; /* a sentence that has a place names it */
    print(arg, "warning", sentence);
}

void verb_problem(void *arg, unsigned line, const char *sentence)
{
    (void)line;
    print(arg, "problem", sentence);
}
