#!/bin/sh
# The README's first campaign, command by command as it stands there, in a copy of the examples.
# In the books: 3 SMS, 1 email, nobody left out without a reason.
set -eu
root=$PWD
work=$(mktemp -d "${VOLLEY_OUT:-build/release}/tests/readme.XXXXXX")
trap 'test -n "${sandbox:-}" && kill "$sandbox" 2>/dev/null; rm -rf "$work"' EXIT
cp -r examples "$work"
PATH=$(dirname "${VOLLEY_BIN:-$root/build/release/volley}"):$PATH
cd "$work"

# The block behind "A first campaign of your own", without its first line (make).
sed -n '/^## A first campaign/,/^## /p' "$root/README.md" |
    sed -n '/^```sh/,/^```$/p' | sed '/^```/d; /^make /d' > commands.sh
test "$(wc -l < commands.sh)" -ge 8

# Other tests may have the sandbox's ports: take free ones.
ports=$(python3 -c 'import socket
pair = [socket.socket() for _ in range(2)]
[s.bind(("127.0.0.1", 0)) for s in pair]
print(*(s.getsockname()[1] for s in pair))')
smtp=${ports% *} http=${ports#* }
sed -i "s/:2525/:$smtp/; s/:8080/:$http/; s/^\(volley init.*\)/\1 \&\& sed -i 's|:2525|:$smtp|; s|:8080|:$http|' volley.yaml/" commands.sh
sed -i 's/^\(volley sandbox.*\)&$/\1\& sandbox=$!; sleep 0.5/' commands.sh
. ./commands.sh > said.txt 2>&1 || { cat said.txt; exit 1; }
volley show spring-1 --json > books.json
python3 - <<'P'
import json
books = json.load(open("books.json"))
assert books["state"] == "finished" and books["balanced"], books
assert books["channels"]["sms"]["sent"] == 3, books
assert books["channels"]["email"]["sent"] == 1, books
print("README: ok")
P
