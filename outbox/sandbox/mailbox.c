/* mailbox: see mailbox.h. For the listing an entry of 16 bytes per SMS stays in memory:
 * where its line is, and a hash of the number. The lines themselves are read back from
 * the file. */
#include "outbox/sandbox/mailbox.h"

#include "base/file.h"
#include "base/clock.h"
#include "base/hash.h"
#include "outbox/sandbox/json_write.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum box { BOX_EMAIL, BOX_SMS, BOX_PUSH, BOX_COUNT };

static const char *const box_names[BOX_COUNT] = {"email.ndjson", "sms.ndjson",
                                                 "push.ndjson"};

/* A line is at most a message of 32 MiB, each byte escaped to six. */
#define LINE_BYTES_MAX (256u << 20)

struct entry {
    uint64_t offset;
    uint32_t bytes;
    uint32_t to_hash;
};

struct mailbox {
    int fds[BOX_COUNT];
    struct buffer lines[BOX_COUNT];
    uint64_t file_bytes[BOX_COUNT];
    struct entry *entries;
    size_t entry_count;
    size_t entry_capacity;
    struct buffer scratch;
};

/* --- what is in the file already --- */

static void add_entry(struct mailbox *mailbox, uint64_t offset, size_t bytes,
                      struct text to)
{
    if (mailbox->entry_count == mailbox->entry_capacity) {
        mailbox->entry_capacity =
            mailbox->entry_capacity ? mailbox->entry_capacity * 2 : 1024;
        mailbox->entries =
            realloc(mailbox->entries, mailbox->entry_capacity * sizeof(struct entry));
        CHECK(mailbox->entries != NULL);
    }
    mailbox->entries[mailbox->entry_count++] =
        (struct entry){offset, (uint32_t)bytes, (uint32_t)hash64(to.data, to.bytes)};
}

/* next_value: the raw value of the next `"name":"value"` of a line we wrote, or
 * TEXT_NONE. */
static struct text next_value(struct text *rest, const char *name)
{
    char key[32];
    int key_bytes = snprintf(key, sizeof(key), "\"%s\":\"", name);
    const char *at = memmem(rest->data, rest->bytes, key, (size_t)key_bytes);
    if (!at)
        return TEXT_NONE;
    const char *end = rest->data + rest->bytes;
    const char *start = at + key_bytes;
    for (at = start; at < end && *at != '"'; at++)
        at += *at == '\\' && at + 1 < end;
    *rest = (struct text){at, (size_t)(end - at)};
    return (struct text){start, (size_t)(at - start)};
}

/* parse_sms: only lines of our own order and names; others are not listed. */
static bool parse_sms(struct text line, struct mailbox_sms *out)
{
    out->id = next_value(&line, "id");
    out->from = out->id.data ? next_value(&line, "from") : TEXT_NONE;
    out->to = out->from.data ? next_value(&line, "to") : TEXT_NONE;
    out->body = out->to.data ? next_value(&line, "body") : TEXT_NONE;
    out->sid = out->body.data ? next_value(&line, "sid") : TEXT_NONE;
    out->date = out->sid.data ? next_value(&line, "date_created") : TEXT_NONE;
    return out->date.data != NULL;
}

static void index_lines(struct mailbox *mailbox, struct text all)
{
    const char *at = all.data, *end = all.data + all.bytes;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        struct text line = {at, (size_t)(newline - at)};
        struct mailbox_sms sms;
        if (parse_sms(line, &sms))
            add_entry(mailbox, (uint64_t)(at - all.data), line.bytes, sms.to);
        at = newline + 1;
    }
}

/* adopt: cut off what a crash left behind the last line feed, and index SMS. */
static int adopt(struct mailbox *mailbox, enum box box, const char *path,
                 struct error *err)
{
    struct stat st;
    if (fstat(mailbox->fds[box], &st))
        return error_io(err, "cannot look at %s", path);
    if (st.st_size == 0)
        return 0;
    size_t bytes = (size_t)st.st_size;
    const char *all = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, mailbox->fds[box], 0);
    if (all == MAP_FAILED)
        return error_io(err, "cannot read %s", path);
    const char *last = memrchr(all, '\n', bytes);
    size_t whole = last ? (size_t)(last + 1 - all) : 0;
    if (box == BOX_SMS)
        index_lines(mailbox, (struct text){all, whole});
    munmap((void *)(uintptr_t)all, bytes);
    mailbox->file_bytes[box] = whole;
    if (whole != bytes && ftruncate(mailbox->fds[box], (off_t)whole))
        return error_io(err, "cannot cut the torn last line off %s", path);
    return 0;
}

int mailbox_open(const char *dir, struct mailbox **out, struct error *err)
{
    struct mailbox *mailbox = calloc(1, sizeof(*mailbox));
    CHECK(mailbox != NULL);
    for (int box = 0; box < BOX_COUNT; box++)
        mailbox->fds[box] = -1;
    int rc = file_make_dirs(dir, err);
    for (int box = 0; box < BOX_COUNT && rc == 0; box++) {
        char path[PATH_BYTES];
        rc = path_join(path, dir, text_of(box_names[box]), err);
        if (rc)
            break;
        mailbox->fds[box] = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        rc = mailbox->fds[box] < 0 ? error_io(err, "cannot open %s", path)
                                   : adopt(mailbox, (enum box)box, path, err);
    }
    if (rc)
        mailbox_close(&mailbox);
    *out = mailbox;
    return rc;
}

void mailbox_close(struct mailbox **mailbox)
{
    if (!*mailbox)
        return;
    for (int box = 0; box < BOX_COUNT; box++) {
        buffer_fini(&(*mailbox)->lines[box]);
        if ((*mailbox)->fds[box] >= 0)
            close((*mailbox)->fds[box]);
    }
    buffer_fini(&(*mailbox)->scratch);
    free((*mailbox)->entries);
    free(*mailbox);
    *mailbox = NULL;
}

/* --- taking --- */

/* header_value: the first header of this name, without the fold and blanks around it. */
static struct text header_value(struct text raw, struct text name)
{
    const char *at = raw.data, *end = raw.data + raw.bytes;
    while (at < end && *at != '\r' && *at != '\n') {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *next = newline ? newline + 1 : end;
        while (next < end && (*next == ' ' || *next == '\t')) {
            newline = memchr(next, '\n', (size_t)(end - next));
            next = newline ? newline + 1 : end;
        }
        struct text line = {at, (size_t)(next - at)};
        if (line.bytes > name.bytes && line.data[name.bytes] == ':' &&
            text_equal_nocase((struct text){line.data, name.bytes}, name))
            return text_trim(
                (struct text){line.data + name.bytes + 1, line.bytes - name.bytes - 1});
        at = next;
    }
    return TEXT_NONE;
}

static struct text without_brackets(struct text t)
{
    if (t.bytes >= 2 && t.data[0] == '<' && t.data[t.bytes - 1] == '>')
        return (struct text){t.data + 1, t.bytes - 2};
    return t;
}

static struct buffer *begin_line(struct mailbox *mailbox, enum box box)
{
    buffer_byte(&mailbox->lines[box], '{');
    return &mailbox->lines[box];
}

void mailbox_email(struct mailbox *mailbox, struct text from, struct text to,
                   struct text raw, struct text fallback_id)
{
    struct text id = without_brackets(header_value(raw, TEXT("Message-ID")));
    struct buffer *line = begin_line(mailbox, BOX_EMAIL);
    json_write_member(line, "id", id.bytes > 0 ? id : fallback_id);
    json_write_member(line, "from", from);
    json_write_member(line, "to", to);
    json_write_member(line, "raw", raw);
    buffer_add(line, "}\n", 2);
}

void mailbox_sms(struct mailbox *mailbox, const struct mailbox_sms *sms)
{
    struct buffer *line = begin_line(mailbox, BOX_SMS);
    size_t start = line->bytes - 1;
    json_write_member(line, "id", sms->id);
    json_write_member(line, "from", sms->from);
    json_write_member(line, "to", sms->to);
    json_write_member(line, "body", sms->body);
    json_write_member(line, "sid", sms->sid);
    json_write_member(line, "date_created", sms->date);
    buffer_add(line, "}\n", 2);
    add_entry(mailbox, mailbox->file_bytes[BOX_SMS] + start, line->bytes - start - 1,
              sms->to);
}

static struct text member(const json_t *object, const char *name, struct text otherwise)
{
    const json_t *value = json_object_get(object, name);
    if (!json_is_string(value))
        return otherwise;
    return (struct text){json_string_value(value), json_string_length(value)};
}

void mailbox_push(struct mailbox *mailbox, struct text id, struct text path,
                  struct text payload)
{
    json_t *object = json_loadb(payload.data, payload.bytes, 0, NULL);
    struct buffer *line = begin_line(mailbox, BOX_PUSH);
    json_write_member(line, "id", id);
    json_write_member(line, "from", member(object, "from", TEXT("")));
    json_write_member(line, "to", member(object, "to", path));
    json_write_member(line, "body", member(object, "body", payload));
    json_write_member(line, "path", path);
    json_write_member(line, "raw", payload);
    buffer_add(line, "}\n", 2);
    json_decref(object);
}

static int write_all(int fd, struct text t)
{
    while (t.bytes > 0) {
        ssize_t put = write(fd, t.data, t.bytes);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return -1;
        t.data += put;
        t.bytes -= (size_t)put;
    }
    return 0;
}

int mailbox_flush(struct mailbox *mailbox, struct error *err)
{
    for (int box = 0; box < BOX_COUNT; box++) {
        struct buffer *lines = &mailbox->lines[box];
        if (lines->bytes == 0)
            continue;
        if (write_all(mailbox->fds[box], buffer_view(lines)))
            return error_io(err, "cannot append to %s", box_names[box]);
        mailbox->file_bytes[box] += lines->bytes;
        if (lines->capacity_bytes > LINE_BYTES_MAX)
            buffer_fini(lines);
        buffer_clear(lines);
    }
    return 0;
}

/* --- listing --- */

/* read_entry: from the file, or from the lines that are not written yet. */
static bool read_entry(struct mailbox *mailbox, const struct entry *entry,
                       struct mailbox_sms *out)
{
    struct buffer *scratch = &mailbox->scratch;
    buffer_clear(scratch);
    char *room = buffer_room(scratch, entry->bytes);
    uint64_t written = mailbox->file_bytes[BOX_SMS];
    if (entry->offset >= written)
        memcpy(room, mailbox->lines[BOX_SMS].data + (entry->offset - written),
               entry->bytes);
    else if (pread(mailbox->fds[BOX_SMS], room, entry->bytes, (off_t)entry->offset) !=
             (ssize_t)entry->bytes)
        return false;
    return parse_sms((struct text){room, entry->bytes}, out);
}

/* The day of an RFC 2822 date as the sandbox writes it; 0 when it is none. */
static int32_t day_of(struct text date)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char copy[40] = "", name[4];
    unsigned day, year;
    memcpy(copy, date.data, date.bytes < sizeof(copy) ? date.bytes : sizeof(copy) - 1);
    if (sscanf(copy, "%*3[A-Za-z], %2u %3[A-Za-z] %4u", &day, name, &year) != 3)
        return 0;
    const char *month = strstr(months, name);
    if (!month)
        return 0;
    return (int32_t)days_from_civil(year, (unsigned)(month - months) / 3 + 1, day);
}

static bool passes(const struct mailbox_filter *wanted, const struct mailbox_sms *sms)
{
    if ((wanted->to.data && !text_equal(sms->to, wanted->to)) ||
        (wanted->from.data && !text_equal(sms->from, wanted->from)))
        return false;
    if (wanted->first_day == INT32_MIN && wanted->last_day == INT32_MAX)
        return true;
    int32_t day = day_of(sms->date);
    return day >= wanted->first_day && day <= wanted->last_day;
}

static struct text escape(struct buffer *escaped, struct text value)
{
    if (!value.data)
        return TEXT_NONE;
    json_write_string(escaped, value);
    return (struct text){escaped->data + 1, escaped->bytes - 2};
}

size_t mailbox_list(struct mailbox *mailbox, const struct mailbox_filter *filter,
                    size_t skip, size_t limit, mailbox_list_fn *fn, void *arg)
{
    struct buffer to = {0}, from = {0};
    struct mailbox_filter wanted = *filter;
    wanted.to = escape(&to, filter->to);
    wanted.from = escape(&from, filter->from);
    uint32_t to_hash = (uint32_t)hash64(filter->to.data, filter->to.bytes);
    size_t more = 0;
    for (size_t i = mailbox->entry_count; i-- > 0 && more == 0;) {
        struct mailbox_sms sms;
        if ((filter->to.data && mailbox->entries[i].to_hash != to_hash) ||
            !read_entry(mailbox, &mailbox->entries[i], &sms) || !passes(&wanted, &sms))
            continue;
        if (skip > 0) {
            skip--;
        } else if (limit > 0) {
            fn(arg, &sms);
            limit--;
        } else {
            more = 1;
        }
    }
    buffer_fini(&to);
    buffer_fini(&from);
    return more;
}
