#!/bin/sh
# The calendar of a daemon jumps an hour ahead, then two back (NTP, a restored machine): what runs keeps its
# rate, what is due by the new time goes, what has expired does not, nothing goes twice or gets stuck.
. "$(dirname "$0")/lib.sh"
[ "${VOLLEY_OUT##*/}" != asan ] || skip "the sanitizer wants to be preloaded first"
"${CC:-gcc}" -shared -fPIC -O2 -o shift_clock.so "$lib/shift_clock.c"
studio
account studio '"tier": "endless"'
customers 600
sandbox
check <<'PY'
import datetime, struct
volley = os.environ["VOLLEY_BIN"]


def jump(hours):
    with open("jump.new", "wb") as file:
        file.write(struct.pack("q", hours * 3600))
    with open("jump", "r+b" if os.path.exists("jump") else "wb") as file:
        file.write(open("jump.new", "rb").read())


jump(0)
serve = subprocess.Popen([volley, "serve"], stdout=subprocess.DEVNULL, stderr=open("serve.err", "w"),
                         env={**os.environ, "LD_PRELOAD": os.path.abspath("shift_clock.so"),
                              "CLOCK_JUMP": os.path.abspath("jump")})


def wait(what, condition, patience=30):
    end = time.monotonic() + patience
    while not condition():
        if time.monotonic() > end:
            serve.kill()
            sys.exit(f"waited in vain: {what}")
        time.sleep(.02)


def at(minutes, format="%Y-%m-%dT%H:%M:%SZ"):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)).strftime(format)


def drop(name, **keys):
    with open("spool/tmp/job", "w") as file:
        json.dump({"id": name, "account": "studio", "category": "transactional", "template": "waiver", "channels": ["push"],
                   "vars": {"url": f"https://studio.example/{name}"},
                   "audience": {"snapshot": "snapshots/studio.arrow"}, **keys}, file)
    os.rename("spool/tmp/job", f"spool/incoming/{name}.json")


def state(name):
    try:
        return load(f"spool/status/{name}.json")["state"]
    except OSError:
        return "none"


def done(name):
    return state(name) == "finished"


def begun(name):
    return state(name) == "running" and channel(load(f"spool/status/{name}.json"), "push")["sent"] > 50


wait("serve", lambda: "serving" in open("serve.err").read())
# The account is in Rome, and so are its customers.
rome = lambda minutes: subprocess.run(["date", "-d", at(minutes), "+%H:%M"], env={"TZ": "Europe/Rome", "PATH": os.environ["PATH"]},
                                      capture_output=True, text=True).stdout.strip()
drop("rated", limits={"max_message_rate": "200/s"})
drop("due", send_at=at(40))
drop("quiet", delivery_window={"start": rome(30), "end": rome(240)})
drop("spread", spread_over="30m")
drop("expires", expires_at=at(20), limits={"max_message_rate": "100/s"})
for name in "rated", "expires":
    wait(f"{name} runs", lambda: begun(name))
wait("the others wait", lambda: state("due") == "waiting" and state("quiet") != "none" and state("spread") == "running")
ahead = time.monotonic()
jump(1)
for name in "due", "quiet", "spread", "expires", "rated":
    wait(f"{name}, an hour ahead", lambda: done(name))
print(f"all over {time.monotonic() - ahead:.1f} s after the jump ahead")

drop("back", limits={"max_message_rate": "200/s"})
drop("paced", spread_over="2s")
wait("back runs", lambda: begun("back"))
jump(-1)
back = time.monotonic()
drop("fresh")
drop("soon", send_at=at(-60 + 1 / 60))
for name in "fresh", "soon", "back":
    wait(f"{name}, two hours back", lambda: done(name), 15)
print(f"all over {time.monotonic() - back:.1f} s after the jump back")
wait("paced is under way", lambda: state("paced") in ("running", "waiting", "finished"))
jump(1)
wait("paced, once its slots have come again", lambda: done("paced"))
serve.terminate()
equal(serve.wait(20), 0, "serve")

late = channel(load("outbox/expires/report.json"), "push")
true(0 < late["sent"] < 600 and late["sent"] + late["expired"] == 600, f"expires: {late}")
for name in "rated", "back":
    report = load(f"outbox/{name}/report.json")
    true(2 < report["elapsed_s"] < 20, f"{name}: 600 at 200/s took {report['elapsed_s']} s")
got = collections.Counter(m["id"] for m in box("push"))
equal(set(got.values()), {1}, "each once")
equal(len(got), 8 * 600 + late["sent"], "messages")
PY
expect 0 "$volley" outbox verify >verify.out
