# SPDX-License-Identifier: GPL-2.0-or-later
"""The gate: what does not fit is refused before anything is touched, and failures of the agent follow its policy."""

import re
import time

from hosts import link
from hosts.domain import Domain

ACC = "0001:00:00.1"


def start(host, domain):
    host.start_domain(domain)
    host.agent.wait_profile(domain)


def refused(source, destination, domain, **options):
    """Migrate in vain; returns the line that virsh showed. The guest at the source never noticed."""
    beat = source.heartbeat(domain)
    done = source.migrate(domain, destination, check=False, **options)

    assert done.returncode != 0
    found = re.search(r"accmig: refused .*", done.stderr)
    assert found, done.stderr
    assert source.domain_state(domain) == "running"
    assert destination.domain_state(domain) == "absent"
    source.wait_beat(domain, after=beat)
    assert not re.search("boot|corrupt", source.guest_log(domain).partition("beat")[2])
    assert not destination.run(f"ls /run/libvirt/qemu/{domain.name}.pid", check=False).stdout
    return found.group(0)


def test_other_queue_count(source, destination, agents):
    """Case 2: the destination's VF has another queue count. libvirt has no event at the source for what is refused, so
    it is the destination's agent that tells, where it shall."""
    destination.devices.down("acc")
    destination.devices.up("acc", accsim={"total_queues": 32})
    domain = Domain("acc", ACC)
    start(source, domain)

    check_other_queue_count(source, destination, domain, told=False)
    link.make(destination, source)
    destination.agent.configure(f"[link]\nhosts = {source.name}\n")
    check_other_queue_count(source, destination, domain, told=True)


def check_other_queue_count(source, destination, domain, told):
    """It is refused, and the source's agent has a record of that when it was told, and no other way."""
    before, used = destination.agent.last_id(), link.used(destination)
    left, cursor = source.agent.last_id(), source.cursor()

    line = refused(source, destination, domain)

    assert re.fullmatch(rf"accmig: refused guest: hostdev0: queue count differs: source has \d+, {ACC} has \d+ "
                        r"\[hisi_acc\.qp-num\]", line), line
    record = destination.agent.wait_migration(domain, "refused", after=before)
    assert "queue count differs" in record["cause"]
    if told:
        own = source.agent.wait_migration(domain, "failed", after=left)
        assert own["cause"] == f"refused by {destination.name}: {record['cause']}"
        assert own["role"] == "source" and own["token"] == record["token"]
        source.wait_journal(cursor, f"failed: refused by {destination.name}: .*queue count", unit="accmigd.service")
    assert link.used(destination) == used + told
    assert source.agent.last_id() == left + told


def test_no_device(source, destination, agents):
    """Case 3: the PF's driver at the destination has gone, and its VFs with it."""
    domain = Domain("acc", ACC)
    start(source, domain)
    destination.devices.touched("acc")
    destination.run("echo 0001:00:00.0 > /sys/bus/pci/drivers/hisi_sec2/unbind")

    line = refused(source, destination, domain)

    assert line == f"accmig: refused guest: hostdev0: no device {ACC} on this host [gate.no-device]"


def test_no_profile(source, destination, agents):
    """Case 4: nothing in the XML tells what the source is."""
    destination.agent.configure("[gate]\non-no-profile = refuse\n")
    source.agent.unit("stop", "accmigd.service")
    domain = Domain("migsim", "0000:01:10.0")
    source.start_domain(domain)
    assert "profile" in refused(source, destination, domain)

    destination.agent.configure("[gate]\non-no-profile = accept\n")
    cursor = destination.cursor()
    source.migrate(domain, destination)
    assert destination.wait_journal(cursor, "profile", unit="accmigd.service")


def test_agent_stopped(source, destination, agents):
    """Case 4: the destination's agent does not answer."""
    domain = Domain("migsim", "0000:01:10.0")
    start(source, domain)
    destination.agent.unit("mask", "--runtime", "--now", "accmigd.service")

    destination.agent.write_settings("[gate]\non-agent-failure = refuse\n")
    started = time.monotonic()
    line = refused(source, destination, domain)
    assert "agent does not answer" in line and "gate.on-agent-failure" in line
    assert time.monotonic() - started < 120

    destination.agent.write_settings("[gate]\non-agent-failure = accept\n")
    started = time.monotonic()
    source.migrate(domain, destination)
    assert time.monotonic() - started < 120


def test_broker_stopped(source, destination, agents):
    """Case 4: the privileged half is not there, so the target cannot be asked."""
    domain = Domain("acc", ACC)
    start(source, domain)

    stop_broker(destination, "[gate]\non-unknown = refuse\n")
    assert "broker" in refused(source, destination, domain)

    destination.agent.unit("start", "accmig-broker.socket")
    stop_broker(destination, "[gate]\non-unknown = accept\n")
    source.migrate(domain, destination)


def stop_broker(host, settings):
    """The agent has asked its devices, and cannot any more."""
    host.agent.configure(settings)
    host.wait_for(lambda: host.agent.device(ACC, "Migration"), what=f"the probe of {ACC}", period=1)
    host.agent.unit("stop", "accmig-broker.socket", "accmig-broker.service")


def test_wait_is_over(source, destination, agents):
    """Case 4: an agent that hangs costs libvirt no more than the hook's limit."""
    destination.agent.configure("[gate]\nhook-timeout = 5\n")
    domain = Domain("migsim", "0000:01:10.0")
    start(source, domain)
    pid = destination.agent.pid("accmigd.service")
    destination.run(f"kill -STOP {pid}")
    try:
        line = refused(source, destination, domain)
    finally:
        destination.run(f"kill -CONT {pid}")

    assert "agent does not answer" in line
