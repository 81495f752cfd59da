#!/bin/sh
# Quiet hours and delivery windows on each customer's clock: who gets the message now, who waits until
# when, over a stop, a kill and a restart, changes of the clock and the end of a job. The oracle is
# Python's zoneinfo.
. "$(dirname "$0")/../scenario/lib.sh"
studio
account studio '"tier": "endless"'
cat >>helper_zones.py <<'PY'
import datetime, zoneinfo
ZONES = [f"Etc/GMT{i:+d}" for i in range(-14, 13) if i] + ["Asia/Kathmandu", "America/St_Johns", "", "Mars/Base"]

def zone_of(i):
    return ZONES[i % len(ZONES)]

def local(i, now):
    name = zone_of(i)
    known = name.startswith(("Etc", "Asia", "America"))
    return datetime.datetime.fromisoformat(now).astimezone(zoneinfo.ZoneInfo(name if known else "Europe/Rome"))

def inside(i, now):  # delivery_window 09:00 to 20:00
    return 9 <= local(i, now).hour < 20
PY
export PYTHONPATH="$PYTHONPATH:$work"
check <<'PY'
from helper_zones import *
write_csv("customers.csv", [person(i, timezone=zone_of(i)) for i in range(1, 301)])
PY
import_customers
sandbox
sends() { wc -l <"box/sms.ndjson" 2>/dev/null || echo 0; }
waits() { "$volley" show "$1" | grep -q "wait for their customers' hours"; }

# What plan says, what goes out now, what waits; cancelled, the books balance.
window='"delivery_window": {"start": "09:00", "end": "20:00"}'
job cancelled "$window"
export VOLLEY_NOW=2026-11-23T12:00:00Z
background cancelled "$volley" send cancelled.json --json
until_true 5 waits cancelled
expect 0 "$volley" cancel cancelled >/dev/null
expect 0 wait "$pid"
check <<'PY'
from helper_zones import *
now = {f"+39333{i:07}" for i in range(1, 301) if inside(i, "2026-11-23T12:00:00+00:00")}
equal({m["to"] for m in box("sms")}, now, "who is inside the window")
sms = channel(books("cancelled.out", state="cancelled"), "sms")
equal((sms["sent"], sms["cancelled"]), (len(now), 300 - len(now)), "sent, cancelled")
true(0 < len(now) < 300, "some inside, some outside")
PY

# Marketing keeps everybody's quiet hours and its own; what is not marketing its own alone.
echo 'marketing_quiet_hours: 20:00-09:00' >>volley.yaml
job offer '"category": "marketing", "template": "offer"'
job narrower '"category": "marketing", "template": "offer", "quiet_hours": {"start": "12:00", "end": "09:00"}'
job receipt
for id in offer narrower receipt; do "$volley" plan "$id.json" --json >"$id.plan"; done
check <<'PY'
from helper_zones import *
NOW = "2026-11-23T12:00:00+00:00"
def waiting(id): return sum(w["messages"] for w in load(f"{id}.plan")["channels"]["sms"].get("waits", []))
equal(waiting("offer"), sum(not inside(i, NOW) for i in range(1, 301)), "marketing that waits")
equal(waiting("narrower"), sum(not 9 <= local(i, NOW).hour < 12 for i in range(1, 301)), "both hours")
equal(waiting("receipt"), 0, "a receipt waits")
PY

# Stopped while it waits, at once; killed; each time it goes on where it was, and sends to those alone
# whose hours it is.
job rest "$window"
"$volley" plan rest.json --json >plan.json
background rest "$volley" send rest.json --json
until_true 5 waits rest
kill -TERM "$pid"
expect 75 wait "$pid"
"$volley" show rest --json >rest.stopped
VOLLEY_NOW=2026-11-23T13:00:00Z
background rest "$volley" resume rest --json
until_true 5 waits rest
stop "$pid" KILL
"$volley" show rest --json >rest.killed
VOLLEY_NOW=2026-11-23T22:30:00Z
background rest "$volley" resume rest --json
until_true 5 waits rest
kill -TERM "$pid"
expect 75 wait "$pid"
VOLLEY_NOW=2026-11-24T01:00:00Z
expect 0 "$volley" resume rest --json >rest.books
unset VOLLEY_NOW
check <<'PY'
from helper_zones import *
NOW = "2026-11-23T12:00:00+00:00"
def number(m): return int(m["to"][-7:])
waits = load("plan.json")["channels"]["sms"]["waits"]
want = collections.Counter()
for i in range(1, 301):
    if not inside(i, NOW):
        at = datetime.datetime.fromisoformat(NOW)
        while not inside(i, at.isoformat()):
            at += datetime.timedelta(minutes=15)
        want[at.strftime("%Y-%m-%dT%H:%M:%SZ")] += 1
equal({w["until"]: w["messages"] for w in waits}, dict(want), "plan: waits")
said = load("plan.json")["warnings"]
equal(len(said), 2, f"warnings about zones in {said}")
true("10 customers have a time zone that nobody knows, like \"Mars/Base\"" in said[0], said)
true("10 customers have no time zone" in said[1], said)

first = sum(inside(i, NOW) for i in range(1, 301))
stopped = channel(books("rest.stopped", state="paused"), "sms")
equal((stopped["sent"], stopped["pending"]), (first, 300 - first), "stopped: sent, pending")
killed = channel(load("rest.killed"), "sms")
equal(killed["sent"], sum(inside(i, NOW) or inside(i, "2026-11-23T13:00:00+00:00") for i in range(1, 301)), "killed: sent")
sms = channel(books("rest.books"), "sms")
equal(sms["sent"], 300, "sent in the end")
equal(sorted(collections.Counter(number(m) for m in box("sms")).items()),
      sorted(collections.Counter([i for i in range(1, 301) if inside(i, NOW)] + list(range(1, 301))).items()),
      "each customer's messages")
PY
