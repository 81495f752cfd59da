/* base64: RFC 4648, the plain alphabet with padding and the URL-safe one without. */
#ifndef RENDER_BASE64_H
#define RENDER_BASE64_H

#include "base/text.h"

/* Room that encoding so many bytes needs. */
#define BASE64_ROOM(bytes) (((bytes) + 2) / 3 * 4)

/* base64_encode, base64url_encode: return the end of what was written. */
char *base64_encode(char *out, const void *data, size_t bytes);
char *base64url_encode(char *out, const void *data, size_t bytes);

/* base64url_decode: room for 3/4 of the text. Returns the bytes written, or -1 when t is
 * not exactly what base64url_encode writes for them. */
long base64url_decode(void *out, struct text t);

#endif
