/* books_table: see books_table.h. */
#include "cli/books_table.h"

#include <inttypes.h>
#include <stdio.h>

static json_int_t number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static void print_suppressed(const json_t *channel)
{
    const char *reason;
    json_t *count;
    json_object_foreach(json_object_get(channel, "suppressed"), reason, count)
        printf("    %12" JSON_INTEGER_FORMAT "  suppressed: %s\n",
               json_integer_value(count), reason);
}

static void print_counts(const json_t *channel, const char *const *keys)
{
    for (; *keys; keys++) {
        json_int_t count = number(channel, *keys);
        if (count > 0)
            printf("    %12" JSON_INTEGER_FORMAT "  %s\n", count, *keys);
    }
    print_suppressed(channel);
}

static void print_waits(const json_t *channel)
{
    size_t index;
    json_t *wait;
    json_array_foreach(json_object_get(channel, "waits"), index, wait) printf(
        "    %12" JSON_INTEGER_FORMAT "  wait until %s\n", number(wait, "messages"),
        json_string_value(json_object_get(wait, "until")));
}

static void print_quota(const json_t *quota)
{
    if (quota)
        printf("  quota: %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT
               " segments used before, %" JSON_INTEGER_FORMAT " after\n",
               number(quota, "used_before"), number(quota, "limit"),
               number(quota, "used_after"));
}

static void print_receipts(const json_t *receipts)
{
    const char *status;
    json_t *count;
    if (receipts)
        printf("  heard later:\n");
    json_object_foreach((json_t *)(uintptr_t)receipts, status, count)
        printf("    %12" JSON_INTEGER_FORMAT "  %s\n", json_integer_value(count), status);
}

void books_table_report(const json_t *report)
{
    static const char *const keys[] = {"sent",           "failed",        "unknown",
                                       "cancelled",      "expired",       "pending",
                                       "fallback_email", "from_fallback", NULL};
    printf("job %s: %s, %s\n", json_string_value(json_object_get(report, "job")),
           json_string_value(json_object_get(report, "state")),
           json_is_true(json_object_get(report, "balanced")) ? "books balanced"
                                                             : "BOOKS DO NOT BALANCE");
    const char *reason = json_string_value(json_object_get(report, "reason"));
    if (reason)
        printf("  reason: %s\n", reason);
    const char *priority = json_string_value(json_object_get(report, "priority"));
    if (priority)
        printf("  priority: %s\n", priority);
    printf("  %" JSON_INTEGER_FORMAT " customers matched\n", number(report, "matched"));
    const char *name;
    json_t *channel;
    json_object_foreach(json_object_get(report, "channels"), name, channel)
    {
        printf("  %s: %" JSON_INTEGER_FORMAT " planned", name,
               number(channel, "planned"));
        if (number(channel, "segments") > 0)
            printf(", %" JSON_INTEGER_FORMAT " segments", number(channel, "segments"));
        printf("\n");
        print_counts(channel, keys);
    }
    print_quota(json_object_get(report, "quota"));
    print_receipts(json_object_get(report, "receipts"));
    printf("  %.1f s, %.0f messages/s\n",
           json_number_value(json_object_get(report, "elapsed_s")),
           json_number_value(json_object_get(report, "rate_per_s")));
}

void books_table_plan(const json_t *plan)
{
    static const char *const keys[] = {"fallback_email", "from_fallback", NULL};
    printf("job %s: %" JSON_INTEGER_FORMAT " customers matched\n",
           json_string_value(json_object_get(plan, "job")), number(plan, "matched"));
    const char *name;
    json_t *channel;
    json_object_foreach(json_object_get(plan, "channels"), name, channel)
    {
        printf("  %s: %" JSON_INTEGER_FORMAT " to send", name, number(channel, "send"));
        if (number(channel, "segments") > 0)
            printf(", %" JSON_INTEGER_FORMAT " segments", number(channel, "segments"));
        printf("\n");
        print_counts(channel, keys);
        print_waits(channel);
    }
    print_quota(json_object_get(plan, "quota"));
    double eta_s = json_number_value(json_object_get(plan, "eta_s"));
    if (eta_s > 0)
        printf("  takes at least %.0f s by the configured limits, until %s\n", eta_s,
               json_string_value(json_object_get(plan, "ends_at")));
    size_t index;
    json_t *warning;
    json_array_foreach(json_object_get(plan, "warnings"), index, warning)
        printf("  warning: %s\n", json_string_value(warning));
}
