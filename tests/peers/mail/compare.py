"""Usage: compare.py DRIVER. Checks the driver's mails with Python's email package and leaves cases and
messages in build/peers/mail_cases.ndjson for compare.js."""

import base64
import email.header
import email.policy
import email.utils
import json
import random
import subprocess
import sys

COUNT = 600
random.seed(20261122)

PIECES = [
    "a", "word ", "Ciao ", " ", "  ", "è", "perché ", "ß", "中文", "Привет ", "😀", "👩‍👩‍👧", "e\u0301", "\u200f",
    '"', "\\", "'", ",", ";", "<", ">", "@", "(", ")", "[", "]", ":", "=", "=?", "?=", "=?UTF-8?B?eA==?=", "_", "?",
    "\t", "\r\n", "\n", "\r", "\r\nBcc: evil@example.com", "\n\nbody", "\r\n.\r\n", "\n.", "\n..x", "\n--", "--=_",
    "x" * 80, "y" * 1100, "long words and so on and so forth " * 4, "\x00", "\x01", "\x7f", "\u2028", "From ", "&amp;",
]


def nasty(limit):
    used = random.sample(PIECES, random.randint(1, 6))
    return "".join(random.choice(used) for _ in range(random.randint(0, limit)))


def make_case(i):
    case = {
        "from_name": random.choice([None, "", "Studio 42", nasty(8)]),
        "from": "hello@studio.example",
        "to_name": random.choice([None, nasty(8)]),
        "to": f"customer{i}@{'x' * random.choice([3, 60])}.example.com",
        "subject": random.choice(["", "Ciao", nasty(4), nasty(30)]),
        "text": random.choice([None, nasty(40), nasty(400)]),
        "html": random.choice([None, "<p>" + nasty(40) + "</p>", nasty(200)]),
        "message_id": f"{i:032x}@studio.example",
        "unsubscribe": random.choice([None, "https://volley.example/u/" + "t" * random.choice([20, 200])]),
        "date_s": random.randint(0, 4000000000),
    }
    return case


def header_value(value):
    """What a header value reads back as: CRLF, CR, LF and controls are blanks."""
    value = (value or "").replace("\r\n", " ")
    return "".join(" " if ord(c) < 32 or ord(c) == 127 else c for c in value)


def body_value(value):
    value = value.replace("\r\n", "\n").replace("\r", "\n")
    return value if value.endswith("\n") else value + "\n"


def raw_header(message, name):
    """The field's text by RFC 2047 alone, without the policy's own ideas about blanks."""
    value = message.get_all(name)[0]
    unfolded = value.replace("\r\n", "")
    return "".join(
        part if isinstance(part, str) else part.decode(charset or "ascii")
        for part, charset in email.header.decode_header(unfolded)
    )


def check(case, raw):
    head = raw.split(b"\r\n\r\n", 1)[0]
    assert b"\r" not in raw.replace(b"\r\n", b"") and b"\n" not in raw.replace(b"\r\n", b"")
    assert raw.isascii() and b"\0" not in raw and raw.endswith(b"\r\n")
    for line in raw.split(b"\r\n"):
        assert not line.startswith(b"."), line
        assert len(line) <= 998
    for line in head.split(b"\r\n"):
        assert len(line) <= 78 or b" " not in line.strip(), line
        assert b"=?" not in line or len(line) <= 76, line
    for line in raw.split(b"\r\n\r\n", 1)[1].split(b"\r\n"):
        assert len(line) <= 76, line
    message = email.message_from_bytes(raw, policy=email.policy.compat32)
    names = ["From", "To", "Subject", "Date", "Message-ID"]
    if case["unsubscribe"]:
        names += ["List-Unsubscribe", "List-Unsubscribe-Post"]
    names += ["MIME-Version", "Content-Type"] + ([] if message.is_multipart() else ["Content-Transfer-Encoding"])
    assert message.keys() == names, message.keys()
    assert raw_header(message, "Subject") == header_value(case["subject"]), message["Subject"]
    for field, key in (("From", "from"), ("To", "to")):
        display, address = email.utils.parseaddr(message[field].replace("\r\n", ""))
        decoded = "".join(
            p if isinstance(p, str) else p.decode(c or "ascii") for p, c in email.header.decode_header(display)
        )
        assert address == case[key], address
        assert decoded == header_value(case[key + "_name"]), (decoded, case[key + "_name"])
    assert message["Message-ID"].strip() == f"<{case['message_id']}>"
    assert email.utils.parsedate_to_datetime(message["Date"]).timestamp() == case["date_s"]
    if case["unsubscribe"]:
        assert message["List-Unsubscribe"].strip() == f"<{case['unsubscribe']}>"
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    bodies = {p.get_content_subtype(): p for p in message.walk() if not p.is_multipart()}
    content = {}
    for subtype, part in bodies.items():
        content[subtype] = part.get_payload(decode=True).decode("utf-8").replace("\r\n", "\n")
    if case["text"] is not None or case["html"] is None:
        assert content["plain"] == body_value(case["text"] or ""), content["plain"]
    if case["html"] is not None:
        assert content["html"] == body_value(case["html"]), content["html"]


def main():
    driver = sys.argv[1]
    cases = [make_case(i) for i in range(COUNT)]
    lines = "".join(json.dumps(case) + "\n" for case in cases)
    done = subprocess.run([driver], input=lines.encode(), stdout=subprocess.PIPE, check=True)
    messages = done.stdout.decode().split("\n")[:COUNT]
    with open("build/peers/mail_cases.ndjson", "w") as out:
        for case, message in zip(cases, messages):
            out.write(json.dumps({"case": case, "message": message}) + "\n")
    wrong = 0
    for i, (case, message) in enumerate(zip(cases, messages)):
        try:
            check(case, base64.b64decode(message))
        except Exception as e:
            wrong += 1
            if wrong <= 5:
                print(f"mail {i}: {type(e).__name__} {e}\n{json.dumps(case)[:2000]}", file=sys.stderr)
    print(f"mail: {COUNT} messages through Python's email, {wrong} differ")
    sys.exit(wrong > 0)


main()
