/* Tokens come back as they went, and nothing else comes back at all. */
#include "render/mail/unsubscribe.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <string.h>

static const unsigned char key[UNSUBSCRIBE_KEY_BYTES] = "a key for these tests, 32 bytes";
static const unsigned char other_key[UNSUBSCRIBE_KEY_BYTES] = "another key";
static struct unsubscribe_signer signer;
static struct arena arena;

static void setup(void)
{
    cr_assert_eq(arena_init(&arena, 1 << 20, NULL), 0);
    unsubscribe_signer_init(&signer, key);
}

static void teardown(void)
{
    arena_fini(&arena);
}

TestSuite(unsubscribe, .init = setup, .fini = teardown);

static int verify(const unsigned char *with, struct text token, enum category *category,
                  struct text *account, struct text *customer)
{
    struct error err;
    int rc = unsubscribe_verify(with, token, &arena, category, account, customer, &err);
    cr_expect(rc == 0 || err.kind == ERROR_INPUT);
    return rc;
}

Test(unsubscribe, round_trip)
{
    char longest[255];
    memset(longest, 'x', sizeof(longest));
    const struct text ids[][2] = {
        {TEXT("studio-42"), TEXT("c1")},
        {TEXT(""), TEXT("")},
        {TEXT("a"), TEXT("b/c=&?\xC3\xA8")},
        {{longest, 255}, {longest, 255}},
    };
    for (size_t i = 0; i < ARRAY_COUNT(ids); i++) {
        for (int c = 0; c < CATEGORY_COUNT; c++) {
            enum category category;
            struct text account, customer;
            struct text token = unsubscribe_token(&signer, (enum category)c, ids[i][0],
                                                  ids[i][1], &arena);
            for (size_t b = 0; b < token.bytes; b++)
                cr_assert(strchr("-_", token.data[b]) ||
                          isalnum((unsigned char)token.data[b]));
            cr_assert_eq(verify(key, token, &category, &account, &customer), 0);
            cr_expect_eq(category, (enum category)c);
            cr_expect(text_equal(account, ids[i][0]) && text_equal(customer, ids[i][1]));
        }
    }
}

Test(unsubscribe, anything_else_is_refused)
{
    enum category category;
    struct text account, customer;
    struct text good = unsubscribe_token(&signer, CATEGORY_MARKETING, TEXT("studio"),
                                         TEXT("c1"), &arena);
    char token[128];
    cr_assert_lt(good.bytes, sizeof(token));
    cr_expect_neq(verify(other_key, good, &category, &account, &customer), 0);
    for (size_t i = 0; i < good.bytes; i++) { /* every byte counts */
        memcpy(token, good.data, good.bytes);
        token[i] = token[i] == 'A' ? 'B' : 'A';
        cr_expect_neq(
            verify(key, (struct text){token, good.bytes}, &category, &account, &customer),
            0);
    }
    for (size_t bytes = 0; bytes < good.bytes; bytes++)
        cr_expect_neq(
            verify(key, (struct text){good.data, bytes}, &category, &account, &customer),
            0);
    memset(token, 'A', sizeof(token));
    cr_expect_neq(verify(key, (struct text){token, 128}, &category, &account, &customer),
                  0);
    char huge[5000];
    memset(huge, 'A', sizeof(huge));
    cr_expect_neq(verify(key, (struct text){huge, 5000}, &category, &account, &customer),
                  0);
}
