#!/bin/sh
# Broken jobs, templates, tables, snapshots, configurations and command lines: the exit status of
# DESIGN 4.1, one sentence that names the place and a near name where there is one, nothing sent.
. "$(dirname "$0")/../scenario/lib.sh"
studio
customers 20
job good
sandbox

check <<'PY'
import base64, pathlib, shutil
good, failures = load("good.json"), []


def run(name, args, status, *words):
    """One sentence on stderr, starting with `volley: `, that has all the words."""
    done = subprocess.run([VOLLEY, *args], capture_output=True, timeout=20)
    sentences = done.stderr.decode("utf-8", "strict").splitlines()
    sentences = [s for s in sentences if not s.startswith("warning: ")]
    wanted = status if isinstance(status, tuple) else (status,)
    if done.returncode not in wanted:
        failures.append(f"{name}: exit status {done.returncode} instead of {status}: {sentences}")
    elif done.returncode and (len([s for s in sentences if s.startswith("volley: ")]) != 1 or not words
                              and len(sentences) > 4):
        failures.append(f"{name}: not one sentence: {sentences}")
    elif done.returncode and not all(word in "\n".join(sentences) for word in words):
        failures.append(f"{name}: {words} not all in {sentences}")


def bad_job(name, change, *words, status=65):
    job = json.loads(json.dumps(good))
    text = change(job)
    pathlib.Path("bad.json").write_bytes(text if isinstance(text, bytes) else json.dumps(job, indent=1).encode())
    run(f"job: {name}", ["send", "bad.json"], status, *words)


def key(name, value):
    return lambda job: job.update({name: value})


def where(text, **more):
    return lambda job: job["audience"].update({"where": text, **more})


# --- jobs ---
bad_job("empty", lambda job: b"", "bad.json")
bad_job("cut off", lambda job: b'{"id": "x",\n "account":', "bad.json:2")
bad_job("a list", lambda job: b"[]", "bad.json")
bad_job("not UTF-8", lambda job: b'{"id": "\xff\xfe"}', "bad.json:1")
bad_job("deep", lambda job: b"[" * 100000, "bad.json")
bad_job("a key twice", lambda job: b'{"id": "a",\n "id": "b"}', "bad.json:2", "id")
bad_job("unknown key", key("chanels", []), "chanels", 'did you mean "channels"', "bad.json:15")
bad_job("unknown channel", key("channels", ["smss"]), "bad.json:7", 'did you mean "sms"')
bad_job("no channel", key("channels", []), "channels")
bad_job("channel twice", key("channels", ["sms", "sms"]), "channels")
bad_job("text for list", key("channels", "sms"), "channels", "list")
bad_job("category", key("category", "transactionl"), 'did you mean "transactional"')
bad_job("other category", key("category", "marketing"), "marketing", "transactional")
bad_job("time", key("send_at", "tomorrow"), "send_at", "2026-")
bad_job("rate", key("limits", {"max_message_rate": "fast"}), "bad.json:16", "max_message_rate")
bad_job("negative", key("limits", {"max_segments": -1}), "max_segments")
bad_job("quiet hours", key("quiet_hours", {"start": "25:00", "end": "08:00"}), "start")
bad_job("fallback", key("sms_fallback", "pigeon"), "sms_fallback", "email")
bad_job("no id", lambda job: job.pop("id") and None, "id")
bad_job("no audience", lambda job: job.pop("audience") and None, "audience")
bad_job("account", key("account", "nobody"), "nobody", "account put")
bad_job("template", key("template", "waver"), "waver", "waiver")
bad_job("saved", lambda job: job["audience"].update(saved="vips"), "vips")
bad_job("snapshot", lambda job: job["audience"].update(snapshot="snapshots/other.arrow"), "other.arrow", status=(65, 74))
bad_job("no recipients", lambda job: job["audience"].update(recipients=[]), "recipients")
for id in "../up", "/abs", ".hidden", "a/b", "a\\b", "a\0b", "", "..", "a\nb", "x" * 300:
    bad_job(f"id {id[:9]!r}", key("id", id), "id")
for name in "../waiver", "/etc", ".git", "a/b", "a\0b", "..", "":
    bad_job(f"template {name!r}", key("template", name), "bad.json:5")
for path in "../studio.arrow", "/etc/passwd", "snapshots/../../x", "a\0b", "..":
    bad_job(f"snapshot {path!r}", lambda job: job["audience"].update(snapshot=path), "bad.json:13")

# --- expressions ---
bad_job("column", where("frist_name = 'x'"), "frist_name", "first_name", "^")
bad_job("syntax", where("first_name = "), "^")
bad_job("types", where("first_name > 3"), "first_name")
bad_job("parameter", where("first_name = :naem", params={"name": "x"}), "naem", "name")
bad_job("child column", where("EXISTS (SELECT 1 FROM bookings WHERE at > 3)"), "bookings")
bad_job("statement", where("1=1; DROP TABLE customers"), "^")
bad_job("deep expression", where("(" * 5000 + "enrolled" + ")" * 5000), "deep")
run("audience", ["audience", "snapshots/studio.arrow", "--where", "enroled", "--count"], 65, "enroled", "enrolled")

# --- templates ---
def bad_template(name, file, text, *words):
    path = pathlib.Path("templates/waiver", file)
    before = path.read_bytes()
    path.unlink() if text is None else path.write_bytes(text)
    run(f"template: {name}", ["send", "good.json"], 65, *words)
    path.write_bytes(before)


bad_template("a required variable is missing", "sms.en.txt", b"Hi ##{{first_name}}", "templates/waiver", '"en"', "##{{url}}")
bad_template("not UTF-8", "sms.en.txt", b"##{{url}} \xff", "sms.en.txt")
bad_template("no YAML", "template.yaml", b"category: [", "template.yaml:2")
bad_template("unknown key", "template.yaml", b"category: transactional\nvariable: {url: }\n", "template.yaml:2", "variables")
bad_template("no file", "template.yaml", None, "waiver")

# --- tables ---
pathlib.Path("empty.csv").write_bytes(b"")
pathlib.Path("noid.csv").write_bytes(b"name,email\na,b@example.com\n")
pathlib.Path("twice.csv").write_bytes(b"id,email,email\n1,a,b\n")
out = ["-o", "out.arrow"]
run("csv: empty", ["import", "csv", "empty.csv", *out], 65, "empty.csv")
run("csv: missing", ["import", "csv", "missing.csv", *out], (65, 74), "missing.csv")
run("csv: no id", ["import", "csv", "noid.csv", *out], 65, "noid.csv", "id")
run("csv: column twice", ["import", "csv", "twice.csv", *out], 65, "twice.csv", "email")
run("csv: type", ["import", "csv", "customers.csv", "--type", "email=strng", *out], 2, "strng")
run("csv: nowhere to write", ["import", "csv", "customers.csv", "-o", "no/such/folder/out.arrow"], 74, "no/such/folder")
true(not os.path.exists("out.arrow"), "a refused table leaves no snapshot")

# --- snapshots: damaged ones end with a sentence, never with a signal ---
snapshot, dice = pathlib.Path("snapshots/studio.arrow").read_bytes(), random.Random(1)
def bad_snapshot(name, data, status, *words):
    pathlib.Path("snapshots/bad.arrow").write_bytes(data)
    for args in ["snapshot", "snapshots/bad.arrow", "--verify"], ["audience", "snapshots/bad.arrow", "--where", "first_name LIKE 'N%'", "--ids"]:
        run(f"snapshot: {name}", args, status, *words)
bad_snapshot("empty", b"", 65, "bad.arrow")
bad_snapshot("text", b"id,email\n1,a@example.com\n" * 100, 65, "bad.arrow")
for _ in range(12):
    bad_snapshot("truncated", snapshot[:dice.randrange(len(snapshot))], 65, "bad.arrow")
for _ in range(40):
    damaged = bytearray(snapshot)
    for _ in range(dice.choice([1, 1, 8])):
        damaged[dice.randrange(len(damaged))] ^= 1 << dice.randrange(8)
    bad_snapshot("bits flipped", damaged, (0, 65))
run("snapshot: a folder", ["snapshot", "templates"], (65, 74), "templates")

# --- volley.yaml ---
config = pathlib.Path("volley.yaml").read_text()
def bad_config(name, old, new, *words, status=78):
    true(old in config, name)
    pathlib.Path("volley.yaml").write_text(config.replace(old, new, 1))
    run(f"volley.yaml: {name}", ["send", "good.json"], status, *words)
bad_config("unknown key", "public_url:", "public_ulr:", "volley.yaml:2", "public_ulr", "public_url")
bad_config("unknown type", "type: smtp", "type: smpt", "smpt", 'did you mean "smtp"')
bad_config("unknown provider", "email: [relay]", "email: [relais]", "relais", "relay")
bad_config("rate", "max_connections: 8", 'max_message_rate: "soon"', "max_message_rate", "soon")
bad_config("range", "max_connections: 8", "max_connections: 0", "max_connections", "1")
bad_config("secret", "auth_token: sandbox", 'auth_token: "${NOT_SET_AT_ALL}"', "NOT_SET_AT_ALL")
bad_config("secret file", "auth_token: sandbox", "auth_token: file:no/such", "no/such")
bad_config("no YAML", "providers:", "providers: [", "volley.yaml:")
bad_config("provider that does not do the channel", "sms: [twilio]", "sms: [relay]", "relay", "sms")
bad_config("nothing", config, "", "sms", status=(65, 78))
os.unlink("volley.yaml")
run("no volley.yaml", ["send", "good.json"], (65, 78), "volley init")
pathlib.Path("volley.yaml").write_text(config)

# --- accounts and command lines ---
for name, text, words in (("account key", '{"id": "x", "ownr_email": "a@b.example"}', ("ownr_email", "owner_email")),
                          ("account zone", '{"id": "x", "timezone": "Europe/Roma"}', ("Europe/Roma",)),
                          ("account id", '{"id": "../x"}', ("id",))):
    pathlib.Path("bad.json").write_text(text)
    run(name, ["account", "put", "bad.json"], 65, *words)
run("verb", ["sned", "good.json"], 2, "sned", "send")
run("option", ["send", "good.json", "--jsn"], 2, "--jsn", "--json")
run("argument", ["send"], 2, "usage: volley send JOB")
run("value", ["audience", "snapshots/studio.arrow", "--where"], 2, "--where")
run("job file", ["send", "missing.json"], (65, 74), "missing.json")
run("show", ["show", "../x"], 65, "x")
run("template name", ["resume", "../../x"], 65, "x")

print("\n".join(failures))
equal(len(failures), 0, "failures")
equal(os.listdir("outbox"), [], "nothing was begun")
equal([box(c) for c in ("sms", "email", "push")], [[], [], []], "nothing was sent")
run("the good job", ["send", "good.json"], 0)
equal(len(failures), 0, "the good job still goes out")
PY
