#!/bin/sh
# Every configuration in README.md and docs/*.md is one that `volley check` takes, as it stands there; every
# file they name is there; the map in docs/architecture.md has every inner room; every verb's help has an
# example.
. "$(dirname "$0")/../scenario/lib.sh"
studio
customers 1

# Every verb's help has the same shape, with examples of that very verb.
"$volley" --help >verbs
for verb in $(sed -n '/^usage/,/^`/s/^  \([a-z]*\) .*/\1/p' verbs); do
    "$volley" "$verb" --help >help
    head -n 1 help | grep -Eq "^usage: volley $verb( [^ ].*)?$" || fail "$verb: $(head -n 1 help)"
    sed -n '/^example:$/,$p' help | grep -q "volley $verb\b" || fail "$verb: no example of its own"
    grep -q " $(sed -n 3p help | sed 's/[][\.*^$`]/./g')$" verbs || fail "$verb: $(sed -n 3p help) is not what volley --help says"
    for option in --home --json --help; do grep -q "^  $option" help || fail "$verb: no $option"; done
done
[ "$("$volley" snd 2>&1 | grep -c 'did you mean "send"')" = 1 ] || fail "no near name for a verb"
mkdir secrets
echo token >secrets/twilio
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out dkim.pem 2>openssl.err || skip "openssl is not installed"
check <<'PY'
open("service-account.json", "w").write(json.dumps({
    "type": "service_account", "project_id": "studio", "private_key_id": "k1", "private_key": open("dkim.pem").read(),
    "client_email": "sender@studio.example", "token_uri": "https://oauth2.example/token"}))
PY
for variable in $(cat "$root"/docs/*.md "$root/README.md" | grep -o '\${[A-Z0-9_]*}' | tr -d '${}' | sort -u); do
    export "$variable=secret"
done

export TWILIO_ACCOUNT_SID=AC00000000000000000000000000000001

check "$root" <<'PY'
import glob, re
os.chdir(sys.argv[1])
rooms = ("base", "ingest", "render", "outbox", "engine", "cli", "tests", "bench", "tools", "docs", "examples")
files = [os.path.join(folder, name) for room in rooms for folder, _, names in os.walk(room) for name in names]
ends = {tuple(f.split("/")[-n:]) for f in files for n in (1, 2, 3, 4)}
of_a_home = {"job.json", "frozen.json", "report.json", "pruned.json", "account.json"} # and run/<pid>.json
for path in ["README.md"] + glob.glob("docs/*.md"):
    page = open(path).read()
    for name in re.findall(r"`([\w./-]+\.(?:c|h|cc|py|sh|mjs|json))`", page):
        true(name in of_a_home or tuple(name.split("/")) in ends, f"{path}: there is no {name}")
    for name in re.findall(r"\]\(([^)#:]+)\)", page):
        true(os.path.exists(os.path.join(os.path.dirname(path), name)), f"{path}: there is no {name}")
map = re.search(r"^## The house\n.*?^```\n(.*?)^```", open("docs/architecture.md").read(), re.M | re.S).group(1)
parts = re.split(r"^(\w+)/", map, flags=re.M)
parts = dict(zip(parts[1::2], parts[2::2]))
inner = {tuple(f.split("/")[:2]) for f in files if f.count("/") == 2 and f.endswith(".c") and f.split("/")[0] in parts}
true(len(inner) >= 15, inner)
for room, name in sorted(inner):
    true(re.search(rf"\b{name} ", parts[room]), f"docs/architecture.md: {room}/{name} is not on the map")
PY

# One file a block; what a block leaves out comes from the rest of a volley.yaml. The job goes out by the
# first provider of the block.
check "$root" <<'PY'
import glob, re
root = sys.argv[1]
channels = {"smtp": "email", "ses": "email", "sendgrid": "email", "http": "email", "twilio": "sms", "fcm": "push", "webhook": "push"}
count = collections.Counter()
for path in sorted(glob.glob(root + "/docs/*.md")) + [root + "/README.md"]:
    page = os.path.basename(path)
    for number, block in enumerate(re.findall(r"^```yaml\n(.*?)^```$", open(path).read(), re.M | re.S), 1):
        if not re.search(r"^(providers|routes|auto_hold):", block, re.M):
            continue # of another file, as template.yaml
        count[page] += 1
        if "\nproviders:" not in "\n" + block:
            block = "providers:\n" + "".join(
                f'  {name}: {{type: smtp, url: "smtp://127.0.0.1:25"}}\n' for name in ("relay", "ses", "backup")) + block
        first = re.search(r"^providers:\n  \w+:.*?type: (\w+)", block, re.M | re.S).group(1)
        name = re.search(r"^providers:\n  (\w+):", block, re.M).group(1)
        for key, value in (("routes", "{%s: [%s]}" % (channels[first], name)), ("public_url", "https://studio.example"),
                           ("tiers", "{starter: {segments: 500}}")):
            if f"\n{key}:" not in "\n" + block:
                block += f"{key}: {value}\n"
        with open(f"block.{page}.{number}", "w") as out:
            out.write(block)
        with open(f"block.{page}.{number}.channel", "w") as out:
            out.write(channels[first])
true(count["providers.md"] >= 14 and count["README.md"] >= 1 and count["configuration.md"] >= 1, count)
PY
for block in block.*.md.*[0-9]; do
    job try "\"channels\": [\"$(cat "$block.channel")\"]"
    cp "$block" volley.yaml
    "$volley" check try.json >said 2>said.err || fail "$block: $(cat said said.err)"
done
