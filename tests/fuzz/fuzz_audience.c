/* Any text as an audience expression: it compiles or is refused with a sentence that fits, and what
 * compiles runs over a chunk with every layout. */
#include "engine/audience/audience.h"

#include "tests/engine/audience_table.h"

static struct text saved(void *arg, struct text name)
{
    (void)arg;
    return text_is(name, "a")   ? TEXT("flag AND audience('b')")
           : text_is(name, "b") ? TEXT("EXISTS (SELECT 1 FROM visits WHERE qty > 2)")
           : text_is(name, "c") ? TEXT("audience('c') OR audience('a')")
                                : TEXT_NONE;
}

static const struct audience_param params[] = {
    {TEXT("t"), TEXT("2026-11-01"), AUDIENCE_TEXT},
    {TEXT("n"), TEXT("7"), AUDIENCE_INTEGER},
    {TEXT("x"), TEXT(""), AUDIENCE_NULL},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct table t;
    static struct tzif *zone;
    if (t.count == 0) {
        table_random_customers(&t, 130, 7);
        CHECK(tzif_open(TEXT("Europe/Rome"), &zone, NULL) == 0);
    }
    struct audience_env env = {.now_ns = 1795426200000000000,
                               .zone = zone,
                               .params = params,
                               .param_count = ARRAY_COUNT(params),
                               .saved = saved};
    struct audience *audience;
    struct error err = {0};
    if (audience_compile((struct text){(const char *)data, size}, t.columns, t.count,
                         &env, &audience, &err)) {
        struct text said = text_of(err.text);
        CHECK(said.bytes > 0 && said.bytes < ERROR_TEXT_BYTES - 1 && utf8_valid(said));
        return 0;
    }
    struct audience_scratch *scratch = audience_scratch_create(audience);
    uint64_t whole[3], tail[3] = {0};
    struct chunk chunk = {.columns = t.columns, .column_count = t.count, .rows = 130};
    audience_select(audience, scratch, &chunk, whole);
    chunk.first = 64;
    chunk.rows = 66;
    audience_select(audience, scratch, &chunk, tail);
    CHECK(whole[1] == tail[0] && whole[2] == tail[1] && whole[2] <= 3);
    audience_scratch_destroy(&scratch);
    audience_destroy(&audience);
    return 0;
}
