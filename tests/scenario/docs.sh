#!/bin/sh
# Every configuration in README.md and docs/*.md is one that `volley check` takes, as it stands there.
. "$(dirname "$0")/../scenario/lib.sh"
studio
customers 1
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
