#!/bin/sh
# Segments of a month (R16–R19): jobs one after the other share them, a pack lets SMS go on, and
# an account without SMS is told before anything is sent.
. "$(dirname "$0")/../scenario/lib.sh"
studio
customers 400
sandbox
short='"vars": {"url": "https://s.example/7"}'

# 500 segments: all of the first job's, 100 of the second's; the rest by email.
for name in first second; do
    job $name "$short, \"sms_fallback\": \"email\""
    "$volley" plan $name.json --json >$name.plan 2>/dev/null
    "$volley" send $name.json --json >$name.books 2>$name.err
done
# Without fallback what does not fit stays here; a pack brings SMS back in the same month.
job third "$short"
"$volley" send third.json --json >third.books 2>/dev/null
"$volley" quota studio --add-pack 150 >/dev/null
job fourth "$short, \"sms_fallback\": \"email\""
"$volley" plan fourth.json --json >fourth.plan 2>/dev/null
"$volley" send fourth.json --json >fourth.books 2>/dev/null
"$volley" quota studio --json >quota.json
# A larger tier too (the upgrade of R17), and a text of two segments counts twice.
"$volley" quota studio --tier growth >/dev/null
job fifth '"vars": {"url": "https://s.example/'"$(printf 'x%.0s' $(seq 160))"'"}'
"$volley" send fifth.json --json >fifth.books 2>/dev/null

account bare '"marketing_suite": false'
job none '"account": "bare"'
"$volley" plan none.json >none.plan 2>&1 || :
"$volley" plan none.json --json >none.json.plan 2>/dev/null
"$volley" messages --account studio --category system --json >notices.ndjson

check <<'PY'
got = {name: books(f"{name}.books") for name in ("first", "second", "third", "fourth", "fifth")}
for name in "first", "second", "fourth":
    agree(load(f"{name}.plan"), got[name])
counts = {name: (channel(r, "sms")["sent"], channel(r, "email")["sent"]) for name, r in got.items()}
equal(counts, {"first": (400, 0), "second": (100, 300), "third": (0, 0), "fourth": (150, 250),
               "fifth": (400, 0)}, "SMS and emails per job")
equal(channel(got["third"], "sms")["suppressed"], {"quota": 400}, "third: suppressed")
equal(got["second"]["quota"], {"limit": 500, "used_before": 400, "used_after": 500}, "second: quota")
equal((load("quota.json")["used"], load("quota.json")["limit"]), (650, 650), "used, limit")
equal(channel(got["fifth"], "sms")["segments"], 800, "fifth: segments")
# One notice per exhausted allowance: 500, then 650.
equal(len(lines("notices.ndjson")), 2, "owner's notices")
notices = [m for m in box("email") if m["to"] == "owner@studio.example"]
equal(len(ids_once(notices, "notices")), 2, "notices in the sandbox")
equal(len(box("sms")), 1050, "SMS in the sandbox")
true("no SMS" in open("none.plan").read() or "tier" in open("none.plan").read(),
     "plan says that the account has no SMS: " + open("none.plan").read())
true(load("none.json.plan")["warnings"], "plan --json warns that the account has no SMS")
PY
