/* verb_segments: what texts cost as SMS. */
#include "cli/verb.h"
#include "render/sms.h"

#include <stdio.h>
#include <stdlib.h>

static const struct option_spec options[] = {
    {"smart", NULL,
     "replace typographic characters by GSM ones first, as Twilio's SmartEncoded"},
    VERB_COMMON};

#define SEGMENTS_MAX 65536

static int print_size(struct text t, bool smart, struct arena *arena,
                      uint32_t *per_segment)
{
    struct sms_size size;
    arena_reset(arena);
    if (smart)
        t = sms_smart(t, arena);
    size_t count = sms_measure_detail(t, &size, per_segment, SEGMENTS_MAX);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_integer(per_segment[i]));
    verb_print_json(json_pack("{s:s, s:I, s:I, s:o}", "encoding",
                              size.encoding == SMS_GSM7 ? "GSM-7" : "UCS-2", "segments",
                              (json_int_t)size.segments, "units", (json_int_t)size.units,
                              "per_segment", list));
    return 0;
}

static int read_lines(struct verb_context *context, struct arena *arena,
                      uint32_t *per_segment, struct error *err)
{
    bool smart = options_flag(&context->options, "smart");
    char *line = NULL;
    size_t capacity = 0;
    int rc = 0;
    ssize_t bytes;
    for (unsigned long number = 1;
         rc == 0 && (bytes = getline(&line, &capacity, stdin)) > 0; number++) {
        json_error_t why;
        json_t *string =
            json_loadb(line, (size_t)bytes, JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);
        if (!json_is_string(string))
            rc = error_set(err, ERROR_INPUT,
                           "standard input:%lu: each line must be a JSON string%s%s",
                           number, string ? "" : ": ", string ? "" : why.text);
        else
            print_size(
                (struct text){json_string_value(string), json_string_length(string)},
                smart, arena, per_segment);
        json_decref(string);
    }
    free(line);
    return rc;
}

static int run(struct verb_context *context)
{
    struct error err;
    struct arena arena;
    int rc = arena_init(&arena, (size_t)1 << 30, &err);
    if (rc)
        return verb_fail(context, &err);
    uint32_t *per_segment = calloc(SEGMENTS_MAX, sizeof(*per_segment));
    CHECK(per_segment != NULL);
    rc = read_lines(context, &arena, per_segment, &err);
    free(per_segment);
    arena_fini(&arena);
    return rc ? verb_fail(context, &err) : 0;
}

const struct verb verb_segments = {
    .name = "segments",
    .arguments = "",
    .summary = "count SMS segments: JSON strings on stdin, one a line",
    .example = "echo '\"Ciao, a domani alle 18!\"' | volley segments",
    .options = options,
    .arguments_min = 0,
    .arguments_max = 0,
    .run = run,
};
