#!/bin/sh
# Many small jobs: each runs once, a high one dropped in the middle does not wait for the others, memory
# stays flat. JOBS=10000 RECIPIENTS=100 (long) prints how fast; in `make check` it is 300 of 2.
[ "${JOBS:-300}" -le 1000 ] || SCENARIO_LIMITED=1 # the long form takes its time
. "$(dirname "$0")/lib.sh"
jobs=${JOBS:-300} recipients=${RECIPIENTS:-2}
studio
for i in 1 2 3 4 5 6 7 8 9 10; do account "a$i" '"tier": "endless"'; done
customers "$recipients"
sandbox

# They are there before the daemon starts, so that intake is measured alone.
check "$jobs" <<'PY'
for i in range(int(sys.argv[1])):
    job = {"id": f"j{i}", "account": f"a{i % 10 + 1}", "category": "marketing", "template": "offer",
           "channels": ["email"], "vars": {"url": "https://studio.example/w/7"},
           "audience": {"snapshot": "snapshots/studio.arrow"}}
    with open(f"spool/tmp/j{i}.json", "w") as file:
        json.dump(job, file)
    os.rename(f"spool/tmp/j{i}.json", f"spool/incoming/j{i}.json")
PY
serve
check "$jobs" "$recipients" "$serve_pid" <<'PY'
jobs, recipients, pid = map(int, sys.argv[1:])
start = time.monotonic()


def count(folder):
    return len(os.listdir(f"spool/{folder}"))


def peak_mb():
    return int(re.search(r"VmHWM:\s+(\d+)", open(f"/proc/{pid}/status").read())[1]) / 1024


def drop_high(number):
    name = f"high{number}"
    job = {"id": name, "account": "studio", "category": "transactional", "template": "waiver",
           "channels": ["sms"], "vars": {"url": "https://studio.example/w/7"},
           "audience": {"snapshot": "snapshots/studio.arrow", "recipients": ["c1"]}}
    with open(f"spool/tmp/{name}.json", "w") as file:
        json.dump(job, file)
    os.rename(f"spool/tmp/{name}.json", f"spool/incoming/{name}.json")
    return name, time.monotonic()


waits, waiting, peaks = [], {}, {}
while (done := count("done")) < jobs + 5:
    now = time.monotonic()
    true(now - start < max(60, jobs / 5), f"only {done} jobs of {jobs} are done")
    if len(waits) + len(waiting) < 5 and done >= jobs * (len(waits) + 1) / 8:
        name, at = drop_high(len(waits) + len(waiting))
        waiting[name] = at
    for name in [n for n in waiting if os.path.exists(f"spool/done/{n}.json")]:
        waits.append(now - waiting.pop(name))
    for mark in (jobs // 10, jobs):
        if done >= mark and mark not in peaks:
            peaks[mark] = peak_mb()
    time.sleep(.02)
took = time.monotonic() - start
peaks[jobs] = peak_mb()
first, last = sqlite3.connect("state.db").execute(
    "SELECT min(created_ns), max(created_ns) FROM job WHERE id LIKE 'j%'").fetchone()
print(f"{jobs} jobs of {recipients}: taken in {jobs * 1e9 / max(last - first, 1):.0f}/s, finished {jobs / took:.0f}/s, "
      f"{jobs * recipients / took:.0f} messages/s; peak {peaks[jobs // 10]:.0f} MB at {jobs // 10}, "
      f"{peaks[jobs]:.0f} MB at {jobs}; a high job waited {max(waits):.2f} s at most")
true(peaks[jobs] < peaks[jobs // 10] + 40, "memory is not flat")
true(max(waits) < 5, "a high job waited for the others")
PY
"$volley" jobs --json >jobs.json
stop "$serve_pid"
stop "$sandbox_pid"
check "$jobs" "$recipients" <<'PY'
jobs, recipients = map(int, sys.argv[1:])
equal(collections.Counter(j["state"] for j in load("jobs.json")), {"finished": jobs + 5}, "states")
equal(os.listdir("spool/active") + os.listdir("spool/failed") + os.listdir("spool/hold"), [], "left")
seen, count = set(), 0
with open("box/email.ndjson") as file: # of the long form it is too much for one list
    for line in file:
        seen.add(json.loads(line)["id"])
        count += 1
equal((len(seen), count), (jobs * recipients, jobs * recipients), "emails, each once")
equal(len(box("sms")), 5, "SMS")
for i in (0, jobs // 2, jobs - 1):
    status = load(f"spool/status/j{i}.json")
    equal((status["state"], channel(status, "email")["sent"]), ("finished", recipients), f"status of j{i}")
PY
