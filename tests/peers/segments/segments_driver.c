/* segments_driver: [text, smart] as a line of JSON on stdin → {encoding, units,
 * per_segment} on stdout. */
#include "render/sms.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define SEGMENTS_MAX 4096

static void answer(struct text t, bool smart, struct arena *arena)
{
    static uint32_t per_segment[SEGMENTS_MAX];
    struct sms_size size, quick;
    arena_reset(arena);
    if (smart)
        t = sms_smart(t, arena);
    size_t count = sms_measure_detail(t, &size, per_segment, SEGMENTS_MAX);
    sms_measure(t, &quick);
    CHECK(quick.encoding == size.encoding && quick.segments == size.segments &&
          quick.units == size.units && count == size.segments);
    printf("[\"%s\",%u", size.encoding == SMS_GSM7 ? "GSM-7" : "UCS-2", size.units);
    for (size_t i = 0; i < count; i++)
        printf(",%u", per_segment[i]);
    printf("]\n");
}

int main(void)
{
    struct arena arena;
    char *line = NULL;
    size_t capacity = 0;
    CHECK(arena_init(&arena, 1 << 20, NULL) == 0);
    while (getline(&line, &capacity, stdin) > 0) {
        json_t *request = json_loads(line, JSON_ALLOW_NUL, NULL);
        json_t *t = json_array_get(request, 0);
        CHECK(json_is_string(t));
        answer((struct text){json_string_value(t), json_string_length(t)},
               json_is_true(json_array_get(request, 1)), &arena);
        json_decref(request);
    }
    free(line);
    arena_fini(&arena);
    return 0;
}
