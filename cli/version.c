/* version: see version.h. The Makefile says version, commit ("" where it was not built from git) and the
 * libraries' versions when it compiles this file. */
#include "cli/version.h"

#include "cli/verb.h"
#include "outbox/dispatch/provider.h"
#include "outbox/loop/loop.h"

#include <stdio.h>
#include <string.h>

#ifndef VOLLEY_VERSION /* compiled by hand */
#define VOLLEY_VERSION   "unknown"
#define VOLLEY_COMMIT    ""
#define VOLLEY_LIBRARIES NULL
#endif

static const char *const libraries[] = {VOLLEY_LIBRARIES};

/* loop_in_force: the kind that a run would have here: the kernel may refuse io_uring. */
static const char *loop_in_force(struct error *err)
{
    struct loop *loop = NULL;
    if (loop_create(&loop, err))
        return NULL;
    const char *kind = loop_kind(loop);
    loop_destroy(&loop);
    return kind;
}

static json_t *library_versions(void)
{
    json_t *out = json_object();
    for (size_t i = 0; i + 1 < ARRAY_COUNT(libraries); i += 2)
        json_object_set_new(out, libraries[i], json_string(libraries[i + 1]));
    return out;
}

static json_t *type_names(void)
{
    json_t *out = json_array();
    for (const struct provider_type *const *type = provider_types; *type; type++)
        json_array_append_new(out, json_string((*type)->name));
    return out;
}

static void print_text(const char *loop)
{
    printf("volley %s%s%s\nloop: %s (of uring, epoll)\nproviders:", VOLLEY_VERSION,
           VOLLEY_COMMIT[0] ? ", commit " : "", VOLLEY_COMMIT, loop);
    for (const struct provider_type *const *type = provider_types; *type; type++)
        printf(" %s", (*type)->name);
    printf("\nlibraries:");
    for (size_t i = 0; i + 1 < ARRAY_COUNT(libraries); i += 2)
        printf(" %s %s", libraries[i], libraries[i + 1]);
    putchar('\n');
}

int version_print(bool json)
{
    struct verb_context context = {.json = json};
    struct error err;
    const char *loop = loop_in_force(&err);
    if (!loop)
        return verb_fail(&context, &err);
    if (!json) {
        print_text(loop);
        return 0;
    }
    json_t *out = json_pack("{s:s, s:s, s:[s, s], s:o, s:o}", "version", VOLLEY_VERSION,
                            "loop", loop, "loops", "uring", "epoll", "providers",
                            type_names(), "libraries", library_versions());
    if (VOLLEY_COMMIT[0])
        json_object_set_new(out, "commit", json_string(VOLLEY_COMMIT));
    verb_print_json(out);
    return 0;
}
