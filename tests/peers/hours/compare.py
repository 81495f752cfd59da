"""Windows and quiet hours in thousands of random cases around changes of the clock: what hours.c says
against Python's zoneinfo, looked up every few minutes and without any arithmetic on edges."""
import datetime, random, subprocess, sys, zoneinfo

DRIVER, SEED = sys.argv[1], int(sys.argv[2])
DAY_S, EVERY_DAY = 86400, 127
random.seed(SEED)

# Around what happens in each zone: both changes of a year, half an hour's change, the end and start of
# summer time for Ramadan, a Friday that never was; and zones where nothing does.
MOMENTS = {"Europe/Rome": ["2026-03-29", "2026-10-25", "2027-03-28", "2061-03-27"],
           "America/New_York": ["2026-03-08", "2026-11-01"],
           "America/St_Johns": ["2026-03-08", "2026-11-01"],
           "Australia/Lord_Howe": ["2026-04-05", "2026-10-04"],
           "Africa/Casablanca": ["2026-02-15", "2026-03-22", "2027-02-07"],
           "Pacific/Apia": ["2011-12-30", "2026-06-01"],
           "Antarctica/Troll": ["2026-03-29", "2026-10-25"],
           "Asia/Kathmandu": ["2026-05-01"],
           "Etc/GMT+5": ["2026-05-01"],
           "UTC": ["2026-12-31"]}


def inside(rule, local):
    """Independent of the C code: on naive datetimes, a span of each day that may hold this minute."""
    kind, start, end, days = rule
    for day in (local.date(), local.date() - datetime.timedelta(days=1)):
        begin = datetime.datetime.combine(day, datetime.time()) + datetime.timedelta(minutes=start)
        stop = begin + datetime.timedelta(minutes=(end - start) if end > start else end - start + 1440)
        if begin <= local < stop and days >> day.weekday() & 1:
            return True
    return False


def is_open(rules, zone, at_s):
    local = datetime.datetime.fromtimestamp(at_s, zone).replace(tzinfo=None)
    return all(inside(rule, local) == (rule[0] == "only") for rule in rules)


def random_rule(step_min):
    start, end = (random.randrange(0, 1440, step_min) for _ in range(2))
    if random.random() < 0.4:  # around the hours in which clocks change
        start = random.randrange(0, 240, step_min)
    if random.random() < 0.2:
        end = min(start + step_min, 1440)
    if start == end:
        end = (start + step_min) % 1440
    if random.random() < 0.4:
        return ("quiet", start, end, EVERY_DAY)
    return ("only", start, end, random.choice([EVERY_DAY, 31, 96, 1 << random.randrange(7),
                                               random.randrange(1, 128)]))


def timeline(zone, rules, begin_s, steps, step_s):
    return [is_open(rules, zone, begin_s + i * step_s) for i in range(steps)]


def cases():
    for name, moments in MOMENTS.items():
        zone = zoneinfo.ZoneInfo(name)
        for moment in moments:
            for fine in (False, False, False, True):
                # All offsets are quarters of an hour, so with edges on quarters nothing happens between.
                step_s, days = (60, 2) if fine else (900, 18)
                rules = [random_rule(step_s // 60) for _ in range(random.choice((1, 1, 2, 3)))]
                middle = datetime.datetime.fromisoformat(moment + "T00:00:00+00:00").timestamp()
                begin_s = int(middle) - (1 if fine else random.randrange(1, 5)) * DAY_S
                steps = days * DAY_S // step_s
                states = timeline(zone, rules, begin_s, steps, step_s)
                for _ in range(60):
                    i = random.randrange(steps * 9 // 10 if fine else steps // 9)
                    j = next((j for j in range(i + 1, steps) if states[j] != states[i]), None)
                    yield (name, rules, begin_s + i * step_s + random.randrange(step_s), states[i],
                           begin_s + j * step_s if j else None, begin_s + steps * step_s)


def main():
    asked = list(cases())
    lines = [" ".join([name, str(now_s)] + [" ".join(map(str, rule)) for rule in rules])
             for name, rules, now_s, *_ in asked]
    answers = subprocess.run([DRIVER], input="\n".join(lines) + "\n", text=True, check=True,
                             capture_output=True).stdout.splitlines()
    if len(answers) != len(asked):
        sys.exit(f"{len(answers)} answers to {len(asked)} questions")
    for line, answer, (_, _, _, state, next_s, end_s) in zip(lines, answers, asked):
        got_open, got_next = answer.split()
        right = got_open == str(int(state)) and (
            got_next == str(next_s) if next_s else got_next == "never" or int(got_next) >= end_s)
        if not right:
            sys.exit(f"seed {SEED}: {line}: {answer} instead of {int(state)} {next_s or 'no change'}")
    waiting = sum(not state for *_, state, _, _ in asked)
    print(f"{len(asked)} cases agree with zoneinfo, {waiting} of them waiting (seed {SEED})")


main()
