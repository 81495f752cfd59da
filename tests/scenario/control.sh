#!/bin/sh
# Pause, resume, cancel and expiry of a job that runs, from another terminal.
. "$(dirname "$0")/../scenario/lib.sh"
studio
account studio '"tier": "endless"'
customers 1200
sandbox --latency 20ms

running() { state_is "$1" running && [ -s "box/$2.ndjson" ]; }

# pause within a second; it shows as paused; resume goes on, and nobody gets it twice.
job paused
background send "$volley" send paused.json --json
until_true 5 running paused sms
check <<'PY'
start = time.monotonic()
equal(volley("pause", "paused").returncode, 0, "pause")
true(time.monotonic() - start < 1, f"pause took {time.monotonic() - start:.1f} s")
PY
expect 75 wait "$pid"
state_is paused paused || fail "not paused"
"$volley" show paused --json >paused.books
expect 75 "$volley" send paused.json 2>send.err
grep -q 'volley resume paused' send.err || fail "send of a paused job: $(cat send.err)"
background resume "$volley" resume paused --json

# cancel: what is not on its way stays here, and the books say so.
job cancelled '"channels": ["email"]'
background send "$volley" send cancelled.json --json
until_true 5 running cancelled email
expect 0 "$volley" cancel cancelled >/dev/null
wait "$pid" || :
expect 65 "$volley" cancel cancelled 2>/dev/null
expect 0 "$volley" send cancelled.json >/dev/null 2>send.err

# A wish to cancel that meets a job which is just being paused is not lost.
job both '"channels": ["push"]'
background send "$volley" send both.json --json
until_true 5 running both push
kill -INT "$pid"
expect 0 "$volley" cancel both >both.out 2>both.err
state_is both cancelled || fail "cancel said: $(cat both.out)"
wait "$pid" || :

# What comes too late is not sent, and says so.
job late '"expires_at": "2026-01-01T00:00:00Z", "audience": {"snapshot": "snapshots/studio.arrow",
    "recipients": ["c1", "c2", "c3"]}'
expect 1 "$volley" send late.json --json >late.books 2>late.err
grep -q "3 messages were not sent" late.err || fail "an expired job: $(cat late.err)"
expect 65 "$volley" resume never-seen 2>never.err
grep -q never-seen never.err || fail "resume of an unknown id: $(cat never.err)"
until_true 10 grep -q finished resume.out
"$volley" show cancelled --json >cancelled.books
stop "$sandbox_pid"

check <<'PY'
half = channel(books("paused.books", state="paused"), "sms")
true(0 < half["sent"] < 1200 and half["pending"] == 1200 - half["sent"], f"paused midway: {half}")
sms = channel(books("resume.out"), "sms")
equal((sms["planned"], sms["sent"]), (1200, 1200), "sms: planned, sent")
equal(sorted(m["to"] for m in box("sms")), [f"+39333{i:07}" for i in range(1, 1201)], "recipients")

email = channel(books("cancelled.books", named=["email"], state="cancelled"), "email")
true(email["cancelled"] > 0 and email["sent"] > 0, f"cancelled midway: {email}")
equal(email["sent"] + email["cancelled"], 1200, "email: sent or cancelled")
equal(len(box("email")), email["sent"], "emails in the sandbox")

late = channel(books("late.books"), "sms")
equal((late["planned"], late["expired"]), (3, 3), "late: planned, expired")
PY
