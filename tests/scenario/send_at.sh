#!/bin/sh
# send_at and expires_at: before its time a job waits, in the foreground and in the daemon, also in one
# that was down at that time; after its end nothing goes out, and the books and the exit status say so.
. "$(dirname "$0")/../scenario/lib.sh"
studio
customers 3
sandbox
export VOLLEY_NOW=2026-11-23T09:00:00Z
when='"send_at": "2026-11-23T11:00:00+01:00", "expires_at": "2026-11-23T13:00:00+01:00"'

# In the foreground: not yet; in its time; too late, which `plan` knows before.
job early "$when"
expect 75 "$volley" send early.json 2>early.err
grep -q 'not due yet' early.err || fail "before send_at: $(cat early.err)"
[ ! -s box/sms.ndjson ] || fail "sent before send_at"
VOLLEY_NOW=2026-11-23T10:00:00Z
expect 0 "$volley" send early.json --json >early.books
job late "$when"
VOLLEY_NOW=2026-11-23T12:00:00Z
"$volley" plan late.json | grep -q '3 messages would expire unsent: "expires_at" is past' || fail "plan of a late job"
expect 1 "$volley" send late.json --json >late.books 2>late.err
grep -q '3 messages were not sent' late.err || fail "after expires_at: $(cat late.err)"

# The daemon: it knows of both while it waits; it is down over send_at of the one and expires_at of the
# other.
VOLLEY_NOW=2026-11-23T09:00:00Z
job spooled '"send_at": "2026-11-23T10:00:00Z"'
job missed "$when"
"$volley" submit spooled.json >/dev/null
"$volley" submit missed.json >/dev/null
serve
until_true 5 state_is spooled waiting
until_true 5 state_is missed waiting
stop "$serve_pid"
VOLLEY_NOW=2026-11-23T12:30:00Z
serve
until_true 5 state_is spooled finished
until_true 5 state_is missed finished
stop "$serve_pid"
"$volley" show spooled --json >spooled.books
"$volley" show missed --json >missed.books
check <<'PY'
for id, outcome in (("early", "sent"), ("late", "expired"), ("spooled", "sent"), ("missed", "expired")):
    sms = channel(books(f"{id}.books"), "sms")
    equal((sms["planned"], sms[outcome]), (3, 3), f"{id}: planned, {outcome}")
equal(len(box("sms")), 6, "messages in the sandbox")
equal(load("late.books")["quota"]["used_before"], 3, "late: segments used before")
equal(volley_json("quota", "studio")[0]["used"], 6, "segments used: what expired is not charged")
PY
