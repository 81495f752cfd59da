/* buffer: what is added piece by piece is what stands there. */
#include "base/buffer.h"

#include <criterion/criterion.h>
#include <stdlib.h>

Test(buffer, pieces)
{
    struct buffer b = {0};
    cr_expect(text_is(buffer_view(&b), "") && buffer_view(&b).data != NULL);
    buffer_add(&b, NULL, 0);
    buffer_string(&b, "a");
    buffer_byte(&b, '\0');
    buffer_text(&b, TEXT("bc"));
    buffer_text(&b, TEXT_NONE);
    buffer_format(&b, "%03d", 7);
    buffer_decimal(&b, 0);
    buffer_decimal(&b, UINT64_MAX);
    cr_expect(text_equal(buffer_view(&b), TEXT("a\0bc007018446744073709551615")));
    cr_expect_eq(b.data[b.bytes], '\0');
    memcpy(buffer_room(&b, 3), "xyz", 3);
    b.bytes += 3;
    cr_expect(text_equal(buffer_view(&b), TEXT("a\0bc007018446744073709551615xyz")));
    buffer_clear(&b);
    cr_expect_eq(b.bytes, 0u);
    buffer_fini(&b);
    cr_expect_null(b.data);
}

Test(buffer, grows_over_every_size)
{
    struct buffer b = {0};
    for (size_t i = 0; i < 5000; i++) {
        buffer_format(&b, "%c", (char)('a' + i % 26));
        cr_assert_eq(b.bytes, i + 1);
        cr_assert_eq(b.data[b.bytes], '\0');
        cr_assert_lt(b.bytes, b.capacity_bytes);
    }
    for (size_t i = 0; i < b.bytes; i++)
        cr_assert_eq(b.data[i], (char)('a' + i % 26));
    buffer_format(&b, "%100000d", 1); /* one piece larger than all before */
    cr_expect_eq(b.bytes, 105000u);
    buffer_fini(&b);
}
