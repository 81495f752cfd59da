/* render_speed: how long one rendering takes, over the template and the customers that
 * bench/parts.py writes for every contender alike. */
#include "base/clock.h"
#include "render/template/template.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/* As large as a batch's texts: renderings are made, looked at and forgotten in cache. */
#define ARENA_BYTES ((size_t)1 << 20)
#define ROOM_BYTES  ((size_t)64 << 10) /* more than one rendering takes */

struct work {
    struct template *template;
    struct text *values; /* row by row */
    size_t rows, variables;
};

static struct text text_of_json(const json_t *value)
{
    CHECK(json_is_string(value));
    return (struct text){json_string_value(value), json_string_length(value)};
}

static int prepare(const json_t *root, struct work *work, struct error *err)
{
    struct template_variable variables[64] = {0};
    const json_t *names = json_object_get(root, "variables"),
                 *rows = json_object_get(root, "rows");
    bool html = json_is_true(json_object_get(root, "html"));
    work->variables = json_array_size(names);
    work->rows = json_array_size(rows);
    CHECK(work->variables > 0 && work->variables <= ARRAY_COUNT(variables) &&
          work->rows > 0);
    for (size_t v = 0; v < work->variables; v++)
        variables[v].name = text_of_json(json_array_get(names, v));
    work->values = calloc(work->rows * work->variables, sizeof(*work->values));
    CHECK(work->values);
    for (size_t r = 0; r < work->rows; r++) {
        for (size_t v = 0; v < work->variables; v++)
            work->values[r * work->variables + v] =
                text_of_json(json_array_get(json_array_get(rows, r), v));
    }
    return template_compile(text_of_json(json_object_get(root, "volley_template")),
                            "template", html ? TEMPLATE_HTML : TEMPLATE_TEXT, variables,
                            work->variables, NULL, NULL, &work->template, err);
}

/* One pass over all rows; returns the bytes made. */
static size_t pass(const struct work *work, struct arena *arena)
{
    size_t bytes = 0;
    for (size_t r = 0; r < work->rows; r++) {
        struct text out;
        if (arena->capacity_bytes - arena->used_bytes < ROOM_BYTES)
            arena_reset(arena);
        template_render(work->template, &work->values[r * work->variables], arena, &out);
        bytes += out.bytes;
    }
    CHECK(!arena_overflowed(arena));
    return bytes;
}

static void measure(const struct work *work, double seconds, struct arena *arena)
{
    struct text first;
    template_render(work->template, work->values, arena, &first);
    json_t *result = json_pack("{s:s%}", "first", first.data, first.bytes);
    size_t bytes = pass(work, arena), passes = 0;
    int64_t start_ns = clock_steady_ns(), now_ns;
    do {
        CHECK(pass(work, arena) == bytes);
        passes++;
        now_ns = clock_steady_ns();
    } while ((double)(now_ns - start_ns) < seconds * (double)NS_PER_S);
    double each = (double)(now_ns - start_ns) / (double)(passes * work->rows);
    json_object_set_new(result, "ns", json_real(each));
    json_object_set_new(result, "bytes", json_real((double)bytes / (double)work->rows));
    json_dumpf(result, stdout, 0);
    putchar('\n');
    json_decref(result);
}

int main(int argc, char **argv)
{
    struct error err;
    struct arena arena;
    struct work work = {0};
    json_error_t where;
    if (argc != 3) {
        fprintf(stderr, "usage: render_speed CASE.json SECONDS\n");
        return 2;
    }
    json_t *root = json_load_file(argv[1], 0, &where);
    if (!root) {
        fprintf(stderr, "render_speed: %s: %s\n", argv[1], where.text);
        return 65;
    }
    int rc = arena_init(&arena, ARENA_BYTES, &err);
    if (rc == 0)
        rc = prepare(root, &work, &err);
    if (rc) {
        fprintf(stderr, "render_speed: %s\n", err.text);
        return error_exit_status(err.kind);
    }
    measure(&work, strtod(argv[2], NULL), &arena);
    template_destroy(&work.template);
    free(work.values);
    arena_fini(&arena);
    json_decref(root);
    return 0;
}
