#!/bin/sh
# An address that a provider says does not exist is never tried again, on that channel, by any later
# job, until a person revives it.
. "$(dirname "$0")/../scenario/lib.sh"
studio
account studio '"tier": "endless"'
check <<'PY'
write_csv("customers.csv", [person(i, email=f"gone{i}@Example.com" if i % 10 == 0 else f"c{i}@example.com")
                            for i in range(1, 101)])
PY
import_customers

peer() { # LATENCY_S
    background peer python3 "$lib/smtp_peer.py" "$smtp_port" "$1" taken.txt
    peer_pid=$pid
    until_true 5 grep -qw ready peer.out
}
peer 0

sql() { # STATEMENT
    python3 -c 'import sqlite3, sys
with sqlite3.connect("state.db", timeout=10) as db:
    for row in db.execute(sys.argv[1]): print(*row)' "$1"
}

job first '"channels": ["email"]'
expect 1 "$volley" send first.json --json >first.books 2>first.err
"$volley" optout list --dead --account studio >dead.csv
"$volley" optout list --dead --json >dead.json

# The next job plans without them; with another channel they are reached there.
job second '"channels": ["email"]'
"$volley" plan second.json --json >second.plan 2>/dev/null
"$volley" send second.json --json >second.books 2>second.err || fail "second: $(cat second.err)"
smtp_port=0 sandbox # its HTTP; mail goes on to the peer
job other '"channels": ["email", "sms"], "delivery": "first"'
"$volley" send other.json --json >other.books 2>other.err || fail "other: $(cat other.err)"

# Used up SMS fall back to email, but not to a dead address.
account small
job fallback '"account": "small", "sms_fallback": "email", "limits": {"max_segments": 500}'
for i in 10 20; do
    "$volley" optout add --dead --account small --email "gone$i@example.com" --reason bounce >/dev/null
done
sql "UPDATE account SET tier = 'none' WHERE id = 'small'"
sed -i 's/^tiers: {/tiers: {none: {segments: 0}, /' volley.yaml
expect 1 "$volley" send fallback.json --json >fallback.books 2>fallback.err

# A person revives one; the provider still says no.
"$volley" optout remove --dead --account studio --email GONE10@example.com >revived.out
grep -q 'may be written to again' revived.out || fail "revive: $(cat revived.out)"
"$volley" optout remove --dead --account studio --email GONE10@example.com | grep -q 'did not count' ||
    fail "revived twice"
job third '"channels": ["email"]'
expect 1 "$volley" send third.json --json >third.books 2>third.err

expect 65 "$volley" optout remove --dead --account studio --email nobody 2>bad.err
grep -q '"nobody" is no email address' bad.err || fail "bad address: $(cat bad.err)"
expect 2 "$volley" optout remove --dead --email a@b.example 2>bad.err
grep -q -- '--account' bad.err || fail "no account: $(cat bad.err)"
expect 2 "$volley" optout import --dead x.csv 2>bad.err
expect 2 "$volley" optout list --push x 2>bad.err

# What a crash keeps from state.db stands in the journal.
stop "$peer_pid"
peer 0.02
sql 'DELETE FROM dead_address'
job crashed '"channels": ["email"]'
background send "$volley" send crashed.json
any_dead() { "$volley" optout list --dead | grep -q gone; }
until_true 5 any_dead
kill -KILL "$pid"
wait "$pid" 2>/dev/null || :
sql 'DELETE FROM dead_address'
expect 1 "$volley" resume crashed --json >crashed.books 2>crashed.err
"$volley" optout list --dead --account studio >again.csv

check <<'PY'
gone = {f"gone{i}@example.com" for i in range(10, 101, 10)}
email = channel(books("first.books", named=["email"]), "email")
equal((email["sent"], email["failed"]), (90, 10), "first: sent, failed")
rows = list(csv.DictReader(open("dead.csv")))
equal({r["address"] for r in rows}, gone, "recorded")
for r in rows:
    equal((r["account"], r["channel"], r["provider"]), ("studio", "email", "relay"), "a dead address")
    true("5.1.1" in r["reason"] and r["since"].startswith("20"), f"why and when: {r}")
equal({e["address"] for e in lines("dead.json")}, gone, "--json")

report = books("second.books", named=["email"])
agree(load("second.plan"), report)
email = channel(report, "email")
equal((email["sent"], email["failed"], email["suppressed"]), (90, 0, {"dead_address": 10}), "second")

report = books("other.books", named=["email", "sms"])
equal(channel(report, "email")["suppressed"], {"dead_address": 10}, "other: email")
equal(channel(report, "sms")["sent"], 10, "other: sms instead")
equal({m["to"] for m in box("sms")}, {f"+39333{i:07}" for i in range(10, 101, 10)}, "other: who")

report = books("fallback.books")
equal(channel(report, "sms")["suppressed"], {"quota_then_dead_address": 2}, "fallback: sms")
equal(channel(report, "email")["from_fallback"], 98, "fallback: email")

email = channel(books("third.books", named=["email"]), "email")
equal((email["sent"], email["failed"], email["suppressed"]), (90, 1, {"dead_address": 9}), "third")

email = channel(books("crashed.books", named=["email"]), "email")
equal(email["sent"] + email["failed"] + email["unknown"], 100, "crashed: all accounted for")
again = {r["address"] for r in csv.DictReader(open("again.csv"))}
true(len(again) >= email["failed"] and again <= gone, f"crashed: {sorted(again)}, {email}")
PY
