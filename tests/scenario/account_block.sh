#!/bin/sh
# `account block` stops what runs and what waits of an account, and of no other, within two seconds, and
# says so; what is cancelled meanwhile is closed; `unblock` lets the rest go on, and nobody gets it twice.
. "$(dirname "$0")/lib.sh"
studio
account other '"tier": "endless"'
account studio '"tier": "endless"'
customers 100
sandbox
slow='"channels": ["email"], "limits": {"max_message_rate": "50/s"}'
drop() { # ID KEYS
    job "$1" "$2"
    cp "$1.json" spool/incoming/
}
mails() { [ ! -f box/email.ndjson ] || wc -l <box/email.ndjson; }
says_blocked() { "$volley" show "$1" --json | grep -q "\"state\":\"$2\".*is blocked from sending: chargebacks\|is blocked from sending: chargebacks.*\"state\":\"$2\""; }

serve
drop slow "$slow"
drop doomed "$slow"
drop late '"send_at": "'"$(date -u -d '+2 seconds' +%FT%TZ)"'"'
until_true 5 state_is slow running
until_true 5 state_is doomed running
until_true 5 sh -c 'test "$(wc -l <box/email.ndjson)" -gt 5'
"$volley" account block studio --reason chargebacks >/dev/null
blocked=$(date +%s%N)
until_true 2 says_blocked slow waiting
until_true 2 says_blocked doomed waiting
echo $((($(date +%s%N) - blocked) / 1000000)) >blocked.ms
before=$(mails)
drop new ''
drop others '"account": "other", "channels": ["push"]'
until_true 5 state_is others finished
until_true 5 says_blocked new waiting
sleep 1.5 # the send_at of late has passed
says_blocked late waiting || fail "late: $("$volley" show late --json)"
[ "$(mails)" = "$before" ] || fail "$before mails, then $(mails)"
grep -l chargebacks spool/status/slow.json >/dev/null || fail "status: $(cat spool/status/slow.json)"
expect 0 "$volley" cancel doomed >/dev/null
until_true 5 state_is doomed cancelled
job fresh ''
expect 65 "$volley" send fresh.json 2>refused.err || :
grep -q 'is blocked from sending: chargebacks' refused.err || fail "send: $(cat refused.err)"

"$volley" account unblock studio >/dev/null
for id in slow late new; do until_true 10 state_is "$id" finished; done
[ -f spool/done/slow.json ] || fail "slow is not in done"
for id in slow doomed late new; do "$volley" show "$id" --json >"$id.books"; done
stop "$serve_pid"

# In a terminal: the process ends, `resume` goes on.
job here "$slow"
background send "$volley" send here.json
until_true 5 state_is here running
"$volley" account block studio --reason chargebacks >/dev/null
status=0
wait "$pid" || status=$?
[ "$status" = 75 ] || fail "send ended with $status: $(cat send.err)"
grep -q 'is blocked from sending: chargebacks; `volley resume here` goes on' send.err || fail "$(cat send.err)"
says_blocked here paused || fail "here: $("$volley" show here --json)"
expect 65 "$volley" resume here 2>/dev/null
"$volley" account unblock studio >/dev/null
expect 0 "$volley" resume here --json >here.books 2>/dev/null

check <<'PY'
equal(channel(load("slow.books"), "email")["sent"], 100, "slow")
equal(channel(load("here.books"), "email")["sent"], 100, "here")
equal([channel(load(f"{id}.books"), "sms")["sent"] for id in ("late", "new")], [100, 100], "late and new")
doomed = channel(load("doomed.books"), "email")
equal(doomed["sent"] + doomed["cancelled"], 100, "doomed")
true(doomed["cancelled"] > 20, doomed)
mails = collections.Counter(m["to"] for m in box("email"))
equal(sum(mails.values()), 200 + doomed["sent"], "mails")
true(max(mails.values()) <= 3, mails.most_common(3))
true(int(open("blocked.ms").read()) < 8000, open("blocked.ms").read())
PY
