/* journal_resume: see journal_resume.h. */
#include "outbox/journal/journal_resume.h"

#include "base/log.h"
#include "outbox/journal/record.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

static int header_check(const struct journal_header *header, struct error *err)
{
    if (header->rows >= JOURNAL_ROW_NOTICE)
        return error_set(err, ERROR_INPUT,
                         "a snapshot of %llu rows is too large: split it below %u rows",
                         (unsigned long long)header->rows, JOURNAL_ROW_NOTICE);
    if (header->provider_count > RECORD_PROVIDERS_MAX)
        return error_set(err, ERROR_INPUT, "%zu providers are too many: at most %d",
                         header->provider_count, RECORD_PROVIDERS_MAX);
    for (size_t i = 0; i < header->provider_count; i++)
        if (header->providers[i].bytes > RECORD_TEXT_BYTES_MAX)
            return error_set(err, ERROR_INPUT,
                             "the provider name %.40s… is longer than %d bytes",
                             header->providers[i].data, RECORD_TEXT_BYTES_MAX);
    if (header->account.bytes > RECORD_TEXT_BYTES_MAX ||
        header->job.bytes > RECORD_TEXT_BYTES_MAX)
        return error_set(err, ERROR_INPUT, "an account or job id is longer than %d bytes",
                         RECORD_TEXT_BYTES_MAX);
    return 0;
}

struct header_frame {
    char bytes[FRAME_HEAD_BYTES + RECORD_HEADER_BYTES_MAX + FRAME_ALIGN];
};

static struct text header_frame(struct header_frame *frame,
                                const struct journal_header *header, uint64_t sequence,
                                uint64_t durable_to, uint64_t salt)
{
    size_t body_bytes = record_encode_header(header, frame->bytes + FRAME_HEAD_BYTES);
    size_t bytes = frame_seal(frame->bytes, body_bytes, sequence, durable_to, salt);
    return (struct text){frame->bytes, bytes};
}

static int begin(struct journal_file *file, const struct journal_header *header,
                 uint64_t *sequence_out, struct error *err)
{
    if (getrandom(&file->salt, sizeof(file->salt), 0) != sizeof(file->salt))
        return error_io(err, "cannot get random bytes for the journal in %s", file->dir);
    struct header_frame frame;
    *sequence_out = 1;
    return journal_file_begin(file, 0, header_frame(&frame, header, 1, 0, file->salt),
                              err);
}

static bool same_providers(const struct journal_header *a, const struct journal_header *b)
{
    if (a->provider_count != b->provider_count)
        return false;
    for (size_t i = 0; i < a->provider_count; i++)
        if (!text_equal(a->providers[i], b->providers[i]))
            return false;
    return true;
}

static int check_same_job(const char *dir, const struct journal_header *ours,
                          const struct journal_header *theirs, struct error *err)
{
    if (!text_equal(ours->account, theirs->account) ||
        !text_equal(ours->job, theirs->job))
        return error_set(
            err, ERROR_INPUT,
            "the journal in %s belongs to job \"%.*s\" of account \"%.*s\", not "
            "to job \"%.*s\" of account \"%.*s\"",
            dir, TEXT_ARGS(theirs->job), TEXT_ARGS(theirs->account), TEXT_ARGS(ours->job),
            TEXT_ARGS(ours->account));
    if (ours->snapshot_hash != theirs->snapshot_hash || ours->rows != theirs->rows)
        return error_set(
            err, ERROR_INPUT,
            "the snapshot is not the one job \"%.*s\" was started with: put that "
            "one back, or start a job with another id",
            TEXT_ARGS(ours->job));
    return 0;
}

/* Read what is there to its end, and see whether it is ours. *providers_out: the names it
 * was written with last are the ones we have. */
static int read_existing(struct scan *scan, const struct journal_header *header,
                         bool *providers_out, struct error *err)
{
    struct frame frame;
    int rc;
    bool any = false;
    while ((rc = scan_next(scan, &frame, err)) > 0) {
        struct record_reader reader;
        struct record record;
        if (frame.body.bytes == 0 || frame.body.data[0] != RECORD_HEADER)
            continue;
        record_reader_init(&reader, frame.body);
        if (record_next(&reader, &record) != 1)
            return scan_damage(scan, scan->offset, "its header makes no sense", err);
        any = true;
        *providers_out = same_providers(header, &record.header);
        rc = check_same_job(scan->dir, header, &record.header, err);
        if (rc != 0)
            return rc;
    }
    if (rc == 0 && !any)
        return scan_damage(scan, FRAME_FILE_BYTES, "its header is missing", err);
    return rc;
}

static int go_on(struct journal_file *file, const struct journal_header *header,
                 uint64_t *sequence_out, struct error *err)
{
    struct scan scan;
    bool providers_known = false;
    int rc = scan_open(&scan, file->dir, err);
    if (rc == 0)
        rc = read_existing(&scan, header, &providers_known, err);
    if (rc == 0)
        rc = journal_file_continue(file, &scan, err);
    scan_close(&scan);
    if (rc != 0)
        return rc;
    if (scan.tail_bytes > 0)
        log_warn("journal", "a torn tail was cut off", "file=%s/journal.%04u offset=%u",
                 file->dir, file->number, file->offset);
    *sequence_out = scan.next_sequence - 1;
    if (providers_known)
        return 0;
    struct header_frame frame;
    uint64_t end = frame_position(file->number, file->offset);
    rc = journal_file_write(
        file, header_frame(&frame, header, ++*sequence_out, end, file->salt));
    errno = -rc;
    return rc == 0 ? 0 : error_io(err, "cannot write the journal in %s", file->dir);
}

int journal_resume(struct journal_file *file, const struct journal_header *header,
                   uint64_t *sequence_out, struct error *err)
{
    uint32_t count;
    int rc = header_check(header, err);
    if (rc == 0)
        rc = scan_count(file->dir, &count, err);
    if (rc != 0)
        return rc;
    return count > 0 ? go_on(file, header, sequence_out, err)
                     : begin(file, header, sequence_out, err);
}
