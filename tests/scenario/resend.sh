#!/bin/sh
# `resend`: what failed, what may have arrived, what was cancelled goes out once more, and nothing
# else: over both jobs every customer gets one message. The same command again sends nothing.
. "$(dirname "$0")/../scenario/lib.sh"
studio
account studio '"tier": "endless"'
people=300
customers $people
hold='"auto_hold": {"enabled": false}'

# failed: two times in a row; the template has changed meanwhile.
configure 'retry: {attempts: 1}'
sandbox --error-rate 0.3
job errors "$hold, \"channels\": [\"email\"]"
expect 1 "$volley" send errors.json --json >errors.books
echo 'changed ##{{url}}' >templates/waiver/email.en.txt
expect 1 "$volley" resend errors --only failed --json >again.books 2>again.err
grep -q 'errors.resend-failed: [1-9][0-9]* messages once more' again.err || fail "$(cat again.err)"
expect 0 "$volley" resend errors --only failed --json >twice.books 2>twice.err
grep -q 'already sent' twice.err || fail "the same resend again: $(cat twice.err)"
stop "$sandbox_pid"
sandbox
expect 0 "$volley" resend errors.resend-failed --only failed --json >third.books 2>/dev/null
expect 0 "$volley" resend errors.resend-failed.resend-failed --only failed 2>none.err
grep -q 'nothing to resend' none.err || fail "nothing was left: $(cat none.err)"
mv box errors.box
stop "$sandbox_pid"

# unknown: the replies are lost, on each channel to others; under the same message ids, so who knows them takes each once.
configure 'on_unknown: hold'
sandbox --drop-replies 0.3
job lost "$hold, \"channels\": [\"push\", \"email\"]"
expect 1 "$volley" send lost.json --json >lost.books
stop "$sandbox_pid"
sandbox --drop-replies 0.3
expect 1 "$volley" resend lost --only unknown --json >lost2.books 2>/dev/null
stop "$sandbox_pid"
sandbox
rm -r outbox/lost # the third one knows the messages' ids all the same
expect 0 "$volley" resend lost.resend-unknown --only unknown --json >lost3.books 2>/dev/null

# quota: who got nothing because the plan was used up, not those who got the email too; after a pack.
stop "$sandbox_pid"
mv box lost.box
sandbox
account small '"tier": "starter"'
small='"account": "small", "channels": ["sms"]'
job used "$small, \"audience\": {\"snapshot\": \"snapshots/studio.arrow\", \"where\": \"id not in ('c1', 'c2')\"}"
mv snapshots/studio.arrow all.arrow
check <<'CSV'
write_csv("customers.csv", [person(i, email_verified="true" if i % 2 else "false") for i in range(1, 703)])
CSV
import_customers
expect 0 "$volley" send used.json --json >used.books 2>/dev/null
job both '"account": "small", "channels": ["sms"], "sms_fallback": "email"'
expect 0 "$volley" send both.json --json >both.books 2>/dev/null
expect 0 "$volley" resend used --only quota --json >used0.books 2>/dev/null
"$volley" quota small --add-pack 1000 >/dev/null
damage() { printf 'damaged damaged' | dd of="outbox/$1/journal.0000" bs=1 seek=4 conv=notrunc 2>/dev/null; }
damage used.resend-quota # results.arrow knows it too
expect 0 "$volley" resend used.resend-quota --only quota --json >used1.books 2>quota.err
grep -q '200 messages, as they were in used.resend-quota' quota.err || fail "$(cat quota.err)"
expect 0 "$volley" resend both --only quota --json >both1.books 2>/dev/null
expect 0 "$volley" resend both.resend-quota --only quota 2>nobody.err
grep -q 'nobody got nothing' nobody.err || fail "$(cat nobody.err)"
damage both
"$volley" resend both --only quota >/dev/null 2>damaged.err || :
grep -q '351 messages, as they were in both' damaged.err || fail "$(cat damaged.err)"
mv all.arrow snapshots/studio.arrow
check <<'PY'
def sms(name): return channel(load(f"{name}.books"), "sms")
equal((sms("used")["sent"], sms("used")["suppressed"]), (500, {"quota": 200}), "used")
equal((sms("used0")["sent"], sms("used0")["suppressed"]), (0, {"quota": 200}), "nothing bought yet")
equal(sms("used1")["sent"], 200, "with a pack")
equal(channel(load("both.books"), "email")["sent"], 351, "both: by email")
equal(sms("both1")["sent"], 351, "both: who could get no email either")
PY

# unsent: cancelled midway, then through the daemon.
stop "$sandbox_pid"
mv box quota.box
sandbox --latency 30ms
configure 'max_message_rate: "300/s"'
job stopped "$hold, \"channels\": [\"email\"]"
background send "$volley" send stopped.json --json
until_true 5 test -s box/email.ndjson
expect 65 "$volley" resend stopped --only unsent 2>going.err
grep -q 'is not over' going.err || fail "a running job: $(cat going.err)"
expect 0 "$volley" cancel stopped >/dev/null
wait "$pid" || :
serve
echo 'Now right: ##{{url}} ##{{unsubscribe_url}}' >templates/waiver/email.en.txt
"$volley" resend stopped --only unsent --new-text --submit 2>/dev/null >submit.out
until_true 10 state_is stopped.resend-unsent finished
"$volley" show stopped --json >stopped.books
"$volley" show stopped.resend-unsent --json >unsent.books
expect 2 "$volley" resend stopped --only faild 2>near.err
grep -q '"failed"' near.err || fail "no near name: $(cat near.err)"
expect 65 "$volley" resend never --only failed 2>never.err
grep -q never never.err || fail "an unknown job: $(cat never.err)"

check $people <<'PY'
people = int(sys.argv[1])
def total(path, name, key, **more): return channel(books(path, **more), name)[key]
runs = [channel(load(p), "email") for p in ("errors.books", "again.books", "third.books")]
true(runs[0]["failed"] > 20 and runs[1]["failed"] > 0, f"failed: {runs}")
equal([r["planned"] for r in runs], [people, runs[0]["failed"], runs[1]["failed"]], "planned")
equal(sum(r["sent"] for r in runs), people, "sent in three jobs")
got = [json.loads(line) for line in open("errors.box/email.ndjson")]
equal(len({m["to"] for m in got}), people, "customers")
equal(len(got), people, "messages")
true(not any("changed" in m["raw"] for m in got), "the text is that of the first job")

lost = [load(p) for p in ("lost.books", "lost2.books", "lost3.books")]
true(all(report["balanced"] for report in lost), "balanced")
first, second = ({name: channel(report, name) for name in ("push", "email")} for report in lost[:2])
for name, other in ("push", "email"), ("email", "push"):
    true(first[name]["unknown"] > 20 and second[name]["unknown"] > 0, f"{name}: {first}, {second}")
    equal(second[name]["planned"], first[name]["unknown"], f"{name}: planned once more")
    true(second[name]["suppressed"]["settled_before"] > 0, f"{name}: those lost on {other} alone")
    equal(sum(channel(report, name)["sent"] for report in lost), people, f"{name}: sent")
    got = [json.loads(line) for line in open(f"lost.box/{name}.ndjson")]
    equal(len({m["id"] for m in got}), people, f"{name}: message ids, which stay the same")

first, second = (channel(load(p), "email") for p in ("stopped.books", "unsent.books"))
true(first["cancelled"] > 0, first)
equal(second["planned"], first["cancelled"], "unsent: planned")
equal(first["sent"] + second["sent"], people, "email: sent")
got = box("email")
equal(len({m["to"] for m in got}), len(got), "email: a customer once")
equal(len(got), people, "email: messages")
equal(sum("Now right" in m["raw"] for m in got), second["sent"], "with the new text: those of the second job")
PY
