/* config_table: see config_table.h. Defaults stand here as text and go through the same
 * parser as the file, so that what the manual says is what happens. */
#include "engine/config_table.h"

#include <pthread.h>
#include <stdio.h>

#define FIELD(type, member)                                                              \
    .offset = offsetof(type, member), .bytes = sizeof(((type *)0)->member)
#define CONFIG(member)   FIELD(struct config, member)
#define PROVIDER(member) FIELD(struct provider_config, member)
#define DKIM(member)     FIELD(struct config_dkim, member)
#define DOMAIN(member)   FIELD(struct provider_domain, member)
#define REPLY(member)    FIELD(struct provider_reply, member)
#define ARRAY_IN(type, member, count)                                                    \
    .offset = offsetof(type, member), .bytes = sizeof(*((type *)0)->member),             \
    .count_offset = offsetof(type, count)
#define ARRAY(member, count) ARRAY_IN(struct config, member, count)
#define GIVEN(type, member)  .given_offset = offsetof(type, member)
#define RANGE(from, to)      .low = from, .high = to
#define REQUIRED             .fallback = NULL

static const char *const unknown_words[] = {
    [ON_UNKNOWN_HOLD] = "hold",
    [ON_UNKNOWN_RESEND] = "resend",
    [ON_UNKNOWN_ASSUME_SENT] = "assume_sent",
    NULL,
};

static const char *const auth_words[] = {
    [PROVIDER_AUTH_AUTO] = "auto",
    [PROVIDER_AUTH_PLAIN] = "plain",
    [PROVIDER_AUTH_LOGIN] = "login",
    [PROVIDER_AUTH_XOAUTH2] = "xoauth2",
    NULL,
};
static const char *const tls_words[] = {
    [PROVIDER_TLS_AUTO] = "auto",
    [PROVIDER_TLS_OFF] = "off",
    [PROVIDER_TLS_REQUIRED] = "required",
    NULL,
};
static const char *const verify_words[] = {[false] = "yes", [true] = "no", NULL};
static const char *const format_words[] = {[false] = "json", [true] = "form", NULL};
static const char *const means_words[] = {
    [PROVIDER_MEANS_SENT] = "sent",       [PROVIDER_MEANS_FAILED] = "failed",
    [PROVIDER_MEANS_RETRY] = "retry",     [PROVIDER_MEANS_SLOW_DOWN] = "slow_down",
    [PROVIDER_MEANS_UNKNOWN] = "unknown", [PROVIDER_MEANS_STOP] = "stop",
    [PROVIDER_MEANS_DEAD] = "dead",       [PROVIDER_MEANS_OPTED_OUT] = "opted_out",
    [PROVIDER_MEANS_SPLIT] = "split",     NULL,
};
static const char *const no_yes_words[] = {[false] = "no", [true] = "yes", NULL};

const struct config_key config_keys[] = {
    {"listen", CONFIG_ADDRESS, "127.0.0.1:8025", CONFIG(listen),
     .sentence = "Where `serve` answers webhooks, unsubscribe links, metrics and the "
                 "status page."},
    {"public_url", CONFIG_URL, "https://localhost", CONFIG(public_url),
     GIVEN(struct config, public_url_given),
     .sentence = "What unsubscribe links and webhooks start with: how the world reaches "
                 "`listen`."},
    {"workers", CONFIG_COUNT, "auto", RANGE("1", "1024"), CONFIG(workers),
     .auto_word = "auto",
     .sentence = "Threads that select and render; auto is one a processor."},
    {"max_active_jobs", CONFIG_COUNT, "16", RANGE("1", "256"), CONFIG(max_active_jobs),
     .sentence = "Jobs that `serve` sends at the same time; others wait in the spool. "
                 "Each takes memory for a few batches of 4096 customers."},
    {"max_message_rate", CONFIG_RATE, "unlimited", .auto_word = "unlimited",
     RANGE("0.001/s", "10000000/s"), CONFIG(max_message_rate_per_s),
     .sentence = "Messages over all providers together."},

    {"providers", CONFIG_MAP, "", ARRAY(providers, provider_count), .most = 64,
     .sentence = "Who delivers, each under a name of your own."},
    {"providers.*.type", CONFIG_TEXT, REQUIRED, PROVIDER(type),
     .sentence = "What kind of provider it is: smtp, twilio, webhook, …"},
    {"providers.*.url", CONFIG_URL, "", PROVIDER(url), .secret = true,
     .sentence = "Where it is reached."},
    {"providers.*.account_sid", CONFIG_TEXT, "", PROVIDER(account_sid),
     .sentence = "The account or user name to log in with."},
    {"providers.*.auth_token", CONFIG_TEXT, "", PROVIDER(auth_token), .secret = true,
     .sentence =
         "The password or token to log in with; better as `${NAME}` or `file:PATH`."},
    {"providers.*.from", CONFIG_TEXT, "", PROVIDER(from),
     .sentence = "The sender where an account has none of its own."},
    {"providers.*.username", CONFIG_TEXT, "", PROVIDER(username),
     .sentence = "smtp, http: the user to log in as; without it nobody logs in."},
    {"providers.*.password", CONFIG_TEXT, "", PROVIDER(password), .secret = true,
     .sentence = "smtp, http: the password, or with xoauth2 the access token."},
    {"providers.*.auth", CONFIG_ENUM, "", PROVIDER(auth), .words = auth_words,
     .sentence = "smtp: how to log in; auto takes the best that the server offers."},
    {"providers.*.tls", CONFIG_ENUM, "", PROVIDER(tls), .words = tls_words,
     .sentence =
         "smtp: whether smtp:// turns to TLS by STARTTLS: where the server offers it, "
         "never, or else not at all. smtps:// is TLS from the start."},
    {"providers.*.tls_verify", CONFIG_ENUM, "", PROVIDER(tls_unverified),
     .words = verify_words,
     .sentence = "Whether the server's certificate and name must be right."},
    {"providers.*.tls_ca", CONFIG_TEXT, "", PROVIDER(tls_ca),
     .sentence = "A file of CA certificates (PEM) to trust instead of the system's."},
    {"providers.*.verp", CONFIG_TEXT, "", PROVIDER(verp),
     .sentence = "smtp: a domain for return paths that name the recipient, as "
                 "bounce+ann=example.org@DOMAIN, so that bounces tell who."},
    {"providers.*.region", CONFIG_TEXT, "", PROVIDER(region),
     .sentence = "ses: the AWS region."},
    {"providers.*.access_key", CONFIG_TEXT, "", PROVIDER(access_key),
     .sentence = "ses: the AWS access key id."},
    {"providers.*.secret_key", CONFIG_TEXT, "", PROVIDER(secret_key), .secret = true,
     .sentence = "ses: the AWS secret access key."},
    {"providers.*.session_token", CONFIG_TEXT, "", PROVIDER(session_token),
     .secret = true, .sentence = "ses: the token of temporary AWS credentials."},
    {"providers.*.api_key", CONFIG_TEXT, "", PROVIDER(api_key), .secret = true,
     .sentence = "sendgrid: the API key."},
    {"providers.*.credentials", CONFIG_LINES, "", PROVIDER(credentials), .secret = true,
     .sentence = "fcm: the service account's JSON, best as `file:PATH`."},
    {"providers.*.sandbox_mode", CONFIG_ENUM, "", PROVIDER(sandbox_mode),
     .words = no_yes_words,
     .sentence = "sendgrid, fcm: the provider checks every message and delivers none."},
    {"providers.*.batch", CONFIG_COUNT, "auto", RANGE("1", "1000"), PROVIDER(batch),
     .auto_word = "auto",
     .sentence = "Messages in one call, where the provider takes several; auto is as "
                 "many as it takes."},
    {"providers.*.headers", CONFIG_MAP, "",
     ARRAY_IN(struct provider_config, headers, header_count), .most = 6,
     .sentence = "http: headers of each request, as `name: value`."},
    {"providers.*.headers.*", CONFIG_TEXT, REQUIRED, FIELD(struct provider_header, value),
     .secret = true,
     .sentence = "A header's value; a secret better as `${NAME}` or `file:PATH`."},
    {"providers.*.format", CONFIG_ENUM, "", PROVIDER(form), .words = format_words,
     .sentence = "http: what the body is, and so how values are written into it."},
    {"providers.*.body", CONFIG_LINES, "", PROVIDER(body),
     .sentence =
         "http: what a request says, with places like `##{{to}}` for the message."},
    {"providers.*.batch_body", CONFIG_LINES, "", PROVIDER(batch_body),
     .sentence = "http: what stands around a batch, with `##{{messages}}` for the bodies "
                 "of its messages, joined by commas; without it a JSON array of them."},
    {"providers.*.batch_replies", CONFIG_TEXT, "", PROVIDER(batch_replies),
     .sentence = "http: where in the reply to a batch the array of replies is, one a "
                 "message in order; `$` is the whole. Without it one reply is for all."},
    {"providers.*.id", CONFIG_TEXT, "", PROVIDER(id),
     .sentence = "http: where in a message's reply the provider's id of it is, as "
                 "`data.id`. A reply without it does not count as sent."},
    {"providers.*.detail", CONFIG_TEXT, "", PROVIDER(detail),
     .sentence = "http: where in a message's reply the reason of a failure is."},
    {"providers.*.replies", CONFIG_LIST, "",
     ARRAY_IN(struct provider_config, replies, reply_count), .most = 100,
     .sentence =
         "http: what replies mean; the first entry that fits decides, without one "
         "the status."},
    {"providers.*.replies.*.status", CONFIG_TEXT, "", REPLY(status),
     .sentence = "The status, as `200`, `500-599` or `200,202`; any without it."},
    {"providers.*.replies.*.field", CONFIG_TEXT, "", REPLY(field),
     .sentence = "A place in the message's reply, as `errors.0.code`."},
    {"providers.*.replies.*.is", CONFIG_TEXT, "", REPLY(is),
     .sentence = "What stands there, or several with vertical bars between; anything "
                 "without it."},
    {"providers.*.replies.*.means", CONFIG_ENUM, REQUIRED, REPLY(means),
     .words = means_words, .sentence = "What became of the message."},
    {"providers.*.max_connections", CONFIG_COUNT, "50", RANGE("1", "10000"),
     PROVIDER(max_connections),
     .sentence = "Connections (HTTP: requests) at the same time."},
    {"providers.*.max_message_rate", CONFIG_RATE, "unlimited", .auto_word = "unlimited",
     RANGE("0.001/s", "10000000/s"), PROVIDER(max_message_rate_per_s),
     .sentence = "Messages to this provider."},
    {"providers.*.messages_per_connection", CONFIG_COUNT, "1000", RANGE("1", "1000000"),
     PROVIDER(messages_per_connection),
     .sentence = "smtp: after this many messages a connection is closed and made anew."},
    {"providers.*.timeout", CONFIG_DURATION, "30s", RANGE("10ms", "1h"),
     PROVIDER(timeout_ns),
     .sentence = "How long to wait for a connection and for each reply."},
    {"providers.*.on_unknown", CONFIG_ENUM, "", PROVIDER(on_unknown),
     .words = unknown_words, GIVEN(struct provider_config, on_unknown_given),
     .sentence =
         "What to do with a message whose reply was lost: keep it for a person, send it "
         "again, or take it as sent. Without it the kind of provider decides."},
    {"providers.*.lookup_after", CONFIG_DURATION, "5s", RANGE("0s", "1h"),
     PROVIDER(lookup_after_ns),
     .sentence =
         "twilio: how long after a lost reply, or a crash, the provider's list is "
         "believed to hold what it has taken. Messages in doubt wait so long."},
    {"providers.*.retry", CONFIG_GROUP, "",
     .sentence = "What happens when the provider says to try later."},
    {"providers.*.retry.first", CONFIG_DURATION, "1s", RANGE("1ms", "1h"),
     PROVIDER(retry_first_ns),
     .sentence = "The first wait; each next one is twice as long."},
    {"providers.*.retry.max", CONFIG_DURATION, "15min", RANGE("1ms", "1d"),
     PROVIDER(retry_max_ns), .sentence = "The longest wait."},
    {"providers.*.retry.give_up", CONFIG_DURATION, "24h", RANGE("1ms", "30d"),
     PROVIDER(retry_give_up_ns), .sentence = "After this long a message has failed."},
    {"providers.*.retry.attempts", CONFIG_COUNT, "200", RANGE("1", "255"),
     PROVIDER(retry_attempts),
     .sentence = "After this many attempts a message has failed."},

    {"providers.*.domains", CONFIG_MAP, "",
     ARRAY_IN(struct provider_config, domains, domain_count), .most = 100,
     .sentence = "Email: recipient domains with limits of their own, by name. Such a "
                 "domain has its own connections, out of the provider's, and never "
                 "holds up the others."},
    {"providers.*.domains.*.max_connections", CONFIG_COUNT, "", RANGE("1", "10000"),
     DOMAIN(max_connections),
     .sentence = "Connections for this domain; without it an equal part of what the "
                 "others leave."},
    {"providers.*.domains.*.messages_per_connection", CONFIG_COUNT, "",
     RANGE("1", "1000000"), DOMAIN(messages_per_connection),
     .sentence = "Messages per connection for this domain; without it the provider's."},
    {"providers.*.domains.*.max_message_rate", CONFIG_RATE, "",
     RANGE("0.001/s", "10000000/s"), DOMAIN(max_message_rate_per_s),
     .sentence = "Messages to this domain; the provider's rate holds over all."},

    {"routes", CONFIG_GROUP, "",
     .sentence = "Per channel, which providers carry it, the preferred one first."},
    {"routes.sms", CONFIG_ROUTE, "", CONFIG(routes[CHANNEL_SMS]),
     .count_offset = offsetof(struct config, route_counts[CHANNEL_SMS]),
     .sentence = "A provider's name; a list of them, tried in order; or weights as "
                 "`{relay: 3, ses: 1}`, alone or in the list, to share messages."},
    {"routes.email", CONFIG_ROUTE, "", CONFIG(routes[CHANNEL_EMAIL]),
     .count_offset = offsetof(struct config, route_counts[CHANNEL_EMAIL]),
     .sentence = "The same for email."},
    {"routes.push", CONFIG_ROUTE, "", CONFIG(routes[CHANNEL_PUSH]),
     .count_offset = offsetof(struct config, route_counts[CHANNEL_PUSH]),
     .sentence = "The same for push."},
    {"routes.inapp", CONFIG_ROUTE, "", CONFIG(routes[CHANNEL_INAPP]),
     .count_offset = offsetof(struct config, route_counts[CHANNEL_INAPP]),
     .sentence = "The same for inapp."},

    {"tiers", CONFIG_MAP, "", ARRAY(tiers, tier_count), .most = 1000,
     .sentence = "The monthly allowances that accounts can have, by name."},
    {"tiers.*.segments", CONFIG_COUNT, REQUIRED, RANGE("0", "1000000000"),
     FIELD(struct config_tier, segments), .sentence = "SMS segments a month."},

    {"columns", CONFIG_MAP, "", ARRAY(aliases, alias_count), .most = 100,
     .sentence =
         "Known columns that a snapshot calls by another name, as `known: actual`."},
    {"columns.*", CONFIG_TEXT, REQUIRED, FIELD(struct snapshot_alias, actual),
     .sentence = "What the snapshot calls it."},

    {"auto_hold", CONFIG_GROUP, "",
     .sentence = "The first messages of a job go alone, and a job whose messages fail "
                 "too often is "
                 "held until `volley resume`. A job file's auto_hold comes before this."},
    {"auto_hold.enabled", CONFIG_ENUM, "yes", CONFIG(auto_hold.enabled),
     .words = no_yes_words, .sentence = "no: jobs go on whatever fails."},
    {"auto_hold.canary_share", CONFIG_SHARE, "10%", RANGE("0%", "100%"),
     CONFIG(auto_hold.canary_share),
     .sentence = "How many go first on each channel, as a share of the customers."},
    {"auto_hold.canary", CONFIG_COUNT, "1000", RANGE("1", "1000000"),
     CONFIG(auto_hold.canary),
     .sentence =
         "But never more than so many. Where the share is less than min_messages, "
         "all go at once."},
    {"auto_hold.min_messages", CONFIG_COUNT, "200", RANGE("1", "1000000"),
     CONFIG(auto_hold.min_messages),
     .sentence = "Before a channel has so many outcomes nothing is held."},
    {"auto_hold.failure_rate", CONFIG_SHARE, "30%", RANGE("0%", "100%"),
     CONFIG(auto_hold.failure_rate),
     .sentence = "A job is held when more than this share failed or ended as unknown, of "
                 "the first ones and of the last ones."},
    {"auto_hold.window", CONFIG_COUNT, "1000", RANGE("1", "1000000"),
     CONFIG(auto_hold.window),
     .sentence = "How many of a channel's last outcomes the rate is taken over."},
    {"auto_hold.wait", CONFIG_DURATION, "30s", RANGE("0s", "1h"),
     CONFIG(auto_hold.wait_ns),
     .sentence = "How long the others wait for first messages that the provider wants to "
                 "have later."},

    {"frequency_cap", CONFIG_GROUP, "",
     .sentence = "How many marketing messages a customer gets at most, over all jobs of "
                 "the account; what is more is suppressed as `frequency_cap`."},
    {"frequency_cap.messages", CONFIG_COUNT, "0", RANGE("0", "30"),
     CONFIG(frequency_cap.messages),
     .sentence = "So many within the window, whatever the channel; 0: as many as there "
                 "are."},
    {"frequency_cap.window", CONFIG_DURATION, "7d", RANGE("1h", "366d"),
     CONFIG(frequency_cap.window_ns),
     .sentence = "Jobs that started within this time count. Their folders must stay as "
                 "long."},

    {"marketing_quiet_hours", CONFIG_SPAN, "", CONFIG(marketing_quiet_hours),
     .sentence = "Hours in which no marketing goes out, on each customer's clock, as "
                 "`21:00-08:00`; a job can only add to them. Transactional and manual "
                 "messages go at any time, unless their job says otherwise."},

    {"retention", CONFIG_DURATION, "off", .auto_word = "off", RANGE("1h", "36500d"),
     CONFIG(retention_ns),
     .sentence = "How long `serve` keeps the journal, the link to the snapshot and the "
                 "template of a job that is over; its reports and results stay."},
    {"spool_retention", CONFIG_DURATION, "30d", .auto_word = "off", RANGE("1s", "36500d"),
     CONFIG(spool_retention_ns),
     .sentence = "How long `serve` keeps the files of jobs that are over in `spool/done` "
                 "and `spool/status`; their ids stay known for good."},

    {"protection", CONFIG_GROUP, "",
     .sentence =
         "Accounts that send far more than their own activity justifies are blocked."},
    {"protection.window", CONFIG_DURATION, "30d", RANGE("1h", "366d"),
     CONFIG(protection.window_ns),
     .sentence = "The time over which messages are counted."},
    {"protection.min_messages", CONFIG_COUNT, "10000", RANGE("0", "1000000000"),
     CONFIG(protection.min_messages),
     .sentence = "Below this many messages nobody is blocked."},
    {"protection.messages_per_active_customer", CONFIG_NUMBER, "60",
     RANGE("0", "1000000"), CONFIG(protection.messages_per_active_customer),
     .sentence = "More than this many messages per active customer are too many; 0 turns "
                 "protection off."},

    {"dkim", CONFIG_LIST, "", ARRAY(dkim, dkim_count), .most = 1000,
     .sentence = "Keys that sign outgoing email, one a domain."},
    {"dkim.*.domain", CONFIG_TEXT, REQUIRED, DKIM(domain),
     .sentence = "The domain of the sender's address."},
    {"dkim.*.selector", CONFIG_TEXT, REQUIRED, DKIM(selector),
     .sentence = "The name under which the public key stands in DNS."},
    {"dkim.*.key", CONFIG_LINES, REQUIRED, DKIM(key), .secret = true,
     .sentence = "The private key in PEM, RSA or Ed25519; best as `file:PATH`."},
};
const size_t config_key_count = ARRAY_COUNT(config_keys);

/* --- the table as documentation --- */

#define OPTIONS_MAX 128
_Static_assert(ARRAY_COUNT(config_keys) <= OPTIONS_MAX, "make room for more options");

static const struct {
    const char *name, *unit;
} types[] = {
    [CONFIG_TEXT] = {"text", ""},
    [CONFIG_LINES] = {"text of several lines", ""},
    [CONFIG_URL] = {"URL", ""},
    [CONFIG_ADDRESS] = {"host:port", ""},
    [CONFIG_COUNT] = {"count", ""},
    [CONFIG_NUMBER] = {"number", ""},
    [CONFIG_SHARE] = {"share", "%"},
    [CONFIG_RATE] = {"rate", "/s /min /hr /day"},
    [CONFIG_DURATION] = {"duration", "us ms s min h d"},
    [CONFIG_SPAN] = {"hours", ""},
    [CONFIG_ENUM] = {"word", ""},
    [CONFIG_GROUP] = {"group", ""},
    [CONFIG_MAP] = {"names", ""},
    [CONFIG_LIST] = {"list", ""},
    [CONFIG_ROUTE] = {"route", ""},
};

static struct config_option options[OPTIONS_MAX];
static char ranges[OPTIONS_MAX][96];

static void describe_range(const struct config_key *key, char out[96])
{
    int used = 0;
    if (key->low)
        used = snprintf(out, 96, "%s to %s", key->low, key->high);
    if (key->auto_word)
        used += snprintf(out + used, 96 - (size_t)used, "%s%s", used ? ", or " : "",
                         key->auto_word);
    for (size_t i = 0; key->words && key->words[i]; i++)
        used +=
            snprintf(out + used, 96 - (size_t)used, "%s%s", i ? ", " : "", key->words[i]);
    if (key->most)
        snprintf(out, 96, "up to %zu", key->most);
}

static void describe(void)
{
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        describe_range(key, ranges[i]);
        options[i] = (struct config_option){
            .path = key->path,
            .type = types[key->type].name,
            .unit = types[key->type].unit,
            .range = ranges[i],
            .fallback = key->fallback ? key->fallback : "(required)",
            .sentence = key->sentence,
        };
    }
}

const struct config_option *config_options(size_t *count_out)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, describe);
    *count_out = config_key_count;
    return options;
}
