/* hash: known values of XXH3, and streams against one call. */
#include "base/hash.h"
#include "base/hash_long.h"

#include <criterion/criterion.h>

/* From the specification's reference implementation: XXH3 of the empty input, seed 0. */
Test(hash, known_values)
{
    cr_expect_eq(hash64("", 0), 0x2D06800538D394C2u);
    struct hash128 h = hash128("", 0);
    cr_expect(h.low == 0x6001C324468D497Fu && h.high == 0x99AA06D3014798D8u);
    cr_expect_eq(hash64("abc", 3), hash64_seeded("abc", 3, 0));
    cr_expect_neq(hash64("abc", 3), hash64_seeded("abc", 3, 1));
}

Test(hash, a_stream_is_its_pieces_put_together)
{
    static char bytes[3000];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i * 7 + i / 256);
    for (size_t total = 0; total <= sizeof(bytes); total += total < 300 ? 1 : 271) {
        struct hash_stream *stream = hash_stream_create();
        for (size_t at = 0, piece = 1; at < total; at += piece, piece = piece * 2 % 511) {
            if (piece > total - at)
                piece = total - at;
            hash_stream_add(stream, bytes + at, piece);
        }
        cr_assert_eq(hash_stream_value(stream), hash64(bytes, total), "%zu bytes", total);
        hash_stream_destroy(&stream);
        cr_assert_null(stream);
    }
}

Test(hash, many_bytes_have_the_same_value)
{
    static char bytes[5000];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i * 7 + i / 256);
    for (size_t total = 0; total <= sizeof(bytes); total += total < 300 ? 1 : 271)
        cr_assert_eq(hash64_long(bytes, total, total * 3),
                     hash64_seeded(bytes, total, total * 3), "%zu bytes", total);
}
