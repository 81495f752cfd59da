#!/bin/sh
# One new id, begun twice at the same instant, by two `volley send` and by a `send` beside a daemon that
# finds it in its spool: one sends it, the other one says so in a sentence or that it is done, nobody
# gets two. RACES=50 of each (50 in `make check`).
. "$(dirname "$0")/lib.sh"
studio
account studio '"tier": "endless"'
customers 20
sandbox
check "${RACES:-50}" <<'PY'
import shutil

races = int(sys.argv[1])
volley = os.environ["VOLLEY_BIN"]
TOLD = re.compile(r"^volley: job \"same\d+\" (is being (started by another process|sent by process \d+)"
                  r"|waits in the spool of `volley serve`)|^volley: process \d+ is writing the journal in |is done \(already sent\)")


def job(name):
    with open("studio-job.json", "w") as file:
        json.dump({"id": name, "account": "studio", "category": "transactional", "template": "waiver",
                   "channels": ["sms", "push"], "vars": {"url": "https://studio.example/w/7"},
                   "audience": {"snapshot": "snapshots/studio.arrow"}}, file)
    return "studio-job.json"


def wait_for(done, what):
    end = time.monotonic() + 60
    while not done():
        true(time.monotonic() < end, f"waited in vain: {what}")
        time.sleep(.02)


def send(path):
    return subprocess.Popen([volley, "send", path], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def told(name, sender):
    words = sender.communicate(timeout=60)[1]
    true(sender.returncode in (0, 75), f"{name}: exit status {sender.returncode}: {words}")
    if sender.returncode or "already" in words:
        true(TOLD.search(words) and words.count("\n") == 1, f"{name}: {words}")
        return 1
    return 0


lost = 0
for i in range(races):
    path = job(f"same{i}")
    pair = [send(path), send(path)]
    turned_away = sum(told(f"same{i}", s) for s in pair)
    equal(turned_away, 1, f"same{i}: who was turned away")
    lost += turned_away
print(f"{races} races of two sends: {lost} turned away")

serve = subprocess.Popen([volley, "serve"], stdout=subprocess.DEVNULL, stderr=open("serve.err", "w"))
wait_for(lambda: "serving" in open("serve.err").read(), "serve")
lost = 0
for i in range(races, 2 * races):
    path = job(f"same{i}")
    shutil.copy(path, "spool/tmp/job.json")
    os.rename("spool/tmp/job.json", f"spool/incoming/same{i}.json")
    time.sleep(random.random() * .02)
    lost += told(f"same{i}", send(path))
print(f"{races} races of a send and the spool: {lost} sends turned away")
wait_for(lambda: len(os.listdir("spool/done")) == races, "all files are done")
serve.terminate()
equal(serve.wait(30), 0, "serve")

for kind in ("sms", "push"):
    equal(len(box(kind)), 2 * races * 20, f"{kind}: each once")
equal(collections.Counter(j["state"] for j in volley_json("jobs")[0]), {"finished": 2 * races}, "states")
equal([n for n in os.listdir("outbox") if n.startswith(".") and n != ".templates"], [], "drafts that are left")
equal(os.listdir("spool/active") + os.listdir("spool/failed"), [], "left in the spool")
PY
expect 0 "$volley" outbox verify >verify.out
