#!/bin/sh
# A wish that a crash came before is kept: who is to be paused does not begin again first, who is to be
# cancelled is not sent by whoever goes on with everything.
. "$(dirname "$0")/lib.sh"
studio
account studio '"tier": "endless"'
customers 300
sandbox
pushed() { grep -c '"to"' box/push.ndjson || :; }
wish() { # ID NUMBER: what a crash leaves of `volley pause`, `volley cancel` (store.h has the numbers)
    sqlite3 state.db "UPDATE job SET control = $2 WHERE id = '$1'"
}
is_held() { state_is "$1" paused && test -f "spool/hold/$1.json"; }
slowly='"channels": ["push"], "limits": {"max_message_rate": "100/s"}'
interrupt() { # ID
    job "$1" "$slowly"
    background "$1" "$volley" send "$1.json"
    until_true 5 sh -c "'$volley' show $1 --json | grep -q '\"sent\":[1-9]'"
    stop "$pid" KILL
}

# pause, in the daemon
serve
job paused "$slowly"
cp paused.json spool/incoming/
until_true 5 sh -c '"$VOLLEY_BIN" show paused --json | grep -q "\"sent\":[1-9]"'
stop "$serve_pid" KILL
wish paused 1
before=$(pushed)
serve
until_true 5 is_held paused
[ "$(pushed)" = "$before" ] || fail "it began before it was paused: $before, then $(pushed)"

# What is paused before it began has nothing to go on with in a terminal.
job early '"channels": ["push"], "send_at": "2099-01-01T00:00:00Z"'
cp early.json spool/incoming/
until_true 5 state_is early waiting
expect 0 "$volley" pause early >/dev/null
until_true 5 is_held early
expect 65 "$volley" resume early 2>early.err
grep -q 'resume early --spool' early.err || fail "not said: $(cat early.err)"
stop "$serve_pid"

# cancel, in a terminal that goes on with what was interrupted, and with what was paused
interrupt one
wish one 2
expect 0 "$volley" resume >/dev/null
state_is one cancelled || fail "one was sent"
interrupt two
expect 0 "$volley" pause two >/dev/null
wish two 2
wish paused 2
expect 0 "$volley" resume --all >/dev/null 2>&1
for id in two paused; do state_is "$id" cancelled || fail "$id was sent"; done
