#!/bin/sh
# `volley top` tells what throttles and which stage is the bottleneck, under loads whose answer is known:
# a rate limit, a slow provider with few connections, slow workers; on a terminal it draws and puts the
# terminal back.
. "$(dirname "$0")/../scenario/lib.sh"
studio
customers 4000
sandbox --latency 50ms
test "$("$volley" top)" = "nothing is being sent from this home" || fail "somebody sends"
test "$("$volley" top --json)" = '{"processes":[]}' || fail "somebody sends, in JSON"

answered() {
    "$volley" top --json | grep -q '"p50_ms":[0-9]'
}

# campaign ID CHANNEL: runs it until the check of standard input has been made, then cancels it.
campaign() {
    id=$1 channel=$2
    job "$id" "\"channels\": [\"$channel\"], \"auto_hold\": {\"enabled\": false}" # all queue at once
    background send "$volley" send "$id.json"
    send_pid=$pid
    until_true 10 answered
    sleep 1.2 # a rate is taken over two seconds
    check "$id" "$channel"
    stop "$send_pid" INT
}

configure 'max_message_rate: "300/s"'
campaign limited email <<'PY'
top = volley_json("top")[0]["processes"]
equal(len(top), 1, "processes")
relay = next(p for p in top[0]["providers"] if p["name"] == "relay")
true(100 < relay["rate_per_s"] < 400, relay)
equal(relay["rate_limit_per_s"], 300.0, "the limit in force")
equal(relay["brake"], "max_message_rate", relay)
true(relay["queued"] > 500, relay)
true(45 < relay["p50_ms"] <= relay["p90_ms"] <= relay["p99_ms"] < 3000, relay)
job = top[0]["jobs"][0]
equal(job["id"], "limited", job)
equal(job["bottleneck"], {"stage": "limit", "why": "max_message_rate of relay"}, job)
true(100 < job["rate_per_s"] < 400, job)
true(5 < job["eta_s"] < 40, job)
true(abs(sum(job["stages"].values()) - 1) < 0.01, job["stages"])
table = volley("top").stdout
true("limit: max_message_rate of relay" in table and "\x1b" not in table, table)
PY

configure "timeout: 10s"
campaign slow sms <<'PY'
process = volley_json("top")[0]["processes"][0]
twilio = next(p for p in process["providers"] if p["name"] == "twilio")
# 8 connections, one message each in 50 ms
true(50 < twilio["rate_per_s"] < 170, twilio)
true(4 <= twilio["in_flight"] <= 8, twilio)
equal(twilio["brake"], "connections", twilio)
job = process["jobs"][0]
equal(job["bottleneck"], {"stage": "deliver", "why": "all connections of twilio are busy"}, job)

# A screen 60 columns wide: colours, no line longer, and Ctrl-C puts back what was there.
import fcntl, pty, select, signal, struct, termios
pid, fd = pty.fork()
if pid == 0:
    os.environ["TERM"] = "xterm"
    os.execv(VOLLEY, [VOLLEY, "top", "--interval", "100ms"])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 20, 60, 0, 0))
time.sleep(0.5)
os.write(fd, b"\x03")
screen = b""
while True:
    try:
        block = os.read(fd, 65536)
    except OSError:
        break
    if not block:
        break
    screen += block
equal(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0, "status after Ctrl-C")
screen = screen.decode()
true(screen.startswith("\x1b[?1049h"), "no screen of its own")
true(screen.rstrip().endswith("\x1b[?25h\x1b[?1049l"), screen[-80:])
last = screen.split("\x1b[H")[-1]
plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", last.split("\x1b[J")[0])
true("twilio" in plain, plain)
true(max(len(line) for line in plain.splitlines()) <= 60, plain)
PY
