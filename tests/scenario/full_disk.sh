#!/bin/sh
# A journal that cannot be written ends its own job, and only that: other jobs go on through the same
# providers, the daemon stops when told to, and with room again nothing is lost or sent twice.
. "$(dirname "$0")/../scenario/lib.sh"
studio
account studio '"tier": "endless"'
customers 50
mv snapshots/studio.arrow snapshots/few.arrow
customers 30000
job big '"channels": ["sms", "email"]'
job small '"channels": ["sms", "email"], "audience": {"snapshot": "snapshots/few.arrow"}'
sandbox
# A file may grow to 1.2 MB: enough for the journal of the small job.
background serve env VOLLEY_LOG=info python3 -c '
import os, resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1200000, 1200000))
os.execv(sys.argv[1], sys.argv[1:])' "$volley" serve
serve_pid=$pid
until_true 5 grep -q serving serve.err
mv big.json spool/incoming/
until_true 20 state_is big failed
mv small.json spool/incoming/
until_true 10 state_is small finished
kill -TERM "$serve_pid"
until_true 10 sh -c "! kill -0 $serve_pid"
grep -q "cannot write the journal" serve.err || fail "the log does not say why"

# The answers of the last moment are not in the journal: SMS are looked up, emails sent again as they were.
"$volley" send spool/failed/big.json --json >big.books 2>big.err || fail "big: $(cat big.err)"
check <<'PY'
books("big.books", named=("sms", "email"))
for kind in ("sms", "email"):
    got = box(kind)
    equal(len({m["to"] for m in got}), 30000, f"{kind}: customers reached")
    if kind == "sms":
        equal(len(got), 30050, "sms: nobody twice")  # small's 50 are among them
    else:
        equal(len({m["id"] for m in got}), 30050, "email: a second copy has the same id")
PY
