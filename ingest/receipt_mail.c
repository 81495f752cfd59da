/* receipt_mail: delivery status notifications (RFC 3464 in a report of RFC 3462) and complaints (RFC
 * 5965) as mail; see receipt.h.
 *
 * A report's parts are fields, line by line, so lines are all that is looked at: which part a line is
 * in is what the last Content-Type said. That holds for parts in base64 too: they tell nothing. */
#include "base/clock.h"
#include "ingest/receipt.h"

#include <stdio.h>

enum part { PART_HEAD, PART_OTHER, PART_STATUS, PART_FEEDBACK, PART_ORIGINAL };

struct report {
    enum part part;
    struct text to, date; /* of the notification itself */
    struct text recipient, action, status, diagnostic, feedback, message_id;
};

/* line_of: the next field, put together where it is folded (RFC 5322, 2.2.3). */
static bool next_line(struct text mail, size_t *at, struct text *out)
{
    if (*at >= mail.bytes)
        return false;
    size_t start = *at, end = start;
    do {
        const char *stop = memchr(mail.data + end, '\n', mail.bytes - end);
        end = stop ? (size_t)(stop - mail.data) + 1 : mail.bytes;
        if (end - start <= 2) /* an empty line is not continued */
            break;
    } while (end < mail.bytes && (mail.data[end] == ' ' || mail.data[end] == '\t'));
    *out = (struct text){mail.data + start, end - start};
    *at = end;
    return true;
}

/* field: its value when the line is the field called name. */
static bool field(struct text line, const char *name, struct text *out)
{
    size_t bytes = strlen(name);
    if (line.bytes <= bytes || line.data[bytes] != ':' ||
        !text_equal_nocase((struct text){line.data, bytes}, text_of(name)))
        return false;
    *out = text_trim((struct text){line.data + bytes + 1, line.bytes - bytes - 1});
    return true;
}

static void first(struct text line, const char *name, struct text *out)
{
    if (!out->data)
        (void)field(line, name, out);
}

static bool begins(struct text t, const char *word)
{
    size_t bytes = strlen(word);
    return t.bytes >= bytes &&
           text_equal_nocase((struct text){t.data, bytes}, text_of(word));
}

static void turn(struct report *report, struct text type)
{
    if (report->part == PART_HEAD || report->part == PART_ORIGINAL)
        return; /* the notification's own; what the original quotes is not the report's */
    report->part = begins(type, "message/delivery-status") ||
                           begins(type, "message/global-delivery-status")
                       ? PART_STATUS
                   : begins(type, "message/feedback-report") ? PART_FEEDBACK
                   : begins(type, "message/rfc822") ||
                           begins(type, "text/rfc822-headers") ||
                           begins(type, "message/global")
                       ? PART_ORIGINAL
                       : PART_OTHER;
}

static void read_line(struct report *report, struct text line)
{
    struct text type;
    if (text_trim(line).bytes == 0 && report->part == PART_HEAD)
        report->part = PART_OTHER;
    else if (field(line, "Content-Type", &type))
        turn(report, type);
    switch (report->part) {
    case PART_HEAD:
        first(line, "Delivered-To", &report->to);
        first(line, "X-Original-To", &report->to);
        first(line, "To", &report->to);
        first(line, "Date", &report->date);
        break;
    case PART_STATUS:
        first(line, "Final-Recipient", &report->recipient);
        first(line, "Action", &report->action);
        first(line, "Status", &report->status);
        first(line, "Diagnostic-Code", &report->diagnostic);
        break;
    case PART_FEEDBACK:
        first(line, "Feedback-Type", &report->feedback);
        first(line, "Original-Rcpt-To", &report->recipient);
        break;
    case PART_ORIGINAL:
        first(line, "Message-ID", &report->message_id);
        break;
    case PART_OTHER:
        break;
    }
}

/* day_of: "Sun, 22 Nov 2026 21:12:00 +0100" (RFC 5322, 3.3) in seconds, or 0. */
static int64_t time_of(struct text date)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char text[64], month[4], sign;
    int day, year, hour, minute, second, zone;
    snprintf(text, sizeof(text), "%.*s", (int)(date.bytes < 63 ? date.bytes : 63),
             date.data ? date.data : "");
    const char *comma = strchr(text, ',');
    if (sscanf(comma ? comma + 1 : text, " %2d %3s %4d %2d:%2d:%2d %c%4d", &day, month,
               &year, &hour, &minute, &second, &sign, &zone) != 8)
        return 0;
    const char *at = strstr(months, month);
    bool fits = at && strlen(month) == 3 && (at - months) % 3 == 0 && day >= 1 &&
                day <= 31 && year >= 1970 && hour >= 0 && hour < 24 && minute >= 0 &&
                minute < 60 && second >= 0 && second <= 60 && zone >= 0 &&
                (sign == '+' || sign == '-');
    if (!fits)
        return 0;
    int64_t days = days_from_civil(year, (unsigned)(at - months) / 3 + 1, (unsigned)day);
    int64_t offset = (zone / 100 * 60 + zone % 100) * 60;
    return days * 86400 + hour * 3600 + minute * 60 + second +
           (sign == '+' ? -offset : offset);
}

/* Permanent, and because of the mailbox (RFC 3463, 3.2 and 3.3); the others are about the mail, the
 * sender or a full mailbox. */
static bool is_dead(struct text status)
{
    static const char *const dead[] = {"5.1.0", "5.1.1",  "5.1.2", "5.1.3",
                                       "5.1.6", "5.1.10", "5.2.1"};
    for (size_t i = 0; i < ARRAY_COUNT(dead); i++) {
        if (text_is(status, dead[i]))
            return true;
    }
    return false;
}

static enum receipt_status meaning(const struct report *report, struct text status)
{
    if (report->feedback.data)
        return begins(report->feedback, "not-spam") ? RECEIPT_NONE : RECEIPT_COMPLAINED;
    if (begins(report->action, "failed"))
        return is_dead(status) ? RECEIPT_BOUNCED : RECEIPT_UNDELIVERED;
    if (begins(report->action, "delivered") || begins(report->action, "relayed") ||
        begins(report->action, "expanded"))
        return RECEIPT_DELIVERED;
    return RECEIPT_NONE; /* delayed: it is still being tried */
}

/* address_of: of "rfc822; <ann@example.org>". */
static struct text address_of(struct text value)
{
    const char *type = value.bytes ? memchr(value.data, ';', value.bytes) : NULL;
    if (type)
        value = (struct text){type + 1, value.bytes - (size_t)(type + 1 - value.data)};
    value = text_trim(value);
    if (value.bytes >= 2 && value.data[0] == '<' && value.data[value.bytes - 1] == '>')
        value = (struct text){value.data + 1, value.bytes - 2};
    return value.bytes > 0 ? value : TEXT_NONE;
}

/* return_path: ann@example.org from a return path of ours, which is found anywhere in the field. */
static struct text return_path(struct text to, struct arena *arena)
{
    static const char mark[] = "bounce+";
    const char *at = to.bytes ? memmem(to.data, to.bytes, mark, sizeof(mark) - 1) : NULL;
    if (!at)
        return TEXT_NONE;
    at += sizeof(mark) - 1;
    size_t left = (size_t)(to.data + to.bytes - at);
    const char *end = memchr(at, '@', left);
    const char *equals = end ? memrchr(at, '=', (size_t)(end - at)) : NULL;
    if (!equals || equals == at || equals + 1 == end)
        return TEXT_NONE;
    return arena_join(arena, (struct text){at, (size_t)(equals - at)}, TEXT("@"),
                      (struct text){equals + 1, (size_t)(end - equals - 1)});
}

/* unfolded: on one line. */
static struct text unfolded(struct text value, struct arena *arena)
{
    char *out = arena_alloc(arena, value.bytes + 1);
    size_t bytes = 0;
    for (size_t i = 0; out && i < value.bytes; i++) {
        bool space = (unsigned char)value.data[i] <= ' ';
        if (!space)
            out[bytes++] = value.data[i];
        else if (bytes > 0 && out[bytes - 1] != ' ')
            out[bytes++] = ' ';
    }
    return (struct text){out, bytes};
}

int receipt_parse_mail(struct text mail, struct arena *arena, struct receipt *out)
{
    struct report report = {.part = PART_HEAD};
    struct text line;
    size_t at = 0;
    while (next_line(mail, &at, &line))
        read_line(&report, line);
    /* "5.1.1 (user unknown)" */
    struct text status = receipt_code(report.status, arena);
    struct text address = address_of(report.recipient);
    struct text path = return_path(report.to, arena);
    *out = (struct receipt){.message_id = receipt_message_id(report.message_id),
                            .address = path.data ? path : arena_text(arena, address),
                            .code = status,
                            .detail = unfolded(report.diagnostic, arena),
                            .status = meaning(&report, status),
                            .at_s = time_of(report.date)};
    if (out->message_id.data)
        out->message_id = arena_text(arena, out->message_id);
    if (!address.data && !path.data)
        out->address = TEXT_NONE;
    return out->status != RECEIPT_NONE && (out->message_id.data || path.data) &&
           !arena_overflowed(arena);
}
