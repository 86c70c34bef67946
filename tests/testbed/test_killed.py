# SPDX-License-Identifier: GPL-2.0-or-later
"""SIGKILL of the agent and of the broker in the middle of every step that a driven device takes.

The step has been written down and has no outcome; whoever comes back reads the device's state, holds it against that
record, and ends what was begun: the guest runs at one place, its devices run there, or an alarm says why not.
"""

import time

import pytest

from hosts import cutter
from hosts.stand import HELD, OPEN_STEPS, Stand
from test_matrix import ALARM_LIMIT, ARCS, BUSY, QUIET, REFUSED, SLOWLY, VERB_LIMIT, command, judge, refuse

# The step is to last until its driver is killed.
SETTINGS = "[drive]\nstep-limit=60\nswitch-limit=90\n"

VICTIMS = ("accmigd", "accmig-broker")

# These are left out unless asked for with -m more: the agent in further arcs of the same step, and the broker but for
# the steps that say most.
SAME = {("destination", "running", "running-p2p"), ("destination", "running-p2p", "stop")}
CHOICE = {("source", "pre-copy-p2p", "stop-copy"), ("destination", "stop", "resuming"), ("source", "stop", "running-p2p")}


def cells():
    for side, origin, target, guest in ARCS:
        for victim in VICTIMS:
            arc = (side, origin, target)
            few = arc not in SAME if victim == "accmigd" else arc in CHOICE
            yield pytest.param(side, origin, target, guest, victim, id=f"{side}-{origin}-{target}-{guest.name}-{victim}",
                               marks=[] if few else [pytest.mark.more])


@pytest.fixture(scope="module")
def lasting_stand(lasting_hosts):
    for host in lasting_hosts:
        cutter.install(host)
    stand = Stand(lasting_hosts, SETTINGS)
    yield stand
    stand.close()


def is_under_way(host, origin, target):
    return any((arc.source, arc.target) == (origin, target) and arc.end_mono is None
               for arc in host.devices.arcs(HELD["crypto0"]))


def kill(host, unit):
    """In the middle of a step of crypto0, of which the record tells; several arcs may be one step."""
    steps = host.output(f"{OPEN_STEPS}; kill -KILL $(systemctl show -P MainPID {unit})")
    assert steps.startswith("crypto0|")
    host.agent.wait_ready()


@pytest.mark.parametrize("side, origin, target, guest, victim", cells())
def test_killed(lasting_stand, cursors, cell, side, origin, target, guest, victim):
    stand = lasting_stand
    cell.update({"what": f"{origin} → {target}" + ("" if guest is QUIET else " (back)"), "fault": f"{victim} killed",
                 "host": side})
    stand.ready(guest)
    broken = stand.here if side == "source" else stand.there
    broken.devices.fault(HELD["crypto0"], f"arc {origin} {target} hang once")
    if guest is REFUSED:
        refuse(stand)
    way = (SLOWLY, cutter.environment("crypto1", "end", 1)) if guest is BUSY else ((), "")

    begin = time.monotonic()
    verb = stand.here.start(command(stand, *way[0], breaking=way[1]), VERB_LIMIT)
    broken.wait_for(lambda: is_under_way(broken, origin, target), ALARM_LIMIT, f"{origin} → {target} under way")
    kill(broken, f"{victim}.service")
    broken.devices.fault(HELD["crypto0"], "release")

    verb.wait(VERB_LIMIT + 30, check=False)
    cell["seconds"] = f"{time.monotonic() - begin:.1f}"
    judge(stand, cell, stand.hosts)
