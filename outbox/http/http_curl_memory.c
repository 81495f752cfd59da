/* http_curl_memory: see http_curl_memory.h.
 *
 * libcurl allocates some fifty times for each request, its 16 KB of receive buffer among
 * them, and frees it all at the end. With many requests at once that overflows what
 * malloc(3) keeps at hand for a thread (seven blocks of a size), and its slower ways took
 * an eighth of a request's processor time. Here each thread keeps what it frees, by size,
 * as much as was in use at one time, and gives it back when it ends. */
#include "outbox/http/http_curl_memory.h"

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Four sizes to each power of two: 64, 80, 96, 112, 128, 160 … Larger ones than the last
 * are rare and go straight to malloc(3). */
#define SMALLEST_SHIFT 6
#define SIZES          40
#define STRAIGHT       SIZES

/* In front of each block; the alignment is malloc's. */
struct block {
    union {
        struct block *next; /* while it is kept */
        size_t room_bytes;  /* while it is used */
    };
    size_t size;
} __attribute__((aligned(16)));

struct kept {
    struct block *blocks[SIZES];
    bool ends_clean; /* give_back is called when the thread ends */
};

static _Thread_local struct kept kept;
static pthread_key_t thread_end;

static void give_back(void *arg)
{
    struct kept *mine = arg;
    mine->ends_clean = false;
    for (size_t size = 0; size < SIZES; size++) {
        for (struct block *block; (block = mine->blocks[size]);) {
            mine->blocks[size] = block->next;
            free(block);
        }
    }
}

static void make_key(void)
{
    pthread_key_create(&thread_end, give_back);
}

static void promise_to_give_back(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_key);
    kept.ends_clean = pthread_setspecific(thread_end, &kept) == 0;
}

/* The index of the least size that holds so many bytes. */
static size_t size_of(size_t bytes)
{
    if (bytes <= 1u << SMALLEST_SHIFT)
        return 0;
    unsigned shift =
        (unsigned)(sizeof(long) * CHAR_BIT - 1) - (unsigned)__builtin_clzl(bytes - 1);
    size_t quarter = (bytes - 1) >> (shift - 2) & 3;
    return (shift - SMALLEST_SHIFT) * 4 + quarter + 1;
}

static size_t bytes_of(size_t size)
{
    return (4 + size % 4) << (SMALLEST_SHIFT - 2 + size / 4);
}

void *http_curl_memory_malloc(size_t bytes)
{
    if (bytes > PTRDIFF_MAX)
        return NULL;
    size_t whole = bytes + sizeof(struct block);
    size_t size = size_of(whole);
    struct block *block = NULL;
    if (size >= SIZES) {
        size = STRAIGHT;
        block = malloc(whole);
    } else {
        whole = bytes_of(size);
        block = kept.blocks[size];
        if (block)
            kept.blocks[size] = block->next;
        else
            block = malloc(whole);
    }
    if (!block)
        return NULL;
    block->room_bytes = whole - sizeof(struct block);
    block->size = size;
    return block + 1;
}

void http_curl_memory_free(void *memory)
{
    if (!memory)
        return;
    struct block *block = (struct block *)memory - 1;
    size_t size = block->size;
    if (!kept.ends_clean && size < SIZES)
        promise_to_give_back();
    if (size >= SIZES || !kept.ends_clean) {
        free(block);
        return;
    }
    block->next = kept.blocks[size];
    kept.blocks[size] = block;
}

void *http_curl_memory_calloc(size_t count, size_t bytes)
{
    size_t all;
    if (__builtin_mul_overflow(count, bytes, &all))
        return NULL;
    void *memory = http_curl_memory_malloc(all);
    return memory ? memset(memory, 0, all) : NULL;
}

void *http_curl_memory_realloc(void *old, size_t bytes)
{
    size_t room = old ? ((struct block *)old - 1)->room_bytes : 0;
    if (old && bytes <= room)
        return old;
    void *memory = http_curl_memory_malloc(bytes);
    if (!memory || !old)
        return memory;
    memcpy(memory, old, room);
    http_curl_memory_free(old);
    return memory;
}

char *http_curl_memory_strdup(const char *string)
{
    size_t bytes = strlen(string) + 1;
    char *copy = http_curl_memory_malloc(bytes);
    return copy ? memcpy(copy, string, bytes) : NULL;
}
