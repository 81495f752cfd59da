#!/bin/sh
# `volley outbox prune` and the key `retention`: what goes, what never does, what still works after it,
# and kill -9 in the middle of it.
. "$(dirname "$0")/../scenario/lib.sh"
studio
account studio '"tier": "endless"'
customers 60
sandbox
run_job() { # ID [JSON KEYS]
    job "$1" "${2:-}"
    "$volley" send "$1.json" >/dev/null 2>"$1.err" || [ $? = 1 ] || fail "$1: $(cat "$1.err")"
}
age() { # ID… : they ended a hundred days ago
    python3 - "$@" <<'PY'
import sqlite3, sys, time
db = sqlite3.connect("state.db", timeout=10)
old = time.time_ns() - 100 * 86400 * 10**9
for job in sys.argv[1:]: db.execute("UPDATE job SET started_ns = ?, finished_ns = ? WHERE id = ?", (old, old, job))
db.commit()
PY
}
left() { ls "outbox/$1" | tr '\n' ' '; }

for id in old young resent; do run_job "$id"; done
run_job offer '"category": "marketing", "template": "offer", "channels": ["email"]'
job slow '"limits": {"max_message_rate": "2/s"}'
background send "$volley" send slow.json
until_true 5 state_is slow running
stop "$pid" KILL
# A resend that waits in the spool needs the journal of the other job.
python3 - <<'PY'
import json
job = json.load(open("resent.json"))
job.update({"id": "resent.resend-failed", "resend": {"job": "resent", "only": "failed"}, "send_at": "2099-01-01T00:00:00Z"})
json.dump(job, open("spool/incoming/resend.json", "w"))
PY
age old resent offer slow
sed -i '$a frequency_cap: {messages: 3, window: 200d}' volley.yaml
find outbox -type f | sort >before
"$volley" messages --job old --json >old.before
"$volley" outbox prune --dry-run --json >dry.json
find outbox -type f | sort | cmp - before || fail "--dry-run removed something"
"$volley" outbox prune --json >pruned.json
expect 0 "$volley" outbox verify old >verify.out
grep -q '^old: pruned$' verify.out || fail "verify: $(cat verify.out)"
"$volley" messages --job old --json | cmp - old.before || fail "messages of a pruned job"
"$volley" show old --json >show.json
expect 65 "$volley" resend old --only failed 2>resend.err
grep -q 'pruned' resend.err || fail "resend: $(cat resend.err)"
"$volley" send old.json >/dev/null 2>again.err || fail "a known id: $(cat again.err)"
check <<'PY'
equal(load("dry.json")["jobs"], ["old"], "what would go")
equal(load("pruned.json")["jobs"], ["old"], "what went")
true(load("pruned.json")["bytes"] > 0, "bytes")
equal(load("show.json")["state"], "finished", "state")
import os
for job in "young", "resent", "offer", "slow":
    true(os.path.exists(f"outbox/{job}/journal.0000"), f"the journal of {job}")
equal(sorted(os.listdir("outbox/old")), sorted(["frozen.json", "job.json", "pruned.json", "report.html", "report.json", "results.arrow"]), "left of old")
equal(len(open("box/sms.ndjson").readlines()) >= 180, True, "nothing went twice")
PY
[ "$(grep -c '"to"' box/sms.ndjson)" -lt 240 ] || fail "old was sent again"

# Without a cap the offer may go; --results takes the folder.
sed -i '/frequency_cap/d' volley.yaml
"$volley" outbox prune --results --json >results.json
[ ! -e outbox/old ] && [ ! -e outbox/offer ] || fail "--results left a folder"
"$volley" show old --json >/dev/null
[ "$("$volley" messages --job old --count)" = 0 ] || fail "messages that are gone"
"$volley" send old.json >/dev/null 2>again.err || fail "an id whose folder is gone: $(cat again.err)"
[ ! -e outbox/old ] || fail "old was started again"

# serve: once at its start, all of them; kill -9 at any moment before.
many=$(seq -f 'm%g' 8)
for id in $many; do run_job "$id" '"channels": ["push"]'; done
age $many
for delay in 0.002 0.004 0.006 0.008 0.011 0.015; do
    "$volley" outbox prune >/dev/null 2>&1 &
    killed=$!
    sleep "$delay"
    kill -KILL "$killed" 2>/dev/null || :
    wait "$killed" 2>/dev/null || :
    expect 0 "$volley" outbox verify >verify.out
done
sed -i '$a retention: 30d' volley.yaml
serve
all_pruned() { for id in $many; do [ ! -e "outbox/$id/snapshot.arrow" ] || return 1; done; }
until_true 10 all_pruned
for id in $many; do
    [ "$(left "$id")" = "frozen.json job.json pruned.json report.html report.json results.arrow " ] || fail "$id: $(left "$id")"
done
[ -e outbox/resent/journal.0000 ] || fail "serve removed what a resend waits for"
[ -e outbox/young/journal.0000 ] || fail "serve removed a young job"
stop "$serve_pid"
echo "retention: old jobs go, what is needed stays, kill -9 in between leaves nothing behind"
