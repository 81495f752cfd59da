#include "outbox/wire/tls.h"
#include "tests/outbox/certificates.h"

#include <criterion/criterion.h>

#define HOUR 3600

/* A server on memory BIOs, as blind to sockets as the client under test. */
struct server {
    SSL *ssl;
    BIO *in, *out;
};

static void server_init(struct server *server, SSL_CTX *ctx)
{
    server->ssl = SSL_new(ctx);
    server->in = BIO_new(BIO_s_mem());
    server->out = BIO_new(BIO_s_mem());
    SSL_set_bio(server->ssl, server->in, server->out);
    SSL_set_accept_state(server->ssl);
}

static struct tls_context *trust(const char *host, const char *ca_file, bool unverified)
{
    struct tls_settings settings = {
        .host = host, .ca_file = ca_file, .unverified = unverified};
    struct tls_context *context = NULL;
    struct error err = {0};
    cr_assert_eq(tls_context_create(&settings, &context, &err), 0, "%s", err.text);
    return context;
}

/* What the server has to say, to the client in pieces of `piece` bytes. */
static enum tls_state to_client(struct server *server, struct tls *tls, size_t piece,
                                struct buffer *plain, struct buffer *to_server)
{
    char *data = NULL;
    size_t bytes = (size_t)BIO_get_mem_data(server->out, &data);
    enum tls_state state = TLS_HANDSHAKE;
    for (size_t at = 0; at < bytes; at += piece) {
        size_t part = bytes - at < piece ? bytes - at : piece;
        state = tls_feed(tls, (struct text){data + at, part}, plain, to_server);
        if (state == TLS_FAILED)
            break;
    }
    (void)BIO_reset(server->out);
    return state;
}

static void to_server(struct server *server, struct buffer *cipher)
{
    BIO_write(server->in, cipher->data, (int)cipher->bytes);
    buffer_clear(cipher);
}

/* Until both agree or the client has given up. */
static enum tls_state shake_hands(struct server *server, struct tls *tls, size_t piece)
{
    struct buffer plain = {0}, cipher = {0};
    enum tls_state state = tls_feed(tls, TEXT_NONE, &plain, &cipher);
    for (int round = 0; round < 10 && state == TLS_HANDSHAKE; round++) {
        to_server(server, &cipher);
        SSL_do_handshake(server->ssl);
        state = to_client(server, tls, piece, &plain, &cipher);
    }
    to_server(server, &cipher);
    SSL_do_handshake(server->ssl);
    to_client(server, tls, piece, &plain, &cipher);
    cr_expect_eq(plain.bytes, 0);
    buffer_fini(&plain);
    buffer_fini(&cipher);
    return state;
}

Test(tls, carries_bytes_however_they_are_cut)
{
    struct authority ca;
    authority_init(&ca);
    SSL_CTX *ctx = certificate_server(&ca, "DNS:mx.example", -HOUR, HOUR);
    struct tls_context *context = trust("mx.example", ca.file, false);
    char words[40000];
    for (size_t i = 0; i < sizeof(words); i++)
        words[i] = (char)(i * 7 + i / 256);
    static const size_t pieces[] = {1, 7, 100000};
    for (size_t i = 0; i < ARRAY_COUNT(pieces); i++) {
        struct server server;
        server_init(&server, ctx);
        struct tls *tls = tls_create(context);
        cr_assert_eq(shake_hands(&server, tls, pieces[i]), TLS_OPEN, "%s", tls_why(tls));
        cr_expect_eq(tls_is_resumed(tls), i > 0,
                     "the next connection resumes the session");
        struct buffer plain = {0}, cipher = {0};
        tls_seal(tls, (struct text){words, sizeof(words)}, &cipher);
        to_server(&server, &cipher);
        char got[sizeof(words)];
        size_t bytes = 0;
        for (int n;
             (n = SSL_read(server.ssl, got + bytes, (int)(sizeof(got) - bytes))) > 0;)
            bytes += (size_t)n;
        cr_expect(bytes == sizeof(words) && memcmp(got, words, bytes) == 0);
        SSL_write(server.ssl, words, sizeof(words));
        cr_expect_eq(to_client(&server, tls, pieces[i], &plain, &cipher), TLS_OPEN);
        cr_expect(plain.bytes == sizeof(words) &&
                  memcmp(plain.data, words, plain.bytes) == 0);
        cr_expect_eq(cipher.bytes, 0);
        tls_close(tls, &cipher);
        to_server(&server, &cipher);
        cr_expect_eq(SSL_read(server.ssl, got, 1), 0);
        cr_expect_eq(SSL_get_error(server.ssl, 0), SSL_ERROR_ZERO_RETURN,
                     "close_notify came");
        SSL_shutdown(server.ssl);
        cr_expect_eq(to_client(&server, tls, pieces[i], &plain, &cipher), TLS_CLOSED);
        buffer_fini(&plain);
        buffer_fini(&cipher);
        tls_destroy(&tls);
        SSL_free(server.ssl);
    }
    tls_context_destroy(&context);
    SSL_CTX_free(ctx);
    authority_fini(&ca);
}

static const struct {
    const char *host, *names;
    long from_s, until_s;
    bool by_itself;
    const char *why; /* NULL: it is right */
} certificates[] = {
    {"mx.example", "DNS:mx.example", -HOUR, HOUR, false, NULL},
    {"MX.example", "DNS:other.example,DNS:mx.example", -HOUR, HOUR, false, NULL},
    {"mx.b.example", "DNS:*.b.example", -HOUR, HOUR, false, NULL},
    {"127.0.0.1", "IP:127.0.0.1", -HOUR, HOUR, false, NULL},
    {"::1", "IP:0:0:0:0:0:0:0:1", -HOUR, HOUR, false, NULL},
    {"mx.example", "DNS:other.example,IP:10.0.0.1", -HOUR, HOUR, false,
     "for other.example, 10.0.0.1, not for mx.example"},
    {"a.b.c.example", "DNS:*.c.example", -HOUR, HOUR, false,
     "for *.c.example, not for a.b.c.example"},
    {"127.0.0.1", "DNS:127.0.0.1", -HOUR, HOUR, false, "not for 127.0.0.1"},
    {"127.0.0.1", "IP:127.0.0.2", -HOUR, HOUR, false, "for 127.0.0.2, not for 127.0.0.1"},
    {"mx.example", "email:a@b.example", -HOUR, HOUR, false,
     "for no host at all, not for"},
    {"mx.example", "DNS:mx.example", -3 * HOUR, -HOUR, false, "has expired (2"},
    {"mx.example", "DNS:mx.example", HOUR, 3 * HOUR, false, "valid only from 2"},
    {"mx.example", "DNS:mx.example", -HOUR, HOUR, true, "tls_ca"},
};

Test(tls, checks_certificate_and_name)
{
    struct authority ca;
    authority_init(&ca);
    for (size_t i = 0; i < ARRAY_COUNT(certificates); i++) {
        SSL_CTX *ctx = certificate_server(certificates[i].by_itself ? NULL : &ca,
                                          certificates[i].names, certificates[i].from_s,
                                          certificates[i].until_s);
        for (int unverified = 0; unverified < 2; unverified++) {
            struct server server;
            server_init(&server, ctx);
            struct tls_context *context =
                trust(certificates[i].host, ca.file, unverified);
            struct tls *tls = tls_create(context);
            enum tls_state state = shake_hands(&server, tls, 1000);
            bool good = !certificates[i].why || unverified;
            cr_expect_eq(state, good ? TLS_OPEN : TLS_FAILED, "%zu: %s", i, tls_why(tls));
            cr_expect(good || strstr(tls_why(tls), certificates[i].why), "%zu: %s", i,
                      tls_why(tls));
            tls_destroy(&tls);
            tls_context_destroy(&context);
            SSL_free(server.ssl);
        }
        SSL_CTX_free(ctx);
    }
    authority_fini(&ca);
}

Test(tls, refuses_old_versions_and_what_is_not_tls)
{
    struct authority ca;
    authority_init(&ca);
    SSL_CTX *ctx = certificate_server(&ca, "DNS:mx.example", -HOUR, HOUR);
    SSL_CTX_set_security_level(ctx, 0);
    SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(ctx, TLS1_1_VERSION);
    struct tls_context *context = trust("mx.example", ca.file, false);
    struct server server;
    server_init(&server, ctx);
    struct tls *tls = tls_create(context);
    cr_expect_eq(shake_hands(&server, tls, 1000), TLS_FAILED);
    cr_expect(strstr(tls_why(tls), "1.2"), "%s", tls_why(tls));
    tls_destroy(&tls);
    SSL_free(server.ssl);
    static const struct {
        const char *words, *why;
    } others[] = {
        {"220 mx.example ESMTP\r\n", "not TLS"},
        {"HTTP/1.1 400 Bad Request\r\n\r\n", "not TLS"},
        {"\x16\x03\x03\x00\x04\xFF\xFF\xFF\xFF", "TLS broke: "},
        {"\x15\x03\x03\x00\x02\x02\x28", "TLS broke: "},
        {"\x15\x03\x03\x00\x02\x01\x00", "broke off while TLS"}, /* close_notify */
    };
    for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
        struct buffer plain = {0}, cipher = {0};
        tls = tls_create(context);
        tls_feed(tls, TEXT_NONE, &plain, &cipher);
        size_t bytes = i < 2 ? strlen(others[i].words) : i == 2 ? 9 : 7;
        cr_expect_eq(
            tls_feed(tls, (struct text){others[i].words, bytes}, &plain, &cipher),
            TLS_FAILED);
        cr_expect(strstr(tls_why(tls), others[i].why), "%zu: %s", i, tls_why(tls));
        cr_expect_eq(plain.bytes, 0);
        tls_destroy(&tls);
        buffer_fini(&plain);
        buffer_fini(&cipher);
    }
    tls_context_destroy(&context);
    SSL_CTX_free(ctx);
    authority_fini(&ca);
}

Test(tls, names_a_file_that_holds_no_authorities)
{
    static const char *const files[] = {"/nonexistent/ca.pem", "/dev/null"};
    for (size_t i = 0; i < ARRAY_COUNT(files); i++) {
        struct tls_settings settings = {.host = "mx.example", .ca_file = files[i]};
        struct tls_context *context = NULL;
        struct error err = {0};
        cr_expect_eq(tls_context_create(&settings, &context, &err), -ERROR_CONFIG);
        cr_expect_null(context);
        cr_expect(strstr(err.text, files[i]) && strstr(err.text, "tls_ca"), "%s",
                  err.text);
    }
}
