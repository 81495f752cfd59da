#!/bin/sh
# `volley bench`: the curve against its own sandbox, and never a customer's address with a real
# provider. The peer is the sandbox here, which tells what it got.
. "$(dirname "$0")/../scenario/lib.sh"

# Without a home, into a pipe: plain text, nothing left behind.
mkdir empty tmp
TMPDIR=$PWD/tmp VOLLEY_HOME=$PWD/empty "$volley" bench --messages 400 >curve.txt 2>curve.err
grep -q "^providers:" curve.txt || fail "no settings: $(cat curve.txt)"
grep -q "  sandbox: {max_connections: [0-9]*, messages_per_connection: [0-9]*}" curve.txt || fail "$(cat curve.txt)"
grep -q "#####" curve.txt || fail "no chart"
test -z "$(find empty tmp -mindepth 1)" || fail "left behind: $(find empty tmp)"
for channel in sms push; do
    "$volley" bench --channel $channel --messages 200 --seconds 1 --json >$channel.json
done

studio
sandbox
# A real provider: no address, no confirmation, nothing sent.
expect 2 "$volley" bench relay 2>told.txt
grep -q -- "--to ADDRESS" told.txt || fail "$(cat told.txt)"
expect 2 "$volley" bench relay --to me@studio.example --messages 20 2>told.txt </dev/null
grep -q "at most 160 messages through relay to me@studio.example" told.txt || fail "$(cat told.txt)"
grep -q -- "--yes" told.txt || fail "$(cat told.txt)"
expect 78 "$volley" bench rely --to me@studio.example 2>told.txt
grep -q 'did you mean "relay"' told.txt || fail "$(cat told.txt)"
test ! -s box/email.ndjson || fail "something was sent"

# With both: what was announced at most, to that address alone, within max_connections of volley.yaml.
"$volley" bench relay --to me@studio.example --from hello@studio.example --messages 20 --yes --json >relay.json 2>told.txt
# Twilio's own test numbers where no address is given.
"$volley" bench twilio --messages 10 --yes --json >twilio.json 2>told.txt
check <<'PY'
for name in ("sms", "push", "relay", "twilio"):
    bench = load(f"{name}.json")
    true(bench["points"], bench)
    for point in bench["points"]:
        equal(point["failed"] + point["unknown"], 0, f"{name}: failed")
        true(point["rate_per_s"] > 0 and point["seconds"] > 0, point)
    best = max(p["rate_per_s"] for p in bench["points"] if p["sweep"] == "max_connections")
    chosen = bench["recommended"]["max_connections"]
    at = next(p for p in bench["points"] if p["max_connections"] == chosen)
    true(at["rate_per_s"] >= 0.9 * best, bench)
relay = load("relay.json")
got = box("email")
equal({mail["to"] for mail in got}, {"me@studio.example"}, "addresses")
equal({mail["from"] for mail in got}, {"hello@studio.example"}, "senders")
equal(len(got), sum(p["sent"] for p in relay["points"]), "messages")
true(len(got) <= 160, len(got))
true(max(p["max_connections"] for p in relay["points"]) <= 8, relay)
equal({sms["to"] for sms in box("sms")}, {"+12025550100"}, "numbers")
equal({sms["from"] for sms in box("sms")}, {"+15005550006"}, "senders of SMS")
true(not [f for f in os.listdir(".") if f.startswith(".bench")], "a home is left")
PY

# A provider that takes nothing is an error, not a rate of zero.
stop "$sandbox_pid"
expect 69 "$volley" bench relay --to me@studio.example --messages 5 --seconds 0.3 --yes 2>told.txt
# Ctrl-C ends it in order.
background stopped "$volley" bench
sleep 1
stop "$pid" INT
test -z "$(ls -d .bench* 2>/dev/null)" || fail "a home is left after Ctrl-C"
