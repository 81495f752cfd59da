/* flatbuf_build: see flatbuf_build.h. */
#include "ingest/arrow/flatbuf_build.h"

#define SLOTS_MAX 16

/* Zeros until (position + ahead) is a multiple of align. */
static void pad(struct buffer *out, size_t align, size_t ahead)
{
    while ((out->bytes + ahead) % align != 0)
        buffer_byte(out, 0);
}

static void put_u16(struct buffer *out, size_t value)
{
    CHECK(value <= UINT16_MAX);
    uint16_t bits = (uint16_t)value;
    buffer_add(out, &bits, sizeof(bits));
}

static void put_u32(struct buffer *out, size_t value)
{
    CHECK(value <= UINT32_MAX);
    uint32_t bits = (uint32_t)value;
    buffer_add(out, &bits, sizeof(bits));
}

size_t flatbuf_put_root(struct buffer *out)
{
    CHECK(out->bytes == 0);
    return flatbuf_put_holes(out, 1);
}

size_t flatbuf_put_table(struct buffer *out, struct flatbuf_slot *slots, size_t count)
{
    CHECK(count <= SLOTS_MAX);
    uint16_t vtable[SLOTS_MAX] = {0};
    size_t fields = 0,
           table_bytes = 4; /* the table starts with its distance to the vtable */
    for (size_t bytes = 8; bytes >= 1; bytes /= 2) {
        for (size_t i = 0; i < count; i++) {
            if (slots[i].bytes != bytes)
                continue;
            CHECK(slots[i].field < SLOTS_MAX);
            table_bytes = (table_bytes + bytes - 1) / bytes * bytes;
            vtable[slots[i].field] = (uint16_t)table_bytes;
            table_bytes += bytes;
            if (fields < slots[i].field + 1u)
                fields = slots[i].field + 1u;
        }
    }
    size_t vtable_bytes = 4 + 2 * fields;
    pad(out, 8, vtable_bytes);
    put_u16(out, vtable_bytes);
    put_u16(out, table_bytes);
    buffer_add(out, vtable, 2 * fields);
    size_t table = out->bytes;
    put_u32(out, vtable_bytes);
    memset(buffer_room(out, table_bytes - 4), 0, table_bytes - 4);
    out->bytes += table_bytes - 4;
    for (size_t i = 0; i < count; i++) {
        slots[i].at = table + vtable[slots[i].field];
        memcpy(out->data + slots[i].at, &slots[i].value,
               slots[i].bytes); /* little-endian */
    }
    return table;
}

size_t flatbuf_put_vector(struct buffer *out, size_t count, size_t align)
{
    pad(out, align, 4);
    size_t at = out->bytes;
    put_u32(out, count);
    return at;
}

size_t flatbuf_put_holes(struct buffer *out, size_t count)
{
    size_t at = out->bytes;
    for (size_t i = 0; i < count; i++)
        put_u32(out, 0);
    return at;
}

size_t flatbuf_put_string(struct buffer *out, struct text t)
{
    size_t at = flatbuf_put_vector(out, t.bytes, 4);
    buffer_text(out, t);
    buffer_byte(out, 0); /* strings end with a NUL that is not counted */
    return at;
}

void flatbuf_fill(struct buffer *out, size_t hole, size_t target)
{
    CHECK(target > hole && target < out->bytes && target - hole <= UINT32_MAX);
    uint32_t distance = (uint32_t)(target - hole);
    memcpy(out->data + hole, &distance, sizeof(distance));
}
