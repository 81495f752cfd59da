#!/bin/sh
# frequency_cap: two marketing messages in a week, over all jobs and channels, also of a job that still
# runs; failed ones do not count, transactional ones are never one too many, and the plan agrees.
. "$(dirname "$0")/../scenario/lib.sh"
studio
customers 200
capped() { # the lib's configuration with a cap of COUNT
    configure 'retry: {attempts: 1}'
    echo "frequency_cap: {messages: $1, window: 7d}" >>volley.yaml
}
capped 2
offer='"category": "marketing", "template": "offer", "auto_hold": {"enabled": false}'
some() { python3 -c 'import json, sys; a, b = map(int, sys.argv[1:]); print(json.dumps([f"c{i}" for i in range(a, b)]))' "$@"; }
run() { # STATUS ID KEYS
    job "$2" "$3"
    expect 0 "$volley" plan "$2.json" --json >"$2.plan" 2>/dev/null
    expect "$1" "$volley" send "$2.json" --json >"$2.books" 2>/dev/null
}

sandbox --error-rate 1
run 1 refused "$offer, \"channels\": [\"email\"]" # nobody got it
stop "$sandbox_pid"
sandbox
run 0 half "$offer, \"channels\": [\"email\"], \"audience\": {\"snapshot\": \"snapshots/studio.arrow\", \"recipients\": $(some 1 101)}"
run 0 both "$offer, \"channels\": [\"push\", \"email\"]"
run 0 full "$offer, \"channels\": [\"email\"]"
run 0 waiver '"channels": ["email"]'

# A job that is still running counts with what it has planned.
capped 3
job slow "$offer, \"channels\": [\"email\"], \"limits\": {\"max_message_rate\": \"20/s\"}"
background send "$volley" send slow.json --json
planned() { "$volley" show slow --json | grep -q '"planned":200'; }
until_true 5 planned
job behind "$offer, \"channels\": [\"push\"]"
expect 0 "$volley" send behind.json --json >behind.books 2>/dev/null
expect 0 "$volley" cancel slow >/dev/null

# What may have arrived counts, but is no reason not to send that very message once more.
stop "$sandbox_pid"
account other '"tier": "endless"'
capped 1
configure 'on_unknown: hold'
echo 'frequency_cap: {messages: 1, window: 7d}' >>volley.yaml
sandbox --drop-replies 0.3
run 1 lost "$offer, \"account\": \"other\", \"channels\": [\"email\"]"
stop "$sandbox_pid"
sandbox
expect 0 "$volley" resend lost --only unknown --json >lost2.books 2>/dev/null
run 0 after "$offer, \"account\": \"other\", \"channels\": [\"email\"]"

check <<'PY'
def counts(id, name):
    plan, c = load(f"{id}.plan")["channels"][name], channel(load(f"{id}.books"), name)
    agree(load(f"{id}.plan"), load(f"{id}.books"))
    return c["sent"], c["suppressed"].get("frequency_cap", 0)
equal(channel(load("refused.books"), "email")["failed"], 200, "all refused")
equal(counts("half", "email"), (100, 0), "the first hundred")
equal(counts("both", "push"), (200, 0), "push comes first in the job")
equal(counts("both", "email"), (100, 100), "who had one has had two by now")
equal(counts("full", "email"), (0, 200), "everybody has two")
equal(counts("waiver", "email"), (200, 0), "transactional")
lost, again = (channel(load(f"{name}.books"), "email") for name in ("lost", "lost2"))
true(lost["unknown"] > 20, lost)
equal((again["planned"], again["sent"]), (lost["unknown"], lost["unknown"]), "lost replies, once more")
equal(counts("after", "email"), (0, 200), "everybody has one")
behind = channel(load("behind.books"), "push")
equal((behind["sent"], behind["suppressed"].get("frequency_cap", 0)), (0, 200), "behind a running job")
PY
