#!/bin/sh
# A file system of its own under a home, and while a job runs: it fills up, it turns read-only, its disk
# vanishes with all that was not yet synced. The job stops with one sentence; once the disk is good
# again, `resume` loses nobody, no SMS goes twice, no email without its first copy's id.
. "$(dirname "$0")/../scenario/lib.sh"
[ "$(id -u)" = 0 ] || skip "mounting an image takes root"
people=2500
truncate -s 40M image
mkfs.ext4 -q -m 0 -E lazy_itable_init=0,lazy_journal_init=0 image 2>mkfs.err || skip "no mkfs.ext4: $(cat mkfs.err)"
mkdir m
plug() {
    mount -o loop,errors=remount-ro image m 2>mount.err || skip "no loop device: $(cat mount.err)"
    device=$(losetup -n -O NAME -j "$work/image")
}
unplug() {
    cd "$work"
    ! mountpoint -q m || umount m
}
at_end=unplug
plug
cd m
export VOLLEY_HOME="$work/m"
studio
account studio '"tier": "endless"'
customers $people
cd "$work" # nobody may stand on what is to be unmounted
sandbox --dir "$work/box"

full() {
    dd if=/dev/zero of=m/ballast bs=4k 2>/dev/null || [ -s m/ballast ]
}
readonly_() {
    echo 1 >"/sys/fs/ext4/${device#/dev/}/trigger_fs_error"
}
gone() { # EXT4_IOC_SHUTDOWN without a flush: from now on EIO, and what was not synced never will be
    python3 -c 'import fcntl, os, struct
fcntl.ioctl(os.open("m", os.O_RDONLY), 0x8004587d, struct.pack("I", 2))'
}

try() { # FAULT WORDS
    cd "$work/m"
    job "$1" '"channels": ["sms", "email"], "vars": {"url": "https://studio.example/'"$1"'"},
              "limits": {"max_message_rate": "5000/s"}'
    cd "$work"
    background "$1" "$volley" send "m/$1.json"
    sender=$pid
    until_true 5 sh -c "'$volley' outbox verify $1 --json | grep -q '\"outcomes\":[1-9][0-9][0-9]'"
    "$1"
    until_true 10 sh -c "! kill -0 $sender"
    status=0
    wait "$sender" || status=$?
    [ "$status" = 74 ] || fail "$1: exit status $status: $(cat "$1.err")"
    grep -q "$2" "$1.err" || fail "$1: $(cat "$1.err")"
    unplug
    [ "$1" != readonly_ ] || e2fsck -fy image >fsck.out 2>&1 || [ $? -lt 4 ] || fail "$(cat fsck.out)"
    plug
    rm -f m/ballast
    "$volley" outbox verify "$1" --json >"$1.verify" || fail "$1: $(cat "$1.verify")"
    "$volley" resume "$1" --json >"$1.books" 2>"$1.resume" || fail "$1: resume: $(cat "$1.resume")"
    "$volley" outbox verify "$1" --json >"$1.whole" || fail "$1: $(cat "$1.whole")"
}
try full 'No space left on device'
try readonly_ 'Read-only file system'
try gone 'error'

check $people <<'PY'
people = int(sys.argv[1])
for name in "full", "readonly_", "gone":
    # That the gauge for `volley top` cannot be written either is a line of its own, at most.
    said = [s for s in open(f"{name}.err").read().splitlines() if "cannot say how it goes" not in s]
    equal(len(said), 1, f"{name}: sentences: {said}")
    report = books(f"{name}.books", named=("sms", "email"))
    doubles = {}
    for kind in "sms", "email":
        got, c = [m for m in box(kind) if f"/{name}" in json.dumps(m)], channel(report, kind)
        equal((c["planned"], c["sent"]), (people, people), f"{name}: {kind}: planned, sent")
        equal(len({m["to"] for m in got}), people, f"{name}: {kind}: customers reached")
        if kind == "sms":
            equal(len(got), people, f"{name}: sms: nobody twice")
        else:
            equal(len({m["id"] for m in got}), people, f"{name}: email: a second copy has the same id")
        doubles[kind] = len(got) - people
    before, after = (load(f"{name}.{when}")["jobs"][0] for when in ("verify", "whole"))
    true(0 < before["records"]["outcomes"] < 2 * people, f"{name}: came too late: {before['records']}")
    equal((after["journal"], after["report"]), ("whole", "same"), name)
    print(f"{name}: {before['records']['outcomes']} outcomes were on the disk, {doubles['email']} emails twice: {said[0]}")
PY
