#!/usr/bin/env python3
"""An HTTP server that misbehaves: bad_http.py FOLDER [CERTIFICATE KEY]. Writes its port to FOLDER/port (with a
certificate: FOLDER/tls_port) and the number of whole requests to FOLDER/requests. The first part of the
path says how it misbehaves."""
import socket, ssl, sys, threading, time

folder, tls = sys.argv[1], sys.argv[2:]
OK = b"HTTP/1.1 200 OK\r\n"


def sized(head, body):
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


REPLIES = {
    "good": sized(OK, b'{"id":"m-1","sid":"SM0123456789abcdef0123456789abcdef"}'),
    "garbage": b"\x00\x01\x02 SSH-2.0-OpenSSH_9.2\r\nwhat is this\r\n\r\n",
    "cut-status": b"HTTP/1.1 2",
    "cut-head": OK + b"Content-Type: applica",
    "cut-body": OK + b"Content-Length: 1000\r\n\r\n{\"id\":",
    "cut-chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n400\r\n{\"id\"",
    "html": sized(OK, b"<html>It works!</html>"),
    "error-inside": sized(OK, b'{"error":{"code":"no_such_template"}}'),
    "huge-body": sized(OK, b'{"x":"' + b"x" * 10_000_000 + b'","id":"m-1"}'),
    "huge-head": OK + b"X-Long: " + b"x" * 10_000_000 + b"\r\nContent-Length: 0\r\n\r\n",
    "many-heads": OK + b"X-Many: header\r\n" * 600_000 + b"Content-Length: 0\r\n\r\n",
    "redirect": sized(b"HTTP/1.1 307 Go\r\nLocation: /good\r\n", b""),
    "bad-length": OK + b"Content-Length: minus one\r\n\r\n{}",
    "bad-json": sized(OK, b'{"id": "m-1"'),
    "deep-json": sized(OK, b"[" * 400_000),
    "status-999": sized(b"HTTP/1.1 999 What\r\n", b"{}"),
    "not-found": sized(b"HTTP/1.1 404 Not Found\r\n", b"nothing here"),
    "nothing": b"",
}


def read_request(line):
    data = b""
    while b"\r\n\r\n" not in data:
        more = line.recv(65536)
        if not more:
            return None
        data += more
        if data[0] == 0x16:  # a TLS handshake
            line.sendall(b"HTTP/1.1 400 Speak plainly\r\nContent-Length: 0\r\n\r\n")
            return None
    head, body = data.split(b"\r\n\r\n", 1)
    if head.startswith(b"GET"):  # twilio looks up what became of a message: counted apart
        return "GET " + head.split()[1].decode().split("/")[1]
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    while len(body) < length:
        more = line.recv(65536)
        if not more:
            return None
        body += more
    return head.split()[1].decode().split("/")[1]


def serve(line):
    try:
        if tls:
            line = context.wrap_socket(line, server_side=True)
        kind = read_request(line)
        while kind:
            with open(f"{folder}/requests", "a") as file:
                file.write(kind + "\n")
            kind = kind.removeprefix("GET ")
            if kind == "unasked":  # the answer, and one to a question that nobody put
                line.sendall(REPLIES["good"] + REPLIES["not-found"])
            elif kind == "stall":
                time.sleep(60)
            elif kind == "stall-body":
                line.sendall(OK + b"Content-Length: 1000\r\n\r\n{")
                time.sleep(60)
            elif kind == "drip":
                for byte in OK * 100:
                    line.sendall(bytes([byte]))
                    time.sleep(0.05)
            else:
                line.sendall(REPLIES[kind])
            if kind not in ("good", "unasked", "redirect", "html", "error-inside"):
                break
            kind = read_request(line)
    except (OSError, ssl.SSLError):
        pass
    finally:
        line.close()


if tls:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*tls)
listener = socket.create_server(("127.0.0.1", 0), backlog=128)
with open(f"{folder}/{'tls_port' if tls else 'port'}", "w") as file:
    file.write(str(listener.getsockname()[1]))
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
