"""What examples/demo shows besides volley's own output: the sandbox's mail, decoded, and
whether plan, books and sandbox agree."""
import argparse
import email
import email.policy
import json
import socket
import sys
import textwrap


def ports(_):
    """Three TCP ports of loopback that nobody has."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    print(*(s.getsockname()[1] for s in sockets))


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def lines(path):
    with open(path, encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def indent(text):
    print(textwrap.indent(text.rstrip(), "    "))


def progress(args):
    """One line: a bar and how the running job stands against its plan."""
    plan, books = load(args.plan), load(args.books)
    planned = sum(channel["send"] for channel in plan["channels"].values())
    sent = {name: channel["sent"] for name, channel in books["channels"].items()}
    share = min(1, sum(sent.values()) / planned) if planned else 1
    bar = ("#" * int(share * 24)).ljust(24, ".")
    counts = "  ".join(f"{name} {count}" for name, count in sent.items())
    print(f"[{bar}] {share:4.0%}  {counts}  {books['state']}")


def sms(args):
    """The first text whose characters made it UCS-2, else the first."""
    messages = list(lines(args.file))
    message = next((m for m in messages if "ê" in m["body"]), messages[0])
    print(f"  SMS from {message['from']} to {message['to']}")
    indent(textwrap.fill(message["body"], 86, break_on_hyphens=False))


def show_email(args):
    """The first mail to (or not to) an address: headers that matter and its text."""
    for line in lines(args.file):
        if line["to"] == args.not_to or args.to not in (None, line["to"]):
            continue
        mail = email.message_from_string(line["raw"], policy=email.policy.default)
        for header in ("From", "To", "Subject", "List-Unsubscribe", "List-Unsubscribe-Post"):
            if mail[header]:
                print(f"  {header}: {mail[header]}")
        parts = [part.get_content_type() for part in mail.walk() if not part.is_multipart()]
        print("  parts: " + ", ".join(parts))
        print()
        indent(mail.get_body(("plain",)).get_content())
        return
    sys.exit("look: no such email in " + args.file)


def agree(args):
    """Compare what was planned, what the books say and what the sandbox has."""
    plan, books, counted = load(args.plan), load(args.books), load(args.counts)
    got = {name: [m["id"] for m in lines(f"{args.dir}/{name}.ndjson")] for name in ("sms", "email")}
    planned, booked = plan["channels"], books["channels"]
    notices = 1 if planned["sms"].get("fallback_email") else 0
    pairs = [
        ("the job's state", "finished", books["state"]),
        ("the books balance", True, books["balanced"]),
        ("customers matched, plan and books", plan["matched"], books["matched"]),
        ("segments used, plan and books", plan["quota"]["used_after"], books["quota"]["used_after"]),
    ]
    for name in ("sms", "email"):
        pairs += [
            (f"{name} to send and sent", planned[name]["send"], booked[name]["sent"]),
            (f"{name} suppressed by reason", planned[name]["suppressed"], booked[name]["suppressed"]),
        ]
    pairs += [
        ("SMS that fell back to email", planned["sms"]["fallback_email"],
         booked["sms"]["fallback_email"]),
        ("SMS planned and in the sandbox", planned["sms"]["send"], len(got["sms"])),
        ("emails planned, the notice, and in the sandbox", planned["email"]["send"] + notices,
         len(got["email"])),
        ("messages in the sandbox's files and in its count", len(got["sms"]) + len(got["email"]),
         counted["sms"] + counted["email"]),
        ("messages and distinct message ids", len(got["sms"]) + len(got["email"]),
         len(set(got["sms"])) + len(set(got["email"]))),
    ]
    wrong = 0
    for what, expected, found in pairs:
        wrong += expected != found
        if expected != found:
            print(f"  NO  {what}: {expected} and {found}")
        elif isinstance(found, dict):
            print(f"  ok  {what}: {sum(found.values())}")
        else:
            print(f"  ok  {what}: {found}")
    sys.exit(f"demo: {wrong} of {len(pairs)} comparisons do not hold" if wrong else 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    verbs = parser.add_subparsers(required=True)
    for name, function, arguments in (
        ("ports", ports, []),
        ("progress", progress, ["plan", "books"]),
        ("sms", sms, ["file"]),
        ("email", show_email, ["file", "--to", "--not-to"]),
        ("agree", agree, ["plan", "books", "dir", "counts"]),
    ):
        verb = verbs.add_parser(name, help=function.__doc__)
        verb.set_defaults(function=function)
        for argument in arguments:
            verb.add_argument(argument)
    args = parser.parse_args()
    args.function(args)


main()
