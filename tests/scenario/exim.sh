#!/bin/sh
# Debian's exim4 takes a campaign of 600 with CHUNKING, under TLS (of GnuTLS) and without, to addresses
# that are not ASCII too: what its log says is what the books say. Its package conflicts with postfix,
# so it is unpacked into build/peers/exim and installed nowhere.
. "$(dirname "$0")/../scenario/lib.sh"
. "$lib/certificates.sh"
[ "$(id -u)" = 0 ] || skip "exim starts as root only"
command -v apt-get >/dev/null && command -v dpkg >/dev/null || skip "exim4 comes as a Debian package"
peer=$root/build/peers/exim
if [ ! -x "$peer/usr/sbin/exim4" ]; then
    rm -rf "$peer.new"
    mkdir -p "$peer.new/packages"
    (cd "$peer.new/packages" &&
        apt-get download -qq exim4-daemon-light libidn12 libnss-wrapper) >exim.download 2>&1 ||
        skip "exim4-daemon-light cannot be downloaded: $(tail -n 1 exim.download)"
    for package in "$peer.new"/packages/*.deb; do
        dpkg -x "$package" "$peer.new" || skip "$package cannot be unpacked"
    done
    mv "$peer.new" "$peer"
fi

studio
# The package would have made this user; here it is the user mail under another name.
mail=$(mktemp -d)
chmod 755 "$mail"
mkdir "$mail/spool"
leave() { rm -rf "$mail"; }
at_end=leave
{ cat /etc/passwd && echo "Debian-exim:x:$(id -u mail):$(id -g mail)::/nonexistent:/bin/false"; } >"$mail/passwd"
{ cat /etc/group && echo "Debian-exim:x:$(id -g mail):"; } >"$mail/group"
authority ca
certificate server ca "DNS:localhost"
cp server.pem server.key "$mail"
chmod 644 "$mail"/server.*
cat >"$mail/exim.conf" <<CF
spool_directory = $mail/spool
log_file_path = $mail/spool/%slog
log_selector = +received_recipients
primary_hostname = mail.example
local_interfaces = 127.0.0.1
tls_certificate = $mail/server.pem
tls_privatekey = $mail/server.key
smtputf8_advertise_hosts = *
acl_smtp_rcpt = accept
queue_only
smtp_accept_max = 50
smtp_accept_max_per_connection = 0
CF
chown -R mail "$mail/spool"
libraries=$(dirname "$(find "$peer" -name libnss_wrapper.so)")
background exim env LD_LIBRARY_PATH="$libraries" LD_PRELOAD="$libraries/libnss_wrapper.so" \
    NSS_WRAPPER_PASSWD="$mail/passwd" NSS_WRAPPER_GROUP="$mail/group" \
    "$peer/usr/sbin/exim4" -C "$mail/exim.conf" -bdf -oX "$smtp_port" -oP "$mail/pid"
until_true 5 python3 -c "import socket; socket.create_connection(('127.0.0.1', $smtp_port))"

check <<'PY'
people = [person(i) for i in range(1, 301)]
for i in range(0, 300, 10):
    people[i]["email"] = f"jörg{i}@bücher.example"
write_csv("customers.csv", people)
PY
import_customers
relay() { # KEYS
    sed -i "s|^  relay: .*|  relay: {type: smtp, url: \"smtp://localhost:$smtp_port\", max_connections: 4, $1}|" volley.yaml
}
mailing() { # ID
    job "$1" '"channels": ["email"], "category": "marketing", "template": "offer"'
    expect 0 "$volley" send "$1.json" --json >"$1.books" 2>"$1.err"
}
relay "tls: required, tls_ca: ca.pem"
mailing secured
cp "$mail/spool/mainlog" secured.log
relay "tls: off"
mailing plain
cp "$mail/spool/mainlog" plain.log

check <<'PY'
want = {f"c{i}@example.com" for i in range(1, 301) if i % 10 != 1} | \
       {f"jörg{i}@bücher.example" for i in range(0, 300, 10)}
before = ""
for name in "secured", "plain":
    email = channel(books(f"{name}.books", named=["email"]), "email")
    equal((email["planned"], email["sent"]), (300, 300), f"{name}: planned, sent")
    log = open(f"{name}.log").read()
    taken = re.findall(r" <= .*", log[len(before):])
    before = log
    equal(len(taken), 300, f"{name}: messages exim took")
    equal({line.rsplit(" for ", 1)[1] for line in taken}, want, f"{name}: recipients")
    equal(sum(" K " in line for line in taken), 300, f"{name}: with CHUNKING")
    equal(sum(" X=TLS1.3" in line for line in taken), 300 if name == "secured" else 0, f"{name}: under TLS")
    equal(len(set(re.findall(r" id=([0-9a-f]{32})@", "\n".join(taken)))), 300, f"{name}: Message-IDs")
equal(re.findall(r".*(?:rejected|error|unexpected|synchronization).*", log), [], "complaints in the log")
PY
