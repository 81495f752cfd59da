/* config: see config.h. The file's tree is walked beside the table of config_table.c: a
 * key's path finds its row, the row says how to read it and where to put it. Routes come
 * last, because they name providers that may stand below them. */
#include "engine/config.h"

#include "base/arena.h"
#include "base/file.h"
#include "base/near.h"
#include "base/units.h"
#include "base/yaml.h"
#include "engine/config_table.h"
#include "engine/config_value.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CONFIG_BYTES_MAX ((size_t)1 << 20)
#define CONFIG_ARENA     ((size_t)64 << 20)
#define CONFIG_PATH      512
#define ROUTE_WEIGHT_MAX 1000

struct walk {
    const char *home;
    struct arena *arena;
    struct config *config;
    struct error *err;
};

/* Where the walk is: the path in the table ("providers.*"), the path as it reads in the
 * file
 * ("providers.relay"), and the struct that keys below belong to. */
struct spot {
    const char *table;
    const char *shown;
    void *target;
};

static struct config_place place_of(const struct walk *w, const char *shown,
                                    unsigned line)
{
    return (struct config_place){w->home, w->arena, line, shown, w->err};
}

/* path_add: start.key; a key is cut to 100 bytes, which is longer than any in the table.
 */
static void path_add(char out[CONFIG_PATH], const char *start, struct text key)
{
    int bytes = snprintf(out, CONFIG_PATH, "%s%s%.*s", start, *start ? "." : "",
                         (int)(key.bytes < 100 ? key.bytes : 100), key.data);
    CHECK(bytes < CONFIG_PATH); /* the table has two free names a path at most, and a key
                                   of somebody's may follow */
}

/* below: the part of path behind prefix and its dot, or NULL when it is not below prefix.
 */
static const char *below(const char *path, const char *prefix)
{
    size_t bytes = strlen(prefix);
    if (bytes == 0)
        return path;
    return strncmp(path, prefix, bytes) == 0 && path[bytes] == '.' ? path + bytes + 1
                                                                   : NULL;
}

static const struct config_key *find_key(const char *path)
{
    for (size_t i = 0; i < config_key_count; i++) {
        if (strcmp(config_keys[i].path, path) == 0)
            return &config_keys[i];
    }
    return NULL;
}

static bool is_scalar(const struct config_key *key)
{
    return key->type < CONFIG_GROUP;
}

/* --- defaults and required keys of one struct --- */

static int store_defaults(const struct walk *w, const struct spot *spot)
{
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        const char *rest = below(key->path, spot->table);
        if (!rest || strchr(rest, '*') || !is_scalar(key))
            continue;
        struct config_place place = place_of(w, key->path, 0);
        if (key->fallback && *key->fallback) {
            int rc =
                config_value_store(&place, key, text_of(key->fallback), spot->target);
            if (rc)
                return rc;
        } else if (key->type <= CONFIG_ADDRESS) { /* a word's is its first */
            *(const char **)((char *)spot->target + key->offset) = "";
        }
    }
    return 0;
}

static int check_required(const struct walk *w, const struct spot *spot,
                          const struct yaml_node *map)
{
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        const char *rest = below(key->path, spot->table);
        if (!rest || strchr(rest, '*') || key->fallback)
            continue;
        const struct yaml_node *given = yaml_get(map, rest);
        if (!given || given->value.bytes == 0) {
            struct config_place place = place_of(w, spot->shown, map->line);
            return config_complain(&place, "the key \"%s\" is missing", rest);
        }
    }
    return 0;
}

/* --- the walk --- */

static int walk_map(const struct walk *w, const struct yaml_node *map,
                    const struct spot *spot);

static int unknown_key(const struct walk *w, const struct yaml_node *node,
                       const struct spot *spot)
{
    struct near near = {.wanted = node->key};
    char hint[160];
    for (size_t i = 0; i < config_key_count; i++) {
        const char *rest = below(config_keys[i].path, spot->table);
        if (rest && !strpbrk(rest, ".*"))
            near_offer(&near, text_of(rest));
    }
    near_hint(&near, hint, sizeof(hint));
    return error_set(w->err, ERROR_CONFIG, "volley.yaml:%u: %s%sunknown key \"%.*s\"%s",
                     node->key_line, spot->shown, *spot->shown ? ": " : "",
                     (int)(node->key.bytes < 100 ? node->key.bytes : 100), node->key.data,
                     hint);
}

static int wrong_kind(const struct walk *w, const struct yaml_node *node,
                      const char *shown, const char *wanted)
{
    struct config_place place = place_of(w, shown, node->line);
    return config_complain(&place, "must be %s", wanted);
}

/* walk_element: one entry of a map or list: defaults, its keys, what must be there. */
static int walk_element(const struct walk *w, const struct yaml_node *node,
                        const struct spot *spot)
{
    const struct config_key *leaf = find_key(spot->table);
    if (leaf) { /* the value itself is the entry: columns */
        if (node->kind != YAML_SCALAR || node->value.bytes == 0)
            return wrong_kind(w, node, spot->shown, "a name");
        struct config_place place = place_of(w, spot->shown, node->line);
        return config_value_store(&place, leaf, node->value, spot->target);
    }
    if (node->kind != YAML_MAP)
        return wrong_kind(w, node, spot->shown, "a group of keys");
    int rc = store_defaults(w, spot);
    if (rc == 0)
        rc = walk_map(w, node, spot);
    return rc ? rc : check_required(w, spot, node);
}

/* walk_array: a CONFIG_MAP or CONFIG_LIST; every element is one struct, and target's
 * field points to the first. */
static int walk_array(const struct walk *w, const struct yaml_node *node,
                      const struct config_key *key, const char *shown, void *target)
{
    bool map = key->type == CONFIG_MAP;
    if (node->kind != (map ? YAML_MAP : YAML_LIST))
        return wrong_kind(w, node, shown, map ? "a group of names" : "a list");
    struct config_place place = place_of(w, shown, node->line);
    if (node->child_count > key->most)
        return config_complain(&place, "has more than %zu entries", key->most);
    char *elements = arena_zalloc(w->arena, node->child_count * key->bytes + 1);
    if (!elements)
        return config_complain(&place, "the configuration is too large");
    for (size_t i = 0; i < node->child_count; i++) {
        const struct yaml_node *child = &node->children[i];
        char table[CONFIG_PATH], path[CONFIG_PATH], number[24];
        snprintf(number, sizeof(number), "%zu", i + 1);
        path_add(table, key->path, TEXT("*"));
        path_add(path, shown, map ? child->key : text_of(number));
        struct spot spot = {table, path, elements + i * key->bytes};
        if (map) {
            place = place_of(w, path, child->key_line);
            if (!name_is_safe(child->key))
                return config_complain(&place,
                                       "a name is up to 128 letters, digits, `.`, `_` or "
                                       "`-`");
            *(const char **)spot.target = arena_text(w->arena, child->key).data;
        }
        int rc = walk_element(w, child, &spot);
        if (rc)
            return rc;
    }
    *(void **)((char *)target + key->offset) = elements;
    *(size_t *)((char *)target + key->count_offset) = node->child_count;
    return 0;
}

static int walk_scalar(const struct walk *w, const struct yaml_node *node,
                       const struct config_key *key, const char *shown, void *target)
{
    if (node->kind != YAML_SCALAR)
        return wrong_kind(w, node, shown, "a single value");
    if (!node->value.data)
        return wrong_kind(w, node, shown, "a value (leave the key out for its default)");
    if (key->given_offset)
        *(bool *)((char *)target + key->given_offset) = true;
    struct config_place place = place_of(w, shown, node->line);
    return config_value_store(&place, key, node->value, target);
}

static int walk_map(const struct walk *w, const struct yaml_node *map,
                    const struct spot *spot)
{
    int rc = 0;
    for (size_t i = 0; i < map->child_count && rc == 0; i++) {
        const struct yaml_node *node = &map->children[i];
        char table[CONFIG_PATH], shown[CONFIG_PATH];
        path_add(table, spot->table, node->key);
        path_add(shown, spot->shown, node->key);
        const struct config_key *key = find_key(table);
        if (!key || strpbrk(node->key.data, ".*")) /* what has a dot is no path of ours */
            return unknown_key(w, node, spot);
        if (is_scalar(key))
            rc = walk_scalar(w, node, key, shown, spot->target);
        else if (node->kind == YAML_SCALAR && !node->value.data)
            continue; /* a section whose keys are all commented out */
        else if (key->type == CONFIG_MAP || key->type == CONFIG_LIST)
            rc = walk_array(w, node, key, shown, spot->target);
        else if (key->type == CONFIG_GROUP && node->kind != YAML_MAP)
            rc = wrong_kind(w, node, shown, "a group of keys");
        else if (key->type == CONFIG_GROUP)
            rc = walk_map(w, node, &(struct spot){table, shown, spot->target});
    }
    return rc;
}

/* --- routes --- */

/* A route being read. */
struct route_reader {
    const struct walk *w;
    const char *shown;
    struct route_entry *entries; /* [provider_count] */
    size_t count;
};

static int add_to_route(struct route_reader *r, struct text name, unsigned line,
                        size_t tier, uint64_t weight)
{
    const struct config *config = r->w->config;
    struct config_place place = place_of(r->w, r->shown, line);
    struct near near = {.wanted = name};
    char hint[160];
    size_t found = 0;
    while (found < config->provider_count &&
           !text_is(name, config->providers[found].name))
        near_offer(&near, text_of(config->providers[found++].name));
    if (found == config->provider_count)
        return config_complain(&place, "no provider \"%.*s\"%s",
                               (int)(name.bytes < 100 ? name.bytes : 100), name.data,
                               near_hint(&near, hint, sizeof(hint)));
    for (size_t i = 0; i < r->count; i++) {
        if (r->entries[i].provider == found)
            return config_complain(&place, "names the provider \"%s\" twice",
                                   config->providers[found].name);
    }
    r->entries[r->count++] =
        (struct route_entry){(uint8_t)found, (uint8_t)tier, (uint16_t)weight};
    return 0;
}

/* read_tier: a provider's name, or names with their weights. */
static int read_tier(struct route_reader *r, const struct yaml_node *node, size_t tier)
{
    if (node->kind == YAML_SCALAR && node->value.data)
        return add_to_route(r, node->value, node->line, tier, 1);
    if (node->kind != YAML_MAP || node->child_count == 0)
        return wrong_kind(r->w, node, r->shown,
                          "the name of a provider, or weights like {relay: 3, ses: 1}");
    int rc = 0;
    for (size_t i = 0; i < node->child_count && rc == 0; i++) {
        const struct yaml_node *share = &node->children[i];
        uint64_t weight = 0;
        if (share->kind != YAML_SCALAR || units_count(share->value, &weight) ||
            weight < 1 || weight > ROUTE_WEIGHT_MAX)
            return wrong_kind(r->w, share, r->shown,
                              "the weight of a provider, a whole number from 1 to 1000");
        rc = add_to_route(r, share->key, share->key_line, tier, weight);
    }
    return rc;
}

static int read_route(const struct walk *w, const struct yaml_node *node,
                      const struct config_key *key)
{
    bool list = node->kind == YAML_LIST;
    size_t tiers = list ? node->child_count : 1;
    struct config_place place = place_of(w, key->path, node->line);
    if (list && tiers > w->config->provider_count)
        return config_complain(&place, "names more providers than there are");
    struct route_reader r = {.w = w, .shown = key->path};
    r.entries =
        arena_zalloc(w->arena, (w->config->provider_count + 1) * sizeof(*r.entries));
    if (!r.entries)
        return config_complain(&place, "the configuration is too large");
    for (size_t i = 0; i < tiers; i++) {
        int rc = read_tier(&r, list ? &node->children[i] : node, i);
        if (rc)
            return rc;
    }
    *(struct route_entry **)((char *)w->config + key->offset) = r.entries;
    *(size_t *)((char *)w->config + key->count_offset) = r.count;
    return 0;
}

static int read_routes(const struct walk *w, const struct yaml_node *root)
{
    const struct yaml_node *routes = yaml_get(root, "routes");
    int rc = 0;
    for (size_t i = 0; routes && i < routes->child_count && rc == 0; i++) {
        const struct yaml_node *node = &routes->children[i];
        char path[CONFIG_PATH];
        path_add(path, "routes", node->key);
        const struct config_key *key = find_key(path);
        CHECK(key != NULL); /* walk_map refused others */
        if (node->kind != YAML_SCALAR || node->value.data)
            rc = read_route(w, node, key);
    }
    return rc;
}

/* --- the whole --- */

static void lower(char *name)
{
    for (; *name; name++)
        *name = *name >= 'A' && *name <= 'Z' ? (char)(*name | 0x20) : *name;
}

static void finish(struct config *config)
{
    if (config->workers == 0) {
        long processors = sysconf(_SC_NPROCESSORS_ONLN);
        config->workers = processors > 0 ? (unsigned)processors : 1;
    }
    for (size_t i = 0; i < config->provider_count; i++) {
        for (size_t d = 0; d < config->providers[i].domain_count; d++)
            lower((char *)config->providers[i].domains[d].name); /* in our arena */
    }
    char *url = (char *)config->public_url; /* in our arena */
    for (size_t bytes = strlen(url); bytes > 0 && url[bytes - 1] == '/'; bytes--)
        url[bytes - 1] = '\0';
}

static int read_tree(const struct walk *w, const struct yaml_node *root)
{
    struct spot spot = {"", "", w->config};
    if (root->kind != YAML_MAP)
        return error_set(w->err, ERROR_CONFIG,
                         "volley.yaml:1: must hold keys like `listen: 127.0.0.1:8025`");
    int rc = store_defaults(w, &spot);
    if (rc == 0)
        rc = walk_map(w, root, &spot);
    if (rc == 0)
        rc = read_routes(w, root);
    if (rc == 0 && arena_overflowed(w->arena))
        rc = error_set(w->err, ERROR_CONFIG,
                       "volley.yaml: the configuration is too large");
    if (rc == 0)
        finish(w->config);
    return rc;
}

int config_parse(struct text content, const char *home, struct config **out,
                 struct error *err)
{
    struct yaml *yaml = NULL;
    struct error why;
    if (yaml_parse(content, "volley.yaml", &yaml, &why))
        return error_set(err, ERROR_CONFIG, "%s", why.text);
    struct arena *arena = malloc(sizeof(*arena));
    CHECK(arena != NULL);
    int rc = arena_init(arena, CONFIG_ARENA, err);
    if (rc) {
        free(arena);
        yaml_destroy(&yaml);
        return rc;
    }
    struct config *config = calloc(1, sizeof(*config));
    CHECK(config != NULL);
    config->memory = arena;
    config->home = arena_text(arena, text_of(home)).data;
    struct walk w = {home, arena, config, err};
    rc = read_tree(&w, yaml_root(yaml));
    yaml_destroy(&yaml);
    if (rc)
        config_destroy(&config);
    else
        *out = config;
    return rc;
}

int config_load(const char *home, struct config **out, struct error *err)
{
    char path[PATH_BYTES];
    struct buffer content = {0};
    struct error why;
    int rc = path_join(path, home, TEXT("volley.yaml"), err);
    if (rc)
        return rc;
    if (!file_exists(path))
        return error_set(err, ERROR_CONFIG, "%s does not exist: run `volley init %s`",
                         path, home);
    rc = file_read(path, CONFIG_BYTES_MAX, &content, &why);
    if (rc)
        rc = error_set(err, why.kind == ERROR_IO ? ERROR_IO : ERROR_CONFIG, "%s",
                       why.text);
    else
        rc = config_parse(buffer_view(&content), home, out, err);
    buffer_fini(&content);
    return rc;
}

void config_destroy(struct config **config)
{
    if (!*config)
        return;
    arena_fini((*config)->memory);
    free((*config)->memory);
    free(*config);
    *config = NULL;
}

const struct config_tier *config_tier(const struct config *config, struct text name)
{
    for (size_t i = 0; i < config->tier_count; i++) {
        if (text_is(name, config->tiers[i].name))
            return &config->tiers[i];
    }
    return NULL;
}
