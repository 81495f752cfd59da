/* message: names there and back, and the message id as DESIGN defines it. */
#include "base/message.h"
#include "base/check.h"

#include <criterion/criterion.h>
#include <stdio.h>

Test(message, names)
{
    for (int c = 0; c < CHANNEL_COUNT; c++)
        cr_expect_eq(channel_parse(text_of(channel_name((enum channel)c))), c);
    for (int c = 0; c < CATEGORY_COUNT; c++)
        cr_expect_eq(category_parse(text_of(category_name((enum category)c))), c);
    cr_expect_eq(channel_parse(TEXT("Email")), -1);
    cr_expect_eq(channel_parse(TEXT_NONE), -1);
    cr_expect_eq(category_parse(TEXT("")), -1);
    for (int o = 0; o < OUTCOME_COUNT; o++)
        cr_expect_not_null(outcome_name((enum outcome)o));
    cr_expect_str_eq(outcome_name(OUTCOME_EXPIRED), "expired");
}

Test(message, dispositions)
{
    for (int d = 0; d < DISPOSITION_COUNT; d++) {
        const char *name = disposition_name((enum disposition)d);
        cr_assert_not_null(name);
        for (int e = 0; e < d; e++)
            cr_expect_neq(strcmp(name, disposition_name((enum disposition)e)), 0);
        bool sends = disposition_sends((enum disposition)d);
        bool suppressed = disposition_suppressed((enum disposition)d);
        bool neither = d == DISPOSITION_NONE || d == DISPOSITION_FALLBACK_EMAIL;
        cr_expect_eq(sends + suppressed + neither, 1, "%s is exactly one thing", name);
        if (strncmp(name, "quota_then_", 11) != 0)
            continue;
        int reason = -1;
        for (int e = 0; e < DISPOSITION_COUNT; e++)
            reason = strcmp(disposition_name((enum disposition)e), name + 11) == 0
                         ? e
                         : reason;
        cr_assert_neq(reason, -1, "%s", name);
        cr_expect_eq((int)disposition_after_quota((enum disposition)reason), d);
    }
}

Test(message, id)
{
    static const char key[] = "studio\0job\0"
                              "42\0sms";
    char hex[MESSAGE_ID_HEX_BYTES + 1], want[64];
    struct hash128 id = message_id(TEXT("studio"), TEXT("job"), TEXT("42"), CHANNEL_SMS);
    struct hash128 all = hash128(key, sizeof(key));
    cr_expect(id.low == all.low && id.high == all.high);
    message_id_hex(id, hex);
    snprintf(want, sizeof(want), "%016llx%016llx", (unsigned long long)id.high,
             (unsigned long long)id.low);
    cr_expect_str_eq(hex, want);
    struct hash128 moved =
        message_id(TEXT("studioj"), TEXT("ob"), TEXT("42"), CHANNEL_SMS);
    cr_expect(moved.low != id.low, "where one part ends matters");
    char longest[255];
    memset(longest, 'x', sizeof(longest));
    struct text part = {longest, sizeof(longest)};
    message_id(part, part, part, CHANNEL_INAPP);
}

Test(message, ids_in_hex_are_as_printf_writes_them)
{
    for (int i = 0; i < 1000; i++) {
        struct hash128 id = hash128(&i, sizeof(i));
        char hex[MESSAGE_ID_HEX_BYTES + 1], want[64];
        message_id_hex(id, hex);
        snprintf(want, sizeof(want), "%016llx%016llx", (unsigned long long)id.high,
                 (unsigned long long)id.low);
        cr_assert_str_eq(hex, want);
    }
}
