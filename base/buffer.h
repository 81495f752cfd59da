/* buffer: bytes that grow, for the control plane (files, JSON, requests built once).
 * The hot path uses arenas instead. Running out of memory here is a CHECK: the kernel
 * kills us before malloc fails. */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include "base/check.h"
#include "base/text.h"

struct buffer {
    char *data; /* NUL-terminated once anything was added; NULL before */
    size_t bytes;
    size_t capacity_bytes;
};

void buffer_fini(struct buffer *buffer);
static inline void buffer_clear(struct buffer *buffer)
{
    buffer->bytes = 0;
}

/* buffer_room: at least bytes of writable room behind the end; commit by adding to
 * ->bytes. */
char *buffer_room(struct buffer *buffer, size_t bytes);
void buffer_add(struct buffer *buffer, const void *data, size_t bytes);
void buffer_text(struct buffer *buffer, struct text t);
void buffer_string(struct buffer *buffer, const char *string);
void buffer_byte(struct buffer *buffer, char byte);
/* buffer_decimal: where buffer_format would be too slow. */
void buffer_decimal(struct buffer *buffer, uint64_t number);
void buffer_format(struct buffer *buffer, const char *format, ...) PRINTF_LIKE(2, 3);

static inline struct text buffer_view(const struct buffer *buffer)
{
    return (struct text){buffer->data ? buffer->data : "", buffer->bytes};
}

#endif
