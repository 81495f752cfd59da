#!/bin/sh
# What was interrupted goes on by itself: `resume` without an id takes every interrupted job and leaves
# paused ones to a person, `resume --all` takes those too, and `serve` takes what `send` began. A job
# that another process is at is nobody else's.
. "$(dirname "$0")/../scenario/lib.sh"
studio
account studio '"tier": "endless"'
configure 'retry: {first: 50ms}, lookup_after: 50ms, max_message_rate: "1000/s"'
customers 100
sandbox

interrupt() { # ID PLACE: a job that is killed there
    job "$1" '"channels": ["email", "push"]'
    killed=0
    VOLLEY_FAILPOINT=$2 "$volley" send "$1.json" >/dev/null 2>&1 || killed=$?
    [ "$killed" = 137 ] || fail "$2: exit status $killed"
}

expect 0 "$volley" resume 2>none.err
grep -q 'no job was interrupted' none.err || fail "nothing to resume: $(cat none.err)"
interrupt half outcome-appended:100
interrupt unrecorded start-frozen
interrupt unclosed end-results
job paused '"channels": ["email"], "limits": {"max_message_rate": "30/s"}'
background paused "$volley" send paused.json
until_true 5 state_is paused running
"$volley" pause paused >/dev/null
until_true 5 state_is paused paused
job busy '"channels": ["push"], "limits": {"max_message_rate": "60/s"}'
background busy "$volley" send busy.json
until_true 5 sh -c 'grep -q . box/push.ndjson'
until_true 5 state_is busy running
kill -STOP "$pid" # it is at it as long as this test wants

expect 0 "$volley" resume >resumed.out 2>resumed.err
grep -q 'volley resume paused' resumed.err || fail "the paused one: $(cat resumed.err)"
for id in half unrecorded unclosed; do state_is "$id" finished || fail "$id did not go on"; done
state_is paused paused || fail "a paused job went on by itself"
state_is busy running || fail "a job that runs was taken from its process"
stop "$pid" KILL

# The daemon goes on with what `send` began, and puts its file into done/ like any other.
serve
until_true 10 state_is busy finished
until_true 5 test -f spool/done/busy.json
stop "$serve_pid"
expect 0 "$volley" resume --all >all.out 2>all.err
state_is paused finished || fail "--all: $(cat all.err)"
stop "$sandbox_pid"

check <<'PY'
for name in "email", "push":
    got = box(name)
    jobs = 4
    equal(len({m["id"] for m in got}), jobs * 100, f"{name}: different messages")
for job in "half", "unrecorded", "unclosed", "busy", "paused":
    report = volley_json("show", job)[0]
    for c in report["channels"].values():
        equal((c["sent"], c["planned"]), (100, 100), job)
PY
