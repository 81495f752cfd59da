#!/bin/sh
# kill -9 of the daemon with jobs in the spool: started again it goes on by itself, the books
# close and the job files end in done/ (R35). A SIGTERM lets it stop at a safe point.
. "$(dirname "$0")/../scenario/lib.sh"
studio
account studio '"tier": "endless"'
configure 'retry: {first: 50ms}, max_message_rate: "400/s"'
people=1500 kills=4
customers $people
job by-sms
job by-email '"channels": ["email"]'
sandbox --latency 10ms

serve
"$volley" submit by-sms.json >/dev/null
"$volley" submit by-email.json >/dev/null
check $kills <<'PY' >moments
dice = random.Random(5)
for _ in range(int(sys.argv[1])): print(f"{dice.uniform(.05, .3):.3f}")
PY
taken() { cat box/email.ndjson 2>/dev/null | wc -l; }
more_taken() { [ "$(taken)" -gt "$before" ]; }
before=0
for moment in $(cat moments); do
    until_true 10 more_taken
    sleep "$moment"
    stop "$serve_pid" KILL
    "$volley" show by-email --json >>killed.ndjson
    before=$(taken)
    serve
done
until_true 10 more_taken
kill -TERM "$serve_pid"
expect 0 wait "$serve_pid"
"$volley" jobs --json >stopped.json
serve
until_true 10 test -f spool/done/by-sms.json
until_true 10 test -f spool/done/by-email.json
"$volley" show by-sms --json >by-sms.books
"$volley" show by-email --json >by-email.books

# The same id dropped again is answered with done and sends nothing.
before=$(cat box/*.ndjson | wc -l)
"$volley" submit by-email.json >/dev/null
until_true 5 grep -q 'already sent' serve.err
[ "$(cat box/*.ndjson | wc -l)" = "$before" ] || fail "a job sent twice"
stop "$serve_pid"
stop "$sandbox_pid"

check $people $kills <<'PY'
people, kills = int(sys.argv[1]), int(sys.argv[2])
pending = [channel(r, "email")["pending"] for r in lines("killed.ndjson")]
true(all(0 < p < people for p in pending[:3]), f"the kills missed the job: {pending} pending")
true(all(j["state"] != "paused" for j in load("stopped.json")), "SIGTERM of serve is no pause")
report, got = books("by-sms.books"), box("sms")
c = channel(report, "sms")
equal(c["sent"] + c["unknown"], people, "sms: sent or unknown")
equal(len({m["to"] for m in got}), len(got), "sms: a customer once")
true(c["sent"] <= len(got) <= people, "sms: in the sandbox")
report, got = books("by-email.books", named=["email"]), box("email")
equal(channel(report, "email")["sent"], people, "email: sent")
equal(len({m["id"] for m in got}), people, "email: different messages")
true(len(got) - people <= kills * 512, "email: twice")
equal(os.listdir("spool/active") + os.listdir("spool/incoming") + os.listdir("spool/failed"), [], "spool")
print(kills, "kills:", c["unknown"], "SMS unknown,", len(got) - people, "emails twice")
PY
