#!/bin/sh
# What gathers beside the jobs' folders: files of done/ and status/ and templates that no job has any more
# go after their time, ids stay; what killed processes left goes when the daemon starts.
. "$(dirname "$0")/lib.sh"
studio
account studio '"tier": "endless"'
customers 20
sandbox
drop() { cp "$1.json" "spool/tmp/$1.json" && mv "spool/tmp/$1.json" "spool/incoming/$1.json"; }
future=2126-11-21T08:00:00Z
few='"channels": ["push"]'

serve
for id in one two; do job $id "$few"; drop $id; done
job slow '"channels": ["push"], "limits": {"max_message_rate": "10/s"}'
drop slow
for id in one two; do until_true 5 test -f spool/done/$id.json; done
until_true 5 state_is slow running
stop "$serve_pid" KILL
template news marketing
job third '"channels": ["push"], "template": "news", "category": "marketing"'
"$volley" send third.json >/dev/null 2>&1 || fail "third"

# Of killed processes; and what only looks like it.
mkdir -p outbox/.new.half.0/template outbox/.templates/.new.template.0
touch outbox/.new.half.0/template/sms.en.txt spool/status/one.json.4711.tmp spool/failed/x.error.json.4711.tmp \
    outbox/slow/report.json.4711.tmp spool/tmp/theirs.json spool/tmp/theirs.4711.tmp spool/tmp/young.json.4711.tmp
touch spool/status/not.tmp spool/status/.4711.tmp
serve
for gone in outbox/.new.half.0 outbox/.templates/.new.template.0 spool/status/one.json.4711.tmp \
    spool/failed/x.error.json.4711.tmp outbox/slow/report.json.4711.tmp; do
    [ ! -e "$gone" ] || fail "$gone is left"
done
for kept in spool/tmp/theirs.json spool/tmp/theirs.4711.tmp spool/tmp/young.json.4711.tmp spool/status/not.tmp; do
    [ -e "$kept" ] || fail "$kept is gone"
done
rm spool/status/not.tmp spool/status/.4711.tmp
until_true 20 test -f spool/done/slow.json
job later "$few"', "send_at": "2099-01-01T00:00:00Z"'
drop later
until_true 5 state_is later waiting
stop "$serve_pid"

# Nothing is old enough, then everything; a dry run says what would go.
"$volley" outbox prune --json >young.prune
VOLLEY_NOW=$future "$volley" outbox prune --dry-run --json >dry.prune
VOLLEY_NOW=$future "$volley" outbox prune --results >said
grep -q '^4 jobs, 6 files of spool/done and spool/status, 2 shared templates pruned, ' said || fail "$(cat said)"
check <<'PY'
young, dry = load("young.prune"), load("dry.prune")
equal((young["jobs"], young["spool_files"], young["templates"]), ([], 0, 0), "young")
equal((sorted(dry["jobs"]), dry["spool_files"], dry["templates"]), (["one", "slow", "third", "two"], 6, 0), "dry run")
equal(os.listdir("spool/done"), [], "done")
equal(os.listdir("spool/status"), ["later.json"], "status")
equal(os.listdir("spool/active"), ["later.json"], "active")
equal(os.listdir("outbox"), [".templates"], "outbox")
equal(os.listdir("outbox/.templates"), [], "templates")
PY

# A hundred years later: the same ids send nothing, neither through the spool nor from a terminal.
before=$(wc -l <box/push.ndjson)
sed -i '$a spool_retention: 1s' volley.yaml
serve
drop one
until_true 5 test -f spool/done/one.json
sed -i 's/#7/#8/; s/w.7/w.8/' two.json # the id, but not the content
drop two
until_true 5 test -f spool/failed/two.json
expect 0 "$volley" send third.json >/dev/null 2>third.err
grep -q 'already sent' third.err || fail "third: $(cat third.err)"
job fresh "$few" # the template is shared anew
drop fresh
until_true 5 test -f spool/done/fresh.json
stop "$serve_pid"
[ "$(wc -l <box/push.ndjson)" = $((before + 20)) ] || fail "an id that was pruned has sent again"
sleep 1.1
serve # the key `spool_retention`, at the start
until_true 5 sh -c '[ ! -e spool/done/fresh.json ] && [ ! -e spool/status/fresh.json ]'
test -f spool/status/later.json || fail "the status of a job that waits is gone"
test -f spool/failed/two.json || fail "failed/ is a person's"
