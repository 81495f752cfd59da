/* program: a checked expression as a list of operations over registers.
 *
 * An operation works on all rows of a frame at once: a chunk of customers, or a piece of
 * a list's child values. A register holds either a condition, as one bitmap of the rows
 * where it is true and one of those where it is false (neither: unknown), or values with
 * a bitmap of those that are there. The operations over one list's elements form a block
 * of their own, run by the fold operation that turns its results into one value per row.
 */
#ifndef ENGINE_AUDIENCE_PROGRAM_H
#define ENGINE_AUDIENCE_PROGRAM_H

#include "engine/audience/ast.h"
#include "engine/audience/bounds.h"
#include "engine/audience/like.h"

#include "base/arena.h"

enum opcode {
    /* conditions */
    OP_TRUTH,        /* target = constant (NULL: unknown) */
    OP_BOOL,         /* target = bool column a */
    OP_AND,          /* a = a AND b */
    OP_OR,           /* a = a OR b */
    OP_IS,           /* target = a IS test */
    OP_PRESENT,      /* target = a IS NOT NULL, a is a value */
    OP_RANGE,        /* target = integer a of native width in range */
    OP_RANGE_WIDE,   /* target = 128-bit a in bounds */
    OP_RANGE_REAL,   /* target = real a in real_bounds */
    OP_SET,          /* target = integer a among the set */
    OP_NEVER_FALSE,  /* target = a, unknown where it is false */
    OP_COMPARE,      /* target = a order b; as DISTINCT FROM when distinct */
    OP_COMPARE_BOOL, /* the same for conditions */
    OP_TEXT,         /* target = text a passes the test */
    OP_LIKE,         /* target = text a LIKE pattern b */
    OP_COALESCE_BOOL,
    /* values */
    OP_LOAD,       /* target = column a */
    OP_ARITHMETIC, /* target = a op b */
    OP_NEGATE,
    OP_SHIFT, /* target = time a plus interval */
    OP_CONVERT,
    OP_CASE, /* target = a in lower or upper case */
    OP_LENGTH,
    OP_COALESCE,
    /* both */
    OP_GATHER,      /* target = a of the row around this element */
    OP_GATHER_BOOL, /* the same for a condition */
    OP_FOLD,        /* target = what fold makes of its list */
    /* flow */
    OP_SKIP /* go to op number target when a is true for all rows */
};

struct operand {
    enum { OPERAND_NONE, OPERAND_REGISTER, OPERAND_CONSTANT, OPERAND_COLUMN } kind;
    uint32_t index; /* register */
    bool negated;   /* a condition: true and false change places */
    struct type type;
    const struct place *place;       /* column */
    const struct constant *constant; /* with its number in the scale of type */
};

/* A test of one text against constants. */
struct text_test {
    enum { TEXT_ORDER, TEXT_LIKE, TEXT_SET } kind;
    enum order order;
    struct text text;
    struct like like;
    struct text
        *set; /* open addressing by hash64; a power of two slots, data NULL is empty */
    size_t slots;
};

struct fold;

struct op {
    enum opcode code;
    uint32_t target;
    struct operand a;
    struct operand b;
    struct type type; /* of the target's values */
    union {
        enum test test;
        enum order order;
        enum arithmetic arithmetic;
        bool upper;
        bool fold_case;
        struct interval interval;
        struct text_test *text;
        struct fold *fold;
        struct real_bounds *real;
        struct bounds *wide;
        struct {
            enum column_type native;
            bool empty;
            uint64_t low;
            uint64_t span;
        } range;
        struct {
            const int64_t *values; /* ascending */
            size_t count;
        } set;
    };
    bool distinct;
    uint32_t escape;
};

struct block {
    struct op *ops;
    size_t count;
    size_t capacity;
    uint32_t level;
    struct block *outer;
    bool correlated;     /* elements have to know their row */
    struct operand mask; /* while compiling: rows whose result is certain already */
    struct hoist *hoists;
};

enum fold_kind { FOLD_ANY, FOLD_ALL, FOLD_AGGREGATE };

struct fold {
    enum fold_kind kind;
    enum aggregate aggregate;
    const struct place *list;
    struct block *block;   /* what is worked out for every element; may be empty */
    struct operand filter; /* NONE: every element */
    struct operand value;  /* what ANY tests or what is summed up */
    struct operand mask;   /* rows where this is true do not matter; NONE: all do */
};

struct program {
    struct block *block;
    struct operand result;
    uint32_t registers;
    uint32_t levels; /* of frames, customers included */
};

/* program_compile: root, which the checker has seen, to operations in the arena. Returns
 * 0, or -ERROR_INPUT when the arena is too small for them. */
int program_compile(struct node *root, struct arena *arena, const struct tzif *zone,
                    struct program *out, struct error *err) MUST_USE;

#endif
