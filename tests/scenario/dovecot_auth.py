"""An authentication service for postfix's smtpd in Dovecot's protocol, version 1.2: PLAIN, LOGIN and
XOAUTH2 for the user and password of the command line. Prints its port, then one line per login."""
import base64, socketserver, sys

USER, PASSWORD = sys.argv[1:3]


def is_right(mechanism, answers):
    if mechanism == "PLAIN":
        return answers[0] == f"\0{USER}\0{PASSWORD}".encode()
    if mechanism == "LOGIN":
        return answers == [USER.encode(), PASSWORD.encode()]
    return answers[0] == f"user={USER}\1auth=Bearer {PASSWORD}\1\1".encode()


class Client(socketserver.StreamRequestHandler):
    def say(self, *fields):
        self.wfile.write(("\t".join(fields) + "\n").encode())

    def judge(self, number, mechanism, answers):
        wanted = {"PLAIN": 1, "LOGIN": 2, "XOAUTH2": 1}[mechanism]
        if len(answers) < wanted:
            prompt = b"Username:" if not answers else b"Password:"
            self.say("CONT", number, base64.b64encode(prompt if mechanism == "LOGIN" else b"").decode())
            return
        right = is_right(mechanism, answers)
        sys.stdout.write(f"{mechanism} {'ok' if right else 'wrong'}\n")  # in one piece
        sys.stdout.flush()
        self.say("OK" if right else "FAIL", number, f"user={USER}")

    def handle(self):
        self.wfile.write(b"VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nMECH\tLOGIN\tplaintext\n"
                         b"MECH\tXOAUTH2\tplaintext\nSPID\t1\nCUID\t1\nCOOKIE\t0123456789abcdef\nDONE\n")
        talks = {}
        for line in self.rfile:
            words = line.decode().rstrip("\n").split("\t")
            if words[0] == "AUTH":
                first = [base64.b64decode(w[5:]) for w in words if w.startswith("resp=")]
                talks[words[1]] = (words[2], first)
            elif words[0] == "CONT":
                talks[words[1]][1].append(base64.b64decode(words[2]))
            else:
                continue
            self.judge(words[1], *talks[words[1]])


server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Client)
server.daemon_threads = True
print(server.server_address[1], flush=True)
server.serve_forever()
