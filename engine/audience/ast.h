/* ast: an audience expression as a tree. The parser makes it, the checker gives every
 * node its type and turns names into columns. */
#ifndef ENGINE_AUDIENCE_AST_H
#define ENGINE_AUDIENCE_AST_H

#include "engine/audience/source.h"
#include "engine/audience/value.h"

#define AUDIENCE_BYTES_MAX (64 * 1024)
#define AUDIENCE_DEPTH_MAX 64
#define AUDIENCE_NODES_MAX 4096

enum node_kind {
    NODE_LITERAL, /* constant */
    NODE_NOW,     /* CURRENT_TIMESTAMP, NOW() */
    NODE_TODAY,   /* CURRENT_DATE */
    NODE_PARAM,   /* names[0] */
    NODE_COLUMN,  /* names */
    NODE_SAVED,   /* audience('names[0]'); the checker adds the expression as its child */
    NODE_AND,     /* two or more children */
    NODE_OR,      /* two or more children */
    NODE_NOT,     /* one */
    NODE_COMPARE, /* order; two children */
    NODE_DISTINCT,   /* IS [NOT] DISTINCT FROM; two children */
    NODE_BETWEEN,    /* three children */
    NODE_IN,         /* the first child is looked for among the others */
    NODE_LIKE,       /* fold_case; text, pattern, and perhaps the escape */
    NODE_IS,         /* test; one child */
    NODE_ARITHMETIC, /* arithmetic; two children */
    NODE_NEGATE,     /* one */
    NODE_CALL,       /* function; children are the arguments */
    NODE_EXISTS,     /* one: the subquery */
    NODE_QUANTIFIED, /* order, quantifier; the left side, then a column or a subquery */
    NODE_SUBQUERY,   /* name and alias of the list; aggregate; child: the value; condition
                      */
    NODE_CONVERT     /* by the checker: one child, to type.kind */
};

/* Which results of a comparison make it true; their union is the operator. */
enum order {
    ORDER_LESS = 1,
    ORDER_EQUAL = 2,
    ORDER_GREATER = 4,
    ORDER_LESS_EQUAL = 3,
    ORDER_NOT_EQUAL = 5,
    ORDER_GREATER_EQUAL = 6
};

enum test { TEST_NULL, TEST_TRUE, TEST_FALSE, TEST_UNKNOWN };
enum quantifier { QUANTIFIER_ANY, QUANTIFIER_ALL };
enum arithmetic { ADD = '+', SUBTRACT = '-', MULTIPLY = '*', DIVIDE = '/', MODULO = '%' };
enum function { FUNCTION_LOWER, FUNCTION_UPPER, FUNCTION_LENGTH, FUNCTION_COALESCE };
enum aggregate {
    AGGREGATE_NONE,
    AGGREGATE_COUNT_ROWS,
    AGGREGATE_COUNT,
    AGGREGATE_MIN,
    AGGREGATE_MAX,
    AGGREGATE_SUM,
    AGGREGATE_AVG
};

#define NAME_PARTS_MAX 4

struct name {
    struct text parts[NAME_PARTS_MAX];
    bool quoted[NAME_PARTS_MAX];
    uint32_t count;
};

/* Where a column lies: its level (0: customers, 1: a subquery over customers, …), there
 * its number and then the numbers of struct fields. */
struct place {
    uint32_t level;
    uint32_t depth;
    uint32_t path[NAME_PARTS_MAX];
    const struct column *column; /* of the schema */
};

struct node {
    enum node_kind kind;
    uint32_t depth; /* levels of nodes below it, itself included */
    const struct source *source;
    size_t offset; /* where a complaint about it points */
    struct node *next;
    struct node *children;
    struct node *condition; /* of a subquery's WHERE; NULL: every row */
    struct type type;       /* by the checker */
    enum kind left_as; /* by the checker, on a right side: what its left side turns into
                          first */
    bool negated;      /* NOT BETWEEN, NOT IN, NOT LIKE, IS NOT */
    bool fold_case;
    enum order order;
    enum test test;
    enum quantifier quantifier;
    enum arithmetic arithmetic;
    enum function function;
    enum aggregate aggregate;
    struct name name;
    struct text alias;
    struct constant constant;
    struct place place; /* by the checker: of a column, of a subquery's list */
    unsigned cost;      /* by the compiler; 0: not yet known */
};

#endif
