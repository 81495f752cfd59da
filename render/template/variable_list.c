/* variable_list: see variable_list.h.
 *
 *   variables:
 *     first_name: {default: "friend"}
 *     url:
 *     refund: {cases: {column: refund_kind, package: {it: "…", en: "…"}, cash: {it: "…",
 * en: "…"}}} required: [url] */
#include "render/template/variable_list.h"

#include "base/near.h"
#include "render/template/footer.h"

#include <stdlib.h>

#define VARIABLES_MAX 256

int variable_keys(const struct yaml_node *map, const char *file, const char *const *keys,
                  size_t key_count, struct error *err)
{
    if (map->kind != YAML_MAP)
        return error_set(err, ERROR_INPUT,
                         "%s:%u: here a mapping is expected, like {%s: …}", file,
                         map->line, keys[0]);
    for (size_t i = 0; i < map->child_count; i++) {
        struct near near = {.wanted = map->children[i].key};
        bool known = false;
        char hint[256];
        for (size_t k = 0; k < key_count; k++) {
            known |= text_is(near.wanted, keys[k]);
            near_offer(&near, text_of(keys[k]));
        }
        if (!known)
            return error_set(err, ERROR_INPUT, "%s:%u: unknown key \"%.*s\"%s", file,
                             map->children[i].key_line, TEXT_ARGS(near.wanted),
                             near_hint(&near, hint, sizeof(hint)));
    }
    return 0;
}

static bool is_name(struct text t)
{
    for (size_t i = 0; i < t.bytes; i++) {
        char c = t.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              (c >= '0' && c <= '9') || c == '_' || (c == '.' && i > 0)))
            return false;
    }
    return t.bytes > 0 && t.bytes <= 128;
}

static bool is_text(const struct yaml_node *node)
{
    return node->kind == YAML_SCALAR && node->value.data;
}

static int read_cases(const struct yaml_node *cases, const char *file, struct error *err)
{
    const struct yaml_node *column =
        cases->kind == YAML_MAP ? yaml_get(cases, "column") : NULL;
    if (!column || !is_text(column))
        return error_set(
            err, ERROR_INPUT,
            "%s:%u: cases need the column that decides, like {column: refund_kind, "
            "cash: {it: \"…\"}}",
            file, cases->line);
    for (size_t i = 0; i < cases->child_count; i++) {
        const struct yaml_node *node = &cases->children[i];
        bool good = is_text(node) || (node->kind == YAML_MAP && node->child_count > 0);
        for (size_t j = 0; good && j < node->child_count; j++)
            good = is_text(&node->children[j]);
        if (!good)
            return error_set(
                err, ERROR_INPUT,
                "%s:%u: the case \"%.*s\" is a text, or one per language, like {it: "
                "\"…\"}",
                file, node->key_line, TEXT_ARGS(node->key));
    }
    return 0;
}

static int read_variable(struct variable_list *list, const struct yaml_node *node,
                         const char *file, struct error *err)
{
    static const char *const keys[] = {"default", "cases"};
    struct template_variable *variable = &list->variables[list->count];
    *variable = (struct template_variable){.name = node->key};
    if (!is_name(node->key))
        return error_set(err, ERROR_INPUT,
                         "%s:%u: \"%.*s\" is no variable name (letters, digits, _ and .)",
                         file, node->key_line, TEXT_ARGS(node->key));
    if (node->kind == YAML_SCALAR && !node->value.data) { /* nothing to say about it */
        list->count++;
        return 0;
    }
    int rc = variable_keys(node, file, keys, ARRAY_COUNT(keys), err);
    if (rc)
        return rc;
    const struct yaml_node *fallback = yaml_get(node, "default");
    const struct yaml_node *cases = yaml_get(node, "cases");
    if (fallback && fallback->kind != YAML_SCALAR)
        return error_set(err, ERROR_INPUT, "%s:%u: a default is a text", file,
                         fallback->line);
    if (fallback)
        variable->fallback = fallback->value;
    list->cases[list->count++] = cases;
    return cases ? read_cases(cases, file, err) : 0;
}

static int read_required(struct variable_list *list, const struct yaml_node *required,
                         const char *file, struct error *err)
{
    if (required->kind != YAML_LIST)
        return error_set(err, ERROR_INPUT, "%s:%u: required is a list, like [url]", file,
                         required->line);
    for (size_t i = 0; i < required->child_count; i++) {
        const struct yaml_node *node = &required->children[i];
        struct near near = {.wanted = node->value};
        struct template_variable *found = NULL;
        char hint[256];
        for (size_t v = 0; v < list->count; v++) {
            near_offer(&near, list->variables[v].name);
            if (text_equal(list->variables[v].name, node->value))
                found = &list->variables[v];
        }
        if (!found)
            return error_set(err, ERROR_INPUT,
                             "%s:%u: required \"%.*s\" is no variable of the list%s",
                             file, node->line, TEXT_ARGS(node->value),
                             near_hint(&near, hint, sizeof(hint)));
        found->required = true;
    }
    return 0;
}

int variable_list_read(struct variable_list *list, const struct yaml_node *root,
                       const char *file, struct error *err)
{
    const struct yaml_node *variables = yaml_get(root, "variables");
    const struct yaml_node *required = yaml_get(root, "required");
    size_t count = variables ? variables->child_count : 0;
    if (variables && (variables->kind != YAML_MAP || count > VARIABLES_MAX))
        return error_set(
            err, ERROR_INPUT,
            "%s:%u: variables is a mapping of at most %d names, like {first_name: "
            "{default: \"friend\"}}",
            file, variables->line, VARIABLES_MAX);
    /* One more for the unsubscribe link, which every template has. */
    list->variables = calloc(count + 1, sizeof(*list->variables));
    list->cases = calloc(count + 1, sizeof(const struct yaml_node *));
    CHECK(list->variables != NULL && list->cases != NULL);
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = read_variable(list, &variables->children[i], file, err);
    if (rc == 0 && required)
        rc = read_required(list, required, file, err);
    if (rc == 0 && !(variables && yaml_get(variables, FOOTER_VARIABLE)))
        list->variables[list->count++] =
            (struct template_variable){.name = TEXT(FOOTER_VARIABLE)};
    return rc;
}

void variable_list_fini(struct variable_list *list)
{
    free(list->variables);
    free(list->cases);
    *list = (struct variable_list){0};
}

static const struct yaml_node *language_text(const struct yaml_node *node,
                                             struct text language)
{
    for (size_t i = 0; i < node->child_count; i++) {
        if (text_equal_nocase(node->children[i].key, language))
            return &node->children[i];
    }
    return node->kind == YAML_SCALAR ? node : NULL;
}

int variable_list_covers(const struct variable_list *list, struct text language,
                         const char *file, struct error *err)
{
    for (size_t v = 0; v < list->count; v++) {
        const struct yaml_node *cases = list->cases[v];
        for (size_t i = 0; cases && i < cases->child_count; i++) {
            const struct yaml_node *node = &cases->children[i];
            if (!text_is(node->key, "column") && !language_text(node, language))
                return error_set(
                    err, ERROR_INPUT,
                    "%s:%u: the case \"%.*s\" of \"%.*s\" has no text in \"%.*s\"", file,
                    node->line, TEXT_ARGS(node->key), TEXT_ARGS(list->variables[v].name),
                    TEXT_ARGS(language));
        }
    }
    return 0;
}

struct text variable_list_column(const struct variable_list *list, size_t v)
{
    return list->cases[v] ? yaml_get(list->cases[v], "column")->value : TEXT_NONE;
}

struct text variable_list_case(const struct variable_list *list, size_t v,
                               struct text language, struct text value)
{
    const struct yaml_node *cases = list->cases[v];
    for (size_t i = 0; cases && value.data && i < cases->child_count; i++) {
        const struct yaml_node *node = &cases->children[i];
        if (text_is(node->key, "column") || !text_equal(node->key, value))
            continue;
        const struct yaml_node *found = language_text(node, language);
        return found ? found->value : TEXT_NONE;
    }
    return TEXT_NONE;
}
