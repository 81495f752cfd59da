/* meter: against a model that reads like the rules: one row after the other, messages in plain
 * lists. Then the same rows cut into other chunks, and interrupted and taken up again. */
#include "engine/pipeline/meter.h"
#include "base/bitmap.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 120, ADDRESSES = 60 };

struct row {
    bool selected;
    uint8_t d[CHANNEL_COUNT];
    uint64_t address[CHANNEL_COUNT]; /* 1 … ADDRESSES; 0: none */
    uint16_t segments;
};

struct allowance {
    uint64_t left;
    bool open;
    int opened;
};

static int begin(void *arg, uint64_t *left_out, struct error *err)
{
    struct allowance *allowance = arg;
    (void)err;
    cr_assert(!allowance->open && allowance->opened < 2, "at most once a chunk");
    allowance->open = true;
    allowance->opened++;
    *left_out = allowance->left;
    return 0;
}

static int end(void *arg, uint64_t taken, struct error *err)
{
    struct allowance *allowance = arg;
    (void)err;
    cr_assert(allowance->open && taken <= allowance->left);
    allowance->open = false;
    allowance->left -= taken;
    return 0;
}

/* --- the model --- */

struct model {
    const struct job *job;
    uint64_t left, segments, recipients;
    bool used_up;
    bool messaged[CHANNEL_COUNT][ADDRESSES + 1];
};

static bool taken(const struct model *m, const struct row *row, int channel)
{
    return m->job->file.dedupe_address && m->messaged[channel][row->address[channel]];
}

static void model_fallback(struct model *m, struct row *row)
{
    bool named = job_names(m->job, CHANNEL_EMAIL);
    uint8_t email = row->d[CHANNEL_EMAIL];
    row->d[CHANNEL_SMS] = DISPOSITION_QUOTA;
    if (!m->job->file.sms_fallback_email || (named && email == DISPOSITION_SEND))
        return;
    bool free = email == (named ? DISPOSITION_OTHER_CHANNEL : DISPOSITION_SEND);
    if (free && taken(m, row, CHANNEL_EMAIL))
        email = DISPOSITION_DUPLICATE;
    else if (free)
        email = DISPOSITION_FROM_FALLBACK;
    row->d[CHANNEL_EMAIL] = email;
    row->d[CHANNEL_SMS] = email == DISPOSITION_FROM_FALLBACK
                              ? DISPOSITION_FALLBACK_EMAIL
                              : (uint8_t)disposition_after_quota((enum disposition)email);
}

static void model_sms(struct model *m, struct row *row)
{
    uint64_t most = m->job->file.max_segments;
    if (most && m->segments + row->segments > most) {
        row->d[CHANNEL_SMS] = DISPOSITION_OVER_LIMIT;
        return;
    }
    m->used_up = m->used_up || row->segments > m->left;
    if (m->used_up) {
        model_fallback(m, row);
        return;
    }
    m->left -= row->segments;
    m->segments += row->segments;
}

static void model_row(struct model *m, struct row *row)
{
    const struct job_file *file = &m->job->file;
    bool full = file->max_recipients && m->recipients >= file->max_recipients,
         reached = false;
    for (size_t i = 0; i < file->channel_count; i++) {
        uint8_t *d = &row->d[file->channels[i]];
        if (*d != DISPOSITION_SEND)
            continue;
        if (full)
            *d = DISPOSITION_OVER_LIMIT;
        else if (reached && file->delivery == JOB_DELIVER_FIRST)
            *d = DISPOSITION_OTHER_CHANNEL;
        else if (taken(m, row, file->channels[i]))
            *d = DISPOSITION_DUPLICATE;
        reached = true;
    }
    if (row->d[CHANNEL_SMS] == DISPOSITION_SEND)
        model_sms(m, row);
    if (!job_names(m->job, CHANNEL_EMAIL) &&
        row->d[CHANNEL_EMAIL] != DISPOSITION_FROM_FALLBACK)
        row->d[CHANNEL_EMAIL] = DISPOSITION_NONE;
    bool message = false;
    for (int c = 0; c < CHANNEL_COUNT; c++) {
        if (disposition_sends((enum disposition)row->d[c])) {
            message = true;
            m->messaged[c][row->address[c]] = row->address[c] != 0;
        }
    }
    m->recipients += message;
}

/* --- random jobs and rows --- */

static unsigned pick(unsigned below)
{
    return (unsigned)rand() % below;
}

static void random_job(struct job *job)
{
    static const enum channel sets[][3] = {
        {CHANNEL_SMS},
        {CHANNEL_EMAIL},
        {CHANNEL_SMS, CHANNEL_EMAIL},
        {CHANNEL_EMAIL, CHANNEL_SMS},
        {CHANNEL_PUSH, CHANNEL_SMS},
        {CHANNEL_SMS, CHANNEL_PUSH, CHANNEL_EMAIL},
        {CHANNEL_INAPP, CHANNEL_EMAIL, CHANNEL_SMS},
    };
    static const size_t counts[] = {1, 1, 2, 2, 2, 3, 3};
    unsigned set = pick(ARRAY_COUNT(sets));
    *job = (struct job){0};
    memcpy(job->file.channels, sets[set], sizeof(sets[set]));
    job->file.channel_count = counts[set];
    job->file.delivery = pick(2) ? JOB_DELIVER_FIRST : JOB_DELIVER_ALL;
    job->file.sms_fallback_email = pick(3) > 0;
    job->file.dedupe_address = pick(2);
    job->file.max_segments = pick(3) ? 0 : 1 + pick(ROWS);
    job->file.max_recipients = pick(3) ? 0 : 1 + pick(ROWS);
    job->fallback = job->file.sms_fallback_email && job_names(job, CHANNEL_SMS) &&
                    !job_names(job, CHANNEL_EMAIL);
}

static void random_row(const struct job *job, struct row *row)
{
    static const uint8_t judged[] = {
        DISPOSITION_SEND,         DISPOSITION_SEND,           DISPOSITION_SEND,
        DISPOSITION_SEND,         DISPOSITION_OPTED_OUT,      DISPOSITION_NO_ADDRESS,
        DISPOSITION_NOT_VERIFIED, DISPOSITION_INVALID_ADDRESS};
    *row = (struct row){.selected = pick(8) > 0, .segments = (uint16_t)(1 + pick(3))};
    for (int c = 0; row->selected && c < CHANNEL_COUNT; c++) {
        if (job_uses(job, (enum channel)c))
            row->d[c] = judged[pick(ARRAY_COUNT(judged))];
        if (row->d[c] == DISPOSITION_SEND && c != CHANNEL_INAPP)
            row->address[c] = 1 + pick(ADDRESSES);
    }
}

/* --- the meter over the same rows --- */

static struct batch *batch;

static void load(const struct row *rows, uint32_t count)
{
    batch->chunk.rows = count;
    bitmap_zero(batch->selected, count);
    for (uint32_t r = 0; r < count; r++) {
        if (rows[r].selected)
            bitmap_set(batch->selected, r);
        batch->sms_segments[r] = rows[r].segments;
        for (int c = 0; c < CHANNEL_COUNT; c++) {
            batch->dispositions[c][r] = rows[r].d[c];
            batch->address_hashes[c][r] =
                rows[r].address[c] * 0x9E3779B97F4A7C15 /* as a hash would be */;
        }
    }
}

static void run(struct meter *meter, struct row *rows, uint32_t count)
{
    struct error err = {0};
    load(rows, count);
    cr_assert_eq(meter_chunk(meter, batch, &err), 0, "%s", err.text);
    cr_assert_not(((struct allowance *)meter->account.arg)->open, "it was given back");
    for (uint32_t r = 0; r < count; r++) {
        for (int c = 0; c < CHANNEL_COUNT; c++)
            rows[r].d[c] = batch->dispositions[c][r];
    }
}

static void compare(const struct row *got, const struct row *want, const char *what,
                    unsigned seed)
{
    for (int r = 0; r < ROWS; r++) {
        for (int c = 0; c < CHANNEL_COUNT; c++)
            cr_assert_eq(got[r].d[c], want[r].d[c],
                         "%s, seed %u: row %d, %s: %s instead of %s", what, seed, r,
                         channel_name((enum channel)c),
                         disposition_name((enum disposition)got[r].d[c]),
                         disposition_name((enum disposition)want[r].d[c]));
    }
}

static void check_books(const struct meter *meter, const struct row *rows)
{
    uint64_t counts[CHANNEL_COUNT][DISPOSITION_COUNT] = {0}, segments = 0;
    char why[256] = "";
    for (int r = 0; r < ROWS; r++) {
        for (int c = 0; c < CHANNEL_COUNT; c++)
            counts[c][rows[r].d[c]]++;
        segments += rows[r].d[CHANNEL_SMS] == DISPOSITION_SEND ? rows[r].segments : 0;
    }
    for (int c = 0; c < CHANNEL_COUNT; c++) {
        for (int d = DISPOSITION_SEND; d < DISPOSITION_COUNT; d++)
            cr_assert_eq(meter->books.channels[c].dispositions[d], counts[c][d]);
    }
    cr_assert_eq(meter->books.channels[CHANNEL_SMS].segments, segments);
    cr_assert(books_balanced(&meter->books, why, sizeof(why)), "%s", why);
}

/* From a row on, as a run that takes up what another one settled before it. */
static void resume(const struct job *job, const struct row *fresh, struct row *rows,
                   uint32_t from, const struct allowance *before)
{
    struct meter meter;
    struct allowance allowance = *before;
    memcpy(rows + from, fresh + from, (ROWS - from) * sizeof(*rows));
    meter_init(&meter, job);
    meter.account = (struct meter_segments){begin, end, &allowance};
    load(rows, from);
    for (uint32_t r = 0; r < from; r++) /* the journal has it */
        meter.segments +=
            rows[r].d[CHANNEL_SMS] == DISPOSITION_SEND ? rows[r].segments : 0;
    meter_settled(&meter, batch);
    run(&meter, rows + from, ROWS - from);
    meter_fini(&meter);
}

Test(meter, agrees_with_the_model_however_the_rows_are_cut)
{
    struct row fresh[ROWS], want[ROWS], got[ROWS];
    batch = calloc(1, sizeof(*batch));
    for (unsigned seed = 1; seed <= 3000; seed++) {
        struct job job;
        srand(seed);
        random_job(&job);
        for (int r = 0; r < ROWS; r++)
            random_row(&job, &fresh[r]);
        struct allowance allowance = {.left = pick(2 * ROWS)};
        struct model model = {.job = &job, .left = allowance.left};
        memcpy(want, fresh, sizeof(want));
        for (int r = 0; r < ROWS; r++) {
            if (want[r].selected)
                model_row(&model, &want[r]);
        }
        struct meter meter;
        meter_init(&meter, &job);
        meter.account = (struct meter_segments){begin, end, &allowance};
        memcpy(got, fresh, sizeof(got));
        uint32_t cut = pick(ROWS);
        run(&meter, got, cut);
        struct allowance between = allowance;
        run(&meter, got + cut, ROWS - cut);
        compare(got, want, "in two chunks", seed);
        check_books(&meter, got);
        cr_assert_eq(meter.exhausted, model.used_up);
        meter_fini(&meter);

        resume(&job, fresh, got, cut, &between);
        compare(got, want, "taken up again", seed);
    }
    free(batch);
}

Test(meter, a_cancelled_job_uses_no_segments)
{
    struct row rows[ROWS];
    struct job job = {.file = {.channels = {CHANNEL_SMS}, .channel_count = 1}};
    struct allowance allowance = {.left = 0};
    batch = calloc(1, sizeof(*batch));
    for (int r = 0; r < ROWS; r++)
        rows[r] = (struct row){.selected = true, .d = {DISPOSITION_SEND}, .segments = 2};
    struct meter meter;
    meter_init(&meter, &job);
    meter.account = (struct meter_segments){begin, end, &allowance};
    meter.free_of_charge = true;
    run(&meter, rows, ROWS);
    cr_assert_eq(meter.books.channels[CHANNEL_SMS].dispositions[DISPOSITION_SEND], ROWS);
    cr_assert_eq(meter.books.channels[CHANNEL_SMS].segments, 0);
    meter_fini(&meter);
    free(batch);
}
