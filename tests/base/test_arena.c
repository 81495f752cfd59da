/* arena: alignment, the latch, and reset. */
#include "base/arena.h"

#include <criterion/criterion.h>

static struct arena arena;

static void setup(void)
{
    cr_assert_eq(arena_init(&arena, 10000, NULL), 0);
}

static void teardown(void)
{
    arena_fini(&arena);
    cr_expect_null(arena.base);
}

TestSuite(arena, .init = setup, .fini = teardown);

Test(arena, allocations_are_aligned_and_apart)
{
    char *last = NULL;
    cr_expect_geq(arena.capacity_bytes, 10000u);
    for (size_t bytes = 0; bytes < 60; bytes++) {
        char *p = arena_alloc(&arena, bytes);
        cr_assert_not_null(p);
        cr_expect_eq((uintptr_t)p % 8, 0u);
        cr_expect(!last || p >= last);
        memset(p, 0xAB, bytes);
        last = p + bytes;
        struct text t = arena_text(&arena, TEXT("odd"));
        cr_expect(text_is(t, "odd") && t.data[3] == '\0' && t.data >= last);
        last = (char *)t.data + 4;
    }
    char *zeroed = arena_zalloc(&arena, 100);
    for (size_t i = 0; i < 100; i++)
        cr_expect_eq(zeroed[i], 0);
}

Test(arena, overflow_latches_until_reset)
{
    cr_expect_not_null(arena_alloc(&arena, arena.capacity_bytes));
    cr_expect_not(arena_overflowed(&arena));
    cr_expect_null(arena_alloc(&arena, 1));
    cr_expect(arena_overflowed(&arena));
    arena_reset(&arena);
    cr_expect_not_null(arena_alloc(&arena, 1));
    cr_expect_null(arena_alloc(&arena, SIZE_MAX));
    cr_expect_null(arena_alloc(&arena, 1), "latched");
    cr_expect_null(arena_text(&arena, TEXT("x")).data);
    cr_expect_null(arena_format(&arena, "x").data);
    cr_expect_null(arena_zalloc(&arena, 1));
}

Test(arena, reserve_and_commit)
{
    char *room = arena_reserve(&arena, 100);
    memcpy(room, "abc", 3);
    arena_commit(&arena, 3);
    char *next = arena_reserve(&arena, 1);
    cr_expect_eq(next, room + 3);
    cr_expect_null(arena_reserve(&arena, arena.capacity_bytes));
    cr_expect(arena_overflowed(&arena));
}

Test(arena, format)
{
    struct text t = arena_format(&arena, "%s-%d", "job", 7);
    cr_expect(text_is(t, "job-7"));
    cr_expect_eq(t.data[t.bytes], '\0');
    t = arena_format(&arena, "%9000d", 1);
    cr_expect_eq(t.bytes, 9000u);
    cr_expect_null(arena_format(&arena, "%9000d", 1).data);
}

Test(arena, joins_texts_and_refuses_what_does_not_fit)
{
    struct arena small;
    cr_assert_eq(arena_init(&small, 4096, NULL), 0);
    struct text joined = arena_join(&small, TEXT("ab"), TEXT_NONE, TEXT("c"));
    cr_expect(text_is(joined, "abc"));
    cr_expect_eq(joined.data[3], '\0');
    cr_expect(text_is(arena_join(&small, TEXT_NONE, TEXT_NONE, TEXT_NONE), ""));
    static const char much[8192];
    cr_expect_null(arena_join(&small, joined, (struct text){much, 8192}, joined).data);
    cr_expect(arena_overflowed(&small));
    arena_fini(&small);
}
