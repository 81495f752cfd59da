/* smtp_mails: the mails of a session: envelopes, bodies, and whose each reply is.
 *
 * What was sent and not yet answered stands in a ring of expected replies, in order, as
 * RFC 2920 demands that replies come. */
#include "outbox/wire/smtp_private.h"

/* No further message is added to this much output. */
#define OUT_ENOUGH_BYTES (64 * 1024)

/* --- output --- */

/* In line, for an envelope is a dozen short texts, most of a constant length. */
static inline void say(struct smtp_session *s, struct text words)
{
    struct buffer *out = &s->stream.out;
    bool fits = out->capacity_bytes - out->bytes > words.bytes;
    char *room = fits ? out->data + out->bytes : buffer_room(out, words.bytes);
    if (words.bytes > 0)
        memcpy(room, words.data, words.bytes);
    room[words.bytes] = '\0';
    out->bytes += words.bytes;
}

static bool is_fast(const struct smtp_session *s)
{
    return s->offer.pipelining && s->offer.chunking;
}

static bool is_eight_bit(const struct smtp_mail *mail)
{
    return !mail->plain && smtp_text_eight_bit(mail->body);
}

static void say_mail(struct smtp_session *s, const struct smtp_mail *mail)
{
    say(s, TEXT("MAIL FROM:<"));
    say(s, mail->from);
    say(s, TEXT(">"));
    if (s->offer.size) {
        say(s, TEXT(" SIZE="));
        buffer_decimal(&s->stream.out, mail->body.bytes);
    }
    if (s->offer.eight_bit && is_eight_bit(mail))
        say(s, TEXT(" BODY=8BITMIME"));
    if (mail->utf8)
        say(s, TEXT(" SMTPUTF8"));
    say(s, TEXT("\r\n"));
}

static void say_rcpt(struct smtp_session *s, const struct smtp_mail *mail)
{
    say(s, TEXT("RCPT TO:<"));
    say(s, mail->to);
    say(s, TEXT(">\r\n"));
}

static void say_body(struct smtp_session *s, struct smtp_slot *slot)
{
    if (slot->mail.plain) {
        say(s, slot->mail.body);
        say(s, TEXT(".\r\n"));
    } else {
        smtp_text_stuff(&s->stream.out, slot->mail.body);
    }
    slot->body_queued = true;
}

/* With BDAT a message that follows a refused one must not fall into its transaction,
 * which RFC 3030 leaves open: its recipient would get the other's mail too. Hence RSET
 * before each. */
static void say_envelope(struct smtp_session *s, unsigned at)
{
    struct smtp_slot *slot = &s->slots[at % SMTP_WINDOW];
    if (s->reset_wanted || is_fast(s)) {
        say(s, TEXT("RSET\r\n"));
        smtp_expect(s, SMTP_RSET, at);
        s->reset_wanted = false;
    }
    say_mail(s, &slot->mail);
    smtp_expect(s, SMTP_MAIL, at);
    if (!s->offer.pipelining)
        return;
    say_rcpt(s, &slot->mail);
    smtp_expect(s, SMTP_RCPT, at);
    if (!s->offer.chunking) {
        say(s, TEXT("DATA\r\n"));
        smtp_expect(s, SMTP_DATA, at);
        return;
    }
    say(s, TEXT("BDAT "));
    buffer_decimal(&s->stream.out, slot->mail.body.bytes);
    say(s, TEXT(" LAST\r\n"));
    say(s, slot->mail.body);
    slot->body_queued = true;
    smtp_expect(s, SMTP_BODY, at);
}

void smtp_mails_flushed(struct smtp_session *s)
{
    for (unsigned i = s->slot_first; i != s->slot_end; i++) {
        s->slots[i % SMTP_WINDOW].envelope_out = true;
        s->slots[i % SMTP_WINDOW].body_out = s->slots[i % SMTP_WINDOW].body_queued;
    }
}

static void answer(struct smtp_session *s, struct smtp_slot *slot,
                   struct smtp_answer given)
{
    slot->decided = true;
    s->events->answer(s->arg, slot->mail.owner, &given);
}

/* Newest first. Replies come in the order of commands (RFC 2920 3.2), so what stands
 * behind a 421 was not looked at any more. */
void smtp_mails_end(struct smtp_session *s)
{
    bool busy = s->end == SMTP_END_BUSY;
    while (s->slot_end != s->slot_first) {
        struct smtp_slot *slot = &s->slots[--s->slot_end % SMTP_WINDOW];
        if (!slot->decided)
            answer(s, slot,
                   (struct smtp_answer){.fate = slot->body_out && !busy ? SMTP_LOST
                                                                        : SMTP_UNSENT,
                                        .offered = slot->envelope_out && !busy,
                                        .end = s->end,
                                        .words = text_of(s->sentence)});
    }
}

/* --- mails --- */

static bool can_take(const struct smtp_session *s)
{
    unsigned under_way = s->slot_end - s->slot_first;
    if (is_fast(s))
        return under_way < SMTP_WINDOW && s->stream.out.bytes < OUT_ENOUGH_BYTES;
    if (s->offer.pipelining)
        return under_way == 0 ||
               (under_way == 1 && s->slots[s->slot_first % SMTP_WINDOW].body_queued);
    return under_way == 0;
}

/* What keeps a mail from being offered to this server at all. */
static bool is_fit(struct smtp_session *s, const struct smtp_mail *mail,
                   struct smtp_answer *out)
{
    if (!smtp_address_ok(mail->to) ||
        (mail->from.bytes > 0 && !smtp_address_ok(mail->from)))
        *out = (struct smtp_answer){.fate = SMTP_BAD_ADDRESS,
                                    .words = TEXT("the address cannot stand in an SMTP "
                                                  "command (RFC 5321)")};
    else if (mail->utf8 && !s->offer.utf8)
        *out =
            (struct smtp_answer){.fate = SMTP_BAD_ADDRESS,
                                 .words = TEXT("the address is not ASCII and the server "
                                               "does not offer SMTPUTF8 (RFC 6531)")};
    else if (!s->offer.eight_bit && is_eight_bit(mail))
        *out = (struct smtp_answer){.fate = SMTP_NEEDS_8BIT,
                                    .words =
                                        TEXT("the message has 8-bit text and the server "
                                             "does not offer 8BITMIME (RFC 6152)")};
    else if (s->offer.size_max_bytes > 0 && mail->body.bytes > s->offer.size_max_bytes)
        *out =
            (struct smtp_answer){.fate = SMTP_TOO_LARGE,
                                 .words = TEXT("the message is larger than the server's "
                                               "SIZE limit (RFC 1870)")};
    else
        return true;
    return false;
}

void smtp_mails_fill(struct smtp_session *s)
{
    if (s->phase != SMTP_OPEN)
        return;
    while (can_take(s) && !s->quit_wanted) {
        struct smtp_mail mail;
        struct smtp_answer unfit;
        if (!s->events->next(s->arg, &mail))
            break;
        mail.utf8 |= smtp_text_eight_bit(mail.from) || smtp_text_eight_bit(mail.to);
        if (!is_fit(s, &mail, &unfit)) {
            s->events->answer(s->arg, mail.owner, &unfit);
            continue;
        }
        unsigned at = s->slot_end++;
        s->slots[at % SMTP_WINDOW] = (struct smtp_slot){.mail = mail};
        say_envelope(s, at);
        s->quit_wanted = ++s->mails == s->config.mails_max;
    }
    if (s->slot_first != s->slot_end || s->expected_first != s->expected_end)
        return;
    if (s->quit_wanted) {
        say(s, TEXT("QUIT\r\n"));
        smtp_expect(s, SMTP_QUIT, 0);
        s->phase = SMTP_QUITTING;
    } else if (s->stream.out.bytes == 0) {
        smtp_set_deadline(s, s->config.idle_ns);
    }
}

/* --- replies --- */

/* The oldest mail has had its last reply. */
static void drop_slot(struct smtp_session *s)
{
    CHECK(s->slots[s->slot_first % SMTP_WINDOW].decided);
    s->slot_first++;
}

static void decide(struct smtp_session *s, struct smtp_slot *slot, enum smtp_stage stage,
                   const struct smtp_reply *reply)
{
    if (slot->decided)
        return;
    bool taken = stage == SMTP_BODY && reply->code / 100 == 2;
    answer(s, slot,
           (struct smtp_answer){.fate = taken ? SMTP_TAKEN : SMTP_REFUSED,
                                .stage = stage,
                                .reply = reply,
                                .words = reply->words});
}

static void on_data_reply(struct smtp_session *s, struct smtp_slot *slot, unsigned at,
                          const struct smtp_reply *reply)
{
    if (reply->code != 354) {
        if (reply->code / 100 == 2) {
            smtp_end(s, SMTP_END_BAD_REPLY, "it answered DATA as if it were done");
            return;
        }
        decide(s, slot, SMTP_DATA, reply);
        s->reset_wanted = slot->mail_ok;
        drop_slot(s);
        return;
    }
    if (!slot->decided) {
        say_body(s, slot);
    } else if (slot->rcpt_ok) {
        /* it refused the sender, took the recipient and wants a body: give it none */
        smtp_end(s, SMTP_END_BAD_REPLY, "it refused MAIL and accepted DATA");
        return;
    } else {
        say(s, TEXT(".\r\n")); /* RFC 2920 3.1 */
        slot->body_queued = true;
    }
    smtp_expect(s, SMTP_BODY, at);
}

/* Without PIPELINING each reply asks for the next command, or ends the mail. */
static void step(struct smtp_session *s, struct smtp_slot *slot, unsigned at,
                 enum smtp_stage stage)
{
    if (s->offer.pipelining)
        return;
    if (slot->decided) {
        s->reset_wanted = stage == SMTP_RCPT;
        drop_slot(s);
    } else if (stage == SMTP_MAIL) {
        say_rcpt(s, &slot->mail);
        smtp_expect(s, SMTP_RCPT, at);
    } else {
        say(s, TEXT("DATA\r\n"));
        smtp_expect(s, SMTP_DATA, at);
    }
}

void smtp_mails_reply(struct smtp_session *s, struct smtp_expected expected,
                      const struct smtp_reply *reply)
{
    struct smtp_slot *slot = &s->slots[expected.slot];
    bool ok = reply->code / 100 == 2;
    if (reply->code / 100 == 3 && expected.stage != SMTP_DATA) {
        smtp_end(s, SMTP_END_BAD_REPLY, "it asked for more where nothing more belongs");
        return;
    }
    switch ((enum smtp_stage)expected.stage) {
    case SMTP_MAIL:
    case SMTP_RCPT:
        *(expected.stage == SMTP_MAIL ? &slot->mail_ok : &slot->rcpt_ok) = ok;
        if (!ok)
            decide(s, slot, (enum smtp_stage)expected.stage, reply);
        step(s, slot, expected.slot, (enum smtp_stage)expected.stage);
        break;
    case SMTP_DATA:
        on_data_reply(s, slot, expected.slot, reply);
        break;
    default:
        decide(s, slot, SMTP_BODY, reply);
        drop_slot(s);
    }
}
