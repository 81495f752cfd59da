/* config_doc: prints docs/configuration.md from the table that reads volley.yaml.
 *   make build/release/tools/config_doc && build/release/tools/config_doc
 * >docs/configuration.md */
#include "engine/config.h"

#include <stdio.h>

static const char head[] =
    "# volley.yaml\n"
    "\n"
    "Every key, made from the table that reads the file; `tools/config_doc` prints this "
    "page.\n"
    "A `*` stands for a name of your own (or an entry of a list). An unknown key is an "
    "error that\n"
    "proposes the nearest one. In any value `${NAME}` is the environment variable NAME, "
    "which must\n"
    "be set, and a value `file:PATH` is the content of that file (relative to the home) "
    "without its\n"
    "final line break.\n"
    "\n"
    "```yaml\n"
    "listen: 127.0.0.1:8025\n"
    "providers:\n"
    "  relay:  {type: smtp, url: \"smtp://127.0.0.1:2525\", max_message_rate: "
    "\"5000/s\",\n"
    "           retry: {first: 1s, max: 15min, give_up: 24h}}\n"
    "  twilio: {type: twilio, url: \"http://127.0.0.1:8080\", auth_token: "
    "\"${TWILIO_AUTH_TOKEN}\",\n"
    "           account_sid: AC00000000000000000000000000000001, from: "
    "\"+15005550006\"}\n"
    "routes:\n"
    "  email: [relay]\n"
    "  sms:   twilio\n"
    "tiers:\n"
    "  starter: {segments: 500}\n"
    "columns:\n"
    "  phone: mobile_number\n"
    "dkim:\n"
    "  - {domain: studio.example, selector: v1, key: \"file:dkim.pem\"}\n"
    "```\n"
    "\n"
    "| key | type | range | default | meaning |\n"
    "|---|---|---|---|---|\n";

int main(void)
{
    size_t count;
    const struct config_option *options = config_options(&count);
    fputs(head, stdout);
    for (size_t i = 0; i < count; i++) {
        const struct config_option *o = &options[i];
        printf("| `%s` | %s%s%s%s | %s | %s | %s |\n", o->path, o->type,
               *o->unit ? " (" : "", o->unit, *o->unit ? ")" : "", o->range, o->fallback,
               o->sentence);
    }
    return 0;
}
