/* yaml: see yaml.h. */
#include "base/yaml.h"

#include "base/arena.h"

#include <stdlib.h>
#include <yaml.h>

#define YAML_BYTES_MAX ((size_t)1 << 20)
#define YAML_DEPTH_MAX 32
#define YAML_KEYS_MAX  10000 /* of one mapping; each is compared with all before it */
/* libyaml's nodes are copied into ours: at most this many bytes a byte of input. */
#define YAML_ARENA_BYTES ((size_t)256 << 20)

struct yaml {
    struct arena arena;
    struct yaml_node root;
};

struct build {
    struct yaml *yaml;
    yaml_document_t document;
    const char *name;
    struct error *err;
};

static int build_node(struct build *b, int index, int depth, struct yaml_node *out);

static bool is_null_word(struct text t)
{
    return t.bytes == 0 || text_is(t, "~") || text_is(t, "null") || text_is(t, "Null") ||
           text_is(t, "NULL");
}

static int build_scalar(struct build *b, const yaml_node_t *node, struct yaml_node *out)
{
    struct text value = {(const char *)node->data.scalar.value, node->data.scalar.length};
    if (memchr(value.data, '\0', value.bytes))
        return error_set(b->err, ERROR_INPUT, "%s:%u: a NUL byte is not allowed", b->name,
                         out->line);
    out->kind = YAML_SCALAR;
    out->quoted = node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    out->value = !out->quoted && is_null_word(value) ? TEXT_NONE
                                                     : arena_text(&b->yaml->arena, value);
    return 0;
}

static int build_list(struct build *b, const yaml_node_t *node, int depth,
                      struct yaml_node *out)
{
    const yaml_node_item_t *items = node->data.sequence.items.start;
    out->kind = YAML_LIST;
    out->child_count = (size_t)(node->data.sequence.items.top - items);
    out->children =
        arena_zalloc(&b->yaml->arena, out->child_count * sizeof(*out->children));
    CHECK(out->children != NULL);
    for (size_t i = 0; i < out->child_count; i++) {
        int rc = build_node(b, items[i], depth + 1, &out->children[i]);
        if (rc)
            return rc;
    }
    return 0;
}

static int build_map(struct build *b, const yaml_node_t *node, int depth,
                     struct yaml_node *out)
{
    const yaml_node_pair_t *pairs = node->data.mapping.pairs.start;
    out->kind = YAML_MAP;
    out->child_count = (size_t)(node->data.mapping.pairs.top - pairs);
    if (out->child_count > YAML_KEYS_MAX)
        return error_set(b->err, ERROR_INPUT, "%s:%u: more than %d keys", b->name,
                         out->line, YAML_KEYS_MAX);
    out->children =
        arena_zalloc(&b->yaml->arena, out->child_count * sizeof(*out->children));
    CHECK(out->children != NULL);
    for (size_t i = 0; i < out->child_count; i++) {
        struct yaml_node *child = &out->children[i];
        const yaml_node_t *key = yaml_document_get_node(&b->document, pairs[i].key);
        unsigned line = (unsigned)key->start_mark.line + 1;
        if (key->type != YAML_SCALAR_NODE ||
            memchr(key->data.scalar.value, '\0', key->data.scalar.length))
            return error_set(b->err, ERROR_INPUT, "%s:%u: a key must be a plain word",
                             b->name, line);
        child->key = arena_text(
            &b->yaml->arena,
            (struct text){(const char *)key->data.scalar.value, key->data.scalar.length});
        child->key_line = line;
        for (size_t j = 0; j < i; j++) {
            if (text_equal(out->children[j].key, child->key))
                return error_set(
                    b->err, ERROR_INPUT,
                    "%s:%u: the key \"%.*s\" stands here twice (first in line %u)",
                    b->name, line, TEXT_ARGS(child->key), out->children[j].key_line);
        }
        int rc = build_node(b, pairs[i].value, depth + 1, child);
        if (rc)
            return rc;
    }
    return 0;
}

static int build_node(struct build *b, int index, int depth, struct yaml_node *out)
{
    const yaml_node_t *node = yaml_document_get_node(&b->document, index);
    out->line = (unsigned)node->start_mark.line + 1;
    if (depth > YAML_DEPTH_MAX)
        return error_set(b->err, ERROR_INPUT, "%s:%u: nested deeper than %d levels",
                         b->name, out->line, YAML_DEPTH_MAX);
    switch (node->type) {
    case YAML_SCALAR_NODE:
        return build_scalar(b, node, out);
    case YAML_SEQUENCE_NODE:
        return build_list(b, node, depth, out);
    case YAML_MAPPING_NODE:
        return build_map(b, node, depth, out);
    default:
        return error_set(b->err, ERROR_INPUT, "%s:%u: cannot be read", b->name,
                         out->line);
    }
}

/* check_events: an alias would let a few bytes stand for a huge tree, a second document
 * would be ignored; configuration needs neither. */
static int check_events(struct text content, const char *name, struct error *err)
{
    yaml_parser_t parser;
    CHECK(yaml_parser_initialize(&parser));
    yaml_parser_set_input_string(&parser, (const unsigned char *)content.data,
                                 content.bytes);
    int rc = 0;
    unsigned depth = 0, documents = 0;
    for (bool more = true; more && rc == 0;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            rc = error_set(err, ERROR_INPUT, "%s:%zu: %s", name,
                           parser.problem_mark.line + 1,
                           parser.problem ? parser.problem : "is not YAML");
            break;
        }
        unsigned line = (unsigned)event.start_mark.line + 1;
        more = event.type != YAML_STREAM_END_EVENT;
        if (event.type == YAML_ALIAS_EVENT)
            rc = error_set(err, ERROR_INPUT, "%s:%u: aliases (*name) are not supported",
                           name, line);
        documents += event.type == YAML_DOCUMENT_START_EVENT;
        if (documents > 1 && rc == 0)
            rc = error_set(err, ERROR_INPUT, "%s:%u: a second document starts here", name,
                           line);
        bool opens = event.type == YAML_SEQUENCE_START_EVENT ||
                     event.type == YAML_MAPPING_START_EVENT;
        bool closes =
            event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT;
        depth += opens;
        depth -= closes;
        if (depth > YAML_DEPTH_MAX)
            rc = error_set(err, ERROR_INPUT, "%s:%u: nested deeper than %d levels", name,
                           line, YAML_DEPTH_MAX);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return rc;
}

static int load(struct text content, struct build *b)
{
    yaml_parser_t parser;
    CHECK(yaml_parser_initialize(&parser));
    yaml_parser_set_input_string(&parser, (const unsigned char *)content.data,
                                 content.bytes);
    int rc = 0;
    if (!yaml_parser_load(&parser, &b->document)) {
        rc = error_set(b->err, ERROR_INPUT, "%s:%zu: %s", b->name,
                       parser.problem_mark.line + 1,
                       parser.problem ? parser.problem : "is not YAML");
        yaml_parser_delete(&parser);
        return rc;
    }
    b->yaml->root = (struct yaml_node){.kind = YAML_MAP, .line = 1};
    const yaml_node_t *root = yaml_document_get_root_node(&b->document);
    if (root)
        rc = build_node(b, 1, 0, &b->yaml->root);
    yaml_document_delete(&b->document);
    yaml_parser_delete(&parser);
    return rc;
}

int yaml_parse(struct text content, const char *name, struct yaml **out,
               struct error *err)
{
    if (content.bytes > YAML_BYTES_MAX)
        return error_set(err, ERROR_INPUT, "%s is larger than 1 MiB", name);
    int rc = check_events(content, name, err);
    if (rc)
        return rc;
    struct yaml *yaml = calloc(1, sizeof(*yaml));
    CHECK(yaml != NULL);
    rc = arena_init(&yaml->arena, YAML_ARENA_BYTES, err);
    struct build b = {.yaml = yaml, .name = name, .err = err};
    if (rc == 0)
        rc = load(content, &b);
    if (rc) {
        yaml_destroy(&yaml);
        return rc;
    }
    *out = yaml;
    return 0;
}

void yaml_destroy(struct yaml **yaml)
{
    if (!*yaml)
        return;
    arena_fini(&(*yaml)->arena);
    free(*yaml);
    *yaml = NULL;
}

const struct yaml_node *yaml_root(const struct yaml *yaml)
{
    return &yaml->root;
}

const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
    for (size_t i = 0; i < map->child_count; i++) {
        if (text_is(map->children[i].key, key))
            return &map->children[i];
    }
    return NULL;
}
