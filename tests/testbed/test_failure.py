# SPDX-License-Identifier: GPL-2.0-or-later
"""Migrations that do not arrive: both records end true, the source's device runs again, and nothing is left behind."""

import json

from hosts.domain import Domain

MIGSIM = "0000:01:10.0"
ACC = "0001:00:00.1"

# It dirties memory faster than it may be sent, so its migration lasts until something ends it.
BUSY_GUEST = Domain("migsim", MIGSIM, memory_mib=128, pages=8000, delay=1)
SLOWLY = ["--bandwidth", "1"]


def start(host, domain):
    host.start_domain(domain)
    if domain.kind == "acc":
        host.devices.acc_ready(domain.device)
    host.agent.wait_profile(domain)


def check_back(source, destination, domain):
    """The guest goes on at the source, its device runs, and neither host holds anything for it."""
    assert source.domain_state(domain) == "running"
    source.wait_beat(domain, after=source.heartbeat(domain))
    assert source.agent.call("GetState", "s", domain.device) == "running"
    destination.wait_for(lambda: destination.domain_state(domain) == "absent", what="the end of the incoming domain")
    destination.wait_for(lambda: destination.agent.device(domain.device, "Owner") in ("free", "host"),
                         what="the end of the reservation")
    assert (source.agent.alarms(), destination.agent.alarms()) == ([], []), "all was reported by others"
    for host in (source, destination):
        host.wait_for(lambda: host.agent.broker_vfio_fds() == 0, what="the broker letting go of every device")


def last_ids(source, destination):
    """The numbers of both agents' newest records, before something is tried."""
    return source.agent.last_id(), destination.agent.last_id()


def midway(source, destination, **options):
    """Migrate BUSY_GUEST until it is copied; returns the migration and last_ids() from before."""
    before = last_ids(source, destination)
    migration = source.migrate_async(BUSY_GUEST, destination, extra=SLOWLY, **options)
    source.agent.wait_migration(BUSY_GUEST, "copying", after=before[0])
    return migration, *before


def hurry(source):
    """Let BUSY_GUEST arrive after all."""
    source.virsh("migrate-setspeed", BUSY_GUEST.name, "1000")
    source.virsh("migrate-setmaxdowntime", BUSY_GUEST.name, "10000")


def abort(source, _destination):
    """The operator has had enough."""
    source.virsh("domjobabort", BUSY_GUEST.name)


def kill_qemu(_source, destination):
    """The guest's other half dies."""
    destination.run(f"kill -KILL {destination.qemu_pid(BUSY_GUEST)}")


def restart_libvirtd(source, _destination):
    """libvirt gives up a migration that it does not remember."""
    source.run("systemctl restart libvirtd.service")


# What happens while memory is copied, whether libvirt moves the guest by itself, and the phases that the records of the
# source and the destination may end in.
ENDS = (
    (abort, False, ("cancelled",), ("failed", "cancelled")),
    (kill_qemu, False, ("failed",), ("failed",)),
    (restart_libvirtd, True, ("cancelled", "failed"), ("failed", "cancelled", "lost")),
)


def test_ended_midway(source, destination, agents):
    """One guest, and three migrations of it that are ended while memory is copied."""
    start(source, BUSY_GUEST)
    for end, p2p, phases, phases_there in ENDS:
        migration, left, arrived = midway(source, destination, p2p=p2p)
        end(source, destination)
        done = migration.wait(check=False)

        assert done.returncode != 0, end.__name__
        source.agent.wait_ready()
        record = source.agent.wait_migration(BUSY_GUEST, after=left)
        assert record["phase"] in phases, (end.__name__, record)
        record = destination.agent.wait_migration(BUSY_GUEST, after=arrived)
        assert record["phase"] in phases_there, (end.__name__, record)
        assert record["cause"], end.__name__
        check_back(source, destination, BUSY_GUEST)


def test_device_fails(source, destination, agents):
    """One guest, and two migrations of it that end at the destination's device, of which the record has the true cause:
    it does not go to resuming, or its driver's own check refuses a stream that broke on its way."""
    domain = Domain("migsim", MIGSIM, managed=False)
    for host in (source, destination):
        host.devices.bind(domain.device)
    start(source, domain)
    for host, fault, causes in ((destination, "arc stop resuming errno 16 always", ("RESUMING",)),
                                (source, "stream corrupt 0", ("vfio", "Bad address"))):
        host.devices.fault(MIGSIM, fault)
        left, arrived = last_ids(source, destination)

        done = source.migrate(domain, destination, check=False)

        assert done.returncode != 0, fault
        record = destination.agent.wait_migration(domain, after=arrived)
        assert record["phase"] == "failed", (fault, record)
        wait_cause(destination, record, causes)
        record = source.agent.wait_migration(domain, after=left)
        assert record["phase"] == "failed", (fault, record)
        check_back(source, destination, domain)
        host.devices.fault(MIGSIM, "clear")


def wait_cause(host, record, causes):
    """What QEMU said of the cause may come after the end."""
    def known():
        cause = host.agent.migration(record["id"])["cause"]
        return any(word in cause for word in causes)
    host.wait_for(known, what=f"{' or '.join(causes)} in the cause of migration {record['id']}")


def test_mailbox_error(source, destination, agents):
    """The destination's accelerator does not tell its queues: hisi_acc refuses the stream."""
    domain = Domain("acc", ACC)
    start(source, domain)
    left, arrived = last_ids(source, destination)
    # Only the first stream after binding is checked by this kernel, so the VFs are bound anew. The gate asks the PF;
    # the driver, later, asks the VF by its mailbox.
    destination.devices.down("acc")
    destination.devices.up("acc")
    destination.wait_for(lambda: destination.agent.device(ACC, "Migration"), what="the new VFs in the registry")
    destination.devices.acc_fail(ACC, "0x6", "error", "0x2")

    done = source.migrate(domain, destination, check=False)

    assert done.returncode != 0
    record = destination.agent.wait_migration(domain, after=arrived)
    assert record["phase"] == "failed"
    wait_cause(destination, record, ("vfio", "Bad address"))
    assert source.agent.wait_migration(domain, after=left)["phase"] == "failed"
    check_back(source, destination, domain)


def test_agents_killed(source, destination, agents):
    """accmigd dies on both hosts in the middle: its successors take the records up, and they end true."""
    start(source, BUSY_GUEST)
    migration, left, arrived = midway(source, destination)
    for host in (source, destination):
        host.run(f"kill -KILL {host.agent.pid('accmigd.service')}")
    for host in (source, destination):
        host.agent.wait_ready()
    assert source.agent.migration(left + 1)["phase"] == "copying"
    hurry(source)
    migration.wait()

    assert source.agent.wait_migration(BUSY_GUEST, after=left)["phase"] == "completed"
    assert destination.agent.wait_migration(BUSY_GUEST, after=arrived)["phase"] == "completed"
    assert source.agent.last_id() == left + 1
    assert destination.agent.last_id() == arrived + 1


def test_agent_away_at_the_end(source, destination, agents):
    """The agents come back when all is over and work out how it ended."""
    start(source, BUSY_GUEST)
    migration, left, arrived = midway(source, destination)
    destination.agent.wait_migration(BUSY_GUEST, "incoming", after=arrived)
    for host in (source, destination):
        host.agent.unit("stop", "accmigd.service")
    hurry(source)
    migration.wait()
    for host in (source, destination):
        host.agent.unit("start", "accmigd.service")
        host.agent.wait_ready()

    for host, before in ((source, left), (destination, arrived)):
        record = host.agent.wait_migration(BUSY_GUEST, after=before)
        assert record["phase"] == "completed", json.dumps(record)
        assert record["worked-out"] is True
