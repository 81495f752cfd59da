#!/bin/sh
# Whatever reloads change under load (connections between 1 and 200, domains that come and go, routes
# without the provider that has the queue), while the job is paused, resumed and volley stopped: every
# message is sent once, and nothing is in doubt.
. "$(dirname "$0")/../scenario/lib.sh"
studio
account studio '"tier": "endless"'
check <<'PY'
write_csv("customers.csv", [person(i, email=f"c{i}@{('example.com', 'a.example', 'B.example')[i % 3]}") for i in range(1, 8001)])
PY
import_customers
backup_port=$(free_ports 1)
export backup_port
sandbox --latency 12ms
background backup "$volley" sandbox --listen-smtp "127.0.0.1:$backup_port" --listen-http 127.0.0.1:0 --dir box2 --latency 12ms
until_true 5 grep -qw ready backup.err

cat >storm.py <<'PY'
from helper import *
dice = random.Random(int(os.environ.get("SEED", "1")))

def configure():
    most, routes = dice.choice((1, 1, 3, 8, 40, 200)), ["[relay, backup]", "[backup]", "[relay]", "{relay: 1, backup: 3}", "[[relay, backup]]"]
    domains = [d for d in ("a.example", "b.example") if dice.random() < 0.5 and most >= 3]
    limits = ", ".join(f"{d}: {{max_connections: 1, messages_per_connection: {dice.randint(3, 50)}}}" for d in domains)
    with open("volley.yaml.new", "w") as file:
        file.write(f"""public_url: https://studio.example
auto_hold: {{enabled: no}}
providers:
  relay: {{type: smtp, url: "smtp://127.0.0.1:{os.environ['smtp_port']}", on_unknown: hold, max_connections: {most}, domains: {{{limits}}}}}
  backup: {{type: smtp, url: "smtp://127.0.0.1:{os.environ['backup_port']}", on_unknown: hold, max_connections: {dice.choice((2, 100))}}}
  twilio: {{type: twilio, url: "http://127.0.0.1:{os.environ['http_port']}", account_sid: AC00000000000000000000000000000001,
           auth_token: sandbox, from: "+15005550006", max_connections: {dice.choice((1, 2, 30, 200))}}}
routes: {{email: {dice.choice(routes[:4])}, sms: twilio}}
tiers: {{endless: {{segments: 1000000}}}}
""")
    os.rename("volley.yaml.new", "volley.yaml")

configure()
log = open("storm.log", "w")
stopping = ("pause", "term", "pause", "term")
for turn in range(30):
    send = subprocess.Popen([VOLLEY, "resume" if turn else "send", "storm" if turn else "storm.json", "--json"],
                            stdout=open("storm.out", "w"), stderr=log)
    end = stopping[turn] if turn < len(stopping) else "none"
    rounds = dice.randint(1, 2)
    while send.poll() is None and not (os.path.exists("box/sms.ndjson") and os.path.getsize("box/sms.ndjson") > 0):
        time.sleep(0.01)
    while send.poll() is None:
        configure()
        told = subprocess.Popen([VOLLEY, "reload"], stdout=log, stderr=log)
        if end != "none" and (rounds := rounds - 1) == 0:
            if end == "pause":
                volley("pause", "storm")
            else:
                send.terminate()
            end = "none"
        true(told.wait(15) == 0, "reload")
    log.flush()
    if send.returncode == 0:
        true(turn > 0, "neither paused nor stopped")
        break
    true(send.returncode in (75, 143, 130, -15), f"turn {turn}: {send.returncode}")
PY
job storm '"channels": ["email", "sms"]'
python3 storm.py || fail "$(tail -3 storm.log)"
check <<'PY'
report = books("storm.out", named=("email", "sms"))
for kind in ("email", "sms"):
    c = channel(report, kind)
    equal((c["sent"], c["unknown"], c["failed"]), (8000, 0, 0), f"{kind}: sent, unknown, failed")
    got = collections.Counter(m["to"] for m in box(kind) + box(kind, "box2"))
    equal((len(got), max(got.values())), (8000, 1), f"{kind}: customers reached, the most that one got")
PY
