/* smtp_command: see smtp_command.h. */
#include "outbox/sandbox/smtp_command.h"

#include "base/units.h"

#define LOCAL_PART_BYTES_MAX 64 /* RFC 5321, 4.5.3.1 */
#define DOMAIN_BYTES_MAX     255

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - ('a' - 'A')) : c;
}

static enum smtp_verb verb_of(struct text word)
{
    static const struct {
        char name[5];
        enum smtp_verb verb;
    } verbs[] = {
        {"MAIL", SMTP_MAIL}, {"RCPT", SMTP_RCPT}, {"DATA", SMTP_DATA},
        {"BDAT", SMTP_BDAT}, {"RSET", SMTP_RSET}, {"NOOP", SMTP_NOOP},
        {"QUIT", SMTP_QUIT}, {"EHLO", SMTP_EHLO}, {"HELO", SMTP_HELO},
        {"VRFY", SMTP_VRFY}, {"HELP", SMTP_HELP},
    };
    if (word.bytes != 4)
        return SMTP_UNKNOWN;
    char name[4];
    for (int i = 0; i < 4; i++)
        name[i] = upper(word.data[i]);
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (memcmp(name, verbs[i].name, 4) == 0)
            return verbs[i].verb;
    }
    return SMTP_UNKNOWN;
}

static struct text next_word(struct text *rest)
{
    while (rest->bytes > 0 && rest->data[0] == ' ') {
        rest->data++;
        rest->bytes--;
    }
    const char *blank = memchr(rest->data, ' ', rest->bytes);
    struct text word = {rest->data, blank ? (size_t)(blank - rest->data) : rest->bytes};
    rest->data += word.bytes;
    rest->bytes -= word.bytes;
    return word;
}

/* take_prefix: true and behind it when t starts with the keyword, in any case. */
static bool take_prefix(struct text *t, struct text keyword)
{
    if (t->bytes < keyword.bytes ||
        !text_equal_nocase((struct text){t->data, keyword.bytes}, keyword))
        return false;
    t->data += keyword.bytes;
    t->bytes -= keyword.bytes;
    return true;
}

/* path_bytes: up to the closing bracket, which a quoted local part may contain, or -1. */
static int64_t path_bytes(struct text t)
{
    bool quoted = false;
    for (size_t i = 0; i < t.bytes; i++) {
        unsigned char c = (unsigned char)t.data[i];
        if (c < 0x20 || c == 0x7F)
            return -1;
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && c == '>')
            return (int64_t)i;
        else if (!quoted && (c == '<' || c == ' '))
            return -1;
    }
    return -1;
}

static bool is_address(struct text path)
{
    const char *at = memrchr(path.data, '@', path.bytes);
    if (!at)
        return text_equal_nocase(path, TEXT("postmaster"));
    size_t local_bytes = (size_t)(at - path.data);
    size_t domain_bytes = path.bytes - local_bytes - 1;
    return local_bytes > 0 && local_bytes <= LOCAL_PART_BYTES_MAX && domain_bytes > 0 &&
           domain_bytes <= DOMAIN_BYTES_MAX;
}

static bool is_ascii(struct text t)
{
    for (size_t i = 0; i < t.bytes; i++) {
        if ((unsigned char)t.data[i] >= 0x80)
            return false;
    }
    return true;
}

/* take_path: `FROM:<a@b>` or `TO:<a@b>`; blanks after the colon are wrong but common. */
static const char *take_path(struct text *rest, struct text keyword,
                             struct smtp_command *out)
{
    *rest = text_trim(*rest);
    if (!take_prefix(rest, keyword))
        return out->verb == SMTP_MAIL ? "501 Syntax: MAIL FROM:<address>\r\n"
                                      : "501 Syntax: RCPT TO:<address>\r\n";
    *rest = text_trim(*rest);
    if (!take_prefix(rest, TEXT("<")))
        return "501 The address must be in angle brackets\r\n";
    int64_t bytes = path_bytes(*rest);
    if (bytes < 0)
        return "501 The address is not closed by an angle bracket\r\n";
    out->path = (struct text){rest->data, (size_t)bytes};
    rest->data += bytes + 1;
    rest->bytes -= (size_t)bytes + 1;
    if (rest->bytes > 0 && rest->data[0] != ' ')
        return "501 Unexpected text behind the address\r\n";
    if (out->path.bytes > 0 && out->path.data[0] == '@') { /* source route: RFC 5321, C */
        const char *colon = memchr(out->path.data, ':', out->path.bytes);
        size_t route = colon ? (size_t)(colon + 1 - out->path.data) : 0;
        out->path.data += route;
        out->path.bytes -= route;
    }
    out->path_is_ascii = is_ascii(out->path);
    bool may_be_empty = out->verb == SMTP_MAIL;
    if (!(may_be_empty && out->path.bytes == 0) && !is_address(out->path))
        return "501 This is not an address\r\n";
    return NULL;
}

static const char *take_mail_parameters(struct text rest, struct smtp_command *out)
{
    for (struct text word; (word = next_word(&rest)).bytes > 0;) {
        if (take_prefix(&word, TEXT("SIZE="))) {
            if (units_count(word, &out->size_bytes))
                return "501 SIZE needs a number\r\n";
        } else if (take_prefix(&word, TEXT("BODY="))) {
            if (!text_equal_nocase(word, TEXT("7BIT")) &&
                !text_equal_nocase(word, TEXT("8BITMIME")))
                return "501 BODY is 7BIT or 8BITMIME\r\n";
        } else if (text_equal_nocase(word, TEXT("SMTPUTF8"))) {
            out->utf8 = true;
        } else {
            return "555 MAIL takes SIZE, BODY and SMTPUTF8\r\n";
        }
    }
    if (out->size_bytes > SMTP_MESSAGE_BYTES_MAX)
        return "552 The message is larger than SIZE allows\r\n";
    if (!out->utf8 && !out->path_is_ascii)
        return "553 An address that is not ASCII needs SMTPUTF8\r\n";
    return NULL;
}

static const char *parse_bdat(struct text rest, struct smtp_command *out)
{
    struct text size = next_word(&rest);
    struct text last = next_word(&rest);
    out->last = text_equal_nocase(last, TEXT("LAST"));
    if (units_count(size, &out->size_bytes) || (last.bytes > 0 && !out->last) ||
        text_trim(rest).bytes > 0)
        return "501 Syntax: BDAT size [LAST]\r\n";
    return NULL;
}

void smtp_command_parse(struct text line, struct smtp_command *out)
{
    *out = (struct smtp_command){0};
    struct text rest = line;
    out->verb = verb_of(next_word(&rest));
    switch (out->verb) {
    case SMTP_EHLO:
    case SMTP_HELO:
        if (text_trim(rest).bytes == 0)
            out->refusal = "501 Say who you are: a domain or an address literal\r\n";
        break;
    case SMTP_MAIL:
        out->refusal = take_path(&rest, TEXT("FROM:"), out);
        if (!out->refusal)
            out->refusal = take_mail_parameters(rest, out);
        break;
    case SMTP_RCPT:
        out->refusal = take_path(&rest, TEXT("TO:"), out);
        if (!out->refusal && text_trim(rest).bytes > 0)
            out->refusal = "555 RCPT takes no parameters here\r\n";
        break;
    case SMTP_BDAT:
        out->refusal = parse_bdat(rest, out);
        break;
    case SMTP_DATA:
    case SMTP_RSET:
    case SMTP_QUIT:
        if (text_trim(rest).bytes > 0)
            out->refusal = "501 This command takes no argument\r\n";
        break;
    default:
        break;
    }
}
