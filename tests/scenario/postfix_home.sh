# postfix_home: an instance of Debian's postfix of its own, on loopback ports, that takes everything and
# throws it away; nothing of the system's is touched. Sourced behind lib.sh.
PATH=$PATH:/usr/sbin
command -v postfix >/dev/null || skip "postfix is not installed"
[ "$(id -u)" = 0 ] || skip "postfix starts as root only"

# Its daemons drop their privileges, so its folders lie where every user may pass.
mail=$(mktemp -d)
chmod 755 "$mail"
mkdir "$mail/etc" "$mail/queue" "$mail/data"
chown postfix "$mail/data"
postfix_stop() {
    postfix -c "$mail/etc" stop >/dev/null 2>&1 || :
    rm -rf "$mail"
}
at_end=postfix_stop

# postfix_start MAIN [MASTER]: more lines for main.cf and master.cf; listens on $smtp_port.
postfix_start() {
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
default_transport = discard:
local_transport = discard:
$1
CF
    cat >"$mail/etc/master.cf" <<CF
127.0.0.1:$smtp_port inet n - n - 8 smtpd
${2:-}
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
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
}

# postfix_delivered COUNT: wait until so many are delivered, and copy the log to ./maillog.
postfix_queued() { [ "$(grep -c 'postfix/discard.*status=sent' "$mail/log")" -ge "$1" ]; }
postfix_delivered() {
    until_true 20 postfix_queued "$1"
    cp "$mail/log" maillog
}
