#!/bin/sh
# finish_by: plan, check and the start say in one sentence with figures that a job cannot be over in time,
# and when it would; a running job says once that it will be late, and goes on all the same.
. "$(dirname "$0")/lib.sh"
studio
configure 'max_message_rate: 40/s'
account studio '"tier": "endless"'
customers 400
sandbox

# By the calendar of a test that stands still: 400 SMS at 40/s take ten seconds.
export VOLLEY_NOW=2026-11-23T08:00:00Z
job late '"finish_by": "2026-11-23T09:00:04+01:00"'
job in_time '"finish_by": "2026-11-23T09:00:11+01:00"'
job spread '"finish_by": "2026-11-23T18:00:00+01:00", "spread_over": "12h"'
job quiet '"finish_by": "2026-11-23T18:00:00+01:00", "delivery_window": {"start": "20:00", "end": "21:00"}'
job slow '"send_at": "2026-11-23T10:00:00+01:00", "finish_by": "2026-11-23T11:00:00+01:00", "limits": {"max_message_rate": "100/hr"}'
job past '"finish_by": "2026-11-23T08:30:00+01:00"'
job over '"finish_by": "2026-11-23T08:30:00+01:00", "send_at": "2026-11-23T10:00:00+01:00"'
for id in late in_time spread quiet slow past; do
    "$volley" plan $id.json --json >$id.plan
    expect 0 "$volley" check $id.json --json >$id.check 2>$id.err
done
"$volley" plan late.json >late.text
expect 65 "$volley" check over.json >over.out 2>over.err
unset VOLLEY_NOW
check <<'PY'
def said(id, want, eta_s, ends_at):
    plan = load(f"{id}.plan")
    got = [w for w in plan["warnings"] if w.startswith("finish_by")]
    equal(got, want, f"{id}: plan")
    equal([w["message"] for w in load(f"{id}.check")["warnings"] if w["message"].startswith("finish_by")], want, f"{id}: check")
    equal((plan["eta_s"], plan["ends_at"]), (eta_s, ends_at), f"{id}: end")
said("late", ["finish_by 09:00:04 (Europe/Rome) cannot be met: 400 SMS through twilio at 40/s take 10 s; "
              "it would end at 09:00:10; raise providers.twilio.max_message_rate"], 10, "2026-11-23T08:00:10Z")
said("in_time", [], 10, "2026-11-23T08:00:10Z")
said("spread", ["finish_by 18:00 (Europe/Rome) cannot be met: the messages are spread over 12 h; "
                "it would end at 21:00; shorten spread_over"], 12 * 3600, "2026-11-23T20:00:00Z")
said("quiet", ["finish_by 18:00 (Europe/Rome) cannot be met: 400 SMS through twilio at 40/s take 10 s inside "
               "their customers' hours; it would end at 20:00; widen the hours"], 11 * 3600 + 10, "2026-11-23T19:00:10Z")
said("slow", ["finish_by 11:00 (Europe/Rome) cannot be met: 400 SMS at 100/hr take 4 h; it would end at 14:00; "
              "raise the job's limits.max_message_rate"], 4 * 3600, "2026-11-23T13:00:00Z")
said("past", ["finish_by 08:30 (Europe/Rome) cannot be met: it is not later than the start"], 10, "2026-11-23T08:00:10Z")
true("takes at least 10 s by the configured limits, until 2026-11-23T08:00:10Z" in open("late.text").read(), "plan in words")
true('"finish_by" must be later than "send_at"' in open("over.err").read(), open("over.err").read())
PY

# Under way: half the time is not enough. The job says so once, also in `show`, and ends well.
job running '"finish_by": "'"$(python3 -c 'import datetime as d
print((d.datetime.now(d.timezone.utc) + d.timedelta(seconds=3)).strftime("%Y-%m-%dT%H:%M:%SZ"))')"'", "limits": {"max_recipients": 240}'
background running "$volley" send running.json --json
running=$pid
until_true 5 grep -q "job will be late" running.err
until_true 5 sh -c '"$VOLLEY_BIN" show running | grep -q "later than its finish_by"'
until_true 5 sh -c '"$VOLLEY_BIN" top --json | grep -q "\"late_until\":\"20"'
expect 0 wait "$running"
check <<'PY'
equal(channel(books("running.out"), "sms")["sent"], 240, "sent")
log = open("running.err").read()
equal((log.count("finish_by cannot be met"), log.count("job will be late")), (1, 1), log)
true(re.search(r"240 SMS through twilio at 40/s take 6 s; it would end at", log), log)
PY
