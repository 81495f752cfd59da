#!/bin/sh
# kill -9 at random moments and at every named step, over SMTP and HTTP campaigns whose providers lose
# replies in half of the rounds: nothing is lost, nothing is twice where the peer can know it, and the
# books balance after every kill. CHAOS_KILLS and CHAOS_SEED choose how many and which; `make chaos` runs
# the long form. The oracle is what the providers' side has kept (chaos.py).
[ -n "${CHAOS_KILLS:-}" ] && export SCENARIO_LIMITED=1 # no limit of time
. "$(dirname "$0")/../scenario/lib.sh"
exec 4>&1
python3 "$root/tests/crash/chaos.py" "${CHAOS_KILLS:-20}" "${CHAOS_SEED:-1}" >&4
