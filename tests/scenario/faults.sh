#!/bin/sh
# Providers that fail: errors, push-back, lost replies. Every planned message ends as sent, failed
# or unknown, what was refused for now is sent later, and the books close.
. "$(dirname "$0")/../scenario/lib.sh"
studio
account studio '"tier": "endless"'
configure 'retry: {first: 20ms, max: 100ms}, timeout: 2s'
customers 150

one() { # NAME SANDBOX OPTIONS...
    name=$1
    shift
    rm -rf box
    sandbox "$@"
    job "$name" '"channels": ["sms", "email", "push"]'
    "$volley" send "$name.json" --json >"$name.books" 2>"$name.err" || [ $? = 1 ] || fail "$name: $(cat "$name.err")"
    stop "$sandbox_pid"
    mv box "$name.box"
    mv sandbox.out "$name.sandbox"
}
one errors --error-rate 0.2 --seed 3
one throttled --throttle 700/s
one dropped --drop-replies 0.05 --seed 5

# A provider that never gets better: after give_up a message has failed.
configure 'retry: {first: 20ms, max: 50ms, give_up: 400ms}'
rm -rf box
sandbox --error-rate 1
job hopeless '"channels": ["email"], "audience": {"snapshot": "snapshots/studio.arrow", "recipients": ["c1", "c2"]}'
expect 1 timeout 8 "$volley" send hopeless.json --json >hopeless.books 2>hopeless.err

check <<'PY'
for name in "errors", "throttled", "dropped":
    report = books(f"{name}.books", named=("sms", "email", "push"))
    for kind in "sms", "email", "push":
        c, got = channel(report, kind), box(kind, f"{name}.box")
        equal(c["planned"], 150, f"{name}: {kind}: planned")
        equal(c["sent"] + c["unknown"] + c["failed"], 150, f"{name}: {kind}: all accounted for")
        to = {m["to"] for m in got}
        true(c["sent"] <= len(to) <= c["sent"] + c["unknown"], f"{name}: {kind}: {len(to)} in the sandbox, {c}")
        # What may have arrived is sent again only where it carries the same id.
        if kind == "sms":
            equal(len(got), len(to), f"{name}: sms: nobody twice")
        else:
            equal(len({m["id"] for m in got}), len(to), f"{name}: {kind}: a second copy has the same id")
            equal(c["unknown"], 0, f"{name}: {kind}: unknown is sent again")
    box_counts = load(f"{name}.sandbox")
    true(box_counts[{"errors": "errors", "throttled": "throttled", "dropped": "dropped"}[name]] > 5,
         f"{name}: the sandbox did its worst: {box_counts}")
# 451 and 429 are refusals for now: all are sent in the end. A 500 of Twilio's may have been taken.
for name, kinds in (("errors", ("email", "push")), ("throttled", ("sms", "email", "push"))):
    for kind in kinds:
        equal(channel(load(f"{name}.books"), kind)["sent"], 150, f"{name}: {kind}: sent in the end")
equal(channel(load("dropped.books"), "sms")["sent"], 150, "what became of a lost reply of Twilio's is looked up")
email = channel(books("hopeless.books", named=["email"]), "email")
equal((email["sent"], email["failed"]), (0, 2), "hopeless: sent, failed")
PY
