/* tls: see tls.h. OpenSSL reads from one memory BIO and writes to another, so it never waits. */
#include "outbox/wire/tls.h"
#include "outbox/wire/tls_sentence.h"

#include <arpa/inet.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#define RECORD_BYTES (16 * 1024) /* RFC 8446 5.1: a record's plain text */

struct tls_context {
    SSL_CTX *ctx; /* NULL: not needed yet */
    SSL_SESSION *last;
    char host[256];
    const char *protocols;
    bool unverified;
};

struct tls {
    struct tls_context *context;
    SSL *ssl;
    BIO *in, *out; /* ssl's own */
    enum tls_state state;
    char why[TLS_SENTENCE_BYTES];
};

/* --- what connections share --- */

/* 1: the session is ours to free now. */
static int on_session(SSL *ssl, SSL_SESSION *session)
{
    struct tls_context *context = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    SSL_SESSION_free(context->last);
    context->last = session;
    return 1;
}

/* The sentence is made here: behind the handshake the certificate is gone. */
static int on_verify(int ok, X509_STORE_CTX *store)
{
    if (ok)
        return 1;
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct tls *tls = SSL_get_app_data(ssl);
    const X509 *certificate = X509_STORE_CTX_get_current_cert(store);
    if (certificate)
        tls_sentence_certificate(certificate, tls->context->host,
                                 X509_STORE_CTX_get_error(store), tls->why);
    return 0;
}

static void prepare(struct tls_context *context)
{
    context->ctx = SSL_CTX_new(TLS_client_method());
    CHECK(context->ctx);
    SSL_CTX_set_app_data(context->ctx, context);
    CHECK(SSL_CTX_set_min_proto_version(context->ctx, TLS1_2_VERSION) == 1);
    SSL_CTX_set_options(context->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(context->ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context->ctx,
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context->ctx, on_session);
    if (!context->unverified)
        SSL_CTX_set_verify(context->ctx, SSL_VERIFY_PEER, on_verify);
    if (context->protocols) /* 0 is success, for once */
        CHECK(SSL_CTX_set_alpn_protos(context->ctx,
                                      (const unsigned char *)context->protocols,
                                      (unsigned)strlen(context->protocols)) == 0);
}

/* Reading the system's hundred and more authorities takes some 40 ms, so that waits for the first
 * connection: most relays on the same machine have no TLS at all. */
static void prepare_late(struct tls_context *context)
{
    if (context->ctx)
        return;
    prepare(context);
    if (!context->unverified)
        CHECK(SSL_CTX_set_default_verify_paths(context->ctx) == 1);
}

static int trust(struct tls_context *context, const char *ca_file, struct error *err)
{
    prepare(context);
    if (SSL_CTX_load_verify_file(context->ctx, ca_file) == 1)
        return 0;
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return error_set(err, ERROR_CONFIG,
                     "tls_ca: \"%s\" holds no CA certificates in PEM form (%s)", ca_file,
                     reason ? reason : "the file cannot be read");
}

int tls_context_create(const struct tls_settings *settings, struct tls_context **out,
                       struct error *err)
{
    struct tls_context *context = calloc(1, sizeof(*context));
    CHECK(context);
    context->unverified = settings->unverified;
    context->protocols = settings->protocols;
    snprintf(context->host, sizeof(context->host), "%s", settings->host);
    int rc = settings->ca_file[0] != '\0' && !settings->unverified
                 ? trust(context, settings->ca_file, err)
                 : 0;
    if (rc != 0)
        tls_context_destroy(&context);
    *out = context;
    return rc;
}

void tls_context_destroy(struct tls_context **context)
{
    if (!*context)
        return;
    SSL_SESSION_free((*context)->last);
    SSL_CTX_free((*context)->ctx);
    free(*context);
    *context = NULL;
}

/* --- one connection --- */

static void name_host(SSL *ssl, const char *host)
{
    unsigned char binary[sizeof(struct in6_addr)];
    if (inet_pton(AF_INET, host, binary) == 1 || inet_pton(AF_INET6, host, binary) == 1) {
        CHECK(X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1);
        return; /* RFC 6066 3: no address in SNI */
    }
    CHECK(SSL_set1_host(ssl, host) == 1);
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (SSL_set_tlsext_host_name(ssl, host) != 1)
        ERR_clear_error(); /* longer than a name in SNI may be: then without */
}

struct tls *tls_create(struct tls_context *context)
{
    struct tls *tls = calloc(1, sizeof(*tls));
    CHECK(tls);
    prepare_late(context);
    tls->context = context;
    tls->ssl = SSL_new(context->ctx);
    tls->in = BIO_new(BIO_s_mem());
    tls->out = BIO_new(BIO_s_mem());
    CHECK(tls->ssl && tls->in && tls->out);
    SSL_set_bio(tls->ssl, tls->in, tls->out);
    SSL_set_app_data(tls->ssl, tls);
    SSL_set_connect_state(tls->ssl);
    name_host(tls->ssl, context->host);
    if (context->last && SSL_SESSION_is_resumable(context->last))
        CHECK(SSL_set_session(tls->ssl, context->last) == 1);
    return tls;
}

void tls_destroy(struct tls **tls)
{
    if (!*tls)
        return;
    SSL_free((*tls)->ssl);
    free(*tls);
    *tls = NULL;
}

static void drain(struct tls *tls, struct buffer *cipher_out)
{
    char *data = NULL;
    long bytes = BIO_get_mem_data(tls->out, &data);
    if (bytes > 0)
        buffer_add(cipher_out, data, (size_t)bytes);
    (void)BIO_reset(tls->out);
}

/* What a call that did not succeed means: more is needed, the end, or trouble. */
static void judge(struct tls *tls, int rc)
{
    int error = SSL_get_error(tls->ssl, rc);
    if (error == SSL_ERROR_WANT_READ)
        return;
    bool ended = error == SSL_ERROR_ZERO_RETURN;
    if (ended && tls->state == TLS_OPEN) {
        tls->state = TLS_CLOSED;
        return;
    }
    if (ended)
        snprintf(tls->why, sizeof(tls->why),
                 "it broke off while TLS was being agreed upon");
    else if (tls->why[0] == '\0')
        tls_sentence_protocol(tls->why);
    tls->state = TLS_FAILED;
    ERR_clear_error();
    /* the next connection starts afresh: the session may have been the reason */
    SSL_SESSION_free(tls->context->last);
    tls->context->last = NULL;
}

enum tls_state tls_feed(struct tls *tls, struct text cipher, struct buffer *plain,
                        struct buffer *cipher_out)
{
    CHECK(cipher.bytes <= INT_MAX);
    ERR_clear_error();
    if (cipher.bytes > 0)
        CHECK(BIO_write(tls->in, cipher.data, (int)cipher.bytes) == (int)cipher.bytes);
    if (tls->state == TLS_HANDSHAKE) {
        int rc = SSL_do_handshake(tls->ssl);
        if (rc == 1)
            tls->state = TLS_OPEN;
        else
            judge(tls, rc);
    }
    while (tls->state == TLS_OPEN) {
        int rc = SSL_read(tls->ssl, buffer_room(plain, RECORD_BYTES), RECORD_BYTES);
        if (rc <= 0) {
            judge(tls, rc);
            break;
        }
        plain->bytes += (size_t)rc;
    }
    drain(tls, cipher_out);
    return tls->state;
}

void tls_seal(struct tls *tls, struct text plain, struct buffer *cipher_out)
{
    CHECK(tls->state == TLS_OPEN || tls->state == TLS_CLOSED);
    while (plain.bytes > 0) {
        size_t bytes = plain.bytes < RECORD_BYTES ? plain.bytes : RECORD_BYTES;
        /* without renegotiation, and into memory, nothing keeps it from being written */
        CHECK(SSL_write(tls->ssl, plain.data, (int)bytes) == (int)bytes);
        plain = (struct text){plain.data + bytes, plain.bytes - bytes};
    }
    drain(tls, cipher_out);
}

void tls_close(struct tls *tls, struct buffer *cipher_out)
{
    if (tls->state != TLS_OPEN && tls->state != TLS_CLOSED)
        return;
    ERR_clear_error();
    SSL_shutdown(tls->ssl);
    ERR_clear_error();
    drain(tls, cipher_out);
}

const char *tls_why(const struct tls *tls)
{
    return tls->why;
}

struct text tls_protocol(const struct tls *tls)
{
    const unsigned char *name = NULL;
    unsigned bytes = 0;
    SSL_get0_alpn_selected(tls->ssl, &name, &bytes);
    return (struct text){(const char *)name, bytes};
}

bool tls_is_resumed(const struct tls *tls)
{
    return SSL_session_reused(tls->ssl);
}
