#!/bin/sh
# HTTP servers that misbehave, each behind types twilio, webhook and http: every message ends as sent,
# failed or unknown (or waits, where nothing was handed over) within the timeout, with a reason that
# a person understands, and no request is sent twice.
. "$(dirname "$0")/../scenario/lib.sh"
studio
account studio '"tier": "endless"'
customers 1
certificate() { # NAME HOST
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$2" -addext "subjectAltName=$3" \
        -keyout "$1.key" -out "$1.pem" 2>/dev/null
}
certificate own localhost DNS:localhost,IP:127.0.0.1
certificate other elsewhere.example DNS:elsewhere.example
mkdir plain own.d other.d
background plain python3 "$lib/bad_http.py" plain
background own python3 "$lib/bad_http.py" own.d own.pem own.key
background other python3 "$lib/bad_http.py" other.d other.pem other.key
until_true 5 test -s plain/port -a -s own.d/tls_port -a -s other.d/tls_port
port=$(cat plain/port) own=$(cat own.d/tls_port) other=$(cat other.d/tls_port)

# How long to wait for an answer: short where none will come.
wait_for() {
    case $1 in stall* | drip) echo 400ms ;; *) echo 5s ;; esac
}

# home NAME BASE [KEYS]: a home of its own with a provider per type and channel.
home() {
    cp -r base "$1" && cp waiver.json "$1/$1.json"
    wait=$(wait_for "$1")
    sed -i "s/\"waiver-job\"/\"$1\"/" "$1/$1.json"
    cat >"$1/volley.yaml" <<YAML
providers:
  twilio: {type: twilio, url: "$2", account_sid: AC00000000000000000000000000000001, auth_token: x, from: "+15005550006",
           timeout: $wait, on_unknown: hold, retry: {first: 20ms, max: 50ms, attempts: 2}${3:+, $3}}
  app: {type: webhook, url: "$2/hook", timeout: $wait, on_unknown: hold, retry: {first: 20ms, max: 50ms, attempts: 2}${3:+, $3}}
  own: {type: http, url: "$2/own", body: '{"to": "##{{to}}"}', id: id, timeout: $wait, retry: {first: 20ms, max: 50ms, attempts: 2}${3:+, $3}}
routes: {sms: [twilio], push: [app], email: [own]}
tiers: {endless: {segments: 1000000}}
public_url: https://studio.example
YAML
}
"$volley" init base >/dev/null
cp -r templates snapshots base
cp volley.yaml base
"$volley" account put account-studio.json --home base >/dev/null
job waiver-job '"channels": ["sms", "push", "email"]'
mv waiver-job.json waiver.json

kinds="good unasked garbage nothing cut-status cut-head cut-body cut-chunk html error-inside huge-body huge-head
    many-heads redirect bad-length bad-json deep-json status-999 not-found stall stall-body drip"
for kind in $kinds; do home "$kind" "http://127.0.0.1:$port/$kind"; done
home tls-good "https://127.0.0.1:$own/good" "tls_ca: $work/own.pem"
home tls-unverified "https://127.0.0.1:$other/good" "tls_verify: no"
home tls-missing "http://127.0.0.1:$own/good"
# Nothing is handed over to these, so their messages wait until the jobs are paused.
home tls-untrusted "https://127.0.0.1:$own/good"
home tls-wrong-name "https://127.0.0.1:$other/good" "tls_ca: $work/other.pem"
home tls-refused "https://127.0.0.1:$port/good"
set -- $(free_ports 1)
home nobody "http://127.0.0.1:$1/good"

run() { # NAME
    (
        cd "$1"
        "$volley" send "$1.json" --json --home . >books 2>err || :
        "$volley" messages --job "$1" --json --home . >log
    )
}
# Those that wait do so beside the others, of which six run at a time, until they say why.
wait_in_vain="tls-untrusted tls-wrong-name tls-refused nobody"
waiting=""
for name in $wait_in_vain; do
    background "$name/run" "$volley" send "$name/$name.json" --json --home "$name"
    waiting="$waiting $pid"
done
runs=""
for name in $kinds tls-good tls-unverified tls-missing; do
    set -- $runs
    [ $# -lt 6 ] || { wait "$1" && shift && runs="$*"; }
    run "$name" &
    runs="$runs $!"
done
wait $runs
for name in $wait_in_vain; do
    for provider in twilio app own; do
        until_true 20 grep -q "messages wait.* provider=$provider why=" "$name/run.err"
    done
done
for pid in $waiting; do stop "$pid" INT; done
for name in $wait_in_vain; do mv "$name/run.out" "$name/books" && mv "$name/run.err" "$name/err"; done

check <<'PY'
BAD, LOST, LATE = "bad_reply", "connection_lost", "timeout"
def expect_all(outcome, reason, words): return {kind: (outcome, reason, words) for kind in ("sms", "push", "email")}
sent = ("sent", "ok", "")
unnamed = ("unknown", BAD, "2xx without a sid")
wanted = {
    "good": expect_all(*sent), "unasked": expect_all(*sent), "tls-good": expect_all(*sent), "tls-unverified": expect_all(*sent),
    "garbage": expect_all("unknown", BAD, "what came back is not HTTP"),
    "nothing": expect_all("unknown", LOST, "it closed the connection without a reply"),
    "cut-status": expect_all("unknown", (BAD, LOST), ""),
    # a final status is an answer: 2xx is taken by a webhook; Twilio names what it took, and http is told where the id is
    "cut-head": {"sms": unnamed, "push": sent, "email": ("unknown", BAD, "HTTP 200, but the reply is empty")},
    "cut-body": {"sms": unnamed, "push": sent, "email": ("unknown", BAD, "HTTP 200, but the reply is not whole")},
    "cut-chunk": {"sms": unnamed, "push": sent, "email": ("unknown", BAD, "HTTP 200, but the reply is not whole")},
    "html": {"sms": unnamed, "push": sent, "email": ("unknown", BAD, "HTTP 200, but the reply is no JSON; check `url`, ask the service if it was sent: <html>")},
    "bad-json": {"sms": unnamed, "push": sent, "email": ("unknown", BAD, "the reply is no JSON")},
    "deep-json": {"sms": unnamed, "push": sent, "email": ("unknown", BAD, "the reply is no JSON")},
    "huge-body": {"sms": unnamed, "push": sent, "email": ("unknown", BAD, "the reply is not whole")},
    "error-inside": {"sms": unnamed, "push": sent, "email": ("unknown", BAD, "no_such_template")},
    "huge-head": expect_all(("sent", "unknown"), None, ""),
    "many-heads": expect_all(("sent", "unknown"), None, ""),
    "bad-length": expect_all(("sent", "unknown"), None, ""),
    "status-999": expect_all("unknown", (BAD, LOST), ""),
    "redirect": expect_all("failed", "retries_used_up", "HTTP 307"),
    "not-found": {"sms": ("failed", "credentials", "HTTP 404"), "push": ("failed", "invalid_address", "nothing here"),
                  "email": ("failed", "invalid_address", "nothing here")},
    "stall": expect_all("unknown", LATE, "timed out"),
    "stall-body": {"sms": unnamed, "push": sent, "email": ("unknown", BAD, "HTTP 200, but the reply is not whole")},
    "drip": expect_all("unknown", LATE, "timed out"),
}
problems = []
def among(value, allowed):
    return allowed is None or value in (allowed if isinstance(allowed, tuple) else (allowed,))
for name, channels in wanted.items():
    log = {m["channel"]: m for m in lines(f"{name}/log")}
    for channel_name, (outcome, reason, words) in channels.items():
        m = log.get(channel_name, {})
        got = m.get("status"), m.get("reason", "ok"), m.get("detail", "")
        if channel_name == "sms" and got[:2] == ("unknown", "retries_used_up"):
            reason, words = "retries_used_up", ""  # looking it up at Twilio met the same peer
        if not (among(got[0], outcome) and among(got[1], reason) and words in got[2]) \
                or (got[0] != "sent" and not got[2]):
            problems.append(f"{name}: {channel_name}: {got} instead of {(outcome, reason, words)}")
    report = load(f"{name}/books")
    if report["state"] != "finished" or not report["balanced"]:
        problems.append(f"{name}: {report}")
waiting = {"tls-untrusted": "certificate", "tls-wrong-name": "127.0.0.1", "tls-refused": "not TLS", "nobody": "onnect"}
for name, words in waiting.items():
    report = load(f"{name}/books")
    err = open(f"{name}/err").read()
    counts = report["channels"]["email"]
    if counts["sent"] or counts["failed"] or counts["unknown"] or counts["pending"] != 1:
        problems.append(f"{name}: nothing was handed over, so it waits: {report}")
    if words not in err:
        problems.append(f"{name}: {words!r} is not in {err!r}")
times = collections.Counter(line.strip() for line in open("plain/requests"))
for name in wanted:
    most = 6 if name == "redirect" else 3
    if not name.startswith("tls") and times[name] > most:
        problems.append(f"{name}: {times[name]} requests for 3 messages")
true(not problems, "\n".join(problems))
PY
