"""A scripted SMTP server: refuses recipients for good by their names and takes the rest.

    python3 smtp_peer.py PORT LATENCY_S FILE

`gone…@` is answered with 550 5.1.1, `rude…@` with 550 5.7.1 and bytes that mean harm to whoever shows
them, `full…@` with 452 4.2.2; who was taken stands in FILE, one a line.
"""
import os, socket, sys, threading, time

port, latency_s, path = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
lock = threading.Lock()
taken = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def answer(command, to):
    verb = command[:4].upper()
    if verb == b"RCPT":
        name = command.split(b"<")[1]
        if name.startswith(b"gone"):
            return b"550 5.1.1 no such user here\r\n"
        if name.startswith(b"rude"):
            return b"550 5.7.1 <script>alert('x')</script> & \"q\" \xff\x1b[31m \xe2\x80\xaered\r\n"
        if name.startswith(b"full"):
            return b"452 4.2.2 mailbox full, come back\r\n"
        to.append(name.split(b">")[0].decode())
    if verb == b"DATA":
        return b"354 go on\r\n" if to else b"503 5.5.1 no recipient\r\n"
    if verb == b"QUIT":
        return b"221 bye\r\n"
    return b"250 fine\r\n"


def serve(peer):
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with peer, peer.makefile("rwb") as file:
        to, in_data = [], False
        file.write(b"220 peer\r\n")
        file.flush()
        for line in file:
            if in_data:
                if line != b".\r\n":
                    continue
                in_data = False
                time.sleep(latency_s)
                with lock:
                    os.write(taken, "".join(f"{address}\n" for address in to).encode())
                to, reply = [], b"250 taken\r\n"
            else:
                reply = answer(line, to)
                in_data = reply.startswith(b"354")
                if line[:4].upper() in (b"MAIL", b"RSET"):
                    to = []
                if reply.startswith(b"4") or reply.startswith(b"550"):
                    time.sleep(latency_s)
            file.write(reply)
            file.flush()


with socket.create_server(("127.0.0.1", port), backlog=64) as listener:
    print("ready", flush=True)
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
