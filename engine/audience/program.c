/* program: see program.h. Each function compiles one kind of node and returns the operand
 * that holds its result; comparing.c does the comparisons. */
#include "engine/audience/generator.h"

#include "engine/audience/arithmetic.h"

#define REGISTERS_MAX (8 * AUDIENCE_NODES_MAX)

/* --- registers and operations ----------------------------------------------------------- */

static uint32_t take_register(struct generator *g)
{
    if (g->spare_count > 0 && g->fresh == 0)
        return g->spare[--g->spare_count];
    return g->registers++;
}

void generator_release(struct generator *g, struct operand operand)
{
    if (operand.kind == OPERAND_REGISTER && g->spare_count < REGISTERS_MAX)
        g->spare[g->spare_count++] = operand.index;
}

static struct op *append(struct generator *g, struct block *block, struct op op)
{
    static struct op nowhere; /* once the arena is full: written, never read */
    if (block->count == block->capacity) {
        size_t capacity = block->capacity ? 2 * block->capacity : 8;
        struct op *ops = value_alloc(g->arena, capacity * sizeof(*ops));
        if (!ops)
            return &nowhere;
        if (block->count > 0)
            memcpy(ops, block->ops, block->count * sizeof(*ops));
        block->ops = ops;
        block->capacity = capacity;
    }
    block->ops[block->count] = op;
    return &block->ops[block->count++];
}

struct op *generator_emit(struct generator *g, struct block *block, enum opcode code,
                          struct operand a, struct operand b)
{
    return append(g, block,
                  (struct op){.code = code, .target = take_register(g), .a = a, .b = b});
}

struct operand generator_target(const struct op *op)
{
    return (struct operand){
        .kind = OPERAND_REGISTER, .index = op->target, .type = op->type};
}

struct operand generator_typed(struct op *op, struct type type)
{
    op->type = type;
    return generator_target(op);
}

struct operand generator_join(struct generator *g, struct block *block, enum opcode code,
                              struct operand a, struct operand b)
{
    append(g, block, (struct op){.code = code, .a = a, .b = b});
    generator_release(g, b);
    return a;
}

struct operand generator_constant(struct generator *g, const struct constant *constant)
{
    struct constant *kept = value_alloc(g->arena, sizeof(*kept));
    if (kept)
        *kept = *constant;
    return (struct operand){
        .kind = OPERAND_CONSTANT, .type = constant->type, .constant = kept};
}

struct operand generator_truth(struct generator *g, struct block *block,
                               const struct constant *constant)
{
    struct operand value = generator_constant(g, constant);
    return generator_target(
        generator_emit(g, block, OP_TRUTH, value, (struct operand){0}));
}

struct operand generator_loaded(struct generator *g, struct block *block,
                                struct operand operand)
{
    if (operand.kind != OPERAND_COLUMN)
        return operand;
    return generator_typed(
        generator_emit(g, block, OP_LOAD, operand, (struct operand){0}), operand.type);
}

/* --- values ----------------------------------------------------------------------------- */

static struct operand null_constant(struct generator *g)
{
    return generator_constant(g, &(struct constant){0});
}

/* constant_as: a constant in the lanes of type. */
static struct operand constant_as(struct generator *g, struct operand o, struct type type)
{
    struct constant c = *o.constant;
    if (type.kind != KIND_EXACT && type.kind != KIND_WALL && type.kind != KIND_INSTANT)
        return o;
    if (!number_rescale(c.number, type.scale - c.type.scale, &c.number))
        return null_constant(g);
    c.type = type;
    return generator_constant(g, &c);
}

struct operand generator_as(struct generator *g, struct block *block, struct operand o,
                            enum kind kind)
{
    if (o.type.kind == kind || o.type.kind == KIND_NULL)
        return o;
    if (o.kind == OPERAND_CONSTANT) {
        struct constant c;
        CHECK(constant_convert(o.constant, kind, g->zone, &c) == 0);
        return generator_constant(g, &c);
    }
    struct type type = {.kind = kind};
    if (kind_is_time(kind) && o.type.kind != KIND_DATE)
        type = (struct type){.kind = kind, .scale = o.type.scale, .wide = o.type.wide};
    struct operand loaded = generator_loaded(g, block, o);
    struct operand result = generator_typed(
        generator_emit(g, block, OP_CONVERT, loaded, (struct operand){0}), type);
    if (o.kind == OPERAND_COLUMN)
        generator_release(g, loaded);
    return result;
}

static struct operand column_value(struct generator *g, struct block *block,
                                   struct node *node)
{
    if (node->type.kind == KIND_NULL)
        return null_constant(g);
    if (node->place.level < block->level)
        return listing_outer(g, block, node);
    return (struct operand){
        .kind = OPERAND_COLUMN, .type = node->type, .place = &node->place};
}

/* operation: one or two loaded operands into a new register of type; NULL where one is.
 */
static struct operand operation(struct generator *g, struct block *block,
                                enum opcode code, struct operand a, struct operand b,
                                struct type type, struct op **op_out)
{
    *op_out = NULL;
    if (a.type.kind == KIND_NULL ||
        (b.kind != OPERAND_NONE && b.type.kind == KIND_NULL)) {
        generator_release(g, a);
        generator_release(g, b);
        return null_constant(g);
    }
    a = generator_loaded(g, block, a);
    b = generator_loaded(g, block, b);
    *op_out = generator_emit(g, block, code, a, b);
    struct operand result = generator_typed(*op_out, type);
    generator_release(g, a);
    generator_release(g, b);
    return result;
}

static struct operand arithmetic(struct generator *g, struct block *block,
                                 struct node *node)
{
    struct operand a = generator_value(g, block, node->children);
    struct operand b = generator_value(g, block, node->children->next);
    struct op *op;
    if (a.type.kind == KIND_INTERVAL || b.type.kind == KIND_INTERVAL) {
        struct operand time = a.type.kind == KIND_INTERVAL ? b : a;
        struct interval by = (a.type.kind == KIND_INTERVAL ? a : b).constant->interval;
        struct operand result =
            operation(g, block, OP_SHIFT, time, (struct operand){0}, node->type, &op);
        if (op)
            op->interval = node->arithmetic == SUBTRACT ? arithmetic_negated(&by) : by;
        return result;
    }
    struct operand result = operation(g, block, OP_ARITHMETIC, a, b, node->type, &op);
    if (op)
        op->arithmetic = node->arithmetic;
    return result;
}

static struct operand coalesce(struct generator *g, struct block *block,
                               struct node *node)
{
    struct operand result = {0};
    for (struct node *arg = node->children; arg; arg = arg->next) {
        struct operand o = generator_value(g, block, arg);
        if (o.type.kind == KIND_NULL)
            continue;
        bool last = o.kind == OPERAND_CONSTANT;
        o = last ? constant_as(g, o, node->type) : generator_loaded(g, block, o);
        if (result.kind == OPERAND_NONE) {
            result = o;
        } else {
            struct operand both = generator_typed(
                generator_emit(g, block, OP_COALESCE, result, o), node->type);
            generator_release(g, result);
            generator_release(g, o);
            result = both;
        }
        if (last)
            break;
    }
    return result.kind == OPERAND_NONE ? null_constant(g) : result;
}

static struct operand call(struct generator *g, struct block *block, struct node *node)
{
    if (node->function == FUNCTION_COALESCE)
        return coalesce(g, block, node);
    struct operand a = generator_value(g, block, node->children);
    struct op *op;
    enum opcode code = node->function == FUNCTION_LENGTH ? OP_LENGTH : OP_CASE;
    struct operand result =
        operation(g, block, code, a, (struct operand){0}, node->type, &op);
    if (op)
        op->upper = node->function == FUNCTION_UPPER;
    return result;
}

/* --- conditions ------------------------------------------------------------------------- */

/* cost: roughly what a condition costs a row, to put cheap ones first. */
static unsigned cost(struct node *node)
{
    if (node->cost > 0)
        return node->cost;
    unsigned sum = 1;
    if (node->kind == NODE_SUBQUERY)
        sum = node->condition ? 40 + cost(node->condition) : 20;
    else if (node->kind == NODE_LIKE || node->kind == NODE_CALL)
        sum = 10;
    else if (node->kind == NODE_COLUMN && node->type.kind == KIND_TEXT)
        sum = node->place.column->type == COLUMN_DICTIONARY ? 2 : 4;
    for (struct node *child = node->children; child; child = child->next)
        sum += cost(child);
    node->cost = sum;
    return sum;
}

/* cheapest: take the cheapest node off the list; the first of equals. */
static struct node *cheapest(struct node **list)
{
    struct node **best = list;
    for (struct node **at = &(*list)->next; *at; at = &(*at)->next) {
        if (cost(*at) < cost(*best))
            best = at;
    }
    struct node *node = *best;
    *best = node->next;
    return node;
}

/* Above this cost a condition is worth asking first whether it can change anything. */
#define SKIP_COST 5

/* logic: AND or OR of the children, gathered in the first one's register, cheap ones
 * first: rows whose result is certain need no more work, and when all are, the rest is
 * skipped. */
static struct operand logic(struct generator *g, struct block *block, struct node *node)
{
    bool and = node->kind == NODE_AND;
    struct node *list = node->children;
    struct operand outer_mask = block->mask;
    struct operand result = generator_condition(g, block, cheapest(&list));
    while (list) {
        struct node *child = cheapest(&list);
        struct operand certain = result;
        certain.negated = certain.negated != and;
        size_t skip = block->count;
        bool skips = cost(child) > SKIP_COST;
        if (skips)
            append(g, block, (struct op){.code = OP_SKIP, .a = certain});
        block->mask = certain;
        struct operand more = generator_condition(g, block, child);
        append(g, block,
               (struct op){.code = and? OP_AND : OP_OR,
                           .target = result.index,
                           .a = result,
                           .b = more});
        generator_release(g, more);
        if (skips && skip < block->count)
            block->ops[skip].target = (uint32_t)block->count;
    }
    block->mask = outer_mask;
    return result;
}

static struct operand is_test(struct generator *g, struct block *block, struct node *node)
{
    struct node *child = node->children;
    enum kind kind = child->type.kind;
    struct operand result;
    if (node->test != TEST_NULL || kind == KIND_BOOL) {
        struct operand condition = generator_condition(g, block, child);
        struct op *op = generator_emit(g, block, OP_IS, condition, (struct operand){0});
        op->test = node->test;
        result = generator_target(op);
        generator_release(g, condition);
    } else {
        bool whole = kind == KIND_LIST || kind == KIND_STRUCT;
        if (whole && child->place.level < block->level)
            return listing_outer(g, block, node);
        struct operand value = generator_value(g, block, child);
        result = generator_target(
            generator_emit(g, block, OP_PRESENT, value, (struct operand){0}));
        result.negated = true;
        generator_release(g, value);
    }
    result.negated = result.negated != node->negated;
    return result;
}

static struct operand coalesce_conditions(struct generator *g, struct block *block,
                                          struct node *node)
{
    struct operand result = generator_condition(g, block, node->children);
    for (struct node *arg = node->children->next; arg; arg = arg->next) {
        struct operand more = generator_condition(g, block, arg);
        struct operand both =
            generator_target(generator_emit(g, block, OP_COALESCE_BOOL, result, more));
        generator_release(g, result);
        generator_release(g, more);
        result = both;
    }
    return result;
}

static struct operand bool_column(struct generator *g, struct block *block,
                                  struct node *node)
{
    if (node->place.level < block->level)
        return listing_outer(g, block, node);
    struct operand column = {
        .kind = OPERAND_COLUMN, .type = node->type, .place = &node->place};
    return generator_target(
        generator_emit(g, block, OP_BOOL, column, (struct operand){0}));
}

struct operand generator_condition(struct generator *g, struct block *block,
                                   struct node *node)
{
    struct operand result;
    if (node->kind == NODE_LITERAL || node->type.kind == KIND_NULL)
        return generator_truth(g, block, &node->constant);
    switch (node->kind) {
    case NODE_COLUMN:
        return bool_column(g, block, node);
    case NODE_SAVED:
        return block->level > 0 ? listing_outer(g, block, node)
                                : generator_condition(g, block, node->children);
    case NODE_AND:
    case NODE_OR:
        return logic(g, block, node);
    case NODE_NOT:
        result = generator_condition(g, block, node->children);
        result.negated = !result.negated;
        return result;
    case NODE_IS:
        return is_test(g, block, node);
    case NODE_EXISTS:
        return listing_exists(g, block, node->children);
    case NODE_QUANTIFIED:
        return listing_quantified(g, block, node);
    case NODE_CALL:
        return coalesce_conditions(g, block, node);
    default:
        return comparing_node(g, block, node);
    }
}

struct operand generator_value(struct generator *g, struct block *block,
                               struct node *node)
{
    struct op *op;
    switch (node->kind) {
    case NODE_LITERAL:
        return generator_constant(g, &node->constant);
    case NODE_COLUMN:
        return column_value(g, block, node);
    case NODE_ARITHMETIC:
        return arithmetic(g, block, node);
    case NODE_NEGATE:
        return operation(g, block, OP_NEGATE, generator_value(g, block, node->children),
                         (struct operand){0}, node->type, &op);
    case NODE_CONVERT:
        return operation(g, block, OP_CONVERT, generator_value(g, block, node->children),
                         (struct operand){0}, node->type, &op);
    case NODE_CALL:
        return call(g, block, node);
    default:
        CHECK(node->kind == NODE_SUBQUERY);
        return listing_aggregate(g, block, node);
    }
}

int program_compile(struct node *root, struct arena *arena, const struct tzif *zone,
                    struct program *out, struct error *err)
{
    struct generator g = {.arena = arena, .zone = zone};
    g.spare = arena_alloc(arena, REGISTERS_MAX * sizeof(*g.spare));
    if (g.spare) {
        out->block = listing_block(&g, NULL);
        out->result = generator_condition(&g, out->block, root);
    }
    out->registers = g.registers;
    out->levels = g.levels;
    if (arena_overflowed(arena))
        return error_set(err, ERROR_INPUT, "where: the expression needs too much memory");
    return 0;
}
