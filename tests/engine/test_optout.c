/* optout: which switch stops what, the list and its changes, and the set against the
 * list. */
#include "base/clock.h"
#include "base/column.h"
#include "engine/state/optout.h"
#include "engine/state/store_private.h"
#include "tests/engine/home.h"

#include <criterion/criterion.h>

static char home[64];
static struct store *store;
static struct error err;

static void setup(void)
{
    home_make(home);
    cr_assert_eq(store_open(home, true, &store, &err), 0, "%s", err.text);
    cr_assert_eq(sqlite3_exec(store->db, "PRAGMA synchronous = OFF", 0, 0, 0), 0);
}

static void teardown(void)
{
    store_close(&store);
    home_remove(home);
}

TestSuite(optout, .init = setup, .fini = teardown);

Test(optout, which_switch_stops_what)
{
    static const struct {
        enum channel channel;
        enum category category;
        unsigned mask;
    } cases[] = {
        {CHANNEL_SMS, CATEGORY_MARKETING, OPTOUT_SMS | OPTOUT_MARKETING_SMS},
        {CHANNEL_SMS, CATEGORY_TRANSACTIONAL, OPTOUT_SMS},
        {CHANNEL_SMS, CATEGORY_MANUAL, OPTOUT_SMS | OPTOUT_MARKETING_SMS},
        {CHANNEL_EMAIL, CATEGORY_MARKETING,
         OPTOUT_MARKETING_EMAIL | OPTOUT_NOTIFICATIONS},
        {CHANNEL_EMAIL, CATEGORY_TRANSACTIONAL,
         OPTOUT_TRANSACTIONAL_EMAIL | OPTOUT_NOTIFICATIONS},
        {CHANNEL_EMAIL, CATEGORY_MANUAL, OPTOUT_MARKETING_EMAIL | OPTOUT_NOTIFICATIONS},
        {CHANNEL_PUSH, CATEGORY_MARKETING, OPTOUT_NOTIFICATIONS},
        {CHANNEL_INAPP, CATEGORY_TRANSACTIONAL, OPTOUT_NOTIFICATIONS},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        cr_expect_eq(optout_mask_for(cases[i].channel, cases[i].category, false),
                     cases[i].mask, "case %zu", i);
        cr_expect_eq(optout_mask_for(cases[i].channel, cases[i].category, true), 0);
    }
}

Test(optout, names)
{
    for (unsigned one = 1; one <= OPTOUT_ALL; one <<= 1)
        cr_expect_eq(
            optout_switch_parse(text_of(optout_switch_name((enum optout_switch)one))),
            one);
    cr_expect_eq(optout_switch_parse(TEXT("all")), OPTOUT_ALL);
    cr_expect_eq(optout_switch_parse(TEXT("SMS")), 0);
    cr_expect_str_eq(optout_key_name(OPTOUT_PHONE), "phone");
}

static struct optout entry(enum optout_key key, const char *value, unsigned mask)
{
    return (struct optout){.account = TEXT("studio"),
                           .key = key,
                           .value = text_of(value),
                           .mask = mask,
                           .reason = TEXT("staff")};
}

static void add(enum optout_key key, const char *value, unsigned mask)
{
    struct optout o = entry(key, value, mask);
    cr_assert_eq(optout_add(store, &o, &err), 0, "%s", err.text);
}

static int removed(enum optout_key key, const char *value, unsigned mask)
{
    struct optout o = entry(key, value, mask);
    return optout_remove(store, &o, &err);
}

Test(optout, values_are_checked)
{
    char id[258];
    memset(id, 'x', sizeof(id));
    id[255] = '\0';
    const struct {
        enum optout_key key;
        const char *value;
        int rc;
    } cases[] = {
        {OPTOUT_PHONE, "+391234567890", 0},
        {OPTOUT_PHONE, "1234567890", -ERROR_INPUT},
        {OPTOUT_EMAIL, "a@b.example", 0},
        {OPTOUT_EMAIL, "a@b@c", -ERROR_INPUT},
        {OPTOUT_EMAIL, "a", -ERROR_INPUT},
        {OPTOUT_CUSTOMER, "17 b/ü", 0},
        {OPTOUT_CUSTOMER, "", -ERROR_INPUT},
        {OPTOUT_CUSTOMER, "\xff", -ERROR_INPUT},
        {OPTOUT_CUSTOMER, id, 0},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct optout o = entry(cases[i].key, cases[i].value, OPTOUT_SMS);
        cr_expect_eq(optout_add(store, &o, &err), cases[i].rc, "%s", cases[i].value);
    }
    id[255] = 'x';
    id[256] = '\0';
    struct optout o = entry(OPTOUT_CUSTOMER, id, OPTOUT_SMS);
    cr_expect_eq(optout_add(store, &o, &err), -ERROR_INPUT);
    cr_expect_str_eq(err.text, "an opt-out's customer is 1 to 255 bytes of text");
    o = entry(OPTOUT_CUSTOMER, "a", 0);
    cr_expect_eq(optout_add(store, &o, &err), -ERROR_INPUT);
    o = entry(OPTOUT_PHONE, "007", OPTOUT_SMS);
    cr_expect_eq(optout_remove(store, &o, &err), -ERROR_INPUT);
    cr_expect_str_eq(err.text,
                     "\"007\" is no phone number (write it like +391234567890)");
}

struct seen {
    int count;
    char text[256];
};

static int see(void *arg, const struct optout *o)
{
    struct seen *seen = arg;
    size_t used = strlen(seen->text);
    snprintf(seen->text + used, sizeof(seen->text) - used, "%.*s/%s/%.*s=%u ",
             TEXT_ARGS(o->account), optout_key_name(o->key), TEXT_ARGS(o->value),
             o->mask);
    return ++seen->count == 3;
}

Test(optout, the_list)
{
    struct seen seen = {0};
    add(OPTOUT_EMAIL, "Ann@B.Example", OPTOUT_MARKETING_EMAIL);
    add(OPTOUT_EMAIL, "ann@b.example", OPTOUT_TRANSACTIONAL_EMAIL);
    add(OPTOUT_CUSTOMER, "Ann", OPTOUT_NOTIFICATIONS);
    struct optout other = entry(OPTOUT_CUSTOMER, "x", OPTOUT_ALL);
    other.account = TEXT("gym");
    cr_assert_eq(optout_add(store, &other, &err), 0);
    cr_expect_eq(optout_each(store, TEXT("studio"), see, &seen, &err), 0);
    cr_expect_str_eq(seen.text, "studio/customer/Ann=16 studio/email/ann@b.example=3 ");
    seen = (struct seen){0};
    cr_expect_eq(optout_each(store, TEXT_NONE, see, &seen, &err), 1, "fn ends the loop");
    cr_expect_eq(strncmp(seen.text, "gym/customer/x=31 ", 18), 0);

    cr_expect_eq(removed(OPTOUT_EMAIL, "ANN@b.example", OPTOUT_MARKETING_EMAIL), 1);
    cr_expect_eq(removed(OPTOUT_EMAIL, "ANN@b.example", OPTOUT_MARKETING_EMAIL), 0);
    cr_expect_eq(removed(OPTOUT_EMAIL, "nobody@b.example", OPTOUT_ALL), 0);
    cr_expect_eq(removed(OPTOUT_CUSTOMER, "Ann", OPTOUT_ALL), 1);
    seen = (struct seen){0};
    cr_expect_eq(optout_each(store, TEXT("studio"), see, &seen, &err), 0);
    cr_expect_str_eq(seen.text, "studio/email/ann@b.example=2 ");
}

struct change {
    int count;
    uint64_t hash;
    unsigned mask;
};

static void changed(void *arg, uint64_t hash, unsigned mask)
{
    struct change *c = arg;
    *c = (struct change){c->count + 1, hash, mask};
}

Test(optout, changes_reach_a_running_job)
{
    struct optout_set *set;
    int64_t serial = -1;
    add(OPTOUT_EMAIL, "a@b.example", OPTOUT_MARKETING_EMAIL);
    cr_assert_eq(optout_set_load(store, TEXT("studio"), &set, &serial, &err), 0, "%s",
                 err.text);
    cr_expect_eq(optout_set_count(set), 1);
    optout_set_destroy(&set);

    struct store *other; /* another process */
    cr_assert_eq(store_open(home, false, &other, &err), 0);
    struct change c = {0};
    uint64_t phone = optout_hash(OPTOUT_PHONE, TEXT("+391234567890"));
    struct optout stop = entry(OPTOUT_PHONE, "+391234567890", OPTOUT_SMS);
    struct optout unrelated = stop;
    unrelated.account = TEXT("gym");
    cr_assert_eq(optout_add(other, &stop, &err), 0);
    cr_assert_eq(optout_add(other, &unrelated, &err), 0);
    cr_assert_eq(optout_changes(store, TEXT("studio"), &serial, changed, &c, &err), 0);
    cr_expect(c.count == 1 && c.hash == phone && c.mask == OPTOUT_SMS);
    cr_assert_eq(optout_add(other, &stop, &err), 0); /* nothing new */
    cr_assert_eq(optout_changes(store, TEXT("studio"), &serial, changed, &c, &err), 0);
    cr_expect_eq(c.count, 1);
    stop.mask = OPTOUT_MARKETING_SMS;
    cr_assert_eq(optout_add(other, &stop, &err), 0);
    cr_assert_eq(optout_changes(store, TEXT("studio"), &serial, changed, &c, &err), 0);
    cr_expect(c.count == 2 && c.mask == (OPTOUT_SMS | OPTOUT_MARKETING_SMS),
              "the whole mask");
    stop.mask = OPTOUT_ALL;
    cr_assert_eq(optout_remove(other, &stop, &err), 1);
    cr_assert_eq(optout_changes(store, TEXT("studio"), &serial, changed, &c, &err), 0);
    cr_expect(c.count == 3 && c.hash == phone && c.mask == 0,
              "START is a change as well");
    store_close(&other);
}

Test(optout, rollback_forgets)
{
    struct seen seen = {0};
    cr_assert_eq(optout_begin(store, &err), 0);
    add(OPTOUT_CUSTOMER, "a", OPTOUT_ALL);
    optout_rollback(store);
    cr_assert_eq(optout_begin(store, &err), 0);
    add(OPTOUT_CUSTOMER, "b", OPTOUT_ALL);
    cr_assert_eq(optout_commit(store, &err), 0);
    cr_expect_eq(optout_each(store, TEXT_NONE, see, &seen, &err), 0);
    cr_expect_str_eq(seen.text, "studio/customer/b=31 ");
}

Test(optout, hashes)
{
    struct text upper = TEXT("Ann.B@Example.COM"), lower = TEXT("ann.b@example.com");
    cr_expect_eq(optout_hash(OPTOUT_EMAIL, upper), optout_hash(OPTOUT_EMAIL, lower));
    cr_expect_neq(optout_hash(OPTOUT_CUSTOMER, upper),
                  optout_hash(OPTOUT_CUSTOMER, lower));
    cr_expect_neq(optout_hash(OPTOUT_CUSTOMER, lower), optout_hash(OPTOUT_EMAIL, lower));
    cr_expect_neq(optout_hash(OPTOUT_CUSTOMER, lower), optout_hash(OPTOUT_PHONE, lower));
    /* only A to Z have a lower case here: @ and [ stand beside them */
    cr_expect_neq(optout_hash(OPTOUT_EMAIL, TEXT("@")),
                  optout_hash(OPTOUT_EMAIL, TEXT("`")));
    cr_expect_neq(optout_hash(OPTOUT_EMAIL, TEXT("[")),
                  optout_hash(OPTOUT_EMAIL, TEXT("{")));
    char long_one[4096];
    memset(long_one, 'A', sizeof(long_one));
    optout_hash(OPTOUT_EMAIL, (struct text){long_one, sizeof(long_one)});
    optout_hash(OPTOUT_EMAIL, TEXT_NONE);
}

/* The set says for every value what the list says, at sizes around the table's steps. */
Test(optout, set_equals_list)
{
    static const size_t sizes[] = {0, 1, 3, 4, 5, 7, 8, 29, 1000, 20011};
    size_t have = 0;
    cr_assert_eq(optout_begin(store, &err), 0);
    for (size_t s = 0; s < ARRAY_COUNT(sizes); s++) {
        for (; have < sizes[s]; have++) {
            char id[24];
            snprintf(id, sizeof(id), "c%zu", have * 3);
            add(OPTOUT_CUSTOMER, id, 1 + (unsigned)have % OPTOUT_ALL);
        }
        struct optout_set *set;
        int64_t serial;
        cr_assert_eq(optout_set_load(store, TEXT("studio"), &set, &serial, &err), 0);
        cr_expect_eq(optout_set_count(set), have);
        cr_expect_eq(serial, (int64_t)have);
        uint64_t hashes[CHUNK_ROWS_MAX];
        uint8_t masks[CHUNK_ROWS_MAX];
        for (size_t rows = 0; rows <= CHUNK_ROWS_MAX; rows += rows < 20 ? 1 : 1019) {
            for (size_t r = 0; r < rows; r++) {
                char id[24];
                snprintf(id, sizeof(id), "c%zu", r);
                hashes[r] = optout_hash(OPTOUT_CUSTOMER, text_of(id));
            }
            memset(masks, 0xEE, sizeof(masks));
            optout_set_masks(set, hashes, rows, masks);
            for (size_t r = 0; r < rows; r++) {
                unsigned want =
                    r % 3 == 0 && r / 3 < have ? 1 + (unsigned)(r / 3) % OPTOUT_ALL : 0;
                cr_assert_eq(masks[r], want, "row %zu of %zu, %zu entries", r, rows,
                             have);
                cr_assert_eq(optout_set_mask(set, hashes[r]), want);
            }
            cr_assert(rows == CHUNK_ROWS_MAX || masks[rows] == 0xEE);
        }
        cr_expect_eq(optout_set_mask(set, 0), 0);
        cr_expect_eq(optout_set_mask(set, UINT64_MAX), 0);
        optout_set_destroy(&set);
    }
    cr_assert_eq(optout_commit(store, &err), 0);
}
