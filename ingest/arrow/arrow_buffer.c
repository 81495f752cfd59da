/* arrow_buffer: see arrow_buffer.h. */
#include "ingest/arrow/arrow_buffer.h"

#include <lz4frame.h>
#include <zstd.h>

/* A buffer of no bytes is read as this one, which is enough for one of anything. */
static const _Alignas(64) char nothing[64];

int arrow_buffer_check(const struct arrow_bytes *body, struct arrow_extent extent,
                       size_t min_bytes, struct error *err)
{
    if (extent.at < 0 || extent.bytes < 0 || (size_t)extent.at > body->bytes ||
        (size_t)extent.bytes > body->bytes - (size_t)extent.at)
        return error_set(
            err, ERROR_INPUT,
            "a buffer of %lld bytes at %lld is outside its body of %zu bytes",
            (long long)extent.bytes, (long long)extent.at, body->bytes);
    size_t bytes = (size_t)extent.bytes;
    if (body->codec != ARROW_CODEC_NONE && bytes > 0)
        bytes = bytes > SIZE_MAX / ARROW_RATIO_MAX ? SIZE_MAX : bytes * ARROW_RATIO_MAX;
    if (bytes < min_bytes)
        return error_set(err, ERROR_INPUT,
                         "a buffer has %lld bytes where its rows need %zu",
                         (long long)extent.bytes, min_bytes);
    return 0;
}

/* The whole of one LZ4 frame. Returns false when it is anything else. */
static bool unpack_lz4(struct text packed, char *out, size_t out_bytes)
{
    LZ4F_dctx *context = NULL;
    if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)))
        return false;
    const LZ4F_decompressOptions_t options = {.stableDst = 1};
    size_t more = 1;
    while (more != 0 && packed.bytes > 0) {
        size_t put = out_bytes, taken = packed.bytes;
        more = LZ4F_decompress(context, out, &put, packed.data, &taken, &options);
        if (LZ4F_isError(more) || (put == 0 && taken == 0))
            break;
        out += put;
        out_bytes -= put;
        packed.data += taken;
        packed.bytes -= taken;
    }
    LZ4F_freeDecompressionContext(context);
    return more == 0 && out_bytes == 0;
}

static bool unpack(enum arrow_codec codec, struct text packed, char *out,
                   size_t out_bytes)
{
    if (codec == ARROW_LZ4_FRAME)
        return unpack_lz4(packed, out, out_bytes);
    return ZSTD_decompress(out, out_bytes, packed.data, packed.bytes) == out_bytes;
}

/* Compressed buffers start with their length before compression, or -1 when they were
 * left as they are because compression did not pay. Returns 1 when out is final, 0 when
 * it is in the mapping. */
static int load_compressed(const struct arrow_bytes *body, struct arrow_need need,
                           struct arrow_memory *memory, struct text *out,
                           struct error *err)
{
    int64_t declared;
    if (out->bytes < sizeof(declared))
        return error_set(err, ERROR_INPUT, "a compressed buffer has no length");
    memcpy(&declared, out->data, sizeof(declared));
    struct text packed = {out->data + sizeof(declared), out->bytes - sizeof(declared)};
    if (declared == -1) {
        *out = packed;
        return 0;
    }
    if (declared < 0 || (size_t)declared > need.max_bytes ||
        (size_t)declared / ARROW_RATIO_MAX > packed.bytes)
        return error_set(err, ERROR_INPUT,
                         "a compressed buffer claims %lld bytes, more than it can hold",
                         (long long)declared);
    char *bytes = arrow_memory_take(memory, (size_t)declared, err);
    if (!bytes)
        return -(int)err->kind;
    if (declared > 0 && !unpack(body->codec, packed, bytes, (size_t)declared))
        return error_set(err, ERROR_INPUT, "a compressed buffer is damaged (%s)",
                         body->codec == ARROW_ZSTD ? "ZSTD" : "LZ4");
    *out = (struct text){bytes, (size_t)declared};
    return 1;
}

int arrow_buffer_load(const struct arrow_bytes *body, struct arrow_extent extent,
                      struct arrow_need need, struct arrow_memory *memory,
                      struct text *out, struct error *err)
{
    int rc = arrow_buffer_check(body, extent, need.min_bytes, err);
    if (rc)
        return rc;
    *out = (struct text){(const char *)body->data + extent.at, (size_t)extent.bytes};
    if (body->codec != ARROW_CODEC_NONE && out->bytes > 0)
        rc = load_compressed(body, need, memory, out, err);
    if (rc < 0)
        return rc;
    if (out->bytes < need.min_bytes)
        return error_set(err, ERROR_INPUT,
                         "a buffer has %zu bytes where its rows need %zu", out->bytes,
                         need.min_bytes);
    if (out->bytes == 0)
        out->data = nothing;
    if (rc == 1 || out->bytes == 0)
        return 0;
    /* In the mapping: copied when it lies askew or too near the end to be read in words.
     */
    size_t readable = (size_t)(body->readable_end - (const uint8_t *)out->data);
    if ((uintptr_t)out->data % need.align == 0 && need.read_bytes <= readable)
        return 0;
    char *copy = arrow_memory_take(memory, out->bytes, err);
    if (!copy)
        return -(int)err->kind;
    memcpy(copy, out->data, out->bytes);
    out->data = copy;
    return 0;
}
