#!/bin/sh
# spread_over: an audience that lies skewed in its snapshot goes out evenly; a kill -9 and a resume keep
# the slots; pause and cancel are at once; max_message_rate stays the upper limit. The boxes of the sandbox
# say when messages came.
. "$(dirname "$0")/lib.sh"
workers=2
studio
account studio '"tier": "endless"'
customers 9000
sandbox
# arrivals: when how many messages had come to each box, often.
cat >arrivals.py <<'PY'
import time
while True:
    for box in ("email", "sms", "push"):
        with open(f"box/{box}.ndjson", "rb") as file:
            count = file.read().count(b"\n")
        with open(f"arrivals.{box}", "a") as out:
            out.write(f"{time.time()} {count}\n")
    time.sleep(0.02)
PY
cat >helper_spread.py <<'PY'
from helper import *
def arrived(box, start, end):
    """How many came to a box between two times."""
    counts = [line.split() for line in open(f"arrivals.{box}") if line.endswith("\n")]
    upto = lambda end: max([int(n) for t, n in counts if float(t) <= end], default=0)
    return upto(end) - upto(start)
def started(id):
    return load(f"outbox/{id}/frozen.json")["clock_ns"] / 1e9
PY
background arrivals python3 arrivals.py
arrivals_pid=$pid
sent() { "$volley" show "$1" --json | python3 -c 'import json, sys
sys.exit(json.load(sys.stdin)["channels"]["sms"]["sent"] < int(sys.argv[1]))' "$2"; }

# Three jobs at once. All of their audience are 300 customers at the front of the snapshot: by rows
# they would go at once. One is killed in the middle and goes on late: what was missed goes at once, the
# rest in its slots. For one the lower of two rates wins: 60 at 30/s take 2 s, spread over one.
front='"audience": {"snapshot": "snapshots/studio.arrow", "recipients": '$(python3 -c 'import json
print(json.dumps([f"c{i}" for i in range(1, 301)]))')'}'
job even '"spread_over": "3s", "channels": ["push"], '"$front"
job killed '"spread_over": "3s", '"$front"
job limited '"spread_over": "1s", "channels": ["email"], "limits": {"max_message_rate": "30/s", "max_recipients": 60}'
background even "$volley" send even.json --json
even=$pid
background limited "$volley" send limited.json --json
limited=$pid
background killed "$volley" send killed.json --json
until_true 5 sent killed 90
stop "$pid" KILL
expect 0 "$volley" resume killed --json >killed.books
expect 0 wait "$even"
expect 0 wait "$limited"
check <<'PY'
from helper_spread import *
push = books("even.out", named=("push",))
equal(channel(push, "push")["sent"], 300, "sent")
start = started("even")
thirds = [arrived("push", start + i, start + i + 1) for i in range(3)]
true(all(abs(n - 100) < 24 for n in thirds), f"thirds: {thirds}")
equal(arrived("push", 0, start + 4), 300, "in time")

sms = channel(books("killed.books"), "sms")
equal(sms["sent"] + sms["unknown"], 300, "sent, or in doubt at the kill")
true(sms["unknown"] <= 10, sms)
start = started("killed")
last = arrived("sms", start + 2, start + 3)
true(abs(last - 100) < 24, f"after the kill, in the last third: {last}")
true(300 - sms["unknown"] <= len({m["to"] for m in box("sms")}) == len(box("sms")), "once each")

limited = books("limited.out", named=("email",))
equal(channel(limited, "email")["sent"], 60, "sent")
true(1.6 < limited["elapsed_s"] < 4, limited["elapsed_s"])
PY

# Paused and cancelled at once, however much waits: 9000 over an hour.
job paused '"spread_over": "1h"'
background paused "$volley" send paused.json --json
until_true 5 sent paused 1
check <<'PY'
from helper_spread import *
def timed(verb, *args):
    begin = time.monotonic()
    equal(volley(verb, *args).returncode, 0, verb)
    true(time.monotonic() - begin < 1, f"{verb} took {time.monotonic() - begin:.1f} s")
timed("pause", "paused")
PY
expect 75 wait "$pid"
"$volley" show paused --json >paused.books
background paused "$volley" resume paused --json
resumed=$pid
sleep 0.5
"$volley" show paused | grep -q "wait for their turn in spread_over" || fail "show does not say what it waits for"
cancelled=$(date +%s%N)
expect 0 "$volley" cancel paused >cancel.out
expect 0 wait "$resumed"
[ $(($(date +%s%N) - cancelled)) -lt 2000000000 ] || fail "cancel took two seconds"
check <<'PY'
from helper_spread import *
half = channel(books("paused.books", state="paused"), "sms")
true(0 < half["sent"] < 60 and half["pending"] == 9000 - half["sent"], half)
sms = channel(books("paused.out", state="cancelled"), "sms")
true(sms["sent"] < 100 and sms["sent"] + sms["cancelled"] == 9000, sms)
PY

stop "$arrivals_pid"
