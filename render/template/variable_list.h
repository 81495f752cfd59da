/* variable_list: the variables of template.yaml: names, defaults, which are required, and
 * the cases in which a customer's column decides the text (R25). */
#ifndef RENDER_VARIABLE_LIST_H
#define RENDER_VARIABLE_LIST_H

#include "base/yaml.h"
#include "render/template/template.h"

/* Names and texts point into the YAML file, which must live as long. */
struct variable_list {
    struct template_variable *variables;
    const struct yaml_node **cases; /* per variable, or NULL */
    size_t count;
};

/* variable_list_read: `variables` and `required` of template.yaml's root.
 * Errors: ERROR_INPUT with file and line; the list can be finished all the same. */
int variable_list_read(struct variable_list *list, const struct yaml_node *root,
                       const char *file, struct error *err) MUST_USE;
void variable_list_fini(struct variable_list *list);

/* variable_list_covers: every case has a text in this language.
 * Errors: ERROR_INPUT. */
int variable_list_covers(const struct variable_list *list, struct text language,
                         const char *file, struct error *err) MUST_USE;

/* variable_list_column, variable_list_case: see template_set.h. */
struct text variable_list_column(const struct variable_list *list, size_t v);
struct text variable_list_case(const struct variable_list *list, size_t v,
                               struct text language, struct text value);

/* variable_keys: every key of a mapping is one of these.
 * Errors: ERROR_INPUT with the nearest. */
int variable_keys(const struct yaml_node *map, const char *file, const char *const *keys,
                  size_t key_count, struct error *err) MUST_USE;

#endif
