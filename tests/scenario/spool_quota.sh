#!/bin/sh
# Forty jobs of one account at once, for more segments than it has: together they use what there is and
# no more, and each message that got none fell back to email.
. "$(dirname "$0")/lib.sh"
studio
customers 30
sandbox
check <<'PY'
for i in range(40):
    job = {"id": f"q{i}", "account": "studio", "category": "transactional", "template": "waiver",
           "channels": ["sms"], "sms_fallback": "email", "vars": {"url": "https://s.example/7"},
           "audience": {"snapshot": "snapshots/studio.arrow"}}
    with open(f"spool/incoming/q{i}.json", "w") as file:
        json.dump(job, file)
PY
serve
all_done() { [ "$(ls spool/done | wc -l)" = 40 ]; }
until_true 30 all_done
stop "$serve_pid"
"$volley" quota studio --json >quota.json
check <<'PY'
reports = [books(f"outbox/q{i}/report.json") for i in range(40)]
total = collections.Counter()
for r in reports:
    sms, mail = channel(r, "sms"), channel(r, "email")
    equal(sms["fallback_email"], mail["from_fallback"], f"{r['job']}: fallbacks")
    total.update(sms=sms["sent"], segments=sms["segments"], email=mail["sent"])
equal(total["sms"] + total["email"], 40 * 30, "each got one")
equal((total["segments"], load("quota.json")["used"]), (500, 500), "segments of 500, and used")
equal((len(box("sms")), len([m for m in box("email") if m["to"] != "owner@studio.example"])), (500, 700),
      "in the sandbox")
equal(len(volley_json("messages", "--account", "studio", "--category", "system")), 1, "one notice")
PY
