#include "ingest/spool.h"

#include "base/clock.h"
#include "base/file.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char home[64];
static struct error err;
static struct buffer content;

static void set_up(void)
{
    snprintf(home, sizeof(home), "/tmp/volley-spool-XXXXXX");
    cr_assert_not_null(mkdtemp(home));
    cr_assert_eq(spool_make(home, &err), 0);
}

static void tear_down(void)
{
    char command[100];
    buffer_fini(&content);
    snprintf(command, sizeof(command), "rm -rf %s", home);
    cr_assert_eq(system(command), 0);
}

TestSuite(spool, .init = set_up, .fini = tear_down);

static const char *in(const char *folder, const char *name)
{
    static char path[400];
    snprintf(path, sizeof(path), "%s/spool/%s/%s", home, folder, name);
    return path;
}

/* drop: a file straight into a folder, modified at a given second. */
static void drop(const char *folder, const char *name, const char *text,
                 time_t modified_s)
{
    const char *path = in(folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    cr_assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    struct timespec times[2] = {{modified_s, 0}, {modified_s, 0}};
    cr_assert_eq(futimens(fd, times), 0);
    close(fd);
}

static struct spool *opened(void)
{
    struct spool *spool;
    cr_assert_eq(spool_open(home, &spool, &err), 0, "%s", err.text);
    return spool;
}

/* next: the name spool_next hands out, "" for none. */
static const char *next(struct spool *spool)
{
    const char *name;
    int rc = spool_next(spool, &name, &content, &err);
    cr_assert_geq(rc, 0, "%s", err.text);
    return rc ? name : "";
}

static bool readable(struct spool *spool)
{
    struct pollfd poller = {.fd = spool_fd(spool), .events = POLLIN};
    return poll(&poller, 1, 0) == 1;
}

Test(spool, files_come_oldest_first_and_go_to_active)
{
    struct spool *spool = opened();
    drop("incoming", "b.json", "B", 200);
    drop("incoming", "c.json", "C", 100);
    drop("incoming", "a.json", "A", 200);
    drop("incoming", ".hidden.json", "x", 1);
    cr_expect_str_eq(next(spool), "c.json");
    cr_expect_str_eq(content.data, "C");
    cr_expect(file_exists(in("active", "c.json")) &&
              !file_exists(in("incoming", "c.json")));
    cr_expect_str_eq(next(spool), "a.json");
    cr_expect_str_eq(next(spool), "b.json");
    cr_expect_str_eq(next(spool), "");
    cr_expect(file_exists(in("incoming", ".hidden.json")));
    spool_close(&spool);
}

Test(spool, what_a_run_left_in_active_comes_back)
{
    drop("incoming", "a.json", "A", 1);
    drop("active", "old.json", "O", 1);
    struct spool *spool = opened();
    cr_expect_str_eq(next(spool), "a.json");
    const char *name;
    cr_assert_eq(spool_active(spool, &name, &content, &err), 1);
    cr_expect_str_eq(name, "old.json");
    cr_expect_str_eq(content.data, "O");
    cr_expect_eq(spool_active(spool, &name, &content, &err), 0);
    spool_close(&spool);
    spool = opened();
    cr_assert_eq(spool_active(spool, &name, &content, &err), 1);
    cr_expect_str_eq(name, "a.json");
    spool_close(&spool);
}

Test(spool, nothing_is_overwritten)
{
    struct spool *spool = opened();
    for (int i = 0; i < 3; i++) {
        drop("incoming", "a.json", i == 0 ? "0" : i == 1 ? "1" : "2", 1);
        cr_expect_str_eq(next(spool), "a.json");
        cr_expect_eq(spool_move(spool, "a.json", SPOOL_ACTIVE, SPOOL_DONE, &err), 0);
    }
    static const char *const expected[] = {"a.json", "a.1.json", "a.2.json"};
    for (int i = 0; i < 3; i++) {
        buffer_clear(&content);
        cr_assert_eq(file_read(in("done", expected[i]), 10, &content, &err), 0);
        cr_expect_eq(content.data[0], '0' + i);
    }
    drop("active", "b.json", "running", 1);
    drop("incoming", "b.json", "again", 1);
    cr_expect_str_eq(next(spool), "b.1.json");
    cr_expect_str_eq(content.data, "again");
    drop("hold", "c.json", "paused", 1);
    drop("incoming", "c.json", "another job", 1);
    cr_expect_str_eq(next(spool), "c.1.json", "resume finds both by their names");
    cr_expect_lt(spool_move(spool, "none.json", SPOOL_ACTIVE, SPOOL_DONE, &err), 0);
    cr_expect_lt(spool_move(spool, "../x", SPOOL_ACTIVE, SPOOL_DONE, &err), 0);
    spool_close(&spool);
}

Test(spool, a_numbered_name_stays_safe)
{
    char name[160];
    memset(name, 'x', 123);
    strcpy(name + 123, ".json");
    struct spool *spool = opened();
    drop("active", name, "running", 1);
    drop("incoming", name, "again", 1);
    const char *got = next(spool);
    cr_expect(name_is_safe(text_of(got)) && strcmp(got, name) != 0, "%s", got);
    cr_expect_str_eq(content.data, "again");
    spool_close(&spool);
}

static void expect_refused(const char *failed_name, const char *part)
{
    char name[300];
    snprintf(name, sizeof(name), "%s.error.json", failed_name);
    buffer_clear(&content);
    cr_assert_eq(file_read(in("failed", name), 4096, &content, &err), 0, "%s", err.text);
    cr_expect(strstr(content.data, "\"code\": \"input\""), "%s", content.data);
    cr_expect(strstr(content.data, part), "%s", content.data);
    cr_expect(file_exists(in("failed", failed_name)));
}

Test(spool, what_is_no_job_file_is_refused_and_explained)
{
    struct spool *spool = opened();
    drop("incoming", "a.txt", "x", 1);
    drop("incoming", "sp ace\xff.json", "x", 2);
    cr_assert_eq(symlink("/etc/passwd", in("incoming", "link.json")), 0);
    cr_assert_eq(mkfifo(in("incoming", "pipe.json"), 0600), 0);
    cr_assert_eq(mkdir(in("incoming", "dir.json"), 0700), 0);
    drop("incoming", "big.json", "x", 3);
    cr_assert_eq(truncate(in("incoming", "big.json"), (64 << 20) + 1), 0);
    drop("incoming", "good.json", "x", 4000000000);
    cr_expect_str_eq(next(spool), "good.json");
    cr_expect_str_eq(next(spool), "");
    expect_refused("a.txt", "ending in .json");
    expect_refused("sp_ace_.json", "no name for a job file");
    expect_refused("link.json", "symbolic link");
    expect_refused("pipe.json", "no regular file");
    expect_refused("dir.json", "no regular file");
    expect_refused("big.json", "64 MiB");
    spool_close(&spool);
}

Test(spool, a_failed_job_says_why)
{
    struct spool *spool = opened();
    struct error why;
    error_set(&why, ERROR_CONFIG, "no account \"x\"\xC3");
    for (int i = 0; i < 2; i++) {
        drop("incoming", "a.json", "x", 1);
        cr_expect_str_eq(next(spool), "a.json");
        cr_assert_eq(spool_fail(spool, "a.json", SPOOL_ACTIVE, &why, 7, &err), 0, "%s",
                     err.text);
    }
    cr_assert_eq(file_read(in("failed", "a.1.json.error.json"), 4096, &content, &err), 0);
    cr_expect_str_eq(strstr(content.data, "{"),
                     "{\n  \"code\": \"config\",\n"
                     "  \"message\": \"no account \\\"x\\\"?\",\n"
                     "  \"line\": 7\n}\n");
    cr_expect(file_exists(in("failed", "a.json")) &&
              file_exists(in("failed", "a.1.json")));
    cr_expect_lt(spool_fail(spool, "a.json", SPOOL_ACTIVE, &why, 7, &err), 0);
    spool_close(&spool);
}

Test(spool, the_descriptor_tells_of_new_files)
{
    struct spool *spool = opened();
    cr_expect_str_eq(next(spool), "");
    cr_expect(!readable(spool));
    cr_assert_eq(spool_submit(home, "a.json", TEXT("{}"), &err), 0, "%s", err.text);
    cr_expect(readable(spool));
    cr_expect_str_eq(next(spool), "a.json");
    cr_expect_str_eq(content.data, "{}");
    cr_expect_str_eq(next(spool), "");
    cr_expect(!readable(spool));
    cr_expect_lt(spool_submit(home, "a.txt", TEXT("{}"), &err), 0);
    spool_close(&spool);
}

Test(spool, a_file_still_open_for_writing_waits)
{
    struct spool *spool = opened();
    int fd = open(in("incoming", "slow.json"), O_WRONLY | O_CREAT, 0600);
    cr_assert(fd >= 0 && write(fd, "{\"id\"", 5) == 5);
    cr_expect_str_eq(next(spool), "");
    cr_expect(!readable(spool));
    cr_assert_eq(write(fd, ":1}", 3), 3);
    close(fd);
    cr_expect(readable(spool));
    cr_expect_str_eq(next(spool), "slow.json");
    cr_expect_str_eq(content.data, "{\"id\":1}");
    spool_close(&spool);
}

/* Thousands of files: each is claimed by a rename and two syncs, and the folder is read a
 * handful of times. Reading it once per file would take this test minutes. */
Test(spool, thousands_of_files_are_claimed_in_order)
{
    enum { FILES = 2000 };
    struct spool *spool = opened();
    char name[40];
    for (int i = 0; i < FILES; i++) {
        snprintf(name, sizeof(name), "%04d.json", (i * 37) % FILES);
        drop("incoming", name, "{}", 1000 + (i * 37) % FILES);
    }
    for (int i = 0; i < FILES; i++) {
        snprintf(name, sizeof(name), "%04d.json", i);
        cr_assert_str_eq(next(spool), name);
    }
    cr_expect_str_eq(next(spool), "");
    spool_close(&spool);
}
