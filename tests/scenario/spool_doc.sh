#!/bin/sh
# docs/spool.md: its examples as they stand there, in the home that `init` makes.
. "$(dirname "$0")/lib.sh"
studio
template welcome marketing
sed -i '/^required/d' templates/welcome/template.yaml
customers 3
mv snapshots/studio.arrow snapshots/customers.arrow
sandbox
serve
block() { # LANGUAGE NUMBER
    awk -v fence="\`\`\`$1" -v want="$2" '$0 == "```" { on = 0 } on { print } $0 == fence { on = ++n == want }' \
        "$root/docs/spool.md"
}
block sh 1 >drop.sh && block python 1 >drop.py && block sh 2 >look.sh && block sh 3 >control.sh && block sh 4 >receipt.sh
[ "$(wc -l <drop.sh)" -le 10 ] && [ "$(wc -l <drop.py)" -le 12 ] || fail "the examples are longer than promised"
sh -eu drop.sh
until_true 10 test -f spool/done/news-2026-11.json
sed -i 's/transactional/marketing/' drop.py
python3 drop.py
until_true 10 test -f spool/done/hello-42.json
sh -eu look.sh >status.json
sh -eu control.sh # what is over cannot be paused
until_true 5 test -f spool/failed/1.control.json.error.json
sh -eu receipt.sh # of nobody here
until_true 5 test -f spool/done/1.ndjson
sh -eu drop.sh
until_true 5 grep -q 'already sent' serve.err
stop "$serve_pid"
check <<'PY'
equal(load("status.json")["state"], "finished", "status")
equal(channel(load("status.json"), "email")["sent"], 3, "news")
equal(len(box("email")), 4, "three and one")
equal(load("spool/failed/1.control.json.error.json")["code"], "input", "code")
PY
