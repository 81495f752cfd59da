/* http_api_headers: see http_api_headers.h. */
#include "outbox/providers/http_api_headers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_header_name(const char *name)
{
    return name[0] &&
           !name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                              "0123456789!#$%&'*+-.^_`|~")];
}

/* Ours, because a value of theirs would break a request or make messages look like one. */
static const char *const our_headers[] = {"Idempotency-Key", "Content-Length",
                                          "Transfer-Encoding", "Connection", "Expect"};

static int check_header(const struct provider_config *config,
                        const struct provider_header *header, struct error *err)
{
    if (!is_header_name(header->name) || strpbrk(header->value, "\r\n"))
        return error_set(err, ERROR_CONFIG,
                         "providers.%s.headers.%s is no name and value of a header",
                         config->name, header->name);
    for (size_t i = 0; i < ARRAY_COUNT(our_headers); i++) {
        if (text_equal_nocase(text_of(header->name), text_of(our_headers[i])))
            return error_set(err, ERROR_CONFIG,
                             "providers.%s.headers.%s: volley sets this header by itself",
                             config->name, header->name);
    }
    if (config->username[0] &&
        text_equal_nocase(text_of(header->name), TEXT("Authorization")))
        return error_set(err, ERROR_CONFIG,
                         "providers.%s: username and headers.Authorization are two ways "
                         "to log in; keep one",
                         config->name);
    return 0;
}

int http_api_headers_check(const struct provider_config *config, struct error *err)
{
    int rc = 0;
    for (size_t i = 0; i < config->header_count && rc == 0; i++)
        rc = check_header(config, &config->headers[i], err);
    return rc;
}

static void add_header(struct http_api_headers *headers, const char *name,
                       const char *value)
{
    if (headers->count == HTTP_API_HEADERS_MAX) {
        headers->too_much = true;
        return;
    }
    char *line = headers->lines[headers->count];
    int bytes = snprintf(line, HTTP_API_HEADER_BYTES, "%s: %s", name, value);
    headers->too_much |= bytes < 0 || bytes >= HTTP_API_HEADER_BYTES;
    headers->list[headers->count++] = line;
}

static bool has_header(const struct provider_config *config, const char *name)
{
    for (size_t i = 0; i < config->header_count; i++) {
        if (text_equal_nocase(text_of(config->headers[i].name), text_of(name)))
            return true;
    }
    return false;
}

static void add_all(const struct provider_config *config,
                    struct http_api_headers *headers)
{
    if (!has_header(config, "Content-Type"))
        add_header(headers, "Content-Type",
                   config->form ? "application/x-www-form-urlencoded"
                                : "application/json");
    for (size_t i = 0; i < config->header_count; i++)
        add_header(headers, config->headers[i].name, config->headers[i].value);
    if (config->username[0] && headers->count < HTTP_API_HEADERS_MAX) {
        char *line = headers->lines[headers->count];
        headers->too_much |= http_basic_auth(config->username, config->password, line,
                                             HTTP_API_HEADER_BYTES) != 0;
        headers->list[headers->count++] = line;
    } else if (config->username[0]) {
        headers->too_much = true;
    }
}

int http_api_headers_make(const struct provider_config *config,
                          struct http_api_headers **out, struct error *err)
{
    struct http_api_headers *headers = calloc(1, sizeof(*headers));
    CHECK(headers);
    add_all(config, headers);
    if (!headers->too_much) {
        *out = headers;
        return 0;
    }
    free(headers);
    return error_set(err, ERROR_CONFIG,
                     "providers.%s.headers: at most %d of up to 4000 bytes each can be "
                     "sent, Content-Type and the login among them",
                     config->name, HTTP_API_HEADERS_MAX);
}
