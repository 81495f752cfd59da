/* journal_limited: the journal's door for tests that need small files and groups. */
#ifndef OUTBOX_JOURNAL_LIMITED_H
#define OUTBOX_JOURNAL_LIMITED_H

#include "outbox/journal/journal.h"
#include "outbox/journal/journal_file.h"

int journal_open_limited(const char *dir, const struct journal_header *header,
                         struct loop *loop, struct journal_limits limits,
                         struct journal **out, struct error *err) MUST_USE;

#endif
