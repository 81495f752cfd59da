/* smtp_server: see smtp_server.h. */
#include "outbox/sandbox/smtp_server.h"

#include "outbox/sandbox/smtp_command.h"

/* A message buffer above this goes back to the heap after its message. */
#define RAW_BYTES_KEPT (1u << 20)

#define REPLY(out, literal) buffer_add((out), (literal), sizeof(literal) - 1)

/* --- DATA --- */

static void store(struct buffer *out, const char *from, const char *to)
{
    if (out && to > from)
        buffer_add(out, from, (size_t)(to - from));
}

size_t smtp_data_feed(enum smtp_data_state *state, const char *data, size_t bytes,
                      struct buffer *out, bool *end_out)
{
    const char *at = data, *end = data + bytes;
    const char *run = at; /* not yet stored */
    *end_out = false;
    while (at < end) {
        switch (*state) {
        case SMTP_DATA_LINE_START:
            if (*at != '.') {
                *state = SMTP_DATA_TEXT;
                break;
            }
            store(out, run, at);
            run = ++at;
            *state = SMTP_DATA_DOT;
            break;
        case SMTP_DATA_DOT:
            *state = SMTP_DATA_TEXT;
            if (*at == '\r') {
                run = ++at;
                *state = SMTP_DATA_DOT_CR;
            }
            break;
        case SMTP_DATA_DOT_CR:
            *state = SMTP_DATA_TEXT;
            if (*at == '\n') {
                *end_out = true;
                return (size_t)(at + 1 - data);
            }
            store(out, "\r", "\r" + 1);
            break;
        case SMTP_DATA_TEXT_CR:
            *state = SMTP_DATA_TEXT;
            if (*at == '\n') {
                at++;
                *state = SMTP_DATA_LINE_START;
            }
            break;
        case SMTP_DATA_TEXT: {
            const char *newline = memchr(at, '\n', (size_t)(end - at));
            if (newline && newline > at && newline[-1] == '\r')
                *state = SMTP_DATA_LINE_START;
            else if (!newline && end[-1] == '\r')
                *state = SMTP_DATA_TEXT_CR;
            at = newline ? newline + 1 : end;
            break;
        }
        }
    }
    store(out, run, end);
    return bytes;
}

/* --- transactions --- */

static void reset(struct smtp_server *server)
{
    server->has_sender = false;
    server->has_chunks = false;
    server->utf8 = false;
    server->recipient_count = 0;
    server->message_bytes = 0;
    buffer_clear(&server->envelope);
    if (server->raw.capacity_bytes > RAW_BYTES_KEPT)
        buffer_fini(&server->raw);
    buffer_clear(&server->raw);
}

static void add_address(struct smtp_server *server, struct text path)
{
    if (server->discard)
        return;
    buffer_text(&server->envelope, path);
    buffer_byte(&server->envelope, '\0');
}

/* finish: the message is whole. Returns false to close. */
static bool finish(struct smtp_server *server, struct buffer *out)
{
    if (server->message_bytes > SMTP_MESSAGE_BYTES_MAX) {
        REPLY(out, "552 The message is larger than SIZE allows\r\n");
        reset(server);
        return true;
    }
    struct text envelope = buffer_view(&server->envelope);
    struct smtp_message message = {
        .from = {envelope.data, server->discard ? 0 : server->sender_bytes},
        .recipients = envelope.data + (server->discard ? 0 : server->sender_bytes + 1),
        .recipient_count = server->recipient_count,
        .raw = buffer_view(&server->raw),
    };
    enum fault fault = server->take(server->arg, &message);
    reset(server);
    switch (fault) {
    case FAULT_NONE:
        REPLY(out, "250 OK\r\n");
        return true;
    case FAULT_ERROR:
        REPLY(out, "451 The sandbox was told to fail now and then\r\n");
        return true;
    case FAULT_THROTTLE:
        REPLY(out, "421 Too fast, closing the channel\r\n");
        return false;
    case FAULT_DROP:
        break;
    }
    return false;
}

static void mail(struct smtp_server *server, const struct smtp_command *command,
                 struct buffer *out)
{
    if (!server->greeted) {
        REPLY(out, "503 Say EHLO first\r\n");
    } else if (server->has_sender) {
        REPLY(out, "503 A transaction is open already\r\n");
    } else {
        server->has_sender = true;
        server->utf8 = command->utf8;
        server->sender_bytes = command->path.bytes;
        add_address(server, command->path);
        REPLY(out, "250 OK\r\n");
    }
}

static void rcpt(struct smtp_server *server, const struct smtp_command *command,
                 struct buffer *out)
{
    if (!server->has_sender || server->has_chunks) {
        REPLY(out, "503 MAIL comes before RCPT\r\n");
    } else if (server->recipient_count == SMTP_RECIPIENTS_MAX) {
        REPLY(out, "452 Too many recipients, send the rest in another transaction\r\n");
    } else if (!server->utf8 && !command->path_is_ascii) {
        REPLY(out, "553 An address that is not ASCII needs SMTPUTF8\r\n");
    } else {
        server->recipient_count++;
        add_address(server, command->path);
        REPLY(out, "250 OK\r\n");
    }
}

static void data(struct smtp_server *server, struct buffer *out)
{
    if (!server->has_sender || server->has_chunks) {
        REPLY(out, "503 DATA comes after MAIL and RCPT, and not after BDAT\r\n");
    } else if (server->recipient_count == 0) {
        REPLY(out, "554 No valid recipients\r\n");
    } else {
        server->reads = SMTP_READS_DATA;
        server->data_state = SMTP_DATA_LINE_START;
        REPLY(out, "354 End with a line that is a single dot\r\n");
    }
}

/* The bytes follow whatever we answer (RFC 3030, 2), so a refusal skips them first. */
static bool end_chunk(struct smtp_server *server, struct buffer *out)
{
    server->reads = SMTP_READS_COMMAND;
    if (server->chunk_refused) {
        REPLY(out, "503 BDAT comes after MAIL and RCPT\r\n");
        reset(server);
        return true;
    }
    if (server->chunk_last)
        return finish(server, out);
    if (server->message_bytes > SMTP_MESSAGE_BYTES_MAX) {
        REPLY(out, "552 The message is larger than SIZE allows\r\n");
        reset(server);
    } else {
        buffer_format(out, "250 %llu octets received\r\n",
                      (unsigned long long)server->chunk_bytes);
    }
    return true;
}

static bool bdat(struct smtp_server *server, const struct smtp_command *command,
                 struct buffer *out)
{
    server->reads = SMTP_READS_CHUNK;
    server->chunk_left_bytes = server->chunk_bytes = command->size_bytes;
    server->chunk_last = command->last;
    server->chunk_refused = !server->has_sender || server->recipient_count == 0;
    server->has_chunks = !server->chunk_refused;
    return server->chunk_left_bytes > 0 || end_chunk(server, out);
}

/* --- commands --- */

static bool execute(struct smtp_server *server, struct text line, struct buffer *out)
{
    struct smtp_command command;
    smtp_command_parse(line, &command);
    if (command.refusal) {
        buffer_string(out, command.refusal);
        /* after a BDAT without a size nobody knows where the next command starts */
        return command.verb != SMTP_BDAT;
    }
    switch (command.verb) {
    case SMTP_MAIL:
        mail(server, &command, out);
        break;
    case SMTP_RCPT:
        rcpt(server, &command, out);
        break;
    case SMTP_DATA:
        data(server, out);
        break;
    case SMTP_BDAT:
        return bdat(server, &command, out);
    case SMTP_EHLO:
        server->greeted = true;
        reset(server);
        buffer_format(out,
                      "250-sandbox\r\n250-PIPELINING\r\n250-SIZE %u\r\n250-8BITMIME\r\n"
                      "%s",
                      SMTP_MESSAGE_BYTES_MAX,
                      server->no_chunking ? "250 SMTPUTF8\r\n"
                                          : "250-SMTPUTF8\r\n250 CHUNKING\r\n");
        break;
    case SMTP_HELO:
        server->greeted = true;
        reset(server);
        REPLY(out, "250 sandbox\r\n");
        break;
    case SMTP_RSET:
        reset(server);
        REPLY(out, "250 OK\r\n");
        break;
    case SMTP_NOOP:
        REPLY(out, "250 OK\r\n");
        break;
    case SMTP_VRFY:
        REPLY(out, "252 Cannot verify, but will take the message\r\n");
        break;
    case SMTP_HELP:
        REPLY(out, "214 EHLO HELO MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT\r\n");
        break;
    case SMTP_QUIT:
        REPLY(out, "221 Bye\r\n");
        return false;
    case SMTP_UNKNOWN:
        REPLY(out, "500 Unknown command\r\n");
        break;
    }
    return true;
}

/* end_line: a line is whole; it ends with its LF. Only CRLF ends a line (RFC
 * 5321, 2.3.8), else two servers could see different messages in the same bytes. */
static bool end_line(struct smtp_server *server, struct text line, struct buffer *out)
{
    bool too_long = server->line_too_long || line.bytes > SMTP_LINE_BYTES_MAX;
    server->line_too_long = false;
    server->line_bytes = 0;
    if (too_long) {
        REPLY(out, "500 The line is too long\r\n");
        return true;
    }
    if (line.bytes < 2 || line.data[line.bytes - 2] != '\r') {
        REPLY(out, "500 A line ends with CR LF\r\n");
        return true;
    }
    return execute(server, (struct text){line.data, line.bytes - 2}, out);
}

/* Each reader uses up some of its input, at least one byte, and returns false to close.
 */
static bool read_command(struct smtp_server *server, struct text *input,
                         struct buffer *out)
{
    const char *newline = memchr(input->data, '\n', input->bytes);
    size_t bytes = newline ? (size_t)(newline + 1 - input->data) : input->bytes;
    struct text piece = {input->data, bytes};
    input->data += bytes;
    input->bytes -= bytes;
    if (newline && server->line_bytes == 0)
        return end_line(server, piece, out);
    if (bytes > SMTP_LINE_BYTES_MAX - server->line_bytes) {
        server->line_too_long = true;
    } else {
        memcpy(server->line + server->line_bytes, piece.data, bytes);
        server->line_bytes += bytes;
    }
    if (!newline)
        return true;
    return end_line(server, (struct text){server->line, server->line_bytes}, out);
}

/* raw_of: where the message gathers; NULL when nobody will read it. */
static struct buffer *raw_of(struct smtp_server *server)
{
    bool wanted = !server->discard && server->message_bytes <= SMTP_MESSAGE_BYTES_MAX;
    return wanted ? &server->raw : NULL;
}

static bool read_data(struct smtp_server *server, struct text *input, struct buffer *out)
{
    bool is_end;
    size_t bytes = smtp_data_feed(&server->data_state, input->data, input->bytes,
                                  raw_of(server), &is_end);
    server->message_bytes += bytes;
    input->data += bytes;
    input->bytes -= bytes;
    if (!is_end)
        return true;
    server->reads = SMTP_READS_COMMAND;
    return finish(server, out);
}

static bool read_chunk(struct smtp_server *server, struct text *input, struct buffer *out)
{
    size_t bytes = input->bytes < server->chunk_left_bytes
                       ? input->bytes
                       : (size_t)server->chunk_left_bytes;
    if (!server->chunk_refused) {
        store(raw_of(server), input->data, input->data + bytes);
        server->message_bytes += bytes;
    }
    input->data += bytes;
    input->bytes -= bytes;
    server->chunk_left_bytes -= bytes;
    return server->chunk_left_bytes > 0 || end_chunk(server, out);
}

bool smtp_server_feed(struct smtp_server *server, const char *bytes_in, size_t bytes,
                      struct buffer *out)
{
    struct text input = {bytes_in, bytes};
    bool stays = true;
    while (stays && input.bytes > 0) {
        switch (server->reads) {
        case SMTP_READS_COMMAND:
            stays = read_command(server, &input, out);
            break;
        case SMTP_READS_DATA:
            stays = read_data(server, &input, out);
            break;
        case SMTP_READS_CHUNK:
            stays = read_chunk(server, &input, out);
            break;
        }
    }
    return stays;
}

/* --- life --- */

void smtp_server_init(struct smtp_server *server, bool discard, bool no_chunking,
                      smtp_take_fn *take, void *arg)
{
    memset(server, 0, sizeof(*server));
    server->discard = discard;
    server->no_chunking = no_chunking;
    server->take = take;
    server->arg = arg;
}

void smtp_server_fini(struct smtp_server *server)
{
    buffer_fini(&server->envelope);
    buffer_fini(&server->raw);
}

void smtp_server_greet(struct buffer *out)
{
    REPLY(out, "220 sandbox ESMTP\r\n");
}
