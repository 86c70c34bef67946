# SPDX-License-Identifier: GPL-2.0-or-later
"""Placement: which device a guest gets, that it is kept for it, and that nothing else of its XML is touched."""

import json
import re
import signal

import dbus
import pytest

from agent import NAME, ROOT, SECONDS, Host, wait_for
from conftest import acc_match
from guest import OTHER_UUID, UUID, guest, hostdev

pytestmark = pytest.mark.timeout(6 * SECONDS)

# Two accelerators on two nodes, three VFs each.
PF_A, PF_B = "0000:75:00.0", "0000:76:00.0"
A1, A2, A3 = (f"0000:75:00.{i}" for i in (1, 2, 3))
B1, B2, B3 = (f"0000:76:00.{i}" for i in (1, 2, 3))
THIRD_UUID = "c7a5fdbd-edaf-9455-926a-d65c16db1811"
MDEV = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"
OTHER_MDEV = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1002"


class AccHost(Host):
    """A host with both, its agent and its broker."""

    def __init__(self, programs, settings):
        super().__init__(f"[gate]\n{settings}\n")
        self.programs = programs

    def __enter__(self):
        super().__enter__()
        for node, (pf, vfs) in enumerate(((PF_A, (A1, A2, A3)), (PF_B, (B1, B2, B3)))):
            self.sysfs.add_pf(pf)
            for index, address in enumerate(vfs):
                self.sysfs.add_vf(pf, index, address)
                self.sysfs.bind(address, "hisi_acc_vfio_pci")
                self.sysfs.set(address, "numa_node", node)
        self.start_broker(self.programs[1])
        for address in (A1, A2, A3, B1, B2, B3):
            self.queues(address, 8)
        self.start_agent(self.programs[0])
        self.wait_connected()
        self.wait_probed(A1, A2, A3, B1, B2, B3)
        return self

    def wait_probed(self, *addresses):
        for address in addresses:
            wait_for(lambda one=address: self.get_device(one)["Migration"], f"the probe of {address}")

    def queues(self, address, number, **more):
        """What the driver of a device says from now on."""
        self.broker.set_device(address, flags=7, size=176, match=acc_match(number), **more)

    def profile(self, address=B3):
        """Of a device here, to serve as that of a source's."""
        return str(self.interface("Manager").GetProfile(address))

    def incoming(self, *addresses, name="vm", uuid=UUID, **more):
        """A guest on its way here, whose XML names these devices."""
        return guest(*(hostdev(a, i) for i, a in enumerate(addresses)), name=name, uuid=uuid,
                     profiles={f"hostdev{i}": self.profile() for i in range(len(addresses))}, **more)

    def migrate(self, *addresses, name="vm", uuid=UUID):
        """Asks the gate; returns the addresses that the guest gets, or the line that refuses it."""
        xml = self.incoming(*addresses, name=name, uuid=uuid)
        allowed, message, new_xml = self.ask(name, "migrate", "begin", xml)
        return addresses_in(new_xml or xml) if allowed else message

    def owner(self, address):
        """Of a device, and the domain."""
        device = self.get_device(address)
        return str(device["Owner"]), str(device["Domain"])

    def reserved(self):
        """Which devices are reserved, and for whom."""
        owners = {address: self.owner(address) for address in (A1, A2, A3, B1, B2, B3)}
        return {address: domain for address, (kind, domain) in owners.items() if kind == "reserved"}


def addresses_in(xml):
    """Of the hostdevs' sources, in order."""
    return [f"{d}:{b}:{s}.{f}" for d, b, s, f in re.findall(
        rb"<source><address[^>]*domain='0x(\w+)' bus='0x(\w+)' slot='0x(\w+)' function='0x(\w+)'/></source>".decode(),
        xml.decode())]


@pytest.fixture(name="start")
def make_start(programs):
    """A function that makes a host with these settings."""
    hosts = []

    def start(settings):
        hosts.append(AccHost(programs, settings))
        return hosts[-1].__enter__()

    yield start
    for host in hosts:
        host.__exit__(None, None, None)


# ---- the policies ----------------------------------------------------------------------------------------

def test_never(start):
    """Without the setting a guest gets what its XML names, or nothing."""
    host = start("")
    assert host.migrate(A1, name="vm2", uuid=OTHER_UUID) == [A1]
    assert host.migrate(A1) == f"accmig: refused vm: hostdev0: {A1} is reserved for domain “vm2” [gate.reserved]"


def test_same_pf(start):
    """One of the same accelerator, as long as there is one."""
    host = start("remap = same-pf")
    assert host.migrate(A1, A2, name="vm2", uuid=OTHER_UUID) == [A1, A2]
    assert host.migrate(A1) == [A3]
    assert host.migrate(A2, name="vm3", uuid=THIRD_UUID) == (
        f"accmig: refused vm3: hostdev0: {A2} is reserved for domain “vm2”, and no other that the guest may have is free "
        "and fits [gate.reserved]")
    assert host.reserved() == {A1: "vm2", A2: "vm2", A3: "vm"}


def test_any(start):
    """And then one of another."""
    host = start("remap = any")
    assert host.migrate(A1, A2, A3, name="vm2", uuid=OTHER_UUID) == [A1, A2, A3]
    assert host.migrate(A1) == [B1]
    assert host.migrate("0000:77:00.1", name="vm3", uuid=THIRD_UUID) == [B2]


def test_memory_decides(start):
    """The device is to be where the guest's memory is."""
    host = start("remap = any")
    assert host.migrate(A1, name="vm2", uuid=OTHER_UUID) == [A1]
    xml = host.incoming(A1).replace(b"<devices>", b"<numatune><memory mode='strict' nodeset='1'/></numatune><devices>")
    allowed, _, new_xml = host.ask("vm", "migrate", "begin", xml)
    assert allowed and addresses_in(new_xml) == [B1]


def test_pair_is_placed_together(start):
    """The second guest's first device must not take what only its second one could keep."""
    host = start("remap = same-pf")
    assert host.migrate(A1, name="vm2", uuid=OTHER_UUID) == [A1]
    assert host.migrate(A1, A2) == [A3, A2]


def test_one_of_a_pair_is_none(start):
    """Nothing is reserved for a guest that does not find all its devices."""
    host = start("remap = same-pf")
    assert host.migrate(A1, A3, name="vm2", uuid=OTHER_UUID) == [A1, A3]
    message = host.migrate(A1, A2)
    assert message == (f"accmig: refused vm: hostdev0: {A1} is reserved for domain “vm2”, and no other that the guest may "
                       "have is free and fits [gate.reserved]")
    assert host.reserved() == {A1: "vm2", A3: "vm2"}


# ---- what only opening a device tells --------------------------------------------------------------------

def test_driver_says_no(start):
    """The device that was chosen turns out to be another: it is let go, and the next one tried."""
    host = start("remap = same-pf")
    assert host.migrate(A1, name="vm2", uuid=OTHER_UUID) == [A1]
    host.queues(A2, 16)
    assert host.migrate(A1) == [A3]
    assert host.reserved() == {A1: "vm2", A3: "vm"}


def test_named_device_says_no(start):
    """The same of the device that the XML names."""
    host = start("remap = any")
    host.queues(A1, 16)
    assert host.migrate(A1) == [A2]
    host.broker.set_device(B2, error=f"{NAME}.Error.Busy")
    assert host.migrate(B2, name="vm2", uuid=OTHER_UUID) == [B1]


def test_every_driver_says_no(start):
    """Then the guest is refused for what its own device said."""
    host = start("remap = same-pf")
    xml = host.incoming(A1)
    for address in (A1, A2, A3):
        host.queues(address, 16)
    allowed, message, _ = host.ask("vm", "migrate", "begin", xml)
    assert not allowed
    assert message == (f"accmig: refused vm: hostdev0: queue count differs: source has 8, {A1} has 16, and no other that "
                       "the guest may have is free and fits [hisi_acc.qp-num]")
    assert host.reserved() == {}


def test_answer_that_came_too_late(start):
    """What the devices say after the gate has refused reserves nothing any more."""
    host = start("remap = any\nhook-timeout = 2")
    xml = host.incoming(A1)
    host.queues(A1, 16, hold="true")
    allowed, message, _ = host.ask("vm", "migrate", "begin", xml)
    assert not allowed and "[gate.on-agent-failure]" in message
    host.broker.send("release")
    digest = host.get_device(A1)["ProfileDigest"]
    wait_for(lambda: host.get_device(A1)["ProfileDigest"] != digest or host.migrate(A1) == [A2], "the late answer")
    assert host.reserved() in ({}, {A2: "vm"})


def test_late_answer_of_one_and_none_needed_of_another(start):
    """The policy for agents that fail does not let in what needs no device's answer to be refused."""
    host = start("hook-timeout = 2\non-agent-failure = accept")
    other = json.loads(host.profile())
    other["device"].update(kind="mdev", address=MDEV)
    xml = {kind: guest(hostdev(A1), hostdev(A2, 1), profiles={"hostdev0": host.profile(), "hostdev1": second})
           for kind, second in (("pci", host.profile()), ("mdev", json.dumps(other)))}
    host.queues(A1, 8, hold="true")
    assert host.ask("vm", "migrate", "begin", xml["pci"])[0]
    allowed, message, _ = host.ask("vm", "migrate", "begin", xml["mdev"])
    assert not allowed and message.startswith("accmig: refused vm: hostdev1: ") and message.endswith("[gate.kind]")
    host.broker.send("release")


# ---- two at once -----------------------------------------------------------------------------------------

def ask_both(host, first, second):
    """Asks for two guests while no device answers; returns both answers."""
    host.broker.drain()
    host.queues(A1, 8, hold="true")
    asking = [host.ask_async("vm", "migrate", "begin", first)]
    host.broker.wait_line(f"^Probe {re.escape(A1)}")
    asking.append(host.ask_async("vm2", "migrate", "begin", second))
    if "remap" in host.settings:
        host.broker.wait_line(f"^Probe {re.escape(A2)}")
    else:
        assert asking[1].stdout.read().startswith("False")
    host.broker.send("release")
    answers = [process.stdout.read().strip() for process in asking]
    assert [process.wait(SECONDS) for process in asking] == [0, 0]
    return answers


def test_two_at_once(start):
    """They never get the same device."""
    host = start("remap = any")
    answers = ask_both(host, host.incoming(A1), host.incoming(A1, name="vm2", uuid=OTHER_UUID))
    assert answers == ["True", "True"]
    assert host.reserved() == {A1: "vm", A2: "vm2"}


def test_two_at_once_and_one_device(start):
    """The second is refused while the first is still being looked at."""
    host = start("")
    answers = ask_both(host, host.incoming(A1), host.incoming(A1, name="vm2", uuid=OTHER_UUID))
    assert answers[0] == "True"
    assert host.reserved() == {A1: "vm"}


# ---- the XML ---------------------------------------------------------------------------------------------

ODD = """<?xml version="1.0"?>
<!-- {number} bus='0x75' -->
<domain type='qemu'  xmlns:q="urn:q"><name>vm</name><uuid>{uuid}</uuid><q:x bus="0x75"/>\r
<metadata>{metadata}</metadata><title><![CDATA[<address bus='0x75'/>]]> &amp; ä</title>
<memory>65536</memory><devices><graphics passwd='geheim'/>
<interface type='hostdev'  managed="no" ><source>\t<address function = "0x1" type='pci' slot="0x00"
 bus='0x75'/></source><address type='pci' domain='0x0000' bus='0x75' slot='0x00' function='0x1'/></interface>
<hostdev type="pci" mode='subsystem'><!-- <source/> --><source>
<address bus="117" domain="0" slot="0" function="2"/></source></hostdev></devices></domain>
"""


def test_nothing_else_changes(start):
    """Byte for byte, in a text as nobody would write it; also for an <interface type='hostdev'>."""
    host = start("remap = any")
    metadata = re.search(r"<metadata>(.*)</metadata>", host.incoming(A1, A2).decode())[1]
    xml = ODD.format(number=1, uuid=UUID, metadata=metadata)
    assert host.migrate(A1, A2, A3, name="vm2", uuid=OTHER_UUID) == [A1, A2, A3]
    allowed, message, new_xml = host.ask("vm", "migrate", "begin", xml.encode())
    assert allowed, message
    wanted = xml.replace(" bus='0x75'/></source>", " bus='0x76'/></source>").replace('bus="117"', 'bus="0x76"')
    assert new_xml.decode() == wanted


def test_named_devices_leave_it_alone(start):
    """No XML comes back that says nothing new; libvirt would mark the guest as tainted."""
    host = start("remap = any")
    assert host.ask("vm", "migrate", "begin", host.incoming(A1, A2)) == (True, "", b"")


def test_other_encoding(start):
    """Text that calls itself Latin-1 is not rewritten, and the guest is refused for that; unchanged it may come."""
    host = start("remap = any")
    latin = b"<?xml version='1.0' encoding='ISO-8859-1'?>"
    assert host.migrate(A1, name="vm2", uuid=OTHER_UUID) == [A1]
    allowed, message, _ = host.ask("vm", "migrate", "begin", latin + host.incoming(A1))
    assert not allowed
    assert message == ("accmig: refused vm: the guest cannot be given other devices: the XML says that it is in another "
                       "encoding, must be UTF-8 to be changed [gate.rewrite]")
    assert host.reserved() == {A1: "vm2"}
    assert host.ask("vm", "migrate", "begin", latin + host.incoming(A2)) == (True, "", b"")


def test_other_kind(start):
    """An mdev's state does not go into a VF."""
    host = start("remap = any")
    profile = json.loads(host.profile())
    profile["device"].update(kind="mdev", address=MDEV)
    xml = guest(hostdev(A1), profiles={"hostdev0": json.dumps(profile)})
    allowed, message, _ = host.ask("vm", "migrate", "begin", xml)
    assert not allowed and message == (f"accmig: refused vm: hostdev0: the device at the source is of kind mdev, {A1} is "
                                       "of kind pci [gate.kind]")


# ---- what is told ----------------------------------------------------------------------------------------

def test_record_names_the_device(start):
    """And the journal says that it is another."""
    host = start("remap = any")
    assert host.migrate(A1, name="vm2", uuid=OTHER_UUID) == [A1]
    assert host.migrate(A1) == [A2]
    record = json.loads(host.interface("Manager").DescribeMigration(dbus.UInt64(0)))
    assert [device["address"] for device in record["devices"]] == [A2]
    wait_for(lambda: any(f"“vm” gets {A2} for its hostdev0, in place of {A1}" in line for line in host.read_agent()),
             "the line")


def test_report(start):
    """CheckDomain says what would happen, and makes nothing happen."""
    host = start("remap = any")
    assert host.migrate(A1, name="vm2", uuid=OTHER_UUID) == [A1]
    hostdevs = [{"alias": f"hostdev{i}", "kind": "pci", "address": address, "managed": False,
                 "profile": json.loads(host.profile())} for i, address in enumerate((A1, A2))]
    description = {"format": "accmig-domain/1", "name": "vm", "hostdevs": hostdevs, "memory-nodes": [1]}

    def check():
        report = json.loads(host.interface("Manager").CheckDomain(json.dumps(description), timeout=SECONDS))
        return [(row["named"], row["target"], row["remapped"], row["outcome"]) for row in report["hostdevs"]]

    assert check() == [(A1, B1, True, "compatible"), (A2, A2, False, "compatible")]
    assert host.reserved() == {A1: "vm2"}
    del description["memory-nodes"]
    assert check() == [(A1, A3, True, "compatible"), (A2, A2, False, "compatible")]


@pytest.mark.parametrize("nodes", [[-1], [1024], [0.5], ["0"], [[]], [None], [0] * 1025],
                         ids=["negative", "too high", "fraction", "text", "array", "null", "too many"])
def test_bad_memory_nodes(start, nodes):
    """A description comes from another host."""
    host = start("")
    description = {"format": "accmig-domain/1", "name": "vm", "hostdevs": [], "memory-nodes": nodes}
    with pytest.raises(dbus.DBusException) as error:
        host.interface("Manager").CheckDomain(json.dumps(description), timeout=SECONDS)
    assert error.value.get_dbus_name() in (f"{NAME}.Error.Invalid", f"{NAME}.Error.Limit")


# ---- how long it holds -----------------------------------------------------------------------------------

def prepare(host, address, name="vm", uuid=UUID):
    """libvirt is about to start a guest; returns the objection."""
    allowed, message, _ = host.ask(name, "prepare", "begin", host.incoming(address, name=name, uuid=uuid))
    assert allowed == (message == "")
    return message


def test_prepare(start):
    """A guest that nobody asked about does not get what is promised to another."""
    host = start("remap = same-pf")
    assert host.migrate(A1, name="vm2", uuid=OTHER_UUID) == [A1]
    assert host.migrate(A1) == [A2]
    for address, domain in ((A1, "vm2"), (A2, "vm")):
        assert prepare(host, address, name="vm3", uuid=THIRD_UUID) == (
            f"accmig: refused vm3: hostdev0: {address} is reserved for domain “{domain}” [gate.reserved]")
    assert prepare(host, A3, name="vm3", uuid=THIRD_UUID) == ""
    assert prepare(host, A2) == ""
    assert host.reserved() == {A1: "vm2", A2: "vm", A3: "vm3"}


def test_prepare_of_what_libvirt_holds(start):
    """Whom it gives a device that it has given away already is libvirt's to say."""
    host = start("")
    assert prepare(host, A1) == ""
    assert prepare(host, A1, name="vm2", uuid=OTHER_UUID) == ""


def test_expiry(start):
    """A guest that does not come loses its device, and others may have it."""
    host = start("remap = any\nreservation-timeout = 10")
    assert host.migrate(A1, name="vm2", uuid=OTHER_UUID) == [A1]
    wait_for(lambda: host.reserved() == {}, "the end")
    assert host.get("Migration", "Phase", f"{ROOT}/migrations/1") == "failed"
    assert prepare(host, A1) == ""


def test_no_expiry_while_it_is_looked_at(start):
    """However short the time is: it must not end before the gate has answered."""
    host = start("reservation-timeout = 10\nhook-timeout = 13")
    host.queues(A1, 8, hold="true")
    allowed, message, _ = host.ask("vm", "migrate", "begin", host.incoming(A1))
    assert not allowed and message.endswith("[gate.on-agent-failure]")
    assert host.get("Migration", "Phase", f"{ROOT}/migrations/1") == "refused"
    host.broker.send("release")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["end", "kill"])
def test_restart(start, how):
    """Promises are the host's, not the process's: the next agent keeps them, and its record of them."""
    host = start("remap = any\nreservation-timeout = 20")
    assert host.migrate(A1, name="vm2", uuid=OTHER_UUID) == [A1]
    assert host.migrate(A1) == [A2]
    host.agent.stop(how)
    host.start_agent(host.programs[0])
    assert host.reserved() == {A1: "vm2", A2: "vm"}
    host.wait_connected()
    assert prepare(host, A1, name="vm3", uuid=THIRD_UUID) != ""
    assert host.migrate(A1, name="vm3", uuid=THIRD_UUID) == [A3]
    for number in (1, 2):
        assert host.get("Migration", "Phase", f"{ROOT}/migrations/{number}") == "accepted"
    assert prepare(host, A2) == ""
    assert host.get("Migration", "Phase", f"{ROOT}/migrations/2") == "starting"
    wait_for(lambda: host.owner(A1)[0] == "free", "the end of what was promised before")
    assert host.get("Migration", "Phase", f"{ROOT}/migrations/1") == "failed"


# ---- mdevs -----------------------------------------------------------------------------------------------

class MttyHost(AccHost):
    """A host that can make mdevs."""

    def __enter__(self):
        super().__enter__()
        self.broker.set_device("mtty", **{"hold-CreateMdev": "true"})
        self.sysfs.add_mdev_bus("mtty", "mtty-1", 2)
        return self

    def add_mdev(self, uuid):
        self.sysfs.add_mtty(uuid)
        self.broker.set_device(uuid, flags=3)

    def source(self):
        """What a source says of an mdev like those here."""
        self.add_mdev(OTHER_MDEV)
        self.ask("x", "migrate", "begin", guest(hostdev(A1)))  # the gate looks at sysfs
        self.wait_probed(OTHER_MDEV)
        return str(self.interface("Manager").GetProfile(OTHER_MDEV))


def mdev_guest(profile, uuid=MDEV):
    """A guest with one mdev."""
    return guest("<hostdev mode='subsystem' type='mdev' managed='no' model='vfio-pci'>"
                 f"<source><address uuid='{uuid}'/></source><alias name='hostdev0'/></hostdev>",
                 profiles={"hostdev0": profile})


@pytest.fixture(name="start_mtty")
def make_start_mtty(programs):
    hosts = []

    def start(settings):
        hosts.append(MttyHost(programs, settings))
        return hosts[-1].__enter__()

    yield start
    for host in hosts:
        host.__exit__(None, None, None)


def test_free_mdev(start_mtty):
    """One of the type is taken before another is made."""
    host = start_mtty("remap = any\ncreate-mdev = yes")
    allowed, message, new_xml = host.ask("vm", "migrate", "begin", mdev_guest(host.source()))
    assert allowed, message
    assert f"<address uuid='{OTHER_MDEV}'/>".encode() in new_xml


def make_mdev(host, xml):
    """Lets a guest come for which an mdev has to be made. Returns its UUID and the gate's answer."""
    asking = host.ask_async("vm", "migrate", "begin", xml)
    host.broker.wait_line("^CreateMdev mtty$")
    assert host.broker.wait_line("^word") == "word mtty-1"
    uuid = host.broker.wait_line("^word").removeprefix("word ")
    host.add_mdev(uuid)
    host.broker.send("release")
    answer = asking.stdout.read().strip()
    assert asking.wait(SECONDS) == 0
    return uuid, answer


def test_mdev_is_made(start_mtty):
    """With the UUID that the XML names; and unmade when the guest does not come."""
    host = start_mtty("create-mdev = yes")
    xml = mdev_guest(host.source())
    assert make_mdev(host, xml) == (MDEV, "True")
    assert host.owner(MDEV) == ("reserved", "vm")
    host.broker.drain()
    assert host.ask("vm", "prepare", "begin", xml)[0]
    assert not [line for line in host.broker.drain() if line.startswith("RemoveMdev")]
    assert host.ask("vm", "release", "end", xml, extra="failed")[0]
    host.broker.wait_line(f"^RemoveMdev {MDEV}$")


def test_mdev_is_made_beside_another(start_mtty):
    """The UUID is there already, and not free: the guest gets another one, where it may."""
    host = start_mtty("create-mdev = yes\nremap = any")
    profile = host.source()
    assert host.ask("vm2", "prepare", "begin", mdev_guest(profile, OTHER_MDEV).replace(
        UUID.encode(), OTHER_UUID.encode()))[0]
    uuid, answer = make_mdev(host, mdev_guest(profile, OTHER_MDEV))
    assert answer == "True"
    assert uuid not in (MDEV, OTHER_MDEV)
    assert host.owner(uuid) == ("reserved", "vm")


def test_mdev_is_there_for_the_next_attempt(start_mtty):
    """The guest did not come, and tries again: what was made for it is not unmade under it."""
    host = start_mtty("create-mdev = yes")
    xml = mdev_guest(host.source())
    assert make_mdev(host, xml) == (MDEV, "True")
    assert host.ask("vm", "migrate", "begin", xml) == (True, "", b"")
    assert host.get("Migration", "Phase", f"{ROOT}/migrations/2") == "lost"
    assert host.owner(MDEV) == ("reserved", "vm")
    assert not [line for line in host.broker.drain() if line.startswith("RemoveMdev")]
    assert host.ask("vm", "prepare", "begin", xml)[0]
    assert host.ask("vm", "release", "end", xml, extra="failed")[0]
    host.broker.wait_line(f"^RemoveMdev {MDEV}$")


@pytest.mark.parametrize("until", [None, 1], ids=["later", "meanwhile"])
def test_mdev_is_unmade_after_a_restart(start_mtty, until):
    """Whoever made it, and also when its time ended while nobody was there to end it."""
    host = start_mtty("create-mdev = yes\nreservation-timeout = 10")
    assert make_mdev(host, mdev_guest(host.source())) == (MDEV, "True")
    host.agent.stop(signal.SIGKILL)
    path = host.state / "reservations.json"
    reservations = json.loads(path.read_text())
    reservations["reservations"][MDEV]["until"] = until or reservations["reservations"][MDEV]["until"]
    path.write_text(json.dumps(reservations))
    host.start_agent(host.programs[0])
    host.wait_connected()
    host.broker.wait_line(f"^RemoveMdev {MDEV}$")


def test_mdev_is_not_made(start_mtty):
    """Where the setting does not say so."""
    host = start_mtty("remap = any")
    profile = host.source()
    assert host.ask("vm2", "prepare", "begin", mdev_guest(profile, OTHER_MDEV).replace(
        UUID.encode(), OTHER_UUID.encode()))[0]
    allowed, message, _ = host.ask("vm", "migrate", "begin", mdev_guest(profile))
    assert not allowed
    assert message == (f"accmig: refused vm: hostdev0: no device {MDEV} on this host, and no other that the guest may have "
                       "is free and fits [gate.no-device]")
    assert not [line for line in host.broker.drain() if line.startswith("CreateMdev")]


def test_mdev_cannot_be_made(start_mtty):
    """The broker's word is passed on."""
    host = start_mtty("create-mdev = yes")
    xml = mdev_guest(host.source())
    host.broker.set_device("mtty", error=f"{NAME}.Error.Limit")
    allowed, message, _ = host.ask("vm", "migrate", "begin", xml)
    assert not allowed
    assert message == (f"accmig: refused vm: hostdev0: no device {MDEV} on this host; none could be made: mtty was told to "
                       "fail [gate.no-device]")
    host.broker.drain()
    host.ask("x", "migrate", "begin", guest(hostdev(A1)))
    host.broker.wait_line(f"^Probe {A1}$")
    assert not [line for line in host.broker.seen if line.startswith("RemoveMdev")]  # it would be another's


def test_report_of_an_mdev_to_be_made(start_mtty):
    """A check makes none, so it cannot know."""
    host = start_mtty("create-mdev = yes")
    row = {"alias": "hostdev0", "kind": "mdev", "address": MDEV, "managed": False, "profile": json.loads(host.source())}
    description = {"format": "accmig-domain/1", "name": "vm", "hostdevs": [row]}
    report = json.loads(host.interface("Manager").CheckDomain(json.dumps(description), timeout=SECONDS))
    [row] = report["hostdevs"]
    assert (row["outcome"], row["rule"]) == ("unknown", "gate.create-mdev")
    assert row["sentence"] == "an mdev of type mtty-1 would be made on mtty"
    assert not [line for line in host.broker.drain() if line.startswith("CreateMdev")]
