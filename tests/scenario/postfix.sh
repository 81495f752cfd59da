#!/bin/sh
# The real smtpd of Debian's postfix takes a campaign of 1,000: what its log says is what the
# books say.
. "$(dirname "$0")/../scenario/lib.sh"
. "$lib/postfix_home.sh"
studio
postfix_start "smtpd_relay_restrictions = permit_mynetworks, reject"

customers 1000
job campaign '"channels": ["email"], "category": "marketing", "template": "offer"'
expect 0 "$volley" send campaign.json --json >books.json 2>send.err
postfix_delivered 1000

check <<'PY'
email = channel(books(named=["email"]), "email")
equal((email["planned"], email["sent"]), (1000, 1000), "planned, sent")
log = open("maillog").read()
equal(len(re.findall(r"/smtpd\[\d+\]: \w+: client=", log)), 1000, "messages smtpd took")
ids = re.findall(r"/cleanup\[\d+\]: \w+: message-id=<([0-9a-f]{32})@studio.example>", log)
equal((len(ids), len(set(ids))), (1000, 1000), "Message-IDs, different ones")
to = set(re.findall(r"/discard\[\d+\]: \w+: to=<([^>]+)>.*status=sent", log))
equal(to, {f"c{i}@example.com" for i in range(1, 1001)}, "recipients")
equal(len(re.findall(r"reject:|fatal:|panic:|improper command", log)), 0, "complaints in the log")
PY
