"""home: a volley home with one studio, its snapshots and a campaign by mail and by SMS."""

import json
import random
import shutil

from stage import Failed

MAIL_BYTES = 1000
FILL = "New classes start on Monday, and this line is here to fill the mail.\n"

CONFIG = """listen: 127.0.0.1:8025
public_url: https://volley.example
providers:
  relay: {{type: smtp, url: "{smtp_url}", max_connections: 50, on_unknown: resend{tls}}}
  twilio: {{type: twilio, url: "{http_url}", account_sid: {sid}, auth_token: {token},
           from: "+15005550006", max_connections: 64{tls}}}
  app: {{type: webhook, url: "{app_url}", max_connections: 50}}
routes:
  email: [relay]
  sms: [twilio]
  inapp: [app]
tiers:
  unlimited: {{segments: 1000000000}}
protection: {{messages_per_active_customer: 0}}
"""
TEMPLATE = """category: marketing
variables:
  first_name: {default: "there"}
  last_name:
  account_name:
  unsubscribe_url:
subject:
  en: "News for ##{{first_name}}"
"""
SMS = ("Hello ##{{first_name}} ##{{last_name}}, new classes start on Monday at ##{{account_name}}. "
       "Book yours before they are gone. Reply STOP to stop.")
ACCOUNT = {"id": "studio", "name": "My Studio", "owner_email": "owner@studio.example",
           "locale": "en", "timezone": "Europe/Rome", "tier": "unlimited",
           "marketing_suite": True, "email_from": "My Studio <hello@studio.example>",
           "sms_from": "+15005550006", "upgrade_url": "https://studio.example/upgrade"}
# Nearly everybody, but it takes three columns to know.
WHERE = "email_verified AND visit_count >= 1 AND joined >= DATE '2021-06-01'"

NOWHERE = {"smtp": "smtp://127.0.0.1:9", "http": "http://127.0.0.1:9"}
TWILIO_SID = "AC00000000000000000000000000000001"
TWILIO_TOKEN = "sandbox"


def mail_text():
    """As long as smtp-source's payload once the variables are filled in."""
    start = "Hello ##{{first_name}} ##{{last_name}},\n\n"
    end = "\nYours, ##{{account_name}}\n##{{unsubscribe_url}}\n"
    filled = len(start) + len(end) + 8  # values are a little longer than their names here
    lines = FILL * ((MAIL_BYTES - filled) // len(FILL))
    rest = MAIL_BYTES - filled - len(lines)
    return start + lines + "." * max(rest - 1, 0) + "\n" + end


class Home:
    def __init__(self, stage, binaries, path):
        self.stage, self.binaries, self.path = stage, binaries, path
        self.volley = binaries / "volley"
        self.jobs = 0
        stage.run([self.volley, "init", path])
        template = path / "templates/campaign"
        template.mkdir()
        (template / "template.yaml").write_text(TEMPLATE)
        (template / "email.en.txt").write_text(mail_text())
        (template / "sms.en.txt").write_text(SMS)
        (template / "inapp.en.txt").write_text(SMS)
        self.providers_at()
        account = path / "account.json"
        account.write_text(json.dumps(ACCOUNT))
        stage.run([self.volley, "account", "put", account, "--home", path])

    def providers_at(self, smtp_url=NOWHERE["smtp"], http_url=NOWHERE["http"],
                     app_url=NOWHERE["http"], ca=None):
        """Where the providers are; with ca, a file, whose certificates they may show."""
        (self.path / "volley.yaml").write_text(
            CONFIG.format(smtp_url=smtp_url, http_url=http_url, app_url=app_url, sid=TWILIO_SID,
                          token=TWILIO_TOKEN, tls=f', tls_ca: "{ca}"' if ca else ""))

    def snapshot(self, customers):
        """Made once for each number of customers."""
        path = self.path / f"snapshots/{customers}.arrow"
        if not path.exists():
            self.stage.run([self.binaries / "bench/make_snapshot", path, customers, 1])
        return path

    def opt_out(self, customers, count):
        """Put some customers on the opt-out list, beside those whose column says so."""
        chosen = random.Random(1).sample(range(customers), count)
        path = self.path / "optouts.csv"
        path.write_text("customer\n" + "".join(f"c{number:07}\n" for number in chosen))
        self.stage.run([self.volley, "optout", "import", path, "--account", ACCOUNT["id"],
                        "--home", self.path])

    def job(self, channel, customers, where=WHERE):
        """A job file under an id of its own. Returns the id and the file."""
        self.jobs += 1
        self.snapshot(customers)
        job_id = f"bench-{self.jobs}"
        path = self.path / f"{job_id}.json"
        path.write_text(json.dumps({
            "id": job_id, "account": ACCOUNT["id"], "category": "marketing",
            "template": "campaign", "channels": [channel],
            "audience": {"snapshot": f"snapshots/{customers}.arrow", "where": where}}))
        return job_id, path

    def forget(self, job_id):
        shutil.rmtree(self.path / "outbox" / job_id)

    def send(self, channel, customers, where=WHERE):
        """A whole campaign. Returns the run and how many were sent."""
        job_id, path = self.job(channel, customers, where)
        run = self.stage.run([self.volley, "send", path, "--json", "--home", self.path])
        self.forget(job_id)
        return run, sent_cleanly(json.loads(run.stdout), channel)


def sent_cleanly(books, channel):
    """How many were sent, which must be all that were planned."""
    sent = books["channels"][channel]["sent"]
    if not books["balanced"] or sent != books["channels"][channel]["planned"] or sent == 0:
        raise Failed(f"the books of {books['job']} are not those of a clean campaign: "
                     + json.dumps(books))
    return sent
