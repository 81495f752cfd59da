#!/bin/sh
# kill -9 of `send` at random moments, then `resume`: the books close, nothing is lost, and what
# may be twice is at most what was on its way when it happened (R35). A SIGTERM is a pause.
. "$(dirname "$0")/../scenario/lib.sh"
studio
account studio '"tier": "endless"'
configure 'retry: {first: 50ms}'
people=1500 kills=6
customers $people
# Slow enough that every kill finds it at work.
job all '"channels": ["sms", "email", "push"], "limits": {"max_message_rate": "1500/s"}'
sandbox --latency 3ms

check $kills <<'PY' >moments
dice = random.Random(11)
for _ in range(int(sys.argv[1])): print(f"{dice.uniform(.02, .25):.3f}")
PY
# The first kill comes at any moment of the start, the others while messages go out.
taken() { cat box/*.ndjson 2>/dev/null | wc -l; }
more_taken() { [ "$(taken)" -gt "$before" ]; }
begun=:
for moment in $(cat moments); do
    before=$(taken)
    background send "$volley" send all.json
    $begun
    begun="until_true 10 more_taken"
    sleep "$moment"
    stop "$pid" KILL
done
"$volley" show all --json >killed.json

# Asked nicely, it stops at a safe point and says how to go on.
before=$(taken)
background send "$volley" send all.json
until_true 10 more_taken
stop "$pid"
grep -q 'volley resume all' send.err || grep -q finished send.out || fail "SIGTERM: $(cat send.err)"
"$volley" resume all --json >books.json || [ $? = 1 ] # 1: some are unknown
expect 0 "$volley" send all.json >again.out 2>again.err
grep -q 'already sent' again.err || fail "sent again: $(cat again.err)"
stop "$sandbox_pid"

# A message is on its way at most this often per kill: what is intended ahead for one provider.
check $people $kills <<'PY'
people, kills = int(sys.argv[1]), int(sys.argv[2])
true(channel(load("killed.json"), "sms")["pending"] > 0, "the kills came too late to prove anything")
report = books(named=("sms", "email", "push"))
most = kills * 512
for name in "email", "push":
    # Sent again where it can be told apart: the Message-ID, the Idempotency-Key.
    got, c = box(name), channel(report, name)
    equal((c["planned"], c["sent"]), (people, people), f"{name}: planned, sent")
    equal(len({m["id"] for m in got}), people, f"{name}: different messages")
    equal(len({m["to"] for m in got}), people, f"{name}: different customers")
    true(len(got) - people <= most, f"{name}: {len(got) - people} messages twice")
# Twilio has no idempotency key: never twice, and what nobody can know is counted as unknown.
got, c = box("sms"), channel(report, "sms")
equal(c["sent"] + c["unknown"], people, "sms: sent or unknown")
equal(len({m["to"] for m in got}), len(got), "sms: a customer once")
true(c["sent"] <= len(got) <= c["sent"] + c["unknown"], "sms: in the sandbox")
true(c["unknown"] <= most, f"sms: {c['unknown']} unknown")
print(kills, "kills:", c["unknown"], "SMS unknown,", len(box("email")) - people, "emails and",
      len(box("push")) - people, "pushes twice")
PY
