/* buffer: see buffer.h. */
#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void buffer_fini(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct buffer){0};
}

char *buffer_room(struct buffer *buffer, size_t bytes)
{
    size_t need = buffer->bytes + bytes + 1;
    if (need > buffer->capacity_bytes) {
        size_t capacity = buffer->capacity_bytes ? buffer->capacity_bytes : 256;
        while (capacity < need)
            capacity *= 2;
        buffer->data = realloc(buffer->data, capacity);
        CHECK(buffer->data != NULL);
        buffer->capacity_bytes = capacity;
    }
    return buffer->data + buffer->bytes;
}

void buffer_add(struct buffer *buffer, const void *data, size_t bytes)
{
    char *room = buffer_room(buffer, bytes);
    if (bytes > 0)
        memcpy(room, data, bytes);
    room[bytes] = '\0';
    buffer->bytes += bytes;
}

void buffer_text(struct buffer *buffer, struct text t)
{
    buffer_add(buffer, t.data, t.bytes);
}

void buffer_string(struct buffer *buffer, const char *string)
{
    buffer_add(buffer, string, strlen(string));
}

void buffer_byte(struct buffer *buffer, char byte)
{
    buffer_add(buffer, &byte, 1);
}

void buffer_decimal(struct buffer *buffer, uint64_t number)
{
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    buffer_add(buffer, digits + at, sizeof(digits) - at);
}

void buffer_format(struct buffer *buffer, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int bytes = vsnprintf(NULL, 0, format, args);
    va_end(args);
    CHECK(bytes >= 0);
    vsnprintf(buffer_room(buffer, (size_t)bytes), (size_t)bytes + 1, format, again);
    va_end(again);
    buffer->bytes += (size_t)bytes;
}
