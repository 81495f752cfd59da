#!/bin/sh
# A changed waiver to everybody with a booking ahead (R30), on a tier that runs out midway (R17):
# the plan and the books agree, whatever the number of workers and the loop.
. "$(dirname "$0")/../scenario/lib.sh"
studio
export VOLLEY_NOW=2026-11-21T08:00:00Z

check <<'PY'
dice, people, bookings = random.Random(7), [], []
for i in range(1, 10001):
    changes = {}
    if dice.random() < .05: changes["phone"] = ""
    if dice.random() < .05: changes["email"] = ""
    if dice.random() < .10: changes["email_verified"] = "false"
    if dice.random() < .03: changes["enrolled"] = "false"
    if dice.random() < .04: changes["phone"] = f"+39333{dice.randint(1, i):07}"
    if dice.random() < .30: changes["locale"] = "it"
    if dice.random() < .10: changes["first_name"] = dice.choice(["Zoë", "Łukasz", "Nicolò", "小明", "D'Arcy 🎉"])
    people.append(person(i, optout_sms=str(dice.random() < .05).lower(), **changes))
    for _ in range(dice.choice([0, 0, 1, 2])):
        at = f"2026-{dice.choice([10, 11, 12]):02}-{dice.randint(1, 28):02}T{dice.randint(7, 20):02}:00:00Z"
        bookings.append({"customer_id": f"c{i}", "starts_at": at})
# One column more makes a booking a struct, so that it has a starts_at.
bookings = [{**b, "class_name": "Yoga"} for b in bookings]
write_csv("customers.csv", people)
write_csv("bookings.csv", bookings)
ahead = {b["customer_id"] for b in bookings if b["starts_at"] >= "2026-11-21T08:00:00Z"}
json.dump(sorted(ahead), open("ahead.json", "w"))
PY
import_customers --child bookings=bookings.csv
job waiver '"sms_fallback": "email", "dedupe": "address",
    "vars": {"url": "https://studio.example/waivers/2026-11/sign-here-please"}, "audience": {"snapshot": "snapshots/studio.arrow",
    "where": "EXISTS (SELECT 1 FROM bookings WHERE starts_at >= CURRENT_TIMESTAMP)"}'


# one NAME WORKERS LOOP: the whole campaign in a home of its own.
one() {
    mkdir -p "homes/$1" && cd "homes/$1"
    VOLLEY_HOME=$PWD workers=$2 studio
    export VOLLEY_HOME=$PWD VOLLEY_LOOP=$3
    cp "$work/snapshots/studio.arrow" snapshots
    "$volley" quota studio --add-pack 1000 >/dev/null
    "$volley" plan "$work/waiver.json" --json >plan.json 2>plan.err
    sandbox
    "$volley" send "$work/waiver.json" --json >books.json 2>send.err
    stop "$sandbox_pid"
    "$volley" quota studio --json >quota.json
    "$volley" messages --account studio --json >messages.ndjson
    cd "$work"
}
one serial 1 uring
one parallel 4 uring
one epoll 4 epoll

check <<'PY'
ahead, seen = set(load("ahead.json")), {}
for name in "serial", "parallel", "epoll":
    os.chdir(f"homes/{name}")
    plan, report = load("plan.json"), books()
    agree(plan, report)
    equal(report["matched"], len(ahead), "matched")
    equal(load("quota.json")["used"], report["quota"]["used_after"], "quota used")
    true(1490 <= report["quota"]["used_after"] <= 1500, "the tier and the pack ran out")
    sms, emails = channel(report, "sms"), channel(report, "email")
    true(sms["sent"] > 500 and emails["sent"] > 500, "the allowance runs out midway")

    # The sandbox holds exactly one message per planned one, and the owner's notice.
    phones, mails = box("sms"), box("email")
    equal(len(phones), sms["sent"], "SMS in the sandbox")
    ids_once(mails, "email")
    notices = [m for m in mails if m["to"] == "owner@studio.example"]
    equal(len(notices), 1, "notices to the owner")
    true("https://studio.example/upgrade" in mail(notices[0]).get_content(), "the notice's link")
    equal(len(mails) - 1, emails["sent"], "emails in the sandbox")
    to_sms, to_email = {m["to"] for m in phones}, {m["to"] for m in mails}
    equal(len(to_sms), len(phones), "one SMS a number")

    # Nobody without a booking ahead; the log has the notice as the system's.
    log = lines("messages.ndjson")
    sent = {m["customer"] for m in log if m["status"] == "sent" and m["source"] != "system"}
    true(sent <= ahead, "only those with a booking ahead")
    equal([m["customer"] for m in log if m["source"] == "system"], ["owner"], "notices in the log")
    equal(sum(m["segments"] for m in log if m["status"] == "sent"), sms["segments"], "segments in the log")
    seen[name] = (to_sms, to_email, {m["id"] for m in mails})
    os.chdir("../..")
for name in "parallel", "epoll":
    for ours, serial, what in zip(seen[name], seen["serial"], ("SMS", "email", "email ids")):
        equal(ours, serial, f"{what} of {name} and of one worker")
PY
