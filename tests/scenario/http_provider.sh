#!/bin/sh
# Type http with the very configurations of docs/providers.md: Postmark, Resend and Mailgun, played by
# email_apis.py. What the peer took is what the books say, whatever else happens on the way.
. "$(dirname "$0")/../scenario/lib.sh"
studio
account studio '"tier": "endless"'
background apis python3 "$lib/email_apis.py" .
until_true 5 test -s port
port=$(cat port)
export POSTMARK_TOKEN=pm-token RESEND_API_KEY=re_key MAILGUN_API_KEY=mg-key

# documented NAME: volley.yaml with the provider that docs/providers.md shows under this name.
documented() {
    {
        awk -v name="  $1:" '/^```/ { if (found) exit; block = ""; next } { block = block $0 "\n" }
            $0 == name { found = 1 } END { if (found) printf "%s", block }' "$root/docs/providers.md" |
            sed -E "s#https://api\.(postmarkapp.com|resend.com|mailgun.net)#http://127.0.0.1:$port#"
        echo "    timeout: 20s"
        echo "    retry: {first: 20ms, max: 100ms}"
        echo "public_url: https://studio.example"
        echo "routes: {email: [$1]}"
        echo "auto_hold: {enabled: no}" # a call of 200 is to be lost
        echo "tiers: {starter: {segments: 500}, endless: {segments: 1000000}}"
    } >volley.yaml
    grep -q "^  $1:" volley.yaml || fail "docs/providers.md has no configuration named $1"
}

customers 700
for name in resend resend_single mailgun postmark; do
    documented $name
    job $name '"channels": ["email"], "category": "marketing", "template": "offer"'
    [ $name = postmark ] || sed -i 's/"snapshot": "[^"]*"/&, "where": "phone <= '"'+393330000150'"'"/' $name.json
    "$volley" check $name.json 2>$name.check || fail "$name: $(cat $name.check)"
    "$volley" send $name.json --json >$name.books 2>$name.err || [ $? = 1 ] || fail "$name: $(cat $name.err)"
    "$volley" messages --job $name --json >$name.log
    mv taken.ndjson $name.taken
    [ ! -e complaints ] || fail "$name: $(head -n 3 complaints)"
done

check <<'PY'
def results(name):
    return {m["customer"]: m for m in lines(f"{name}.log")}

everybody = {f"c{i}" for i in range(1, 701)}
some = {f"c{i}" for i in range(1, 151)}
for name, audience in (("postmark", everybody), ("resend", some), ("resend_single", some), ("mailgun", some)):
    report = books(f"{name}.books", named=["email"])
    log, taken = results(name), lines(f"{name}.taken")
    equal(set(log), audience, f"{name}: customers")
    by = collections.defaultdict(set)
    for who, m in log.items():
        by[m["status"]].add(who)
    c = channel(report, "email")
    for outcome in "sent", "failed", "unknown":
        equal(c[outcome], len(by[outcome]), f"{name}: {outcome}")
    people = [m["customer"] for m in taken]
    equal(len(people), len(set(people)), f"{name}: nobody twice")
    true(by["sent"] <= set(people), f"{name}: {sorted(by['sent'] - set(people))[:5]} are in the books, not at the peer")
    equal(by["sent"] | by["unknown"] | by["failed"], audience, f"{name}: all accounted for")
    equal(set(people) - by["sent"] - by["unknown"], set(), f"{name}: at the peer, not in the books")
    for m in taken:
        if m["customer"] in by["sent"]:
            true(m["id"] in log[m["customer"]]["provider_id"], f"{name}: {m}: the id is in the log")
    one = next(m["mail"] for m in taken if m["customer"] == "c1")
    text = json.dumps(one)
    for want in "Studio studio", "hello@studio.example", "c1@example.com", "A new offer", "https://studio.example/w/7", \
            "Name1", "List-Unsubscribe=One-Click":
        true(want in text, f"{name}: {want} in {text}")
    true("Studio <hello" not in text, "the name of the sender is quoted")

log = results("postmark")
equal({w for w, m in log.items() if m["status"] == "failed"}, {"c102", "c103"}, "postmark: failed")
equal(log["c102"]["reason"], "invalid_address", "postmark: an inactive address")
true("marked as inactive" in log["c102"]["detail"], log["c102"])
equal(log["c103"]["reason"], "rejected", "postmark: a refusal")
lost = {m["customer"] for m in lines("postmark.taken") if m["lost"]}
equal({w for w, m in log.items() if m["status"] == "unknown"}, lost, "postmark: unknown is the call answered by 500")

log = results("resend")
equal({w for w, m in log.items() if m["status"] == "failed"}, {"c105"}, "resend: only the culprit of a batch fails")
equal(log["c105"]["detail"], "Invalid `to` field.", "resend: detail")
true("c104" in {w for w, m in log.items() if m["status"] == "unknown"}, "resend: a lost reply to a batch is unknown")

log = results("resend_single")
equal({w for w, m in log.items() if m["status"] != "sent"}, {"c105"}, "resend_single: the key makes a lost reply good")
true(all(m["key"] for m in lines("resend_single.taken")), "resend_single: each with its key")

log = results("mailgun")
equal({w: m["status"] for w, m in log.items() if m["status"] != "sent"},
      {"c101": "unknown", "c105": "failed", "c104": "unknown"}, "mailgun: not sent")
true("not a valid address" in log["c105"]["detail"], log["c105"])
PY

# An address that Postmark calls inactive is not tried again.
documented postmark
job again '"channels": ["email"], "category": "marketing", "template": "offer",
    "audience": {"snapshot": "snapshots/studio.arrow", "recipients": ["c102", "c7"]}'
"$volley" send again.json --json >again.books 2>again.err || fail "again: $(cat again.err)"
check <<'PY'
email = channel(books("again.books", named=["email"]), "email")
equal((email["sent"], email["suppressed"]), (1, {"dead_address": 1}), "again: sent, suppressed")
PY
