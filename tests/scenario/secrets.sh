#!/bin/sh
# Passwords, keys in URLs, headers and bodies stand in volley.yaml and nowhere else: not in logs, journals,
# reports, status files, nor in what top, show and reload say about providers that do not work.
. "$(dirname "$0")/../scenario/lib.sh"
studio
customers 20
port=$(free_ports 1) # where nobody listens
cat >volley.yaml <<YAML
public_url: https://studio.example
providers:
  relay: {type: smtp, url: "smtp://127.0.0.1:$port", username: ann, password: SECRET1}
  http: {type: http, url: "http://127.0.0.1:$port/p?key=SECRET2", headers: {X-Key: SECRET3}, body: '{"k":"SECRET4","to":"##{{to}}"}'}
routes: {email: relay, sms: http}
tiers: {starter: {segments: 500}}
YAML
job one '"channels": ["sms", "email"]'
VOLLEY_LOG=debug
export VOLLEY_LOG
background one "$volley" send one.json
send_pid=$pid
told() { "$volley" top --json >top.json && grep -q "127.0.0.1:$port" top.json; }
until_true 5 told
"$volley" show one >show.txt
cp -r run status
for key in 1 2 3 4; do
    sed "s/SECRET$key/SECRETX/" volley.yaml >changed.yaml
    cp volley.yaml volley.yaml.was && mv changed.yaml volley.yaml
    expect 78 "$volley" reload >"reload$key.txt" 2>&1
    grep -q "cannot change while volley runs" "reload$key.txt" || fail "$(cat "reload$key.txt")"
    mv volley.yaml.was volley.yaml
done
stop "$send_pid"
if grep -rl SECRET . | grep -vx './volley.yaml' >leaks; then fail "a secret stands in $(cat leaks)"; fi
