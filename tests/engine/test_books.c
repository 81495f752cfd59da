/* books: the equations of R34, and what tells that one does not hold. */
#include "engine/job/books.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* Ten customers: SMS to 4, of them 1 failed and 1 open; 3 went out as email; 3 opted out. */
static struct books example(void)
{
    struct books b = {.matched = 10};
    struct books_channel *sms = &b.channels[CHANNEL_SMS],
                         *email = &b.channels[CHANNEL_EMAIL];
    sms->named = true;
    sms->dispositions[DISPOSITION_SEND] = 4;
    sms->dispositions[DISPOSITION_FALLBACK_EMAIL] = 3;
    sms->dispositions[DISPOSITION_OPTED_OUT] = 2;
    sms->dispositions[DISPOSITION_QUOTA_THEN_NO_ADDRESS] = 1;
    sms->outcomes[OUTCOME_SENT] = 2;
    sms->outcomes[OUTCOME_FAILED] = 1;
    sms->segments = 5;
    email->dispositions[DISPOSITION_FROM_FALLBACK] = 3;
    email->outcomes[OUTCOME_SENT] = 3;
    return b;
}

Test(books, sums)
{
    struct books b = example();
    cr_assert_eq(books_planned(&b, CHANNEL_SMS), 7);
    cr_assert_eq(books_suppressed(&b, CHANNEL_SMS), 3);
    cr_assert_eq(books_pending(&b, CHANNEL_SMS), 1);
    cr_assert_eq(books_planned(&b, CHANNEL_EMAIL), 3);
    cr_assert_eq(books_pending(&b, CHANNEL_EMAIL), 0);
    cr_assert_eq(books_total(&b, OUTCOME_SENT), 5);
    cr_assert_eq(books_total(&b, OUTCOME_PENDING), 1);
    cr_assert(books_balanced(&b, NULL, 0));
}

Test(books, say_which_equation_does_not_hold)
{
    static const struct {
        enum channel channel;
        bool outcome;
        int index;
        int change;
        const char *why;
    } cases[] = {
        {CHANNEL_SMS, false, DISPOSITION_SEND, 1, "matched is not planned + suppressed"},
        {CHANNEL_SMS, false, DISPOSITION_SEND, -1, "matched is not planned + suppressed"},
        {CHANNEL_SMS, false, DISPOSITION_OPTED_OUT, 1,
         "matched is not planned + suppressed"},
        {CHANNEL_SMS, true, OUTCOME_SENT, 2, "more outcomes than messages"},
        {CHANNEL_EMAIL, true, OUTCOME_UNKNOWN, 1, "more outcomes than messages"},
        {CHANNEL_EMAIL, false, DISPOSITION_FROM_FALLBACK, 1, "from_fallback"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct books b = example();
        struct books_channel *c = &b.channels[cases[i].channel];
        char why[256] = "";
        uint64_t *number = cases[i].outcome ? &c->outcomes[cases[i].index]
                                            : &c->dispositions[cases[i].index];
        *number += (uint64_t)cases[i].change;
        cr_assert(!books_balanced(&b, why, sizeof(why)), "case %zu", i);
        cr_assert(strstr(why, cases[i].why), "case %zu: %s", i, why);
        cr_assert(strstr(why, channel_name(cases[i].channel)) ||
                      cases[i].channel == CHANNEL_EMAIL,
                  "case %zu: %s", i, why);
    }
}

static json_int_t at(const json_t *channels, const char *channel, const char *key)
{
    const json_t *value = json_object_get(json_object_get(channels, channel), key);
    cr_assert(json_is_integer(value), "%s.%s", channel, key);
    return json_integer_value(value);
}

Test(books, read_in_json_as_they_are)
{
    struct books b = example();
    json_t *report = books_report_json(&b), *plan = books_plan_json(&b);
    cr_assert_eq(json_object_size(report), 2);
    cr_assert_eq(at(report, "sms", "planned"),
                 at(report, "sms", "sent") + at(report, "sms", "failed") +
                     at(report, "sms", "pending") + at(report, "sms", "fallback_email"));
    cr_assert_eq(at(report, "sms", "segments"), 5);
    cr_assert_eq(at(report, "email", "from_fallback"), 3);
    cr_assert_eq(at(plan, "sms", "send"), 4);
    cr_assert_eq(at(plan, "email", "send"), 3);
    const json_t *suppressed =
        json_object_get(json_object_get(plan, "sms"), "suppressed");
    cr_assert_eq(json_object_size(suppressed), 2);
    cr_assert_eq(json_integer_value(json_object_get(suppressed, "quota_then_no_address")),
                 1);
    json_decref(report);
    json_decref(plan);
}
