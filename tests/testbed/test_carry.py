# SPDX-License-Identifier: GPL-2.0-or-later
"""Registered devices go with their guest to the other host: accmigctl migrate carries what they hold, or brings the
guest back."""

import re

import pytest

from test_drive import BUSY_GUEST, HELD, QUIET_GUEST, arcs, check_barrier, hops, wait_finished, wait_states
from test_migrate_verb import migrate, started

from hosts.holder import Holder

SEEDS = {"crypto0": 4711, "crypto1": 815}
PAYLOAD = 1 << 20

LOADED = [("stop", "resuming"), ("resuming", "stop")]
JOINED = [("stop", "running-p2p"), ("running-p2p", "running")]


@pytest.fixture
def held(source, destination, agents):
    """Starts a guest at the source, with two VFs of migsim registered for it on both hosts; returns the holders."""
    holders = []

    def start(domain, there=HELD):
        source.start_domain(domain)
        for host, devices in ((source, HELD), (destination, there)):
            if devices:
                holders.append(Holder(host, domain.uuid, devices))
        wait_states(holders[0], "running")
        for name, address in HELD.items():
            source.devices.seed(address, SEEDS[name])
        for host in (source, destination):
            for address in HELD.values():
                host.run(f"echo >/sys/kernel/debug/migsim/{address}/arcs")
        return holders

    for host in (source, destination):
        host.devices.touched("migsim")
        host.devices.migsim_parameter("payload_size", PAYLOAD)
        for address in HELD.values():
            host.devices.bind(address)
    yield start
    for holder in holders:
        for address in HELD.values():
            holder.host.devices.fault(address, "clear")
        holder.stop()


def check_back(source, here, domain):
    """The guest runs at the source, and so do its devices, with what they held; nobody is alarmed."""
    assert source.domain_state(domain) == "running"
    source.wait_beat(domain, after=source.heartbeat(domain))
    rows = wait_states(here, "running")
    assert all(row["alarm"] == "" for row in rows.values()), rows
    assert {name: source.devices.seed(address) for name, address in HELD.items()} == SEEDS


def test_they_go_along(source, destination, held):
    """What they hold arrives before the guest runs, and they run with it; no connection is made while it stands still."""
    here, there = held(QUIET_GUEST)

    status, out, lines = migrate(source, destination, QUIET_GUEST)

    assert status == 0, lines
    assert out.startswith(f"backend has moved to {destination.name} in ")
    wait_finished(here, "sent")
    wait_finished(there, "running")
    assert {name: destination.devices.seed(address) for name, address in HELD.items()} == SEEDS
    logs = arcs(destination)
    taken = [hops(log) for log in logs]
    assert [hop[hop.index(LOADED[0]):] for hop in taken] == [LOADED + JOINED] * 2
    check_barrier(logs, LOADED[-1], JOINED[0])
    check_barrier(logs, JOINED[0], JOINED[1])
    assert all(row["alarm"] == "" for row in wait_states(there, "running").values())
    destination.wait_beat(QUIET_GUEST)
    assert source.domain_state(QUIET_GUEST) == "absent"


@pytest.mark.more
def test_nobody_there(source, destination, held):
    """A device that is not registered at the destination is refused by its name, and the guest stays."""
    [here] = held(BUSY_GUEST, there=None)

    status, out, lines = migrate(source, destination, BUSY_GUEST, "--bandwidth", "1")

    assert (status, out) == (3, "")
    assert re.search(rf"was ended: “crypto[01]”: no device “crypto[01]” is registered for domain {BUSY_GUEST.uuid} on "
                     r"this host; it runs here as before$", lines[-1]), lines
    check_back(source, here, BUSY_GUEST)


@pytest.mark.more
def test_no_way(source, destination, held):
    """ssh finds no agent over there: nothing is begun."""
    here, _ = held(BUSY_GUEST)
    before = source.agent.last_id()
    program = destination.output("readlink -f $(command -v accmigctl)")
    # The check has its own way to the agent; this one is started by a shell.
    destination.run(f"mv {program} {program}.away")
    try:
        status, out, lines = migrate(source, destination, BUSY_GUEST)
    finally:
        destination.run(f"mv {program}.away {program}")

    assert (status, out) == (1, "")
    assert re.search(r"accmigctl receive on host2 did not begin \(ssh: .*not found\)$", lines[-1]), lines
    assert source.agent.last_id() == before
    check_back(source, here, BUSY_GUEST)


@pytest.mark.more
def test_ssh_is_killed(source, destination, held):
    """The stream breaks while the guest is copied: it stays."""
    here, there = held(BUSY_GUEST)
    verb, _ = started(source, destination, BUSY_GUEST, "--bandwidth", "1")
    wait_states(here, "pre-copy")

    pids = source.output("pgrep -f '[s]sh .* accmigctl receive'").split()
    source.run(f"kill -KILL {pids[0]}")
    done = verb.wait(check=False)

    assert done.returncode == 1
    assert re.search("was ended: “crypto[01]”: .*hung up.*; it runs here as before$", done.stderr.splitlines()[-1])
    check_back(source, here, BUSY_GUEST)


def test_interrupted(source, destination, held):
    """Ctrl-C: everything runs at the source again."""
    here, there = held(BUSY_GUEST)
    verb, pid = started(source, destination, BUSY_GUEST, "--bandwidth", "1")
    wait_states(here, "pre-copy")

    source.run(f"kill -INT {pid}")
    done = verb.wait(check=False)

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith("was ended: interrupted; it runs here as before")
    check_back(source, here, BUSY_GUEST)
    for host, command in ((source, "[s]sh .* accmigctl receive"), (destination, "[a]ccmigctl receive")):
        host.wait_for(lambda: host.run(f"pgrep -f '{command}'", check=False).stdout == "", what=f"the end of {command}",
                      timeout=10, period=0.2)


@pytest.mark.more
def test_refused_in_time(source, destination, held):
    """The destination's driver refuses what comes first, while the guest still runs: it stays."""
    here, there = held(BUSY_GUEST)
    source.devices.fault(HELD["crypto0"], "stream corrupt 0")

    status, out, lines = migrate(source, destination, BUSY_GUEST, "--bandwidth", "1")

    assert (status, out) == (3, "")
    assert re.search(r"was ended: “crypto0”: .*the driver refused it after 0 bytes \(EFAULT\); it runs here as before$",
                     lines[-1]), lines
    check_back(source, here, BUSY_GUEST)
    wait_states(there, "running")


def test_stream_is_corrupt(source, destination, held):
    """The destination's driver refuses what comes last: the guest is gone by then, runs there, and its device is reset."""
    here, there = held(QUIET_GUEST)
    source.devices.fault(HELD["crypto0"], f"stream corrupt {PAYLOAD}")

    status, out, lines = migrate(source, destination, QUIET_GUEST)

    assert (status, out) == (1, "")
    assert re.search(r"“backend” runs at qemu\+tcp://host2/system, but without the state of a device, which cannot be had "
                     "back: “crypto0”: ", lines[-1]), lines
    destination.wait_beat(QUIET_GUEST)
    there.wait("^finished crypto0 lost$")
    rows = wait_states(there, "running")
    assert rows["crypto0"]["alarm"] != ""
