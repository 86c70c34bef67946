# SPDX-License-Identifier: GPL-2.0-or-later
"""What passes unnoticed elsewhere: devices that QEMU resets, that stand still, that send nothing. Each is seen to happen,
by the device's own log, and each has its alarm."""

import pytest

from hosts import behind
from hosts.domain import Domain

MIGSIM = "0000:01:10.0"
ACC = "0001:00:00.1"

ACC_NOT_READY = 40  # bytes hisi_acc_vfio_pci sends for a VF whose driver has not started it

# It dirties memory faster than it may be sent, so its migration lasts until something ends it.
BUSY_GUEST = Domain("migsim", MIGSIM, managed=False, memory_mib=128, pages=8000, delay=1)
SLOWLY = ["--bandwidth", "1"]

GRACE = 10  # seconds; time for the test to stop a device after a migration has ended

# What goes wrong at the destination, by the flags that both hosts' devices have: with p2p on the way to running-p2p,
# and after it, where the events look as they should; and without p2p.
ARRIVALS = {
    "p2p": (7, "arc stop running-p2p errno 5"),
    "p2p-last-arc": (7, "arc running-p2p running errno 5"),
    "plain": (5, "arc stop running errno 5"),
}


def bind(host, flags):
    """migsim on the VF, with these flags and a log that outlives the guest."""
    host.devices.migsim_parameter("migration_flags", flags)
    host.devices.bind(MIGSIM)


def wait_alarm(host, kind, is_open=True):
    """The newest alarm of that kind, once there is one."""
    def found():
        return [row for row in host.agent.alarms(kind) if (row["ClearedUSec"] == 0) == is_open]
    return host.wait_for(found, what=f"an alarm {kind}", period=1)[0]


def resets(host):
    """How often the device was reset while it was open."""
    return sum(arc.via == "reset" for arc in host.devices.arcs(MIGSIM))


@pytest.mark.parametrize("arrival", ["p2p-last-arc", *(pytest.param(name, marks=pytest.mark.more)
                                                      for name in ARRIVALS if name != "p2p-last-arc")])
def test_reset_on_arrival(source, destination, agents, arrival):
    """The device does not get to running: QEMU resets it, libvirt calls the migration completed, and the agent does not."""
    flags, fault = ARRIVALS[arrival]
    domain = Domain("migsim", MIGSIM, managed=False)
    for host in (source, destination):
        bind(host, flags)
    source.start_domain(domain)
    source.agent.wait_profile(domain)
    source.devices.seed(MIGSIM, 0x2a)
    destination.devices.fault(MIGSIM, fault)
    cursor = destination.cursor()
    before = source.agent.last_id(), destination.agent.last_id()

    source.migrate(domain, destination)

    destination.wait_beat(domain)
    assert destination.devices.seed(MIGSIM) == 0, "the state was not lost: there is nothing to be alarmed about"
    arrived = destination.agent.wait_migration(domain, after=before[1])
    assert arrived["phase"] == "completed", arrived["cause"]
    alarm = wait_alarm(destination, "reset-at-destination")
    assert (alarm["Device"], alarm["Migration"]) == (MIGSIM, arrived["id"])
    assert [row["kind"] for row in destination.agent.migration(arrived["id"])["alarms"]] == ["reset-at-destination"]
    destination.wait_journal(cursor, "alarm reset-at-destination", unit="accmigd.service", ACCMIG_DEVICE=MIGSIM)
    assert "reset-at-destination" in destination.agent.ctl("alarms").stdout
    left = source.agent.wait_migration(domain, after=before[0])
    assert left["alarms"] == [] and source.agent.alarms() == []

    destination.virsh("destroy", domain.name)
    wait_alarm(destination, "reset-at-destination", is_open=False)


def test_reset_at_the_source(source, destination, agents):
    """An error is pending at the accelerator's PF: the VF cannot be stopped, and QEMU resets it under the guest."""
    domain = Domain("acc", ACC)
    source.agent.wait_probed(ACC)
    source.start_domain(domain)
    source.devices.acc_ready(ACC)
    source.agent.wait_profile(domain)
    before = source.agent.last_id()
    assert source.devices.acc_state(ACC)["ready"] == "1"
    source.devices.acc_ras(4)

    done = source.migrate(domain, destination, check=False)

    source.devices.acc_ras(0)
    assert done.returncode != 0
    assert source.domain_state(domain) == "running"
    assert source.devices.acc_state(ACC)["ready"] == "0", "the VF was not reset"
    record = source.agent.wait_migration(domain, after=before)
    assert record["phase"] == "failed"
    alarm = wait_alarm(source, "reset-at-source")
    assert (alarm["Device"], alarm["Migration"]) == (ACC, record["id"])
    assert not source.agent.alarms("not-running")


def test_not_ready(source, destination, agents):
    """The guest's driver never started the accelerator, so 40 bytes go and nothing is carried over."""
    domain = Domain("acc", ACC)
    source.agent.wait_probed(ACC)
    source.start_domain(domain)
    source.agent.wait_profile(domain)
    before = source.agent.last_id()

    source.migrate(domain, destination)

    record = source.agent.wait_migration(domain, after=before)
    assert record["phase"] == "completed"
    alarm = source.wait_for(lambda: source.agent.alarms("too-few-bytes"), what="the alarm", period=1)[0]
    assert f"{ACC} sent {ACC_NOT_READY} bytes, and a whole state has 176 at least" in alarm["Sentence"]
    assert source.agent.migration(record["id"])["job"]["device-bytes"] == ACC_NOT_READY


def stand_still(source, destination, repair):
    """A migration that was aborted, and a device that stands still since. Returns the record of the migration."""
    source.agent.configure(f"[watch]\nrepair={repair}\nrepair-grace={GRACE}\n")
    for host in (source, destination):
        bind(host, 7)
    source.start_domain(BUSY_GUEST)
    source.agent.wait_profile(BUSY_GUEST)
    before = source.agent.last_id()
    migration = source.migrate_async(BUSY_GUEST, destination, extra=SLOWLY)
    source.agent.wait_migration(BUSY_GUEST, "copying", after=before)
    source.virsh("domjobabort", BUSY_GUEST.name)
    migration.wait(check=False)
    behind.set_state(source, BUSY_GUEST, "stop")
    assert source.devices.migsim_state(MIGSIM) == "stop"
    return source.agent.wait_migration(BUSY_GUEST, after=before)


def test_stuck_is_repaired(source, destination, agents):
    """repair=drive: the device runs again, with what it held, and nobody holds on to it."""
    source.devices.touched("migsim")
    record = stand_still(source, destination, "drive")
    assert record["phase"] == "cancelled", record["cause"]
    count = resets(source)

    alarm = wait_alarm(source, "not-running", is_open=False)

    assert alarm["Outcome"] == "was repaired: it was stop and is running again"
    assert source.devices.migsim_state(MIGSIM) == "running"
    last = source.devices.arcs(MIGSIM)[-1]
    assert (last.target, last.errno, last.comm) == ("running", 0, "repair"), last
    assert resets(source) == count
    source.wait_for(lambda: source.agent.broker_vfio_fds() == 0, what="the broker letting go of the device")
    source.wait_beat(BUSY_GUEST, after=source.heartbeat(BUSY_GUEST))


def test_stuck_is_reported(source, destination, agents):
    """repair=report: the device is left alone, until somebody sets it right; then the alarm is over."""
    stand_still(source, destination, "report")
    alarm = wait_alarm(source, "not-running")
    assert f"{MIGSIM} is in stop while its guest runs" in alarm["Sentence"]
    assert source.devices.migsim_state(MIGSIM) == "stop"

    source.virsh("suspend", BUSY_GUEST.name)
    source.virsh("resume", BUSY_GUEST.name)

    assert source.devices.migsim_state(MIGSIM) == "running"
    wait_alarm(source, "not-running", is_open=False)
