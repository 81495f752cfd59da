/* smtp_command: one command line of an SMTP client (RFC 5321, 4.1). Pure. */
#ifndef OUTBOX_SANDBOX_SMTP_COMMAND_H
#define OUTBOX_SANDBOX_SMTP_COMMAND_H

#include "base/text.h"

#define SMTP_MESSAGE_BYTES_MAX (32u << 20)

enum smtp_verb {
    SMTP_UNKNOWN,
    SMTP_EHLO,
    SMTP_HELO,
    SMTP_MAIL,
    SMTP_RCPT,
    SMTP_DATA,
    SMTP_BDAT,
    SMTP_RSET,
    SMTP_NOOP,
    SMTP_VRFY,
    SMTP_HELP,
    SMTP_QUIT,
};

struct smtp_command {
    enum smtp_verb verb;
    struct text
        path; /* MAIL, RCPT: without brackets and source route; MAIL: may be empty */
    bool path_is_ascii;
    uint64_t size_bytes; /* MAIL: SIZE=, else 0; BDAT: of the chunk */
    bool last;           /* BDAT */
    bool utf8;           /* MAIL: SMTPUTF8 */
    const char *refusal; /* what to answer when the line is wrong; NULL: it is in order */
};

/* smtp_command_parse: line is without its CRLF; the result borrows from it. */
void smtp_command_parse(struct text line, struct smtp_command *out);

#endif
