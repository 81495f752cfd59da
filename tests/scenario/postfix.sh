#!/bin/sh
# The real smtpd of Debian's postfix takes a campaign of 1,000: what its log says is what the
# books say. An instance of its own on a loopback port; nothing of the system's is touched.
. "$(dirname "$0")/../scenario/lib.sh"
PATH=$PATH:/usr/sbin
command -v postfix >/dev/null || skip "postfix is not installed"
[ "$(id -u)" = 0 ] || skip "postfix starts as root only"

# Its daemons drop their privileges, so its folders lie where every user may pass.
mail=$(mktemp -d)
chmod 755 "$mail"
mkdir "$mail/etc" "$mail/queue" "$mail/data"
chown postfix "$mail/data"
leave() {
    postfix -c "$mail/etc" stop >/dev/null 2>&1 || :
    rm -rf "$mail"
}
at_end=leave

studio
cat >"$mail/etc/main.cf" <<CF
compatibility_level = 3.6
queue_directory = $mail/queue
data_directory = $mail/data
maillog_file = $mail/log
maillog_file_prefixes = $mail
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.example
mydestination =
alias_maps =
smtpd_relay_restrictions = permit_mynetworks, reject
default_transport = discard:
local_transport = discard:
CF
cat >"$mail/etc/master.cf" <<CF
127.0.0.1:$smtp_port inet n - n - 8 smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
discard unix - - n - - discard
error unix - - n - - error
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
CF
postfix -c "$mail/etc" start >start.log 2>&1 || fail "postfix does not start: $(cat start.log)"
until_true 10 python3 -c "import socket; socket.create_connection(('127.0.0.1', $smtp_port))"

customers 1000
job campaign '"channels": ["email"], "category": "marketing", "template": "offer"'
expect 0 "$volley" send campaign.json --json >books.json 2>send.err
queued() { grep -c 'postfix/discard.*status=sent' "$mail/log"; }
all_queued() { [ "$(queued)" -ge 1000 ]; }
until_true 20 all_queued
cp "$mail/log" maillog

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
