#!/bin/sh
# frequency_cap: two marketing messages in a week, over all jobs and channels, also of a job that still
# runs; failed ones do not count, transactional ones are never one too many, and the plan agrees. Of jobs
# that start at once the later one counts what the earlier one has planned, a killed one too; a damaged
# journal stops nobody.
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

# Four jobs at once, slow enough to overlap: each customer gets one. Killed before it is said who
# starts, a job comes after those that started meanwhile; killed after that, before them.
account third '"tier": "endless"'
third="$offer, \"account\": \"third\", \"channels\": [\"email\"]"
cp volley.yaml once.yaml
for i in 1 2 3 4; do
    job "at$i" "$third, \"limits\": {\"max_message_rate\": \"200/s\"}"
    cp "at$i.json" spool/incoming/
done
serve
all_done() { [ "$(ls spool/done | grep -c '^at')" = 4 ]; }
until_true 10 all_done
stop "$serve_pid"
for i in 1 2 3 4; do "$volley" show "at$i" --json >"at$i.books"; done
for place in planned recorded; do
    account "$place" '"tier": "endless"'
    job "killed-$place" "$offer, \"account\": \"$place\", \"channels\": [\"email\"]"
    job "next-$place" "$offer, \"account\": \"$place\", \"channels\": [\"push\"]"
    VOLLEY_FAILPOINT="start-$place" "$volley" send "killed-$place.json" >/dev/null 2>&1 || :
    expect 0 "$volley" send "next-$place.json" --json >"next-$place.books" 2>/dev/null
    expect 0 "$volley" resume "killed-$place" --json >"killed-$place.books" 2>/dev/null
done

# A damaged journal: it is said, and those it planned count. Where there was no cap when it started,
# nobody knows whom it planned, and everybody counts until its folder is moved away.
account broken '"tier": "endless"'
broken="$offer, \"account\": \"broken\", \"channels\": [\"email\"]"
few="\"audience\": {\"snapshot\": \"snapshots/studio.arrow\", \"recipients\": $(some 1 31)}"
damage() { printf 'damaged damaged' | dd of="outbox/$1/journal.0000" bs=1 seek=4 conv=notrunc 2>/dev/null; }
run 0 hurt "$broken, $few"
damage hurt
job around "$broken"
expect 0 "$volley" plan around.json --json >around.plan 2>around.err
rm outbox/hurt/planned.customers
expect 0 "$volley" plan around.json --json >all.plan 2>all.err
mv outbox/hurt hurt.away
expect 0 "$volley" plan around.json --json >away.plan 2>/dev/null
mv hurt.away outbox/hurt

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
at = [channel(load(f"at{i}.books"), "email") for i in (1, 2, 3, 4)]
equal(sorted((c["sent"], c["suppressed"].get("frequency_cap", 0)) for c in at),
      [(0, 200)] * 3 + [(200, 0)], "one of four gets them all")


def sent(id, name): return channel(load(f"{id}.books"), name)["sent"]


equal((sent("killed-planned", "email"), sent("next-planned", "push")), (0, 200), "killed before it was known")
equal((sent("killed-recorded", "email"), sent("next-recorded", "push")), (200, 0), "killed after that")
mails = collections.Counter(m["to"] for m in box("email") if "third.example" in m["from"])
equal((len(mails), set(mails.values())), (200, {1}), "mails of third, a customer")
planned = [channel(load(f"{name}.plan"), "email")["suppressed"].get("frequency_cap", 0) for name in ("around", "all", "away")]
equal(planned, [30, 200, 0], "around a damaged journal")
has = [[w for w in load(f"{name}.plan")["warnings"] if "frequency_cap: job hurt" in w] for name in ("around", "all", "away")]
equal([len(w) for w in has], [1, 1, 0], "warnings")
true("everybody it planned" in has[0][0] and "everybody in its snapshot" in has[1][0], has)
PY
