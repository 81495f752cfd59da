/* file: whole files, folders, and names that must not leave theirs. */
#include "base/file.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];

static const char *in(const char *name)
{
    static char path[PATH_BYTES];
    cr_assert_eq(path_join(path, dir, text_of(name), NULL), 0);
    return path;
}

static void setup(void)
{
    snprintf(dir, sizeof(dir), "/tmp/volley-test-XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
}

static size_t entries(void)
{
    size_t count = 0;
    DIR *d = opendir(dir);
    for (struct dirent *e; (e = readdir(d));)
        count += e->d_name[0] != '.';
    closedir(d);
    return count;
}

static void teardown(void)
{
    char command[100];
    snprintf(command, sizeof(command), "rm -r %s", dir);
    cr_expect_eq(system(command), 0);
}

TestSuite(file, .init = setup, .fini = teardown);

static void holds(const char *path, struct text wanted)
{
    struct buffer b = {0};
    cr_assert_eq(file_read(path, 1 << 20, &b, NULL), 0);
    cr_expect(text_equal(buffer_view(&b), wanted));
    buffer_fini(&b);
}

Test(file, write_and_read)
{
    cr_assert_eq(file_write(in("a"), TEXT("one\0two"), NULL), 0);
    holds(in("a"), TEXT("one\0two"));
    cr_assert_eq(file_write(in("a"), TEXT(""), NULL), 0);
    holds(in("a"), TEXT(""));
    static char large[300000];
    memset(large, 'x', sizeof(large));
    cr_assert_eq(file_write(in("a"), (struct text){large, sizeof(large)}, NULL), 0);
    holds(in("a"), (struct text){large, sizeof(large)});
    cr_expect_eq(entries(), 1u, "no temporary file stays");
}

Test(file, a_failed_write_leaves_the_old_content)
{
    static char large[100000];
    struct error err;
    struct rlimit old, small = {.rlim_cur = 4096};
    cr_assert_eq(file_write(in("a"), TEXT("old"), NULL), 0);
    getrlimit(RLIMIT_FSIZE, &old);
    small.rlim_max = old.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small); /* the disk is full in the middle of the file */
    int rc = file_write(in("a"), (struct text){large, sizeof(large)}, &err);
    setrlimit(RLIMIT_FSIZE, &old);
    cr_expect_eq(rc, -ERROR_IO);
    cr_expect_not_null(strstr(err.text, "cannot write"), "%s", err.text);
    holds(in("a"), TEXT("old"));
    cr_expect_eq(entries(), 1u);
}

Test(file, read_errors)
{
    struct buffer b = {0};
    struct error err;
    cr_expect_eq(file_read(in("none"), 10, &b, &err), -ERROR_INPUT);
    cr_expect_eq(file_read(dir, 10, &b, &err), -ERROR_INPUT);
    cr_expect_not_null(strstr(err.text, "is a folder"));
    cr_assert_eq(file_write(in("a"), TEXT("12345678901"), NULL), 0);
    cr_expect_eq(file_read(in("a"), 10, &b, &err), -ERROR_INPUT);
    cr_expect_not_null(strstr(err.text, "is larger than 10 bytes"));
    buffer_fini(&b);
    cr_expect_eq(file_write("/nowhere/a", TEXT("x"), &err), -ERROR_IO);
}

Test(file, folders)
{
    struct error err;
    cr_expect_eq(file_make_dirs(in("a/b/c"), &err), 0, "%s", err.text);
    cr_expect_eq(file_make_dirs(in("a/b/c/"), &err), 0);
    cr_expect(file_exists(in("a/b/c")) && !file_exists(in("a/b/d")));
    cr_expect_eq(file_sync_dir(in("a/b"), &err), 0);
    cr_assert_eq(file_write(in("f"), TEXT(""), NULL), 0);
    cr_expect_eq(file_make_dirs(in("f"), &err), -ERROR_IO, "a file is no folder");
    cr_expect_eq(file_make_dirs(in("f/g"), &err), -ERROR_IO);
    cr_expect_eq(file_make_dirs("", &err), -ERROR_IO);
    cr_expect_eq(file_sync_dir(in("none"), &err), -ERROR_IO);
    cr_assert_eq(symlink("/nowhere", in("dangling")), 0);
    cr_expect(file_exists(in("dangling")));
}

Test(file, names_and_paths)
{
    static const struct {
        const char *name;
        bool safe, inside;
    } cases[] = {
        {"a", true, true},    {"a.b_c-9", true, true}, {".a", false, true},
        {"", false, false},   {"..", false, false},    {"a/..", false, false},
        {"a/b", false, true}, {"/a", false, false},    {"a/../b", false, false},
        {"a..b", true, true}, {"..a", false, true},    {"a b", false, true},
        {"ä", false, true},   {"a/./b", false, true},  {"../a", false, false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        cr_expect_eq(name_is_safe(text_of(cases[i].name)), cases[i].safe, "%s",
                     cases[i].name);
        cr_expect_eq(path_is_inside(text_of(cases[i].name)), cases[i].inside, "%s",
                     cases[i].name);
    }
    char longest[PATH_BYTES + 1], out[PATH_BYTES];
    memset(longest, 'a', sizeof(longest));
    cr_expect(name_is_safe((struct text){longest, 128}));
    cr_expect_not(name_is_safe((struct text){longest, 129}));
    cr_expect_not(path_is_inside((struct text){longest, PATH_BYTES}));
    cr_expect_not(path_is_inside(TEXT("a\0b")));
    cr_expect_eq(path_join(out, "d", (struct text){longest, PATH_BYTES - 3}, NULL), 0);
    cr_expect_eq(path_join(out, "d", (struct text){longest, PATH_BYTES - 2}, NULL),
                 -ERROR_INPUT);
}
