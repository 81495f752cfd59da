/* The JSON of `account put`. What is accepted has an id and single-line texts. */
#include "base/file.h"
#include "engine/state/account.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static struct arena arena;
    struct account account;
    struct error err;
    if (!arena.base)
        CHECK(arena_init(&arena, 1 << 20, NULL) == 0);
    arena_reset(&arena);
    if (account_parse((struct text){(const char *)data, bytes}, "account.json", &arena,
                      &account, &err)) {
        CHECK(err.kind == ERROR_INPUT && memcmp(err.text, "account.json", 12) == 0);
        return 0;
    }
    CHECK(name_is_safe(account.id));
    CHECK(!memchr(account.email_from.data, '\n', account.email_from.bytes));
    return 0;
}
