/* segments_speed: how long it takes to count an SMS's segments, by render/sms and by a
 * plain loop over code points. Texts stand one a line in a file. */
#include "base/clock.h"
#include "base/file.h"
#include "render/sms.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define TEXTS_MAX 65536

/* --- the plain loop: 3GPP TS 23.038, 6.2.1 --- */

/* Septets per code point below 0x400: 1, 2 for the extension table, 0 for neither. */
static uint8_t septets[0x400];

static void plain_init(void)
{
    static const char *const basic =
        "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
        "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
    static const char *const extension = "\f^{}\\[~]|";
    for (const char *at = basic, *end = at + strlen(at); at < end;)
        septets[utf8_next(&at, end)] = 1;
    for (const char *at = extension; *at; at++)
        septets[(unsigned char)*at] = 2;
}

static unsigned septets_of(uint32_t c)
{
    return c < ARRAY_COUNT(septets) ? septets[c] : c == 0x20AC ? 2 : 0;
}

static unsigned units_of(uint32_t c, bool gsm)
{
    return gsm ? septets_of(c) : c > 0xFFFF ? 2 : 1;
}

/* Characters are not split over segments; grapheme clusters, which render/sms also keeps
 * whole, are beyond this loop, and the texts have none of several code points. */
static uint32_t plain_segments(struct text t)
{
    const char *end = t.data + t.bytes;
    bool gsm = true;
    for (const char *at = t.data; at < end && gsm;)
        gsm = septets_of(utf8_next(&at, end)) > 0;
    unsigned total = 0, used = 0, segments = 1;
    for (const char *at = t.data; at < end;) {
        unsigned units = units_of(utf8_next(&at, end), gsm);
        total += units;
        if (used + units > (gsm ? 153u : 67u)) {
            segments++;
            used = 0;
        }
        used += units;
    }
    return total <= (gsm ? 160u : 70u) ? 1 : segments;
}

static uint32_t volley_segments(struct text t)
{
    struct sms_size size;
    sms_measure(t, &size);
    return size.segments;
}

/* --- measuring --- */

static size_t split(struct text content, struct text *texts)
{
    size_t count = 0;
    const char *at = content.data, *end = at + content.bytes;
    while (at < end && count < TEXTS_MAX) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        line_end = line_end ? line_end : end;
        texts[count++] = (struct text){at, (size_t)(line_end - at)};
        at = line_end + 1;
    }
    return count;
}

static uint64_t pass(const struct text *texts, size_t count,
                     uint32_t (*measure)(struct text))
{
    uint64_t segments = 0;
    for (size_t i = 0; i < count; i++)
        segments += measure(texts[i]);
    return segments;
}

static void run(const struct text *texts, size_t count, uint32_t (*measure)(struct text),
                double seconds)
{
    uint64_t segments = pass(texts, count, measure), passes = 0;
    int64_t start_ns = clock_steady_ns(), now_ns;
    do {
        CHECK(pass(texts, count, measure) == segments);
        passes++;
        now_ns = clock_steady_ns();
    } while ((double)(now_ns - start_ns) < seconds * (double)NS_PER_S);
    printf("{\"segments\": %" PRIu64 ", \"ns\": %.3f}\n", segments,
           (double)(now_ns - start_ns) / (double)(passes * count));
}

int main(int argc, char **argv)
{
    static struct text texts[TEXTS_MAX];
    struct buffer content = {0};
    struct error err;
    if (argc != 4) {
        fprintf(stderr, "usage: segments_speed volley|plain TEXTS SECONDS\n");
        return 2;
    }
    if (file_read(argv[2], (size_t)1 << 30, &content, &err)) {
        fprintf(stderr, "segments_speed: %s\n", err.text);
        return error_exit_status(err.kind);
    }
    plain_init();
    run(texts, split(buffer_view(&content), texts),
        strcmp(argv[1], "volley") == 0 ? volley_segments : plain_segments,
        strtod(argv[3], NULL));
    buffer_fini(&content);
    return 0;
}
