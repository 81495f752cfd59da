/* certificates: a certificate authority for tests, and servers' certificates by it, made on the spot. */
#ifndef TESTS_CERTIFICATES_H
#define TESTS_CERTIFICATES_H

#include "base/check.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct authority {
    EVP_PKEY *key;
    X509 *certificate;
    char file[64]; /* its certificate, in PEM */
};

static inline void certificate_extend(X509 *certificate, X509 *issuer, int nid,
                                      const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    CHECK(extension && X509_add_ext(certificate, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

/* names: as "DNS:a.example,IP:127.0.0.1", or NULL for an authority. issuer NULL: signed by itself. */
static inline X509 *certificate_make(EVP_PKEY *key, const struct authority *issuer,
                                     const char *names, long from_s, long until_s)
{
    static int serial = 1;
    X509 *certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
    X509_gmtime_adj(X509_getm_notBefore(certificate), from_s);
    X509_gmtime_adj(X509_getm_notAfter(certificate), until_s);
    X509_set_pubkey(certificate, key);
    X509_NAME *name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               (const unsigned char *)(names ? "server" : "test CA"), -1,
                               -1, 0);
    X509 *signer = issuer ? issuer->certificate : certificate;
    X509_set_issuer_name(certificate, X509_get_subject_name(signer));
    if (names)
        certificate_extend(certificate, signer, NID_subject_alt_name, names);
    else
        certificate_extend(certificate, signer, NID_basic_constraints,
                           "critical,CA:TRUE");
    CHECK(X509_sign(certificate, issuer ? issuer->key : key, EVP_sha256()) > 0);
    return certificate;
}

static inline void authority_init(struct authority *authority)
{
    authority->key = EVP_EC_gen("P-256");
    authority->certificate = certificate_make(authority->key, NULL, NULL, -3600, 3600);
    snprintf(authority->file, sizeof(authority->file), "/tmp/volley_ca_XXXXXX");
    FILE *file = fdopen(mkstemp(authority->file), "w");
    CHECK(file && PEM_write_X509(file, authority->certificate) == 1);
    fclose(file);
}

static inline void authority_fini(struct authority *authority)
{
    unlink(authority->file);
    X509_free(authority->certificate);
    EVP_PKEY_free(authority->key);
}

/* certificate_server: a server that shows a certificate for these names, by issuer or by itself. */
static inline SSL_CTX *certificate_server(const struct authority *issuer,
                                          const char *names, long from_s, long until_s)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = certificate_make(key, issuer, names, from_s, until_s);
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    CHECK(ctx && SSL_CTX_use_certificate(ctx, certificate) == 1 &&
          SSL_CTX_use_PrivateKey(ctx, key) == 1);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return ctx;
}

#endif
