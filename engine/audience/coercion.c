/* coercion: see coercion.h. */
#include "engine/audience/coercion.h"

#include "engine/audience/parser.h"

#include <stdio.h>

int checker_complain(struct checker *c, const struct node *node, const char *format, ...)
{
    char sentence[ERROR_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof(sentence), format, args);
    va_end(args);
    return source_error(node->source, node->offset, c->err, "%s", sentence);
}

void checker_literal(struct node *node, struct constant value)
{
    node->kind = NODE_LITERAL;
    node->children = NULL;
    node->constant = value;
    node->type = value.type;
}

bool checker_is_literal(const struct node *node, enum kind kind)
{
    return node->kind == NODE_LITERAL && node->type.kind == kind;
}

/* --- making two sides meet -------------------------------------------------------------- */

/* read_as: a text literal as a value of kind. */
static int read_as(struct checker *c, const struct node *node, enum kind kind,
                   struct constant *out)
{
    if (constant_read(node->constant.text, kind, c->env->zone, out) == 0)
        return 0;
    char quoted[SOURCE_QUOTE_BYTES];
    return checker_complain(
        c, node, "'%s' is not %s%s", source_quote(node->constant.text, quoted),
        kind == KIND_BOOL ? "true or false" : kind_name(kind),
        kind == KIND_DATE    ? " (write it like '2026-11-21')"
        : kind_is_time(kind) ? " (write it like '2026-11-21 08:00:00')"
                             : "");
}

/* convert: node becomes a value of type; literals at once, the rest when it runs. */
int coercion_convert(struct checker *c, struct node *node, struct type type)
{
    if (node->kind == NODE_LITERAL) {
        struct constant value;
        if (node->type.kind == KIND_TEXT && type.kind != KIND_TEXT) {
            int code = read_as(c, node, type.kind, &value);
            if (code)
                return code;
        } else if (constant_convert(&node->constant, type.kind, c->env->zone, &value)) {
            return checker_complain(c, node, "this cannot become %s",
                                    kind_name(type.kind));
        }
        checker_literal(node, value);
        return 0;
    }
    if (node->type.kind == type.kind && node->type.scale == type.scale &&
        node->type.wide == type.wide)
        return 0;
    struct node *inner = parser_node(c->arena, &c->nodes);
    if (!inner)
        return checker_complain(c, node, "the expression has more than 4096 parts");
    *inner = *node;
    inner->next = NULL;
    *node = (struct node){.kind = NODE_CONVERT,
                          .source = inner->source,
                          .offset = inner->offset,
                          .next = node->next,
                          .left_as = node->left_as,
                          .children = inner,
                          .type = type};
    return 0;
}

/* natural: the type a value of another kind gets when it turns into kind. */
static struct type natural(const struct node *node, enum kind kind)
{
    struct type type = node->type;
    if (kind == KIND_REAL)
        return (struct type){.kind = KIND_REAL};
    type.kind = kind;
    return type;
}

/* meeting_time: what two different kinds of time are compared as. A literal moves to the
 * column's kind, so that the column is compared as it is stored; a date column meets any
 * literal as a wall clock. */
static void meeting_time(const struct node *left, const struct node *right,
                         enum kind *left_as, enum kind *right_as)
{
    enum kind l = left->type.kind, r = right->type.kind;
    bool fixed_left = left->kind == NODE_LITERAL,
         fixed_right = right->kind == NODE_LITERAL;
    *left_as = l;
    *right_as = r;
    if (fixed_right && !fixed_left) {
        if (l != KIND_DATE || r == KIND_INSTANT)
            *right_as = l == KIND_DATE ? KIND_WALL : l;
    } else if (fixed_left && !fixed_right) {
        if (r != KIND_DATE || l == KIND_INSTANT)
            *left_as = r == KIND_DATE ? KIND_WALL : r;
    } else if (l == KIND_DATE || r == KIND_DATE) {
        *left_as = *right_as = l == KIND_DATE ? r : l;
    } else {
        *left_as = *right_as = KIND_WALL;
    }
}

static int not_comparable(struct checker *c, const struct node *at, enum kind l,
                          enum kind r)
{
    if (l == KIND_LIST || r == KIND_LIST)
        return checker_complain(c, at,
                                "a list cannot be compared: use = ANY(tags) or EXISTS");
    if (l == r)
        return checker_complain(c, at, "%s cannot be compared", kind_name(l));
    return checker_complain(c, at, "cannot compare %s with %s", kind_name(l),
                            kind_name(r));
}

/* meet: make left and right comparable. left stays, because others may share it;
 * right->left_as says what it is for this comparison. at is where a complaint points. */
int coercion_meet(struct checker *c, const struct node *at, const struct node *left,
                  struct node *right)
{
    enum kind l = left->type.kind, r = right->type.kind;
    right->left_as = l;
    if (l >= KIND_INTERVAL || r >= KIND_INTERVAL)
        return not_comparable(c, at, l, r);
    if (l == KIND_NULL || r == KIND_NULL || l == r)
        return 0;
    if (checker_is_literal(left, KIND_TEXT)) {
        struct constant ignored;
        right->left_as = r;
        return read_as(c, left, r, &ignored);
    }
    if (checker_is_literal(right, KIND_TEXT))
        return coercion_convert(c, right, (struct type){.kind = l});
    if (kind_is_number(l) && kind_is_number(r))
        return 0;
    if (!kind_is_time(l) || !kind_is_time(r))
        return not_comparable(c, at, l, r);
    enum kind right_as;
    meeting_time(left, right, &right->left_as, &right_as);
    return right_as == r ? 0 : coercion_convert(c, right, natural(right, right_as));
}
