"""figures: rounds of samples, their medians and ratios, as a table and as JSON lines."""

import json
import statistics
from dataclasses import dataclass, field

from stage import Missing


@dataclass
class Sample:
    value: float
    cpu_s_per_100k: float | None = None
    peak_bytes: int | None = None


@dataclass
class Goal:
    """What volley must reach against a peer. A ratio of values above 1 means that volley is
    better; a ratio of CPU time is volley's through the peer's. A hard goal decides the exit
    status."""
    peer: str
    ratio: float
    measure: str = "value"
    hard: bool = False


@dataclass
class Row:
    """One piece of work, done by volley (the first contender) and its peers."""
    name: str
    title: str
    unit: str
    higher_is_better: bool
    contenders: dict  # name → function that takes the round's number and gives a Sample
    goals: list = field(default_factory=list)
    samples: dict = field(default_factory=dict)
    missing: dict = field(default_factory=dict)  # name → sentence

    def measure(self, rounds):
        """Interleaved, so that what else the machine does meets everybody alike."""
        for number in range(rounds):
            for name, work in self.contenders.items():
                if name in self.missing:
                    continue
                try:
                    self.samples.setdefault(name, []).append(work(number))
                except Missing as why:
                    self.missing[name] = str(why)

    def ours(self):
        return next(iter(self.contenders))

    def _series(self, name, measure):
        samples = self.samples.get(name, [])
        values = [s.value if measure == "value" else s.cpu_s_per_100k for s in samples]
        return [v for v in values if v is not None]

    def ratio(self, peer, measure="value"):
        """The median over the rounds of the ratio within a round; None without the peer."""
        ours, theirs = self._series(self.ours(), measure), self._series(peer, measure)
        if measure == "value" and not self.higher_is_better:
            ours, theirs = theirs, ours
        ratios = [a / b for a, b in zip(ours, theirs) if b > 0]
        return statistics.median(ratios) if ratios else None

    def reached(self, goal):
        """True, False, or None when the peer is missing."""
        ratio = self.ratio(goal.peer, goal.measure)
        if ratio is None:
            return None
        return ratio >= goal.ratio if goal.measure == "value" else ratio <= goal.ratio

    def hard_failures(self):
        """A sentence for each hard goal that was not shown to hold."""
        for goal in self.goals:
            if goal.hard and not self.reached(goal):
                ratio = self.ratio(goal.peer, goal.measure)
                yield (f"{self.name}: {goal.peer} is missing, so nothing is shown" if ratio is None
                       else f"{self.name} is {ratio:.2f}× {goal.peer}, {goal.ratio:g}× is asked")

    def print(self):
        print(f"\n{self.name}: {self.title}")
        for name in self.contenders:
            if name in self.missing:
                print(f"  {name:<22} missing: {self.missing[name]}")
            elif name in self.samples:
                print(f"  {name:<22} {self._line(name)}")
        for goal in self.goals:
            print(f"  {'':<22} {self._verdict(goal)}")

    def _line(self, name):
        values = self._series(name, "value")
        parts = [f"{number(statistics.median(values)):>10} {self.unit}",
                 f"({number(min(values))} to {number(max(values))})"]
        cpu = self._series(name, "cpu")
        if cpu:
            parts.append(f"CPU {statistics.median(cpu):.2f} s/100k")
        peaks = [s.peak_bytes for s in self.samples[name] if s.peak_bytes]
        if peaks:
            parts.append(f"peak {statistics.median(peaks) / 2**20:.0f} MB")
        ratio = self.ratio(name) if name != self.ours() else None
        if ratio:
            parts.append(f"volley: {ratio:.2f}×")
        return "  ".join(parts)

    def _verdict(self, goal):
        what = "CPU " if goal.measure == "cpu" else ""
        sign = "≤" if goal.measure == "cpu" else "≥"
        asked = f"goal: {what}{sign} {goal.ratio:g}× {goal.peer}"
        ratio = self.ratio(goal.peer, goal.measure)
        if ratio is None:
            return f"{asked}: not measured"
        return f"{asked}: {'reached' if self.reached(goal) else 'SHORT'} ({ratio:.2f}×)"

    def records(self):
        """A JSON object per contender and per goal."""
        for name in self.contenders:
            record = {"row": self.name, "contender": name, "unit": self.unit}
            if name in self.missing:
                yield record | {"missing": self.missing[name]}
                continue
            values, cpu = self._series(name, "value"), self._series(name, "cpu")
            peaks = [s.peak_bytes for s in self.samples.get(name, []) if s.peak_bytes]
            if not values:
                continue
            yield record | {
                "rounds": len(values), "median": statistics.median(values),
                "min": min(values), "max": max(values),
                "cpu_s_per_100k": statistics.median(cpu) if cpu else None,
                "peak_bytes": statistics.median(peaks) if peaks else None,
                "volley_ratio": self.ratio(name) if name != self.ours() else None}
        for goal in self.goals:
            yield {"row": self.name, "goal": goal.ratio, "peer": goal.peer,
                   "measure": goal.measure, "hard": goal.hard,
                   "ratio": self.ratio(goal.peer, goal.measure), "reached": self.reached(goal)}


def number(value):
    """Four significant digits are more than these machines can promise."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def write_records(path, rows):
    with open(path, "w") as out:
        for row in rows:
            for record in row.records():
                out.write(json.dumps(record) + "\n")
