/* compose_sms: the texts of SMS, and how many segments they take. */
#include "base/bitmap.h"
#include "engine/pipeline/compose_private.h"
#include "render/sms.h"

/* Twilio refuses longer bodies with 21617 (FACTS section 2). */
#define SMS_CHARACTERS_MAX 1600

static size_t characters(struct text t)
{
    size_t count = 0;
    for (const char *at = t.data, *end = t.data + t.bytes; at < end; count++)
        utf8_next(&at, end);
    return count;
}

struct text compose_sms_text(struct compose *c, struct compose_row *row)
{
    size_t language = compose_row_language(c, row, CHANNEL_SMS);
    compose_row_gather(c, row, language, CHANNEL_SMS);
    return compose_row_part(c, row, language, PART_SMS);
}

static void note_ucs2(struct batch *batch, struct text t)
{
    struct text culprit = sms_culprit(t);
    batch->ucs2_texts++;
    if (!batch->ucs2_culprit[0] && culprit.bytes < sizeof(batch->ucs2_culprit) &&
        culprit.data)
        memcpy(batch->ucs2_culprit, culprit.data, culprit.bytes);
}

void compose_sms(struct compose *c, struct batch *batch)
{
    uint8_t *dispositions = batch->dispositions[CHANNEL_SMS];
    if (!job_uses(c->job, CHANNEL_SMS))
        return;
    uint32_t rows = batch->chunk.rows;
    for (size_t r = bitmap_next(batch->selected, 0, rows); r < rows;
         r = bitmap_next(batch->selected, r + 1, rows)) {
        if (dispositions[r] != DISPOSITION_SEND)
            continue;
        struct compose_row row = compose_row_open(c, batch, (uint32_t)r);
        struct text t = compose_sms_text(c, &row);
        struct sms_size size;
        sms_measure(t, &size);
        batch->sms_texts[r] = t;
        batch->sms_segments[r] = (uint16_t)size.segments;
        if (size.encoding == SMS_UCS2)
            note_ucs2(batch, t);
        if (text_trim(t).bytes == 0)
            dispositions[r] = DISPOSITION_EMPTY_TEXT;
        else if (t.bytes > SMS_CHARACTERS_MAX && characters(t) > SMS_CHARACTERS_MAX)
            dispositions[r] = DISPOSITION_TOO_LONG;
    }
}
