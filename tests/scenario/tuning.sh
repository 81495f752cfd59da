#!/bin/sh
# The commands of docs/tuning.md, as they stand there, while a daemon runs.
. "$(dirname "$0")/../scenario/lib.sh"
studio
sandbox
sed -i 's/max_connections: 8/max_connections: 20/' volley.yaml
serve
PATH=$(dirname "$volley"):$PATH
sed -n '/^```sh/,/^```$/p' "$root/docs/tuning.md" | sed '/^```/d' >commands.sh
test "$(wc -l <commands.sh)" -ge 5 || fail "where are the commands?"
sed -i 's/--messages 25/--messages 5/' commands.sh
. ./commands.sh >said.txt 2>said.err || fail "$(cat said.txt said.err)"
grep -q "^serve (pid $serve_pid) since" said.txt || fail "top: $(cat said.txt)"
grep -q "^  sandbox: {max_connections: " said.txt || fail "bench: $(cat said.txt)"
grep -q "^  relay: {max_connections: " said.txt || fail "bench relay: $(cat said.txt)"
grep -q "^serve (pid $serve_pid): providers.relay.max_connections 20 → 16$" said.txt || fail "reload: $(cat said.txt)"
