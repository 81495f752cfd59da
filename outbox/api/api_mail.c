/* api_mail: see api_mail.h. */
#include "outbox/api/api_mail.h"

#include <openssl/evp.h>

/* An encoded-word has at most 75 characters: 12 of frame, the rest base64 of whole characters. */
#define WORD_BYTES_MAX 45

bool api_is_ascii(struct text t)
{
    for (size_t i = 0; i < t.bytes; i++) {
        if ((unsigned char)t.data[i] >= 0x80)
            return false;
    }
    return true;
}

/* As much of at…end as fits into one word, without cutting a character. */
static size_t word_bytes(const char *at, const char *end)
{
    const char *next = at;
    size_t bytes = 0;
    while (next < end) {
        utf8_next(&next, end);
        if (next - at > WORD_BYTES_MAX)
            break;
        bytes = (size_t)(next - at);
    }
    return bytes;
}

static void add_encoded_words(struct buffer *out, struct text name)
{
    const char *end = name.data + name.bytes;
    for (const char *at = name.data; at < end;) {
        size_t bytes = word_bytes(at, end);
        buffer_string(out, at == name.data ? "=?UTF-8?B?" : " =?UTF-8?B?");
        char *room = buffer_room(out, (bytes + 2) / 3 * 4 + 1);
        out->bytes += (size_t)EVP_EncodeBlock((unsigned char *)room,
                                              (const unsigned char *)at, (int)bytes);
        buffer_string(out, "?=");
        at += bytes;
    }
}

static void add_quoted(struct buffer *out, struct text name)
{
    buffer_byte(out, '"');
    for (size_t i = 0; i < name.bytes; i++) {
        if (name.data[i] == '"' || name.data[i] == '\\')
            buffer_byte(out, '\\');
        buffer_byte(out, name.data[i]);
    }
    buffer_byte(out, '"');
}

void api_mailbox(struct buffer *out, struct text name, struct text address)
{
    if (name.bytes == 0) {
        buffer_text(out, address);
        return;
    }
    if (api_is_ascii(name))
        add_quoted(out, name);
    else
        add_encoded_words(out, name);
    buffer_string(out, " <");
    buffer_text(out, address);
    buffer_byte(out, '>');
}

void api_message_id(struct buffer *out, const struct delivery *delivery)
{
    char id[MESSAGE_ID_HEX_BYTES + 1];
    message_id_hex(delivery->id, id);
    const char *at = memrchr(delivery->from.data, '@', delivery->from.bytes);
    size_t before = at ? (size_t)(at - delivery->from.data) : delivery->from.bytes;
    buffer_format(out, "<%s%.*s>", id, (int)(delivery->from.bytes - before),
                  delivery->from.data + before);
}

bool api_same_kind(const struct delivery *a, const struct delivery *b)
{
    return text_equal(a->from, b->from) &&
           text_equal(a->mail->from_name, b->mail->from_name) &&
           (a->mail->text.bytes > 0) == (b->mail->text.bytes > 0) &&
           (a->mail->html.bytes > 0) == (b->mail->html.bytes > 0);
}
