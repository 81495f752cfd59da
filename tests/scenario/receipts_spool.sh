#!/bin/sh
# Receipts through the spool: files renamed into spool/receipts are joined by the daemon, moved to done/
# or, with a line that cannot be understood or no file at all, to failed/; show, report.json and report.html count them.
. "$(dirname "$0")/lib.sh"
studio
account studio '"tier": "endless"'
customers 40
sandbox
serve
job first '"channels": ["push", "email"]'
cp first.json spool/tmp/first.json
mv spool/tmp/first.json spool/incoming/first.json
until_true 10 test -f spool/done/first.json
"$volley" messages --job first --channel push --json >pushed
python3 - <<'PY'
import json, os
kinds = ["delivered"] * 7 + ["bounced", "complained", "read"]
pushed = [json.loads(line) for line in open("pushed")]
def line(i, status): return json.dumps({"provider_id": pushed[i]["provider_id"], "status": status, "at": "2099-01-01T00:00:00Z"}) + "\n"
open("spool/tmp/a.ndjson", "w").write("".join(line(i, kinds[i % 10]) for i in range(20)))
open("spool/tmp/bad.ndjson", "w").write(line(20, "delivered") + "this is nothing\n" + line(21, "delivered"))
open("spool/tmp/mail.eml", "w").write("Subject: no bounce\n\nhello\n")
for name in "a.ndjson", "bad.ndjson", "mail.eml": os.rename(f"spool/tmp/{name}", f"spool/receipts/{name}")
PY
for file in done/a.ndjson done/mail.eml failed/bad.ndjson failed/bad.ndjson.error.json; do
    until_true 5 test -f "spool/$file"
done
cp spool/done/a.ndjson spool/tmp/again.ndjson # twice changes nothing
mv spool/tmp/again.ndjson spool/receipts/again.ndjson
until_true 5 test -f spool/done/again.ndjson
# What cannot be read holds up no other file.
mkdir spool/tmp/folder
ln -s nowhere spool/tmp/link.ndjson
mkfifo spool/tmp/pipe.ndjson
truncate -s 65M spool/tmp/large.eml
cp spool/done/a.ndjson spool/tmp/z.ndjson
for file in folder link.ndjson pipe.ndjson large.eml z.ndjson; do mv "spool/tmp/$file" "spool/receipts/$file"; done
for file in done/z.ndjson failed/folder failed/pipe.ndjson failed/large.eml; do until_true 5 test -e "spool/$file"; done
[ "$(grep -l 'no regular file' spool/failed/*.error.json | wc -l)" = 3 ] ||
    fail "not said: $(cat spool/failed/*.error.json)"
grep -q 'larger than 64 MiB' spool/failed/large.eml.error.json || fail "not said of the mail"
"$volley" show first >show.out
"$volley" show first --json >show.json
check <<'PY'
want = {"delivered": 16, "bounced": 2, "complained": 2, "read": 2}
equal(load("show.json")["receipts"], want, "show")
equal(load("outbox/first/report.json")["receipts"], want, "report.json")
page = open("outbox/first/report.html").read()
true("What was heard later" in page and "complained" in page, "report.html")
shown = dict(reversed(line.split()) for line in open("show.out").read().split("heard later:")[1].splitlines()[1:5])
equal(shown, {k: str(v) for k, v in want.items()}, "the table")
why = load("spool/failed/bad.ndjson.error.json")
equal(why.get("line", why.get("error", {}).get("line")), 2, f"the line: {why}")
equal(os.listdir("spool/receipts"), [], "left")
equal(int(volley("messages", "--job", "first", "--receipt", "bounced", "--count").stdout), 2, "messages")
PY
expect 0 "$volley" outbox verify first >verify.out # report.json still agrees with the journal
