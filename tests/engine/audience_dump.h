/* audience_dump: a tree of an expression as text, for tests of the parser and the checker. */
#ifndef TESTS_ENGINE_AUDIENCE_DUMP_H
#define TESTS_ENGINE_AUDIENCE_DUMP_H

#include "base/buffer.h"
#include "engine/audience/ast.h"

#include <stdio.h>

__attribute__((unused)) static void dump(const struct node *node, struct buffer *out);

static void dump_text(struct buffer *out, const char *text)
{
    buffer_text(out, text_of(text));
}

static void dump_constant(const struct constant *c, struct buffer *out)
{
    static const char *const kinds[] = {[KIND_NULL] = "null",
                                        [KIND_BOOL] = "",
                                        [KIND_EXACT] = "",
                                        [KIND_REAL] = "real:",
                                        [KIND_TEXT] = "",
                                        [KIND_DATE] = "date:",
                                        [KIND_WALL] = "wall:",
                                        [KIND_INSTANT] = "instant:",
                                        [KIND_INTERVAL] = "interval:"};
    char text[128] = "";
    dump_text(out, kinds[c->type.kind]);
    switch (c->type.kind) {
    case KIND_BOOL:
        dump_text(out, c->boolean ? "true" : "false");
        break;
    case KIND_EXACT:
    case KIND_REAL:
        snprintf(text, sizeof(text), "%.15g", c->real);
        break;
    case KIND_TEXT:
        snprintf(text, sizeof(text), "'%.*s'", TEXT_ARGS(c->text));
        break;
    case KIND_DATE:
        snprintf(text, sizeof(text), "%lld", (long long)c->number);
        break;
    case KIND_WALL:
    case KIND_INSTANT: /* in seconds */
        snprintf(text, sizeof(text), "%lld", (long long)(c->number / 1000000000));
        break;
    case KIND_INTERVAL:
        snprintf(text, sizeof(text), "%lldm%lldd%llds", (long long)c->interval.months,
                 (long long)c->interval.days, (long long)c->interval.ns / 1000000000);
        break;
    default:
        break;
    }
    dump_text(out, text);
}

static void dump_name(const struct node *node, struct buffer *out)
{
    for (uint32_t i = 0; i < node->name.count; i++) {
        dump_text(out, i ? "." : "");
        buffer_text(out, node->name.parts[i]);
    }
}

static const char *dump_order(enum order order)
{
    static const char *const orders[] = {
        [ORDER_LESS] = "<",    [ORDER_EQUAL] = "=",      [ORDER_LESS_EQUAL] = "<=",
        [ORDER_GREATER] = ">", [ORDER_NOT_EQUAL] = "<>", [ORDER_GREATER_EQUAL] = ">="};
    return orders[order];
}

/* dump_head: what stands behind the opening parenthesis. */
static void dump_head(const struct node *node, struct buffer *out)
{
    static const char *const heads[] = {[NODE_SAVED] = "audience",
                                        [NODE_AND] = "and",
                                        [NODE_OR] = "or",
                                        [NODE_NOT] = "not",
                                        [NODE_DISTINCT] = "distinct",
                                        [NODE_BETWEEN] = "between",
                                        [NODE_IN] = "in",
                                        [NODE_NEGATE] = "neg",
                                        [NODE_EXISTS] = "exists",
                                        [NODE_SUBQUERY] = "from ",
                                        [NODE_NOW] = "now",
                                        [NODE_TODAY] = "today"};
    static const char *const tests[] = {[TEST_NULL] = "null?",
                                        [TEST_TRUE] = "true?",
                                        [TEST_FALSE] = "false?",
                                        [TEST_UNKNOWN] = "unknown?"};
    static const char *const functions[] = {[FUNCTION_LOWER] = "lower",
                                            [FUNCTION_UPPER] = "upper",
                                            [FUNCTION_LENGTH] = "length",
                                            [FUNCTION_COALESCE] = "coalesce"};
    static const char *const aggregates[] = {
        [AGGREGATE_NONE] = "",        [AGGREGATE_COUNT_ROWS] = " count(*)",
        [AGGREGATE_COUNT] = " count", [AGGREGATE_MIN] = " min",
        [AGGREGATE_MAX] = " max",     [AGGREGATE_SUM] = " sum",
        [AGGREGATE_AVG] = " avg"};
    char sign[2] = {(char)node->arithmetic};
    dump_text(out, node->negated ? "not-" : "");
    switch (node->kind) {
    case NODE_COMPARE:
        dump_text(out, dump_order(node->order));
        break;
    case NODE_QUANTIFIED:
        dump_text(out, dump_order(node->order));
        dump_text(out, node->quantifier == QUANTIFIER_ANY ? "any" : "all");
        break;
    case NODE_LIKE:
        dump_text(out, node->fold_case ? "ilike" : "like");
        break;
    case NODE_IS:
        dump_text(out, tests[node->test]);
        break;
    case NODE_ARITHMETIC:
        dump_text(out, sign);
        break;
    case NODE_CALL:
        dump_text(out, functions[node->function]);
        break;
    case NODE_CONVERT:
        dump_text(out, "as ");
        dump_text(out, kind_name(node->type.kind));
        break;
    default:
        dump_text(out, heads[node->kind]);
        break;
    }
    if (node->kind == NODE_SUBQUERY) {
        dump_name(node, out);
        dump_text(out, aggregates[node->aggregate]);
    }
    if (node->kind == NODE_SAVED) {
        dump_text(out, " ");
        dump_name(node, out);
    }
}

/* dump: (operator child child …); a subquery's condition stands behind `where`. */
static void dump(const struct node *node, struct buffer *out)
{
    if (node->kind == NODE_LITERAL) {
        dump_constant(&node->constant, out);
        return;
    }
    if (node->kind == NODE_COLUMN || node->kind == NODE_PARAM) {
        dump_text(out, node->kind == NODE_PARAM ? ":" : "");
        dump_name(node, out);
        return;
    }
    dump_text(out, "(");
    dump_head(node, out);
    for (const struct node *child = node->children; child; child = child->next) {
        dump_text(out, " ");
        dump(child, out);
    }
    if (node->condition) {
        dump_text(out, " where ");
        dump(node->condition, out);
    }
    dump_text(out, ")");
}

#endif
