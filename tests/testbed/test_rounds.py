# SPDX-License-Identifier: GPL-2.0-or-later
"""Migrations there and back, one after the other: nothing is left behind by any of them, and nothing is alarmed.

How many is in the environment, ACCMIG_ROUNDS; 200 are for a night."""

import json
import os
import re

import pytest

from hosts import pair
from hosts.domain import Domain
from hosts.stand import OWN, Stand

ROUNDS = int(os.environ.get("ACCMIG_ROUNDS", "6"))
# One there and one back: after it, caches are filled and threads have had their stacks.
WARM_UP = 2
ROUND_LIMIT = 60
SETTLE_LIMIT = 60
OWN_SEED = 0x2a

# What memory may grow by: what an allocator does not give back, and what a record of each migration takes.
GROWTH_KIB, GROWTH_PER_ROUND_KIB = 1024, 4

UNITS = ("accmigd.service", "accmig-broker.service")
GUEST = Domain("migsim", OWN, name="rounds", managed=False)


@pytest.fixture(scope="module")
def stand(lasting_hosts):
    stand = Stand(lasting_hosts, "")
    yield stand
    stand.close()


def move(stand):
    """The guest goes to the other host, and all of its devices with what they hold."""
    origin = stand.here
    stand.mark()
    done = origin.agent.ctl("migrate", GUEST.name, f"qemu+tcp://{stand.there.name}/system", check=False,
                            timeout=ROUND_LIMIT)
    assert done.returncode == 0, done.stderr
    assert stand.where() not in (None, origin)
    pair.on_both(stand.wait_told, *stand.hosts)
    assert stand.held_seeds(stand.here) == stand.seeds
    assert stand.here.devices.seed(OWN) == OWN_SEED
    stand.here.agent.wait_profile(GUEST)


def process(host, unit):
    """The id of a unit's process, its file descriptors, and its memory in KiB."""
    pid = host.agent.pid(unit)
    fds, status = host.run(f"ls /proc/{pid}/fd | wc -l; cat /proc/{pid}/status").stdout.split("\n", 1)
    return pid, int(fds), int(re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)[1])


def look(host):
    """What may be left behind on a host, and what may grow there."""
    devices = json.loads(host.agent.ctl("--json", "devices").stdout)
    alarms = [row["Kind"] for row in host.agent.alarms()] + [row["alarm"] for row in devices["registered"] if row["alarm"]]
    return {"reserved": [row["address"] for row in devices["devices"] if row["owner"] == "reserved"],
            "alarms": alarms, "vfio": host.agent.broker_vfio_fds(), **{unit: process(host, unit) for unit in UNITS}}


def check(host, before):
    """Everything is as BEFORE, and memory has hardly grown; returns a line of figures."""
    def settled():
        now = look(host)
        same = all(now[unit][:2] == before[unit][:2] for unit in UNITS)
        return now if same and all(now[name] == before[name] for name in ("reserved", "alarms", "vfio")) else None
    after = host.wait_for(settled, SETTLE_LIMIT, f"the same as before: {before}", period=1)
    figures = []
    for unit in UNITS:
        (_, fds, memory), (_, _, memory_before) = after[unit], before[unit]
        figures.append(f"{unit.removesuffix('.service')}: {fds} fds, {memory} KiB ({memory - memory_before:+})")
        assert memory - memory_before <= GROWTH_KIB + ROUNDS * GROWTH_PER_ROUND_KIB, figures
    return f"{host.name}: {', '.join(figures)}"


@pytest.mark.timeout(ROUNDS * ROUND_LIMIT + 600)
def test_rounds(stand, cursors, figures):
    """A guest with a device of its own and two that are registered for it."""
    stand.ready(GUEST)
    stand.here.devices.seed(OWN, OWN_SEED)
    for _ in range(WARM_UP):
        move(stand)
    before = {host: look(host) for host in stand.hosts}
    records = {host: host.agent.last_id() for host in stand.hosts}
    beat = stand.here.heartbeat(GUEST)

    for _ in range(ROUNDS):
        move(stand)

    stand.here.wait_beat(GUEST, after=beat)
    for host in stand.hosts:
        assert (before[host]["reserved"], before[host]["alarms"]) == ([], []), before[host]
        figures.append(check(host, before[host]))
        rows = [row for row in host.agent.migrations(ROUNDS + 1) if row["Id"] > records[host]]
        assert [row["Phase"] for row in rows] == ["completed"] * ROUNDS, rows
    figures.insert(0, f"{ROUNDS} migrations there and back")
