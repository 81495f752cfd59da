/* near: distances, and which name is offered. */
#include "base/near.h"
#include "base/check.h"

#include <criterion/criterion.h>

Test(near, distance)
{
    static const struct {
        const char *a, *b;
        size_t distance;
    } cases[] = {
        {"", "", 0},       {"", "abc", 3},        {"abc", "abc", 0},
        {"ABC", "abc", 0}, {"abc", "abd", 1},     {"abc", "ab", 1},
        {"abc", "acb", 1}, {"frist", "first", 1}, {"kitten", "sitting", 3},
        {"ca", "abc", 3},  {"flaw", "lawn", 2},   {"listne", "listen", 1},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct text a = text_of(cases[i].a), b = text_of(cases[i].b);
        size_t d = cases[i].distance;
        cr_expect_eq(near_distance(a, b, 9), d, "%s %s", cases[i].a, cases[i].b);
        cr_expect_eq(near_distance(b, a, 9), d);
        if (d > 0)
            cr_expect_eq(near_distance(a, b, d - 1), d, "at most limit + 1");
    }
    static char longer[300];
    cr_expect_eq(near_distance((struct text){longer, 300}, TEXT("a"), 2), 3u);
}

static const char *best(const char *wanted, char out[128])
{
    static const char *const names[] = {"first_name", "last_name", "email",
                                        "id",         "phone",     "x"};
    struct near near = {.wanted = text_of(wanted)};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        near_offer(&near, text_of(names[i]));
    return near_hint(&near, out, 128);
}

Test(near, hints)
{
    static const struct {
        const char *wanted, *hint;
    } cases[] = {
        {"frist_name", " (did you mean \"first_name\"?)"},
        {"lastname", " (did you mean \"last_name\"?)"},
        {"EMAIL", " (did you mean \"email\"?)"},
        {"telephone", ""},
        {"di", " (did you mean \"id\"?)"},
        {"y", ""}, /* a whole letter is all of it */
        {"", ""},
    };
    char out[128];
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        cr_expect_str_eq(best(cases[i].wanted, out), cases[i].hint);
}
