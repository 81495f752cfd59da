/* arrow_message: see arrow_message.h. */
#include "ingest/arrow/arrow_message.h"

/* The length in front of the metadata: 0xFFFFFFFF and a length, or (before Arrow 0.15) a
 * length. */
static int read_prefix(const uint8_t *data, size_t bytes, size_t at,
                       struct arrow_place *out, struct error *err)
{
    if (at == bytes)
        return 0;
    uint32_t length = 0;
    size_t meta_at = at;
    for (int i = 0; i < 2; i++) {
        if (bytes - meta_at < sizeof(length))
            return error_set(err, ERROR_INPUT, "it is cut short at byte %zu", bytes);
        memcpy(&length, data + meta_at, sizeof(length));
        meta_at += sizeof(length);
        if (length != ARROW_CONTINUATION)
            break;
    }
    if (length == 0)
        return 0;
    if (length > INT32_MAX)
        return error_set(err, ERROR_INPUT, "no message starts at byte %zu", at);
    if (length > bytes - meta_at)
        return error_set(
            err, ERROR_INPUT,
            "it is cut short at byte %zu: the message at byte %zu needs %u bytes", bytes,
            at, length);
    *out = (struct arrow_place){
        .at = at, .meta_at = meta_at, .meta_bytes = length, .body_at = meta_at + length};
    return 1;
}

int arrow_message_read(const uint8_t *data, size_t bytes, size_t at,
                       struct arrow_message *out, struct error *err)
{
    *out = (struct arrow_message){0};
    struct arrow_place *place = &out->place;
    if (at > bytes)
        return error_set(err, ERROR_INPUT, "it is cut short at byte %zu", bytes);
    int rc = read_prefix(data, bytes, at, place, err);
    if (rc <= 0)
        return rc;
    out->meta =
        (struct flatbuf){.data = data + place->meta_at, .bytes = place->meta_bytes};
    struct flatbuf_table message = flatbuf_root(&out->meta);
    out->version = flatbuf_integer(&message, MESSAGE_VERSION, 2, 0);
    out->type = (enum arrow_header)flatbuf_integer(&message, MESSAGE_HEADER_TYPE, 1, 0);
    out->header = flatbuf_sub(&message, MESSAGE_HEADER);
    int64_t body_bytes = flatbuf_integer(&message, MESSAGE_BODY_BYTES, 8, 0);
    if (out->meta.damaged || out->header.at == 0 || body_bytes < 0)
        return error_set(err, ERROR_INPUT, "the message at byte %zu is damaged", at);
    if (out->version < ARROW_V4 || out->version > ARROW_V5)
        return error_set(err, ERROR_INPUT,
                         "the message at byte %zu has metadata version V%lld; write V5",
                         at, (long long)out->version + 1);
    if ((uint64_t)body_bytes > bytes - place->body_at)
        return error_set(
            err, ERROR_INPUT,
            "it is cut short at byte %zu: the body at byte %zu needs %lld bytes", bytes,
            place->body_at, (long long)body_bytes);
    place->body_bytes = (size_t)body_bytes;
    return 1;
}
