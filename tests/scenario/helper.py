"""What scenarios need to say what must be in the books, independent of volley's own arithmetic."""
import collections, csv, email, email.policy, glob, json, os, random, re, sqlite3, subprocess, sys, time

VOLLEY = os.environ["VOLLEY_BIN"]


def equal(got, want, what):
    if got != want:
        if isinstance(got, set) and isinstance(want, set):
            got, want = sorted(got - want)[:5], sorted(want - got)[:5]
            sys.exit(f"{what}: too many {got}, missing {want}")
        sys.exit(f"{what}: {got!r} instead of {want!r}")


def true(condition, what):
    if not condition:
        sys.exit(what)


def load(path):
    with open(path) as file:
        return json.load(file)


def lines(path):
    """A file of JSON lines; the last one may be half there: who wrote it was killed."""
    if not os.path.exists(path):
        return []
    with open(path) as file:
        return [json.loads(line) for line in file if line.endswith("\n")]


def box(channel, folder="box"):
    """What the sandbox got: sms, email or push."""
    return lines(f"{folder}/{channel}.ndjson")


def volley(*args):
    return subprocess.run([VOLLEY, *args], capture_output=True, text=True)


def volley_json(*args):
    done = volley(*args, "--json")
    true(done.returncode in (0, 1), f"{args}: {done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def mail(entry):
    return email.message_from_bytes(entry["raw"].encode(), policy=email.policy.default)


OUTCOMES = ("sent", "failed", "unknown", "cancelled", "expired", "pending")


def books(path="books.json", named=("sms",), state="finished"):
    """The books of `send --json` in a file, with every equation of DESIGN 4.8 checked here."""
    report = path if isinstance(path, dict) else load(path)
    equal(report["state"], state, "state")
    equal(report["balanced"], True, "balanced")
    for name, c in report["channels"].items():
        equal(c["planned"], sum(c[o] for o in OUTCOMES) + c["fallback_email"], f"{name}: planned")
        if state != "paused":
            equal(c["pending"], 0, f"{name}: pending")
        if name in named and state != "paused":
            equal(report["matched"], c["planned"] + sum(c["suppressed"].values()), f"{name}: matched")
    moved = sum(c["fallback_email"] for c in report["channels"].values())
    equal(moved, report["channels"].get("email", {}).get("from_fallback", 0), "from_fallback")
    return report


def channel(report, name):
    """A channel's counts, where one that is left out has none."""
    empty = dict.fromkeys(OUTCOMES + ("planned", "fallback_email", "from_fallback", "segments"), 0)
    return {**empty, "suppressed": {}, **report["channels"].get(name, {})}


def agree(plan, report):
    """What the plan promised is what the books hold."""
    equal(report["matched"], plan["matched"], "matched")
    equal(set(report["channels"]), set(plan["channels"]), "channels")
    for name, p in plan["channels"].items():
        c = report["channels"][name]
        equal(c["sent"], p["send"], f"{name}: sent and plan's send")
        equal(c["suppressed"], p["suppressed"], f"{name}: suppressed")
        for key in ("segments", "fallback_email", "from_fallback"):
            equal(c.get(key, 0), p.get(key, 0), f"{name}: {key}")
    equal(report.get("quota"), plan.get("quota"), "quota")


def ids_once(entries, what):
    ids = [entry["id"] for entry in entries]
    equal(len(set(ids)), len(ids), f"{what}: messages with an id of their own")
    return set(ids)


def person(i, **changes):
    """A customer whom every channel reaches."""
    return {"id": f"c{i}", "first_name": f"Name{i}", "email": f"c{i}@example.com",
            "email_verified": "true", "phone": f"+39333{i:07}", "locale": "en", "enrolled": "true",
            "push_token": f"token-{i}", **changes}


def write_csv(path, rows):
    with open(path, "w", newline="") as file:
        out = csv.DictWriter(file, rows[0].keys())
        out.writeheader()
        out.writerows(rows)
