/* Any bytes as an SMS: the fast way is the slow way, and smart encoding never breaks
 * UTF-8. */
#include "render/sms.h"

#include "render/sms_scan.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static struct arena arena;
    static uint32_t per_segment[1 << 16];
    struct text t = {(const char *)data, bytes};
    struct sms_size fast, slow;
    uint64_t sum = 0;
    if (!arena.base && arena_init(&arena, 16 << 20, NULL))
        abort();
    arena_reset(&arena);
    sms_measure(t, &fast);
    size_t count = sms_measure_detail(t, &slow, per_segment, ARRAY_COUNT(per_segment));
    for (size_t i = 0; i < count; i++)
        sum += per_segment[i];
    CHECK(fast.encoding == slow.encoding && fast.segments == slow.segments &&
          fast.units == slow.units);
    CHECK(count == slow.segments && sum == slow.units);
    struct text culprit = sms_culprit(t);
    CHECK((culprit.data != NULL) == (slow.encoding == SMS_UCS2));
    struct text smart = sms_smart(t, &arena);
    CHECK(smart.data == t.data || smart.data != NULL || arena_overflowed(&arena));
    CHECK(!utf8_valid(t) || utf8_valid(smart));
    return 0;
}
