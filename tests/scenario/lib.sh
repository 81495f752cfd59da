# lib: what every scenario begins with. Makes an empty home under $VOLLEY_OUT/tests/tmp and goes
# there; at the end it stops what was started and, when all went well, removes the home.
#
#   . "$(dirname "$0")/../scenario/lib.sh"
#   studio && sandbox && ...
#
# Tests say what must be in the books in Python: `check <<'PY'` runs its input with helper.py.
set -eu
[ -n "${SCENARIO_LIMITED:-}" ] || SCENARIO_LIMITED=1 exec timeout -k 5 200 "$0"
lib=$(cd "${SCENARIO_LIB:-$(dirname "$0")/../scenario}" && pwd)
root=$(cd "$lib/../.." && pwd)
VOLLEY_OUT=${VOLLEY_OUT:-$root/build/release}
volley=${VOLLEY_BIN:-$VOLLEY_OUT/volley}
work=$VOLLEY_OUT/tests/tmp/$(basename "$0" .sh).$$
started=""
at_end=: # a test's own way to clean up
exec 3>&2 # where failures are told, wherever a test sends its errors
export VOLLEY_BIN="$volley" VOLLEY_HOME="$work" PYTHONPATH="$lib" PYTHONDONTWRITEBYTECODE=1

finish() {
    status=$?
    trap - EXIT
    for pid in $started; do kill -CONT "$pid" 2>/dev/null || :; done
    for pid in $started; do stop "$pid"; done
    $at_end || :
    if [ "$status" = 0 ] || [ "$status" = 77 ]; then rm -rf "$work"; else echo "left in $work" >&2; fi
    exit "$status"
}

fail() {
    echo "$(basename "$0"): $*" >&3
    exit 1
}

skip() {
    echo "skipped: $*"
    exit 77
}

# background NAME COMMAND...: start it with its output in NAME.out and NAME.err; $pid is its id.
background() {
    output=$1
    shift
    rm -f "$output.out" "$output.err" # the shell that starts it may come to that later
    "$@" >"$output.out" 2>"$output.err" </dev/null &
    pid=$!
    started="$started $pid"
}

# stop PID [SIGNAL]: end a process that was started here, within ten seconds.
stop() {
    kill "-${2:-TERM}" "$1" 2>/dev/null || :
    for _ in $(seq 200); do
        kill -0 "$1" 2>/dev/null || break
        sleep 0.05
    done
    kill -KILL "$1" 2>/dev/null || :
    wait "$1" 2>/dev/null || :
}

# until_true SECONDS COMMAND...: try it until it succeeds; four times as long where others use the
# machine too.
until_true() {
    tries=$(($1 * 20 * 4))
    shift
    while ! "$@" >/dev/null 2>&1; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || fail "waited in vain for: $*"
        sleep 0.05
    done
}

# expect STATUS COMMAND...: run it and insist on its exit status.
expect() {
    want=$1 got=0
    shift
    "$@" || got=$?
    [ "$got" = "$want" ] || fail "exit status $got instead of $want: $*"
}

check() { # check [ARGS] <<'PY'
    { echo "from helper import *" && cat; } | python3 - "$@"
}

# free_ports COUNT: ports that nobody listens on, below those that the kernel gives to connections: a
# server that is stopped and started again must find its port free.
free_ports() {
    python3 -c 'import random, socket, sys
held = []
while len(held) < int(sys.argv[1]):
    try: held.append(socket.create_server(("127.0.0.1", random.randrange(15000, 32000))))
    except OSError: pass
print(*(s.getsockname()[1] for s in held))' "$1"
}

# sandbox [OPTIONS]: providers on the ports of volley.yaml that keep what they get in box/.
sandbox() {
    background sandbox "$volley" sandbox --listen-smtp "127.0.0.1:$smtp_port" \
        --listen-http "127.0.0.1:$http_port" --dir box "$@"
    sandbox_pid=$pid
    until_true 5 grep -qw ready sandbox.err
}

# serve: the daemon.
serve() {
    background serve "$volley" serve
    serve_pid=$pid
    until_true 5 grep -q serving serve.err
}

# studio: a home with the templates waiver and offer, an account on a tier of 500 segments and routes
# to the sandbox.
studio() {
    "$volley" init . >/dev/null
    set -- $(free_ports 2)
    smtp_port=$1 http_port=$2
    export smtp_port http_port
    configure
    template waiver transactional
    template offer marketing
    account studio
}

template() { # NAME CATEGORY
    mkdir -p "templates/$1"
    cat >"templates/$1/template.yaml" <<YAML
category: $2
variables: {first_name: {default: "friend"}, account_name: , url: , unsubscribe_url: }
required: [url]
subject: {en: "A new $1 from ##{{account_name}}", it: "##{{account_name}}: $1"}
YAML
    echo 'Hi ##{{first_name}}, please see: ##{{url}}' >"templates/$1/sms.en.txt"
    echo 'Ciao ##{{first_name}}, guarda qui: ##{{url}}' >"templates/$1/sms.it.txt"
    for language in en it; do
        echo 'For ##{{first_name}}: ##{{url}}' >"templates/$1/push.$language.txt"
        echo 'Hi ##{{first_name}}: ##{{url}} ##{{unsubscribe_url}}' >"templates/$1/email.$language.txt"
        echo '<p title="##{{first_name}}">##{{first_name}}</p><a href="##{{url}}">see</a>' \
            >"templates/$1/email.$language.html"
    done
}

# configure [PROVIDER KEYS]: volley.yaml, e.g. configure 'retry_attempts: 3'
configure() {
    cat >volley.yaml <<YAML
workers: ${workers:-auto}
public_url: https://studio.example
providers:
  relay: {type: smtp, url: "smtp://127.0.0.1:$smtp_port", max_connections: 8${1:+, $1}}
  twilio: {type: twilio, url: "http://127.0.0.1:$http_port", account_sid: AC00000000000000000000000000000001,
           auth_token: sandbox, from: "+15005550006", max_connections: 8${1:+, $1}}
  app: {type: webhook, url: "http://127.0.0.1:$http_port/push", max_connections: 8${1:+, $1}}
routes: {email: [relay], sms: [twilio], push: [app], inapp: [app]}
tiers: {starter: {segments: 500}, growth: {segments: 5000}, endless: {segments: 1000000}}
YAML
}

# account ID [JSON KEYS]: on the tier starter unless the keys say otherwise.
account() {
    cat >"account-$1.json" <<JSON
{"id": "$1", "name": "Studio $1", "owner_email": "owner@$1.example", "locale": "en",
 "timezone": "Europe/Rome", "email_from": "Studio <hello@$1.example>", "sms_from": "+15005550006",
 "upgrade_url": "https://$1.example/upgrade", ${2:-\"tier\": \"starter\"}}
JSON
    "$volley" account put "account-$1.json" >/dev/null
}

# job ID [JSON KEYS]: writes ID.json: an SMS of the waiver to everybody in snapshots/studio.arrow;
# the keys take the place of its own.
job() {
    python3 - "$1" "${2:-}" <<'PY'
import json, sys
job = {"id": sys.argv[1], "account": "studio", "category": "transactional", "template": "waiver",
       "channels": ["sms"], "vars": {"url": "https://studio.example/w/7"},
       "audience": {"snapshot": "snapshots/studio.arrow"}}
job.update(json.loads("{" + sys.argv[2] + "}"))
json.dump(job, open(sys.argv[1] + ".json", "w"), indent=1)
PY
}

# customers COUNT: a snapshot of people whom every channel reaches; c1 … cCOUNT.
customers() {
    check "$1" <<'PY'
write_csv("customers.csv", [person(i) for i in range(1, int(sys.argv[1]) + 1)])
PY
    import_customers
}

import_customers() { # [OPTIONS OF import csv]
    "$volley" import csv customers.csv "$@" -o snapshots/studio.arrow >import.out
}

state_is() { # ID STATE
    "$volley" show "$1" --json | grep -q "\"state\":\"$2\""
}

trap finish EXIT
trap 'exit 1' INT TERM
rm -rf "$work"
mkdir -p "$work"
cd "$work"
