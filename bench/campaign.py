"""campaign: whole campaigns, by mail and by SMS, and what they take of memory."""

import base64
import os
import re
import urllib.parse
from dataclasses import dataclass

import home
from figures import Goal, Row, Sample, number
from stage import Failed, free_port, program

CONNECTIONS = 50
HTTP_CONNECTIONS = 64
OPT_OUTS = 1000
MEMORY_FACTOR, MEMORY_SLACK_BYTES = 1.5, 64 << 20


def sample(run, messages):
    return Sample(messages / run.wall_s, run.cpu_s / messages * 1e5, run.peak_bytes)


def sink(stage):
    """Postfix's test server. Returns its port."""
    port = free_port()
    user = ["-u", "postfix"] if os.geteuid() == 0 else []
    stage.serve([program("smtp-sink"), *user, f"127.0.0.1:{port}", "1000"], port)
    return port


def sandbox(stage, binaries, protocol, *options):
    port = free_port()
    stage.serve([binaries / "volley", "sandbox", "--discard", f"--listen-{protocol}",
                 f"127.0.0.1:{port}", *options], port)
    return port


def smtp_source(bench, port):
    size = bench.sizes

    def work(_):
        run = bench.stage.run([program("smtp-source"), "-d", "-s", CONNECTIONS, "-l",
                               home.MAIL_BYTES, "-m", size.source_messages,
                               "-f", "hello@studio.example", "-t", "customer@example.com",
                               f"127.0.0.1:{port}"])
        return sample(run, size.source_messages)
    return work


def mail_campaign(bench, url, ca=None):
    def work(_):
        house = bench.home()
        house.providers_at(smtp_url=url, ca=ca)
        return sample(*house.send("email", bench.sizes.customers))
    return work


def smtp_rows(bench):
    """The same server for both contenders, in each of the rows."""
    stage = bench.stage
    bench.home().opt_out(bench.sizes.customers, OPT_OUTS)

    def row(name, server, port, goals):
        return Row(name, f"campaign of 1 kB text mails over {CONNECTIONS} connections into {server}",
                   "mails/s", True,
                   {"volley": mail_campaign(bench, f"smtp://127.0.0.1:{port}"),
                    "smtp-source": smtp_source(bench, port)}, goals)

    if bench.wants("smtp"):
        yield row("smtp", "Postfix smtp-sink", sink(stage),
                  [Goal("smtp-source", 1.0, hard=True), Goal("smtp-source", 2.3),
                   Goal("smtp-source", 0.27, "cpu")])
    if bench.wants("smtp-discard"):
        yield row("smtp-discard", "volley sandbox --discard --no-chunking",
                  sandbox(stage, bench.binaries, "smtp", "--no-chunking"),
                  [Goal("smtp-source", 5)])
    if bench.wants("smtp-chunking"):
        yield row("smtp-chunking", "volley sandbox --discard, which offers CHUNKING",
                  sandbox(stage, bench.binaries, "smtp"), [Goal("smtp-source", 8)])


# As long as the one that every request of volley's has.
IDEMPOTENCY_KEY = "Idempotency-Key: " + "0123456789abcdef" * 2

WRK_SCRIPT = """wrk.method = "POST"
wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
wrk.headers["Authorization"] = "{authorization}"
wrk.headers["Idempotency-Key"] = "{key}"
wrk.body = "{body}"
"""


def http_row(bench, name, server, origin, ca=None):
    """One row of posts to Twilio's path at origin."""
    stage, size = bench.stage, bench.sizes
    house = bench.home()
    url = f"{origin}/2010-04-01/Accounts/{home.TWILIO_SID}/Messages.json"
    token = base64.b64encode(f"{home.TWILIO_SID}:{home.TWILIO_TOKEN}".encode()).decode()
    text = home.SMS.replace("##{{", "").replace("}}", "")
    body = urllib.parse.urlencode({"To": "+393400000001", "From": "+15005550006", "Body": text},
                                  quote_via=urllib.parse.quote)
    script = stage.work / "post.lua"
    script.write_text(WRK_SCRIPT.format(authorization=f"Basic {token}", body=body,
                                        key=IDEMPOTENCY_KEY.partition(": ")[2]))

    def volley(_):
        house.providers_at(http_url=origin, ca=ca)
        return sample(*house.send("sms", size.customers))

    def curl(_):
        run = stage.run([bench.binaries / "bench/curl_post", url, HTTP_CONNECTIONS,
                         size.source_messages, body, ca or "-", f"Authorization: Basic {token}",
                         IDEMPOTENCY_KEY])
        return sample(run, size.source_messages)

    def wrk(_):
        run = stage.run([program("wrk"), "-t1", f"-c{HTTP_CONNECTIONS}", f"-d{size.wrk_s}s",
                         "-s", script, url])
        found = re.search(r"(\d+) requests in", run.stdout)
        if not found or "Non-2xx" in run.stdout:
            raise Failed("wrk was not answered as it should be: " + run.stdout.strip())
        return sample(run, int(found[1]))

    return Row(name, f"campaign of SMS over {HTTP_CONNECTIONS} HTTP connections into {server}",
               "posts/s", True, {"volley": volley, "bare libcurl": curl, "wrk": wrk},
               [Goal("bare libcurl", 0.95), Goal("wrk", 0.5)])


def http_rows(bench):
    port = sandbox(bench.stage, bench.binaries, "http")
    yield http_row(bench, "http", "volley sandbox --discard", f"http://127.0.0.1:{port}")


def journal_share_rows(bench):
    """What waiting for the disk costs a campaign: the same one with its home in memory, where
    fdatasync does nothing. The CPU time of writing the journal is in both."""
    port = sandbox(bench.stage, bench.binaries, "smtp")

    def contender(in_memory):
        def work(_):
            house = bench.home(in_memory)
            house.providers_at(smtp_url=f"smtp://127.0.0.1:{port}")
            return sample(*house.send("email", bench.sizes.customers))
        return work

    yield Row("journal-share", "campaign into volley sandbox --discard, its home on disk and in "
              "memory", "mails/s", True,
              {"volley": contender(False), "home in memory": contender(True)},
              [Goal("home in memory", 0.95)])


@dataclass
class MemoryRow:
    """Peaks of one campaign and one many times its size; flat is a hard condition."""
    bench: object
    name: str = "memory"
    peaks: tuple = ()

    def measure(self, _):
        port = sandbox(self.bench.stage, self.bench.binaries, "smtp")
        self.bench.home().providers_at(smtp_url=f"smtp://127.0.0.1:{port}")
        self.peaks = tuple(self._send(recipients)
                           for recipients in self.bench.sizes.memory_recipients)

    def _send(self, recipients):
        # A tenth has no verified address and a twentieth has opted out.
        customers = recipients * 6 // 5
        run, sent = self.bench.home().send("email", customers, where="visit_count >= 0")
        return sent, run

    def flat(self):
        (_, small), (_, large) = self.peaks
        return large.anon_bytes <= small.anon_bytes * MEMORY_FACTOR + MEMORY_SLACK_BYTES

    def hard_failures(self):
        if not self.flat():
            yield "memory grows with the number of recipients"

    def print(self):
        print(f"\n{self.name}: peak of volley send over SMTP into volley sandbox --discard")
        for sent, run in self.peaks:
            print(f"  {number(sent):>10} recipients  anonymous {run.anon_bytes / 2**20:.1f} MB  "
                  f"with mapped files {run.peak_bytes / 2**20:.0f} MB  {run.wall_s:.1f} s  "
                  f"CPU {run.cpu_s / sent * 1e5:.2f} s/100k")
        print(f"  goal: at most {MEMORY_FACTOR:g}× and {MEMORY_SLACK_BYTES >> 20} MB more: "
              f"{'flat' if self.flat() else 'NOT FLAT'}")

    def records(self):
        for sent, run in self.peaks:
            yield {"row": self.name, "recipients": sent, "anon_bytes": run.anon_bytes,
                   "peak_bytes": run.peak_bytes, "wall_s": run.wall_s}
        yield {"row": self.name, "flat": self.flat()}


def memory_rows(bench):
    yield MemoryRow(bench)
