/* yaml: the tree with its lines, and what is refused. */
#include "base/buffer.h"
#include "base/yaml.h"

#include <criterion/criterion.h>
#include <stdlib.h>

Test(yaml, tree)
{
    static const char content[] = "a: 1\n"
                                  "# comment\n"
                                  "b: {c: \"x y\", d: ~}\n"
                                  "e:\n"
                                  "  - one\n"
                                  "  - 'null'\n"
                                  "f: |\n"
                                  "  line\n"
                                  "g:\n";
    struct yaml *yaml;
    struct error err;
    cr_assert_eq(yaml_parse(text_of(content), "t.yaml", &yaml, &err), 0, "%s", err.text);
    const struct yaml_node *root = yaml_root(yaml), *b = yaml_get(root, "b");
    cr_assert_eq(root->kind, YAML_MAP);
    cr_assert_eq(root->child_count, 5u);
    cr_expect(text_is(yaml_get(root, "a")->value, "1") && !yaml_get(root, "a")->quoted);
    cr_expect(b->kind == YAML_MAP && b->key_line == 3 && b->child_count == 2);
    cr_expect(text_is(yaml_get(b, "c")->value, "x y") && yaml_get(b, "c")->quoted);
    cr_expect_null(yaml_get(b, "d")->value.data);
    const struct yaml_node *e = yaml_get(root, "e");
    cr_assert(e->kind == YAML_LIST && e->child_count == 2);
    cr_expect(e->key_line == 4 && e->children[0].line == 5 && e->children[1].line == 6);
    cr_expect(text_is(e->children[1].value, "null"), "quoted it is a text");
    cr_expect(text_is(yaml_get(root, "f")->value, "line\n"));
    cr_expect_null(yaml_get(root, "g")->value.data);
    cr_expect_null(yaml_get(root, "h"));
    yaml_destroy(&yaml);
    cr_expect_null(yaml);
}

Test(yaml, empty_is_an_empty_mapping)
{
    static const char *const empty[] = {"", "\n", "# only\n", "---\n...\n"};
    for (size_t i = 0; i < ARRAY_COUNT(empty); i++) {
        struct yaml *yaml;
        cr_assert_eq(yaml_parse(text_of(empty[i]), "t", &yaml, NULL), 0);
        const struct yaml_node *root = yaml_root(yaml);
        cr_expect(root->child_count == 0 &&
                  (root->kind == YAML_MAP || !root->value.data));
        yaml_destroy(&yaml);
    }
}

Test(yaml, refused)
{
    static const struct {
        const char *content, *start;
    } cases[] = {
        {"a: b: c\n", "t:1: "},
        {"a: 1\n\"b: 2\n", "t:"},
        {"a: &x 1\nb: *x\n", "t:2: aliases"},
        {"a: 1\nb: 2\na: 3\n", "t:3: the key \"a\" stands here twice (first in line 1)"},
        {"? [a]\n: 1\n", "t:1: a key must be a plain word"},
        {"\"a\\0b\": 1\n", "t:1: a key must be a plain word"},
        {"a: \"x\\0y\"\n", "t:1: a NUL byte"},
        {"a: 1\n---\na: 2\n", "t:2: a second document starts here"},
        {"a: \xff\n", "t:"},
        {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "t:1: nested deeper than 32 levels"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct yaml *yaml = NULL;
        struct error err;
        cr_expect_eq(yaml_parse(text_of(cases[i].content), "t", &yaml, &err),
                     -ERROR_INPUT, "%s", cases[i].content);
        cr_expect_eq(strncmp(err.text, cases[i].start, strlen(cases[i].start)), 0, "%s",
                     err.text);
        cr_expect_null(yaml);
    }
}

Test(yaml, limits)
{
    struct yaml *yaml = NULL;
    struct error err;
    struct buffer b = {0};
    for (int i = 0; i <= 10000; i++)
        buffer_format(&b, "k%d: 1\n", i);
    cr_expect_eq(yaml_parse(buffer_view(&b), "t", &yaml, &err), -ERROR_INPUT);
    cr_expect_str_eq(err.text, "t:1: more than 10000 keys");
    buffer_clear(&b);
    memset(buffer_room(&b, (1 << 20) + 1), ' ', (1 << 20) + 1);
    b.bytes = (1 << 20) + 1;
    cr_expect_eq(yaml_parse(buffer_view(&b), "t", &yaml, &err), -ERROR_INPUT);
    cr_expect_str_eq(err.text, "t is larger than 1 MiB");
    buffer_fini(&b);
}
