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
