#!/bin/sh
# A Twilio that takes messages and loses the replies: what became of each is looked up, so nobody is
# left unknown and nobody gets two, also when we are killed in the middle.
. "$(dirname "$0")/../scenario/lib.sh"
studio
account studio '"tier": "endless"'
customers 600
reconciled() { # ID: a job with words of its own
    job "$1" "\"vars\": {\"url\": \"https://studio.example/$1\"}"
}
configure 'on_unknown: hold, retry: {first: 50ms, max: 500ms}, timeout: 5s, lookup_after: 100ms'

sandbox --drop-replies 0.1 --seed 7
reconciled lost
expect 0 "$volley" send lost.json --json >lost.books 2>lost.err

# Killed in the middle, twice; what the journal holds in doubt is looked up by the next run.
configure 'on_unknown: hold, retry: {first: 50ms, max: 500ms}, timeout: 5s, lookup_after: 100ms, max_message_rate: "1000/s"'
reconciled killed
for count in 100 300; do
    background killed "$volley" send killed.json
    until_true 10 sh -c "[ \$(wc -l <box/sms.ndjson) -gt $((600 + count)) ]"
    stop "$pid" KILL
done
expect 0 "$volley" resume killed --json >killed.books 2>killed.err

# Send again, but only what Twilio does not know.
configure 'on_unknown: resend, retry: {first: 50ms, max: 500ms}, timeout: 5s, lookup_after: 100ms'
reconciled again
expect 0 "$volley" send again.json --json >again.books 2>again.err
stop "$sandbox_pid"

# Errors of Twilio's own, behind which it has taken nothing: unknown, with a reason.
mv box lost.box
mv sandbox.out lost.counts
sandbox --error-rate 0.3 --seed 7
configure 'on_unknown: hold, retry: {first: 20ms, max: 50ms}'
job errors '"audience": {"snapshot": "snapshots/studio.arrow", "where": "id LIKE '"'c1%'"'"}'
expect 1 "$volley" send errors.json --json >errors.books 2>errors.err
stop "$sandbox_pid"

check <<'PY'
got = box("sms", "lost.box")
true(load("lost.counts")["dropped"] > 50, "replies were dropped")
equal(len(got), 3 * 600, "messages at the sandbox: nobody twice")
equal(len({(m["to"], m["body"]) for m in got}), 3 * 600, "messages with words of their own")
for name in "lost", "killed", "again":
    c = channel(books(f"{name}.books"), "sms")
    equal((c["planned"], c["sent"], c["unknown"], c["failed"]), (600, 600, 0, 0), f"{name}: sms")
c = channel(books("errors.books"), "sms")
equal((c["sent"], c["failed"]), (len(box("sms")), 0), "errors: sent")
true(c["unknown"] > 10, "errors: unknown")
PY
