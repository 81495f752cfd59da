#!/bin/sh
# Debian's postfix takes mail only under TLS and only after a login: STARTTLS and smtps, PLAIN, LOGIN
# and XOAUTH2 get in; a wrong password stops the provider; a certificate of somebody else's keeps
# everything waiting.
. "$(dirname "$0")/../scenario/lib.sh"
. "$lib/postfix_home.sh"
. "$lib/certificates.sh"
studio
authority ca
authority stranger
certificate server ca "DNS:localhost,IP:127.0.0.1"
cp server.pem server.key "$mail/etc"
background logins python3 "$lib/dovecot_auth.py" ann secret
until_true 5 test -s logins.out
smtps_port=$(free_ports 1)
postfix_start "smtpd_tls_cert_file = $mail/etc/server.pem
smtpd_tls_key_file = $mail/etc/server.key
smtpd_tls_security_level = encrypt
smtpd_tls_loglevel = 1
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:$(head -n 1 logins.out)
smtpd_tls_auth_only = yes
smtpd_relay_restrictions = permit_sasl_authenticated, reject" \
    "127.0.0.1:$smtps_port inet n - n - 8 smtpd -o smtpd_tls_wrappermode=yes"

relay() { # URL KEYS
    sed -i "s|^  relay: .*|  relay: {type: smtp, url: \"$1\", max_connections: 4, username: ann, password: ${password:-secret}, $2}|" volley.yaml
}
mailing() { # ID STATUS
    job "$1" '"channels": ["email"], "category": "marketing", "template": "offer"'
    expect "$2" "$volley" send "$1.json" --json >"$1.books" 2>"$1.err"
}
customers 100
relay "smtp://127.0.0.1:$smtp_port" "tls_ca: ca.pem, tls: required, verp: return.example"
mailing plain 0
relay "smtps://localhost:$smtps_port" "tls_ca: ca.pem, auth: login, messages_per_connection: 10"
mailing login 0
relay "smtp://127.0.0.1:$smtp_port" "tls_verify: no, auth: xoauth2"
mailing xoauth2 0
postfix_delivered 300

password=wrong
relay "smtp://127.0.0.1:$smtp_port" "tls_ca: ca.pem"
mailing refused 1
password=secret
relay "smtp://127.0.0.1:$smtp_port" "tls_ca: stranger.pem"
job waiting '"channels": ["email"], "category": "marketing", "template": "offer"'
background waiting "$volley" send waiting.json
until_true 10 grep -q 'messages wait' waiting.err
stop "$pid"

check <<'PY'
log = open("maillog").read()
for name in "plain", "login", "xoauth2":
    email = channel(books(f"{name}.books", named=["email"]), "email")
    equal((email["planned"], email["sent"]), (100, 100), f"{name}: planned, sent")
    taken = re.findall(rf"smtpd\[\d+\]: \w+: client=.*sasl_method={name.upper()}, sasl_username=ann", log)
    equal(len(taken), 100, f"{name}: messages smtpd took")
secured = len(re.findall("TLS connection established", log))
true(3 <= secured <= 4 + 10 + 4 + 3, f"connections are used again: {secured}")
senders = set(re.findall(r"qmgr\[\d+\]: \w+: from=<(bounce[^>]+)>", log))
equal(senders, {f"bounce+c{i}=example.com@return.example" for i in range(1, 101)}, "return paths")
refused = channel(books("refused.books", named=["email"]), "email")
equal((refused["sent"], refused["failed"]), (0, 100), "refused: sent, failed")
said = open("refused.err").read()
true("does not log in ann (AUTH PLAIN): 535 5.7.8" in said, f"refused: {said}")
said = open("waiting.err").read()
true("signed by nobody we trust" in said and "tls_ca" in said, f"waiting: {said}")
with open("logins.out") as file:
    logins = file.read().split("\n")[1:-1]
equal(set(logins), {"PLAIN ok", "LOGIN ok", "XOAUTH2 ok", "PLAIN wrong"}, "logins")
equal(len(re.findall(r"reject:|fatal:|panic:|improper command", log)), 0, "complaints in the log")
PY
