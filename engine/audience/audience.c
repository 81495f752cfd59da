/* audience: see audience.h. From text to tree (parser), to types and columns (checker),
 * to operations (program), which run chunk by chunk. */
#include "engine/audience/checker.h"
#include "engine/audience/parser.h"
#include "engine/audience/machine.h"

#include <stdlib.h>

/* Address space for one expression: 4096 nodes of some 500 bytes, their operations, and
 * texts. */
#define AUDIENCE_ARENA_BYTES (64u << 20)

struct audience {
    struct arena arena;
    struct program program;
    const struct tzif *zone;
    uint64_t *needed;
    size_t column_count;
};

struct audience_scratch {
    struct machine run;
    const struct audience *audience;
};

static int compile(struct audience *a, struct text expression,
                   const struct column *schema, const struct audience_env *env,
                   struct error *err)
{
    struct checker checker = {.arena = &a->arena,
                              .env = env,
                              .schema = schema,
                              .column_count = a->column_count,
                              .needed = a->needed,
                              .err = err};
    static const struct text everybody = {"TRUE", 4};
    struct source *source = arena_zalloc(&a->arena, sizeof(*source));
    CHECK(source != NULL);
    bool blank = text_trim(expression).bytes == 0;
    if (expression.bytes > AUDIENCE_BYTES_MAX)
        expression.bytes = AUDIENCE_BYTES_MAX + 1; /* enough for the parser to complain */
    source->text = arena_text(&a->arena, blank ? everybody : expression);
    struct node *root;
    int code = parser_parse(source, &a->arena, &checker.nodes, &root, err);
    if (code == 0)
        code = checker_check(&checker, root);
    if (code == 0)
        code = program_compile(root, &a->arena, env->zone, &a->program, err);
    return code;
}

int audience_compile(struct text expression, const struct column *schema,
                     size_t column_count, const struct audience_env *env,
                     struct audience **out, struct error *err)
{
    struct audience *a = calloc(1, sizeof(*a));
    CHECK(a != NULL);
    a->column_count = column_count;
    a->zone = env->zone;
    int code = arena_init(&a->arena, AUDIENCE_ARENA_BYTES, err);
    if (code == 0) {
        a->needed = calloc(bitmap_words(column_count) + 1, sizeof(uint64_t));
        CHECK(a->needed != NULL);
        code = compile(a, expression, schema, env, err);
    }
    if (code)
        audience_destroy(&a);
    *out = a;
    return code;
}

void audience_destroy(struct audience **audience)
{
    if (!*audience)
        return;
    arena_fini(&(*audience)->arena);
    free((*audience)->needed);
    free(*audience);
    *audience = NULL;
}

void audience_columns(const struct audience *audience, uint64_t *needed)
{
    bitmap_or(needed, audience->needed, audience->column_count);
}

struct audience_scratch *audience_scratch_create(const struct audience *audience)
{
    const struct program *program = &audience->program;
    struct audience_scratch *scratch = calloc(1, sizeof(*scratch));
    CHECK(scratch != NULL);
    struct machine *run = &scratch->run;
    scratch->audience = audience;
    run->zone = audience->zone;
    run->kernels = kernels_best();
    size_t reg_bytes =
        sizeof(struct reg) + 2 * BITMAP_BYTES + FRAME_ROWS_MAX * sizeof(int128) + 64;
    size_t level_bytes = sizeof(struct frame) + fold_room_bytes() + 64;
    struct error err;
    /* Only what is used becomes memory. */
    if (arena_init(&run->arena,
                   program->registers * reg_bytes + program->levels * level_bytes +
                       (FRAME_ROWS_MAX + 256) * sizeof(int128),
                   &err))
        CHECK(!"address space for an audience's registers");
    run->regs = arena_zalloc(&run->arena, (program->registers + 1) * sizeof(*run->regs));
    run->frames = arena_alloc(&run->arena, program->levels * sizeof(*run->frames));
    run->fold_rooms = value_alloc_room(&run->arena, program->levels * fold_room_bytes());
    run->picked = value_alloc_room(&run->arena, FRAME_ROWS_MAX * sizeof(int128));
    for (uint32_t i = 0; i < program->registers; i++) {
        struct reg *reg = &run->regs[i];
        reg->yes = arena_alloc(&run->arena, BITMAP_BYTES);
        reg->no = arena_alloc(&run->arena, BITMAP_BYTES);
        reg->lanes = value_alloc_room(&run->arena, FRAME_ROWS_MAX * sizeof(int128));
    }
    CHECK(!arena_overflowed(&run->arena));
    return scratch;
}

void audience_scratch_destroy(struct audience_scratch **scratch)
{
    if (!*scratch)
        return;
    machine_pool_reset(&(*scratch)->run, false);
    arena_fini(&(*scratch)->run.arena);
    free(*scratch);
    *scratch = NULL;
}

void audience_select(const struct audience *audience, struct audience_scratch *scratch,
                     const struct chunk *chunk, uint64_t *selected)
{
    struct machine *run = &scratch->run;
    CHECK(scratch->audience == audience && chunk->rows <= FRAME_ROWS_MAX);
    struct frame *frame = &run->frames[0];
    frame->columns = chunk->columns;
    frame->elements = NULL;
    frame->first = chunk->first;
    frame->picks = NULL;
    frame->rows = chunk->rows;
    frame->level = 0;
    frame->outer = NULL;
    machine_pool_reset(run, true);
    machine_block(run, audience->program.block, frame);
    struct truth result = machine_truth(run, audience->program.result);
    bitmap_copy(selected, result.yes, chunk->rows);
    if (chunk->rows % 64)
        selected[chunk->rows / 64] &= (1ull << (chunk->rows % 64)) - 1;
}
