# SPDX-License-Identifier: GPL-2.0-or-later
"""What the agent tells anybody who asks."""

import hashlib
import json
import os

import dbus
import pytest

from agent import NAME, ROOT, SECONDS, wait_for
from conftest import SEC_PF, SEC_VFS, acc_match
from guest import UUID, guest, hostdev

pytestmark = pytest.mark.timeout(4 * SECONDS)

# Which of them it is depends on the kernel that the test runs on.
PASSING = ("compatible", "degraded")

MDEV = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"


def error_name(call, *arguments, **options):
    """The last word of the D-Bus error that a call ends with."""
    with pytest.raises(dbus.DBusException) as error:
        call(*arguments, timeout=SECONDS, **options)
    return error.value.get_dbus_name().rsplit(".", 1)[1]


def probed(host, address=SEC_VFS[0]):
    """Waits until the agent has opened a free device by itself. Returns its profile."""
    wait_for(lambda: host.get_device(address)["Migration"], "the probe")
    return json.loads(host.interface("Manager").GetProfile(address))


def test_device_properties(acc_host):
    """A free VF, once it was opened."""
    profile = probed(acc_host)
    device = acc_host.get_device(SEC_VFS[0])
    canonical = json.dumps(profile, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert device == {
        "Address": SEC_VFS[0], "Kind": "pci", "Family": "hisi_acc", "Driver": "hisi_acc_vfio_pci",
        "Variant": device["Variant"], "Owner": "free", "Domain": "", "Migration": "stop-copy+pre-copy",
        "Parent": SEC_PF, "ParentDriver": "hisi_sec2", "VfIndex": 0, "NumaNode": 0,
        "ProfileDigest": hashlib.sha256(canonical.encode()).hexdigest(),
    }
    assert profile["hisi_acc"]["qp-num"] == 8


def test_objects_of_all_kinds(host, programs):
    """VFs with their host's driver, without one, and an mdev; without a broker."""
    host.sysfs.add_pf(SEC_PF)
    host.sysfs.add_vf(SEC_PF, 0, SEC_VFS[0])
    host.sysfs.bind(SEC_VFS[0], "hisi_sec2", vfio=False)
    host.sysfs.add_vf(SEC_PF, 1, SEC_VFS[1])
    host.sysfs.add_mtty(MDEV)
    host.start_agent(programs[0])
    objects = host.interface("org.freedesktop.DBus.ObjectManager").GetManagedObjects(timeout=SECONDS)
    devices = {str(o[f"{NAME}.Device"]["Address"]): o[f"{NAME}.Device"] for o in objects.values() if f"{NAME}.Device" in o}
    assert devices.keys() == {*SEC_VFS, MDEV}
    assert [devices[a]["Owner"] for a in (*SEC_VFS, MDEV)] == ["host", "free", "free"]
    assert devices[MDEV]["Kind"] == "mdev" and devices[MDEV]["VfIndex"] == -1
    assert not host.get("Manager", "BrokerConnected")
    state = host.interface("Manager").get_dbus_method("GetState")
    assert error_name(state, SEC_VFS[0]) == "BrokerUnavailable"


def test_unknown_things(acc_host):
    """Each has an error of its own."""
    manager = acc_host.interface("Manager")
    assert error_name(manager.GetProfile, "0000:75:00.7") == "UnknownDevice"
    assert error_name(manager.GetProfile, "../../etc/passwd") == "UnknownDevice"
    assert error_name(manager.GetProfile, "ä" * 500) == "UnknownDevice"
    assert error_name(manager.GetState, "0000:75:00.7") == "UnknownDevice"
    assert error_name(manager.DescribeDomain, "nobody-has-this-name") == "UnknownDomain"
    assert error_name(manager.DescribeDomain, "x" * 5000) == "UnknownDomain"
    assert error_name(manager.DescribeMigration, dbus.UInt64(7)) == "UnknownMigration"
    assert error_name(manager.DescribeMigration, dbus.UInt64(0)) == "UnknownMigration"


def test_describe_and_check(acc_host):
    """A description checked on the host it comes from, and changed."""
    profile = probed(acc_host)
    description = {"format": "accmig-domain/1", "name": "vm", "uuid": UUID, "hostdevs": [
        {"alias": "hostdev0", "kind": "pci", "address": SEC_VFS[1], "managed": False, "profile": profile}]}
    manager = acc_host.interface("Manager")
    report = json.loads(manager.CheckDomain(json.dumps(description), timeout=SECONDS))
    outcome = report["outcome"]
    assert report["format"] == "accmig-report/1" and outcome in PASSING
    assert report["hostdevs"][0]["target"] == SEC_VFS[1]
    assert report["hostdevs"][0]["verdict"]["outcome"] == outcome
    assert acc_host.get_device(SEC_VFS[1])["Owner"] == "free"

    profile["hisi_acc"]["qp-num"] = 4
    report = json.loads(manager.CheckDomain(json.dumps(description), timeout=SECONDS))
    assert report["outcome"] == "incompatible"
    assert report["hostdevs"][0]["rule"] == "hisi_acc.qp-num"
    assert "4" in report["hostdevs"][0]["sentence"] and "8" in report["hostdevs"][0]["sentence"]

    description["hostdevs"][0]["profile"] = None
    assert json.loads(manager.CheckDomain(json.dumps(description)))["outcome"] == "unknown"
    description["hostdevs"][0]["address"] = "0000:75:00.7"
    report = json.loads(manager.CheckDomain(json.dumps(description)))
    assert report["hostdevs"][0]["sentence"] == "no device 0000:75:00.7 on this host"


def test_dirty_tracking(host, programs):
    """What opening a device told, in its profile."""
    agent, stub = programs
    host.sysfs.add_pf(SEC_PF)
    for index, address in enumerate(SEC_VFS):
        host.sysfs.add_vf(SEC_PF, index, address)
        host.sysfs.bind(address, "hisi_acc_vfio_pci")
    host.start_broker(stub)
    host.broker.set_device(SEC_VFS[0], flags=5)
    host.broker.set_device(SEC_VFS[1], flags=5, untracked="true")
    host.start_agent(agent)
    host.wait_connected()
    for address, tracks in zip(SEC_VFS, (True, False)):
        wait_for(lambda one=address: host.get_device(one)["Migration"], "the probe")
        profile = json.loads(host.interface("Manager").GetProfile(address))
        assert profile["device"]["dirty-tracking"] is tracks
        assert "qemu" not in profile["host"] and "libvirt" not in profile["host"], "libvirt's test driver has no QEMU"
    host.agent.stop()
    host.start_agent(agent)
    host.wait_connected()
    assert json.loads(host.interface("Manager").GetProfile(SEC_VFS[1]))["device"]["dirty-tracking"] is False


def test_describe_domain_with_devices(host, programs):
    """A running domain's hostdev, its device's owner, and the profile in its metadata."""
    agent, stub = programs
    node = host.directory / "node.xml"
    xml = guest(hostdev(SEC_VFS[0])).decode().replace("<domain type='qemu'>", "<domain type='test'>")
    node.write_text(f"<node>{xml}</node>")
    host.uri = f"test://{node}"
    host.sysfs.add_pf(SEC_PF)
    host.sysfs.add_vf(SEC_PF, 0, SEC_VFS[0])
    host.sysfs.bind(SEC_VFS[0], "hisi_acc_vfio_pci")
    host.start_broker(stub)
    host.broker.set_device(SEC_VFS[0], flags=5, pid=4711, state="running")
    host.start_agent(agent)
    host.wait_connected()

    written = host.broker.wait_line("^SetMetadata ")
    assert UUID in written and "hostdev0" in written and "hisi_acc" in written
    assert "^Probe" not in "\n".join(host.broker.seen), "a guest's device was opened"
    device = host.get_device(SEC_VFS[0])
    assert (device["Owner"], device["Domain"], device["Migration"]) == ("guest", "vm", "stop-copy+pre-copy")
    manager = host.interface("Manager")
    description = json.loads(manager.DescribeDomain(UUID, timeout=SECONDS))
    assert description["hostdevs"][0]["profile"]["device"]["address"] == SEC_VFS[0]
    assert manager.GetState(SEC_VFS[0], timeout=SECONDS) == "running"


def test_states_of_free_devices(acc_host, tmp_path):
    """Root may; the stream goes through the descriptor. What another device has saved is not loaded."""
    manager = acc_host.interface("Manager")
    load = manager.get_dbus_method("LoadState")
    assert manager.GetState(SEC_VFS[0], timeout=SECONDS) == "running"
    path = tmp_path / "state"
    with open(path, "wb") as stream:
        assert manager.SaveState(SEC_VFS[0], dbus.types.UnixFd(stream), timeout=SECONDS) == 40
    assert path.read_bytes().hex() == acc_match(8)
    with open(path, "rb") as stream:
        assert load(SEC_VFS[0], dbus.types.UnixFd(stream), timeout=SECONDS) == 40

    path.write_bytes(bytes.fromhex(acc_match(4)))
    with open(path, "rb") as stream:
        assert error_name(load, SEC_VFS[0], dbus.types.UnixFd(stream)) == "Refused"
    reader, writer = os.pipe()
    assert error_name(load, SEC_VFS[0], dbus.types.UnixFd(reader)) == "Invalid"
    os.close(reader)
    os.close(writer)
    acc_host.broker.set_device(SEC_VFS[0], error=f"{NAME}.Error.BadState")
    with open(path, "rb") as stream:
        assert error_name(load, SEC_VFS[0], dbus.types.UnixFd(stream)) == "BadState"


def test_probe_survives_a_restart(acc_host, programs):
    """What a device told while it was free is known again, without opening it."""
    profile = probed(acc_host)
    assert acc_host.agent.stop() == 0
    acc_host.broker.stop()
    acc_host.start_agent(programs[0])
    assert json.loads(acc_host.interface("Manager").GetProfile(SEC_VFS[0])) == profile


def test_unprivileged_user(acc_host):
    """Reads, and may do nothing else; there is no polkit on this bus to say otherwise."""
    manager = (NAME, ROOT, f"{NAME}.Manager")
    assert acc_host.run_as_other("call", *manager, "GetProfile", "s", SEC_VFS[0]).returncode == 0
    assert acc_host.run_as_other("call", *manager, "ListMigrations", "u", "5").returncode == 0
    assert acc_host.run_as_other("get-property", *manager, "Version").returncode == 0
    for denied in (("call", *manager, "GetState", "s", SEC_VFS[0]),
                   ("call", NAME, ROOT, f"{NAME}.Gate", "Ask", "ssssay", "vm", "migrate", "begin", "-", "0")):
        result = acc_host.run_as_other(*denied)
        assert result.returncode != 0 and "denied" in (result.stdout + result.stderr).lower(), result


def test_ends_cleanly(acc_host):
    """SIGTERM."""
    assert acc_host.agent.stop() == 0
