#!/bin/sh
# Whatever stands in a customer's fields, a job's variables or an account's name: it adds no header,
# no SMTP command, no HTML and no template tag (R4, R23).
. "$(dirname "$0")/../scenario/lib.sh"
studio
account studio '"tier": "endless"'
cat >templates/waiver/template.yaml <<'YAML'
category: transactional
variables: {first_name: , last_name: , note: , url: , account_name: }
subject: {en: "##{{first_name}}: ##{{note}} ##{{url}}"}
YAML
rm -f templates/waiver/*.it.*
echo '##{{first_name}}|##{{last_name}}|##{{note}}|##{{url}}' >templates/waiver/sms.en.txt
cp templates/waiver/sms.en.txt templates/waiver/email.en.txt
cp templates/waiver/sms.en.txt templates/waiver/push.en.txt
cat >templates/waiver/email.en.html <<'HTML'
<p title="##{{first_name}}" class='##{{last_name}}'>##{{note}}</p><a href="##{{url}}">see</a>
HTML

cat >payloads.py <<'PY'
payloads = ["Ann\r\nBcc: evil@example.org", "Bob\nSubject: x", "x\r\n.\r\nMAIL FROM:<evil@example.org>\r\n",
            "x\r\n\r\n<b>body</b>", ".", "..", "\r\n.\r\n", "RCPT TO:<evil@example.org>", "##{{url}}", "##{{#url}}a##{{/url}}",
            "{{url}}", "<script>alert(1)</script>", "\" onmouseover=\"alert(1)", "' onload='x", "&lt;b&gt;&amp;",
            "=?utf-8?q?Subject=3A_x?=", "a, b <evil@example.org>; c:", "x\x00y", "tab\tand\x0bvt", "\u2028line\u2029", "a" * 1200,
            "\\\\\"quoted\\\"", "%0d%0aBcc: x", "--boundary--", "\u202egnp.exe", "From someone", "émoji 🎉\r\nX-Evil: 1"]
addresses = ["a@b.example\r\nBcc: evil@example.org", "<a@b.example>", "a@b.example> SIZE=1", "a b@b.example", "@b.example",
             "a@b.example,evil@example.org", "a@b@c", "a@b.example\x00", "\"a\r\nRCPT TO:<evil@example.org>\"@b.example"]
PY
check <<'PY'
from payloads import *
rows, clean = [], lambda text: text.replace("\x00", "")  # a CSV file holds no NUL
for i, text in enumerate(payloads, 1):
    rows.append(person(i, first_name=clean(text), last_name=clean(text)[::-1] if i % 2 else "Rossi", note=clean(text), timezone=clean(text),
                       locale="en" if i % 3 else clean(text), role=clean(text)))
for i, address in enumerate(addresses, 900):
    rows.append(person(i, email=clean(address) + ("" if "\x00" not in address else " x"), phone="+393330000001\r\nTo: x",
                       last_name="R", note="n", timezone="", role=""))
write_csv("customers.csv", rows)
PY
import_customers
sandbox

check <<'PY'
from payloads import *
import html.parser
for n, text in enumerate(["https://studio.example/7", "https://x/\r\nBcc: evil@example.org", "\"><script>alert(1)</script>"]):
    account = {**load("account-studio.json"), "name": text}
    json.dump(account, open("account.json", "w"))
    named = volley("account", "put", "account.json").returncode == 0
    job = {"id": f"job-{n}", "account": "studio", "category": "transactional", "template": "waiver",
           "channels": ["sms", "email", "push"], "vars": {"url": text}, "audience": {"snapshot": "snapshots/studio.arrow"}}
    json.dump(job, open("job.json", "w"))
    report = volley_json("send", "job.json")[0]
    books(report, named=("sms", "email", "push"))
    email_ = channel(report, "email")
    equal((email_["sent"], email_["suppressed"]), (len(payloads), {"invalid_address": len(addresses)}), "emails")
    sms = channel(report, "sms")
    equal((sms["sent"], sms["suppressed"]), (len(payloads) - 1, {"no_address": len(addresses), "too_long": 1}), "SMS")


class Tags(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.seen, self.text = [], ""
        self.feed(text)
    def handle_starttag(self, tag, attributes):
        self.seen.append((tag, sorted(name for name, _ in attributes)))
        self.attributes = dict(attributes)
    def handle_data(self, text):
        self.text += text


mails = box("email")
equal(len(ids_once(mails, "email")), 3 * len(payloads), "emails in the sandbox")
equal({m["to"] for m in mails}, {f"c{i}@example.com" for i in range(1, len(payloads) + 1)}, "recipients")
equal({m["from"] for m in mails}, {"hello@studio.example"}, "envelope senders")
footer = [("p", ["style"]), ("a", ["href"])]  # the way to unsubscribe (R7)
expected = ["content-type", "date", "from", "message-id", "mime-version", "subject", "to"]
for entry in mails:
    message, where = mail(entry), f"{entry['to']}: "
    names = sorted(name.lower() for name in message.keys())
    names = [n for n in names if n not in ("list-unsubscribe", "list-unsubscribe-post", "feedback-id")]
    equal(names, expected, where + "headers")
    equal([a.addr_spec for a in message["to"].addresses], [entry["to"]], where + "To")
    equal([a.addr_spec for a in message["from"].addresses], ["hello@studio.example"], where + "From")
    equal([p.get_content_type() for p in message.walk()], ["multipart/alternative", "text/plain", "text/html"], where + "parts")
    true(max(map(len, entry["raw"].split("\r\n"))) <= 998, where + "line length")
    true("\n" not in entry["raw"].replace("\r\n", "") and "\r" not in entry["raw"].replace("\r\n", ""), where + "bare line end")
    tags = Tags(message.get_body(("html",)).get_content())
    equal(tags.seen, [("p", ["class", "title"]), ("a", ["href"]), *footer], where + "HTML")
    payload = payloads[int(entry["to"][1:].split("@")[0]) - 1].replace("\x00", "")
    flat = lambda text: re.sub(r"\s+", "", text)
    true(flat(payload) in flat(tags.text), where + "the note is shown as it was written: " + tags.text)
    text = message.get_body(("plain",)).get_content()
    true(flat(text).startswith(flat(payload)), where + "the text begins with the name: " + text)
    true(flat(message["subject"]).startswith(flat(payload)), where + "the subject begins with the name: " + message["subject"])

# An SMS and a push are data in a form field and in JSON: they carry the text as it is.
bodies = {kind: "\n".join(m["body"].replace("\r\n", "\n") for m in box(kind)) for kind in ("sms", "push")}
for text in payloads:
    text = text.replace("\x00", "").replace("\r\n", "\n")
    true(text in bodies["push"], f"push carries {text!r}")
    true(text in bodies["sms"] or len(text) > 1000, f"sms carries {text!r}")
equal({m["to"] for m in box("sms")}, {f"+39333{i:07}" for i in range(1, 28) if i != 21}, "numbers")
PY
