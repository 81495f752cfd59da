/* tls_sentence: see tls_sentence.h. */
#include "outbox/wire/tls_sentence.h"

#include "base/check.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/sslerr.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* --- what a certificate says; all of it is the server's word, so only printable ASCII is repeated --- */

static void add_name(char *out, size_t out_bytes, const GENERAL_NAME *name)
{
    size_t used = strlen(out);
    char shown[INET6_ADDRSTRLEN] = "";
    const char *text = shown;
    size_t bytes = 0;
    int type = 0;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);
    if (type == GEN_DNS) {
        text = (const char *)ASN1_STRING_get0_data(value);
        bytes = (size_t)ASN1_STRING_length(value);
    } else if (type == GEN_IPADD &&
               (ASN1_STRING_length(value) == 4 || ASN1_STRING_length(value) == 16)) {
        int family = ASN1_STRING_length(value) == 4 ? AF_INET : AF_INET6;
        inet_ntop(family, ASN1_STRING_get0_data(value), shown, sizeof(shown));
        bytes = strlen(shown);
    }
    if (bytes == 0 || used + bytes + 3 > out_bytes)
        return;
    if (used > 0) {
        memcpy(out + used, ", ", 3);
        used += 2;
    }
    for (size_t i = 0; i < bytes; i++)
        out[used++] = text[i] > ' ' && text[i] < 0x7F ? text[i] : '?';
    out[used] = '\0';
}

static void names_of(const X509 *certificate, char *out, size_t out_bytes)
{
    out[0] = '\0';
    GENERAL_NAMES *names =
        X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
        add_name(out, out_bytes, sk_GENERAL_NAME_value(names, i));
    GENERAL_NAMES_free(names);
    if (out[0] == '\0')
        snprintf(out, out_bytes, "no host at all");
}

static void day_of(const ASN1_TIME *time, char *out, size_t out_bytes)
{
    struct tm tm;
    if (ASN1_TIME_to_tm(time, &tm) != 1 || strftime(out, out_bytes, "%Y-%m-%d", &tm) == 0)
        snprintf(out, out_bytes, "an unknown day");
}

void tls_sentence_certificate(const X509 *certificate, const char *host, int error,
                              char out[TLS_SENTENCE_BYTES])
{
    char names[160], day[32];
    switch (error) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        names_of(certificate, names, sizeof(names));
        snprintf(out, TLS_SENTENCE_BYTES,
                 "its certificate is for %s, not for %.100s: write a name of the "
                 "certificate into url",
                 names, host);
        return;
    case X509_V_ERR_CERT_HAS_EXPIRED:
        day_of(X509_get0_notAfter(certificate), day, sizeof(day));
        snprintf(
            out, TLS_SENTENCE_BYTES,
            "its certificate has expired (%s): whoever runs the server must renew it",
            day);
        return;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        day_of(X509_get0_notBefore(certificate), day, sizeof(day));
        snprintf(out, TLS_SENTENCE_BYTES,
                 "its certificate is valid only from %s: is this machine's clock right?",
                 day);
        return;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        snprintf(out, TLS_SENTENCE_BYTES,
                 "its certificate is signed by nobody we trust (%s): name the file of "
                 "its CA in tls_ca",
                 X509_verify_cert_error_string(error));
        return;
    default:
        snprintf(out, TLS_SENTENCE_BYTES, "its certificate is not accepted: %s",
                 X509_verify_cert_error_string(error));
    }
}

void tls_sentence_protocol(char out[TLS_SENTENCE_BYTES])
{
    unsigned long error = ERR_peek_error();
    int reason = ERR_GET_LIB(error) == ERR_LIB_SSL ? ERR_GET_REASON(error) : 0;
    const char *words = error ? ERR_reason_error_string(error) : NULL;
    if (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST)
        snprintf(
            out, TLS_SENTENCE_BYTES,
            "what it sends is not TLS (https:// and smtps:// are TLS from the start, "
            "smtp:// turns to it by STARTTLS)");
    else if (reason == SSL_R_UNSUPPORTED_PROTOCOL ||
             reason == SSL_R_TLSV1_ALERT_PROTOCOL_VERSION)
        snprintf(out, TLS_SENTENCE_BYTES,
                 "it speaks no TLS newer than 1.1, and 1.2 is needed");
    else
        snprintf(out, TLS_SENTENCE_BYTES, "TLS broke: %s",
                 words ? words : "no reason given");
}
