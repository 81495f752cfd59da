/* What libcurl allocates with, against what it promises. */
#include "base/check.h"
#include "outbox/http/http_curl_memory.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLOCKS 300

Test(http_curl_memory, blocks_of_every_size_hold_what_is_put_into_them)
{
    for (size_t bytes = 0; bytes < 70000;
         bytes = bytes < 600 ? bytes + 1 : bytes * 9 / 8) {
        char *a = http_curl_memory_malloc(bytes), *b = http_curl_memory_malloc(bytes);
        cr_assert(a && b && (uintptr_t)a % 16 == 0 && (uintptr_t)b % 16 == 0);
        memset(a, 'a', bytes);
        memset(b, 'b', bytes);
        for (size_t i = 0; i < bytes; i++)
            cr_assert(a[i] == 'a' && b[i] == 'b', "byte %zu of %zu", i, bytes);
        http_curl_memory_free(a);
        http_curl_memory_free(b);
    }
    http_curl_memory_free(NULL);
}

Test(http_curl_memory, what_was_used_comes_back_zeroed)
{
    char *memory = http_curl_memory_malloc(1000);
    memset(memory, 'x', 1000);
    http_curl_memory_free(memory);
    memory = http_curl_memory_calloc(100, 10);
    for (size_t i = 0; i < 1000; i++)
        cr_assert_eq(memory[i], 0);
    http_curl_memory_free(memory);
}

Test(http_curl_memory, grows_and_keeps_its_content)
{
    char *memory = NULL;
    for (size_t bytes = 1; bytes < 200000; bytes = bytes * 5 / 4 + 1) {
        memory = http_curl_memory_realloc(memory, bytes);
        memory[bytes - 1] = (char)(bytes % 127);
        for (size_t i = 1; i <= bytes; i = i * 5 / 4 + 1)
            cr_assert_eq(memory[i - 1], (char)(i % 127), "byte %zu of %zu", i, bytes);
    }
    http_curl_memory_free(memory);
    char *copy = http_curl_memory_strdup("a word");
    cr_expect_str_eq(copy, "a word");
    http_curl_memory_free(copy);
}

Test(http_curl_memory, refuses_what_nobody_has)
{
    cr_expect_null(http_curl_memory_malloc(SIZE_MAX));
    cr_expect_null(http_curl_memory_malloc(SIZE_MAX / 2 + 1));
    cr_expect_null(http_curl_memory_calloc(SIZE_MAX / 2, 3));
    char *memory = http_curl_memory_strdup("still here");
    cr_expect_null(http_curl_memory_realloc(memory, SIZE_MAX - 8));
    cr_expect_str_eq(memory, "still here");
    http_curl_memory_free(memory);
}

static void *free_and_allocate(void *arg)
{
    char **blocks = arg;
    for (size_t i = 0; i < BLOCKS; i++) {
        http_curl_memory_free(blocks[i]);
        blocks[i] = http_curl_memory_malloc(i * 7);
        memset(blocks[i], (int)i, i * 7);
    }
    return NULL;
}

/* The sanitizers' leak check sees what a thread keeps beyond its end. */
Test(http_curl_memory, blocks_change_hands_between_threads)
{
    char *blocks[BLOCKS];
    for (size_t i = 0; i < BLOCKS; i++)
        blocks[i] = http_curl_memory_malloc(i * 5);
    for (int round = 0; round < 3; round++) {
        pthread_t thread;
        cr_assert_eq(pthread_create(&thread, NULL, free_and_allocate, blocks), 0);
        pthread_join(thread, NULL);
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        for (size_t byte = 0; byte < i * 7; byte++)
            cr_assert_eq(blocks[i][byte], (char)i);
        http_curl_memory_free(blocks[i]);
    }
}
