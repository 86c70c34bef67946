# SPDX-License-Identifier: GPL-2.0-or-later
"""Registered devices go with their guest: migsim's log has every arc, and the agent's record when the guest stood still.

Nobody reads what the devices have to say here, so none of them arrives anywhere; who carries it is tested elsewhere.
"""

import pytest

from hosts.domain import Domain
from hosts.holder import Holder

HELD = {"crypto0": "0000:01:10.0", "crypto1": "0000:01:10.2"}
OWN = "0000:01:10.4"    # a VF that the guest has itself

QUIET_GUEST = Domain("migsim", "", name="backend")
# It dirties memory faster than it may be sent, so its migration lasts until something ends it.
BUSY_GUEST = Domain("migsim", "", name="busy", memory_mib=128, pages=8000, delay=1)
SLOWLY = ["--bandwidth", "1"]

LIMIT = 120

DOWN = [("running", "pre-copy"), ("pre-copy", "pre-copy-p2p"), ("pre-copy-p2p", "stop-copy")]
LEFT = [("stop-copy", "stop")]
BACK = [("stop-copy", "stop"), ("stop", "running-p2p"), ("running-p2p", "running")]


@pytest.fixture
def held(source, destination, agents):
    """Starts a guest at the source, with two VFs of migsim registered for it; returns their holder."""
    holders = []

    def start(domain, host=source):
        if host is source:
            host.start_domain(domain)
        holder = Holder(host, domain.uuid, HELD)
        holders.append(holder)
        wait_states(holder, "running")
        for address in HELD.values():
            host.devices.fault(address, "clear")
            host.run(f"echo >/sys/kernel/debug/migsim/{address}/arcs")
        return holder

    for host in (source, destination):
        host.devices.down("migsim")
        host.devices.up("migsim", migsim_vfs=3)
        for address in HELD.values():
            host.devices.bind(address)
        # Without pre-copy the first byte of its state is sent, and refused, when the guest has stopped.
        host.devices.migsim_parameter("migration_flags", 3)
        host.devices.bind(OWN)
        host.devices.migsim_parameter("migration_flags", 7)
    yield start
    for holder in holders:
        for address in HELD.values():
            holder.host.devices.fault(address, "clear")
        holder.stop()


def wait_states(holder, *states):
    """Until every device is registered, in one of STATES; returns the rows."""
    def seen():
        rows = holder.registered()
        return rows if rows.keys() == HELD.keys() and all(row["state"] in states for row in rows.values()) else None
    return holder.host.wait_for(seen, LIMIT, f"registered devices in {' or '.join(states)}", period=0.5)


def wait_finished(holder, outcome, after=0):
    for name in HELD:
        holder.wait(f"^finished {name} {outcome}$", after)


def arcs(host):
    """The arcs of both devices, each as a list of what was asked for and ended well."""
    return [[arc for arc in host.devices.arcs(address) if arc.via == "arc" and arc.errno == 0]
            for address in HELD.values()]


def hops(log):
    return [(arc.source, arc.target) for arc in log]


def find(log, hop):
    [found] = [arc for arc in log if (arc.source, arc.target) == hop]
    return found


def check_barrier(logs, first, second):
    """Every device has done FIRST before any begins SECOND."""
    assert max(find(log, first).end_mono for log in logs) <= min(find(log, second).start_mono for log in logs)


def moment(record, name):
    """When something happened by the record's timeline, in ns since the epoch; the precision with it."""
    [row] = [row for row in record["timeline"]["moments"] if row["moment"] == name]
    return row["at_usec"] * 1000, row["precision_usec"] * 1000


def test_order(source, destination, held):
    """Pre-copy while the guest runs; all quiet before any is stopped, and that after the guest; stopped when it left."""
    holder = held(QUIET_GUEST)
    before = source.agent.last_id()

    source.migrate(QUIET_GUEST, destination, p2p=True)

    record = source.agent.wait_migration(QUIET_GUEST, "completed", after=before)
    wait_finished(holder, "lost")
    logs = arcs(source)
    assert [hops(log) for log in logs] == [DOWN + LEFT] * 2
    stopped, precision = moment(record, "guest-stop")
    for log in logs:
        assert find(log, DOWN[0]).end_real < stopped
        assert find(log, DOWN[1]).start_real >= stopped - precision
    check_barrier(logs, DOWN[1], DOWN[2])
    rows = wait_states(holder, "stop")
    assert all("its state was not sent" in row["alarm"] for row in rows.values()), rows
    destination.wait_beat(QUIET_GUEST)


@pytest.mark.more
def test_abort_while_copying(source, destination, held):
    """The guest never stopped, and neither did its devices."""
    holder = held(BUSY_GUEST)
    before = source.agent.last_id()
    migration = source.migrate_async(BUSY_GUEST, destination, p2p=True, extra=SLOWLY)
    wait_states(holder, "pre-copy")

    source.virsh("domjobabort", BUSY_GUEST.name)

    assert migration.wait(check=False).returncode != 0
    assert source.agent.wait_migration(BUSY_GUEST, after=before)["phase"] == "cancelled"
    wait_finished(holder, "running")
    assert [hops(log) for log in arcs(source)] == [[("running", "pre-copy"), ("pre-copy", "running")]] * 2
    assert all(row["alarm"] == "" for row in wait_states(holder, "running").values())


def test_taken_back(source, destination, held):
    """The guest stopped, its own device was refused at the destination, and it runs here again: the reverse order."""
    guest = Domain("migsim", OWN, name="both", managed=False)
    holder = held(guest)
    source.agent.wait_profile(guest)
    source.devices.fault(OWN, "stream corrupt 0")
    before = source.agent.last_id()

    assert source.migrate(guest, destination, p2p=True, check=False).returncode != 0

    assert source.agent.wait_migration(guest, after=before)["phase"] == "failed"
    wait_finished(holder, "running")
    logs = arcs(source)
    assert [hops(log) for log in logs] == [DOWN + BACK] * 2
    check_barrier(logs, DOWN[1], DOWN[2])
    check_barrier(logs, BACK[1], BACK[2])
    assert all(row["alarm"] == "" for row in wait_states(holder, "running").values())
    source.wait_beat(guest, after=source.heartbeat(guest))


def test_one_fails(source, destination, held):
    """One device cannot be stopped: both go back to running at once, and are not touched while the guest may still run.
    It leaves all the same, so they are stopped after it, and the alarm says what was lost."""
    holder = held(QUIET_GUEST)
    source.devices.fault(HELD["crypto0"], "arc pre-copy-p2p stop-copy errno 16 always")
    before, cursor = source.agent.last_id(), source.cursor()

    source.migrate(QUIET_GUEST, destination, p2p=True)

    source.agent.wait_migration(QUIET_GUEST, "completed", after=before)
    wait_finished(holder, "lost")
    assert all("its state was not sent" in row["alarm"] for row in wait_states(holder, "stop").values())
    entry = source.wait_journal(cursor, "crypto0.*does not go with its guest: while stopping: stop-copy was refused: EBUSY",
                                unit="accmigd.service")
    assert entry["PRIORITY"] == "4"


@pytest.mark.more
def test_limit(source, destination, agents, held):
    """One device does not answer: the other is not held up, and the first is sent after it when it does answer."""
    source.agent.configure("[drive]\nstep-limit=5\n")
    holder = held(QUIET_GUEST)
    source.devices.fault(HELD["crypto0"], "arc pre-copy-p2p stop-copy hang")
    cursor = source.cursor()

    source.migrate(QUIET_GUEST, destination, p2p=True)

    source.wait_journal(cursor, "crypto0.*no answer to stop-copy for 5 s", unit="accmigd.service")
    holder.wait("^finished crypto1 lost$")
    assert holder.registered()["crypto1"]["state"] == "stop"
    source.devices.fault(HELD["crypto0"], "release")
    wait_finished(holder, "lost")
    wait_states(holder, "stop")
    check_record(source)


@pytest.mark.more
def test_destination_is_not_sent(source, destination, held):
    """Registered at the destination, and nobody sends what they should hold: reset, running, and said."""
    there = held(QUIET_GUEST, destination)
    source.start_domain(QUIET_GUEST)

    source.migrate(QUIET_GUEST, destination, p2p=True)

    wait_finished(there, "lost")
    rows = wait_states(there, "running")
    assert all("nobody has sent it" in row["alarm"] for row in rows.values()), rows
    assert [hops(log)[-1] for log in arcs(destination)] == [("stop", "resuming")] * 2
    destination.wait_beat(QUIET_GUEST)
