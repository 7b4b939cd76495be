"""Runs pipelines and processes, and measures them: wall clock, CPU, memory."""
import os
import re
import signal
import subprocess
import threading
import time

TICK = os.sysconf("SC_CLK_TCK")


def proc_stat(pid):
    """(session, utime+stime in s) of a process, or None."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            v = f.read().rsplit(")", 1)[1].split()
        return int(v[3]), (int(v[11]) + int(v[12])) / TICK
    except (OSError, IndexError):
        return None


def rss_kib(pid):
    try:
        with open(f"/proc/{pid}/status") as f:
            m = re.search(r"VmRSS:\s+(\d+)", f.read())
        return int(m[1]) if m else 0
    except OSError:
        return 0


def session_pids(sid):
    out = []
    for d in os.listdir("/proc"):
        if d.isdigit():
            s = proc_stat(d)
            if s and s[0] == sid:
                out.append(int(d))
    return out


class Pipe:
    """A shell pipeline in a session of its own, its memory sampled."""

    def __init__(self, cmd, env=None, stdout=subprocess.DEVNULL, log=None):
        self.cmd = cmd
        self.err = open(log or os.devnull, "ab")
        self.start = time.monotonic()
        self.p = subprocess.Popen(
            ["bash", "-c", "set -o pipefail; " + cmd], start_new_session=True,
            stdout=stdout, stderr=self.err, stdin=subprocess.DEVNULL,
            env={**os.environ, **(env or {})})
        self.peak_kib = 0
        self.done = False
        self.sampler = threading.Thread(target=self._sample, daemon=True)
        self.sampler.start()

    def _sample(self):
        while not self.done:
            self.peak_kib = max(self.peak_kib, self.rss())
            time.sleep(0.05)

    def kc_pids(self):
        """The commands of the pipe, without the shell that started them."""
        return [p for p in session_pids(self.p.pid) if p != self.p.pid]

    def rss(self):
        return sum(rss_kib(p) for p in self.kc_pids())

    def wait(self, ok=(0,)):
        _, status, usage = os.wait4(self.p.pid, 0)
        self.wall = time.monotonic() - self.start
        self.done = True
        self.p.returncode = os.waitstatus_to_exitcode(status)
        self.cpu = usage.ru_utime + usage.ru_stime
        self.sampler.join()
        self.err.close()
        if self.p.returncode not in ok:
            raise SystemExit(f"bench: exit {self.p.returncode}: {self.cmd}")
        return self

    def stop(self):
        for p in self.kc_pids():
            try:
                os.kill(p, signal.SIGTERM)
            except OSError:
                pass
        return self.wait(ok=(0, 143, -15, 130))


def run(cmd, **kw):
    return Pipe(cmd, **kw).wait()


def median(v):
    v = sorted(v)
    return v[len(v) // 2]


def topic_end(broker, topic):
    o = subprocess.run(["kcat", "-b", broker, "-Q", "-t", f"{topic}:0:-1"],
                       capture_output=True, text=True).stdout
    m = re.search(r"(\d+)\s*$", o)
    return int(m[1]) if m else 0


class Watched:
    """What watch() saw of a JVM between its first and its last record."""


def watch(count, want, pid, limit=600):
    """Polls count() until want; CPU and peak memory of process pid meanwhile."""
    w = Watched()
    t0 = time.monotonic()
    base = count()
    first = None
    while True:
        n = count()
        now = time.monotonic()
        if first is None and n > base:
            first, w.first_n, cpu = now, n, proc_stat(pid)[1]
        if n >= want or now - t0 > limit:
            break
        time.sleep(0.05)
    if n < want:
        print(f"bench: the peer reached {n} of {want} in {limit} s", flush=True)
    w.startup = (first or now) - t0
    w.rate = max(1, n - w.first_n) / max(1e-3, now - first) if first else 0
    w.cpu_us = (proc_stat(pid)[1] - cpu) * 1e6 / max(1, n - w.first_n)
    with open(f"/proc/{pid}/status") as f:
        w.peak_mib = int(re.search(r"VmHWM:\s+(\d+)", f.read())[1]) / 1024
    return w
