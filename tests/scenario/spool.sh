#!/bin/sh
# The daemon's spool: good jobs and broken ones, one that is not due, two hundred at once.
. "$(dirname "$0")/../scenario/lib.sh"
studio
account studio '"tier": "endless"'
customers 40
sandbox
serve

# drop NAME: as another system would: written elsewhere on the file system, then renamed.
drop() { cp "$1" "spool/tmp/${1##*/}" && mv "spool/tmp/${1##*/}" "spool/incoming/${1##*/}"; }

job good && job second
job nobody '"account": "nobody"'
job later '"send_at": "2099-01-01T00:00:00Z"'
job misspelt '"chanels": ["sms"]'
printf '{"id": "cut",\n "account": "studio",\n' >cut.json
check <<'PY'
for i in range(200):
    job = load("good.json")
    job.update(id=f"tiny-{i}", channels=["email"])
    job["audience"]["recipients"] = [f"c{i % 40 + 1}"]
    json.dump(job, open(f"tiny-{i}.json", "w"))
PY
for name in misspelt cut nobody later good second $(seq -f tiny-%g 0 199); do drop "$name.json"; done
ended() { [ "$(ls spool/done | wc -l)" = 202 ]; }
until_true 60 ended
cp -r box before

drop good.json
until_true 5 grep -q 'already sent' serve.err
expect 75 "$volley" send later.json 2>/dev/null
state_is later waiting || fail "later is not waiting"
expect 0 "$volley" cancel later >/dev/null
stop "$serve_pid"

check <<'PY'
done = {f"{name}.json" for name in ["good", "good.1", "second", "later"] + [f"tiny-{i}" for i in range(200)]}
equal(set(os.listdir("spool/done")), done, "done")
failed = sorted(f for f in os.listdir("spool/failed") if not f.endswith(".error.json"))
equal(failed, ["cut.json", "misspelt.json", "nobody.json"], "failed")
why = {name: load(f"spool/failed/{name}.error.json") for name in failed}
for name, line, words in (("misspelt.json", 15, ("chanels", 'did you mean "channels"')),
                          ("cut.json", 2, ()), ("nobody.json", None, ("nobody", "account"))):
    equal(why[name]["code"], "input", f"{name}: code")
    for word in words:
        true(word in why[name]["message"], f"{name}: {why[name]['message']}")
    if line:
        true(abs(why[name]["line"] - line) <= 1, f"{name}: line {why[name]['line']}")
equal(len(box("sms")), 80, "SMS of good and second")
equal(len(ids_once(box("email"), "email")), 200, "emails of the tiny jobs")
for channel_ in "sms", "email":
    equal(box(channel_), box(channel_, "before"), f"{channel_}: nothing sent by what came again")
for name in ["good", "second"] + [f"tiny-{i}" for i in (0, 99, 199)]:
    books(f"outbox/{name}/report.json", named=[])
PY
