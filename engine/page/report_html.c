/* report_html: see report_html.h. All that comes from outside goes through markup_text or
 * chart_bars. The page is also well-formed XML, so that any parser can take it apart. */
#include "engine/page/report_html.h"

#include "base/clock.h"
#include "base/message.h"
#include "engine/page/chart.h"
#include "engine/page/markup.h"
#include "engine/page/report_parts.h"
#include "engine/page/report_style.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void put_state(struct buffer *out, const json_t *report)
{
    const char *state = json_string_value(json_object_get(report, "state"));
    bool done = state && strcmp(state, "finished") == 0;
    bool halted = state && (strcmp(state, "failed") == 0 || strcmp(state, "paused") == 0);
    buffer_format(out, "<span class=\"state %s\">",
                  done     ? "good"
                  : halted ? "bad"
                           : "so");
    markup_text(out, text_of(state ? state : "unknown"));
    buffer_string(out, "</span>");
    if (!json_is_true(json_object_get(report, "balanced")))
        buffer_string(out, "<span class=\"state bad\">books do not balance</span>");
}

/* put_time: "2026-11-21 08:00:00 UTC" of "2026-11-21T08:00:00.000Z". */
static void put_time(struct buffer *out, const char *before, struct text time)
{
    if (time.bytes < 19)
        return;
    buffer_string(out, before);
    markup_text(out, (struct text){time.data, 10});
    buffer_byte(out, ' ');
    markup_text(out, (struct text){time.data + 11, 8});
    buffer_string(out, " UTC");
}

static void put_header(struct buffer *out, const json_t *report)
{
    struct text account = part_text(report, "account_name");
    buffer_string(out, "<header>\n<h1>");
    markup_text(out, part_text(report, "job"));
    buffer_string(out, "</h1>\n<p>");
    put_state(out, report);
    buffer_string(out, "</p>\n<p>Template <b>");
    markup_text(out, part_text(report, "template"));
    buffer_string(out, "</b>, ");
    markup_text(out, part_text(report, "category"));
    buffer_string(out, ", for <b>");
    markup_text(out, account.bytes > 0 ? account : part_text(report, "account"));
    buffer_string(out, "</b> (account ");
    markup_text(out, part_text(report, "account"));
    buffer_string(out, ")</p>\n<p>");
    put_time(out, "Started ", part_text(report, "started"));
    put_time(out, ", finished ", part_text(report, "finished"));
    buffer_string(out, "</p>\n");
    struct text reason = part_text(report, "reason");
    if (reason.bytes > 0) {
        buffer_string(out, "<p class=\"why\">");
        markup_text(out, reason);
        buffer_string(out, "</p>\n");
    }
    buffer_string(out, "</header>\n");
}

/* --- the figures everybody looks for first --- */

static uint64_t total(const json_t *report, const char *key)
{
    const char *name;
    json_t *channel;
    uint64_t sum = 0;
    json_object_foreach((json_t *)(uintptr_t)json_object_get(report, "channels"), name,
                        channel) sum += part_number(channel, key);
    return sum;
}

static void put_key(struct buffer *out, const char *name, const char *value,
                    const char *note)
{
    buffer_format(out, "<div><dt>%s</dt><dd>%s", name, value);
    if (note[0])
        buffer_format(out, "<small>%s</small>", note);
    buffer_string(out, "</dd></div>\n");
}

static void put_outcome_key(struct buffer *out, const char *name, uint64_t count,
                            uint64_t planned)
{
    char value[CHART_NUMBER_BYTES], note[PART_SHARE_BYTES + 16] = "",
                                                            share[PART_SHARE_BYTES];
    chart_number(count, value);
    if (planned > 0 && count > 0) {
        part_share(count, planned, share);
        snprintf(note, sizeof(note), "%s of planned", share);
    }
    put_key(out, name, value, note);
}

static void put_elapsed(struct buffer *out, double elapsed_s)
{
    char value[48];
    long long whole = llround(elapsed_s);
    if (elapsed_s < 60)
        snprintf(value, sizeof(value), elapsed_s < 10 ? "%.2f s" : "%.1f s", elapsed_s);
    else if (whole < 3600)
        snprintf(value, sizeof(value), "%lld:%02lld min", whole / 60, whole % 60);
    else
        snprintf(value, sizeof(value), "%lld h %02lld min", whole / 3600,
                 whole % 3600 / 60);
    put_key(out, "Elapsed", value, "of the last run");
}

static void put_rate_key(struct buffer *out, double rate_per_s)
{
    char value[48];
    if (rate_per_s < 10)
        snprintf(value, sizeof(value), "%.1f", rate_per_s);
    else
        chart_number((uint64_t)llround(rate_per_s), value);
    put_key(out, "Average rate", value, "messages a second");
}

static void put_keys(struct buffer *out, const json_t *report)
{
    static const struct {
        const char *key, *name;
        bool always;
    } outcomes[] = {{"sent", "Sent", true},        {"failed", "Failed", true},
                    {"unknown", "Unknown", true},  {"cancelled", "Cancelled", false},
                    {"expired", "Expired", false}, {"pending", "Pending", false}};
    char value[CHART_NUMBER_BYTES];
    uint64_t planned = total(report, "planned");
    buffer_string(out, "<dl class=\"key\">\n");
    chart_number(part_number(report, "matched"), value);
    put_key(out, "Customers", value, "matched by the audience");
    for (size_t i = 0; i < ARRAY_COUNT(outcomes); i++) {
        uint64_t count = total(report, outcomes[i].key);
        if (count > 0 || outcomes[i].always)
            put_outcome_key(out, outcomes[i].name, count, planned);
    }
    put_elapsed(out, json_number_value(json_object_get(report, "elapsed_s")));
    put_rate_key(out, json_number_value(json_object_get(report, "rate_per_s")));
    buffer_string(out, "</dl>\n");
}

/* --- the books --- */

static const char *const books_keys[] = {
    "sent", "failed", "unknown", "cancelled", "expired", "pending", "fallback_email"};

static uint64_t suppressed_of(const json_t *channel)
{
    const char *name;
    json_t *count;
    uint64_t sum = 0;
    json_object_foreach((json_t *)(uintptr_t)json_object_get(channel, "suppressed"), name,
                        count) sum += (uint64_t)json_integer_value(count);
    return sum;
}

static void put_cell(struct buffer *out, uint64_t count)
{
    char number[CHART_NUMBER_BYTES];
    chart_number(count, number);
    buffer_format(out, "<td class=\"n\">%s</td>", number);
}

/* put_term: " + 12 failed", or nothing for none; the first term always stands. */
static void put_term(struct buffer *out, bool *first, uint64_t count, const char *name)
{
    char number[CHART_NUMBER_BYTES];
    if (count == 0 && !*first)
        return;
    chart_number(count, number);
    buffer_format(out, "%s%s %s", *first ? "" : " + ", number, name);
    *first = false;
}

static void put_equations(struct buffer *out, const json_t *report, const char *name,
                          const json_t *channel)
{
    char number[CHART_NUMBER_BYTES];
    uint64_t planned = part_number(channel, "planned"), known = 0;
    uint64_t suppressed = suppressed_of(channel);
    uint64_t from_sms = part_number(channel, "from_fallback");
    uint64_t matched = part_number(report, "matched");
    buffer_string(out, "<p class=\"equation\"><b>");
    markup_text(out, text_of(name));
    buffer_string(out, "</b>: ");
    if (from_sms == 0 || planned + suppressed == matched) {
        chart_number(matched, number);
        buffer_format(out, "%s matched = ", number);
        bool first = true;
        put_term(out, &first, planned, "planned");
        put_term(out, &first, suppressed, "suppressed");
    } else {
        chart_number(from_sms, number);
        buffer_format(out, "%s planned instead of SMS", number);
    }
    chart_number(planned, number);
    buffer_format(out, ";<br/>%s planned = ", number);
    bool first = true;
    for (size_t i = 0; i < ARRAY_COUNT(books_keys); i++) {
        uint64_t count = part_number(channel, books_keys[i]);
        put_term(out, &first, count,
                 i < OUTCOME_COUNT ? books_keys[i] : "moved to email");
        known += count;
    }
    buffer_format(out, ". %s</p>\n", known == planned ? "✓" : "✗");
}

static void put_books(struct buffer *out, const json_t *report)
{
    const char *name;
    json_t *channel;
    json_t *channels = json_object_get(report, "channels");
    buffer_string(out,
                  "<section><h2>The books</h2>\n<div class=\"scroll\"><table><thead><tr>"
                  "<th>Channel</th><th class=\"n\">Planned</th><th class=\"n\">Sent</th>"
                  "<th class=\"n\">Failed</th><th class=\"n\">Unknown</th>"
                  "<th class=\"n\">Cancelled</th><th class=\"n\">Expired</th>"
                  "<th class=\"n\">Pending</th><th class=\"n\">To email</th>"
                  "<th class=\"n\">Suppressed</th></tr></thead><tbody>\n");
    json_object_foreach(channels, name, channel)
    {
        buffer_string(out, "<tr><th>");
        markup_text(out, text_of(name));
        buffer_string(out, "</th>");
        put_cell(out, part_number(channel, "planned"));
        for (size_t i = 0; i < ARRAY_COUNT(books_keys); i++)
            put_cell(out, part_number(channel, books_keys[i]));
        put_cell(out, suppressed_of(channel));
        buffer_string(out, "</tr>\n");
    }
    buffer_string(out, "</tbody></table></div>\n");
    json_object_foreach(channels, name, channel)
        put_equations(out, report, name, channel);
    buffer_string(out, "</section>\n");
}

void report_html(const json_t *report, struct buffer *out)
{
    buffer_string(out,
                  "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>\n"
                  /* Should anything ever slip through as markup, it still cannot run. */
                  "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src "
                  "'none'; style-src 'unsafe-inline'\"/>\n<meta name=\"viewport\" "
                  "content=\"width=device-width, initial-scale=1\"/>\n<title>");
    markup_text(out, part_text(report, "job"));
    buffer_string(out, "</title>\n<style>\n");
    buffer_string(out, report_style);
    buffer_string(out, "</style></head>\n<body><main>\n");
    put_header(out, report);
    put_keys(out, report);
    part_rate(out, report);
    part_channels(out, report);
    part_reasons(out, report);
    part_suppressed(out, report);
    part_segments(out, report);
    part_providers(out, report);
    part_attempts(out, report);
    part_receipts(out, report);
    put_books(out, report);
    buffer_string(out, "<footer>Counted row by row from the job's journal. results.arrow "
                       "beside this page has every message, report.json these "
                       "figures.</footer>\n</main></body></html>\n");
}
