/* frozen_template: a template as it was when a job started. Jobs of the same template share one copy in
 * outbox/.templates/<hash>/, by hard links: thousands of small jobs would otherwise write and sync each
 * of its files again. */
#ifndef ENGINE_FROZEN_TEMPLATE_H
#define ENGINE_FROZEN_TEMPLATE_H

#include "base/error.h"

/* frozen_template_make: the folder `to`, durable but for its own name, with what is in `from` and in the
 * folders right inside it.
 * Errors: ERROR_IO, ERROR_INPUT (a path that is too long)
 * Threads: any, several at once */
int frozen_template_make(const char *home, const char *from, const char *to,
                         struct error *err) MUST_USE;

#endif
