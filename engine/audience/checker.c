/* checker: see checker.h. One function per kind of node; each checks its children first.
 */
#include "engine/audience/checker.h"

#include "engine/audience/arithmetic.h"
#include "engine/audience/coercion.h"
#include "engine/audience/like.h"
#include "engine/audience/parser.h"
#include "engine/audience/scope.h"

#include "base/bitmap.h"

#include "base/near.h"

#define SAVED_DEPTH_MAX 8

/* A saved audience that is being put in place of its name. */
struct saved {
    struct text name;
    const struct saved *outer;
};

static int check(struct checker *c, const struct scope *scope, struct node *node);

/* --- conditions ------------------------------------------------------------------------- */

static int check_children(struct checker *c, const struct scope *scope, struct node *node)
{
    for (struct node *child = node->children; child; child = child->next) {
        int code = check(c, scope, child);
        if (code)
            return code;
    }
    return 0;
}

/* require_condition: node, already checked, must be true, false or unknown. */
static int require_condition(struct checker *c, struct node *node)
{
    if (node->type.kind == KIND_NULL)
        checker_literal(node, (struct constant){0});
    else if (checker_is_literal(node, KIND_TEXT))
        return coercion_convert(c, node, (struct type){.kind = KIND_BOOL});
    else if (node->type.kind != KIND_BOOL)
        return checker_complain(c, node, "a condition belongs here, not %s",
                                kind_name(node->type.kind));
    return 0;
}

static int check_logic(struct checker *c, const struct scope *scope, struct node *node)
{
    for (struct node *child = node->children; child; child = child->next) {
        int code = check(c, scope, child);
        if (code == 0)
            code = require_condition(c, child);
        if (code)
            return code;
    }
    return 0;
}

static int check_compare(struct checker *c, const struct scope *scope, struct node *node)
{
    int code = check_children(c, scope, node);
    for (struct node *right = node->children->next; right && code == 0;
         right = right->next)
        code =
            coercion_meet(c, node->kind == NODE_IN ? right : node, node->children, right);
    return code;
}

/* is_escape: a text literal of one character, or of none. */
static bool is_escape(const struct node *node)
{
    if (!checker_is_literal(node, KIND_TEXT))
        return false;
    struct text t = node->constant.text;
    const char *at = t.data;
    return t.bytes == 0 || (utf8_next(&at, t.data + t.bytes), at == t.data + t.bytes);
}

static int check_like(struct checker *c, const struct scope *scope, struct node *node)
{
    int code = check_children(c, scope, node);
    if (code)
        return code;
    for (struct node *child = node->children; child; child = child->next) {
        if (child->type.kind != KIND_TEXT && child->type.kind != KIND_NULL)
            return checker_complain(c, child, "%s needs text, not %s",
                                    node->fold_case ? "ILIKE" : "LIKE",
                                    kind_name(child->type.kind));
    }
    struct node *pattern = node->children->next, *escape = pattern->next;
    if (!escape)
        return 0;
    if (!is_escape(escape))
        return checker_complain(c, escape, "ESCAPE takes one character, like ESCAPE '!'");
    struct like like;
    if (checker_is_literal(pattern, KIND_TEXT) &&
        like_init(&like, pattern->constant.text, escape->constant.text, node->fold_case))
        return checker_complain(c, pattern, "the pattern ends with its escape character");
    return 0;
}

static int check_is(struct checker *c, const struct scope *scope, struct node *node)
{
    int code = check(c, scope, node->children);
    if (code || node->test == TEST_NULL)
        return code;
    return require_condition(c, node->children);
}

/* --- values ----------------------------------------------------------------------------- */

static int check_arithmetic(struct checker *c, const struct scope *scope,
                            struct node *node)
{
    int code = check_children(c, scope, node);
    if (code)
        return code;
    struct node *a = node->children, *b = a->next;
    if (checker_is_literal(a, KIND_TEXT) && kind_is_number(b->type.kind))
        code = coercion_convert(c, a, (struct type){.kind = b->type.kind});
    if (code == 0 && checker_is_literal(b, KIND_TEXT) && kind_is_number(a->type.kind))
        code = coercion_convert(c, b, (struct type){.kind = a->type.kind});
    if (code)
        return code;
    if (!arithmetic_type(node->arithmetic, a->type, b->type, &node->type)) {
        if (kind_is_time(a->type.kind) && kind_is_time(b->type.kind))
            return checker_complain(
                c, node,
                "two timestamps cannot be subtracted: compare with … + INTERVAL '…'");
        return checker_complain(c, node, "%s %c %s makes no sense",
                                kind_name(a->type.kind), (char)node->arithmetic,
                                kind_name(b->type.kind));
    }
    if (node->type.kind == KIND_NULL)
        checker_literal(node, (struct constant){0});
    else if (a->kind == NODE_LITERAL && b->kind == NODE_LITERAL)
        checker_literal(node,
                        arithmetic_constant(node->arithmetic, &a->constant, &b->constant,
                                            node->type, c->env->zone));
    return 0;
}

static int check_negate(struct checker *c, const struct scope *scope, struct node *node)
{
    struct node *child = node->children;
    int code = check(c, scope, child);
    if (code)
        return code;
    node->type = child->type;
    if (child->kind == NODE_LITERAL && child->type.kind == KIND_INTERVAL) {
        checker_literal(node, child->constant);
        node->constant.interval = arithmetic_negated(&child->constant.interval);
        return 0;
    }
    if (child->type.kind != KIND_NULL && !kind_is_number(child->type.kind))
        return checker_complain(c, node, "- needs a number, not %s",
                                kind_name(child->type.kind));
    if (checker_is_literal(child, KIND_REAL)) {
        checker_literal(node, constant_real(-child->constant.real));
    } else if (checker_is_literal(child, KIND_EXACT)) {
        struct constant value =
            constant_exact(-child->constant.number, child->type.scale);
        value.real = -child->constant.real;
        checker_literal(node, value);
    } else if (child->kind == NODE_LITERAL) {
        checker_literal(node, (struct constant){0});
    }
    return 0;
}

/* common: the type all arguments of coalesce turn into. */
static int common(struct checker *c, const struct node *node, struct type *out)
{
    *out = (struct type){.kind = KIND_NULL};
    for (const struct node *arg = node->children; arg; arg = arg->next) {
        struct type t = arg->type;
        if (t.kind == KIND_NULL || checker_is_literal(arg, KIND_TEXT))
            continue;
        enum kind kind = out->kind == KIND_NULL ? t.kind : out->kind;
        if (kind_is_number(kind) && kind_is_number(t.kind))
            kind = t.kind == KIND_REAL ? KIND_REAL : kind;
        else if (kind_is_time(kind) && kind_is_time(t.kind))
            kind = t.kind > kind ? t.kind : kind;
        if (t.kind >= KIND_INTERVAL ||
            (kind != t.kind && !(kind_is_number(kind) && kind_is_number(t.kind)) &&
             !(kind_is_time(kind) && kind_is_time(t.kind))))
            return checker_complain(c, arg, "coalesce() cannot mix %s with %s",
                                    kind_name(out->kind), kind_name(t.kind));
        bool differ =
            out->kind != KIND_NULL && (out->scale != t.scale || out->wide != t.wide);
        out->kind = kind;
        out->wide = out->wide || t.wide || differ;
        out->scale = out->scale > t.scale ? out->scale : t.scale;
    }
    if (out->kind == KIND_NULL)
        out->kind = KIND_TEXT;
    if (out->kind == KIND_REAL || out->kind == KIND_DATE)
        *out = (struct type){.kind = out->kind};
    return 0;
}

static int check_call(struct checker *c, const struct scope *scope, struct node *node)
{
    int code = check_children(c, scope, node);
    if (code)
        return code;
    if (node->function == FUNCTION_COALESCE) {
        code = common(c, node, &node->type);
        for (struct node *arg = node->children; arg && code == 0; arg = arg->next) {
            if (arg->type.kind != KIND_NULL)
                code = coercion_convert(c, arg, node->type);
        }
        return code;
    }
    struct node *arg = node->children;
    if (arg->type.kind != KIND_TEXT && arg->type.kind != KIND_NULL)
        return checker_complain(c, arg, "this function needs text, not %s",
                                kind_name(arg->type.kind));
    node->type.kind = node->function == FUNCTION_LENGTH ? KIND_EXACT : KIND_TEXT;
    return 0;
}

static int check_param(struct checker *c, struct node *node)
{
    struct near near = {.wanted = node->name.parts[0]};
    char quoted[SOURCE_QUOTE_BYTES], hint[200];
    for (size_t i = 0; i < c->env->param_count; i++) {
        const struct audience_param *param = &c->env->params[i];
        near_offer(&near, param->name);
        if (!text_equal(param->name, near.wanted))
            continue;
        struct constant value = {0};
        int bad = 0;
        if (param->kind == AUDIENCE_TEXT)
            value = constant_text(arena_text(c->arena, param->value));
        else if (param->kind != AUDIENCE_NULL)
            bad = constant_read(param->value,
                                param->kind == AUDIENCE_BOOL ? KIND_BOOL : KIND_REAL,
                                NULL, &value);
        if (bad)
            return checker_complain(
                c, node, "the value of :%s is not %s", source_quote(near.wanted, quoted),
                param->kind == AUDIENCE_BOOL ? "true or false" : "a number");
        checker_literal(node, value);
        return 0;
    }
    return checker_complain(c, node, "unknown parameter :%s%s",
                            source_quote(near.wanted, quoted),
                            near_hint(&near, hint, sizeof(hint)));
}

static int check_column(struct checker *c, const struct scope *scope, struct node *node)
{
    int code = scope_column(scope, node, &node->place, c->err);
    if (code)
        return code;
    node->type = type_of_column(node->place.column);
    if (node->place.level == 0)
        bitmap_set(c->needed, node->place.path[0]);
    return 0;
}

/* --- tables ----------------------------------------------------------------------------- */

static int check_aggregate(struct checker *c, struct node *node)
{
    struct node *value = node->children;
    enum kind kind = value ? value->type.kind : KIND_EXACT;
    bool sums = node->aggregate == AGGREGATE_SUM || node->aggregate == AGGREGATE_AVG;
    switch (node->aggregate) {
    case AGGREGATE_COUNT_ROWS:
    case AGGREGATE_COUNT:
        node->type = (struct type){.kind = KIND_EXACT};
        return 0;
    case AGGREGATE_NONE:
        return 0;
    default:
        break;
    }
    if (kind == KIND_TEXT && value->kind == NODE_LITERAL)
        sums = true; /* which makes no sense, and is said below */
    if (sums ? !kind_is_number(kind) && kind != KIND_NULL
             : kind == KIND_BOOL || kind >= KIND_INTERVAL)
        return checker_complain(c, value, "this aggregate needs %s, not %s",
                                sums ? "a number" : "numbers, texts or times",
                                kind_name(kind));
    node->type = value->type;
    if (kind == KIND_NULL || node->aggregate == AGGREGATE_AVG)
        node->type = (struct type){.kind = kind == KIND_NULL ? KIND_NULL : KIND_REAL};
    else if (sums && kind == KIND_EXACT)
        node->type.wide = true;
    return 0;
}

static int check_subquery(struct checker *c, const struct scope *scope, struct node *node)
{
    int code = scope_list(scope, node, &node->place, c->err);
    if (code)
        return code;
    if (node->place.level == 0)
        bitmap_set(c->needed, node->place.path[0]);
    struct text called = node->name.parts[node->name.count - 1];
    struct scope inside = scope_of_list(scope, node->place.column, called, node->alias);
    code = check_children(c, &inside, node);
    if (code == 0 && node->condition) {
        code = check(c, &inside, node->condition);
        if (code == 0)
            code = require_condition(c, node->condition);
    }
    return code ? code : check_aggregate(c, node);
}

/* list_as_subquery: x = ANY(tags) means x = ANY(SELECT value FROM tags). */
static int list_as_subquery(struct checker *c, const struct scope *scope,
                            struct node *node)
{
    struct place place;
    int code = scope_list(scope, node, &place, c->err);
    if (code)
        return code;
    const struct column *element = &place.column->children[0];
    if (element->type == COLUMN_STRUCT)
        return checker_complain(c, node,
                                "ANY needs a list of plain values: use EXISTS here");
    struct node *value = parser_node(c->arena, &c->nodes);
    if (!value)
        return checker_complain(c, node, "the expression has more than 4096 parts");
    *value =
        (struct node){.kind = NODE_COLUMN,
                      .source = node->source,
                      .offset = node->offset,
                      .name = {.parts = {TEXT("value")}, .quoted = {true}, .count = 1}};
    node->kind = NODE_SUBQUERY;
    node->children = value;
    return 0;
}

static int check_quantified(struct checker *c, const struct scope *scope,
                            struct node *node)
{
    struct node *left = node->children, *query = left->next;
    int code = check(c, scope, left);
    if (code == 0 && query->kind == NODE_COLUMN)
        code = list_as_subquery(c, scope, query);
    if (code == 0)
        code = check_subquery(c, scope, query);
    if (code)
        return code;
    struct node *value = query->children;
    if (!value || value->next)
        return checker_complain(c, query, "name the column to compare with instead of *");
    return coercion_meet(c, node, left, value);
}

/* check_saved: the saved expression becomes the node's child, checked over the customers.
 */
static int check_saved(struct checker *c, const struct scope *scope, struct node *node)
{
    struct text name = node->name.parts[0];
    char quoted[SOURCE_QUOTE_BYTES];
    source_quote(name, quoted);
    for (const struct saved *s = c->opening; s; s = s->outer) {
        if (text_equal(s->name, name))
            return checker_complain(c, node, "audience('%s') contains itself", quoted);
    }
    if (c->saved_depth == SAVED_DEPTH_MAX)
        return checker_complain(c, node,
                                "saved audiences are nested deeper than 8 levels");
    struct text text = c->env->saved ? c->env->saved(c->env->arg, name) : TEXT_NONE;
    if (!text.data)
        return checker_complain(
            c, node, "unknown saved audience '%s' (volley audience list shows them)",
            quoted);
    struct source *source = arena_alloc(c->arena, sizeof(*source));
    if (!source)
        return checker_complain(c, node, "the expression needs too much memory");
    *source = (struct source){.text = arena_text(c->arena, text), .saved = name};
    while (scope->outer)
        scope = scope->outer;
    if (text_trim(text).bytes == 0) {
        checker_literal(node, constant_bool(true));
        return 0;
    }
    int code = parser_parse(source, c->arena, &c->nodes, &node->children, c->err);
    if (code)
        return code;
    struct saved opening = {.name = name, .outer = c->opening};
    c->opening = &opening;
    c->saved_depth++;
    code = check_logic(c, scope, node);
    c->saved_depth--;
    c->opening = opening.outer;
    return code;
}

/* --- every node ------------------------------------------------------------------------- */

static int check_operator(struct checker *c, const struct scope *scope, struct node *node)
{
    switch (node->kind) {
    case NODE_AND:
    case NODE_OR:
    case NODE_NOT:
        return check_logic(c, scope, node);
    case NODE_COMPARE:
    case NODE_DISTINCT:
    case NODE_BETWEEN:
    case NODE_IN:
        return check_compare(c, scope, node);
    case NODE_LIKE:
        return check_like(c, scope, node);
    case NODE_IS:
        return check_is(c, scope, node);
    case NODE_EXISTS:
        return check_subquery(c, scope, node->children);
    case NODE_QUANTIFIED:
        return check_quantified(c, scope, node);
    default:
        CHECK(node->kind == NODE_SAVED);
        return check_saved(c, scope, node);
    }
}

static int check(struct checker *c, const struct scope *scope, struct node *node)
{
    switch (node->kind) {
    case NODE_LITERAL:
        return 0;
    case NODE_NOW:
        checker_literal(node, constant_time(KIND_INSTANT, c->env->now_ns));
        return 0;
    case NODE_TODAY:
        checker_literal(
            node, constant_date(number_floor(calendar_wall(c->env->zone, c->env->now_ns),
                                             CALENDAR_DAY_NS)));
        return 0;
    case NODE_PARAM:
        return check_param(c, node);
    case NODE_COLUMN:
        return check_column(c, scope, node);
    case NODE_ARITHMETIC:
        return check_arithmetic(c, scope, node);
    case NODE_NEGATE:
        return check_negate(c, scope, node);
    case NODE_CALL:
        return check_call(c, scope, node);
    case NODE_SUBQUERY:
        return check_subquery(c, scope, node);
    default:
        node->type.kind = KIND_BOOL;
        return check_operator(c, scope, node);
    }
}

int checker_check(struct checker *c, struct node *root)
{
    struct scope customers = {
        .columns = c->schema, .column_count = c->column_count, .name = TEXT("customers")};
    int code = check(c, &customers, root);
    return code ? code : require_condition(c, root);
}
