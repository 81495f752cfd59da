#!/bin/sh
# The disk under a journal fails: writes and syncs with errors, a power cut that tears the last group.
# The job stops, says so once and never writes over it; with a good disk again `resume` loses nobody,
# and sends nothing twice that cannot be told from the first copy. failing_disk.c makes it happen.
. "$(dirname "$0")/../scenario/lib.sh"
[ "${VOLLEY_OUT##*/}" != asan ] || skip "the sanitizer wants to be preloaded first"
people=80
# The disk's failures are made up here, so its slowness is not needed either.
if memory=$(mktemp -d /dev/shm/volley.XXXXXX 2>/dev/null); then
    at_end="rm -rf $memory"
    export VOLLEY_HOME="$memory"
    cd "$memory"
fi
studio
configure 'lookup_after: 100ms' # the sandbox forgets nothing that it took
account studio '"tier": "endless"'
customers $people
sandbox
${CC:-cc} -shared -fPIC -O1 -o failing_disk.so "$lib/../crash/failing_disk.c" -ldl
# io_uring asks the kernel, past anything that could be put before it.

try() { # FAULT EXIT-STATUS
    name=$(echo "$1$way" | tr : -)
    job "$name" '"channels": ["sms", "email"], "vars": {"url": "https://studio.example/'"$name"'"}'
    status=0
    env ${way:+FAULT_PLAIN=1} VOLLEY_LOOP=epoll FAULT="$1" FAULT_LOG=$PWD/$name.log LD_PRELOAD=$PWD/failing_disk.so \
        timeout 20 "$volley" send "$name.json" >"$name.out" 2>"$name.err" || status=$?
    [ "$status" = "$2" ] || fail "$1: exit status $status instead of $2: $(cat "$name.err")"
    "$volley" outbox verify "$name" --json >"$name.verify" || fail "$1: $(cat "$name.verify")"
    "$volley" resume "$name" --json >"$name.books" 2>"$name.resume" || fail "$1: resume: $(cat "$name.resume")"
    "$volley" outbox verify "$name" --json >"$name.whole" || fail "$1: $(cat "$name.whole")"
}

way= # past the page cache
# The first sync and the first two writes begin the file; then come the decisions, intents, outcomes.
for fault in sync:1 sync:2 sync:3 sync:9 write:1 write:3 write:4 write:9 full:3 full:6 half:4; do
    try $fault 74
done
for fault in short:3 short:5 zeros:0; do
    try $fault 0
done
# Of the group that was on its way: nothing, less than its check, its head, some of its body; all but
# its beginning; or its space without its bytes.
for fault in tear:2:0 tear:3:5 tear:3:12 tear:8:33 hole:2:8 hole:3:8 zero:2:40 zero:3:8 zero:8:33; do
    try $fault 137
done
way=:plain # through it
for fault in sync:3 write:4 full:6 half:4; do
    try $fault 74
done
try short:5 0
for fault in tear:3:5 hole:2:8 zero:8:33; do
    try $fault 137
done

check $people <<'PY'
people = int(sys.argv[1])
tried = collections.Counter()
doubles = torn = 0
for path in sorted(glob.glob("*.log") + ["zeros-0.log"]):
    name = path[:-4]
    kind = name.split("-")[0]
    tried[kind] += 1
    said = open(f"{name}.err").read().splitlines()
    noted = [line.split()[0] for line in open(path)] if kind != "zeros" else []
    true(kind == "zeros" or noted[0] == kind, f"{name}: it did not happen")
    true("again" not in noted, f"{name}: written over a failure: {noted}")
    if kind in ("sync", "write", "full", "half"):
        true(len(said) == 1 and f"/{name}" in said[0], f"{name}: one sentence: {said}")
        word = "No space left" if kind == "full" else "Input/output error"
        true(word in said[0], f"{name}: {said[0]}")
        if "journal.new" not in said[0]:
            true("nothing more is sent" in said[0] and f"volley resume {name}" in said[0], f"{name}: {said[0]}")
    torn += load(f"{name}.verify")["jobs"][0]["journal"] == "torn"
    report = books(f"{name}.books", named=("sms", "email"))
    for channel_name in "sms", "email":
        got = [m for m in box(channel_name) if f"/{name}" in json.dumps(m) and not f"/{name}-" in json.dumps(m)]
        c = channel(report, channel_name)
        equal((c["planned"], c["sent"]), (people, people), f"{name}: {channel_name}: planned, sent")
        equal(len({m["to"] for m in got}), people, f"{name}: {channel_name}: customers reached")
        equal(len({m["id"] for m in got}), people if channel_name == "email" else len(got), f"{name}: {channel_name}: ids")
        if channel_name == "sms":
            equal(len(got), people, f"{name}: sms: nobody twice")
        doubles += len(got) - people
    whole = load(f"{name}.whole")["jobs"][0]
    equal((whole["journal"], whole["report"], whole["results_rows"]), ("whole", "same", 2 * people), name)
true(torn >= 5, f"only {torn} torn tails")
print("tried:", ", ".join(f"{n} {kind}" for kind, n in tried.items()),
      f"— {torn} torn tails cut, nobody lost, {doubles} emails twice with the same id")
PY
