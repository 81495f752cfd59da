"""Kills volley while it sends, and asks the providers' side what came of it: chaos.py KILLS SEED, in an
empty folder. tests/crash/chaos.sh has the why.

A round is one job to everybody by SMS, email and push. It is begun by `send` or `serve`, killed a few
times, taken up each time by whatever verb goes on with it, and at last let through. Then the boxes are
read.
"""
import signal, socket
from helper import *

KILLS, SEED = int(sys.argv[1]), int(sys.argv[2])
CRASH = os.path.dirname(os.path.abspath(__file__))
PEOPLE = 300 if KILLS > 100 else 120  # the short form is part of every `make check`
ROUND_KILLS = 4
dice = random.Random(SEED)

# Where a kill can hit, and how often at most the place is passed before: a step of a fresh start, of
# one that goes on, of the end, of the spool; or a thing that happens all the time.
FRESH = ["freeze-snapshot", "freeze-draft", "freeze-named", "start-frozen", "start-planned", "start-recorded",
         "file-filled", "file-named", "file-begun"]
GOING_ON = ["cut-files", "cut-tail", "cut-done"]
END = ["close-begun", "close-vouched", "end-closed", "end-results", "end-quota", "end-report",
       "end-recorded"]
SPOOL = ["spool-claimed", "spool-moved"]
OFTEN = {"group-closed": 20, "group-sealed": 20, "group-written": 20, "group-durable": 20,
         "intents-durable": 20, "reply-received": PEOPLE, "outcome-appended": PEOPLE, "quota-taken": 1}


def every_place():
    """The names that volley knows, from its own refusal of a wrong one."""
    refusal = subprocess.run([VOLLEY, "jobs"], env={**os.environ, "VOLLEY_FAILPOINT": "-"},
                             capture_output=True, text=True)
    equal(refusal.returncode, 2, "exit status with a wrong failpoint")
    return refusal.stderr.split("there are ")[1].split()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Home:
    """A home with providers of its own, which lose a share of their replies."""

    def __init__(self, name, drop):
        self.name, self.dir, self.drop = name, os.path.abspath(name), drop
        self.env = {**os.environ, "VOLLEY_HOME": self.dir}
        self.smtp, self.http, self.ses = free_port(), free_port(), free_port()
        subprocess.run([VOLLEY, "init", self.dir], check=True, capture_output=True)
        self.configure("relay", "hold")
        self.write_templates()
        write_csv(f"{self.dir}/people.csv", [person(i) for i in range(1, PEOPLE + 1)])
        self.volley("import", "csv", "people.csv", "-o", "snapshots/people.arrow")
        json.dump({"id": "studio", "name": "Studio", "owner_email": "owner@studio.example",
                   "locale": "en", "timezone": "Europe/Rome", "tier": "endless",
                   "email_from": "Studio <hello@studio.example>", "sms_from": "+15005550006",
                   "upgrade_url": "https://studio.example/upgrade"}, open(f"{self.dir}/studio.json", "w"))
        self.volley("account", "put", "studio.json")
        self.peers = [
            self.start("sandbox", [VOLLEY, "sandbox", "--listen-smtp", f"127.0.0.1:{self.smtp}",
                                   "--listen-http", f"127.0.0.1:{self.http}", "--dir", "box", "--latency",
                                   "2ms", "--drop-replies", str(drop), "--seed", str(SEED)]),
            self.start("ses", [sys.executable, f"{CRASH}/ses_peer.py", str(self.ses),
                               f"{self.dir}/ses.ndjson", str(drop), str(SEED)])]
        for peer in "sandbox.err", "ses.out":
            wait_for(lambda: "ready" in open(f"{self.dir}/{peer}").read(), f"{self.name}: {peer}")
        self.read = {}  # how far the boxes were read

    def write_templates(self):
        folder = f"{self.dir}/templates/note"
        os.makedirs(folder)
        for file, text in {"template.yaml": "category: transactional\nvariables: {job: }\nrequired: [job]\n"
                                            "subject: {en: 'about ##{{job}}'}\n",
                           "sms.en.txt": "##{{job}}", "push.en.txt": "##{{job}}",
                           "email.en.txt": "##{{job}}"}.items():
            open(f"{folder}/{file}", "w").write(text)

    def configure(self, email, ses_policy):
        http = f"http://127.0.0.1:{self.http}"
        often = "max_connections: 8, timeout: 5s, retry: {first: 20ms, max: 100ms}"
        open(f"{self.dir}/volley.yaml", "w").write(f"""
public_url: https://studio.example
workers: 2
max_message_rate: 3000/s
auto_hold: {{enabled: no}}
providers:
  relay: {{type: smtp, url: "smtp://127.0.0.1:{self.smtp}", {often}}}
  ses: {{type: ses, region: eu-west-1, access_key: AKIA, secret_key: secret, batch: 5,
        url: "http://127.0.0.1:{self.ses}", on_unknown: {ses_policy}, {often}}}
  twilio: {{type: twilio, url: "{http}", account_sid: AC00000000000000000000000000000001,
           auth_token: sandbox, from: "+15005550006", lookup_after: 50ms, {often}}}
  app: {{type: webhook, url: "{http}/push", {often}}}
routes: {{email: [{email}], sms: [twilio], push: [app]}}
tiers: {{endless: {{segments: 100000000}}}}
""")

    def start(self, name, command, failpoint=None):
        env = dict(self.env)
        if failpoint:
            env["VOLLEY_FAILPOINT"] = failpoint
        if name == "run" and dice.random() < .25:
            env["VOLLEY_LOOP"] = "epoll"
        return subprocess.Popen(command, env=env, cwd=self.dir, stdin=subprocess.DEVNULL,
                                stdout=open(f"{self.dir}/{name}.out", "w"),
                                stderr=open(f"{self.dir}/{name}.err", "w"))

    def volley(self, *args, status=(0,)):
        done = subprocess.run([VOLLEY, *args], env=self.env, cwd=self.dir, capture_output=True, text=True)
        true(done.returncode in status, f"{self.name}: volley {args}: {done.returncode}: {done.stderr}")
        return done.stdout

    def json(self, *args):
        return [json.loads(line) for line in self.volley(*args, "--json").splitlines()]

    def new_lines(self, box):
        """What a box has got since it was last read; nobody sends meanwhile."""
        path = f"{self.dir}/{box}.ndjson"
        if not os.path.exists(path):
            return []
        with open(path) as file:
            file.seek(self.read.get(box, 0))
            got = [json.loads(line) for line in file.readlines()]
            self.read[box] = file.tell()
        return got

    def close(self):
        for peer in self.peers:
            peer.terminate()
            peer.wait()


def wait_for(condition, what, seconds=30):
    for _ in range(seconds * 100):
        if condition():
            return
        time.sleep(.01)
    sys.exit(f"waited in vain for {what}")


# --- a round --------------------------------------------------------------------------------------


class Round:
    def __init__(self, number, home):
        self.id, self.home = f"job-{number}", home
        self.email = dice.choice(["relay", "ses"])
        self.ses_policy = dice.choice(["hold", "hold", "resend"])
        self.kills = []
        home.configure(self.email, self.ses_policy)
        json.dump({"id": self.id, "account": "studio", "category": "transactional", "template": "note",
                   "channels": ["sms", "email", "push"], "vars": {"job": self.id},
                   "audience": {"snapshot": "snapshots/people.arrow"}},
                  open(f"{home.dir}/{self.id}.json", "w"))
        self.verb = dice.choice(["send", "serve"])
        self.verbs = [self.verb]
        self.begun = False

    def told(self, what):
        return (f"{self.home.name} {self.id} by {' '.join(self.verbs)}, email by {self.email}"
                f" ({self.ses_policy}), killed {' '.join(self.kills)}: {what}")

    def books(self):
        """What `volley show` says, None before the job is known."""
        done = subprocess.run([VOLLEY, "show", self.id, "--json"], env=self.home.env,
                              capture_output=True, text=True)
        if done.returncode == 0:
            return json.loads(done.stdout)
        true("not known" in done.stderr or "is not there" in done.stderr, self.told(f"show: {done.stderr}"))
        return None

    def is_over(self):
        """For the daemon: the books are closed and the job file, if there is one, has been put away."""
        spool = f"{self.home.dir}/spool"
        if any(os.path.exists(f"{spool}/{f}/{self.id}.json") for f in ("incoming", "active")):
            return False
        row = sqlite3.connect(f"{self.home.dir}/state.db").execute(
            "SELECT finished_ns FROM job WHERE id = ?", (self.id,)).fetchone()
        return bool(row and row[0])

    def command(self):
        fresh, self.begun = not self.begun, True
        if self.verb == "serve" and fresh:
            self.home.volley("submit", f"{self.id}.json")
        return {"send": ["send", f"{self.id}.json"], "serve": ["serve"], "resume": ["resume"],
                "resume ID": ["resume", self.id]}[self.verb]

    def choose_verb(self):
        """Who goes on. What died before it was frozen, only its job file can begin again."""
        if not os.path.exists(f"{self.home.dir}/outbox/{self.id}"):
            return
        self.verb = dice.choice(["send", "serve", "resume", "resume ID"])
        self.verbs.append(self.verb)

    def run(self, place=None, seconds=None):
        """Begin it or go on, until it is killed or over. True when it was killed."""
        process = self.home.start("run", [VOLLEY, *self.command()], place)
        end = time.monotonic() + (seconds if seconds is not None else 60)
        while process.poll() is None and time.monotonic() < end and not (self.verb == "serve" and self.is_over()):
            time.sleep(.002)
        if process.poll() is None and seconds is None and time.monotonic() >= end:
            process.kill()
            process.wait()
            sys.exit(self.told(f"does not end: {open(self.home.dir + '/run.err').read()}"))
        if process.poll() is None and seconds is not None and time.monotonic() >= end:
            process.kill()
        elif process.poll() is None:  # the daemon, and its job is in done
            wait_for(lambda: "serving" in open(f"{self.home.dir}/run.err").read(), self.told("serve"))
            process.terminate()
        process.wait()
        if process.returncode == -signal.SIGKILL:
            self.kills.append(place or f"{seconds:.3f}s")
            self.balanced()
            self.choose_verb()
            return True
        err = open(f"{self.home.dir}/run.err").read()
        true(process.returncode in (0, 1), self.told(f"status {process.returncode}: {err}"))
        return False

    def balanced(self):
        """After a kill: the journal is whole but for its tail, and its books balance."""
        if os.path.exists(f"{self.home.dir}/outbox/{self.id}"):
            verdict = self.home.volley("outbox", "verify", self.id, "--json", status=(0, 65))
            true('"damaged":0' in verdict.replace(" ", ""), self.told(verdict))
        report = self.books()
        if report is None:
            return
        for name, c in report["channels"].items():
            equal(c["planned"], sum(c[o] for o in OUTCOMES) + c["fallback_email"], self.told(f"{name} planned"))

    def check(self):
        report = self.books()
        true(report, self.told("nobody knows it"))
        equal((report["state"], report["balanced"]), ("finished", True), self.told("books"))
        self.home.volley("outbox", "verify", self.id)
        results = self.home.json("messages", "--job", self.id)
        equal(len(results), 3 * PEOPLE, self.told("rows of results"))
        counts = collections.Counter()
        for name, by, boxes in (("sms", "phone", "box/sms"), ("email", "email", "box/email"),
                                ("push", "push_token", "box/push")):
            if name == "email" and self.email == "ses":
                boxes = "ses"
            counts += self.check_channel(report, name, by, boxes, [r for r in results if r["channel"] == name])
        used = sqlite3.connect(f"{self.home.dir}/state.db").execute(
            "SELECT sum(used), sum(reserved) FROM usage WHERE job = ?", (self.id,)).fetchone()
        charged = sum(r["segments"] for r in results if r["channel"] == "sms" and
                      r["status"] in ("sent", "unknown"))
        equal(used, (charged, 0), self.told("segments used and reserved"))
        return counts

    def check_channel(self, report, name, by, boxes, results):
        who = {person(i)[by]: f"c{i}" for i in range(1, PEOPLE + 1)}
        got = self.home.new_lines(boxes)
        at_peer = collections.Counter(who[m["to"]] for m in got)
        status = {r["customer"]: r["status"] for r in results}
        attempts = {r["customer"]: r["attempts"] for r in results}
        c = channel(report, name)
        tally = collections.Counter(status.values())
        told = lambda what: self.told(f"{name}: {what}")
        equal({o: c[o] for o in OUTCOMES}, {o: tally[o] for o in OUTCOMES}, told("show and results.arrow"))
        equal(c["sent"] + c["unknown"], PEOPLE, told("sent or unknown"))
        sent = {who for who, s in status.items() if s == "sent"}
        unknown = {who for who, s in status.items() if s == "unknown"}
        equal(sent - set(at_peer), set(), told("said to be sent and lost"))
        resends = len(got) - len(at_peer)
        twice = {who for who, times in at_peer.items() if times > 1}
        knows = name == "push" or (name == "email" and self.email == "relay")
        if knows or (name == "email" and self.ses_policy == "resend"):
            equal(unknown, set(), told("unknown under resend"))
            equal({who for who in twice if attempts[who] < 2}, set(), told("twice, and not resent by policy"))
        else:
            equal(twice, set(), told("twice under hold"))
        if knows: # the peer swallows what has an id that it knows
            equal(len({m["id"] for m in got}), PEOPLE, told("different ids"))
        return collections.Counter({"messages": len(got), "swallowed": resends * knows,
                                    "twice": resends * (not knows), "unknown": len(unknown)})


def feasible(place, job, last):
    if place in FRESH:
        return not job.begun
    if place in GOING_ON:
        return job.begun
    if place in SPOOL:
        return job.verb == "serve" and not job.begun
    return last if place in END else not last


def main():
    places = every_place()
    equal(set(places), {*FRESH, *GOING_ON, *END, *SPOOL, *OFTEN}, "places")
    started = time.monotonic()
    print(f"chaos: {KILLS} kills, seed {SEED}", flush=True)
    homes = [Home("calm", 0), Home("losing", .05)]
    total, by_place, rounds, killed = collections.Counter(), collections.Counter(), 0, 0
    waiting = []  # places that are due
    try:
        while killed < KILLS or waiting:
            job = Round(rounds, homes[rounds % 2])
            rounds += 1
            for i in range(ROUND_KILLS):
                if not waiting and killed + len(waiting) < KILLS:
                    waiting = dice.sample(places, len(places)) if by_place.total() == 0 or KILLS > 100 else []
                last = i == ROUND_KILLS - 1
                fits = [p for p in waiting if feasible(p, job, last)]
                if fits:
                    place = fits[0]
                    name = f"{place}:{dice.randint(1, OFTEN.get(place, 1))}"
                    hit = job.run(place=name)
                    if hit:
                        waiting.remove(place)
                elif not last and killed < KILLS:
                    place, hit = "random moment", job.run(seconds=dice.uniform(.01, .35))
                else:
                    continue
                if not hit:
                    break
                killed += 1
                by_place[place] += 1
            job.run()
            total += job.check()
    finally:
        for home in homes:
            home.close()
    for place, count in sorted(by_place.items()):
        print(f"  {place:18} {count}")
    print(f"{killed} kills in {rounds} rounds, {total['messages']} messages at the peers: {total['swallowed']} "
          f"resends swallowed by id, {total['twice']} twice where nobody can know, all resent by policy, "
          f"{total['unknown']} unknown; {time.monotonic() - started:.0f} s")


main()
