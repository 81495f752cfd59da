/* config_value: see config_value.h. Messages show what stands in the file, never what a
 * variable or a secret's file holds, and nothing at all of a key that is a secret itself.
 */
#include "engine/config_value.h"

#include "base/file.h"
#include "base/near.h"
#include "base/units.h"

#include <stdio.h>
#include <stdlib.h>

#define VALUE_BYTES_MAX (64u << 10)

int config_complain(const struct config_place *place, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int rc = error_set_v(place->err, ERROR_CONFIG, format, args);
    va_end(args);
    error_prefix(place->err, "volley.yaml:%u: %s: ", place->line, place->path);
    return rc;
}

/* --- secrets --- */

static bool is_name_byte(char c, bool first)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
           (!first && c >= '0' && c <= '9');
}

/* expand_one: raw starts with `${`; append the variable's value and return how far it
 * reaches. */
static int expand_one(const struct config_place *place, struct text raw,
                      struct buffer *out, size_t *used_out)
{
    char name[128];
    size_t bytes = 0;
    while (2 + bytes < raw.bytes && bytes < sizeof(name) - 1 &&
           is_name_byte(raw.data[2 + bytes], bytes == 0)) {
        name[bytes] = raw.data[2 + bytes];
        bytes++;
    }
    name[bytes] = '\0';
    if (bytes == 0 || 2 + bytes == raw.bytes || raw.data[2 + bytes] != '}')
        return config_complain(place,
                               "`${` starts the name of an environment variable: write "
                               "`${NAME}`");
    const char *value = getenv(name);
    if (!value)
        return config_complain(place, "the environment variable %s is not set", name);
    *used_out = bytes + 3;
    if (strlen(value) > VALUE_BYTES_MAX)
        return config_complain(place, "the environment variable %s is longer than 64 KiB",
                               name);
    buffer_string(out, value);
    return 0;
}

static int expand(const struct config_place *place, struct text raw, struct buffer *out)
{
    for (size_t i = 0; i < raw.bytes;) {
        size_t used = 1;
        if (raw.data[i] == '$' && i + 1 < raw.bytes && raw.data[i + 1] == '{') {
            struct text rest = {raw.data + i, raw.bytes - i};
            int rc = expand_one(place, rest, out, &used);
            if (rc)
                return rc;
        } else {
            buffer_byte(out, raw.data[i]);
        }
        if (out->bytes > VALUE_BYTES_MAX)
            return config_complain(place, "is longer than 64 KiB");
        i += used;
    }
    return 0;
}

/* read_secret: replace the file's name in value by its content without the line's end. */
static int read_secret(const struct config_place *place, struct buffer *value)
{
    char path[PATH_BYTES];
    struct text name = {value->data + 5, value->bytes - 5};
    int bytes =
        name.bytes > 0 && name.data[0] == '/'
            ? snprintf(path, sizeof(path), "%.*s", TEXT_ARGS(name))
            : snprintf(path, sizeof(path), "%s/%.*s", place->home, TEXT_ARGS(name));
    if (bytes >= PATH_BYTES)
        return config_complain(place, "the name of the file is too long");
    buffer_clear(value);
    struct error why;
    if (file_read(path, VALUE_BYTES_MAX, value, &why))
        return config_complain(place, "%s", why.text);
    while (value->bytes > 0 && (value->data[value->bytes - 1] == '\n' ||
                                value->data[value->bytes - 1] == '\r'))
        value->bytes--;
    if (value->bytes > 0 && memchr(value->data, '\0', value->bytes))
        return config_complain(place, "%s holds a NUL byte and so is no text", path);
    return 0;
}

int config_value_resolve(const struct config_place *place, struct text raw,
                         struct text *out)
{
    struct buffer value = {0};
    int rc = expand(place, raw, &value);
    if (rc == 0 && raw.bytes > 5 && memcmp(raw.data, "file:", 5) == 0)
        rc = read_secret(place, &value);
    if (rc == 0) {
        *out = arena_text(place->arena, buffer_view(&value));
        if (!out->data)
            rc = config_complain(place, "the configuration is too large");
    }
    buffer_fini(&value);
    return rc;
}

/* --- types --- */

static bool is_text(struct text t, bool lines)
{
    for (size_t i = 0; i < t.bytes; i++) {
        unsigned char c = (unsigned char)t.data[i];
        bool line_end = lines && (c == '\n' || c == '\r' || c == '\t');
        if ((c < 0x20 && !line_end) || c == 0x7F)
            return false;
    }
    return utf8_valid(t);
}

/* is_url: scheme://something, without blanks. What a scheme may be is its user's to say.
 */
static bool is_url(struct text t)
{
    size_t scheme = 0;
    while (scheme < t.bytes && t.data[scheme] >= 'a' && t.data[scheme] <= 'z')
        scheme++;
    return scheme > 0 && scheme + 3 < t.bytes && memcmp(t.data + scheme, "://", 3) == 0 &&
           t.data[scheme + 3] != '/' && !memchr(t.data, ' ', t.bytes) &&
           is_text(t, false);
}

/* is_address: host:port, an IPv6 address in brackets; port 0 lets the kernel choose. */
static bool is_address(struct text t)
{
    const char *colon = memrchr(t.data, ':', t.bytes);
    if (!colon || colon == t.data || memchr(t.data, ' ', t.bytes) || !is_text(t, false))
        return false;
    struct text host = {t.data, (size_t)(colon - t.data)};
    struct text port = {colon + 1, t.bytes - host.bytes - 1};
    bool brackets =
        host.data[0] == '[' && host.data[host.bytes - 1] == ']' && host.bytes > 2;
    uint64_t number;
    return units_count(port, &number) == 0 && number <= 65535 &&
           (brackets || !memchr(host.data, ':', host.bytes));
}

static int plain_number(struct text t, double *out)
{
    char digits[32];
    if (t.bytes == 0 || t.bytes >= sizeof(digits))
        return -1;
    for (size_t i = 0; i < t.bytes; i++) {
        bool dot = t.data[i] == '.' && i > 0 && !memchr(t.data, '.', i);
        if (!dot && (t.data[i] < '0' || t.data[i] > '9'))
            return -1;
        digits[i] = t.data[i];
    }
    digits[t.bytes] = '\0';
    *out = strtod(digits, NULL);
    return 0;
}

/* number_of: t as a number of key's type. Every range ends below 2^53, so a double is
 * exact. */
static int number_of(const struct config_key *key, struct text t, double *out)
{
    uint64_t count;
    int64_t ns;
    int rc = -1;
    switch (key->type) {
    case CONFIG_COUNT:
        rc = units_count(t, &count);
        *out = rc ? 0 : (double)count;
        return rc;
    case CONFIG_DURATION:
        rc = units_duration(t, &ns);
        *out = rc ? 0 : (double)ns;
        return rc;
    case CONFIG_RATE:
        return units_rate(t, out);
    case CONFIG_SHARE:
        return units_fraction(t, out);
    default:
        return plain_number(t, out);
    }
}

static void store_number(const struct config_key *key, double number, void *field)
{
    if (key->type == CONFIG_DURATION) {
        CHECK(key->bytes == sizeof(int64_t));
        *(int64_t *)field = (int64_t)number;
    } else if (key->type != CONFIG_COUNT) {
        CHECK(key->bytes == sizeof(double));
        *(double *)field = number;
    } else if (key->bytes == sizeof(uint64_t)) {
        *(uint64_t *)field = (uint64_t)number;
    } else {
        CHECK(key->bytes == sizeof(unsigned));
        *(unsigned *)field = (unsigned)number;
    }
}

static const char *number_example(enum config_type type)
{
    return type == CONFIG_COUNT      ? "a whole number like 50"
           : type == CONFIG_DURATION ? "a duration like 30s, 15min or 24h"
           : type == CONFIG_RATE     ? "a rate like 500/s or 30/min"
           : type == CONFIG_SHARE    ? "a share like 10%"
                                     : "a number like 60";
}

static int read_number(const struct config_place *place, const struct config_key *key,
                       struct text value, struct text raw, void *field)
{
    double number, low, high;
    if (key->auto_word && text_is(value, key->auto_word)) {
        store_number(key, 0, field);
        return 0;
    }
    int shown = (int)(raw.bytes < 60 ? raw.bytes : 60);
    if (number_of(key, value, &number))
        return config_complain(place, "\"%.*s\" is not %s%s%s", shown, raw.data,
                               number_example(key->type), key->auto_word ? ", or " : "",
                               key->auto_word ? key->auto_word : "");
    CHECK(number_of(key, text_of(key->low), &low) == 0);
    CHECK(number_of(key, text_of(key->high), &high) == 0);
    if (number < low || number > high)
        return config_complain(place, "%.*s is out of range (%s to %s)", shown, raw.data,
                               key->low, key->high);
    store_number(key, number, field);
    return 0;
}

/* read_minutes: `21:00`. */
static bool read_minutes(const char *t, int32_t *out)
{
    for (int i = 0; i < 5; i++) {
        if (i == 2 ? t[i] != ':' : t[i] < '0' || t[i] > '9')
            return false;
    }
    int32_t hour = (t[0] - '0') * 10 + t[1] - '0';
    int32_t minute = (t[3] - '0') * 10 + t[4] - '0';
    *out = hour * 60 + minute;
    return hour < 24 && minute < 60;
}

static int read_span(const struct config_place *place, struct text value, struct text raw,
                     struct hours_rule *out)
{
    struct hours_rule quiet = {.days = HOURS_EVERY_DAY, .quiet = true};
    *out = (struct hours_rule){0};
    if (value.bytes == 0)
        return 0; /* as if it were not there */
    if (value.bytes != 11 || value.data[5] != '-' ||
        !read_minutes(value.data, &quiet.start_min) ||
        !read_minutes(value.data + 6, &quiet.end_min) || quiet.start_min == quiet.end_min)
        return config_complain(place,
                               "\"%.*s\" is not a span of the day like 21:00-08:00",
                               (int)(raw.bytes < 60 ? raw.bytes : 60), raw.data);
    *out = quiet;
    return 0;
}

static int read_word(const struct config_place *place, const struct config_key *key,
                     struct text value, struct text raw, void *field)
{
    struct near near = {.wanted = value};
    char hint[128], words[128] = "";
    for (unsigned i = 0; key->words[i]; i++) {
        if (text_is(value, key->words[i])) {
            if (key->bytes == sizeof(bool))
                *(bool *)field = i > 0;
            else
                *(unsigned *)field = i;
            return 0;
        }
        near_offer(&near, text_of(key->words[i]));
        size_t used = strlen(words);
        snprintf(words + used, sizeof(words) - used, "%s%s", i ? ", " : "",
                 key->words[i]);
    }
    return config_complain(place, "\"%.*s\" is none of %s%s",
                           (int)(raw.bytes < 60 ? raw.bytes : 60), raw.data, words,
                           near_hint(&near, hint, sizeof(hint)));
}

static int read_text(const struct config_place *place, const struct config_key *key,
                     struct text value, struct text raw, void *field)
{
    const char *wanted = NULL;
    if (value.bytes == 0)
        ; /* as if it were not there */
    else if (key->type == CONFIG_URL && !is_url(value))
        wanted = "a URL like https://host/path";
    else if (key->type == CONFIG_ADDRESS && !is_address(value))
        wanted = "an address like 127.0.0.1:8025";
    else if (!is_text(value, key->type == CONFIG_LINES))
        wanted = key->type == CONFIG_LINES ? "UTF-8 text" : "one line of UTF-8 text";
    if (wanted && key->secret)
        return config_complain(place, "its value is not %s", wanted);
    if (wanted)
        return config_complain(place, "\"%.*s\" is not %s",
                               (int)(raw.bytes < 60 ? raw.bytes : 60), raw.data, wanted);
    *(const char **)field = value.data;
    return 0;
}

int config_value_store(const struct config_place *place, const struct config_key *key,
                       struct text raw, void *target)
{
    void *field = (char *)target + key->offset;
    struct text value;
    int rc = config_value_resolve(place, raw, &value);
    if (rc)
        return rc;
    switch (key->type) {
    case CONFIG_TEXT:
    case CONFIG_LINES:
    case CONFIG_URL:
    case CONFIG_ADDRESS:
        return read_text(place, key, value, raw, field);
    case CONFIG_SPAN:
        CHECK(key->bytes == sizeof(struct hours_rule));
        return read_span(place, value, raw, field);
    case CONFIG_ENUM:
        return read_word(place, key, value, raw, field);
    default:
        return read_number(place, key, value, raw, field);
    }
}
