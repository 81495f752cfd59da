#!/bin/sh
# One slot, and a queue behind it: pause, cancel and resume of what waits and of what runs, by control
# files and from a terminal; priorities; what the status files say.
. "$(dirname "$0")/lib.sh"
studio
account studio '"tier": "endless"'
echo 'max_active_jobs: 1' >>volley.yaml
customers 900
sandbox --latency 25ms
serve

drop() { cp "$1" "spool/tmp/$1" && mv "spool/tmp/$1" "spool/incoming/$1"; }
control() { # NAME JOB WISH
    echo "{\"job\": \"$2\", \"do\": \"$3\"}" >"spool/tmp/$1" && mv "spool/tmp/$1" "spool/incoming/$1"
}
status_is() { grep -q "\"state\":\"$2\"" "spool/status/$1.json"; }
# within SECOND: what must be true then, and how long it took
within() {
    python3 - "$@" <<'PY'
import subprocess, sys, time
start = time.monotonic()
while subprocess.run(["grep", "-q", sys.argv[2], sys.argv[1]], stderr=subprocess.DEVNULL).returncode:
    if time.monotonic() - start > 30: sys.exit(f"{sys.argv[1:]}: not after {time.monotonic() - start:.1f} s")
    time.sleep(.02)
took = time.monotonic() - start
print(f"{took:.2f} s: {sys.argv[2]} in {sys.argv[1]}")
if took > float(__import__("os").environ.get("PATIENCE_S", "5")): sys.exit(f"{sys.argv[1:]}: took {took:.1f} s")
PY
}

few='"channels": ["email"], "audience": {"snapshot": "snapshots/studio.arrow", "recipients": ["c1", "c2"]}'
job big '"limits": {"max_message_rate": "40/s"}'
drop big.json
until_true 5 status_is big running
for name in kept struck later a b; do job $name "$few, \"priority\": \"low\""; drop $name.json; done
job urgent "$few"
drop urgent.json
until_true 5 status_is urgent waiting

control one.control.json kept pause
within spool/status/kept.json '"state":"paused"'
test -f spool/hold/kept.json || fail "a job that was paused while it waited is not in hold/"
control two.control.json struck cancel
within spool/status/struck.json '"state":"cancelled"'
test -f spool/done/struck.json || fail "a job that was cancelled while it waited is not in done/"
expect 0 "$volley" pause later >/dev/null
status_is later paused || { sleep 0.3; status_is later paused; } || fail "paused from a terminal"
expect 0 "$volley" resume later --spool >/dev/null
expect 0 "$volley" cancel later >/dev/null
expect 65 "$volley" resume later --spool 2>/dev/null

# The one that runs; what had an intent is still answered.
control three.control.json big pause
within spool/status/big.json '"state":"paused"'
cp spool/status/big.json big.paused
until_true 10 test -f spool/done/urgent.json
until_true 10 test -f spool/done/a.json
until_true 10 test -f spool/done/b.json
control four.control.json big resume
until_true 10 status_is big running
control five.control.json big cancel
within spool/status/big.json '"state":"cancelled"'
control six.control.json kept resume
until_true 10 test -f spool/done/kept.json

# What cannot be: a job nobody knows, one that is over, a wish nobody understands.
control nobody.control.json nobody pause
control over.control.json struck pause
control odd.control.json kept explode
for name in nobody over odd; do
    until_true 5 test -f "spool/failed/$name.control.json.error.json"
done

# The id is the key, for years: the same again sends nothing, another content is refused, also when
# the job's folder is gone.
cp -r box before
rm -r outbox/a
drop a.json
until_true 5 grep -q 'already sent' serve.err
job a "$few, \"priority\": \"high\""
drop a.json
until_true 5 test -f spool/failed/a.json.error.json
grep -q 'another content' spool/failed/a.json.error.json || fail "$(cat spool/failed/a.json.error.json)"
stop "$serve_pid"
stop "$sandbox_pid"

check <<'PY'
paused, big = load("big.paused"), load("spool/status/big.json")
half, all_ = channel(paused, "sms"), channel(big, "sms")
true(0 < half["sent"] < 900, f"big was paused midway: {half}")
true(half["sent"] <= all_["sent"] < 900, f"big was cancelled midway: {all_}")
equal((all_["planned"], all_["sent"] + all_["cancelled"]), (900, 900), "big: all accounted for")
equal(len(box("sms")), all_["sent"], "SMS in the sandbox")
equal(len({m["to"] for m in box("sms")}), all_["sent"], "each once")
equal(len(box("email")), 8, "emails")
equal(box("email"), box("email", "before"), "nothing sent by what came again")
order = [line.split("job=")[1].split()[0] for line in open("serve.err") if "job started" in line]
equal(order[1], "urgent", f"high before low: {order}")
equal(volley_json("show", "struck")[0]["state"], "cancelled", "show of a job that never began")
equal([j for j in volley_json("jobs")[0] if j["job"] == "urgent"][0]["priority"], "high", "priority")
PY
