#!/bin/sh
# What could put a daemon's books and its files apart: state.db that cannot be written while jobs wait,
# and job files of one name. Every job is sent, once.
. "$(dirname "$0")/lib.sh"
studio
account studio '"tier": "endless"'
echo 'max_active_jobs: 1' >>volley.yaml
customers 300
sandbox
drop() { # FILE [NAME]
    cp "$1" "spool/tmp/$1" && mv "spool/tmp/$1" "spool/incoming/${2:-$1}"
}
few='"channels": ["email"], "audience": {"snapshot": "snapshots/studio.arrow", "recipients": ["c1", "c2"]}'

# sql STATEMENT: what another program does to state.db.
sql() { python3 -c 'import sqlite3, sys; sqlite3.connect("state.db", timeout=10).executescript(sys.argv[1])' "$1"; }

# state.db takes nothing for a while; one job runs, others wait and one more comes.
serve
job long '"channels": ["email"], "limits": {"max_message_rate": "150/s"}'
drop long.json
until_true 5 state_is long running
for name in a b c; do job $name "$few"; drop $name.json; done
until_true 5 test -f spool/status/c.json
job d "$few"
sql "CREATE TRIGGER full BEFORE INSERT ON job BEGIN SELECT RAISE(FAIL, 'the disk is full'); END"
drop d.json
until_true 5 grep -q 'cannot record what happens' serve.err
sql "DROP TRIGGER full"
for name in long a b c d; do until_true 10 state_is $name finished; done

# Two systems call their files job.json; both jobs are paused, and go on in the order they did not come.
control() { # JOB WISH
    echo "{\"job\": \"$1\", \"do\": \"$2\"}" >"spool/tmp/$1-$2" && mv "spool/tmp/$1-$2" "spool/incoming/$1-$2.control.json"
}
for name in first second; do
    job $name '"channels": ["email"], "send_at": "2099-01-01T00:00:00Z"'
    drop $name.json job.json
    until_true 5 test -f spool/status/$name.json
    control $name pause
    until_true 5 state_is $name paused
done
job third '"channels": ["email"], "send_at": "2099-01-01T00:00:00Z"'
drop third.json job.json
until_true 5 test -f spool/status/third.json
for name in second first third; do
    control $name resume
    until_true 5 state_is $name waiting
    grep -q "\"$name\"" spool/active/*.json || fail "the file of $name is not back in active/"
    control $name cancel
    until_true 5 state_is $name cancelled
    grep -q "\"$name\"" spool/done/*.json || fail "the file of $name is not in done/"
done

# What began in a terminal and was paused there is handed to the daemon, which has no file of it.
job by_hand '"channels": ["email"], "limits": {"max_message_rate": "150/s"}'
background send "$volley" send by_hand.json
until_true 5 state_is by_hand running
sleep 0.3
stop "$pid" INT
state_is by_hand paused || fail "Ctrl-C did not pause the job"
expect 0 "$volley" resume by_hand --spool >/dev/null
until_true 10 state_is by_hand finished
test -f spool/done/by_hand.json || fail "its file is not in done/"
stop "$serve_pid"
stop "$sandbox_pid"

check <<'PY'
got = [m["to"] for m in box("email")]
equal((len(got), len(set(got))), (2 * 300 + 4 * 2, 300), "emails, customers")
PY
