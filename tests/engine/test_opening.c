/* opening: a customer's zone by name, hostile names too, and when their message may go. */
#include "base/clock.h"
#include "engine/job/opening.h"
#include "engine/pipeline/waits.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define NOON (1795435200 * NS_PER_S) /* 2026-11-23T12:00:00Z, a Monday */
#define HOUR (3600 * NS_PER_S)

static struct job job;

static void open_job(int32_t start_min, int32_t end_min)
{
    job = (struct job){0};
    cr_assert_eq(tzif_open(TEXT("Europe/Rome"), &job.zone, NULL), 0);
    job.zones = zones_create(job.zone);
    hours_add(&job.hours, &(struct hours_rule){.start_min = start_min,
                                               .end_min = end_min,
                                               .days = HOURS_EVERY_DAY});
}

static void close_job(void)
{
    zones_destroy(&job.zones);
    tzif_close(&job.zone);
}

static int32_t offset_of(struct text name)
{
    return tzif_offset_s(zones_get(job.zones, zones_find(job.zones, name)),
                         NOON / NS_PER_S) /
           3600;
}

Test(zones, names)
{
    static const char *const strangers[] = {
        "Europe/Roma",  "Europe", "../../../etc/passwd", "/etc/localtime", "zone.tab",
        "Europe//Rome", "./UTC",  "Europe/Rome/",        "leapseconds",    "a\tb",
        "\xFF\xFE"};
    open_job(540, 1200);
    cr_expect_eq(offset_of(TEXT("America/New_York")), -5);
    cr_expect_eq(offset_of(TEXT("Asia/Tokyo")), 9);
    cr_expect_eq(zones_find(job.zones, TEXT("Asia/Tokyo")),
                 zones_find(job.zones, TEXT("Asia/Tokyo")));
    cr_expect_eq(zones_find(job.zones, TEXT("")), ZONES_NONE);
    cr_expect_eq(zones_find(job.zones, TEXT_NONE), ZONES_NONE);
    for (size_t i = 0; i < ARRAY_COUNT(strangers); i++) {
        cr_expect_eq(zones_find(job.zones, text_of(strangers[i])), ZONES_UNKNOWN, "%s",
                     strangers[i]);
        cr_expect_eq(offset_of(text_of(strangers[i])), 1, "the account's");
    }
    close_job();
}

Test(zones, any_number_of_strangers_pushes_out_no_zone)
{
    open_job(540, 1200);
    for (int i = 0; i < 20000; i++) {
        char name[32];
        snprintf(name, sizeof(name), "Mars/Base%d", i);
        cr_assert_eq(zones_find(job.zones, text_of(name)), ZONES_UNKNOWN);
    }
    cr_expect_eq(offset_of(TEXT("Asia/Tokyo")), 9);
    close_job();
}

Test(opening, waits_until_the_hours_or_for_nothing)
{
    open_job(540, 1200);
    uint16_t tokyo = zones_find(job.zones, TEXT("Asia/Tokyo"));
    struct opening *o = opening_create(&job);
    cr_expect_eq(opening_wait_ns(o, ZONES_NONE, NOON), 0, "13:00 in Rome");
    cr_expect_eq(opening_wait_ns(o, tokyo, NOON), NOON + 12 * HOUR, "21:00 in Tokyo");
    cr_expect_eq(opening_wait_ns(o, tokyo, NOON + 12 * HOUR - 1), NOON + 12 * HOUR);
    cr_expect_eq(opening_wait_ns(o, tokyo, NOON + 12 * HOUR), 0);
    cr_expect_eq(opening_wait_ns(o, tokyo, NOON), NOON + 12 * HOUR, "the clock set back");
    job.file.expires_at_ns = NOON + 12 * HOUR + 1;
    cr_expect_eq(opening_wait_ns(o, tokyo, NOON), NOON + 12 * HOUR);
    job.file.expires_at_ns = NOON + 12 * HOUR;
    cr_expect_eq(opening_wait_ns(o, tokyo, NOON), HOURS_NEVER);
    cr_expect_eq(opening_wait_ns(o, ZONES_NONE, NOON), 0);
    cr_expect_eq(opening_wait_ns(o, ZONES_NONE, NOON + 12 * HOUR), HOURS_NEVER, "over");
    opening_destroy(&o);
    job.hours.count = 0;
    o = opening_create(&job);
    cr_expect_eq(opening_wait_ns(o, tokyo, NOON), 0, "no hours but an end");
    opening_destroy(&o);
    job.file.expires_at_ns = 0;
    cr_expect_null(opening_create(&job), "nothing to ask");
    close_job();
}

Test(waits, more_times_than_there_is_room_for_end_in_the_last)
{
    struct waits all = {0};
    uint64_t messages = 0;
    for (int i = 200; i > 0; i--) {
        struct waits one = {.count = 1,
                            .times = {{.until_ns = i % 100, .messages = {2}}}};
        waits_add(&all, &one);
    }
    for (size_t i = 0; i < all.count; i++) {
        cr_expect(i == 0 || all.times[i].until_ns > all.times[i - 1].until_ns);
        messages += all.times[i].messages[0];
    }
    cr_expect_eq(all.count, WAITS_MAX);
    cr_expect_eq(messages, 400);
}
