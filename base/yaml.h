/* yaml: a YAML file as a tree whose nodes know their line.
 *
 * A thin view over libyaml: configuration and template.yaml have mappings with free keys
 * (provider and language names), and every complaint has to name a line. */
#ifndef BASE_YAML_H
#define BASE_YAML_H

#include "base/error.h"
#include "base/text.h"

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml_node {
    enum yaml_kind kind;
    unsigned line;     /* of the value, from 1 */
    unsigned key_line; /* of its key, inside a mapping */
    struct text key;   /* inside a mapping; TEXT_NONE elsewhere */
    struct text value; /* scalar; an unquoted `null`, `~` or nothing is TEXT_NONE */
    bool quoted;       /* scalar in quotes: text even when it looks like a number */
    struct yaml_node *children; /* list items or mapping entries, in file order */
    size_t child_count;
};

struct yaml;

/* yaml_parse: one document; name is the file's name for messages.
 * Shapes: at most 1 MiB, 32 levels. An empty text is an empty mapping.
 * Owns:   the caller destroys it; nodes and texts live as long.
 * Errors: ERROR_INPUT with name and line: syntax, aliases, a key twice. */
int yaml_parse(struct text content, const char *name, struct yaml **out,
               struct error *err) MUST_USE;
void yaml_destroy(struct yaml **yaml);
const struct yaml_node *yaml_root(const struct yaml *yaml);

/* yaml_get: the entry of a mapping, or NULL. */
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);

#endif
