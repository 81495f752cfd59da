/* frame: see frame.h; the byte tables are in docs/journal.md. */
#include "outbox/journal/frame.h"

#include "base/check.h"
#include "base/hash.h"
#include "base/hash_long.h"

#include <endian.h>

#define FRAME_MAGIC 0x314d5246u /* "FRM1" */

static const char file_magic[7] = {'V', 'O', 'L', 'L', 'E', 'Y', 'J'};

/* The heads as they lie in a file, little-endian and without holes. */
struct frame_head {
    uint64_t check; /* XXH3-64 of what follows, padding included */
    uint32_t magic;
    uint32_t body_bytes;
    uint64_t sequence;
    uint64_t durable_to;
};
_Static_assert(sizeof(struct frame_head) == FRAME_HEAD_BYTES, "frame head");

struct file_head {
    char magic[7];
    uint8_t version;
    uint32_t number;
    uint32_t zero;
    uint64_t salt;
    uint64_t check; /* XXH3-64 of what precedes */
};
_Static_assert(sizeof(struct file_head) == FRAME_FILE_BYTES, "file head");

size_t frame_seal(char *bytes, size_t body_bytes, uint64_t sequence, uint64_t durable_to,
                  uint64_t salt)
{
    CHECK(body_bytes <= FRAME_BODY_BYTES_MAX);
    size_t total = frame_bytes(body_bytes);
    struct frame_head head = {
        .magic = htole32(FRAME_MAGIC),
        .body_bytes = htole32((uint32_t)body_bytes),
        .sequence = htole64(sequence),
        .durable_to = htole64(durable_to),
    };
    memcpy(bytes, &head, sizeof(head));
    memset(bytes + FRAME_HEAD_BYTES + body_bytes, 0,
           total - FRAME_HEAD_BYTES - body_bytes);
    head.check = htole64(hash64_long(bytes + 8, total - 8, salt));
    memcpy(bytes, &head.check, sizeof(head.check));
    return total;
}

static bool head_read(struct text t, struct frame_head *out)
{
    if (t.bytes < FRAME_HEAD_BYTES)
        return false;
    memcpy(out, t.data, sizeof(*out));
    out->body_bytes = le32toh(out->body_bytes);
    return le32toh(out->magic) == FRAME_MAGIC &&
           out->body_bytes <= FRAME_BODY_BYTES_MAX &&
           frame_bytes(out->body_bytes) <= t.bytes;
}

bool frame_plausible(struct text t)
{
    struct frame_head head;
    return head_read(t, &head);
}

bool frame_verify(struct text t, uint64_t salt, struct frame *out)
{
    struct frame_head head;
    if (!head_read(t, &head))
        return false;
    size_t total = frame_bytes(head.body_bytes);
    if (le64toh(head.check) != hash64_long(t.data + 8, total - 8, salt))
        return false;
    *out = (struct frame){
        .sequence = le64toh(head.sequence),
        .durable_to = le64toh(head.durable_to),
        .body = {t.data + FRAME_HEAD_BYTES, head.body_bytes},
        .bytes = total,
    };
    return true;
}

void frame_file_encode(const struct frame_file *file, char out[FRAME_FILE_BYTES])
{
    struct file_head head = {
        .version = FRAME_FILE_VERSION,
        .number = htole32(file->number),
        .salt = htole64(file->salt),
    };
    memcpy(head.magic, file_magic, sizeof(file_magic));
    head.check = htole64(hash64(&head, offsetof(struct file_head, check)));
    memcpy(out, &head, sizeof(head));
}

enum frame_file_state frame_file_decode(struct text t, struct frame_file *out)
{
    struct file_head head;
    if (t.bytes < sizeof(head))
        return FRAME_FILE_DAMAGED;
    memcpy(&head, t.data, sizeof(head));
    if (memcmp(head.magic, file_magic, sizeof(file_magic)) != 0 ||
        le64toh(head.check) != hash64(&head, offsetof(struct file_head, check)))
        return FRAME_FILE_DAMAGED;
    if (head.version == 0 || head.version > FRAME_FILE_VERSION)
        return FRAME_FILE_OTHER_VERSION;
    *out = (struct frame_file){le32toh(head.number), le64toh(head.salt), head.version};
    return FRAME_FILE_GOOD;
}
