"""filters: an audience over a big snapshot, against a loop in C and against DuckDB."""

import json

from figures import Goal, Row, Sample
from stage import Failed

SCALARS = ("visit_count >= 5 AND joined >= DATE '2024-06-01' AND status IN (0, 1)"
           " AND email_verified AND NOT optout_marketing_email")
# What follows the scalars, in volley's words and in DuckDB's.
LISTS = {"volley": " AND NOT 'vip' = ANY(tags)", "duckdb": " AND NOT list_contains(tags, 'vip')"}
DUCKDB_TIMES = 5  # of one sample: starting and loading take long, the query does not
GOALS = {"scalars": 8, "lists": 5}


class Filter:
    def __init__(self, bench, threads):
        self.bench, self.stage, self.threads = bench, bench.stage, threads
        self.customers = bench.sizes.filter_customers
        self.snapshot = bench.home().snapshot(self.customers)
        self.cores = ([self.stage.client_core] if threads == 1
                      else [self.stage.server_core, self.stage.client_core])
        self.counts = {}

    def _sample(self, kind, elapsed_s, count):
        """All contenders must find the same customers."""
        if self.counts.setdefault(kind, count) != count:
            raise Failed(f"filter {kind}: counts differ, {self.counts[kind]} and {count}")
        return Sample(elapsed_s / self.customers * 1e9)

    def _result(self, argv):
        return json.loads(self.stage.run(argv, self.cores).stdout)

    def volley(self, kind):
        where = SCALARS + (LISTS["volley"] if kind == "lists" else "")

        def work(_):
            found = self._result([self.bench.binaries / "volley", "audience", self.snapshot,
                                  "--where", where, "--count", "--json", "--workers",
                                  self.threads])
            return self._sample(kind, found["elapsed_s"], found["count"])
        return work

    def plain(self, kind):
        def work(_):
            found = self._result([self.bench.binaries / "bench/filter_scalar", self.snapshot, kind,
                                  self.threads])
            return self._sample(kind, found["elapsed_s"], found["count"])
        return work

    def duckdb(self, kind):
        where = SCALARS + (LISTS["duckdb"] if kind == "lists" else "")

        def work(_):
            node = self.bench.peers.command("duckdb.cjs")
            found = self._result([*node, self._csv(), self.threads, DUCKDB_TIMES, where])
            return self._sample(kind, min(found["elapsed_s"]), found["count"])
        return work

    def _csv(self):
        path = self.stage.work / f"{self.customers}.csv"
        if not path.exists():
            run = self.stage.run([self.bench.binaries / "bench/filter_scalar", self.snapshot,
                                  "--csv", 1])
            path.write_text(run.stdout)
        return path


def filter_rows(bench):
    for threads in (1, 2):
        for kind, goal in GOALS.items():
            f = Filter(bench, threads)
            yield Row(f"filter-{kind}-{threads}", f"an audience over {f.customers:,} customers, "
                      f"{kind}, threads: {threads}", "ns/customer", False,
                      {"volley": f.volley(kind), "plain C": f.plain(kind),
                       "DuckDB": f.duckdb(kind)},
                      [Goal("DuckDB", goal)])
