/* compose: the parts of a mail for providers that compose it themselves. */
#include "engine/pipeline/compose.h"
#include "render/mail/mime.h"

#include <criterion/criterion.h>

Test(compose, makes_one_line_of_names_and_subjects)
{
    static const struct {
        const char *given, *expected;
    } cases[] = {
        {"", ""},           {"Hello", "Hello"},        {"a\r\nb", "a b"},
        {"a\nb\n", "a b "}, {"a\r\rb", "a  b"},        {"\r\n\r\n", "  "},
        {"\n\ra", "  a"},   {"Łukasz\nè", "Łukasz è"},
    };
    struct arena arena;
    cr_assert_eq(arena_init(&arena, 1 << 16, NULL), 0);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct mime_mail mail = {.from_name = text_of(cases[i].given),
                                 .subject = text_of(cases[i].given),
                                 .text = TEXT("two\nlines"),
                                 .unsubscribe = TEXT("https://localhost/u/x")};
        struct delivery d = {.channel = CHANNEL_EMAIL};
        compose_parts(&mail, &arena, &d);
        cr_assert(text_is(d.mail->subject, cases[i].expected), "case %zu: %.*s", i,
                  TEXT_ARGS(d.mail->subject));
        cr_assert(text_is(d.mail->from_name, cases[i].expected), "case %zu", i);
        /* Views, not copies. */
        cr_assert_eq(d.mail->text.data, mail.text.data);
        cr_assert_eq(d.mail->unsubscribe.data, mail.unsubscribe.data);
        cr_assert_null(d.mail->html.data);
    }
    arena_fini(&arena);
}

Test(compose, leaves_a_full_arena_latched)
{
    struct arena arena;
    cr_assert_eq(arena_init(&arena, 4096, NULL), 0);
    cr_assert_not_null(arena_alloc(&arena, arena.capacity_bytes - 8));
    struct mime_mail mail = {.subject = TEXT("a\nb")};
    struct delivery d = {.channel = CHANNEL_EMAIL};
    compose_parts(&mail, &arena, &d);
    cr_assert_null(d.mail);
    cr_assert(arena_overflowed(&arena));
    arena_fini(&arena);
}
