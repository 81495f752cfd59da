/* A server that says anything to a whole session, on a real loop over a socket pair of loopback: every
 * mail has exactly one answer, and the session ends. The first byte chooses TLS, login and pieces. */
#include "outbox/wire/smtp.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MAILS 12

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct talk {
    unsigned given;
    unsigned answers[MAILS];
    bool ended;
};

static bool on_next(void *arg, struct smtp_mail *out)
{
    struct talk *talk = arg;
    if (talk->given == MAILS)
        return false;
    *out = (struct smtp_mail){.from = TEXT("a@b.example"),
                              .to = TEXT("c@d.example"),
                              .body = TEXT("Subject: x\r\n\r\n.hello\r\n"),
                              .owner = &talk->answers[talk->given++]};
    return true;
}

static void on_answer(void *arg, void *owner, const struct smtp_answer *answer)
{
    (void)arg;
    CHECK(++*(unsigned *)owner == 1);
    CHECK(answer->words.data || answer->words.bytes == 0);
    CHECK((answer->reply != NULL) ==
          (answer->fate == SMTP_TAKEN || answer->fate == SMTP_REFUSED));
}

static void on_open(void *arg)
{
    (void)arg;
}

static void on_ended(void *arg, enum smtp_end end, const char *sentence)
{
    CHECK(end <= SMTP_END_BAD_REPLY && utf8_valid(text_of(sentence)));
    ((struct talk *)arg)->ended = true;
}

static void turn(struct loop *loop)
{
    struct error err;
    CHECK(loop_run(loop, 0, &err) == 0);
}

/* The server says everything, line by line or at once, reading nothing: its words need not be
 * answers. */
static void say(struct loop *loop, struct talk *talk, int fd, const uint8_t *data,
                size_t size, bool lines)
{
    const uint8_t *end = data + size;
    for (const uint8_t *next; data < end && !talk->ended; data = next) {
        const uint8_t *newline = lines ? memchr(data, '\n', (size_t)(end - data)) : NULL;
        next = newline ? newline + 1 : end;
        if (send(fd, data, (size_t)(next - data), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
            break;
        for (int i = 0; i < 3; i++)
            turn(loop);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct smtp_events events = {on_next, on_answer, on_open, on_ended};
    static struct loop *loop;
    static struct tls_context *trust;
    static int listener = -1;
    static struct sockaddr_in address = {.sin_family = AF_INET};
    struct error err;
    if (!loop) {
        struct tls_settings settings = {.host = "mx", .ca_file = "", .unverified = true};
        socklen_t bytes = sizeof(address);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        setenv("VOLLEY_LOOP", "epoll", 1);
        listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        CHECK(loop_create(&loop, &err) == 0 &&
              tls_context_create(&settings, &trust, &err) == 0 &&
              bind(listener, (struct sockaddr *)&address, bytes) == 0 &&
              listen(listener, 8) == 0 &&
              getsockname(listener, (struct sockaddr *)&address, &bytes) == 0);
    }
    if (size < 1)
        return 0;
    struct smtp_login login = {"ann", "secret", (enum smtp_mechanism)(data[0] >> 4 & 3)};
    struct smtp_config config = {.address = (struct sockaddr *)&address,
                                 .address_bytes = sizeof(address),
                                 .server = "mx",
                                 .helo = "me",
                                 .tls = (enum smtp_tls)(data[0] >> 6),
                                 .trust = trust,
                                 .login = data[0] & 1 ? &login : NULL,
                                 .login_in_clear = true,
                                 .timeout_ns = 60 * NS_PER_S,
                                 .idle_ns = 60 * NS_PER_S};
    struct talk talk = {0};
    struct smtp_session *session = smtp_open(loop, &config, &events, &talk);
    turn(loop);
    int fd = accept(listener, NULL, NULL);
    CHECK(fd >= 0);
    say(loop, &talk, fd, data + 1, size - 1, data[0] & 2);
    struct linger now = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close(fd);
    for (int i = 0; i < 1000 && !talk.ended; i++)
        turn(loop);
    CHECK(talk.ended);
    for (unsigned i = 0; i < MAILS; i++)
        CHECK(talk.answers[i] == (i < talk.given ? 1u : 0u));
    smtp_destroy(&session);
    return 0;
}
