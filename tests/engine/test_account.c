/* account: the JSON of `account put`, every mistake in it, and what state.db keeps. */
#include "engine/state/account.h"
#include "engine/state/address.h"
#include "tests/engine/home.h"

#include <criterion/criterion.h>

static char home[64];
static struct store *store;
static struct arena arena;
static struct error err;

static void setup(void)
{
    home_make(home);
    cr_assert_eq(store_open(home, true, &store, &err), 0, "%s", err.text);
    cr_assert_eq(arena_init(&arena, 16 << 20, NULL), 0);
}

static void teardown(void)
{
    store_close(&store);
    arena_fini(&arena);
    home_remove(home);
}

TestSuite(account, .init = setup, .fini = teardown);

static const char studio[] =
    "{\"id\": \"studio-42\", \"name\": \"Stüdio \\\"42\\\"\",\n"
    " \"owner_email\": \"owner@studio.example\", \"locale\": \"it\",\n"
    " \"timezone\": \"Europe/Rome\", \"tier\": \"starter\",\n"
    " \"marketing_suite\": true,\n"
    " \"email_from\": \"Studio <hello@studio.example>\",\n"
    " \"sms_from\": \"+393331234567\",\n"
    " \"upgrade_url\": \"https://app.example/upgrade\",\n"
    " \"support_contact\": null}\n";

Test(account, put_and_get)
{
    struct account a, got, *all;
    size_t count;
    cr_assert_eq(account_parse(text_of(studio), "a.json", &arena, &a, &err), 0, "%s",
                 err.text);
    cr_expect(text_is(a.name, "Stüdio \"42\"") && text_is(a.timezone, "Europe/Rome"));
    cr_expect(a.marketing_suite && !a.blocked && text_is(a.support_contact, ""));
    cr_expect_eq(account_get(store, a.id, &arena, &got, &err), 0);
    cr_assert_eq(account_put(store, &a, &err), 0, "%s", err.text);
    cr_assert_eq(account_get(store, a.id, &arena, &got, &err), 1, "%s", err.text);
    struct text *in[] = {&a.id,          &a.name,           &a.owner_email, &a.locale,
                         &a.timezone,    &a.tier,           &a.email_from,  &a.sms_from,
                         &a.upgrade_url, &a.support_contact};
    struct text *out[] = {
        &got.id,          &got.name,           &got.owner_email, &got.locale,
        &got.timezone,    &got.tier,           &got.email_from,  &got.sms_from,
        &got.upgrade_url, &got.support_contact};
    for (size_t i = 0; i < ARRAY_COUNT(in); i++)
        cr_expect(text_equal(*in[i], *out[i]), "field %zu", i);
    cr_expect(got.marketing_suite);
    a.id = TEXT("a");
    cr_assert_eq(account_put(store, &a, &err), 0);
    cr_assert_eq(account_list(store, &arena, &all, &count, &err), 0);
    cr_expect(count == 2 && text_is(all[0].id, "a") && text_is(all[1].id, "studio-42"));
}

Test(account, blocking_survives_a_new_put)
{
    struct account a, got;
    cr_assert_eq(account_parse(text_of(studio), "a.json", &arena, &a, &err), 0);
    cr_assert_eq(account_put(store, &a, &err), 0);
    cr_assert_eq(account_block(store, a.id, true, TEXT("too many"), &err), 0, "%s",
                 err.text);
    cr_assert_eq(account_put(store, &a, &err), 0);
    cr_assert_eq(account_get(store, a.id, &arena, &got, &err), 1);
    cr_expect(got.blocked && !got.exception && text_is(got.blocked_reason, "too many"));
    cr_assert_eq(account_block(store, a.id, false, TEXT_NONE, &err), 0);
    cr_assert_eq(account_get(store, a.id, &arena, &got, &err), 1);
    cr_expect(!got.blocked && got.exception && text_is(got.blocked_reason, ""));
    cr_expect_eq(account_block(store, TEXT("studio-43"), true, TEXT_NONE, &err),
                 -ERROR_INPUT);
    cr_expect_str_eq(err.text, "no account \"studio-43\" (did you mean \"studio-42\"?)");
}

static const struct {
    const char *json, *sentence;
} wrong[] = {
    {"{\"id\": \"a\",\n \"nmae\": \"x\"}",
     "a.json:2: \"nmae\" is no key of an account (did you mean \"name\"?)"},
    {"{\"x\": {\"id\":\n1}, \"id\": \"a\"}", "a.json:1: \"x\" is no key of an account"},
    {"{\"name\": \"\\\"id\\\":\\n\",\n\n\"id\": 7}",
     "a.json:1: \"name\" must be one line of at most 1024 bytes, without control "
     "characters"},
    {"{\"name\": \"id\",\n\n\"id\": 7}", "a.json:3: \"id\" must be a text in quotes"},
    {"{\"id\": \"a b\"}", "a.json:1: \"id\" must be an id: up to 128 letters, digits, "
                          "`.`, `_` or `-`, not \"a b\""},
    {"{\"id\": \"\"}", "a.json: the key \"id\" is missing"},
    {"{}", "a.json: the key \"id\" is missing"},
    {"[]", "a.json:1: an account is an object in braces"},
    {"{\"id\": \"a\",\n\"timezone\": \"Europe/Roma\"}",
     "a.json:2: \"timezone\" must be a time zone like Europe/Rome, not \"Europe/Roma\""},
    {"{\"id\": \"a\", \"timezone\": \"../../etc/passwd\"}",
     "a.json:1: \"timezone\" must be a time zone like Europe/Rome, not "
     "\"../../etc/passwd\""},
    {"{\"id\": \"a\", \"owner_email\": \"nobody\"}",
     "a.json:1: \"owner_email\" must be an email address, not \"nobody\""},
    {"{\"id\": \"a\", \"email_from\": \"Studio <x>\"}",
     "a.json:1: \"email_from\" must be an address, or `Name <address>`, not \"Studio "
     "<x>\""},
    {"{\"id\": \"a\", \"locale\": \"1t\"}",
     "a.json:1: \"locale\" must be a locale like it or en-GB, not \"1t\""},
    {"{\"id\": \"a\", \"upgrade_url\": \"ftp://x\"}",
     "a.json:1: \"upgrade_url\" must be a link that starts with https:// or http://, not "
     "\"ftp://x\""},
    {"{\"id\": \"a\", \"marketing_suite\": \"yes\"}",
     "a.json:1: \"marketing_suite\" must be true or false"},
    {"{\"id\": \"a\",\n\"id\": \"b\"}", "a.json:2: duplicate object key near '\"id\"'"},
};

Test(account, every_mistake_has_its_sentence)
{
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        struct account a;
        int rc = account_parse(text_of(wrong[i].json), "a.json", &arena, &a, &err);
        cr_expect_eq(rc, -ERROR_INPUT, "%s", wrong[i].json);
        cr_expect_str_eq(err.text, wrong[i].sentence);
        cr_expect_eq(account_parse(text_of(wrong[i].json), "a.json", &arena, &a, NULL),
                     rc);
    }
    struct account a;
    cr_expect_eq(account_parse(TEXT("{\"id\":\n"), "a.json", &arena, &a, &err),
                 -ERROR_INPUT);
    cr_expect_eq(strncmp(err.text, "a.json:", 7), 0);
    cr_expect_eq(account_parse(TEXT_NONE, "a.json", &arena, &a, &err), -ERROR_INPUT);
}

Test(account, addresses)
{
    static const struct {
        const char *text;
        bool email, phone;
        const char *mailbox;
    } cases[] = {
        {"a@b", true, false, "a@b"},
        {"A.b+c@x.example", true, false, "A.b+c@x.example"},
        {"ü@bücher.example", true, false, "ü@bücher.example"},
        {"@b", false, false, NULL},
        {"a@", false, false, NULL},
        {"a@b@c", false, false, NULL},
        {"a b@c", false, false, NULL},
        {"a@.c", false, false, NULL},
        {"a@c.", false, false, NULL},
        {"a\r\n@c", false, false, NULL},
        {"Name <a@b>", false, false, "a@b"},
        {"<a@b>", false, false, "a@b"},
        {"a@b>", false, false, NULL},
        {"Name <a@b", false, false, NULL},
        {">", false, false, NULL},
        {"<>", false, false, NULL},
        {"", false, false, NULL},
        {"+391234567", false, true, NULL},
        {"+123456789012345", false, true, NULL},
        {"+1234567890123456", false, false, NULL},
        {"+123456", false, false, NULL},
        {"+0123456789", false, false, NULL},
        {"391234567", false, false, NULL},
        {"+39 1234567", false, false, NULL},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct text t = text_of(cases[i].text);
        cr_expect_eq(address_is_email(t), cases[i].email, "%s", cases[i].text);
        cr_expect_eq(address_is_phone(t), cases[i].phone, "%s", cases[i].text);
        cr_expect(text_equal(address_of_mailbox(t), text_of(cases[i].mailbox)), "%s",
                  cases[i].text);
    }
}
