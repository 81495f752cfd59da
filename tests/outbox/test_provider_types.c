/* The table at the top of docs/providers.md says of each type what the code says, and each type has a
 * section of its own. */
#include "base/file.h"
#include "outbox/dispatch/provider.h"

#include <criterion/criterion.h>
#include <stdio.h>

static const char *const policies[] = {[ON_UNKNOWN_HOLD] = "hold",
                                       [ON_UNKNOWN_RESEND] = "resend",
                                       [ON_UNKNOWN_ASSUME_SENT] = "assume_sent"};

/* The n-th cell of the row of a type, or "". */
static void read_cell(const char *page, const char *type, int n, char out[128])
{
    char start[64];
    snprintf(start, sizeof(start), "\n| [`%s`](#", type);
    const char *at = strstr(page, start);
    at = at ? at + 2 : "";
    for (; n > 0 && *at && *at != '\n'; at++)
        n -= *at == '|';
    snprintf(out, 128, "%.*s", (int)strcspn(at, "|\n"), at);
}

Test(provider_types, documented)
{
    struct buffer page = {0};
    cr_assert_eq(file_read("docs/providers.md", 1 << 20, &page, NULL), 0);
    for (size_t i = 0; provider_types[i]; i++) {
        const struct provider_type *type = provider_types[i];
        char cell[128], want[128];
        size_t used = 0;
        for (unsigned c = 0; c < CHANNEL_COUNT; c++) {
            if (type->channels >> c & 1)
                used += (size_t)snprintf(want + used, sizeof(want) - used, " %s",
                                         channel_name((enum channel)c));
        }
        snprintf(want + used, sizeof(want) - used, " ");
        read_cell(page.data, type->name, 1, cell);
        cr_expect_str_eq(cell, want, "%s: channels:%s", type->name, cell);
        snprintf(want, sizeof(want), " `%s`", policies[type->on_unknown_default]);
        read_cell(page.data, type->name, 3, cell);
        cr_expect_eq(strncmp(cell, want, strlen(want)), 0, "%s: on_unknown:%s",
                     type->name, cell);
        snprintf(want, sizeof(want), "\n## %s: ", type->name);
        cr_expect_not_null(strstr(page.data, want), "no section for %s", type->name);
    }
    buffer_fini(&page);
}
