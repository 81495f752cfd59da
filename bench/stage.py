"""stage: the processes of a benchmark: pinned to cores, measured, and all gone at the end."""

import os
import select
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass

POLL_MS = 20
READY_S = 10


class Missing(Exception):
    """A peer that is not there; the sentence says which."""


class Failed(Exception):
    """A program that should have worked did not; the sentence says how."""


@dataclass
class Run:
    """What one process took, from its start to its end."""
    wall_s: float
    cpu_s: float
    peak_bytes: int  # VmHWM, with the pages of mapped files
    anon_bytes: int  # the highest RssAnon seen
    stdout: str


def program(name):
    """The path of an installed program; sbin is not in everybody's PATH."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not path:
        raise Missing(f"{name} is not installed (make deps)")
    return path


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def _memory(pid):
    """VmHWM and RssAnon in bytes; zeros once the process is gone."""
    found = {"VmHWM": 0, "RssAnon": 0}
    try:
        with open(f"/proc/{pid}/status") as status:
            for line in status:
                key, _, value = line.partition(":")
                if key in found:
                    found[key] = int(value.split()[0]) * 1024
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found["VmHWM"], found["RssAnon"]


class Stage:
    def __init__(self, work):
        cores = sorted(os.sched_getaffinity(0))
        self.server_core, self.client_core = cores[0], cores[-1]
        self.work = work
        self.children = {}  # pid → Popen, of those that run

    def _start(self, argv, cores, stdout, stderr):
        pinned = [program("taskset"), "-c", ",".join(map(str, cores)), *map(str, argv)]
        child = subprocess.Popen(pinned, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr)
        self.children[child.pid] = child
        return child

    def _reap(self, child):
        """Wait for a child; returns its CPU seconds."""
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        del self.children[child.pid]
        return usage.ru_utime + usage.ru_stime

    def run(self, argv, cores=None, expect=(0,)):
        """Run a program to its end on the client's core, or on those given."""
        with open(self.work / "stdout", "w+") as stdout, open(self.work / "stderr", "w+") as stderr:
            began = time.monotonic()
            child = self._start(argv, cores or [self.client_core], stdout, stderr)
            peak = anon = 0
            ended = select.poll()
            pidfd = os.pidfd_open(child.pid)
            ended.register(pidfd, select.POLLIN)
            while True:
                seen = _memory(child.pid)
                peak, anon = max(peak, seen[0]), max(anon, seen[1])
                if ended.poll(POLL_MS):
                    break
            wall_s = time.monotonic() - began
            os.close(pidfd)
            cpu_s = self._reap(child)
            stdout.seek(0)
            output = stdout.read()
            stderr.seek(0)
            said = stderr.read().strip().splitlines()
        if child.returncode not in expect:
            raise Failed(f"{os.path.basename(str(argv[0]))} ended with {child.returncode}"
                         + (f": {said[-1]}" if said else ""))
        return Run(wall_s, cpu_s, peak, anon, output)

    def serve(self, argv, port):
        """Start a server on the server's core and wait until it answers. Returns its pid."""
        child = self._start(argv, [self.server_core], subprocess.DEVNULL, subprocess.DEVNULL)
        for _ in range(READY_S * 100):
            if child.poll() is not None:
                break
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", port)) == 0:
                    return child.pid
            time.sleep(0.01)
        self.stop(child.pid)
        raise Failed(f"{os.path.basename(str(argv[0]))} does not answer on port {port}")

    def start(self, argv):
        """Start a program that is measured from outside, on the client's core. Returns its pid."""
        return self._start(argv, [self.client_core], subprocess.DEVNULL, subprocess.DEVNULL).pid

    def stop(self, pid):
        child = self.children.pop(pid, None)
        if child and child.poll() is None:
            child.terminate()
            try:
                child.wait(5)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def stop_all(self):
        for pid in list(self.children):
            self.stop(pid)
