/* failpoint: named places at which a test has the process killed.
 *
 * VOLLEY_FAILPOINT=name[:N] in the environment ends the process by SIGKILL when it passes the place for
 * the Nth time (1 when not said), and does nothing else: what is on the disk then is what a crash leaves
 * there. Passing costs one branch that is never taken; the places are on steps and groups, the two of a
 * message's reply excepted. */
#ifndef BASE_FAILPOINT_H
#define BASE_FAILPOINT_H

#include "base/error.h"

enum failpoint {
    FAILPOINT_NONE,
    /* a job is frozen and started */
    FAILPOINT_SPOOL_CLAIMED,   /* the job file is in active, nothing is known of it yet */
    FAILPOINT_FREEZE_SNAPSHOT, /* the draft has its snapshot and nothing else */
    FAILPOINT_FREEZE_DRAFT,    /* the draft is whole and not renamed */
    FAILPOINT_FREEZE_NAMED,    /* renamed, the folder not synced */
    FAILPOINT_START_FROZEN,    /* state.db does not know it yet */
    FAILPOINT_START_PLANNED, /* the same, but whom a capped job will write to is listed */
    FAILPOINT_START_RECORDED, /* running, says state.db; no journal yet */
    FAILPOINT_QUOTA_TAKEN, /* a chunk's segments; its decisions are not in the journal */
    /* the journal's files */
    FAILPOINT_FILE_FILLED, /* journal.new is durable and not renamed */
    FAILPOINT_FILE_NAMED,  /* renamed, the folder not synced */
    FAILPOINT_FILE_BEGUN,
    FAILPOINT_CUT_FILES, /* files behind the end are removed, the tail is not cut */
    FAILPOINT_CUT_TAIL,  /* cut, not synced */
    FAILPOINT_CUT_DONE,
    /* a group commit */
    FAILPOINT_GROUP_CLOSED,  /* its records are encoded */
    FAILPOINT_GROUP_SEALED,  /* a frame, about to be submitted */
    FAILPOINT_GROUP_WRITTEN, /* and synced; the journal does not know yet */
    FAILPOINT_GROUP_DURABLE, /* nobody has been told */
    /* a message */
    FAILPOINT_INTENTS_DURABLE,  /* none is handed over */
    FAILPOINT_REPLY_RECEIVED,   /* its outcome is not appended */
    FAILPOINT_OUTCOME_APPENDED, /* and not durable */
    /* the end */
    FAILPOINT_CLOSE_BEGUN,   /* the voucher is not written */
    FAILPOINT_CLOSE_VOUCHED, /* unused space is not trimmed */
    FAILPOINT_END_CLOSED,    /* the journal is; no results */
    FAILPOINT_END_RESULTS,   /* results.arrow is there, the quota not settled */
    FAILPOINT_END_QUOTA,     /* settled; no report.json */
    FAILPOINT_END_REPORT,    /* state.db still says running */
    FAILPOINT_END_RECORDED,  /* the job file is still in active */
    FAILPOINT_SPOOL_MOVED,   /* renamed, the folders not synced */
    FAILPOINT_COUNT
};

/* failpoint_name: "group-sealed"; stable. */
const char *failpoint_name(enum failpoint place);

/* failpoint_arm: "name" or "name:N", as in the environment. Until then no place does anything.
 * Errors: ERROR_USAGE for a name there is not, with the list of them, or no count. */
int failpoint_arm(const char *wish, struct error *err) MUST_USE;
/* failpoint_from_environment: the same for VOLLEY_FAILPOINT, when it is set; before threads start. */
int failpoint_from_environment(struct error *err) MUST_USE;

extern enum failpoint failpoint_armed;
void failpoint_pass(void);

/* failpoint: the process passes this place.
 * Threads: any. */
static inline void failpoint(enum failpoint place)
{
    if (__builtin_expect(failpoint_armed == place, 0))
        failpoint_pass();
}

#endif
