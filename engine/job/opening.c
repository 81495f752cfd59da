/* opening: see opening.h. What holds in a zone is remembered until it changes, and the zone of a name
 * as long as the same name follows in its slot, so that a message costs a few loads. */
#include "engine/job/opening.h"

#include "base/clock.h"
#include "base/hash.h"

#include <stdlib.h>

#define NAMES 512 /* a power of two, many times the zones that a studio has */

struct opening {
    const struct job *job;
    struct span {
        int64_t from_s, to_s;
        bool open;
    } * spans; /* by number of the zone; one that is empty is not known */
    size_t span_count;
    struct {
        char name[48];
        size_t bytes;
        uint16_t zone;
    } names[NAMES];
};

struct opening *opening_create(const struct job *job)
{
    if (job->hours.count == 0 && job->file.expires_at_ns == 0)
        return NULL;
    struct opening *opening = calloc(1, sizeof(*opening));
    CHECK(opening != NULL);
    opening->job = job;
    return opening;
}

void opening_destroy(struct opening **opening)
{
    if (!*opening)
        return;
    free((*opening)->spans);
    free(*opening);
    *opening = NULL;
}

uint16_t opening_zone(struct opening *o, const struct chunk *chunk, uint32_t row)
{
    const struct column *column = job_column(o->job, chunk, SNAPSHOT_TIMEZONE);
    if (!column || o->job->hours.count == 0 || column->type == COLUMN_NULL)
        return ZONES_NONE;
    struct text name = column_text(column, chunk->first + row);
    if (name.bytes == 0 || name.bytes >= sizeof(o->names[0].name))
        return zones_find(o->job->zones, name);
    size_t slot = hash64(name.data, name.bytes) % NAMES;
    if (name.bytes != o->names[slot].bytes ||
        memcmp(name.data, o->names[slot].name, name.bytes) != 0) {
        o->names[slot].zone = zones_find(o->job->zones, name);
        o->names[slot].bytes = name.bytes;
        memcpy(o->names[slot].name, name.data, name.bytes);
    }
    return o->names[slot].zone;
}

static const struct span *span_of(struct opening *o, uint16_t zone, int64_t now_s)
{
    if (zone >= o->span_count) {
        size_t count = (size_t)zone * 2 + 16;
        o->spans = realloc(o->spans, count * sizeof(*o->spans));
        CHECK(o->spans != NULL);
        memset(o->spans + o->span_count, 0, (count - o->span_count) * sizeof(*o->spans));
        o->span_count = count;
    }
    struct span *span = &o->spans[zone];
    if (now_s < span->from_s || now_s >= span->to_s) {
        span->from_s = now_s;
        span->to_s = hours_next(&o->job->hours, zones_get(o->job->zones, zone), now_s,
                                &span->open);
    }
    return span;
}

int64_t opening_wait_ns(struct opening *o, uint16_t zone, int64_t now_ns)
{
    int64_t expires_ns = o->job->file.expires_at_ns;
    if (expires_ns && now_ns >= expires_ns)
        return HOURS_NEVER;
    const struct span *span = span_of(o, zone, now_ns / NS_PER_S);
    if (span->open)
        return 0;
    if (span->to_s > HOURS_NEVER / NS_PER_S)
        return HOURS_NEVER;
    int64_t until_ns = span->to_s * NS_PER_S;
    return expires_ns && until_ns >= expires_ns ? HOURS_NEVER : until_ns;
}
