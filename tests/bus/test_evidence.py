# SPDX-License-Identifier: GPL-2.0-or-later
"""What the driver was given when it refused an incoming migration: when the agent asks, and what it says then."""

import datetime
import json

import pytest

from agent import NAME, ROOT, SECONDS, wait_for
from conftest import SEC_VFS, acc_match
from guest import OTHER_UUID, guest, hostdev

pytestmark = pytest.mark.timeout(6 * SECONDS)

TARGET = SEC_VFS[1]
NOT_LOADED = "error while loading state section id 2(0000:00:02.0/vfio)"


def migf_data(queues, sent=40, size=144):
    """What the driver of hisi_acc shows of a stream of which so much came: its whole buffer."""
    data = bytes.fromhex(acc_match(queues)).ljust(size, b"\0")
    lines = [f"Mig Data:{at:08x}: {data[at:at + 16].hex(' ')}" for at in range(0, len(data), 16)]
    return "\n".join([*lines, f"migrate data length: {sent}", ""])


def leave(host, text, line=NOT_LOADED):
    """What the target's driver keeps, and what QEMU wrote to its log just now."""
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    (host.broker.devices / "vm.log").write_text(f"{now} qemu-system-aarch64: {line}\n")
    if text is not None:
        (host.broker.devices / f"{TARGET}.evidence").write_text(text)


def let_in(host):
    """A guest for the target, let in by the gate. Returns its XML."""
    wait_for(lambda: host.get_device(TARGET)["Migration"], "the probe")
    profile = json.loads(host.interface("Manager").GetProfile(TARGET))
    xml = guest(hostdev(TARGET), profiles={"hostdev0": json.dumps(profile)})
    assert host.ask("vm", "migrate", "begin", xml)[0]
    assert host.ask("vm", "prepare", "begin", xml)[0]
    return xml


def cause(host):
    """Of the first record."""
    return str(host.get("Migration", "Cause", f"{ROOT}/migrations/1"))


def fail(host, xml):
    """The incoming QEMU ends."""
    host.broker.drain()
    assert host.ask("vm", "release", "end", xml)[0]
    assert str(host.get("Migration", "Phase", f"{ROOT}/migrations/1")) == "failed"


def settle(host):
    """Until the agent has dealt with what the broker has answered, and the broker with what the agent wants then. Each
    speaks to the other in order; this is answered only when the broker has told of the device."""
    address = SEC_VFS[0]
    wait_for(lambda: host.get_device(address)["Migration"], "the probe")
    profile = str(host.interface("Manager").GetProfile(address))
    xml = guest(hostdev(address), uuid=OTHER_UUID, profiles={"hostdev0": profile})
    for _ in range(2):
        assert host.ask("other", "migrate", "begin", xml)[0]
        host.broker.wait_line(f"^Probe {address}$")


def test_cause(acc_host):
    """The driver was given another device's queues; the profile of the device has its own, as before."""
    xml = let_in(acc_host)
    digest = acc_host.get_device(TARGET)["ProfileDigest"]
    leave(acc_host, migf_data(16))
    fail(acc_host, xml)
    wanted = f"the driver was given queue count 16, {TARGET} has 8; {NOT_LOADED}"
    wait_for(lambda: cause(acc_host) == wanted, "the cause")
    assert acc_host.get_device(TARGET)["ProfileDigest"] == digest
    assert f"Evidence {TARGET}" in acc_host.broker.drain()


@pytest.mark.parametrize("text", [
    pytest.param(None, id="none"),
    pytest.param("", id="empty"),
    pytest.param(migf_data(8), id="as the device is"),
    pytest.param(migf_data(16, sent=39), id="too little came"),
    pytest.param("device not migrated!\n", id="other text"),
    pytest.param("Mig Data:" * 1000, id="nonsense"),
    pytest.param(migf_data(16, size=4096), id="more than a broker may say"),
])
def test_tells_nothing(acc_host, text):
    """The cause is what QEMU says."""
    xml = let_in(acc_host)
    leave(acc_host, text)
    fail(acc_host, xml)
    acc_host.broker.wait_line(f"^Evidence {TARGET}$")
    settle(acc_host)
    assert cause(acc_host) == NOT_LOADED


def test_still_in_use(acc_host):
    """That is no news."""
    xml = let_in(acc_host)
    leave(acc_host, migf_data(16))
    acc_host.broker.set_device(TARGET, flags=5, **{"error-Evidence": f"{NAME}.Error.Busy"})
    fail(acc_host, xml)
    acc_host.broker.wait_line(f"^Evidence {TARGET}$")
    settle(acc_host)
    assert cause(acc_host) == NOT_LOADED


@pytest.mark.parametrize("line", [
    pytest.param("load of migration failed: Input/output error", id="the source gave up"),
    pytest.param("terminating on signal 15 from pid 1", id="ended from outside"),
])
def test_not_asked(acc_host, line):
    """No device refused anything: what the driver keeps is of another time."""
    xml = let_in(acc_host)
    leave(acc_host, migf_data(16), line)
    fail(acc_host, xml)
    acc_host.broker.wait_line("^ReadLog vm$")
    settle(acc_host)
    assert not any(said.startswith("Evidence") for said in acc_host.broker.drain() + acc_host.broker.seen)
    assert "was given" not in cause(acc_host)
