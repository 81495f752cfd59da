#!/bin/sh
# `volley outbox verify`: what it says of jobs that ended, run, were killed, or lie damaged on the
# disk, and that it changes nothing.
. "$(dirname "$0")/../scenario/lib.sh"
studio
account studio '"tier": "endless"'
customers 400
sandbox --latency 2ms
job done '"channels": ["sms", "email"]'
"$volley" send done.json >/dev/null 2>done.err || fail "done: $(cat done.err)"
job slow '"channels": ["email"], "limits": {"max_message_rate": "200/s"}'
background send "$volley" send slow.json
send_pid=$pid
until_true 5 sh -c "'$volley' outbox verify slow --json | grep -q '\"outcomes\":[1-9]'"
expect 0 "$volley" outbox verify --json >running.json
stop "$send_pid" KILL
printf 'torn off in the middle' >>outbox/slow/journal.0000
expect 0 "$volley" outbox verify slow --json >killed.json
find outbox -type f -exec sha256sum {} + | sort >before
expect 0 "$volley" outbox verify >all.txt
find outbox -type f -exec sha256sum {} + | sort | cmp - before || fail "verify changed something"
"$volley" resume slow >/dev/null 2>resume.err || fail "resume: $(cat resume.err)"
expect 0 "$volley" outbox verify --json >whole.json

# What may be wrong, each in a copy of the job's folder.
damage() { # NAME PYTHON
    rm -rf outbox/bad
    cp -r outbox/done outbox/bad
    (cd outbox/bad && python3 -c "$2")
    expect 65 "$volley" outbox verify bad --json >"$1.json"
    expect 65 "$volley" outbox verify >"$1.txt"
    grep -q '^done: whole' "$1.txt" || fail "$1: one damaged job hides the others: $(cat "$1.txt")"
    grep -q 'bad: DAMAGED' "$1.txt" || fail "$1: $(cat "$1.txt")"
}
edit='import json,sys
def flip(path, at):
    b = bytearray(open(path, "rb").read()); b[at] ^= 1; open(path, "wb").write(b)
'
damage journal "$edit"'flip("journal.0000", 3000)'
damage report "$edit"'r = json.load(open("report.json")); r["channels"]["sms"]["sent"] -= 1
json.dump(r, open("report.json", "w"))'
damage rows "$edit"'b = open("results.arrow", "rb").read(); open("results.arrow", "wb").write(b.replace(b"sent", b"pend", 1))'
damage cut "$edit"'b = open("results.arrow", "rb").read(); open("results.arrow", "wb").write(b[:len(b) // 2])'
rm -r outbox/bad
expect 2 "$volley" outbox check 2>/dev/null
expect 65 "$volley" outbox verify dnoe 2>unknown
grep -q 'did you mean "done"' unknown || fail "$(cat unknown)"

check "$send_pid" <<'PY'
def of(path):
    return {j["job"]: j for j in load(path)["jobs"]}
running, killed, whole = of("running.json"), of("killed.json"), of("whole.json")
slow = running["slow"]
equal((slow["journal"], slow["pid"], slow["whole"]), ("in progress", int(sys.argv[1]), True), "slow, running")
slow = killed["slow"]
equal((slow["journal"], slow["tail"]["bytes"] >= 22, slow["whole"]), ("torn", True, True), f"slow, killed: {slow}")
for name, messages in (("done", 800), ("slow", 400)):
    j = whole[name]
    equal((j["journal"], j["report"], j["messages"], j["problems"]), ("whole", "same", messages, []), name)
    equal(j["results_rows"], messages, f"{name}: rows")
    true(j["records"]["decisions"] >= messages and j["records"]["outcomes"] >= messages, f"{name}: {j}")
    equal(j["bytes"], sum(os.path.getsize(f) for f in glob.glob(f"outbox/{name}/journal.*")), f"{name}: bytes")
equal(whole["done"]["frames"], whole["done"]["sequence"], "done: one frame a number")
for name, words in {"journal": "journal.0000 is damaged at offset", "report": "report.json does not say",
                    "rows": "results.arrow", "cut": "results.arrow"}.items():
    problems = of(f"{name}.json")["bad"]["problems"]
    true(len(problems) == 1 and words in problems[0], f"{name}: {problems}")
PY
