#!/bin/sh
# Where io_uring is refused, as by the default profile of a container runtime: a campaign over SMTP
# and HTTP is sent on epoll all the same, and one line says why.
. "$(dirname "$0")/../scenario/lib.sh"
io_uring_setup=425 # the same on every architecture
without() { python3 "$lib/refused.py" $io_uring_setup "$@"; }
unset VOLLEY_LOOP

studio
customers 300
background sandbox python3 "$lib/refused.py" $io_uring_setup "$volley" sandbox \
    --listen-smtp "127.0.0.1:$smtp_port" --listen-http "127.0.0.1:$http_port" --dir box
until_true 5 grep -qw ready sandbox.err

for channel in email sms; do
    job $channel "\"channels\": [\"$channel\"]"
    without "$volley" send $channel.json --json >$channel.books 2>$channel.told
    check $channel <<'PY'
channel = sys.argv[1]
report = books(f"{channel}.books", named=(channel,))
equal(report["channels"][channel]["sent"], len(box(channel)), "sent")
true(box(channel), "something was sent")
with open(f"{channel}.told") as told:
    why = [line for line in told if "epoll" in line]
equal(len(why), 1, "lines about epoll")
for words in ("level=warn", "io_uring is refused, epoll is used instead", "io_uring_setup",
              "Operation not permitted"):
    true(words in why[0], why[0])
PY
done

# Asked for by name it is not replaced in silence.
job named '"channels": ["sms"]'
if VOLLEY_LOOP=uring without "$volley" send named.json >named.out 2>named.told; then
    fail "VOLLEY_LOOP=uring was ignored"
fi
grep -q "io_uring_setup: Operation not permitted" named.told || fail "$(cat named.told)"
