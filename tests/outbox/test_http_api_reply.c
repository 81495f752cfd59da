#include "outbox/providers/http_api_reply.h"

#include <criterion/criterion.h>

static const char document[] =
    "{\"code\":406,\"ok\":true,\"no\":false,\"none\":null,\"rate\":1.5,\"name\":\"x y\","
    "\"errors\":[{\"code\":7},{\"code\":8}],\"data\":{\"id\":\"a\",\"0\":\"zero\"},\"\":"
    "\"empty\"}";

static const struct {
    const char *path;
    const char *found; /* NULL: nothing */
} paths[] = {
    {"code", "406"},
    {"errors.0.code", "7"},
    {"errors.1.code", "8"},
    {"errors.2.code", NULL},
    {"errors.x", NULL},
    {"errors.-1", NULL},
    {"errors.99999999999999999999", NULL},
    {"data.id", "\"a\""},
    {"data.0", "\"zero\""},
    {"data.id.more", NULL},
    {"code.more", NULL},
    {"none", "null"},
    {"nothing", NULL},
    {"cod", NULL},
    {"codes", NULL},
};

Test(http_api_reply, paths_lead_to_their_place)
{
    json_t *root = json_loads(document, 0, NULL);
    cr_assert(root);
    for (size_t i = 0; i < ARRAY_COUNT(paths); i++) {
        const json_t *found = http_api_find(root, paths[i].path);
        char *text = found ? json_dumps(found, JSON_ENCODE_ANY) : NULL;
        cr_expect(text ? paths[i].found && strcmp(text, paths[i].found) == 0
                       : !paths[i].found,
                  "%s: %s", paths[i].path, text);
        free(text);
    }
    cr_expect_eq(http_api_find(root, ""), root);
    cr_expect_eq(http_api_find(root, "$"), root);
    cr_expect_null(http_api_find(NULL, "code"));
    json_decref(root);
}

static const struct {
    struct provider_reply rule;
    unsigned status;
    bool fits;
} rules[] = {
    {{.status = "200", .field = "", .is = ""}, 200, true},
    {{.status = "200", .field = "", .is = ""}, 201, false},
    {{.status = "500-599", .field = "", .is = ""}, 500, true},
    {{.status = "500-599", .field = "", .is = ""}, 599, true},
    {{.status = "500-599", .field = "", .is = ""}, 499, false},
    {{.status = "200, 202 ,400-410", .field = "", .is = ""}, 202, true},
    {{.status = "200, 202 ,400-410", .field = "", .is = ""}, 405, true},
    {{.status = "200, 202 ,400-410", .field = "", .is = ""}, 201, false},
    {{.status = "", .field = "code", .is = "406"}, 200, true},
    {{.status = "", .field = "code", .is = "300|406"}, 200, true},
    {{.status = "", .field = "code", .is = "300 | 406 | 500"}, 200, true},
    {{.status = "", .field = "code", .is = "40"}, 200, false},
    {{.status = "", .field = "code", .is = ""}, 200, true},
    {{.status = "201", .field = "code", .is = "406"}, 200, false},
    {{.status = "", .field = "ok", .is = "true"}, 200, true},
    {{.status = "", .field = "no", .is = "false"}, 200, true},
    {{.status = "", .field = "no", .is = "true"}, 200, false},
    {{.status = "", .field = "rate", .is = "1.5"}, 200, true},
    {{.status = "", .field = "name", .is = "x y"}, 200, true},
    {{.status = "", .field = "name", .is = "X Y"}, 200, false},
    {{.status = "", .field = "none", .is = ""}, 200, false}, /* null is not there */
    {{.status = "", .field = "errors", .is = ""}, 200, true},
    {{.status = "", .field = "errors", .is = "7"}, 200, false},
    {{.status = "", .field = "nothing", .is = ""}, 200, false},
};

Test(http_api_reply, a_rule_fits_by_status_and_field)
{
    json_t *root = json_loads(document, 0, NULL);
    for (size_t i = 0; i < ARRAY_COUNT(rules); i++) {
        struct http_api_rules *parsed;
        struct error err = {0};
        struct provider_reply rule = rules[i].rule;
        rule.means = PROVIDER_MEANS_DEAD;
        cr_assert_eq(http_api_rules_parse(&rule, 1, &parsed, &err), 0, "%s", err.text);
        cr_expect_eq(http_api_rules_match(parsed, rules[i].status, root),
                     rules[i].fits ? (int)PROVIDER_MEANS_DEAD : -1, "case %zu", i);
        /* without JSON only rules without a field can fit */
        cr_expect_eq(http_api_rules_match(parsed, rules[i].status, NULL) >= 0,
                     rules[i].fits && !rule.field[0], "case %zu", i);
        http_api_rules_destroy(&parsed);
    }
    json_decref(root);
}

Test(http_api_reply, the_first_rule_decides)
{
    static const struct provider_reply list[] = {
        {.status = "200", .field = "code", .is = "1", .means = PROVIDER_MEANS_FAILED},
        {.status = "200", .field = "code", .is = "406", .means = PROVIDER_MEANS_DEAD},
        {.status = "200", .field = "", .is = "", .means = PROVIDER_MEANS_SENT},
    };
    struct http_api_rules *parsed;
    json_t *root = json_loads(document, 0, NULL);
    cr_assert_eq(http_api_rules_parse(list, 3, &parsed, NULL), 0);
    cr_expect_eq(http_api_rules_match(parsed, 200, root), (int)PROVIDER_MEANS_DEAD);
    cr_expect_eq(http_api_rules_match(parsed, 200, NULL), (int)PROVIDER_MEANS_SENT);
    cr_expect_eq(http_api_rules_match(parsed, 500, root), -1);
    cr_expect(http_api_rules_need_json(parsed, 200));
    cr_expect_not(http_api_rules_need_json(parsed, 500));
    http_api_rules_destroy(&parsed);
    json_decref(root);
}

static const struct {
    struct provider_reply rule;
    const char *complaint;
} wrong[] = {
    {{.status = "2xx", .field = "", .is = ""}, "replies.2.status: \"2xx\" is no status"},
    {{.status = "99", .field = "", .is = ""}, "replies.2.status: "},
    {{.status = "200-", .field = "", .is = ""}, NULL}, /* as 200 */
    {{.status = "200,,202", .field = "", .is = ""}, "replies.2.status: "},
    {{.status = "600", .field = "", .is = ""}, "replies.2.status: "},
    {{.status = "200", .field = "", .is = "x"}, "replies.2.is: there is no field"},
    {{.status = "", .field = "", .is = ""}, "replies.2: a rule needs"},
};

Test(http_api_reply, mistakes_are_named_by_their_rule)
{
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        struct provider_reply list[] = {{.status = "200", .field = "", .is = ""},
                                        wrong[i].rule};
        struct http_api_rules *parsed = NULL;
        struct error err = {0};
        int rc = http_api_rules_parse(list, 2, &parsed, &err);
        cr_expect_eq(rc, wrong[i].complaint ? -ERROR_CONFIG : 0, "case %zu", i);
        if (wrong[i].complaint)
            cr_expect(strncmp(err.text, wrong[i].complaint, strlen(wrong[i].complaint)) ==
                          0,
                      "case %zu: %s", i, err.text);
        http_api_rules_destroy(&parsed);
    }
}
