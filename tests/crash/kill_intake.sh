#!/bin/sh
# kill -9 of the daemon again and again while it takes hundreds of job files in, runs and files them:
# in the end every job has run once, and every file is in done/.
. "$(dirname "$0")/../scenario/lib.sh"
studio
for i in 1 2 3 4 5; do account "a$i" '"tier": "endless"'; done
jobs=140 kills=6 part=20 # of the jobs, before each kill and after the last
customers 2
sandbox
check $kills <<'PY' >moments
dice = random.Random(11)
for _ in range(int(sys.argv[1])): print(f"{dice.uniform(.02, .35):.3f}")
PY
cat >drop.py <<'PY'
import json, os, sys, time
first, count = int(sys.argv[1]), int(sys.argv[2])
for i in range(first, first + count):
    job = {"id": f"j{i}", "account": f"a{i % 5 + 1}", "category": "marketing", "template": "offer",
           "channels": ["email"], "vars": {"url": "https://studio.example/w/7"},
           "audience": {"snapshot": "snapshots/studio.arrow"}}
    for name in (f"j{i}", f"j{i}-again")[:1 + (i % 10 == 0)]: # some are dropped twice
        with open(f"spool/tmp/{name}.json", "w") as file:
            json.dump(job, file)
        os.rename(f"spool/tmp/{name}.json", f"spool/incoming/{name}.json")
    time.sleep(.01)
PY
dropped=0
drop() {
    background drop python3 drop.py $dropped $part
    dropped=$((dropped + part))
}
for moment in $(cat moments); do
    drop
    background serve "$volley" serve
    sleep "$moment"
    stop "$pid" KILL
    ls spool/done | wc -l >>done.counts
done
drop
serve
all_done() { [ "$(ls spool/done | wc -l)" = $((jobs + jobs / 10)) ]; }
until_true 40 all_done
stop "$serve_pid"
"$volley" jobs --json >jobs.json
stop "$sandbox_pid"
check $jobs $kills <<'PY'
jobs, kills = int(sys.argv[1]), int(sys.argv[2])
listed = load("jobs.json")
equal(collections.Counter(j["state"] for j in listed), {"finished": jobs}, "states")
for folder in "active", "incoming", "failed", "hold":
    equal(os.listdir(f"spool/{folder}"), [], folder)
true(int(open("done.counts").read().split()[-1]) > 0, "the kills came before the first job was done")
for i in range(jobs):
    report = books(f"outbox/j{i}/report.json", named=["email"])
    equal(channel(report, "email")["sent"], 2, f"j{i}")
    equal(load(f"spool/status/j{i}.json")["state"], "finished", f"status of j{i}")
mails = box("email")
equal(len({m["id"] for m in mails}), 2 * jobs, "different emails")
# One that was on the wire when the daemon died is sent again under its own Message-ID.
true(len(mails) - 2 * jobs <= kills * 16 * 2, f"{len(mails) - 2 * jobs} emails twice")
print(f"{jobs} jobs, {kills} kills: {len(mails) - 2 * jobs} emails twice, all with their own Message-ID")
PY
