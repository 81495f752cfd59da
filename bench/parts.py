"""parts: what is done for each message, measured alone: rendering, segments, the journal."""

import html
import json
import random
import shutil

from figures import Goal, Row, Sample
from stage import Failed

SECONDS = 0.3  # of one sample
ROWS = 1000    # customers or texts: more than a branch predictor learns, few enough for the cache

# --- rendering ---

VARIABLES = ["first_name", "shop", "day", "time", "code", "price"]
SMS = ("Hi {first_name}, it's {shop}. We miss you! Come back by {day} at {time} and show code {code} "
       "to save ${price} on your next visit. Reply STOP to opt out of texts. Thanks!")
CELL = '<tr><td style="padding:4px">Lorem ipsum dolor sit</td></tr>'


def html_template():
    """4.4 kB with six variables, spread as in a newsletter."""
    parts = ["<html><body><h1>Hi {first_name}</h1><p>Greetings from {shop}</p>"]
    for name in VARIABLES[2:]:
        parts += [CELL * 18, "<p>{" + name + "}</p>"]
    return "".join(parts) + "</body></html>"


def customers():
    names = ["Ann", "Borja", "Chloé", "Dmitri", "Fatima", "Giorgos", "Conan O'Brien", "Katarzyna"]
    shops = ["Marks & Spencer", "Blue Café", "Nail Bar No. 5", "Gym <24/7>"]
    dice = random.Random(1)
    return [[dice.choice(names), dice.choice(shops), f"{dice.randint(1, 30):02} Dec",
             f"{dice.randint(8, 20):02}:30", f"C{n:07}", f"{dice.randint(10, 99)}.50"]
            for n in range(ROWS)]


def render_row(bench, name, title, template, is_html, goal):
    volley_template, mustache_template = template, template
    for variable in VARIABLES:
        volley_template = volley_template.replace("{" + variable + "}", "##{{" + variable + "}}")
        mustache_template = mustache_template.replace("{" + variable + "}", "{{" + variable + "}}")
    case = bench.stage.work / f"{name}.json"
    case.write_text(json.dumps({"html": is_html, "variables": VARIABLES, "rows": customers(),
                                "volley_template": volley_template,
                                "mustache_template": mustache_template}))
    first = {}

    def contender(who, command):
        def work(_):
            result = json.loads(bench.stage.run([*command(), case, SECONDS]).stdout)
            # Which entities stand for a quote is each one's own choice.
            first[who] = html.unescape(result["first"])
            if len(set(first.values())) > 1:
                raise Failed(f"{name}: the contenders do not render the same")
            return Sample(result["ns"])
        return work

    return Row(name, title, "ns", False,
               {"volley": contender("volley", lambda: [bench.binaries / "bench/render_speed"]),
                "handlebars": contender("handlebars", lambda: bench.peers.command("handlebars.cjs"))},
               [Goal("handlebars", goal)])


def render_rows(bench):
    yield render_row(bench, "render-sms", "an SMS of 170 bytes with 6 variables", SMS, False, 25)
    yield render_row(bench, "render-html", "an HTML mail of 4.4 kB with 6 variables, escaped",
                     html_template(), True, 15)


# --- segments ---

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def texts(kind):
    dice = random.Random(2)

    def character():
        if dice.random() < 1 / 6:
            return " "
        if kind == "gsm":
            return dice.choice("éèñü£àΔ") if dice.random() < 1 / 12 else dice.choice(LETTERS)
        if kind == "cyrillic":
            return chr(0x430 + dice.randrange(32))
        return chr(0x1F600 + dice.randrange(60)) if dice.random() < 1 / 20 else dice.choice(LETTERS)

    return ["".join(character() for _ in range(160)) for _ in range(ROWS)]


def segments_row(bench, kind, goals):
    name = f"segments-{kind}"
    path = bench.stage.work / f"{name}.txt"
    path.write_text("\n".join(texts(kind)) + "\n", encoding="utf-8")
    sums = {}

    def contender(who, command):
        def work(_):
            result = json.loads(bench.stage.run([*command(), path, SECONDS]).stdout)
            sums[who] = result["segments"]
            if len(set(sums.values())) > 1:
                raise Failed(f"{name}: the contenders do not count the same: {sums}")
            return Sample(result["ns"])
        return work

    def ours(mode):
        return contender(mode, lambda: [bench.binaries / "bench/segments_speed", mode])

    return Row(name, f"the segments of a text of 160 characters, {kind}", "ns", False,
               {"volley": ours("volley"), "plain C": ours("plain"),
                "npm calculator": contender("npm", lambda: bench.peers.command("segments.cjs"))},
               goals)


def segments_rows(bench):
    yield segments_row(bench, "gsm", [Goal("plain C", 8)])
    yield segments_row(bench, "cyrillic", [Goal("plain C", 8)])
    yield segments_row(bench, "emoji", [])


# --- the journal ---

def journal_rows(bench):
    def contender(mode):
        def work(_):
            folder = bench.stage.work / f"journal-{mode}"
            run = bench.stage.run([bench.binaries / "bench/journal_speed", mode, folder,
                                   bench.sizes.journal_records])
            shutil.rmtree(folder)
            result = json.loads(run.stdout)
            return Sample(result["records"] / result["elapsed_s"],
                          run.cpu_s / result["records"] * 1e5, run.peak_bytes)
        return work

    yield Row("journal", "durable records of 128 bytes, a thousand at a time", "records/s", True,
              {"volley": contender("volley"), "write+fdatasync": contender("simple")},
              [Goal("write+fdatasync", 2.5)])


REPLAY_S = 3  # what a restart may wait for ten million messages


def replay_rows(bench):
    messages = bench.sizes.replay_messages
    folder = bench.stage.work / "replay"
    program = bench.binaries / "bench/replay_speed"

    def contender(mode):
        def work(_):
            run = bench.stage.run([program, mode, folder, messages])
            return Sample(json.loads(run.stdout)["elapsed_s"], run.cpu_s / messages * 1e5, run.peak_bytes)
        return work

    def allowed(_):
        return Sample(REPLAY_S * messages / 10e6)

    bench.stage.run([program, "fill", folder, messages])
    yield Row("replay", f"the journal of {messages:,} messages read back", "s", False,
              {"volley": contender("volley"), "checksum": contender("checksum"), "allowed": allowed},
              [Goal("allowed", 1)])
    shutil.rmtree(folder)
