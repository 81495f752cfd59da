#!/bin/sh
# docs/operations.md: each situation is made to happen, each command block is run in it as it stands on the
# page, each sentence that the page quotes is looked for in what the program said, and what the page claims about
# the messages is counted at the sandbox. A block that nobody runs, or a sentence nobody said, fails.
. "$(dirname "$0")/../scenario/lib.sh"
[ "${VOLLEY_OUT##*/}" != asan ] || skip "the sanitizer wants to be preloaded first"

# --- the page: a folder per part with its blocks and its sentences ---

check "$root/docs/operations.md" <<'PY'
page = open(sys.argv[1]).read()
for part in re.split(r"^## ", page, flags=re.M)[1:]:
    title, text = part.split("\n", 1)
    folder = "page/" + re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
    os.makedirs(folder)
    for kind in "sh", "text", "ini":
        for number, block in enumerate(re.findall(rf"^```{kind}\n(.*?)^```$", text, re.M | re.S), 1):
            open(f"{folder}/{kind}.{number}", "w").write(block)
equal(page.count("```"), 2 * sum(len(names) for _, _, names in os.walk("page")), "fences of sh, text and ini")

# Commands within sentences: the verb and its options are there. Log lines and sentences of tables: in the sources.
helps = {}
for command in set(re.findall(r"`volley ([^`]+)`", re.sub(r"^```.*?^```$", "", page, flags=re.M | re.S))):
    verb, *words = command.split()
    true(verb in re.findall(r"^  ([a-z]+) ", volley("--help").stdout, re.M), f"there is no volley {verb}")
    helps.setdefault(verb, volley(verb, "--help").stdout)
    for word in words:
        true(not word.startswith("--") or re.search(rf"^  {word} ", helps[verb], re.M), f"volley {command}: no {word}")
source = "".join(open(path).read() for room in ("base", "ingest", "outbox", "engine", "cli")
                 for path in glob.glob(f"{os.path.dirname(sys.argv[1])}/../{room}/**/*.c", recursive=True))
for message, level in re.findall(r"^\| `([^`]+)` \| (warn|error|info) \|", page, re.M):
    true(re.search(rf'log_{level}\("\w+",\s*"{re.escape(message)}', source), f"no log line: {message}")
PY

# --- a service manager, as far as the page uses one ---

mkdir bin
cat >bin/systemctl <<'SH'
#!/bin/sh
case "$*" in
"start volley")
    rm -f "$run/log.new"
    volley serve --home "$srv/studio" >"$run/log.new" 2>&1 </dev/null &
    echo $! >"$run/pid"
    for _ in $(seq 200); do grep -qs serving "$run/log.new" && exit 0; sleep 0.05; done
    cat "$run/log.new"; exit 1 ;;
"stop volley")
    kill "$(cat "$run/pid")" 2>/dev/null
    for _ in $(seq 200); do kill -0 "$(cat "$run/pid")" 2>/dev/null || break; sleep 0.05; done
    cat "$run/log.new" >>"$run/log" ;;
"restart volley") "$0" stop volley; "$0" start volley ;;
*) echo "systemctl: $*" >&2; exit 2 ;;
esac
SH
cat >bin/journalctl <<'SH'
#!/bin/sh
[ "$1 $2 $3" = "-u volley -n" ] && tail -n "$4" "$run/log.new"
SH
chmod +x bin/*
ln -s "$volley" bin/volley
PATH=$work/bin:$PATH

# --- situations ---

studio
account studio '"tier": "endless"'
people=1500
customers $people
mkdir base
cp -r volley.yaml templates snapshots spool outbox state.db base
part= run= srv=
export run srv

# situation PART: a home of its own for that part of the page; what stands there is said in `said`.
situation() {
    over
    run=$work/run.$1 srv=$work/srv.$1
    mkdir -p "$run" "$srv"
    cp -r "$work/base" "$srv/studio"
    export VOLLEY_HOME="$srv/studio"
    cd "$srv/studio"
    set -- "$1" $(free_ports 2)
    smtp_port=$2 http_port=$3
    configure
    same_home "$1"
}

same_home() { # PART: it begins where the one before ended
    [ -z "$part" ] || said
    part=$work/page/$1
    [ -d "$part" ] || fail "the page has no part $1"
}

# over: the situation has passed; its sentences were all said.
over() {
    [ -z "$run" ] || said
    part=
    quiet
    cd "$work"
}

quiet() {
    [ ! -s "$run/pid" ] || stop "$(cat "$run/pid")"
    rm -f "$run/pid"
    for other in ${others:-}; do stop "$other"; done
    others=
}
others=

unplug() {
    [ ! -d "$work/full" ] || ! mountpoint -q "$work/full" || umount "$work/full"
}
at_end=unplug

# lane FUNCTION: its situations one after the other, beside those of other lanes; most of the time they wait.
lane() {
    (
        trap 'status=$?; quiet; for pid in $started; do stop "$pid"; done; cd "$work"; exit $status' EXIT
        trap 'exit 1' TERM
        started=
        "$1"
        over
    ) &
    started="$started $!"
    lanes="$lanes $!"
}
lanes=

provider() { # like sandbox
    sandbox --dir "$run/box" "$@"
    others="$others $sandbox_pid"
}

# block NUMBER [STATUS]: of this part of the page, as it stands there.
block() {
    sed "s|/srv|$srv|g" "$part/sh.$1" >"$run/block"
    status=0
    timeout 30 sh -eu "$run/block" >"$run/block.out" 2>&1 </dev/null || status=$?
    cat "$run/block.out" >>"$run/said"
    [ "$status" = "${2:-0}" ] || fail "$part, block $1: status $status: $(cat "$run/block.out")"
    touch "$part/sh.$1.ran"
}

see() { "$@" >>"$run/said" 2>&1 || :; }
logged() { grep -qsF "$1" "$run/log.new"; }

# said: every sentence that this part quotes, with … for anything.
said() {
    check "$part" "$run" <<'PY'
part, run = sys.argv[1:]
there = [re.sub(r"\s+", " ", line) for name in ("said", "log", "log.new") if os.path.exists(f"{run}/{name}")
         for line in open(f"{run}/{name}", errors="replace")]
for path in glob.glob(part + "/text.[0-9]"):
    for line in open(path):
        words = ".*".join(re.escape(re.sub(r"\s+", " ", piece).strip()) for piece in line.strip().split("…"))
        true(any(re.search(words.replace(r"\ .*", ".*"), told) for told in there),
             f"{part}: nobody said: {line}" + "".join(there[-30:]))
    open(path + ".said", "w").close()
PY
}

submit() { # ID [JSON KEYS]
    job "$@"
    "$volley" submit "$1.json" >/dev/null
}
got() { # CHANNEL: how many the provider has
    cat "$run/box/$1.ndjson" 2>/dev/null | wc -l
}
enough() { [ "$(got email)" -ge "$1" ]; }
going() { until_true 10 enough "${1:-100}"; }
# is ID STATE: cheap, so that it can be asked often; a job of a terminal has no status file.
is() {
    if [ -f "spool/status/$1.json" ]; then
        grep -qs "\"state\":\"$2\"" "spool/status/$1.json"
    else
        state_is "$@"
    fi
}
finished() { until_true "${2:-20}" is "${1:-spring}" finished; }
kill_it() { stop "$(cat "$run/pid")" KILL && cat "$run/log.new" >>"$run/log"; }
email='"channels": ["email"]'
mails() { # TOTAL DIFFERENT: letters that the provider has got, and customers
    check "$run/box" "$1" "$2" <<'PY'
got = box("email", sys.argv[1])
if sys.argv[2] != "any":
    equal(len(got), int(sys.argv[2]), "letters")
equal(len({m["to"] for m in got}), int(sys.argv[3]), "customers reached")
equal(len({m["id"] for m in got}), int(sys.argv[3]), "message ids")
PY
}
texts() { # COUNT: SMS that the provider has got, each for another customer
    check "$run/box" "$1" <<'PY'
got = [m["to"] for m in box("sms", sys.argv[1])]
equal((len(got), len(set(got))), (int(sys.argv[2]), int(sys.argv[2])), "SMS, and customers")
PY
}
rate() { configure "max_message_rate: \"$1/s\"${2:+, $2}"; }

disks() {
    situation first-look
    systemctl start volley
    block 1

    # A disk of its own that fills up, under the whole home. `slow` needs no room, and goes on.
    over
    if [ "$(id -u)" = 0 ] && mkdir "$work/full" && mount -t tmpfs -o size=16m tmpfs "$work/full" 2>"$work/mount.err"; then
        situation the-disk-is-full
        cd "$work"
        mv "$srv/studio" "$work/full/studio"
        rmdir "$srv"
        srv=$work/full
        export VOLLEY_HOME="$srv/studio"
        cd "$VOLLEY_HOME"
        customers 6000
        rm customers.csv
        provider
        systemctl start volley
        submit slow '"channels": ["push"], "limits": {"max_message_rate": "2/s"}'
        python3 - <<'PY'
import json
job = json.load(open("slow.json"))
for i in range(400): # so many rows need room in state.db
    json.dump({**job, "id": f"later-{i}", "send_at": "2099-01-01T00:00:00Z"}, open(f"spool/tmp/later-{i}.json", "w"))
PY
        fallocate -l $(($(df --output=avail -B1 "$srv" | tail -n 1) - 1500000)) "$srv/ballast"
        submit spring '"channels": ["email", "sms"], "limits": {"max_message_rate": "3000/s"}'
        going 10
        dd if=/dev/zero of="$srv/ballast.more" bs=64k 2>/dev/null || :
        dd if=/dev/zero of="$srv/ballast.last" bs=4k 2>/dev/null || :
        python3 -c 'import os
for i in range(400): os.rename(f"spool/tmp/later-{i}.json", f"spool/incoming/later-{i}.json")'
        until_true 10 logged 'cannot record what happens'
        block 1
        until_true 10 sh -c "! volley outbox verify spring | grep -q 'in progress'"
        see "$volley" outbox verify spring
        rm "$srv"/ballast*
        until_true 5 logged 'is recorded again'
        until_true 5 test -f spool/failed/spring.json
        [ "$(grep -c 'cannot record' "$run/log.new")" = 1 ] || fail "told again and again"
        [ -f spool/active/slow.json ] || fail "the file of a job that runs has left active"
        block 2
        until_true 5 is slow running
        finished
        "$volley" cancel slow >/dev/null
        texts 6000
        mails any 6000
        over
        umount "$work/full"
    else
        echo "no disk could be filled: $(cat "$work/mount.err" 2>/dev/null)"
        for file in $work/page/the-disk-is-full/*; do touch "$file.ran" "$file.said"; done
    fi

    situation the-disk-fails-or-is-read-only
    provider
    systemctl start volley
    ${CC:-cc} -shared -fPIC -O1 -o "$run/failing_disk.so" "$lib/../crash/failing_disk.c" -ldl
    job spring "$email"
    status=0
    FAULT=write:9 FAULT_LOG=$run/fault VOLLEY_LOOP=epoll LD_PRELOAD=$run/failing_disk.so \
        "$volley" send spring.json >>"$run/said" 2>&1 || status=$?
    [ "$status" = 74 ] || fail "a failing disk: $status: $(cat "$run/said")"
    block 1
    block 2
    finished
    mails any $people

    situation a-journal-is-damaged
    provider
    rate 600
    systemctl start volley
    submit spring "$email"
    going
    kill_it
    cp -a "$srv/studio" "$srv/copy"
    python3 - outbox/spring/journal.0000 <<'PY'
import sys
with open(sys.argv[1], "r+b") as file:
    file.seek(1500)
    byte = file.read(1)[0]
    file.seek(1500)
    file.write(bytes([byte ^ 1]))
PY
    systemctl start volley
    until_true 5 test -f spool/failed/spring.json
    block 1 65
    block 2
    block 3
    finished
    mails any $people

}

providers() {
    situation a-provider-is-down
    set -- $(free_ports 1)
    down=$smtp_port smtp_port=$1
    provider
    smtp_port=$down
    sed -i "s|^  relay:|  backup: {type: smtp, url: \"smtp://127.0.0.1:$1\"}\n&|" volley.yaml
    systemctl start volley
    submit spring "$email"
    until_true 5 logged 'provider does not work'
    until_true 5 sh -c 'volley top --once | grep -q "cannot be reached"'
    block 1
    block 2
    finished spring 20
    mails $people $people

    situation a-provider-refuses-us
    sed -i 's/auth_token: sandbox/auth_token: expired/' volley.yaml
    cat >"$run/refuses.py" <<'PY'
import http.server, sys
class Refuses(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        body = b'{"code": 20003, "message": "Authenticate", "status": 401}'
        self.send_response(401)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass
print("ready", flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Refuses).serve_forever()
PY
    background refuses python3 "$run/refuses.py" "$http_port"
    refuses=$pid
    until_true 5 grep -qw ready refuses.out
    systemctl start volley
    submit spring
    until_true 10 is spring paused
    see "$volley" show spring
    see "$volley" messages --job spring --status failed
    stop "$refuses"
    provider
    block 1
    finished
    block 2
    finished spring.resend-failed
    texts $people

    situation a-provider-says-too-fast
    provider --throttle 100/s
    systemctl start volley
    submit spring "$email"
    until_true 10 sh -c 'volley top --once | grep -q "asks to be slower"'
    see "$volley" top --once
    block 1
    "$volley" cancel spring >/dev/null

    situation the-wrong-message-is-going-out
    provider
    rate 300
    systemctl start volley
    submit spring "$email"
    going
    block 1
    state_is spring paused || fail "not paused"
    block 2
    block 3
    until_true 5 is spring cancelled
    until_true 5 test -f spool/done/spring.json

    same_home a-job-for-the-rest
    sed -i 's/^Hi /Corrected: /' templates/waiver/email.en.txt
    rate unlimited
    sed -i 's|"unlimited/s"|unlimited|' volley.yaml
    "$volley" reload >/dev/null
    block 1
    finished spring-rest
    mails $people $people
    check "$run/box" <<'PY'
right = sum("Corrected" in m["raw"] for m in box("email", sys.argv[1]))
true(100 < right < 1500, f"{right} letters with the corrected text")
PY

}

jobs() {
    situation a-job-is-half-sent
    provider --latency 50ms
    rate 600 'on_unknown: hold'
    systemctl start volley
    submit spring "$email"
    going
    kill_it
    see "$volley" jobs
    block 1
    finished
    block 2
    block 3
    mails any $people

    situation a-job-is-held
    check <<'PY'
write_csv("customers.csv", [person(i, email=f"{'gone' if i % 3 == 0 else 'c'}{i}@example.com") for i in range(1, 1201)])
PY
    import_customers
    sed -i 's/^routes:/auto_hold: {min_messages: 100}\n&/' volley.yaml
    background peer python3 "$lib/smtp_peer.py" "$smtp_port" 0 "$run/taken"
    others="$others $pid"
    until_true 5 grep -qw ready peer.out
    systemctl start volley
    submit spring "$email"
    until_true 10 is spring paused
    until_true 5 test -f spool/hold/spring.json
    [ "$(wc -l <"$run/taken")" -lt 400 ] || fail "the rest has left"
    block 1
    grep -q invalid_address "$run/block.out" || fail "$(cat "$run/block.out")"
    block 2
    until_true 10 sh -c "[ \$(wc -l <'$run/taken') -gt 150 ]"

    situation nothing-happens
    provider
    echo 'max_active_jobs: 1' >>volley.yaml
    account dodgy
    "$volley" account block dodgy --reason spam >/dev/null
    systemctl start volley
    hour=$(TZ=Europe/Rome date -d '+12 hours' +%H)
    submit night "$email, \"delivery_window\": {\"start\": \"$hour:00\", \"end\": \"$hour:30\"}"
    submit blocked '"account": "dodgy"'
    until_true 5 is blocked waiting
    until_true 5 sh -c 'volley jobs | grep -q customers'
    submit slow "$email"', "limits": {"max_message_rate": "2/s"}'
    until_true 5 is slow running
    submit spring '"send_at": "2099-01-01T00:00:00Z"'
    submit queued
    until_true 5 is queued waiting
    until_true 10 sh -c 'volley top --once | grep -q "own rate"'
    block 1
    block 2
    until_true 5 is spring cancelled
    systemctl stop volley
    "$volley" jobs >none
    grep -q 'no `volley serve` runs in this home' none || fail "$(cat none)"
    "$volley" submit blocked.json | grep -q 'no `volley serve` runs' || fail "submit to nobody"

    situation the-sms-allowance-is-used-up
    provider
    account studio
    systemctl start volley
    job spring
    python3 - <<'PY'
import json
job = json.load(open("spring.json"))
job["audience"]["recipients"] = [f"c{i}" for i in range(1, 701)]
json.dump(job, open("spring.json", "w"))
PY
    "$volley" submit spring.json >/dev/null
    finished
    until_true 5 test -f spool/done/spring.json
    see "$volley" show spring
    block 1
    finished spring.resend-quota
    check "$run/box" <<'PY'
got = [m["to"] for m in box("sms", sys.argv[1])]
equal((len(got), len(set(got))), (700, 700), "SMS, and customers")
equal([m["to"] for m in box("email", sys.argv[1])].count("owner@studio.example"), 1, "the owner is told")
PY

}

machines() {
    situation the-machine-is-replaced
    provider
    rate 600
    systemctl start volley
    submit spring "$email"
    going
    block 1
    mv "$srv/studio" "$srv/old"
    block 2
    cd "$srv/studio"
    finished
    mails $people $people

    situation only-a-backup-is-left
    provider
    rate 400
    systemctl start volley
    submit spring "$email"
    going
    systemctl stop volley
    job late
    cp late.json spool/incoming/
    tar -C "$srv" -cf "$srv/studio.tar" studio
    rm spool/incoming/late.json
    systemctl start volley
    going 500
    kill_it
    cd "$work"
    rm -r "$srv/studio"
    before=$(wc -l <"$run/box/email.ndjson")
    block 1
    cd "$srv/studio"
    state_is spring paused || fail "not paused"
    test -f spool/suspect/late.json || fail "a job of the backup's spool goes out"
    sleep 0.3
    [ "$(wc -l <"$run/box/email.ndjson")" = "$before" ] || fail "a restored home sends by itself"
    [ ! -e "$run/box/sms.ndjson" ] || [ ! -s "$run/box/sms.ndjson" ] || fail "late was sent"

    situation backup
    provider
    systemctl start volley
    submit spring "$email"
    block 1
    finished
    mails $people $people
    block 2

    situation restart-and-upgrade
    provider
    rate 600
    systemctl start volley
    submit spring "$email"
    going
    block 1
    finished
    mails $people $people

    situation many-jobs-in-the-spool
    provider
    echo 'max_active_jobs: 1' >>volley.yaml
    systemctl start volley
    submit slow "$email"', "limits": {"max_message_rate": "2/s"}'
    until_true 5 is slow running
    job many "$email"
    for i in $(seq 8); do
        sed "s/\"many\"/\"many-$i\"/" many.json >"spool/tmp/many-$i.json"
        mv "spool/tmp/many-$i.json" spool/incoming/
    done
    until_true 5 is many-8 waiting
    block 1
    block 2
    for i in 1 8; do state_is "many-$i" cancelled || fail "many-$i was not cancelled"; done
    state_is slow running || fail "slow was cancelled too"

    situation volley-as-a-service
    systemctl start volley
    expect 75 "$volley" serve 2>>"$run/said"
    sed "s|/usr/local/bin/volley|$volley|; s|^User=.*||" "$part/ini.1" >volley.service
    if command -v systemd-analyze >/dev/null && ! systemd-analyze verify --man=no ./volley.service >unit 2>&1; then
        grep -q volley.service unit && fail "the unit: $(cat unit)"
    fi
    touch "$part/ini.1.ran"

    situation what-to-watch
    systemctl start volley
    block 1
}

for name in disks providers jobs machines; do lane $name; done
for pid in $lanes; do wait "$pid" || exit 1; done

check <<'PY'
for path in glob.glob("page/*/*.[0-9]"):
    kind = path.split("/")[-1].split(".")[0]
    true(os.path.exists(path + (".said" if kind == "text" else ".ran")), f"nobody tried {path}")
PY
