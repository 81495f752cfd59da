#!/bin/sh
# Hours that begin and end while a job runs, with its clock set (shift_clock.c) to a few seconds before:
# what waits goes when they begin, be it in an hour that the clocks skip; what does not get out before
# they end does not go later, be it on its way to the provider or to be tried again.
. "$(dirname "$0")/../scenario/lib.sh"
cc=${CC:-gcc}
"$cc" -shared -fPIC -O2 -o shift_clock.so "$lib/shift_clock.c"
studio
refusing_port=$(free_ports 1)
account studio '"tier": "endless"'
configure 'retry: {first: 5s}'
sed -i "s/smtp:\/\/127.0.0.1:$smtp_port/smtp:\/\/127.0.0.1:$refusing_port/" volley.yaml
check <<'PY'
write_csv("customers.csv", [person(i, timezone="Europe/Rome", visits_count=i) for i in range(1, 301)])
PY
import_customers
at() { # TIME COMMAND...: at that time
    CLOCK_START=$(date -d "$1" +%s)
    shift
    export CLOCK_START LD_PRELOAD="$work/shift_clock.so"
    "$@"
    unset CLOCK_START LD_PRELOAD
}
first() { # COUNT: only so many customers
    printf '"audience": {"snapshot": "snapshots/studio.arrow", "where": "visits_count <= %s"}' "$1"
}
window() { printf '"delivery_window": {"start": "%s", "end": "%s"}' "$1" "$2"; }

set -- $(free_ports 1)
sandbox --latency 160ms
background refusing "$volley" sandbox --listen-smtp "127.0.0.1:$refusing_port" \
    --listen-http "127.0.0.1:$1" --dir refused --error-rate 1
until_true 5 grep -qw ready refusing.err

# The window begins at 02:30, which is not on this day: at 03:00, in four seconds.
job begins "$(window 02:30 23:00), $(first 100)"
at 2026-03-29T00:59:56Z background begins "$volley" send begins.json --json
begins=$pid
# It ends in four seconds: messages with intents come back. The job is over before the next window.
over='"expires_at": "2026-11-24T08:00:00Z"'
job ends "$(window 09:00 20:00), $over"
at 2026-11-23T18:59:56Z background ends "$volley" send ends.json --json
ends=$pid
# The same with a rate of its own.
job paced "$(window 09:00 20:00), $over, \"limits\": {\"max_message_rate\": \"20/s\"}"
at 2026-11-23T18:59:56Z background paced "$volley" send paced.json --json
paced=$pid
# Refused at first, with some seconds to wait: then it is quiet.
job retried "$(window 09:00 20:00), $over, $(first 5), \"channels\": [\"email\"], \"auto_hold\": {\"enabled\": false}"
at 2026-11-23T18:59:56Z background retried "$volley" send retried.json --json
expect 1 wait "$pid"
expect 1 wait "$paced"
expect 1 wait "$ends"
expect 0 wait "$begins"
grep -q "messages were not sent" ends.err || fail "expired: $(cat ends.err)"
for id in begins ends paced retried; do
    "$volley" messages --job "$id" --json >"$id.messages"
done
check <<'PY'
def outcomes(id, name="sms"):
    report = books(f"{id}.out", named=[name])
    times = sorted(m["at"] for m in lines(f"{id}.messages") if m["status"] == "sent")
    return channel(report, name), times

sms, times = outcomes("begins")
equal(sms["sent"], 100, "begins: sent")
true("2026-03-29T01:00:00" <= times[0] <= times[-1] < "2026-03-29T01:01:00", f"begins: {times[0]} to {times[-1]}")
for id, least, most in (("ends", 1, 299), ("paced", 1, 100)):
    sms, times = outcomes(id)
    true(least <= sms["sent"] <= most, f"{id}: {sms}")
    equal(sms["expired"], 300 - sms["sent"], f"{id}: expired")
    true(times[-1] <= "2026-11-23T19:00:00Z", f"{id}: the last one at {times[-1]}")
sms, times = outcomes("retried", "email")
equal((sms["sent"], sms["expired"]), (0, 5), "retried: sent, expired")
true(all(m["attempts"] >= 1 for m in lines("retried.messages")), "retried: attempts")
PY
