#!/bin/sh
# alone
# Pause, resume and cancel within a second, through the spool and from another terminal, of what runs and of
# what waits, while 10,000 jobs (JOBS) wait. Nobody polls: compared are the moment of the request and the one that the
# daemon gives in the status file and in its log. SECOND=2 allows more.
. "$(dirname "$0")/lib.sh"
studio
account studio '"tier": "endless"'
echo 'max_active_jobs: 2' >>volley.yaml
customers 2000
sandbox
check "${JOBS:-10000}" <<'PY'
job = {"account": "studio", "category": "marketing", "template": "offer", "channels": ["email"],
       "vars": {"url": "https://studio.example/w/7"}, "priority": "low",
       "audience": {"snapshot": "snapshots/studio.arrow", "recipients": ["c1", "c2"]}}
for i in range(int(sys.argv[1])):
    with open(f"spool/incoming/j{i}.json", "w") as file:
        json.dump({**job, "id": f"j{i}"}, file)
for name in "big", "other":
    big = {**job, "id": name, "priority": "high", "channels": ["push"], "limits": {"max_message_rate": "100/s"},
           "audience": {"snapshot": "snapshots/studio.arrow"}}
    with open(f"spool/incoming/{name}.json", "w") as file:
        json.dump(big, file)
    os.utime(f"spool/incoming/{name}.json", (1, 1)) # before all others
PY
serve
check "${JOBS:-10000}" "${SECOND:-1}" <<'PY'
import calendar
jobs, second = int(sys.argv[1]), float(sys.argv[2])


def status(job):
    try:
        return load(f"spool/status/{job}.json")
    except OSError:
        return {"state": "none"}


def wait(what, condition):
    end = time.monotonic() + 60
    while not condition():
        true(time.monotonic() < end, f"waited in vain: {what}")
        time.sleep(.02)


def seconds(text):
    return calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")) + float("0" + text[19:-1])


took = {}


def asked(what, job, state, ask):
    start = time.time() - .001  # the daemon cuts its times to milliseconds
    ask()
    wait(f"{what} {job}", lambda: status(job)["state"] in state)
    at = seconds(status(job)["updated"])
    took[what] = at - start
    true(0 <= at - start < second, f"{what}: {at - start:.2f} s")


def by_file(job, do):
    def ask():
        with open("spool/tmp/wish", "w") as file:
            json.dump({"job": job, "do": do}, file)
        os.rename("spool/tmp/wish", f"spool/incoming/{job}-{do}.control.json")
    return ask


def by_hand(*words):
    def ask():
        begin = time.monotonic()
        done = volley(*words)
        equal(done.returncode, 0, f"{words}: {done.stderr}")
        took["until the terminal is back: " + words[0]] = time.monotonic() - begin
    return ask


wait("big runs", lambda: status("big")["state"] == status("other")["state"] == "running")
wait("all are taken in", lambda: not [n for n in os.listdir("spool/incoming") if not n.startswith(".")])
last = jobs - 1
asked("file: pause what waits", f"j{last}", ["paused"], by_file(f"j{last}", "pause"))
asked("file: resume it", f"j{last}", ["waiting"], by_file(f"j{last}", "resume"))
asked("file: cancel what waits", f"j{last}", ["cancelled"], by_file(f"j{last}", "cancel"))
asked("terminal: pause what waits", f"j{last - 1}", ["paused"], by_hand("pause", f"j{last - 1}"))
asked("terminal: cancel what waits", f"j{last - 2}", ["cancelled"], by_hand("cancel", f"j{last - 2}"))
asked("terminal: pause what runs", "big", ["paused"], by_hand("pause", "big"))
asked("file: pause what runs", "other", ["paused"], by_file("other", "pause"))
pushed = len(box("push"))
time.sleep(.3)
equal(len(box("push")), pushed, "messages that go out after a pause")
asked("terminal: resume", "big", ["waiting", "running"], by_hand("resume", "big", "--spool"))
wait("big runs again", lambda: status("big")["state"] == "running")
asked("file: cancel what runs", "big", ["cancelled"], by_file("big", "cancel"))
for what, s in took.items():
    print(f"{s:5.2f} s  {what}")
PY
"$volley" pause --all >/dev/null # the rest does not matter
stop "$serve_pid"
