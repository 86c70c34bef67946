# SPDX-License-Identifier: GPL-2.0-or-later
"""What it costs to look at a guest's device again and again while its guest moves.

Both daemons are real, and so is their libvirtd, whose guest is one of libvirt's test driver. That cannot migrate, so
the hook announces that the guest comes, to a second device, and never says that it came. Its device is made of files,
so nobody has it open: each look reads all of /proc, which is what takes the time of one on a real host, and finds
nobody to borrow the device from.
"""

import contextlib
import os
import pathlib
import pwd
import time

import acc
import agent
import idle
from agent import Process
from figure import Figure
from guest import guest, hostdev

SECONDS = 20  # of each
GUEST, UUID = "guest1", "00000000-0000-0000-0000-000000000001"
SETTINGS = "[gate]\non-no-profile = accept\n"  # there is no source


@contextlib.contextmanager
def daemons(build):
    """A host with two devices and a guest that has the first; the host and both daemons."""
    agent.AGENT_USER = pwd.getpwuid(os.geteuid()).pw_name  # the broker serves only itself where there is no user accmig
    with agent.Host(SETTINGS) as host, contextlib.ExitStack() as stack:
        acc.add_vfs(host.sysfs, acc.addresses(2))
        libvirt = idle.Libvirt(host.directory)
        stack.callback(libvirt.process.stop)
        host.uri = libvirt.uri(acc.addresses(1))
        path = host.directory / "broker.socket"
        host.broker = Process([build / "agent/broker/accmig-broker", "--socket", path, "--uri", host.uri],
                              env={"ACCMIG_SYSFS": str(host.sysfs.root), "ACCMIG_CONFIG_DIR": str(host.directory)},
                              stderr=open(os.devnull, "w"))
        idle.wait_until(path.exists, idle.START_LIMIT, "the broker's socket")
        host.start_agent(build / "agent/accmigd/accmigd")
        host.wait_connected()
        yield host, [idle.Daemon("accmigd", host.agent.popen.pid), idle.Daemon("accmig-broker", host.broker.popen.pid)]


def announce(host):
    """The hook asks twice for the guest."""
    xml = guest(hostdev(acc.addresses(2)[1]), name=GUEST, uuid=UUID)
    for operation in ("migrate", "prepare"):
        allowed, message, _ = host.ask(GUEST, operation, "begin", xml)
        assert allowed, message


def shares(both):
    """Of one processor, which each daemon takes while nobody asks anything of it."""
    before = [daemon.cpu_seconds() for daemon in both]
    time.sleep(SECONDS)
    return [(daemon.cpu_seconds() - used) / SECONDS for daemon, used in zip(both, before)]


def measure(build):
    """Both daemons at rest, and with one device looked at, one after the other."""
    with daemons(build) as (host, both):
        idle.settle(both)
        resting = shares(both)
        announce(host)
        watching = shares(both)
        phase = host.get("Migration", "Phase", f"{agent.ROOT}/migrations/1")
        assert phase == "starting", f"the migration is {phase}, and was not watched throughout"
        processes = sum(path.name.isdigit() for path in pathlib.Path("/proc").iterdir())
    for daemon, rest, share in zip(both, resting, watching):
        yield Figure(f"CPU of {daemon.name}, one device watched", share * 100, "%", 1, share / rest, "idle",
                     f"{rest:.4%} idle; {SECONDS} s each, {processes} processes on the host")
