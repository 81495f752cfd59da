#!/bin/sh
# A full file system under spool/status alone: jobs go on, it is said once, and with room again every
# status is written, of jobs that ended meanwhile too.
. "$(dirname "$0")/../scenario/lib.sh"
[ "$(id -u)" = 0 ] || skip "mounting an image takes root"
truncate -s 4M image
mkfs.ext4 -q -m 0 -O ^has_journal image 2>mkfs.err || skip "no mkfs.ext4: $(cat mkfs.err)"
unplug() { ! mountpoint -q "$work/spool/status" || umount "$work/spool/status"; }
at_end=unplug
studio
account studio '"tier": "endless"'
customers 20
sandbox
mount -o loop image spool/status 2>mount.err || skip "no loop device: $(cat mount.err)"
drop() { cp "$1.json" "spool/tmp/$1.json" && mv "spool/tmp/$1.json" "spool/incoming/$1.json"; }
says() { grep -qs "\"state\":\"$2\"" "spool/status/$1.json"; }
push='"channels": ["push"]'

serve
job before "$push"
drop before
job cut "$push"', "limits": {"max_message_rate": "20/s"}'
drop cut
until_true 5 says before finished
until_true 5 says cut running
dd if=/dev/zero of=spool/status/ballast bs=4k 2>/dev/null || :
dd if=/dev/zero of=spool/status/crumbs bs=1 count=4096 2>/dev/null || :
for id in one two three; do job $id "$push"; drop $id; done
job later "$push"', "send_at": "2099-01-01T00:00:00Z"'
drop later
for id in one two three cut; do until_true 10 test -f spool/done/$id.json; done
until_true 5 state_is later waiting
for id in one two three later; do ! says $id finished && ! says $id waiting || fail "$id: there was room"; done
says cut running || fail "the last status that could be written is not whole: $(cat spool/status/cut.json)"
[ "$(grep -c 'tried again' serve.err)" = 1 ] || fail "said again and again"
rm spool/status/ballast spool/status/crumbs
for id in one two three cut; do until_true 5 says $id finished; done
until_true 5 says later waiting
until_true 5 grep -q 'is written again' serve.err
stop "$serve_pid"
check <<'PY'
for name in "one", "two", "three", "cut":
    status = load(f"spool/status/{name}.json")
    equal(channel(status, "push")["sent"], 20, name)
equal([n for n in os.listdir("spool/status") if n.endswith(".tmp")], [], "half-written files")
PY
