#!/bin/sh
# Bits that flip in a journal at rest: whatever it hits, `resume` and `serve` name file and offset, say
# what to do, change nothing and send nothing. And a second process on one job is told who has it.
. "$(dirname "$0")/../scenario/lib.sh"
studio
account studio '"tier": "endless"'
customers 600
sandbox
job hit '"channels": ["sms", "email"], "limits": {"max_message_rate": "2000/s"}'
background send "$volley" send hit.json
first=$pid
until_true 5 sh -c "'$volley' outbox verify hit --json | grep -q '\"outcomes\":[1-9][0-9]'"
for second in "send hit.json" "resume hit"; do
    expect 75 "$volley" $second >second.out 2>second.err
    grep -q "job .hit. is being sent by process $first: " second.err ||
        fail "$second: $(cat second.err)"
    [ "$(wc -l <second.err)" = 1 ] || fail "$second: $(cat second.err)"
done
stop "$first" # a pause: what was acknowledged is vouched for by the closing frame

check <<'PY'
import struct
path = "outbox/hit/journal.0000"
good = open(path, "rb").read()
frames, at = [], 32
while at < len(good):
    body, = struct.unpack_from("<I", good, at + 12)
    frames.append((at, body, (32 + body + 7) // 8 * 8))
    at += frames[-1][2]
equal(at, len(good), "the journal's frames")
true(len(frames) > 5, f"only {len(frames)} frames")

# (what, where the bit flips, the offset that must be named)
cases = [(f"file head: {what}", place, 0) for what, place in
         {"magic": 0, "version": 7, "number": 8, "zero": 13, "salt": 20, "check": 31}.items()]
padded = next(f for f in frames[2:-1] if f[1] % 8)
for number, (start, body, size) in {"first": frames[0], "decisions": frames[1], "middle": frames[len(frames) // 2],
                                    "last before the closing one": frames[-2], "padded": padded}.items():
    places = {"check": 3, "magic": 8, "length": 12, "length, high": 15, "sequence": 16, "durable_to": 24,
              "body's first byte": 32, "body's middle": 32 + body // 2, "body's last byte": 31 + body}
    if size > 32 + body:
        places["padding"] = size - 1
    cases += [(f"{number} frame: {what}", start + place, start) for what, place in places.items()]

def sent():
    return len(box("sms")) + len(box("email"))

before = sent()
for number, (what, place, offset) in enumerate(cases):
    bad = bytearray(good)
    bad[place] ^= 1 << number % 8
    open(path, "wb").write(bad)
    done = volley("resume", "hit")
    equal(done.returncode, 65, f"{what}: {done.stderr}")
    true(f"journal.0000 is damaged at offset {offset}:" in done.stderr and "restore the file from a copy" in done.stderr
         and done.stderr.count("\n") == 1, f"{what}: {done.stderr}")
    equal(open(path, "rb").read(), bytes(bad), f"{what}: the journal afterwards")
equal(sent(), before, "messages sent from a damaged journal")

# The daemon says the same and lives on.
os.rename("hit.json", "spool/incoming/hit.json")
daemon = subprocess.Popen([VOLLEY, "serve"], stderr=open("serve.err", "w"))
for _ in range(100):
    if os.path.exists("spool/failed/hit.json"): break
    time.sleep(.05)
daemon.terminate()
equal(daemon.wait(), 0, "serve's exit status")
true("is damaged at offset" in open("serve.err").read(), open("serve.err").read())
equal(sent(), before, "messages sent from a damaged journal by serve")

# Behind the closing frame nothing was promised: a flip there is a tear. And the good copy goes on.
bad = bytearray(good)
bad[frames[-1][0] + 3] ^= 1
open(path, "wb").write(bad)
done = volley("resume", "hit", "--json")
equal(done.returncode, 0, done.stderr)
report = books(json.loads(done.stdout), named=("sms", "email"))
for kind in "sms", "email":
    equal(channel(report, kind)["sent"], 600, f"{kind}: sent")
    equal(len({m["to"] for m in box(kind)}), 600, f"{kind}: customers reached")
    equal(len(box(kind)), 600, f"{kind}: nobody twice")
print(f"tried: {len(cases)} flipped bits in 5 frames and the file's head, 2 processes that came second")
PY

# Of a job that is over the results are enough: for the log, for the books, and to resend the rest. Every
# third customer has no phone, so rows with one channel and rows with two take turns.
python3 - <<'PY'
import csv
rows = list(csv.DictReader(open("customers.csv")))[:90]
for i, row in enumerate(rows):
    if i % 3 == 0: row["phone"] = ""
with open("customers.csv", "w") as out:
    writer = csv.DictWriter(out, rows[0].keys())
    writer.writeheader()
    writer.writerows(rows)
PY
"$volley" import csv customers.csv -o snapshots/ended.arrow >/dev/null
job ended '"channels": ["sms", "push"], "audience": {"snapshot": "snapshots/ended.arrow"}, "limits": {"max_message_rate": "60/s"}'
background ended "$volley" send ended.json
until_true 5 state_is ended running
sleep 0.7
expect 0 "$volley" cancel ended >/dev/null
until_true 5 state_is ended cancelled
"$volley" messages --job ended --json | sort >ended.log
"$volley" show ended --json >ended.show
resent() { # NAME: the job file of the rest, as the spool has it
    "$volley" resend ended --only unsent --submit >/dev/null 2>"$1.err" || fail "resend: $(cat "$1.err")"
    mv spool/incoming/ended.resend-unsent.json "$1.json"
}
resent good
python3 - <<'PY'
path = "outbox/ended/journal.0000"
content = bytearray(open(path, "rb").read())
content[100] ^= 1
open(path, "wb").write(content)
PY
expect 65 "$volley" outbox verify ended >verify.out
"$volley" messages --job ended --json | sort | cmp - ended.log || fail "messages of a damaged journal"
"$volley" show ended --json | cmp - ended.show || fail "show of a damaged journal"
resent damaged
cmp good.json damaged.json || fail "the resend is another one"
grep -q 'the journal is damaged; results.arrow is read instead.*offset' damaged.err || fail "$(cat damaged.err)"
expect 0 "$volley" resend ended --only unsent >/dev/null 2>rest.err
check <<'PY'
sent = collections.Counter((m["channel"], m["customer"]) for job in ("ended", "ended.resend-unsent")
                           for m in volley_json("messages", "--job", job, "--status", "sent"))
equal(len(sent), 150, "messages")
equal(set(sent.values()), {1}, "each once")
true(0 < len(volley_json("messages", "--job", "ended", "--status", "cancelled")) < 150, "some of them late")
PY
rm outbox/ended/results.arrow
expect 65 "$volley" resend ended --only unsent 2>none.err
grep -q 'journal.0000 is damaged' none.err || fail "without results: $(cat none.err)"
