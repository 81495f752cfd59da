/* smtp_server: the receiving side of one SMTP session (RFC 5321; PIPELINING RFC 2920,
 * CHUNKING RFC 3030, 8BITMIME RFC 6152, SMTPUTF8 RFC 6531, SIZE RFC 1870). Bytes in,
 * replies out; no socket. */
#ifndef OUTBOX_SANDBOX_SMTP_SERVER_H
#define OUTBOX_SANDBOX_SMTP_SERVER_H

#include "base/buffer.h"
#include "outbox/sandbox/faults.h"

#define SMTP_LINE_BYTES_MAX 2048
#define SMTP_RECIPIENTS_MAX 1000

struct smtp_message {
    struct text from;
    const char
        *recipients; /* recipient_count strings, each with its NUL; empty with discard */
    size_t recipient_count;
    struct text raw; /* with CRLF, dots unstuffed; empty with discard */
};

/* Takes a message, or says what else to do with it. */
typedef enum fault smtp_take_fn(void *arg, const struct smtp_message *message);

enum smtp_data_state {
    SMTP_DATA_LINE_START,
    SMTP_DATA_DOT,    /* behind a dot that starts a line */
    SMTP_DATA_DOT_CR, /* and behind a CR after it */
    SMTP_DATA_TEXT,
    SMTP_DATA_TEXT_CR,
};

/* smtp_data_feed: the bytes of DATA up to the final dot, unstuffed, to out (NULL:
 * nowhere). Returns how many bytes were used; *end_out once the final dot was among them.
 */
size_t smtp_data_feed(enum smtp_data_state *state, const char *data, size_t bytes,
                      struct buffer *out, bool *end_out);

struct smtp_server {
    smtp_take_fn *take;
    void *arg;
    bool discard;
    bool no_chunking; /* is not offered */
    enum { SMTP_READS_COMMAND, SMTP_READS_DATA, SMTP_READS_CHUNK } reads;
    enum smtp_data_state data_state;
    bool greeted;    /* by EHLO or HELO */
    bool has_sender; /* a transaction is open */
    bool utf8;       /* it has SMTPUTF8 */
    bool has_chunks; /* BDAT came; DATA must not */
    bool chunk_last;
    bool chunk_refused; /* its bytes are only skipped */
    bool line_too_long;
    uint64_t chunk_left_bytes;
    uint64_t chunk_bytes;
    uint64_t message_bytes; /* of the transaction so far, before unstuffing */
    size_t recipient_count;
    size_t sender_bytes;
    struct buffer envelope; /* sender, recipients, a NUL after each */
    struct buffer raw;
    size_t line_bytes; /* of a command that has come in part */
    char line[SMTP_LINE_BYTES_MAX];
};

void smtp_server_init(struct smtp_server *server, bool discard, bool no_chunking,
                      smtp_take_fn *take, void *arg);
void smtp_server_fini(struct smtp_server *server);

/* smtp_server_greet: what the server says first. */
void smtp_server_greet(struct buffer *out);

/* smtp_server_feed: more bytes of the client. Returns false when the connection is to be
 * closed once out has been sent. */
bool smtp_server_feed(struct smtp_server *server, const char *data, size_t bytes,
                      struct buffer *out);

#endif
