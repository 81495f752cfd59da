#!/bin/sh
# `volley receipts`: what providers say later finds its message, in any order, twice, after kill -9, and
# whatever form it has; bounces mark addresses dead, complaints opt out.
. "$(dirname "$0")/../scenario/lib.sh"
studio
account studio '"tier": "endless"'
customers 300
sandbox
job news '"category": "marketing", "template": "offer", "channels": ["sms", "email"]'
"$volley" send news.json >/dev/null 2>send.err || fail "$(cat send.err)"
"$volley" messages --job news --json >messages.ndjson

# One receipt of each form; ids of emails are those of the mails in the sandbox.
check <<'PY'
import email.utils, urllib.parse, random, os
sids = {m["customer"]: m["provider_id"] for m in lines("messages.ndjson") if m["channel"] == "sms"}
ids = {}
for mail in lines("box/email.ndjson"):
    to = mail["to"]
    ids[to] = mail["id"].split("@")[0]
people = {row["id"]: row for row in __import__("csv").DictReader(open("customers.csv"))}
def mid(c): return ids[people[c]["email"]]
def sns(event): return json.dumps({"Type": "Notification", "Message": json.dumps(event)})
def ses(kind, c, **part):
    return {"eventType": kind, "mail": {"messageId": "ses-" + c, "tags": {"volley_id": [mid(c)]}}, kind.lower(): part}
form = lambda **k: urllib.parse.urlencode(k)
out = [
    form(MessageSid=sids["c1"], MessageStatus="delivered", To="+39"),
    form(MessageSid=sids["c2"], MessageStatus="undelivered", ErrorCode="30005"),
    form(MessageSid=sids["c3"], MessageStatus="undelivered", ErrorCode="30003"),
    form(MessageSid=sids["c4"], MessageStatus="sent"),
    json.dumps({"MessageSid": sids["c5"], "MessageStatus": "read"}),
    json.dumps(ses("Delivery", "c1", timestamp="2026-11-22T10:00:00Z", recipients=[people["c1"]["email"]])),
    sns(ses("Bounce", "c2", timestamp="2026-11-22T10:00:00Z", bounceType="Permanent", bounceSubType="General",
        bouncedRecipients=[{"emailAddress": people["c2"]["email"], "status": "5.1.1", "diagnosticCode": "smtp; 550 no such user"}])),
    json.dumps(ses("Bounce", "c3", timestamp="2026-11-22T10:00:00Z", bounceType="Transient", bounceSubType="MailboxFull",
        bouncedRecipients=[{"emailAddress": people["c3"]["email"]}])),
    json.dumps(ses("Complaint", "c4", timestamp="2026-11-22T10:00:00Z", complainedRecipients=[{"emailAddress": people["c4"]["email"]}])),
    json.dumps([{"event": "processed", "volley_id": mid("c5")},
        {"event": "delivered", "volley_id": mid("c5"), "timestamp": 1795300000, "email": people["c5"]["email"]},
        {"event": "bounce", "type": "bounce", "volley_id": mid("c6"), "timestamp": 1795300000, "status": "5.1.1", "reason": "gone"},
        {"event": "spamreport", "volley_id": mid("c7"), "timestamp": 1795300000}]),
    json.dumps({"provider": "relay", "message_id": mid("c8"), "status": "delivered", "at": "2026-11-22T10:00:00Z"}),
    json.dumps({"provider": "relay", "message_id": mid("c8"), "status": "undelivered", "code": "4.2.2", "at": "2026-11-22T11:00:00Z"}),
    json.dumps({"provider": "relay", "message_id": mid("c9"), "status": "undelivered", "at": "2026-11-22T10:00:00Z"}),
    json.dumps({"provider": "relay", "message_id": mid("c9"), "status": "delivered", "at": "2026-11-22T11:00:00Z"}),
    json.dumps({"message_id": "f" * 32, "status": "delivered", "at": "2026-11-22T11:00:00Z"}),
]
open("events", "w").write("\n".join(out) + "\n")
random.seed(4); random.shuffle(out)
open("events.shuffled", "w").write("\n".join(out + out) + "\n")
# As Postfix and Exchange write them; the second has only our return path.
def dsn(name, to, status, action, original):
    open(name, "w").write(f"""From: MAILER-DAEMON@mx.example\r
To: {to}\r
Date: Sun, 22 Nov 2026 12:00:00 +0100\r
Content-Type: multipart/report; report-type=delivery-status;\r
 boundary="b"\r
\r
--b\r
Content-Type: text/plain\r
\r
Sorry. Message-ID: <{'e' * 32}@x>\r
--b\r
Content-Type: message/delivery-status\r
\r
Reporting-MTA: dns; mx.example\r
\r
Final-Recipient: rfc822; someone@mx.example\r
Action: {action}\r
Status: {status} (mailbox)\r
Diagnostic-Code: smtp; 550 {status}\r
 unknown\r
--b\r
{original}""")
os.makedirs("bounces/new"); os.makedirs("bounces/cur")
dsn("bounces/new/1", "bounce+" + people["c10"]["email"].replace("@", "=") + "@b.example", "5.1.1", "failed",
    f"Content-Type: message/rfc822\r\n\r\nSubject: x\r\nMessage-ID:\r\n <{mid('c10')}@studio.example>\r\n\r\nhello\r\n")
dsn("bounces/cur/2:2,S", "bounce+" + people["c11"]["email"].replace("@", "=") + "@b.example", "5.2.2", "failed", "Content-Type: text/plain\r\n\r\n")
dsn("bounces/cur/3", "x@b.example", "4.4.1", "delayed", f"Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{mid('c12')}@x>\r\n")
open("bounces/new/4", "w").write(f"""To: fbl@studio.example
Content-Type: multipart/report; report-type=feedback-report; boundary=b

--b
Content-Type: message/feedback-report

Feedback-Type: abuse
--b
Content-Type: message/rfc822

Message-ID: <{mid('c13')}@studio.example>
""")
PY
cp -r . ../"$(basename "$work").twin"
twin=$(cd ../"$(basename "$work").twin" && pwd)
at_end="rm -rf $twin"
"$volley" receipts events --dsn bounces --json >first.json
"$volley" messages --job news --json >first
"$volley" receipts events --dsn bounces --json >second.json
"$volley" messages --job news --json | cmp - first || fail "receipts that come twice change something"
"$volley" messages --receipt bounced --json >bounced
"$volley" optout export --dead --json >dead
"$volley" optout export --json >optouts
expect 65 "$volley" receipts - >/dev/null 2>refused.err <<'LINES'
{"provider_id": "x", "status": "lost"}
{"status": "delivered"}
hello
[1, 2
LINES
[ "$(wc -l <refused.err)" = 4 ] || fail "$(cat refused.err)"
expect 2 "$volley" messages --receipt bouncd 2>near.err
grep -q 'did you mean "bounced"' near.err || fail "$(cat near.err)"

check <<'PY'
got = {(m["customer"], m["channel"]): (m.get("receipt"), m.get("receipt_code")) for m in lines("first") if "receipt" in m}
equal(got, {
    ("c1", "sms"): ("delivered", None), ("c2", "sms"): ("bounced", "30005"), ("c3", "sms"): ("undelivered", "30003"),
    ("c5", "sms"): ("read", None), ("c1", "email"): ("delivered", None), ("c2", "email"): ("bounced", "5.1.1"),
    ("c3", "email"): ("undelivered", "MailboxFull"), ("c4", "email"): ("complained", None), ("c5", "email"): ("delivered", None),
    ("c6", "email"): ("bounced", "5.1.1"), ("c7", "email"): ("complained", None), ("c8", "email"): ("undelivered", "4.2.2"),
    ("c9", "email"): ("delivered", None), ("c10", "email"): ("bounced", "5.1.1"), ("c11", "email"): ("undelivered", "5.2.2"),
    ("c13", "email"): ("complained", None)}, "receipts by message")
one, two = load("first.json"), load("second.json")
equal((one["matched"], one["waiting"], one["refused"]), (18, 1, 0), "the first time")
equal((two["matched"], two["changed"], two["waiting"], two["dead"], two["opted_out"]), (18, 0, 1, 0, 0), "the second time")
at = {m["customer"]: m.get("receipt_at") for m in lines("first") if m["channel"] == "email"}
equal((at["c1"], at["c10"], at["c9"]), ("2026-11-22T10:00:00Z", "2026-11-22T11:00:00Z", "2026-11-22T11:00:00Z"), "when")
equal(sorted(m["customer"] + m["channel"] for m in lines("bounced")), ["c10email", "c2email", "c2sms", "c6email"], "--receipt")
people = {row["id"]: row for row in __import__("csv").DictReader(open("customers.csv"))}
equal(sorted(d["address"] for d in lines("dead")),
      sorted([people["c2"]["phone"], people["c2"]["email"], people["c6"]["email"], people["c10"]["email"]]), "dead addresses")
equal({o["customer"]: o["reason"] for o in lines("optouts")}, {"c4": "complaint", "c7": "complaint", "c13": "complaint"}, "opt-outs")
PY

# The same receipts in another order, twice, by a process that is killed again and again.
cd "$twin"
export VOLLEY_HOME=$twin
for delay in 0.003 0.006 0.009 0.012 0.015 0.02 0.03; do
    "$volley" receipts events.shuffled --dsn bounces >/dev/null 2>&1 &
    killed=$!
    sleep "$delay"
    kill -KILL "$killed" 2>/dev/null || :
    wait "$killed" 2>/dev/null || :
done
"$volley" receipts events.shuffled --dsn bounces >/dev/null
"$volley" messages --job news --json | cmp - "$work/first" || fail "killed imports end in another state"
"$volley" optout export --dead --json | python3 -c 'import json, sys
print(*sorted(json.loads(l)["address"] for l in sys.stdin))' >dead
python3 -c 'import json, sys
print(*sorted(json.loads(l)["address"] for l in open(sys.argv[1])))' "$work/dead" | cmp - dead || fail "other dead addresses"
cd "$work"
export VOLLEY_HOME=$work

# Receipts that come while the job runs wait for its end.
job slow '"limits": {"max_message_rate": "40/s"}, "audience": {"snapshot": "snapshots/studio.arrow", "recipients": ["c21", "c22"]}'
background send "$volley" send slow.json
until_true 5 state_is slow finished
sid=$("$volley" messages --job slow --customer c21 --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["provider_id"])')
echo "{\"provider_id\": \"$sid\", \"status\": \"delivered\"}" | "$volley" receipts - >/dev/null
[ "$("$volley" messages --job slow --receipt delivered --count)" = 1 ] || fail "no receipt for $sid"
echo "receipts: seven forms, any order, twice, killed: the same books"
