#!/bin/sh
# Marketing jobs of an account start one after the other under a frequency cap. While one is long about it
# (here: somebody has its lock), those behind it take no other job's place in the daemon, one that waits
# can be cancelled, and a terminal and the daemon end when they are told to.
. "$(dirname "$0")/lib.sh"
studio
account studio '"tier": "endless"'
account other '"tier": "endless"'
customers 20
configure
printf 'frequency_cap: {messages: 9, window: 7d}\nmax_active_jobs: 2\n' >>volley.yaml
sandbox
offer='"category": "marketing", "template": "offer", "channels": ["push"]'
job first "$offer"
expect 0 "$volley" send first.json >/dev/null
background turn flock --no-fork "$(echo run/turn-*)" sleep 60
turn_pid=$pid
until_true 5 sh -c '! flock -n run/turn-* true'

job here "$offer"
background here "$volley" send here.json
until_true 5 test -d /proc/"$pid"/task
sleep 0.3
kill -INT "$pid"
until_true 3 sh -c "! kill -0 $pid || grep -q '^State:.Z' /proc/$pid/status"
expect 75 wait "$pid"
grep -q 'still starting' here.err || fail "not said: $(cat here.err)"

serve
for i in 1 2 3 4; do job "m$i" "$offer" && cp "m$i.json" spool/incoming/; done
sleep 0.3
job urgent '"channels": ["push"]'
job others "$offer, \"account\": \"other\""
cp urgent.json others.json spool/incoming/
until_true 5 state_is urgent finished
until_true 5 state_is others finished
state_is m1 waiting || fail "m1 did not wait"
expect 0 "$volley" cancel m1 >/dev/null
until_true 5 state_is m1 cancelled
stop "$serve_pid"
grep -q 'killed' serve.err && fail "serve did not end"
serve
stop "$turn_pid"
for i in 2 3 4; do until_true 10 state_is "m$i" finished; done
