#include "ingest/control_file.h"

#include <criterion/criterion.h>

Test(control_file, cases)
{
    static const struct {
        const char *json, *job, *complaint;
        enum control_wish wish;
    } cases[] = {
        {"{\"job\": \"a-1\", \"do\": \"pause\"}", "a-1", NULL, CONTROL_PAUSE},
        {"{\"do\": \"resume\", \"job\": \"a.b\"}", "a.b", NULL, CONTROL_RESUME},
        {"{\"job\": \"a\", \"do\": \"cancel\"}", "a", NULL, CONTROL_CANCEL},
        {"{\"job\": \"a\", \"do\": \"stop\"}", NULL, "c.json:1: ", 0},
        {"{\"job\": \"a\",\n\"do\": \"cancle\"}", NULL, "did you mean \"cancel\"", 0},
        {"{\"job\": \"../a\", \"do\": \"pause\"}", NULL, "the id of a job", 0},
        {"{\"do\": \"pause\"}", NULL, "needs the key \"job\"", 0},
        {"{\"job\": \"a\"}", NULL, "needs the key \"do\"", 0},
        {"{\"job\": \"a\", \"do\": \"pause\", \"id\": 1}", NULL, "unknown key \"id\"", 0},
        {"[]", NULL, "c.json:1: ", 0},
        {"", NULL, "c.json:", 0},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct control_file file;
        struct error err = {0};
        int rc = control_file_parse(text_of(cases[i].json), "c.json", &file, &err);
        if (cases[i].complaint) {
            cr_expect_eq(rc, -ERROR_INPUT, "case %zu", i);
            cr_expect(strstr(err.text, cases[i].complaint), "case %zu: %s", i, err.text);
        } else {
            cr_expect_eq(rc, 0, "case %zu: %s", i, err.text);
            cr_expect_str_eq(file.job, cases[i].job);
            cr_expect_eq(file.wish, cases[i].wish);
        }
    }
}
