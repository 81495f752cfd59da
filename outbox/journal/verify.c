/* verify: see verify.h. */
#include "outbox/journal/verify.h"

#include "outbox/journal/journal_lock.h"
#include "outbox/journal/scan.h"

const char *verify_state_name(enum verify_state state)
{
    static const char *const names[VERIFY_STATE_COUNT] = {
        [VERIFY_WHOLE] = "whole",         [VERIFY_TORN] = "torn",
        [VERIFY_WRITING] = "in progress", [VERIFY_EMPTY] = "empty",
        [VERIFY_DAMAGED] = "damaged",
    };
    return names[state];
}

static bool is_empty(const char *dir)
{
    uint32_t count;
    return scan_count(dir, &count, NULL) == 0 && count == 0;
}

int verify_read(const char *dir, struct verify *out, struct error *err)
{
    *out = (struct verify){.state = VERIFY_EMPTY};
    if (is_empty(dir))
        return 0;
    /* Asked on both sides of reading, for a writer may come or go meanwhile. */
    out->writer = journal_lock_holder(dir);
    int rc = replay_read(dir, NULL, &out->replay, &out->damage);
    if (!out->writer)
        out->writer = journal_lock_holder(dir);
    if (rc == -ERROR_INPUT) {
        out->state = VERIFY_DAMAGED;
        return 0;
    }
    if (rc != 0) {
        if (err)
            *err = out->damage;
        return rc;
    }
    out->state = out->writer                         ? VERIFY_WRITING
                 : out->replay.extent.tail_bytes > 0 ? VERIFY_TORN
                                                     : VERIFY_WHOLE;
    return 0;
}

void verify_fini(struct verify *verify)
{
    replay_fini(&verify->replay);
}
