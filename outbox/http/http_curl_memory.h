/* http_curl_memory: malloc(3) and its kin as libcurl uses them. */
#ifndef OUTBOX_HTTP_CURL_MEMORY_H
#define OUTBOX_HTTP_CURL_MEMORY_H

#include <stddef.h>

/* As in C, for each other only.
 * Threads: any; what one thread allocates, another may free. */
void *http_curl_memory_malloc(size_t bytes);
void *http_curl_memory_calloc(size_t count, size_t bytes);
void *http_curl_memory_realloc(void *old, size_t bytes);
char *http_curl_memory_strdup(const char *string);
void http_curl_memory_free(void *memory);

#endif
