#!/usr/bin/env python3
"""Postmark, Resend and Mailgun as their documentation describes them, on one loopback port.

email_apis.py FOLDER: writes the port to FOLDER/port, every message taken to FOLDER/taken.ndjson, every
request that the vendor would have refused to FOLDER/complaints. What goes wrong is chosen by address:
  c100  the call with it meets 429 and Retry-After the first time   c101  it is taken, then 500 (Postmark: c650)
  c102  inactive at Postmark (406)   c103  refused by it (300)      c105  invalid at the others
  c104  the call with it is taken, and no reply comes (the first time)
"""
import base64, http.server, json, sys, threading, urllib.parse, uuid

folder = sys.argv[1]
lock = threading.Lock()
seen = set()
keys = {}


def first(what):
    with lock:
        new = what not in seen
        seen.add(what)
        return new


def write(name, line):
    with lock, open(f"{folder}/{name}", "a") as file:
        file.write(line + "\n")


def customer(address):
    return address.split("@")[0]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, body, **headers):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def complain(self, status, body, why):
        write("complaints", f"{self.path}: {why}")
        self.answer(status, body)

    def take(self, api, to, who, **more):
        number = str(uuid.uuid4())
        write("taken.ndjson", json.dumps({"api": api, "customer": customer(to), "to": to, "id": number,
                                          "key": self.headers.get("Idempotency-Key"), "mail": who, **more}))
        return number

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        kind = self.headers["Content-Type"]
        if self.path == "/email/batch":
            self.postmark(body, kind)
        elif self.path in ("/emails/batch", "/emails"):
            self.resend(body, kind)
        elif self.path == "/v3/mg.example.com/messages":
            self.mailgun(body, kind)
        else:
            self.complain(404, b"", "no such path")

    # postmarkapp.com/developer/api/email-api, /developer/api/overview#error-codes
    def postmark(self, body, kind):
        if self.headers["X-Postmark-Server-Token"] != "pm-token":
            return self.complain(401, {"ErrorCode": 10, "Message": "Bad or missing API token"}, "token")
        mails = json.loads(body)
        known = {"From", "To", "Subject", "TextBody", "HtmlBody", "MessageStream", "Metadata", "Headers"}
        if kind != "application/json" or not isinstance(mails, list) or len(mails) > 500:
            return self.complain(422, {"ErrorCode": 410, "Message": "Too many batch messages"}, "batch")
        for mail in mails:
            if set(mail) - known or not (mail["TextBody"] or mail["HtmlBody"]) or "@" not in mail["From"] \
                    or any(set(h) != {"Name", "Value"} for h in mail.get("Headers", [])):
                return self.complain(422, {"ErrorCode": 300, "Message": "fields"}, mail)
        people = [customer(mail["To"]) for mail in mails]
        if "c100" in people and first("postmark c100"):
            return self.answer(429, {"ErrorCode": 429, "Message": "Rate limit exceeded"}, Retry_After="1")
        replies, broken = [], "c650" in people
        for mail, who in zip(mails, people):
            if who == "c102":
                replies.append({"ErrorCode": 406, "Message": "You tried to send to a recipient that has been "
                                f"marked as inactive. Found inactive addresses: {mail['To']}."})
            elif who == "c103":
                replies.append({"ErrorCode": 300, "Message": "Invalid 'To' address"})
            else:
                replies.append({"To": mail["To"], "SubmittedAt": "2026-11-22T18:00:00.0000000-05:00",
                                "MessageID": self.take("postmark", mail["To"], mail, lost=broken),
                                "ErrorCode": 0, "Message": "OK"})
        self.answer(500 if broken else 200, {"ErrorCode": 500, "Message": "oops"} if broken else replies)

    # resend.com/docs/api-reference/emails/send-batch-emails, …/errors, …/rate-limit, idempotency keys
    def resend(self, body, kind):
        def error(status, name, message):
            return status, {"statusCode": status, "name": name, "message": message}
        if self.headers["Authorization"] != "Bearer re_key":
            return self.complain(*error(403, "invalid_api_key", "API key is invalid"), "key")
        batch = self.path == "/emails/batch"
        mails = json.loads(body) if batch else [json.loads(body)]
        if kind != "application/json" or len(mails) > 100 or (not batch and not self.headers["Idempotency-Key"]):
            return self.complain(*error(422, "validation_error", "too many"), "batch")
        for mail in mails:
            if set(mail) - {"from", "to", "subject", "html", "text", "headers"} or not isinstance(mail["to"], list):
                return self.complain(*error(422, "validation_error", "fields"), mail)
        people = [customer(mail["to"][0]) for mail in mails]
        if "c100" in people and first(self.path + "c100"):
            return self.answer(*error(429, "rate_limit_exceeded", "Too many requests"), Retry_After="1",
                               Ratelimit_Limit="2", Ratelimit_Remaining="0", Ratelimit_Reset="1")
        if "c105" in people:
            return self.answer(*error(422, "validation_error", "Invalid `to` field."))
        key = self.headers["Idempotency-Key"]
        with lock:
            done = keys.get(key) if key else None
        if done and done[0] != body:
            return self.complain(*error(409, "invalid_idempotent_request", "Same key, other payload"), key)
        if not done:
            ids = [{"id": self.take(self.path, mail["to"][0], mail)} for mail in mails]
            done = body, {"data": ids} if batch else ids[0]
            with lock:
                keys[key] = done
        if "c104" in people and first(self.path + "c104"):
            self.close_connection = True
            return None
        return self.answer(200, done[1], Ratelimit_Limit="2", Ratelimit_Remaining="1", Ratelimit_Reset="1")

    # documentation.mailgun.com: messages, response codes
    def mailgun(self, body, kind):
        if self.headers["Authorization"] != "Basic " + base64.b64encode(b"api:mg-key").decode():
            write("complaints", "mailgun: login")
            return self.answer(401, b"Forbidden")
        mail = dict(urllib.parse.parse_qsl(body.decode(), strict_parsing=True, keep_blank_values=True))
        known = {"from", "to", "subject", "text", "html", "v:id", "h:List-Unsubscribe", "h:List-Unsubscribe-Post"}
        if kind != "application/x-www-form-urlencoded" or set(mail) - known or "@" not in mail["from"]:
            return self.complain(400, {"message": "fields"}, mail)
        who = customer(mail["to"])
        if who == "c100" and first("mailgun c100"):
            return self.answer(429, {"message": "Too many requests"}, Retry_After="1")
        if who == "c105":
            return self.answer(400, {"message": "to parameter is not a valid address. please check documentation"})
        number = self.take("mailgun", mail["to"], mail, lost=who in ("c101", "c104"))
        if who == "c101":
            return self.answer(500, {"message": "Internal Server Error"})
        if who == "c104" and first("mailgun c104"):
            self.close_connection = True
            return None
        return self.answer(200, {"id": f"<{number}@mg.example.com>", "message": "Queued. Thank you."})


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


server = Server(("127.0.0.1", 0), Handler)
with open(f"{folder}/port", "w") as file:
    file.write(str(server.server_port))
server.serve_forever()
