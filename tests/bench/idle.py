# SPDX-License-Identifier: GPL-2.0-or-later
"""Both daemons while nothing happens: what they hold, and how often they wake up.

They are the real ones. Their libvirt is a real libvirtd, reached over its socket as on any host, whose guests are
those of libvirt's test driver: they run and have host devices, but nothing can be migrated. The daemon's private
directories make it a session daemon of an ordinary user, for a second system daemon would get into the way of the
first. The sysfs has a VF for every guest, also where there are no guests.
"""

import contextlib
import os
import pathlib
import pwd
import re
import shutil
import time

import acc
import agent
import domains
from agent import Process
from figure import Figure

GUESTS = 1000
LIBVIRTD = "/usr/sbin/libvirtd"
LIBVIRTD_USER = agent.OTHER_USER
START_LIMIT = 30    # seconds until a daemon answers
SETTLE_LIMIT = 300  # seconds until both have done what there is to do when they start
QUIET = 15          # seconds that count as being done: longer than any pause of theirs
QUIET_WAKEUPS = 40  # of one daemon in that time, at most
IDLE = 60           # seconds that are watched then


class Libvirt:
    """A libvirtd of its own in DIRECTORY."""

    def __init__(self, directory):
        self.directory = directory / "libvirt"
        self.directory.mkdir()
        shutil.chown(self.directory, LIBVIRTD_USER)
        self.directory.chmod(0o755)
        home = str(self.directory)
        environment = {"PATH": "/usr/sbin:/usr/bin", "LC_ALL": "C.UTF-8", "HOME": home, "XDG_RUNTIME_DIR": home,
                       "XDG_CONFIG_HOME": home, "XDG_CACHE_HOME": home, "XDG_DATA_HOME": home}
        self.socket = self.directory / "libvirt/libvirt-sock"
        self.process = Process([LIBVIRTD], user=LIBVIRTD_USER, env=environment, stderr=open(os.devnull, "w"))
        wait_until(self.socket.exists, START_LIMIT, "libvirtd's socket")

    def uri(self, addresses):
        """Of a host where a guest runs with each of ADDRESSES."""
        path = self.directory / "node.xml"
        path.write_text(domains.node_xml(addresses))
        return f"test+unix://{path}?socket={self.socket}"


class Daemon:
    """What the kernel knows of a process."""

    def __init__(self, name, pid):
        self.name = name
        self.pid = pid
        self.proc = pathlib.Path(f"/proc/{pid}")

    def wakeups(self):
        """How often its threads went to sleep since they are there, and so woke up; being preempted is neither."""
        texts = [(task / "status").read_text() for task in (self.proc / "task").iterdir()]
        return sum(int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", text, re.MULTILINE)[1]) for text in texts)

    def memory_kib(self):
        """Resident, and its fair share of that where pages are shared."""
        text = (self.proc / "smaps_rollup").read_text()
        return tuple(int(re.search(rf"^{key}:\s+(\d+)", text, re.MULTILINE)[1]) for key in ("Rss", "Pss"))

    def cpu_seconds(self):
        """Processor time that it took, threads that ended included: the clock of clock_getcpuclockid()."""
        return time.clock_gettime((~self.pid << 3) | 2)


@contextlib.contextmanager
def daemons(build, n_guests):
    """The agent and the broker, idle, with N_GUESTS known domains."""
    agent.AGENT_USER = pwd.getpwuid(os.geteuid()).pw_name  # the broker serves only itself where there is no user accmig
    with agent.Host() as host, contextlib.ExitStack() as stack:
        addresses = acc.addresses(GUESTS)
        acc.add_vfs(host.sysfs, addresses)
        libvirt = Libvirt(host.directory)
        stack.callback(libvirt.process.stop)
        host.uri = libvirt.uri(addresses[:n_guests])
        socket = host.directory / "broker.socket"
        host.broker = Process([build / "agent/broker/accmig-broker", "--socket", socket, "--uri", host.uri],
                              env={"ACCMIG_SYSFS": str(host.sysfs.root), "ACCMIG_CONFIG_DIR": str(host.directory)},
                              stderr=open(os.devnull, "w"))
        wait_until(socket.exists, START_LIMIT, "the broker's socket")
        host.start_agent(build / "agent/accmigd/accmigd")
        host.wait_connected()
        both = [Daemon("accmigd", host.agent.popen.pid), Daemon("accmig-broker", host.broker.popen.pid)]
        settle(both)
        if n_guests:
            owner = host.get_device(addresses[n_guests - 1])["Owner"]
            assert owner == "guest", f"the last guest's device is {owner}"
        yield both


def wait_until(condition, limit, what):
    deadline = time.monotonic() + limit
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not seen within {limit} s")
        time.sleep(0.05)


def settle(both):
    """Wait until both daemons have come to rest."""
    deadline = time.monotonic() + SETTLE_LIMIT
    while True:
        before = [daemon.wakeups() for daemon in both]
        time.sleep(QUIET)
        if all(daemon.wakeups() - count <= QUIET_WAKEUPS for daemon, count in zip(both, before)):
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"the daemons do not come to rest within {SETTLE_LIMIT} s")


def measure_memory(build):
    """Resident memory with no domain and with many."""
    before = {}
    for n_guests in (0, GUESTS):
        with daemons(build, n_guests) as both:
            for daemon in both:
                resident, share = daemon.memory_kib()
                base = before.setdefault(daemon.name, resident)
                ratio = {"ratio": resident / base, "against": "0 domains"} if n_guests else {}
                yield Figure(f"memory of {daemon.name}, {n_guests} domains", resident / 1024, "MiB resident", 1,
                             note=f"{share / 1024:.1f} MiB proportional", **ratio)


def measure_wakeups(build):
    """How often each daemon wakes up when nothing happens."""
    for n_guests in (0, GUESTS):
        with daemons(build, n_guests) as both:
            before = [daemon.wakeups() for daemon in both]
            time.sleep(IDLE)
            for daemon, count in zip(both, before):
                woken = daemon.wakeups() - count
                yield Figure(f"wake-ups of {daemon.name}, idle, {n_guests} domains", woken / IDLE, "per second", woken,
                             note=f"over {IDLE} s")
