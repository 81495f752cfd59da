/* smtp_auth: see smtp_auth.h. */
#include "outbox/wire/smtp_auth.h"

#include <limits.h>
#include <openssl/evp.h>

/* RFC 5321 4.5.3.1.4; RFC 4954 4: a longer initial response waits for a 334 */
#define COMMAND_BYTES_MAX 512

static const char *const names[] = {
    [SMTP_AUTH_NONE] = "AUTH",
    [SMTP_AUTH_PLAIN] = "PLAIN",
    [SMTP_AUTH_LOGIN] = "LOGIN",
    [SMTP_AUTH_XOAUTH2] = "XOAUTH2",
};

const char *smtp_mechanism_name(enum smtp_mechanism mechanism)
{
    return names[mechanism];
}

unsigned smtp_auth_mechanisms(struct text words)
{
    unsigned bits = 0;
    const char *at = words.data;
    const char *end = words.data + words.bytes;
    while (at < end) {
        const char *blank = memchr(at, ' ', (size_t)(end - at));
        struct text word = {at, (size_t)((blank ? blank : end) - at)};
        for (unsigned i = SMTP_AUTH_PLAIN; i < ARRAY_COUNT(names); i++)
            bits |= text_equal_nocase(word, text_of(names[i])) ? 1u << i : 0;
        at += word.bytes + 1;
    }
    return bits;
}

static void add_base64(struct buffer *out, struct text t)
{
    CHECK(t.bytes < INT_MAX / 2);
    unsigned char *room = (unsigned char *)buffer_room(out, t.bytes / 3 * 4 + 5);
    out->bytes +=
        (size_t)EVP_EncodeBlock(room, (const unsigned char *)t.data, (int)t.bytes);
}

/* The mechanism's nth answer, not yet encoded; false when it has none. */
static bool answer(const struct smtp_auth *auth, unsigned nth, struct buffer *out)
{
    struct text user = text_of(auth->login->username);
    struct text secret = text_of(auth->login->password);
    if (auth->mechanism == SMTP_AUTH_LOGIN) {
        buffer_text(out, nth == 0 ? user : secret);
        return nth < 2;
    }
    if (nth > 0)
        return false;
    if (auth->mechanism == SMTP_AUTH_PLAIN) {
        buffer_byte(out, '\0'); /* in nobody else's name */
        buffer_text(out, user);
        buffer_byte(out, '\0');
        buffer_text(out, secret);
    } else {
        buffer_string(out, "user=");
        buffer_text(out, user);
        buffer_string(out, "\1auth=Bearer ");
        buffer_text(out, secret);
        buffer_string(out, "\1\1");
    }
    return true;
}

static enum smtp_mechanism choose(const struct smtp_login *login, unsigned offered)
{
    if (login->mechanism != SMTP_AUTH_NONE)
        return offered >> login->mechanism & 1 ? login->mechanism : SMTP_AUTH_NONE;
    if (offered >> SMTP_AUTH_PLAIN & 1)
        return SMTP_AUTH_PLAIN;
    return offered >> SMTP_AUTH_LOGIN & 1 ? SMTP_AUTH_LOGIN : SMTP_AUTH_NONE;
}

bool smtp_auth_begin(struct smtp_auth *auth, const struct smtp_login *login,
                     unsigned offered, struct buffer *out)
{
    auth->login = login;
    auth->mechanism = choose(login, offered);
    if (auth->mechanism == SMTP_AUTH_NONE)
        return false;
    size_t start = out->bytes;
    buffer_string(out, "AUTH ");
    buffer_string(out, smtp_mechanism_name(auth->mechanism));
    size_t bare = out->bytes;
    if (auth->mechanism != SMTP_AUTH_LOGIN) { /* LOGIN has no initial response */
        struct buffer first = {0};
        answer(auth, 0, &first);
        buffer_byte(out, ' ');
        add_base64(out, buffer_view(&first));
        buffer_fini(&first);
        auth->answers = 1;
    }
    if (out->bytes - start + 2 > COMMAND_BYTES_MAX) {
        out->bytes = bare;
        auth->answers = 0;
    }
    buffer_string(out, "\r\n");
    return true;
}

/* The server's JSON; what is not printable is left out. */
static void keep_complaint(struct smtp_auth *auth, struct text challenge)
{
    unsigned char plain[512];
    size_t bytes = challenge.bytes < 512 ? challenge.bytes / 4 * 4 : 512;
    int got = EVP_DecodeBlock(plain, (const unsigned char *)challenge.data, (int)bytes);
    size_t kept = 0;
    for (int i = 0; i < got && kept + 1 < sizeof(auth->complaint); i++) {
        if (plain[i] >= ' ' && plain[i] < 0x7F)
            auth->complaint[kept++] = (char)plain[i];
    }
    auth->complaint[kept] = '\0';
}

bool smtp_auth_go_on(struct smtp_auth *auth, struct text challenge, struct buffer *out)
{
    struct buffer plain = {0};
    unsigned nth = auth->answers++;
    bool has = answer(auth, nth, &plain);
    if (has) {
        add_base64(out, buffer_view(&plain));
    } else if (auth->mechanism == SMTP_AUTH_XOAUTH2 && nth == 1) {
        keep_complaint(auth, challenge); /* an empty answer asks for the real refusal */
        has = true;
    }
    buffer_fini(&plain);
    if (has)
        buffer_string(out, "\r\n");
    return has;
}
