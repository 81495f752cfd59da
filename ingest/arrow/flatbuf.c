/* flatbuf: see flatbuf.h. */
#include "ingest/arrow/flatbuf.h"

#include "base/check.h"

/* Copies bytes at a position, which need not be aligned. Out of bounds reads as zero. */
static bool copy_out(struct flatbuf *in, size_t at, void *out, size_t bytes)
{
    if (at > in->bytes || bytes > in->bytes - at) {
        in->damaged = true;
        memset(out, 0, bytes);
        return false;
    }
    memcpy(out, in->data + at, bytes);
    return true;
}

static struct flatbuf_table no_table(struct flatbuf *in)
{
    return (struct flatbuf_table){.in = in};
}

static struct flatbuf_table damaged_table(struct flatbuf *in)
{
    in->damaged = true;
    return no_table(in);
}

static struct flatbuf_table table_at(struct flatbuf *in, size_t at)
{
    int32_t back;
    uint16_t head[2];
    if (!copy_out(in, at, &back, sizeof(back)))
        return no_table(in);
    int64_t vtable = (int64_t)at - back; /* it may lie on either side */
    if (vtable < 0 || !copy_out(in, (size_t)vtable, head, sizeof(head)))
        return damaged_table(in);
    struct flatbuf_table table = {in, at, head[1], (size_t)vtable, head[0]};
    if (at == 0 || table.vtable_bytes < 4 || table.vtable_bytes % 2 != 0 ||
        table.vtable_bytes > in->bytes - table.vtable || table.bytes < 4 ||
        table.bytes > in->bytes - at)
        return damaged_table(in);
    return table;
}

/* Follows the reference at a position. Returns where it points to, or 0. */
static size_t follow(struct flatbuf *in, size_t at)
{
    uint32_t distance;
    if (!copy_out(in, at, &distance, sizeof(distance)))
        return 0;
    if (distance == 0 || distance > in->bytes - at) {
        in->damaged = true;
        return 0;
    }
    return at + distance;
}

/* Where a field of some size lies, or 0 when it is absent. */
static size_t field_at(const struct flatbuf_table *table, size_t field, size_t bytes)
{
    size_t entry = 4 + 2 * field;
    if (table->at == 0 || entry + 2 > table->vtable_bytes)
        return 0;
    uint16_t offset = 0;
    copy_out(table->in, table->vtable + entry, &offset, sizeof(offset));
    if (offset == 0)
        return 0;
    if (offset < 4 || offset + bytes > table->bytes) {
        table->in->damaged = true;
        return 0;
    }
    return table->at + offset;
}

static size_t reference_at(const struct flatbuf_table *table, size_t field)
{
    size_t at = field_at(table, field, 4);
    return at ? follow(table->in, at) : 0;
}

struct flatbuf_table flatbuf_root(struct flatbuf *in)
{
    size_t at = follow(in, 0);
    return at ? table_at(in, at) : no_table(in);
}

int64_t flatbuf_integer(const struct flatbuf_table *table, size_t field, size_t bytes,
                        int64_t absent)
{
    CHECK(bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8);
    size_t at = field_at(table, field, bytes);
    if (at == 0)
        return absent;
    uint64_t value = 0;
    copy_out(table->in, at, &value, bytes); /* little-endian */
    unsigned shift = 64 - 8 * (unsigned)bytes;
    return (int64_t)(value << shift) >> shift;
}

struct flatbuf_table flatbuf_sub(const struct flatbuf_table *table, size_t field)
{
    size_t at = reference_at(table, field);
    return at ? table_at(table->in, at) : no_table(table->in);
}

struct flatbuf_vector flatbuf_vector(const struct flatbuf_table *table, size_t field,
                                     size_t element_bytes)
{
    struct flatbuf *in = table->in;
    struct flatbuf_vector none = {.in = in};
    size_t at = reference_at(table, field);
    uint32_t count;
    if (at == 0 || !copy_out(in, at, &count, sizeof(count)))
        return none;
    at += sizeof(count);
    if (count > (in->bytes - at) / element_bytes) {
        in->damaged = true;
        return none;
    }
    return (struct flatbuf_vector){in, in->data + at, at, count};
}

struct text flatbuf_string(const struct flatbuf_table *table, size_t field)
{
    struct flatbuf_vector bytes = flatbuf_vector(table, field, 1);
    return (struct text){(const char *)bytes.data, bytes.count};
}

struct flatbuf_table flatbuf_element(const struct flatbuf_vector *vector, size_t i)
{
    CHECK(i < vector->count);
    size_t at = follow(vector->in, vector->at + 4 * i);
    return at ? table_at(vector->in, at) : no_table(vector->in);
}
