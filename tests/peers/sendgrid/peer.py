"""SendGrid's Mail Send on loopback, as its OpenAPI and "Errors" describe it: a call is taken whole or not
at all. Writes each mail it takes to sendgrid.ndjson as a recipient would see it, and its counts at the end.

Addresses say what happens: bad-* are named in an error, poison-* spoil a call without being named. The
second call is throttled, the reply to the fourth is lost."""
import http.server, json, os, signal, sys, threading, time

TOP = {"from", "personalizations", "content", "mail_settings"}
EACH = {"to", "subject", "headers", "custom_args", "substitutions"}
RESERVED = {"x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding",
            "to", "from", "subject", "reply-to", "cc", "bcc"}
counts = {"calls": 0, "largest": 0, "throttled": 0, "named": 0, "poisoned": 0, "lost": 0, "sandboxed": 0,
          "wrong": []}
lock = threading.Lock()
out = open("sendgrid.ndjson", "a")


def complaints(call):
    """What SendGrid would refuse that volley must never send."""
    people = call["personalizations"]
    addresses = [p["to"][0]["email"].lower() for p in people]
    if set(call) - TOP or any(set(p) - EACH for p in people):
        yield "a member that there is not"
    if not 1 <= len(people) <= 1000 or any(len(p["to"]) != 1 for p in people):
        yield f"{len(people)} personalizations"
    if len(set(addresses)) != len(addresses):
        yield "an address twice"
    for p in people:
        if sum(len(k.encode()) + len(v.encode()) for k, v in p.get("substitutions", {}).items()) > 10000:
            yield "over 10,000 bytes of substitutions"
        if not p["subject"] or RESERVED & {name.lower() for name in p["headers"]}:
            yield "a subject or header"
    if not call["content"] or not all(c["value"] for c in call["content"]):
        yield "no content"
    if [c["type"] for c in call["content"]] != sorted((c["type"] for c in call["content"]), reverse=True):
        yield "html before text"


def refusal(call):
    people = call["personalizations"]
    bad = [i for i, p in enumerate(people) if p["to"][0]["email"].startswith("bad-")]
    if bad:
        counts["named"] += 1
        return [{"message": "Does not contain a valid address.", "field": f"personalizations.{i}.to.0.email",
                 "help": "http://sendgrid.com/docs"} for i in bad]
    if any(p["to"][0]["email"].startswith("poison-") for p in people):
        counts["poisoned"] += 1
        return [{"message": "Bad Request", "field": None, "help": None}]


def take(call):
    for p in call["personalizations"]:
        bodies = {}
        for content in call["content"]:
            value = content["value"]
            for tag, instead in p.get("substitutions", {}).items():
                value = value.replace(tag, instead)
            bodies[content["type"]] = value
        out.write(json.dumps({"to": p["to"][0]["email"], "from": call["from"], "subject": p["subject"],
                              "headers": p["headers"], "id": p["custom_args"]["volley_id"], **bodies}) + "\n")
    out.flush()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, body=b"", headers={}):
        self.send_response(status)
        for name, value in {**headers, "Content-Length": len(body)}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        call = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with lock:
            self.mail_send(call)

    def errors(self, status, errors, headers={}):
        self.answer(status, json.dumps({"errors": errors}).encode(), headers)

    def mail_send(self, call):
        if self.headers["Authorization"] != "Bearer SG.right":
            return self.errors(401, [{"message": "The provided authorization grant is invalid", "field": None}])
        counts["calls"] += 1
        counts["largest"] = max(counts["largest"], len(call["personalizations"]))
        counts["wrong"] += list(complaints(call)) + ([self.path] if self.path != "/v3/mail/send" else [])
        if call.get("mail_settings", {}).get("sandbox_mode", {}).get("enable"):
            counts["sandboxed"] += len(call["personalizations"])
            return self.answer(200)
        if counts["calls"] == 2:
            counts["throttled"] += 1
            return self.errors(429, [{"message": "too many requests", "field": None}],
                               {"X-RateLimit-Reset": int(time.time()) + 1})
        errors = refusal(call)
        if errors:
            return self.errors(400, errors)
        take(call)
        if counts["calls"] >= 4 and not counts["lost"]:
            counts["lost"] += 1
            self.close_connection = True
            return self.connection.close()
        self.answer(202, headers={"X-Message-Id": f"m{counts['calls']}"})


def stop(*_):
    print(json.dumps(counts), flush=True)
    os._exit(0)


signal.signal(signal.SIGTERM, stop)
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
print("ready", file=sys.stderr, flush=True)
server.serve_forever()
