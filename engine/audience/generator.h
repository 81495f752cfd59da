/* generator: what the parts of the program compiler share. */
#ifndef ENGINE_AUDIENCE_GENERATOR_H
#define ENGINE_AUDIENCE_GENERATOR_H

#include "engine/audience/program.h"

struct generator {
    struct arena *arena;
    const struct tzif *zone;
    uint32_t *spare; /* registers that are free again */
    size_t spare_count;
    uint32_t registers;
    uint32_t levels;
    unsigned fresh; /* above 0: take no spare register */
};

/* generator_emit: a new operation of the block with a new register as target.
 * Owns: valid until the next emit */
struct op *generator_emit(struct generator *g, struct block *block, enum opcode code,
                          struct operand a, struct operand b);
struct operand generator_target(const struct op *op);
struct operand generator_typed(struct op *op, struct type type);

/* generator_join: a AND b, or a OR b, in the register of a; that of b is released. */
struct operand generator_join(struct generator *g, struct block *block, enum opcode code,
                              struct operand a, struct operand b);

/* generator_release: the operand's register may be used again. */
void generator_release(struct generator *g, struct operand operand);

struct operand generator_condition(struct generator *g, struct block *block,
                                   struct node *node);

/* generator_value: a register, a constant, or a column that nobody has loaded yet. */
struct operand generator_value(struct generator *g, struct block *block,
                               struct node *node);

/* generator_loaded: the same, but a column is loaded into a register. */
struct operand generator_loaded(struct generator *g, struct block *block,
                                struct operand operand);

struct operand generator_constant(struct generator *g, const struct constant *constant);
struct operand generator_truth(struct generator *g, struct block *block,
                               const struct constant *constant);
/* generator_as: the operand turned into kind, as coercion_meet wants it. */
struct operand generator_as(struct generator *g, struct block *block,
                            struct operand operand, enum kind kind);

/* comparing.c: conditions that compare. comparing_against: left order right, where right says what left
 * has to become first. comparing_has_bounds: o compares with the constant as a range of its exact
 * numbers; comparing_bounds and comparing_real_bounds make that range. */
struct operand comparing_node(struct generator *g, struct block *block,
                              struct node *node);
struct operand comparing_order(struct generator *g, struct block *block, enum order order,
                               struct operand left, struct operand right);
struct operand comparing_against(struct generator *g, struct block *block,
                                 enum order order, struct operand left,
                                 struct node *right);
struct operand comparing_unknown(struct generator *g, struct block *block);
bool comparing_has_bounds(struct operand o, const struct constant *constant);
struct operand comparing_bounds(struct generator *g, struct block *block,
                                struct operand o, struct bounds bounds);
struct operand comparing_real_bounds(struct generator *g, struct block *block,
                                     struct operand o, struct real_bounds bounds);
struct operand comparing_text(struct generator *g, struct block *block, struct operand o,
                              struct text_test test);

/* among.c: but for their NOT. */
struct operand among_between(struct generator *g, struct block *block, struct node *node);
struct operand among_in(struct generator *g, struct block *block, struct node *node);

/* listing.c: subqueries; listing_outer is a column or condition of a row around the block's list, for
 * each of its elements. */
struct block *listing_block(struct generator *g, struct block *outer);
struct operand listing_outer(struct generator *g, struct block *block, struct node *node);
struct operand listing_aggregate(struct generator *g, struct block *block,
                                 struct node *query);
struct operand listing_exists(struct generator *g, struct block *block,
                              struct node *query);
struct operand listing_quantified(struct generator *g, struct block *block,
                                  struct node *node);

#endif
