#!/bin/sh
# Shaping with the real program: a throttled provider is kept busy and rarely told off; when a
# provider is down its messages go to the next of the route; weights share; a slow recipient
# domain holds up nobody else.
. "$(dirname "$0")/../scenario/lib.sh"
studio
account studio '"tier": "endless"'
customers 1500
set -- $(free_ports 2)
backup_port=$1 backup_http=$2

relays() { # ROUTE [KEYS OF relay]
    cat >volley.yaml <<YAML
public_url: https://studio.example
providers:
  relay: {type: smtp, url: "smtp://127.0.0.1:$smtp_port", max_connections: 8${2:+, $2}}
  backup: {type: smtp, url: "smtp://127.0.0.1:$backup_port", max_connections: 8}
routes: {email: $1}
tiers: {endless: {segments: 1000000}}
YAML
}

campaign() { # NAME: by email to everybody, with its duration and what each relay got
    job "$1" '"channels": ["email"]'
    from=$(date +%s%N)
    "$volley" send "$1.json" --json >"$1.books" 2>"$1.err" || fail "$1: $(cat "$1.err")"
    echo $((($(date +%s%N) - from) / 1000000)) >"$1.ms"
    for dir in box backup; do
        [ ! -f "$dir/email.ndjson" ] || mv "$dir/email.ndjson" "$1.$dir"
    done
}

# 1500 messages into 500/s: three seconds, and a little to find the rate.
sandbox --throttle 500/s
relays relay
campaign throttled
stop "$sandbox_pid"
cp sandbox.out throttled.counts

# The first relay of the route is down.
backup() {
    rm -rf box backup
    background backup "$volley" sandbox --listen-smtp "127.0.0.1:$backup_port" \
        --listen-http "127.0.0.1:$backup_http" --dir backup
    backup_pid=$pid
    until_true 5 grep -qw ready backup.err
}
backup
relays '[relay, backup]'
campaign failover
stop "$backup_pid"

# Both are there: three of four messages go to the first.
backup
sandbox
relays '{relay: 3, backup: 1}'
campaign weights
stop "$backup_pid"
stop "$sandbox_pid"

# One domain, which all of them have, is slow: the others' limits do not help it.
rm -rf box
sandbox
domain=$(python3 -c 'from helper import *; print(person(1)["email"].split("@")[1])')
relays relay "domains: {$domain: {max_message_rate: \"1500/s\", max_connections: 2}}"
campaign domain

check <<'PY'
def got(name, dir):
    path = f"{name}.{dir}"
    return [m["to"] for m in lines(path)] if os.path.exists(path) else []

for name in "throttled", "failover", "weights", "domain":
    c = channel(books(f"{name}.books", named=["email"]), "email")
    equal((c["planned"], c["sent"]), (1500, 1500), f"{name}: planned, sent")
    to = got(name, "box") + got(name, "backup")
    equal((len(to), len(set(to))), (1500, 1500), f"{name}: each once")

def took(name):
    return int(open(f"{name}.ms").read())

true(2500 < took("throttled") < 4000, f"1500 messages into 500/s took {took('throttled')} ms")
refused = load("throttled.counts")["throttled"]
true(refused < 150, f"{refused} of 1500 messages were pushed back")
equal(len(got("failover", "backup")), 1500, "failover: the second relay has them")
first = len(got("weights", "box"))
true(1040 < first < 1210, f"weights 3 to 1: the first relay got {first} of 1500")
true(850 < took("domain") < 3000, f"1500 messages to a domain with 1500/s took {took('domain')} ms")
PY
