"""whole: what the whole costs beside its parts: a campaign beside outbox alone, and providers beside
one that is slow."""

import json
import time

import campaign
import home
from figures import Goal, Row, Sample
from stage import Failed

HEADERS = """From: My Studio <hello@studio.example>
To: customer0000001@example.com
Subject: News for customer
Date: Sun, 22 Nov 2026 18:00:00 +0000
Message-ID: <0123456789abcdef0123456789abcdef@studio.example>
List-Unsubscribe: <https://volley.example/u/AQEGc3R1ZGlvYzAwMDAwMDEAAAAAAAAAAAAAAAAAAAAA>
List-Unsubscribe-Post: List-Unsubscribe=One-Click
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 7bit

"""

SLOW = "2s"
FAST_JOBS, SLOW_JOBS = 4, 2  # of each of two fast providers; of the slow one
FINISH_S = 300


def pipeline_rows(bench):
    """Into smtp-sink, one server for both."""
    stage, size = bench.stage, bench.sizes
    port = campaign.sink(stage)
    mail = stage.work / "mail"
    mail.write_bytes((HEADERS + home.mail_text()).replace("\n", "\r\n").encode())

    def transport(_):
        run = stage.run([bench.binaries / "bench/transport", f"smtp://127.0.0.1:{port}",
                         campaign.CONNECTIONS, size.customers, mail])
        return campaign.sample(run, size.customers)

    yield Row("pipeline", "campaign of 1 kB text mails into Postfix smtp-sink, and outbox alone "
              "with one mail again and again", "mails/s", True,
              {"volley": campaign.mail_campaign(bench, f"smtp://127.0.0.1:{port}"),
               "transport alone": transport}, [Goal("transport alone", 0.9)])


class Daemon:
    """`volley serve` and jobs for it, on two fast providers and, if wanted, a slow one."""

    def __init__(self, bench):
        stage, binaries = bench.stage, bench.binaries
        self.bench, self.house = bench, bench.home()
        self.urls = {
            "smtp_url": f"smtp://127.0.0.1:{campaign.sandbox(stage, binaries, 'smtp')}",
            "http_url": f"http://127.0.0.1:{campaign.sandbox(stage, binaries, 'http')}",
            "app_url": "http://127.0.0.1:"
                       f"{campaign.sandbox(stage, binaries, 'http', '--latency', SLOW)}/push"}
        self.rates = {}  # (round, beside the slow one) → channel → messages/s

    def _volley(self, verb, *given):
        return self.bench.stage.run([self.house.volley, verb, *given, "--home", self.house.path],
                                    cores=[self.bench.stage.server_core]).stdout

    def _submit(self, channel, count):
        # an eighth each: together they are one campaign
        customers = self.bench.sizes.customers // (2 * FAST_JOBS)
        made = [self.house.job(channel, customers) for _ in range(count)]
        for _, path in made:
            self._volley("submit", path)
        return [job_id for job_id, _ in made]

    def _books(self, job_id):
        return json.loads(self._volley("show", job_id, "--json"))

    def _finished(self, jobs):
        """The time from the first job's start to the last one's end, per channel."""
        took = {}
        until = time.monotonic() + FINISH_S
        for channel, job_ids in jobs.items():
            sent = 0
            for job_id in job_ids:
                while (books := self._books(job_id))["state"] != "finished":
                    if time.monotonic() > until:
                        raise Failed(f"{job_id} did not end within {FINISH_S} s: {books}")
                    time.sleep(0.25)
                sent += home.sent_cleanly(books, channel)
                took[channel] = max(took.get(channel, 0), books["elapsed_s"])
            took[channel] = sent / took[channel]
        return took

    def measure(self, number, with_slow):
        """One round: its jobs at once. Both rows are made of the same rounds."""
        if (number, with_slow) in self.rates:
            return self.rates[number, with_slow]
        self.house.providers_at(**self.urls)
        pid = self.bench.stage.start([self.house.volley, "serve", "--home", self.house.path])
        slow = self._submit("inapp", SLOW_JOBS) if with_slow else []
        fast = {channel: self._submit(channel, FAST_JOBS) for channel in ("email", "sms")}
        self.rates[number, with_slow] = self._finished(fast)
        for job_id in slow:
            self._volley("cancel", job_id)
        self.bench.stage.stop(pid)
        for job_id in slow + fast["email"] + fast["sms"]:
            self.house.forget(job_id)
        return self.rates[number, with_slow]


def jobs_rows(bench):
    daemon = Daemon(bench)

    def rate(channel, with_slow):
        return lambda number: Sample(daemon.measure(number, with_slow)[channel])

    for channel, provider in (("email", "SMTP"), ("sms", "HTTP")):
        yield Row(f"jobs-{channel}", f"ten jobs at once on three providers, one of which answers in "
                  f"{SLOW}: the rate of the four over {provider}", "messages/s", True,
                  {"volley": rate(channel, True), "without the slow one": rate(channel, False)},
                  [Goal("without the slow one", 0.95)])
