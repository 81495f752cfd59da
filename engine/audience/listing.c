/* listing: the part of the compiler that goes into lists and refers back out of them. */
#include "engine/audience/generator.h"

/* A value of an outer row that a block's elements use. */
struct hoist {
    const struct node *node;
    struct operand outside;
    struct hoist *next;
};

/* --- values of the rows around a list --------------------------------------------------- */

static bool same_place(const struct place *a, const struct place *b)
{
    return a->level == b->level && a->depth == b->depth &&
           memcmp(a->path, b->path, a->depth * sizeof(a->path[0])) == 0;
}

/* outside: node, which belongs to a level further out, computed in the block around this
 * one. Its register must not be one that this block's operations write. */
static struct operand outside(struct generator *g, struct block *block, struct node *node)
{
    for (struct hoist *h = block->hoists; h; h = h->next) {
        if (h->node->kind == NODE_COLUMN && node->kind == NODE_COLUMN &&
            same_place(&h->node->place, &node->place))
            return h->outside;
    }
    g->fresh++;
    struct operand value =
        node->type.kind == KIND_BOOL
            ? generator_condition(g, block->outer, node)
            : generator_loaded(g, block->outer, generator_value(g, block->outer, node));
    g->fresh--;
    struct hoist *hoist = arena_alloc(g->arena, sizeof(*hoist));
    if (hoist) {
        *hoist = (struct hoist){.node = node, .outside = value, .next = block->hoists};
        block->hoists = hoist;
    }
    return value;
}

/* gathered: an outer operand, for each element that of its row. */
static struct operand gathered(struct generator *g, struct block *block,
                               struct operand outer, bool condition)
{
    if (outer.kind != OPERAND_REGISTER)
        return outer;
    block->correlated = true;
    return generator_typed(generator_emit(g, block,
                                          condition ? OP_GATHER_BOOL : OP_GATHER, outer,
                                          (struct operand){0}),
                           outer.type);
}

struct operand listing_outer(struct generator *g, struct block *block, struct node *node)
{
    return gathered(g, block, outside(g, block, node), node->type.kind == KIND_BOOL);
}

/* --- lists ------------------------------------------------------------------------------ */

struct block *listing_block(struct generator *g, struct block *outer)
{
    struct block *block = arena_zalloc(g->arena, sizeof(*block));
    static struct block nowhere;
    if (!block)
        block = &nowhere;
    block->outer = outer;
    block->level = outer ? outer->level + 1 : 0;
    if (block->level >= g->levels)
        g->levels = block->level + 1;
    return block;
}

/* close: the fold that runs inner, as an operation of block. */
static struct operand close(struct generator *g, struct block *block, struct block *inner,
                            struct fold fold, struct type type)
{
    struct fold *kept = arena_alloc(g->arena, sizeof(*kept));
    fold.block = inner;
    fold.mask = block->mask;
    for (struct block *b = block; b->level > fold.list->level; b = b->outer)
        b->correlated = true; /* the list belongs to a row further out */
    if (kept)
        *kept = fold;
    /* The target lives through all pieces, so it must not be a register the inner block writes. */
    g->fresh++;
    struct op *op =
        generator_emit(g, block, OP_FOLD, (struct operand){0}, (struct operand){0});
    g->fresh--;
    op->fold = kept;
    generator_release(g, fold.filter);
    generator_release(g, fold.value);
    for (struct hoist *h = inner->hoists; h; h = h->next)
        generator_release(g, h->outside);
    return generator_typed(op, type);
}

static struct operand filter_of(struct generator *g, struct block *inner,
                                struct node *query)
{
    return query->condition ? generator_condition(g, inner, query->condition)
                            : (struct operand){0};
}

struct operand listing_aggregate(struct generator *g, struct block *block,
                                 struct node *query)
{
    struct block *inner = listing_block(g, block);
    struct fold fold = {.kind = FOLD_AGGREGATE,
                        .aggregate = query->aggregate,
                        .list = &query->place,
                        .filter = filter_of(g, inner, query)};
    struct node *value = query->children;
    if (value && value->type.kind == KIND_BOOL) {
        struct operand condition = generator_condition(g, inner, value);
        struct op *op = generator_emit(g, inner, OP_IS, condition, (struct operand){0});
        op->test = TEST_UNKNOWN;
        generator_release(g, condition);
        fold.value = generator_target(op); /* count(condition) counts where it is known */
        fold.value.negated = true;
        fold.value.type.kind = KIND_BOOL;
    } else if (value && query->aggregate != AGGREGATE_COUNT_ROWS) {
        fold.value = generator_value(g, inner, value);
        if (fold.value.kind == OPERAND_CONSTANT && fold.value.type.kind != KIND_NULL &&
            query->aggregate == AGGREGATE_COUNT) {
            fold.aggregate = AGGREGATE_COUNT_ROWS;
            fold.value = (struct operand){0};
        } else {
            fold.value = generator_loaded(g, inner, fold.value);
        }
    }
    return close(g, block, inner, fold, query->type);
}

struct operand listing_exists(struct generator *g, struct block *block,
                              struct node *query)
{
    struct block *inner = listing_block(g, block);
    struct fold fold = {
        .kind = FOLD_ANY, .list = &query->place, .filter = filter_of(g, inner, query)};
    return close(g, block, inner, fold, (struct type){.kind = KIND_BOOL});
}

struct operand listing_quantified(struct generator *g, struct block *block,
                                  struct node *node)
{
    struct node *left = node->children, *query = left->next, *value = query->children;
    struct block *inner = listing_block(g, block);
    struct fold fold = {.kind = node->quantifier == QUANTIFIER_ANY ? FOLD_ANY : FOLD_ALL,
                        .list = &query->place};
    bool conditions = left->type.kind == KIND_BOOL || value->type.kind == KIND_BOOL;
    struct operand outer;
    if (conditions)
        outer = generator_condition(g, block, left);
    else
        outer = generator_loaded(g, block, generator_value(g, block, left));
    fold.filter = filter_of(g, inner, query);
    struct operand a = gathered(g, inner, outer, conditions), b;
    if (conditions) {
        b = generator_condition(g, inner, value);
        struct op *op = generator_emit(g, inner, OP_COMPARE_BOOL, a, b);
        op->order = node->order;
        fold.value = generator_target(op);
    } else {
        struct operand as = generator_as(g, inner, a, value->left_as);
        b = generator_value(g, inner, value);
        fold.value = comparing_order(g, inner, node->order, as, b);
        if (as.kind == OPERAND_REGISTER && a.kind == OPERAND_REGISTER &&
            as.index != a.index)
            generator_release(g, as);
    }
    generator_release(g, b);
    generator_release(g, a);
    struct operand result =
        close(g, block, inner, fold, (struct type){.kind = KIND_BOOL});
    generator_release(g, outer);
    result.negated = node->negated;
    return result;
}
