#!/bin/sh
# Who gets how much of a provider that takes 600 a second: accounts the same, whatever the number of
# their jobs, and a transactional message overtakes every campaign. The sandbox is the witness.
. "$(dirname "$0")/../scenario/lib.sh"
studio
account gym
customers 4000
configure 'max_message_rate: "600/s"'
sandbox
serve

offer='"category": "marketing", "template": "offer", "channels": ["email"], "auto_hold": {"enabled": false}'
job campaign "$offer"
job gym-1 "$offer, \"account\": \"gym\""
job gym-2 "$offer, \"account\": \"gym\""
job booking '"account": "gym", "channels": ["email"],
             "audience": {"snapshot": "snapshots/studio.arrow", "recipients": ["c1", "c2", "c3"]}'
sent() { # at least so many mails
    [ "$(wc -l <box/email.ndjson)" -ge "$1" ]
}
"$volley" submit campaign.json
until_true 10 sent 400
"$volley" submit gym-1.json
"$volley" submit gym-2.json
until_true 10 grep -q gym.example box/email.ndjson
before=$(wc -l <box/email.ndjson)
until_true 10 sent $((before + 600))
began=$(date +%s%N)
"$volley" submit booking.json
until_true 5 state_is booking finished
took_ms=$((($(date +%s%N) - began) / 1000000))
until_true 10 sent $((before + 2400))
for id in campaign gym-1 gym-2; do "$volley" cancel "$id" >/dev/null; done

check "$before" "$took_ms" <<'PY'
before, took_ms = int(sys.argv[1]), int(sys.argv[2])
mails = [m["from"] for m in box("email")][before:before + 2400]
studio = sum("studio.example" in m for m in mails)
gym = sum("gym.example" in m for m in mails)
print(f"studio {studio}, gym with two jobs {gym}, three transactional mails in {took_ms} ms")
equal(studio + gym, len(mails), "mails of the two accounts")
true(0.85 < studio / gym < 1.18, f"one account got more: {studio} and {gym}")
true(took_ms < 2000, f"the transactional mails took {took_ms} ms behind the campaigns")
PY
