#!/bin/sh
# Opt-outs: which of the switches stop which message (R5–R9), and one that arrives while a job runs
# or is paused stops every message not yet handed over (R10).
. "$(dirname "$0")/../scenario/lib.sh"
studio
account studio '"tier": "endless"'
template note manual

# One customer per switch, and one without any; half of them switched off in the snapshot itself.
check <<'PY'
switches = ["marketing_email", "transactional_email", "marketing_sms", "sms"]
rows = [person(1)] + [person(i + 2, **{f"optout_{s}": str(s == own).lower() for s in switches})
                      for i, own in enumerate(switches)]
rows[0].update({f"optout_{s}": "false" for s in switches})
rows += [{**rows[0], **person(i)} for i in range(6, 11)]
write_csv("customers.csv", rows)
PY
import_customers
add() { "$volley" optout add --account studio "$@" >/dev/null; }
add --customer c6 --switch marketing_email
add --email C7@EXAMPLE.com --switch transactional_email
add --phone +393330000008 --switch marketing_sms
add --phone +393330000009 --switch sms
add --customer c10 --switch notifications
sandbox
for category in marketing transactional manual; do
    case $category in marketing) name=offer ;; transactional) name=waiver ;; *) name=note ;; esac
    job $category "\"channels\": [\"sms\", \"email\", \"push\"], \"category\": \"$category\", \"template\": \"$name\""
    "$volley" send $category.json --json >$category.books 2>$category.err
    "$volley" messages --job $category --json >$category.log
done
# A manual message to one customer goes out whatever the switches say; to two it does not (R9).
add --customer c5
for who in '"c5"' '"c5", "c9"'; do
    id=manual-$(echo "$who" | wc -w)
    job $id "\"channels\": [\"sms\", \"email\"], \"category\": \"manual\", \"template\": \"note\",
        \"audience\": {\"snapshot\": \"snapshots/studio.arrow\", \"recipients\": [$who]}"
    "$volley" send $id.json --json >$id.books 2>$id.err
done

check <<'PY'
def reached(job, kind):
    return {int(m["customer"][1:]) for m in lines(f"{job}.log") if m["channel"] == kind and m["status"] == "sent"}
everybody = set(range(1, 11))
stopped = {"marketing": {"email": {2, 6, 10}, "sms": {4, 5, 8, 9}, "push": {10}},
           "transactional": {"email": {3, 7, 10}, "sms": {5, 9}, "push": {10}}}
for job, kinds in stopped.items():
    report = books(f"{job}.books", named=kinds)
    for kind, out in kinds.items():
        equal(reached(job, kind), everybody - out, f"{job} {kind}: reached")
        equal(channel(report, kind)["suppressed"], {"opted_out": len(out)}, f"{job} {kind}: suppressed")
group = books("manual.books", named=("sms", "email", "push"))
true(not {5, 9} & reached("manual", "sms"), "a manual message to a group heeds STOP")
one, two = books("manual-1.books", named=("sms", "email")), books("manual-2.books", named=("sms", "email"))
equal([channel(one, kind)["sent"] for kind in ("sms", "email")], [1, 1], "manual to one customer")
equal(channel(two, "sms")["suppressed"], {"opted_out": 2}, "manual to two customers")
PY

# While it runs, at 150 a second, SMS first: those at the end of the snapshot opt out before their turn.
customers 300
job running '"limits": {"max_message_rate": "150/s"}, "channels": ["sms", "email"]'
background send "$volley" send running.json --json
until_true 5 state_is running running
add --customer c299
add --phone +393330000298 --switch sms
add --email c297@example.com --switch transactional_email
add --customer c296 --switch marketing_sms # has no say in a transactional message
until_true 10 grep -q c60@ box/email.ndjson
"$volley" pause running >/dev/null
wait "$pid" || :
add --customer c295
"$volley" resume running --json >running.books 2>resume.err
"$volley" messages --job running --json >running.log

check <<'PY'
report = books("running.books", named=("sms", "email"))
cancelled = {(m["customer"], m["channel"], m["reason"]) for m in lines("running.log") if m["status"] == "cancelled"}
equal(cancelled, {("c299", "sms", "opted_out"), ("c299", "email", "opted_out"), ("c298", "sms", "opted_out"),
                  ("c297", "email", "opted_out"), ("c295", "email", "opted_out")},
      "stopped by a late opt-out")
equal(channel(report, "sms")["cancelled"] + channel(report, "email")["cancelled"], 5, "cancelled")
PY
