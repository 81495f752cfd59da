#!/bin/sh
# A backup is restored under `volley serve --paused`: everything in it is taken in and shown, nothing goes
# out, also after a restart and of what is dropped meanwhile; one job goes on by itself, all with
# `resume --all`. `pause --all` does the same to a daemon that runs.
. "$(dirname "$0")/lib.sh"
studio
account studio '"tier": "endless"'
configure 'on_unknown: resend'
customers 100
sandbox
few='"channels": ["push"], "audience": {"snapshot": "snapshots/studio.arrow", "recipients": ["c1", "c2"]}'
drop() { cp "$1.json" "spool/tmp/$1.json" && mv "spool/tmp/$1.json" "spool/incoming/$1.json"; }
served() { # [OPTION]
    background serve "$volley" serve "$@"
    serve_pid=$pid
    until_true 5 grep -q serving serve.err
}
pushed() { grep -c '"to"' box/push.ndjson || :; }
is_paused() { for id in "$@"; do state_is "$id" paused && test -f "spool/hold/$id.json" || return 1; done; }
ended() { for id in "$@"; do state_is "$id" finished && test -f "spool/done/$id.json" || return 1; done; }

# The backup: a job in each place that a job can be in.
sed -i '$a max_active_jobs: 1' volley.yaml
serve
job running '"channels": ["push"], "limits": {"max_message_rate": "40/s"}'
drop running
until_true 5 state_is running running
for id in waiting later claimed; do job "$id" "$few"; done
python3 -c 'import json; j = json.load(open("later.json")); j["send_at"] = "2099-01-01T00:00:00Z"; json.dump(j, open("later.json", "w"))'
drop waiting
drop later
until_true 5 state_is waiting waiting
until_true 5 state_is later waiting
until_true 5 test "$(pushed)" -gt 5
stop "$serve_pid" KILL
job sent '"channels": ["push"]'
status=0
VOLLEY_FAILPOINT=outcome-appended:30 "$volley" send sent.json >/dev/null 2>&1 || status=$?
[ "$status" = 137 ] || fail "sent: $status"
status=0
job unrecorded "$few"
VOLLEY_FAILPOINT=start-frozen "$volley" send unrecorded.json >/dev/null 2>&1 || status=$?
[ "$status" = 137 ] || fail "unrecorded: $status"
drop claimed # lies in incoming
sed -i 's/max_active_jobs: 1/max_active_jobs: 4/' volley.yaml

served --paused
before=$(pushed)
until_true 5 is_paused running waiting later claimed unrecorded
state_is sent paused || fail "what a terminal began is not paused"
job new "$few"
drop new
until_true 5 is_paused new
grep -q 'resume --all' spool/status/new.json || fail "the status file does not say why"
"$volley" jobs | grep '^paused' | grep -c 'everything is paused' >said
[ "$(cat said)" = 7 ] || fail "jobs: $("$volley" jobs)"
stop "$serve_pid"
served # a service manager starts it again, without the option
grep -q 'everything is paused' serve.err || fail "a restart does not say that it is paused"
job newer "$few"
drop newer
until_true 5 is_paused newer
echo '{"job": "newer", "do": "resume"}' >spool/incoming/newer.control.json
until_true 5 test -f spool/failed/newer.control.json.error.json
[ "$(pushed)" = "$before" ] || fail "something went out"

# One by itself, the others with all; none twice.
expect 0 "$volley" resume newer --spool >/dev/null
until_true 10 ended newer
expect 0 "$volley" resume sent --spool >/dev/null
until_true 10 state_is sent finished
is_paused running waiting later claimed unrecorded new || fail "another one went on too"
expect 0 "$volley" resume --all >all.out
grep -q '^6 paused jobs go on' all.out || fail "resume --all: $(cat all.out)"
until_true 20 ended running waiting claimed unrecorded new
until_true 5 state_is later waiting
job free "$few"
drop free
until_true 10 ended free

# A daemon that runs: what is at it stops, what waits is held, a terminal's job too.
job big '"channels": ["push"], "limits": {"max_message_rate": "50/s"}'
drop big
job here '"channels": ["push"], "limits": {"max_message_rate": "50/s"}'
background here "$volley" send here.json
until_true 5 state_is big running
until_true 5 state_is here running
expect 0 "$volley" pause --all >/dev/null
until_true 5 is_paused big later
until_true 5 state_is here paused
expect 2 "$volley" pause 2>/dev/null
expect 2 "$volley" pause big --all 2>/dev/null
expect 0 "$volley" resume --all >/dev/null
until_true 20 ended big
until_true 20 state_is here finished
stop "$serve_pid"
check <<'PY'
got = collections.Counter(m["id"] for m in box("push"))
want = 4 * 100 + 6 * 2
equal(len(got), want, "different messages")
print(f"{sum(got.values()) - want} of {want} went twice, in doubt after the kills")
true(sum(got.values()) - want < 100, "more went twice than was in doubt")
PY
