#!/bin/sh
# The report of a campaign with every kind of failure: report.html is well-formed, shows what
# report.json says, and what a provider says stays text. Oracles: Python's parsers, and counts made
# here from `messages`.
. "$(dirname "$0")/../scenario/lib.sh"
studio
account studio '"tier": "endless"'
check <<'PY'
json.dump({**load("account-studio.json"), "name": "Ann <script>alert(1)</script> & \"Sons\""}, open("account.json", "w"))
PY
"$volley" account put account.json >/dev/null
configure 'retry: {first: 20ms, max: 50ms, give_up: 300ms}'
background peer python3 "$lib/smtp_peer.py" "$smtp_port" 0 taken.txt
until_true 5 grep -qw ready peer.out
background sandbox "$volley" sandbox --listen-http "127.0.0.1:$http_port" --dir box --throttle 2000/s
until_true 5 grep -qw ready sandbox.err
check <<'PY'
names = {0: "gone", 1: "rude", 2: "full"}
write_csv("customers.csv", [person(i, email=f"{names.get(i % 40, 'c')}{i}@example.com",
    phone="" if i % 50 == 7 else f"+39333{i:07}") for i in range(1, 401)])
PY
import_customers
job campaign '"channels": ["sms", "email", "push"], "auto_hold": {"enabled": false}'
expect 65 "$volley" show campaign --html >none.out 2>none.err
"$volley" send campaign.json --json >books.json 2>send.err || [ $? = 1 ] || fail "$(cat send.err)"
[ "$("$volley" show campaign --html)" = "$work/outbox/campaign/report.html" ] || fail "show --html"
mv outbox/campaign/report.html first.html # lost: it is made again
"$volley" show campaign --html >/dev/null
cmp first.html outbox/campaign/report.html

# Nobody matched, and a single channel: no less a page.
job nobody "\"audience\": {\"snapshot\": \"snapshots/studio.arrow\", \"where\": \"id = 'x'\"}"
job single '"channels": ["push"], "audience": {"snapshot": "snapshots/studio.arrow", "recipients": ["c5"]}'
"$volley" send nobody.json >/dev/null 2>&1
"$volley" send single.json >/dev/null 2>&1

check <<'PY'
import html.parser
import xml.etree.ElementTree as tree


def page(job):
    """The page as XML, as text without style, and its elements as a browser's parser sees them."""
    with open(f"outbox/{job}/report.html", encoding="utf-8", errors="strict") as file:
        source = file.read()
    root = tree.fromstring(source.partition("\n")[2])
    elements, seen = [], html.parser.HTMLParser()
    seen.handle_starttag = lambda tag, attributes: elements.append((tag, attributes))
    seen.handle_startendtag = seen.handle_starttag
    seen.feed(source)
    text = "\n".join("".join(e.itertext()) for e in (root.find("head/title"), root.find("body")))
    return root, text, elements


for job in "campaign", "nobody", "single":
    root, text, elements = page(job)
    true(not {tag for tag, _ in elements} & {"script", "img", "link", "iframe", "object"}, f"{job}: only text and drawings")
    true(not [a for _, attributes in elements for a in attributes
              if a[0].startswith("on") or a[0] in ("src", "href", "xlink:href")], f"{job}: nothing is fetched or run")
    true(job in text, f"{job}: its name")
    for svg in root.iter("svg"):
        true(svg.findtext("title") and svg.findtext("desc"), f"{job}: a drawing says what it shows")
        for rect in svg.iter("rect"):
            x, y, w, h = (float(rect.get(k)) for k in ("x", "y", "width", "height"))
            true(w > 0 and h > 0 and x >= 0 and x + w <= 722 and y > -3, f"{job}: {rect.attrib} within the drawing")

root, text, _ = page("campaign")
report, rows = load("outbox/campaign/report.json"), volley_json("messages", "--job", "campaign")
equal(load("books.json")["channels"], report["channels"], "send and report.json")
books(report, named=("sms", "email", "push"))
for name in ("sms", "email", "push"):
    c = channel(report, name)
    for key in OUTCOMES + ("planned",):
        equal(c[key], sum(m["status"] == key or key == "planned" and m["status"] in OUTCOMES
                          for m in rows if m["channel"] == name), f"{name}: {key}")
    table = next(t for t in root.iter("table") if t.find("thead/tr/th").text == "Channel" and len(t.findall("thead/tr/th")) == 10)
    cells = next([td.text for td in tr] for tr in table.iter("tr") if tr[0].text == name)
    equal(cells, [name] + [str(n) for n in (c["planned"], *(c[o] for o in OUTCOMES), 0, sum(c["suppressed"].values()))],
          f"{name}: the books on the page")
email_ = channel(report, "email")
equal(email_["failed"], 30, "gone, rude and full fail")

count = lambda key, **want: collections.Counter(m[key] for m in rows if key in m and all(m.get(k) == v for k, v in want.items()))
for outcome, reasons in report["reasons"].items():
    equal({r["reason"]: r["count"] for r in reasons}, dict(count("reason", status=outcome)), f"reasons for {outcome}")
equal([r["count"] for r in report["reasons"]["failed"]],
      sorted((r["count"] for r in report["reasons"]["failed"]), reverse=True), "the most frequent first")
for provider, counts in report["providers"].items():
    equal(counts, {o: count("status", provider=provider)[o] for o in ("sent", "failed", "unknown")}, f"{provider}: counts")
equal({int(k): v for k, v in report["attempts"].items()}, {k: v for k, v in count("attempts").items() if k}, "attempts")
for outcome in "sent", "failed", "unknown":
    equal(sum(report["rate"][outcome]), count("status")[outcome], f"rate: {outcome}")
true(len(report["rate"]["sent"]) <= 120, "buckets")
true(report["started"] <= report["finished"], "started, finished")
true("<script>alert('x')</script> & \"q\"" in text, "a provider's words are shown as they are")
true('Ann <script>alert(1)</script> & "Sons"' in text, "so is the account's name")
true(not re.search("[\x00-\x08\x1b\u202e]", text), "but nothing that moves the cursor or turns the text around")
for section in "Rate", "Outcomes by channel", "Reasons", "Providers", "Attempts", "SMS segments", "Not planned", "The books":
    true(any(h.text.startswith(section) for h in root.iter("h2")), f"there is a section {section}")
PY
