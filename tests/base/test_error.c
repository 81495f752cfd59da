/* error: codes, places in front, and sentences longer than the buffer. */
#include "base/error.h"
#include "base/text.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

Test(error, kinds)
{
    static const struct {
        enum error_kind kind;
        int exit_status;
        const char *name;
    } cases[] = {
        {ERROR_USAGE, 2, "usage"},          {ERROR_CONFIG, 78, "config"},
        {ERROR_INPUT, 65, "input"},         {ERROR_IO, 74, "io"},
        {ERROR_TEMPORARY, 69, "temporary"}, {ERROR_PERMANENT, 69, "permanent"},
        {ERROR_AGAIN, 75, "again"},         {ERROR_BUG, 70, "bug"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct error err = {0};
        cr_expect_eq(error_set(&err, cases[i].kind, "no %s", "milk"),
                     -(int)cases[i].kind);
        cr_expect_eq(err.kind, cases[i].kind);
        cr_expect_str_eq(err.text, "no milk");
        cr_expect_eq(error_set(NULL, cases[i].kind, "no %s", "milk"),
                     -(int)cases[i].kind);
        cr_expect_eq(error_exit_status(cases[i].kind), cases[i].exit_status);
        cr_expect_str_eq(error_kind_name(cases[i].kind), cases[i].name);
    }
}

Test(error, io_and_prefix)
{
    struct error err;
    errno = ENOENT;
    cr_expect_eq(error_io(&err, "cannot open %s", "a"), -ERROR_IO);
    cr_expect_str_eq(err.text, "cannot open a: No such file or directory");
    error_prefix(&err, "%s:%d: ", "jobs/a.json", 12);
    cr_expect_str_eq(err.text,
                     "jobs/a.json:12: cannot open a: No such file or directory");
    error_prefix(NULL, "x");
}

Test(error, what_is_too_long_is_cut_and_stays_utf8)
{
    static const char *const characters[] = {"a", "ü", "€", "😀"};
    for (size_t c = 0; c < ARRAY_COUNT(characters); c++) {
        for (size_t shift = 0; shift < 4; shift++) {
            char longer[2000] = "";
            struct error err;
            memset(longer, '.', shift);
            longer[shift] = '\0';
            while (strlen(longer) < 1000)
                strcat(longer, characters[c]);
            error_set(&err, ERROR_INPUT, "%s", longer);
            cr_expect_lt(strlen(err.text), (size_t)ERROR_TEXT_BYTES);
            cr_expect_gt(strlen(err.text), (size_t)ERROR_TEXT_BYTES - 5);
            cr_expect(utf8_valid(text_of(err.text)), "%zu of %s", shift, characters[c]);
            error_prefix(&err, "p: ");
            cr_expect(utf8_valid(text_of(err.text)));
            cr_expect_eq(strncmp(err.text, "p: ", 3), 0);
        }
    }
}

Test(error, quoted_bytes_become_utf8)
{
    struct error err;
    error_set(&err, ERROR_INPUT, "no \"%s\"", "\xff\xc3.\xe2\x82");
    cr_expect_str_eq(err.text, "no \"??.??\"");
}
