# SPDX-License-Identifier: GPL-2.0-or-later
"""What stands in the way of a guest itself, at the gate and for whoever asks before."""

import json

import pytest

from agent import SECONDS, Host, wait_for
from conftest import SEC_PF, SEC_VFS, acc_match
from guest import UUID, guest, hostdev
from test_ctl import run

pytestmark = pytest.mark.timeout(6 * SECONDS)

QEMU_URI = "http://libvirt.org/schemas/domain/qemu/1.0"
VFIO_USER = f"""<q:commandline xmlns:q='{QEMU_URI}'><q:arg value='-device'/>
    <q:arg value='{{"driver":"vfio-user-pci","socket":{{"path":"/run/vf.sock","type":"unix"}}}}'/></q:commandline>"""
IOMMU = "<iommu model='intel'/>"
LIMIT = "<memtune><hard_limit unit='KiB'>65536</hard_limit></memtune>"

NO_P2P = (f"guest: it has 2 VFIO devices, and {SEC_VFS[0]} at the source has no p2p: QEMU migrates several only if all "
          "have it [guest.p2p]")
LEFT_BEHIND = ("guest: it has a vfio-user device: QEMU migrates the guest without a word and leaves the device's state "
               "behind [guest.vfio-user]")
BEHIND_IOMMU = ("guest: it has a virtual IOMMU, and QEMU 10.0.13 of the source migrates no VFIO device behind one "
                "[guest.iommu]")


def source_profile(host, flags=7):
    """The profile of a device at a source, which fits those of @host."""
    for address in SEC_VFS:
        wait_for(lambda one=address: host.get_device(one)["Migration"], "the probe")
    profile = json.loads(host.interface("Manager").GetProfile(SEC_VFS[0]))
    profile["device"]["flags"] = flags
    profile["host"]["qemu"] = "10.0.13"
    return profile


@pytest.fixture(name="target")
def make_target(acc_host):
    """A host whose devices have p2p as well."""
    for address in SEC_VFS:
        acc_host.broker.set_device(address, flags=7, size=176, match=acc_match(8))
    return acc_host


def incoming(host, n=1, flags=7, more=""):
    """A guest with @n devices, on its way here. @more: elements below <devices>, or one that is not."""
    profile = json.dumps(source_profile(host, flags))
    xml = guest(*(hostdev(address, i) for i, address in enumerate(SEC_VFS[:n])),
                profiles={f"hostdev{i}": profile for i in range(n)}).decode()
    end = "</devices>" if more == IOMMU else "</domain>"
    return xml.replace(end, more + end).encode()


def owners(host):
    """Of all devices."""
    return {str(host.get_device(address)["Owner"]) for address in SEC_VFS}


@pytest.mark.parametrize("values, cause", [
    ({"n": 2, "flags": 5}, NO_P2P), ({"n": 1, "more": VFIO_USER}, LEFT_BEHIND), ({"n": 0, "more": VFIO_USER}, LEFT_BEHIND),
    ({"n": 1, "more": IOMMU}, BEHIND_IOMMU),
], ids=["p2p", "vfio-user", "vfio-user alone", "iommu"])
def test_refused(target, values, cause):
    """One line, and nothing stays reserved."""
    answer = target.ask("vm", "migrate", "begin", incoming(target, **values))
    assert answer == (False, f"accmig: refused vm: {cause}", b"")
    assert owners(target) == {"free"}


@pytest.mark.parametrize("values", [
    {"n": 2}, {"n": 1, "flags": 5}, {"n": 1, "more": LIMIT}, {"n": 0, "more": IOMMU}, {"n": 0, "more": LIMIT},
], ids=["p2p", "one device", "limit", "iommu alone", "limit alone"])
def test_accepted(target, values):
    """What is fine, and what is only warned of."""
    if values.get("flags") == 5:
        target.broker.set_device(SEC_VFS[0], flags=5, size=176, match=acc_match(8))
    assert target.ask("vm", "migrate", "begin", incoming(target, **values)) == (True, "", b"")


def test_device_goes_first(target):
    """A device that does not fit is what the line is about."""
    xml = incoming(target, 2, flags=5, more=VFIO_USER)
    target.broker.set_device(SEC_VFS[0], flags=7, size=176, match=acc_match(4))
    allowed, message, _ = target.ask("vm", "migrate", "begin", xml)
    assert not allowed and message.startswith("accmig: refused vm: hostdev0: ")


def test_check_domain(target):
    """The report has it apart from the devices, and an older agent's description has nothing to say of it."""
    manager = target.interface("Manager")
    description = {"format": "accmig-domain/1", "name": "vm", "uuid": UUID, "hostdevs": [
        {"alias": "hostdev0", "kind": "pci", "address": SEC_VFS[0], "profile": source_profile(target)}]}
    report = json.loads(manager.CheckDomain(json.dumps(description), timeout=SECONDS))
    assert report["guest"] == {"outcome": "compatible", "findings": []}

    description["guest"] = {"iommu": True, "memory": 1 << 30, "memory-limit": 1 << 30}
    report = json.loads(manager.CheckDomain(json.dumps(description), timeout=SECONDS))
    assert report["hostdevs"][0]["outcome"] != "incompatible"
    assert report["outcome"] == report["guest"]["outcome"] == "incompatible"
    assert [finding["rule"] for finding in report["guest"]["findings"]] == ["guest.iommu", "guest.memory-limit"]

    second = description["hostdevs"][0] | {"alias": "hostdev1", "address": SEC_VFS[1], "profile": source_profile(target, 5)}
    description |= {"guest": {}, "hostdevs": [description["hostdevs"][0], second]}
    report = json.loads(manager.CheckDomain(json.dumps(description), timeout=SECONDS))
    assert [finding["rule"] for finding in report["guest"]["findings"]] == ["guest.p2p"]
    second["transient"] = True
    report = json.loads(manager.CheckDomain(json.dumps(description), timeout=SECONDS))
    assert report["guest"]["findings"] == []

    for nonsense in (7, [], "guest", {"iommu": "yes", "memory": -1, "memory-limit": {}}):
        description["guest"] = nonsense
        report = json.loads(manager.CheckDomain(json.dumps(description), timeout=SECONDS))
        assert report["guest"]["outcome"] == "compatible"


def test_check(programs, acc_host):
    """accmigctl has a row for it, its findings, and what would have to change; alone and about another host."""
    with Host() as source:
        node = source.directory / "node.xml"
        xml = guest(hostdev(SEC_VFS[0])).decode().replace("<domain type='qemu'>", "<domain type='test'>")
        node.write_text(f"<node>{xml.replace('<vcpu>', LIMIT + '<vcpu>')}</node>")
        source.uri = f"test://{node}"
        source.sysfs.add_pf(SEC_PF)
        source.sysfs.add_vf(SEC_PF, 0, SEC_VFS[0])
        source.sysfs.bind(SEC_VFS[0], "hisi_acc_vfio_pci")
        source.start_broker(programs[1])
        source.broker.set_device(SEC_VFS[0], flags=5, pid=4711, state="running")
        source.start_agent(programs[0])
        source.wait_connected()
        source.broker.wait_line("^SetMetadata ")

        text = run(source, "check", "vm", status=4)
        assert "\nguest " in text and "\nFindings about the guest:\n" in text
        assert "\n  guest: raise <hard_limit> to 1088 MiB or more, or leave it out\n" in text
        report = json.loads(run(source, "check", "--json", "vm", status=4))
        assert report["guest"]["outcome"] == "degraded"
        assert {"rule": "guest.memory-limit", "hostdevs": ["guest"],
                "remedy": "raise <hard_limit> to 1088 MiB or more, or leave it out"} in report["remedies"]

        description = source.interface("Manager").DescribeDomain("vm", timeout=SECONDS)
        assert json.loads(description)["guest"] == {"memory": 64 << 20, "memory-limit": 64 << 20}
        there = json.loads(acc_host.interface("Manager").CheckDomain(description, timeout=SECONDS))
        assert there["guest"]["findings"] == report["guest"]["findings"]
