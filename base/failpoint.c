/* failpoint: see failpoint.h. */
#include "base/failpoint.h"

#include "base/near.h"
#include "base/units.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const names[] = {
    [FAILPOINT_NONE] = "none",
    [FAILPOINT_SPOOL_CLAIMED] = "spool-claimed",
    [FAILPOINT_FREEZE_SNAPSHOT] = "freeze-snapshot",
    [FAILPOINT_FREEZE_DRAFT] = "freeze-draft",
    [FAILPOINT_FREEZE_NAMED] = "freeze-named",
    [FAILPOINT_START_FROZEN] = "start-frozen",
    [FAILPOINT_START_PLANNED] = "start-planned",
    [FAILPOINT_START_RECORDED] = "start-recorded",
    [FAILPOINT_QUOTA_TAKEN] = "quota-taken",
    [FAILPOINT_FILE_FILLED] = "file-filled",
    [FAILPOINT_FILE_NAMED] = "file-named",
    [FAILPOINT_FILE_BEGUN] = "file-begun",
    [FAILPOINT_CUT_FILES] = "cut-files",
    [FAILPOINT_CUT_TAIL] = "cut-tail",
    [FAILPOINT_CUT_DONE] = "cut-done",
    [FAILPOINT_GROUP_CLOSED] = "group-closed",
    [FAILPOINT_GROUP_SEALED] = "group-sealed",
    [FAILPOINT_GROUP_WRITTEN] = "group-written",
    [FAILPOINT_GROUP_DURABLE] = "group-durable",
    [FAILPOINT_INTENTS_DURABLE] = "intents-durable",
    [FAILPOINT_REPLY_RECEIVED] = "reply-received",
    [FAILPOINT_OUTCOME_APPENDED] = "outcome-appended",
    [FAILPOINT_CLOSE_BEGUN] = "close-begun",
    [FAILPOINT_CLOSE_VOUCHED] = "close-vouched",
    [FAILPOINT_END_CLOSED] = "end-closed",
    [FAILPOINT_END_RESULTS] = "end-results",
    [FAILPOINT_END_QUOTA] = "end-quota",
    [FAILPOINT_END_REPORT] = "end-report",
    [FAILPOINT_END_RECORDED] = "end-recorded",
    [FAILPOINT_SPOOL_MOVED] = "spool-moved",
};
_Static_assert(ARRAY_COUNT(names) == FAILPOINT_COUNT, "every place has a name");

enum failpoint failpoint_armed = FAILPOINT_NONE;
static _Atomic uint64_t passes_left;

const char *failpoint_name(enum failpoint place)
{
    CHECK(place < FAILPOINT_COUNT);
    return names[place];
}

void failpoint_pass(void)
{
    if (atomic_fetch_sub(&passes_left, 1) == 1)
        raise(SIGKILL);
}

static int unknown_place(struct text name, struct error *err)
{
    struct near near = {.wanted = name};
    char hint[128], list[ERROR_TEXT_BYTES];
    size_t bytes = 0;
    for (int place = 1; place < FAILPOINT_COUNT; place++) {
        near_offer(&near, text_of(names[place]));
        bytes += (size_t)snprintf(list + bytes, sizeof(list) - bytes, "%s%s",
                                  place > 1 ? " " : "", names[place]);
        CHECK(bytes < sizeof(list));
    }
    return error_set(err, ERROR_USAGE,
                     "VOLLEY_FAILPOINT: no place \"%.32s\"%s; there are %s", name.data,
                     near_hint(&near, hint, sizeof(hint)), list);
}

int failpoint_arm(const char *wish, struct error *err)
{
    const char *colon = strchr(wish, ':');
    struct text name =
        colon ? (struct text){wish, (size_t)(colon - wish)} : text_of(wish);
    uint64_t count = 1;
    int place = 1;
    while (place < FAILPOINT_COUNT && !text_is(name, names[place]))
        place++;
    if (place == FAILPOINT_COUNT)
        return unknown_place(name, err);
    if (colon && (units_count(text_of(colon + 1), &count) || count == 0))
        return error_set(err, ERROR_USAGE,
                         "VOLLEY_FAILPOINT: \"%.32s\" is no count; write %s:1 or more",
                         colon + 1, names[place]);
    atomic_store(&passes_left, count);
    failpoint_armed = (enum failpoint)place;
    return 0;
}

int failpoint_from_environment(struct error *err)
{
    const char *wish = getenv("VOLLEY_FAILPOINT");
    return wish && *wish ? failpoint_arm(wish, err) : 0;
}
