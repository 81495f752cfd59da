#!/bin/sh
# Two relays share a campaign. One is killed in the middle, later volley itself is killed, again and
# again, while relays go and come back: every message is at exactly one of them, or counted as unknown.
. "$(dirname "$0")/../scenario/lib.sh"
studio
customers 20000
set -- $(free_ports 2)
port_a=$1 port_b=$2
cat >volley.yaml <<YAML
public_url: https://studio.example
auto_hold: {enabled: no}
providers:
  a: {type: smtp, url: "smtp://127.0.0.1:$port_a", max_connections: 8, on_unknown: hold, retry: {first: 20ms, max: 200ms}}
  b: {type: smtp, url: "smtp://127.0.0.1:$port_b", max_connections: 8, on_unknown: hold, retry: {first: 20ms, max: 200ms}}
routes: {email: {a: 2, b: 1}}
tiers: {starter: {segments: 500}}
YAML

# relay NAME PORT DIR: pid_NAME; each time with a box of its own.
relay() {
    background "relay_$1" "$volley" sandbox --listen-smtp "127.0.0.1:$2" --listen-http 127.0.0.1:0 --dir "$3" --latency 2ms
    until_true 5 grep -qw ready "relay_$1.err"
    eval "pid_$1=$pid"
}
mails() { cat box*/email.ndjson 2>/dev/null | wc -l; }
more_than() { [ "$(mails)" -gt "$1" ]; }

relay a "$port_a" box_a
relay b "$port_b" box_b
job lost '"channels": ["email"]'
background lost "$volley" send lost.json --json
lost_pid=$pid
until_true 10 more_than 4000
stop "$pid_a" KILL
wait "$lost_pid" || [ $? = 1 ] || fail "send: $(cat lost.err)"
check <<'PY'
c = channel(books("lost.out", named=("email",)), "email")
a, b = ([m["to"] for m in box("email", f"box_{name}")] for name in "ab")
got = collections.Counter(a + b)
true(c["sent"] + c["unknown"] == 20000 and c["failed"] == 0, f"all accounted for: {c}")
equal(max(got.values()), 1, "the most that one customer got")
true(c["unknown"] < 500, f"only what was on its way is in doubt: {c}")
# The killed one may have taken a message and not have told its file.
true(20000 - c["unknown"] - 100 <= len(got) <= 20000, f"{len(got)} of {c}")
true(len(a) > 1000 and len(b) > 10000, f"what waited for a went to b: {len(a)}, {len(b)}")
PY

# Volley is killed at four points, each time with another relay out of order.
stop "$pid_b"
rm -rf box_*
relay b "$port_b" box_b
relay a "$port_a" box_a1
job killed '"channels": ["email"]'
for round in 1 2 3 4; do
    background killed "$volley" send killed.json --json
    killed_pid=$pid
    until_true 10 more_than $((round * 3000))
    case $round in
    1) stop "$pid_b" ;;
    2) relay b "$port_b" box_b2 ;;
    3) stop "$pid_a" ;;
    esac
    [ $((round % 2)) = 0 ] || until_true 10 more_than $((round * 3000 + 1500))
    stop "$killed_pid" KILL
done
relay a "$port_a" box_a2
"$volley" send killed.json --json >killed.books 2>killed.err || [ $? = 1 ] || fail "resume: $(cat killed.err)"
check <<'PY'
c = channel(books("killed.books", named=("email",)), "email")
got = collections.Counter(m["to"] for name in ("a1", "a2", "b", "b2") for m in box("email", f"box_{name}"))
true(c["sent"] + c["unknown"] == 20000 and c["failed"] == 0, f"all accounted for: {c}")
equal(max(got.values()), 1, "the most that one customer got")
true(c["unknown"] > 0, f"what was in doubt is not sent again: {c}")
true(c["sent"] <= len(got) <= 20000, f"nothing is lost: {len(got)} of {c}")
PY
