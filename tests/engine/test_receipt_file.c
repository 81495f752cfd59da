/* receipt_file: the same receipts in any order, twice, over several openings, are the same file; the
 * oracle is an array that keeps the largest. */
#include "engine/results/receipt_file.h"
#include "tests/engine/home.h"

#include <criterion/criterion.h>

enum { ROWS = 1300, RECEIPTS = 4000 };

static char home[64];

static void set_up(void)
{
    home_make(home);
}

static void tear_down(void)
{
    home_remove(home);
}

TestSuite(receipt_file, .init = set_up, .fini = tear_down);

struct heard {
    uint64_t row;
    struct receipt receipt;
};

static const char *const codes[] = {"", "5.1.1", "4.2.2", "30005"};

static int rank(enum receipt_status status)
{
    return status == RECEIPT_COMPLAINED ? 3 : status == RECEIPT_READ ? 2 : 1;
}

static bool is_more(const struct receipt *a, const struct receipt *b)
{
    if (rank(a->status) != rank(b->status))
        return rank(a->status) > rank(b->status);
    if (a->at_s != b->at_s)
        return a->at_s > b->at_s;
    if (a->status != b->status)
        return a->status > b->status;
    return strcmp(a->code.data, b->code.data) > 0;
}

static void put_all(const struct heard *all, const size_t *order)
{
    struct receipt_file *file = NULL;
    struct error err;
    for (size_t i = 0; i < RECEIPTS; i++) {
        if (i % 1000 == 0) {
            cr_assert_eq(receipt_file_close(&file, &err), 0);
            cr_assert_eq(receipt_file_open(home, ROWS, true, &file, &err), 0, "%s",
                         err.text);
        }
        const struct heard *one = &all[order[i]];
        bool would = receipt_file_would(file, one->row, &one->receipt);
        cr_assert_eq(receipt_file_put(file, one->row, &one->receipt, &err), would);
        cr_assert_not(receipt_file_would(file, one->row, &one->receipt));
    }
    cr_assert_eq(receipt_file_close(&file, &err), 0);
}

static void check(const struct receipt *wanted)
{
    struct receipt_file *file;
    int64_t at_s;
    const char *code;
    cr_assert_eq(receipt_file_open(home, ROWS, false, &file, NULL), 0);
    for (uint64_t row = 0; row < ROWS; row++) {
        cr_assert_eq(receipt_file_get(file, row, &at_s, &code), wanted[row].status);
        cr_assert_eq(at_s, wanted[row].at_s);
        cr_assert_str_eq(code, wanted[row].code.data ? wanted[row].code.data : "");
    }
    cr_assert_eq(receipt_file_get(file, ROWS, &at_s, &code), RECEIPT_NONE);
    cr_assert_eq(receipt_file_close(&file, NULL), 0);
}

Test(receipt_file, any_order)
{
    static struct heard all[RECEIPTS];
    static struct receipt wanted[ROWS];
    static size_t order[RECEIPTS];
    unsigned seed = 5;
    for (size_t i = 0; i < RECEIPTS; i++) {
        unsigned dice = (unsigned)rand_r(&seed);
        all[i] = (struct heard){
            dice % (ROWS - 100),
            {.status = (enum receipt_status)(1 + dice / 7 % (RECEIPT_STATUS_COUNT - 1)),
             .at_s = dice / 64 % 3,
             .code = text_of(codes[dice / 1024 % ARRAY_COUNT(codes)])}};
        order[i] = i;
        struct receipt *best = &wanted[all[i].row];
        if (best->status == RECEIPT_NONE || is_more(&all[i].receipt, best))
            *best = all[i].receipt;
    }
    for (int round = 0; round < 3; round++) {
        for (size_t i = RECEIPTS - 1; i > 0; i--) {
            size_t j = (size_t)rand_r(&seed) % (i + 1), kept = order[i];
            order[i] = order[j];
            order[j] = kept;
        }
        put_all(all, order);
        check(wanted);
        put_all(all, order);
        check(wanted);
        char path[PATH_BYTES];
        cr_assert_eq(path_join(path, home, TEXT("receipts"), NULL), 0);
        unlink(path);
    }
}

Test(receipt_file, none_and_others)
{
    struct receipt_file *file;
    struct error err;
    char path[PATH_BYTES];
    int64_t at_s;
    const char *code;
    cr_assert_eq(receipt_file_open(home, 5, false, &file, &err), 0);
    cr_assert_null(file);
    cr_assert_eq(receipt_file_get(file, 0, &at_s, &code), RECEIPT_NONE);
    cr_assert_eq(receipt_file_open(home, 5, true, &file, &err), 0);
    cr_assert_eq(receipt_file_close(&file, &err), 0);
    cr_assert_eq(receipt_file_open(home, 6, false, &file, &err), -ERROR_INPUT);
    cr_assert_eq(path_join(path, home, TEXT("receipts"), NULL), 0);
    cr_assert_eq(file_write(path, TEXT("hello hello hello"), NULL), 0);
    cr_assert_eq(receipt_file_open(home, 5, true, &file, &err), -ERROR_INPUT);
    cr_expect(strstr(err.text, "receipts"), "%s", err.text);
    /* Made, but not yet begun, when the process died. */
    cr_assert_eq(file_write(path, TEXT(""), NULL), 0);
    cr_assert_eq(receipt_file_open(home, 5, false, &file, &err), 0);
    cr_assert_null(file);
    cr_assert_eq(receipt_file_open(home, 5, true, &file, &err), 0, "%s", err.text);
    cr_assert_eq(receipt_file_close(&file, &err), 0);
}

/* More codes than there is room for: the status stays, the code of the last ones is not told. */
Test(receipt_file, too_many_codes)
{
    struct receipt_file *file;
    int64_t at_s;
    const char *code;
    unsigned with_code = 0;
    cr_assert_eq(receipt_file_open(home, 400, true, &file, NULL), 0);
    for (unsigned i = 0; i < 400; i++) {
        char text[16];
        snprintf(text, sizeof(text), "c%u", i);
        struct receipt receipt = {.status = RECEIPT_BOUNCED, .code = text_of(text)};
        cr_assert_eq(receipt_file_put(file, i, &receipt, NULL), 1);
        cr_assert_eq(receipt_file_get(file, i, &at_s, &code), RECEIPT_BOUNCED);
        with_code += *code != '\0';
        if (*code == '\0')
            cr_assert_eq(receipt_file_put(file, i, &receipt, NULL), 0);
    }
    cr_expect_gt(with_code, 200);
    cr_expect_lt(with_code, 256);
    cr_assert_eq(receipt_file_close(&file, NULL), 0);
}

/* Two pages of a failing disk: codes that do not end before the file does. */
Test(receipt_file, codes_that_do_not_end)
{
    enum { rows = 512 };
    static char bytes[8192 + rows * sizeof(uint64_t)];
    struct receipt_file *file;
    struct error err;
    char path[PATH_BYTES];
    cr_assert_eq(receipt_file_open(home, rows, true, &file, NULL), 0);
    cr_assert_eq(receipt_file_close(&file, NULL), 0);
    cr_assert_eq(path_join(path, home, TEXT("receipts"), NULL), 0);
    struct buffer content = {0};
    cr_assert_eq(file_read(path, sizeof(bytes), &content, NULL), 0);
    memset(bytes, 'x', sizeof(bytes));
    memcpy(bytes, buffer_view(&content).data, 64);
    buffer_fini(&content);
    cr_assert_eq(file_write(path, (struct text){bytes, sizeof(bytes)}, NULL), 0);
    for (int write = 0; write < 2; write++) {
        cr_assert_eq(receipt_file_open(home, rows, write, &file, &err), -ERROR_INPUT);
        cr_expect(strstr(err.text, "receipts"), "%s", err.text);
    }
}
