#include "outbox/wire/sigv4.h"

#include "base/buffer.h"
#include "base/check.h"
#include "base/clock.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <curl/curl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define KEY   "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define WHEN  1440938160 /* 2015-08-30T12:36:00Z */
#define TOKEN "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWL=="

/* The first two are post-x-www-form-urlencoded and …-parameters of Amazon's aws4_testsuite, the ones of
 * it that sign the headers we send; the others are what aws4 of npm makes of the same request. */
static const struct {
    const char *region, *service, *token, *host, *path, *content_type, *body;
    const char *signed_headers, *signature;
} vectors[] = {
    {"us-east-1", "service", NULL, "example.amazonaws.com", "/",
     "application/x-www-form-urlencoded", "Param1=value1", "content-type;host;x-amz-date",
     "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
    {"us-east-1", "service", NULL, "example.amazonaws.com", "/",
     "application/x-www-form-urlencoded; charset=utf8", "Param1=value1",
     "content-type;host;x-amz-date",
     "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe"},
    {"eu-west-1", "ses", NULL, "127.0.0.1:8005", "/v2/email/outbound-bulk-emails",
     "application/json", "{\"a\":1}", "content-type;host;x-amz-date",
     "3f333ffa0120cccb47cd1c879f155045070b587490a326efa97eaf6fbc6f1867"},
    {"eu-west-1", "ses", TOKEN, "email.eu-west-1.amazonaws.com",
     "/v2/email/outbound-emails", "application/json", "{\"a\":1}",
     "content-type;host;x-amz-date;x-amz-security-token",
     "3c46c5b8b3c42d88dbf9acea73b6143287a1a6cf1377bb69b58ea53fc816609f"},
};

Test(sigv4, signs_as_amazon_and_aws4_do)
{
    for (size_t i = 0; i < ARRAY_COUNT(vectors); i++) {
        struct sigv4 signer = {.access_key = TEXT("AKIDEXAMPLE"),
                               .secret_key = TEXT(KEY),
                               .session_token = text_of(vectors[i].token),
                               .region = text_of(vectors[i].region),
                               .service = text_of(vectors[i].service)};
        const struct sigv4_request request = {.method = "POST",
                                              .host = text_of(vectors[i].host),
                                              .path = text_of(vectors[i].path),
                                              .content_type =
                                                  text_of(vectors[i].content_type),
                                              .body = text_of(vectors[i].body)};
        struct sigv4_headers headers;
        char want[512];
        snprintf(want, sizeof(want),
                 "Authorization: AWS4-HMAC-SHA256 "
                 "Credential=AKIDEXAMPLE/20150830/%s/%s/aws4_request, "
                 "SignedHeaders=%s, Signature=%s",
                 vectors[i].region, vectors[i].service, vectors[i].signed_headers,
                 vectors[i].signature);
        for (int again = 0; again < 2; again++) { /* with the day's key kept */
            sigv4_sign(&signer, &request, WHEN, &headers);
            cr_expect_str_eq(headers.authorization, want, "vector %zu", i);
            cr_expect_str_eq(headers.date, "X-Amz-Date: 20150830T123600Z");
        }
    }
}

Test(sigv4, derives_the_key_of_each_day)
{
    /* the example of Amazon's "Deriving the signing key" */
    static const unsigned char want[32] = {
        0xc4, 0xaf, 0xb1, 0xcc, 0x57, 0x71, 0xd8, 0x71, 0x76, 0x3a, 0x39,
        0x3e, 0x44, 0xb7, 0x03, 0x57, 0x1b, 0x55, 0xcc, 0x28, 0x42, 0x4d,
        0x1a, 0x5e, 0x86, 0xda, 0x6e, 0xd3, 0xc1, 0x54, 0xa4, 0xb9};
    struct sigv4 signer = {.access_key = TEXT("AKIDEXAMPLE"),
                           .secret_key = TEXT(KEY),
                           .region = TEXT("us-east-1"),
                           .service = TEXT("iam")};
    const struct sigv4_request request = {.method = "POST"};
    struct sigv4_headers headers;
    sigv4_sign(&signer, &request, WHEN, &headers);
    cr_expect_arr_eq(signer.key, want, sizeof(want));
    sigv4_sign(&signer, &request, WHEN + 86400, &headers);
    cr_expect_str_eq(signer.day, "20150831");
    cr_expect_neq(memcmp(signer.key, want, sizeof(want)), 0);
    sigv4_sign(&signer, &request, WHEN, &headers);
    cr_expect_arr_eq(signer.key, want, sizeof(want));
}

/* --- the same as curl --- */

static uint64_t seed = 1;

static size_t below(size_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(seed >> 33) % n;
}

/* word: 1 … most bytes of an alphabet, NUL-terminated. */
static struct text word(char *out, size_t most, const char *alphabet)
{
    size_t bytes = 1 + below(most);
    for (size_t i = 0; i < bytes; i++)
        out[i] = alphabet[below(strlen(alphabet))];
    out[bytes] = '\0';
    return (struct text){out, bytes};
}

static int keep_head(CURL *curl, curl_infotype type, char *data, size_t bytes, void *arg)
{
    (void)curl;
    if (type == CURLINFO_HEADER_OUT)
        buffer_add(arg, data, bytes);
    return 0;
}

/* run_until_sent: nobody answers; what curl sends is what we want. */
static void run_until_sent(CURL *curl, struct buffer *head)
{
    CURLM *multi = curl_multi_init();
    int running = 1;
    curl_easy_setopt(curl, CURLOPT_VERBOSE, 1L);
    curl_easy_setopt(curl, CURLOPT_DEBUGFUNCTION, keep_head);
    curl_easy_setopt(curl, CURLOPT_DEBUGDATA, head);
    curl_multi_add_handle(multi, curl);
    while (running && head->bytes == 0) {
        curl_multi_perform(multi, &running);
        if (head->bytes == 0)
            curl_multi_poll(multi, NULL, 0, 100, NULL);
    }
    curl_multi_remove_handle(multi, curl);
    curl_multi_cleanup(multi);
    buffer_byte(head, '\0');
}

/* value: of a header in a request's head, cut off there. */
static char *value_of(char *head, const char *name)
{
    char *at = strcasestr(head, name);
    cr_assert(at, "curl sends no %s: %s", name, head);
    at += strlen(name);
    return at + strspn(at, " ");
}

static int64_t seconds_of(const char *amz_date)
{
    char time[32];
    int64_t ns;
    bool has_offset;
    snprintf(time, sizeof(time), "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", amz_date, amz_date + 4,
             amz_date + 6, amz_date + 9, amz_date + 11, amz_date + 13);
    cr_assert_eq(clock_parse(text_of(time), &ns, &has_offset), 0, "%s", amz_date);
    return ns / NS_PER_S;
}

struct sample {
    char access_key[SIGV4_ACCESS_KEY_BYTES_MAX + 1], secret_key[64], token[512];
    char region[32], service[32], path[256], body[2048], host[32];
    size_t body_bytes;
    bool temporary; /* with the token */
};

static void make_sample(struct sample *s, unsigned port)
{
    word(s->access_key, SIGV4_ACCESS_KEY_BYTES_MAX,
         "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
    word(s->secret_key, 60, "abcXYZ0189+/");
    word(s->token, 500, "abcXYZ0189+/=");
    word(s->region, 30, "abcxyz-0123456789");
    word(s->service, 30, "abcxyz-");
    s->path[0] = '/';
    word(s->path + 1, 250, "abcXYZ019-_~");
    snprintf(s->host, sizeof(s->host), "127.0.0.1:%u", port);
    s->body_bytes = below(sizeof(s->body));
    for (size_t i = 0; i < s->body_bytes; i++)
        s->body[i] = (char)below(256);
    s->temporary = below(2);
}

static void sign_with_curl(const struct sample *s, struct buffer *head)
{
    char url[512], provider[128], login[256], token[600];
    CURL *curl = curl_easy_init();
    snprintf(url, sizeof(url), "http://%s%s", s->host, s->path);
    snprintf(provider, sizeof(provider), "aws:amz:%s:%s", s->region, s->service);
    snprintf(login, sizeof(login), "%s:%s", s->access_key, s->secret_key);
    snprintf(token, sizeof(token), "X-Amz-Security-Token: %s", s->token);
    struct curl_slist *headers =
        curl_slist_append(NULL, "Content-Type: application/json");
    if (s->temporary)
        headers = curl_slist_append(headers, token);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_AWS_SIGV4, provider);
    curl_easy_setopt(curl, CURLOPT_USERPWD, login);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)s->body_bytes);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, s->body);
    run_until_sent(curl, head);
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
}

/* curl has a signer of its own: random keys, scopes, paths and bodies have the same signature. */
Test(sigv4, signs_as_curl_does)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof(address);
    cr_assert_eq(bind(fd, (struct sockaddr *)&address, bytes), 0);
    cr_assert_eq(listen(fd, 256), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &bytes), 0);
    static struct sample s;
    for (int i = 0; i < 100; i++) {
        struct buffer head = {0};
        struct sigv4_headers ours;
        make_sample(&s, ntohs(address.sin_port));
        sign_with_curl(&s, &head);
        struct sigv4 signer = {.access_key = text_of(s.access_key),
                               .secret_key = text_of(s.secret_key),
                               .session_token =
                                   s.temporary ? text_of(s.token) : TEXT_NONE,
                               .region = text_of(s.region),
                               .service = text_of(s.service)};
        const struct sigv4_request request = {.method = "POST",
                                              .host = text_of(s.host),
                                              .path = text_of(s.path),
                                              .content_type = TEXT("application/json"),
                                              .body = {s.body, s.body_bytes}};
        sigv4_sign(&signer, &request, seconds_of(value_of(head.data, "\nX-Amz-Date:")),
                   &ours);
        char *theirs = value_of(head.data, "\nAuthorization:");
        theirs[strcspn(theirs, "\r")] = '\0';
        cr_assert_str_eq(ours.authorization + strlen("Authorization: "), theirs,
                         "sample %d, %zu bytes to %s", i, s.body_bytes, s.path);
        buffer_fini(&head);
    }
    close(fd);
}
