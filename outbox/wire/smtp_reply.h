/* smtp_reply: what an SMTP server says, read line by line (RFC 5321 4.2, RFC 2034). Pure.
 */
#ifndef OUTBOX_SMTP_REPLY_H
#define OUTBOX_SMTP_REPLY_H

#include "base/text.h"

#define SMTP_REPLY_LINES_MAX 64
#define SMTP_REPLY_LINE_MAX  2048 /* RFC 5321 4.5.3.1.5 asks for 512 */
#define SMTP_REPLY_KEPT_MAX  2048

struct smtp_reply {
    unsigned code;      /* 200 … 599 */
    uint16_t status[3]; /* the enhanced status code, 5.1.1; zeros when there is none */
    struct text
        words; /* lines joined by '\n', without codes; valid until the next call */
};

/* Zero it before a connection's first byte. */
struct smtp_reply_parser {
    char line[SMTP_REPLY_LINE_MAX]; /* a line of which more is to come */
    size_t line_bytes;
    char kept[SMTP_REPLY_KEPT_MAX]; /* the earlier lines of a reply; what is more is
                                       dropped */
    size_t kept_bytes;
    unsigned lines;
    unsigned code;
};

/* smtp_reply_next: read on at *at, and move it behind what was read.
 * Returns 1: out is a whole reply; 0: the bytes are used up; -1: no SMTP server talks
 * like that (no code, a code that changes between lines, too many lines, a line too
 * long). */
int smtp_reply_next(struct smtp_reply_parser *parser, const char **at, const char *end,
                    struct smtp_reply *out);

/* What a server offers in its reply to EHLO. */
struct smtp_offer {
    bool pipelining;
    bool chunking;
    bool eight_bit;
    bool utf8;
    bool starttls;
    unsigned mechanisms; /* of AUTH, as smtp_auth_mechanisms has them */
    bool size;
    uint64_t size_max_bytes; /* 0: no limit known */
};
void smtp_offer_parse(struct text words, struct smtp_offer *out);

#endif
