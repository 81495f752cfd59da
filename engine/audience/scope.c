/* scope: see scope.h. */
#include "engine/audience/scope.h"

#include "base/near.h"

struct scope scope_of_list(const struct scope *outer, const struct column *list,
                           struct text name, struct text alias)
{
    const struct column *element = &list->children[0];
    bool plain = element->type != COLUMN_STRUCT;
    return (struct scope){
        .outer = outer,
        .level = outer->level + 1,
        .columns = plain ? element : element->children,
        .column_count = plain ? 1 : element->child_count,
        .plain = plain,
        .name = name,
        .alias = alias,
    };
}

static struct text column_name(const struct scope *scope, size_t i)
{
    return scope->plain ? TEXT("value") : text_of(scope->columns[i].name);
}

static bool same(struct text wanted, bool quoted, struct text candidate)
{
    return quoted ? text_equal(wanted, candidate) : text_equal_nocase(wanted, candidate);
}

/* find: the column of exactly this name, else the only one that differs in case; or -1.
 */
static int find(const struct scope *scope, struct text wanted, bool quoted)
{
    int found = -1;
    for (size_t i = 0; i < scope->column_count; i++) {
        struct text name = column_name(scope, i);
        if (text_equal(wanted, name))
            return (int)i;
        if (!quoted && text_equal_nocase(wanted, name))
            found = found == -1 ? (int)i : -2;
    }
    return found < 0 ? -1 : found;
}

static int unknown_column(const struct scope *scope, const struct node *node,
                          uint32_t part, struct error *err)
{
    struct text wanted = node->name.parts[part];
    struct near near = {.wanted = wanted};
    for (size_t i = 0; i < scope->column_count; i++)
        near_offer(&near, column_name(scope, i));
    char quoted[SOURCE_QUOTE_BYTES], table[SOURCE_QUOTE_BYTES], hint[200];
    source_quote(wanted, quoted);
    near_hint(&near, hint, sizeof(hint));
    if (!scope->outer)
        return source_error(node->source, node->offset, err, "unknown column \"%s\"%s",
                            quoted, hint);
    const struct scope *customers = scope;
    while (customers->outer)
        customers = customers->outer;
    if (!near.best.data && find(customers, wanted, node->name.quoted[part]) >= 0)
        return source_error(
            node->source, node->offset, err,
            "unknown column \"%s\" in %s (the customer's is customers.%s)", quoted,
            source_quote(scope->name, table), quoted);
    return source_error(node->source, node->offset, err, "unknown column \"%s\" in %s%s",
                        quoted, source_quote(scope->name, table), hint);
}

/* fields: follow the parts behind a column into its structs. */
static int fields(const struct node *node, uint32_t part, struct place *out,
                  struct error *err)
{
    for (; part < node->name.count; part++) {
        struct scope inside = {.columns = out->column->children,
                               .column_count = out->column->child_count};
        char quoted[SOURCE_QUOTE_BYTES];
        if (out->column->type != COLUMN_STRUCT)
            return source_error(node->source, node->offset, err, "\"%s\" has no fields%s",
                                source_quote(node->name.parts[part - 1], quoted),
                                column_is_list(out->column)
                                    ? " (it is a list: use EXISTS, ANY or an aggregate)"
                                    : "");
        int i = find(&inside, node->name.parts[part], node->name.quoted[part]);
        if (i < 0)
            return unknown_column(&inside, node, part, err);
        out->column = &out->column->children[i];
        out->path[out->depth++] = (uint32_t)i;
    }
    return 0;
}

/* table_of: the scope the name starts with, or the innermost; *part_out: where its column
 * is. */
static const struct scope *table_of(const struct scope *scope, const struct name *name,
                                    uint32_t *part_out)
{
    *part_out = 0;
    if (name->count < 2)
        return scope;
    for (const struct scope *s = scope; s; s = s->outer) {
        if (same(name->parts[0], name->quoted[0], s->alias.data ? s->alias : s->name)) {
            *part_out = 1;
            return s;
        }
    }
    return scope;
}

static int usable(const struct node *node, const struct column *column, struct error *err)
{
    if (type_of_column(column).kind != KIND_UNSUPPORTED)
        return 0;
    char name[SOURCE_QUOTE_BYTES], type[SOURCE_QUOTE_BYTES];
    return source_error(
        node->source, node->offset, err,
        "column \"%s\" has the type %s, which filters cannot use",
        source_quote(node->name.parts[node->name.count - 1], name),
        source_quote(text_of(column->type_name ? column->type_name : "?"), type));
}

int scope_column(const struct scope *scope, const struct node *node, struct place *out,
                 struct error *err)
{
    uint32_t part;
    const struct scope *table = table_of(scope, &node->name, &part);
    int i = find(table, node->name.parts[part], node->name.quoted[part]);
    if (i < 0)
        return unknown_column(table, node, part, err);
    *out = (struct place){.level = table->level,
                          .depth = 1,
                          .path = {(uint32_t)i},
                          .column = &table->columns[i]};
    int code = fields(node, part + 1, out, err);
    return code ? code : usable(node, out->column, err);
}

static int unknown_list(const struct scope *scope, const struct node *node,
                        struct error *err)
{
    struct near near = {.wanted = node->name.parts[0]};
    for (const struct scope *s = scope; s; s = s->outer) {
        for (size_t i = 0; i < s->column_count; i++) {
            if (column_is_list(&s->columns[i]))
                near_offer(&near, column_name(s, i));
        }
    }
    char quoted[SOURCE_QUOTE_BYTES], hint[200];
    return source_error(node->source, node->offset, err, "unknown list column \"%s\"%s",
                        source_quote(node->name.parts[0], quoted),
                        near_hint(&near, hint, sizeof(hint)));
}

int scope_list(const struct scope *scope, const struct node *node, struct place *out,
               struct error *err)
{
    uint32_t part;
    const struct scope *table = table_of(scope, &node->name, &part);
    while (part == 0 && table &&
           find(table, node->name.parts[0], node->name.quoted[0]) < 0)
        table = table->outer;
    if (!table)
        return unknown_list(scope, node, err);
    int code = scope_column(table, node, out, err);
    if (code)
        return code;
    char quoted[SOURCE_QUOTE_BYTES];
    if (!column_is_list(out->column) || out->column->child_count < 1)
        return source_error(node->source, node->offset, err, "\"%s\" is no list but %s",
                            source_quote(node->name.parts[node->name.count - 1], quoted),
                            kind_name(type_of_column(out->column).kind));
    return 0;
}
