#!/bin/sh
# `volley reload` under load: a campaign goes on at every new rate within a moment, loses nothing,
# sends nothing twice. The oracle of the rate is what the sandbox has got, line by line.
. "$(dirname "$0")/../scenario/lib.sh"
studio
customers 20000
sandbox

# Nobody sends: says so. A broken file: as `check` says it, 78.
"$volley" reload | grep -q "nothing is running" || fail "not told that nothing runs"
configure 'max_message_rate: "fast"'
expect 78 "$volley" reload 2>told.txt
grep -q "volley.yaml:4: providers.relay.max_message_rate" told.txt || fail "$(cat told.txt)"

configure 'max_message_rate: "1000/s"'
job campaign '"channels": ["email"]'
background send "$volley" send campaign.json --json
send_pid=$pid
until_true 5 grep -q . box/email.ndjson

check <<'PY'
def at_rate(rate, seconds=1.0):
    """What the sandbox gets per second once the rate is in force."""
    time.sleep(0.15)
    before, start = count(), time.monotonic()
    time.sleep(seconds)
    got = (count() - before) / (time.monotonic() - start)
    true(0.75 * rate < got < 1.25 * rate, f"{got:.0f}/s at {rate}/s")

def count():
    with open("box/email.ndjson", "rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))

def change(old, new):
    text = open("volley.yaml").read()
    true(old in text, old)
    open("volley.yaml", "w").write(text.replace(old, new))

at_rate(1000)
was = 1000
for rate in (3000, 400, 2500):
    change(f'"{was}/s"', f'"{rate}/s"')
    told = volley("reload")
    equal(told.returncode, 0, told.stderr)
    true(f"providers.relay.max_message_rate {was}/s → {rate}/s" in told.stdout, told.stdout)
    true(told.stdout.startswith("send (pid "), told.stdout)
    at_rate(rate)
    was = rate

# The same file again changes nothing.
true("nothing changed" in volley("reload").stdout, "something changed")

# What cannot change while it runs is refused with its reason; the rate stays as it was.
port = os.environ["smtp_port"]
change(f"smtp://127.0.0.1:{port}", "smtp://127.0.0.1:1")
refused = volley("reload")
equal(refused.returncode, 78, refused.stdout)
true("providers.relay" in refused.stderr and "restart" in refused.stderr, refused.stderr)
change("smtp://127.0.0.1:1", f"smtp://127.0.0.1:{port}")
at_rate(was, 0.5)

# A broken file is told with its line and changes nothing either.
change("max_connections: 8", "max_conections: 8")
broken = volley("reload")
equal(broken.returncode, 78, broken.stdout)
true("max_connections" in broken.stderr, broken.stderr)
change("max_conections: 8", "max_connections: 8")
change(f'"{was}/s"', "unlimited")
told = json.loads(volley("reload", "--json").stdout)
equal(told["ok"], True, told)
true(any(c["is"] == "unlimited" for c in told["processes"][0]["changes"]), told)
PY

wait "$send_pid" || fail "send: $(cat send.err)"
check <<'PY'
report = books("send.out", named=("email",))
equal(channel(report, "email")["sent"], 20000, "sent")
got = collections.Counter(mail["to"] for mail in box("email"))
equal(len(got), 20000, "customers reached")
equal(max(got.values()), 1, "the most that one customer got")
true(not [f for f in os.listdir("run") if f.endswith((".json", ".lock"))], os.listdir("run"))
PY

# A process that was killed leaves its files; whoever looks next takes them away.
serve
kill -KILL "$serve_pid"
wait "$serve_pid" 2>/dev/null || :
test -e "run/$serve_pid.lock" || fail "no lock left"
"$volley" reload | grep -q "nothing is running" || fail "a dead process counts"
test ! -e "run/$serve_pid.lock" || fail "a dead process's lock is left"
