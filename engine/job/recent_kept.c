/* recent_kept: see recent_kept.h. */
#include "engine/job/recent_kept.h"

#include <stdlib.h>
#include <string.h>

/* What the bases of all accounts may take together. */
#define KEPT_BYTES_MAX ((size_t)512 << 20)

static pthread_mutex_t kept_lock = PTHREAD_MUTEX_INITIALIZER;
static struct recent_kept *all;

struct recent_base *recent_base_create(void)
{
    struct recent_base *base = calloc(1, sizeof(*base));
    CHECK(base != NULL);
    atomic_store(&base->references, 1);
    return base;
}

void recent_base_release(struct recent_base **base)
{
    if (*base && atomic_fetch_sub(&(*base)->references, 1) == 1) {
        recent_table_fini(&(*base)->table);
        free(*base);
    }
    *base = NULL;
}

int recent_source_order(const void *a, const void *b)
{
    const struct recent_source *x = a, *y = b;
    size_t bytes = x->id.bytes < y->id.bytes ? x->id.bytes : y->id.bytes;
    int order = memcmp(x->id.data, y->id.data, bytes);
    if (order == 0)
        order = (x->id.bytes > y->id.bytes) - (x->id.bytes < y->id.bytes);
    return order ? order : x->over - y->over;
}

void recent_kept_forget(struct recent_kept *a)
{
    recent_base_release(&a->base);
    for (size_t i = 0; i < a->sources.count; i++)
        free((char *)a->sources.items[i].id.data);
    free(a->sources.items);
    a->sources = (struct recent_sources){0};
}

struct recent_kept *recent_kept_of(const char *home, struct text account)
{
    static uint64_t uses;
    pthread_mutex_lock(&kept_lock);
    struct recent_kept *a = all;
    while (a && (strcmp(a->home, home) != 0 || !text_equal(account, text_of(a->account))))
        a = a->next;
    if (!a) {
        a = calloc(1, sizeof(*a));
        CHECK(a != NULL);
        a->home = text_copy(text_of(home));
        a->account = text_copy(account);
        pthread_mutex_init(&a->lock, NULL);
        a->next = all;
        all = a;
    }
    a->used = ++uses;
    pthread_mutex_unlock(&kept_lock);
    return a;
}

/* What others are using just now stays. */
void recent_kept_make_room(struct recent_kept *a)
{
    size_t sum = 0;
    pthread_mutex_lock(&kept_lock);
    a->bytes = a->base ? a->base->table.capacity * sizeof(uint64_t) : 0;
    for (const struct recent_kept *at = all; at; at = at->next)
        sum += at->bytes;
    while (sum > KEPT_BYTES_MAX) {
        struct recent_kept *oldest = NULL;
        for (struct recent_kept *at = all; at; at = at->next) {
            if (at != a && at->bytes > 0 && (!oldest || at->used < oldest->used))
                oldest = at;
        }
        if (!oldest || pthread_mutex_trylock(&oldest->lock))
            break;
        sum -= oldest->bytes;
        oldest->bytes = 0;
        recent_kept_forget(oldest);
        pthread_mutex_unlock(&oldest->lock);
    }
    pthread_mutex_unlock(&kept_lock);
}
