#!/bin/sh
# `volley --version`: what a report of a fault needs, as text and as JSON; the loop that is in force.
. "$(dirname "$0")/lib.sh"
"$volley" --version >text
"$volley" --version --json >made.json
VOLLEY_LOOP=epoll "$volley" --version --json >epoll.json
check "$(git -C "$root" rev-parse HEAD 2>/dev/null || :)" <<'PY'
made, text = load("made.json"), open("text").read()
true(re.fullmatch(r"\d+\.\d+\.\d+", made["version"]), made["version"])
true(f"volley {made['version']}" in text and f"loop: {made['loop']}" in text, text)
commit = made.get("commit", "").removesuffix("-dirty")
true(not commit or re.fullmatch("[0-9a-f]{7,40}", commit), commit)
true(not commit or commit in text, text)
equal(load("epoll.json")["loop"], "epoll", "the loop asked for")
equal(set(made["loops"]), {"uring", "epoll"}, "loops")
true({"liburing", "libcurl", "openssl", "sqlite3"} <= set(made["libraries"]), made["libraries"])
true(all(re.match(r"\d", v) for v in made["libraries"].values()), made["libraries"])
equal(made["libraries"]["sqlite3"], sqlite3.sqlite_version, "SQLite, as Python's is the system's too")
true({"smtp", "twilio", "webhook"} <= set(made["providers"]), made["providers"])
PY
