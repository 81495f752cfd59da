/* relay_reply: see relay_reply.h. */
#include "outbox/providers/relay_reply.h"

static bool address_is_dead(const uint16_t status[3])
{
    /* RFC 3463 5.1.1 bad mailbox, 5.1.2 bad domain, 5.1.3 syntax, 5.1.6 moved; RFC
     * 7505 5.1.10 */
    return status[0] == 5 && status[1] == 1 &&
           (status[2] == 1 || status[2] == 2 || status[2] == 3 || status[2] == 6 ||
            status[2] == 10);
}

static bool code_names_address(unsigned code, const uint16_t status[3])
{
    bool addressing = status[0] == 0 || status[1] == 1;
    return addressing && (code == 550 || code == 551 || code == 553);
}

static struct delivery_result judge_refusal(enum smtp_stage stage,
                                            const struct smtp_reply *reply)
{
    struct delivery_result result = {.verdict = DELIVERY_FAILED,
                                     .reason = DELIVERY_REJECTED};
    unsigned code = reply->code;
    if (code / 100 == 4) {
        /* 421 closes the channel, 452 is a full disk or too many recipients, and what is
         * refused at MAIL has nothing to do with this message */
        bool too_fast = code == 421 || code == 452 || stage == SMTP_MAIL;
        result.verdict = DELIVERY_DEFERRED;
        result.reason = too_fast ? DELIVERY_THROTTLED : DELIVERY_TEMPORARY;
    } else if (code == 530 || code == 534 || code == 535 || code == 538) {
        result.reason = DELIVERY_CREDENTIALS; /* RFC 4954 6 */
    } else if (code == 552 && (reply->status[0] == 0 || reply->status[1] == 3)) {
        result.reason =
            DELIVERY_TOO_LARGE; /* RFC 1870 6.1; 552 5.2.2 is a full mailbox */
    } else if (stage == SMTP_RCPT && code_names_address(code, reply->status)) {
        result.reason = DELIVERY_INVALID_ADDRESS;
        result.address_dead = address_is_dead(reply->status);
    }
    return result;
}

static struct delivery_result judge(const struct smtp_answer *answer)
{
    switch (answer->fate) {
    case SMTP_TAKEN:
        return (struct delivery_result){.verdict = DELIVERY_SENT};
    case SMTP_REFUSED:
        return judge_refusal(answer->stage, answer->reply);
    case SMTP_BAD_ADDRESS:
        return (struct delivery_result){.verdict = DELIVERY_FAILED,
                                        .reason = DELIVERY_INVALID_ADDRESS};
    case SMTP_NEEDS_8BIT:
        return (struct delivery_result){.verdict = DELIVERY_FAILED,
                                        .reason = DELIVERY_REJECTED};
    case SMTP_TOO_LARGE:
        return (struct delivery_result){.verdict = DELIVERY_FAILED,
                                        .reason = DELIVERY_TOO_LARGE};
    case SMTP_UNSENT:
        return (struct delivery_result){.verdict = DELIVERY_DEFERRED,
                                        .reason = DELIVERY_UNREACHABLE};
    case SMTP_LOST:
        break;
    }
    enum delivery_reason reason = answer->end == SMTP_END_TIMEOUT ? DELIVERY_TIMEOUT
                                  : answer->end == SMTP_END_BAD_REPLY
                                      ? DELIVERY_BAD_REPLY
                                      : DELIVERY_CONNECTION_LOST;
    return (struct delivery_result){.verdict = DELIVERY_UNKNOWN, .reason = reason};
}

/* "2.0.0 Ok: queued as 4Rk2x" names the message in the server's log: Postfix, and others
 * after it. */
static struct text queue_id(struct text words)
{
    static const char mark[] = "queued as ";
    const char *at = memmem(words.data, words.bytes, mark, sizeof(mark) - 1);
    if (!at)
        return TEXT_NONE;
    at += sizeof(mark) - 1;
    const char *end = at;
    while (end<words.data + words.bytes && * end> ' ' && *end < 0x7F)
        end++;
    return (struct text){at, (size_t)(end - at)};
}

struct delivery_result relay_reply(const struct smtp_answer *answer)
{
    struct delivery_result result = judge(answer);
    result.detail = answer->words;
    if (answer->fate == SMTP_TAKEN)
        result.provider_id = queue_id(answer->words);
    return result;
}
