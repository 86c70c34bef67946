# SPDX-License-Identifier: GPL-2.0-or-later
"""The gate: what it answers, what it reserves, and that it never keeps libvirt waiting."""

import contextlib
import json
import re
import time

import dbus
import dbus.lowlevel
import pytest

from agent import NAME, ROOT, SECONDS, Host, wait_for
from conftest import SEC_PF, SEC_VFS, acc_match
from guest import OTHER_UUID, UUID, guest, hostdev

pytestmark = pytest.mark.timeout(6 * SECONDS)


def source_profile(host, **changes):
    """The profile of a source's device: like this host's first one, with changes to its family's part."""
    wait_for(lambda: host.get_device(SEC_VFS[0])["Migration"], "the probe")
    profile = json.loads(host.interface("Manager").GetProfile(SEC_VFS[0]))
    profile["hisi_acc"].update(changes)
    return json.dumps(profile)


def incoming(host, *addresses, uuid=UUID, **changes):
    """A guest on its way here."""
    profile = source_profile(host, **changes)
    return guest(*(hostdev(a, i) for i, a in enumerate(addresses)), uuid=uuid,
                 profiles={f"hostdev{i}": profile for i in range(len(addresses))})


def phase(host, number=1):
    """Of a migration."""
    return str(host.get("Migration", "Phase", f"{ROOT}/migrations/{number}"))


def owner(host, address):
    """Of a device."""
    device = host.get_device(address)
    return str(device["Owner"]), str(device["Domain"])


def test_no_devices_no_record(acc_host):
    """A domain without VFIO hostdevs."""
    assert acc_host.ask("vm", "migrate", "begin", guest()) == (True, "", b"")
    assert len(acc_host.interface("Manager").ListMigrations(dbus.UInt32(10))) == 0


def test_accept_reserves(acc_host):
    """Until the attempt ends."""
    xml = incoming(acc_host, SEC_VFS[1])
    assert acc_host.ask("vm", "migrate", "begin", xml) == (True, "", b"")
    assert owner(acc_host, SEC_VFS[1]) == ("reserved", "vm")
    assert phase(acc_host) == "accepted"
    for operation in ("prepare", "start", "started"):
        assert acc_host.ask("vm", operation, "begin", xml)[0]
    assert phase(acc_host) == "starting"
    for operation in ("stopped", "release"):
        assert acc_host.ask("vm", operation, "end", xml, extra="failed")[0]
    assert owner(acc_host, SEC_VFS[1]) == ("free", "")
    assert phase(acc_host) == "failed"


def test_refusal_is_one_exact_line(acc_host):
    """Domain, hostdev, sentence, rule; nothing stays reserved."""
    allowed, message, _ = acc_host.ask("vm", "migrate", "begin", incoming(acc_host, SEC_VFS[1], **{"qp-num": 4}))
    assert not allowed
    assert message == (f"accmig: refused vm: hostdev0: queue count differs: source has 4, {SEC_VFS[1]} has 8 "
                       "[hisi_acc.qp-num]")
    assert owner(acc_host, SEC_VFS[1]) == ("free", "")
    assert phase(acc_host) == "refused"
    cause = acc_host.get("Migration", "Cause", f"{ROOT}/migrations/1")
    assert "queue count differs" in cause


def test_target_is_asked_afresh(acc_host):
    """What was true when the agent started is not what counts."""
    xml = incoming(acc_host, SEC_VFS[1])
    acc_host.broker.set_device(SEC_VFS[1], flags=5, size=176, match=acc_match(16))
    allowed, message, _ = acc_host.ask("vm", "migrate", "begin", xml)
    assert not allowed and "source has 8" in message and "has 16" in message


@pytest.mark.parametrize("address, sentence", [
    ("0000:75:00.7", "no device 0000:75:00.7 on this host"),
    (SEC_PF, f"no device {SEC_PF} on this host"),
])
def test_no_such_target(acc_host, address, sentence):
    """A PF is nothing that a guest gets either."""
    allowed, message, _ = acc_host.ask("vm", "migrate", "begin", incoming(acc_host, address))
    assert not allowed and sentence in message


def test_every_hostdev_counts(acc_host):
    """The second one is not there; the first one is let go again."""
    allowed, message, _ = acc_host.ask("vm", "migrate", "begin", incoming(acc_host, SEC_VFS[0], "0000:75:00.7"))
    assert not allowed and message.startswith("accmig: refused vm: hostdev1: no device")
    assert owner(acc_host, SEC_VFS[0]) == ("free", "")


def test_reserved_for_another(acc_host):
    """First come, first served."""
    assert acc_host.ask("vm", "migrate", "begin", incoming(acc_host, SEC_VFS[0]))[0]
    allowed, message, _ = acc_host.ask("vm2", "migrate", "begin", incoming(acc_host, SEC_VFS[0], uuid=OTHER_UUID))
    assert not allowed and "is reserved for domain “vm”" in message
    assert owner(acc_host, SEC_VFS[0]) == ("reserved", "vm")


def test_libvirt_keeps_what_it_took(acc_host):
    """From prepare on, devices are libvirt's until it says otherwise: no other answer of the gate's lets go of them."""
    xml = incoming(acc_host, SEC_VFS[1])
    assert acc_host.ask("vm", "migrate", "begin", xml)[0]
    assert acc_host.ask("vm", "prepare", "begin", xml)[0]
    assert not acc_host.ask("vm", "migrate", "begin", incoming(acc_host, SEC_VFS[1], **{"qp-num": 4}))[0]
    assert owner(acc_host, SEC_VFS[1]) == ("reserved", "vm")
    allowed, message, _ = acc_host.ask("vm2", "migrate", "begin", incoming(acc_host, SEC_VFS[1], uuid=OTHER_UUID))
    assert not allowed and "is reserved for domain “vm”" in message
    assert acc_host.ask("vm", "release", "end", xml)[0]
    assert owner(acc_host, SEC_VFS[1]) == ("free", "")


def test_busy_target(acc_host):
    """Some other program has it open."""
    xml = incoming(acc_host, SEC_VFS[1])
    acc_host.broker.set_device(SEC_VFS[1], error=f"{NAME}.Error.Busy")
    allowed, message, _ = acc_host.ask("vm", "migrate", "begin", xml)
    assert not allowed and f"{SEC_VFS[1]} is in use" in message


def test_broker_has_too_much_to_do(acc_host):
    """That says nothing of the device, least of all that somebody has it."""
    xml = incoming(acc_host, SEC_VFS[1])
    acc_host.broker.set_device(SEC_VFS[1], error=f"{NAME}.Error.Limit")
    allowed, message, _ = acc_host.ask("vm", "migrate", "begin", xml)
    assert not allowed and "could not be asked" in message and "[gate.on-unknown]" in message


def test_host_driver_needs_managed(acc_host):
    """libvirt takes a device from its host's driver only if it manages it."""
    xml = incoming(acc_host, SEC_VFS[1])
    acc_host.sysfs.bind(SEC_VFS[1], "hisi_sec2", vfio=False)
    allowed, message, _ = acc_host.ask("vm", "migrate", "begin", xml)
    assert not allowed and "hisi_sec2" in message and "[gate.not-free]" in message


def test_damaged_profile(acc_host):
    """Ours, but not readable."""
    xml = guest(hostdev(SEC_VFS[0]), profiles={"hostdev0": '{"format": "accmig-profile/2"}'})
    allowed, message, _ = acc_host.ask("vm", "migrate", "begin", xml)
    assert not allowed and "[gate.profile]" in message and message.count("\n") == 0


@pytest.mark.parametrize("policy, allowed", [("refuse", False), ("accept", True)])
def test_missing_profile(programs, policy, allowed):
    """A source without agent: the setting decides."""
    with Host(settings=f"[gate]\non-no-profile = {policy}\n") as host:
        host.sysfs.add_pf(SEC_PF)
        host.sysfs.add_vf(SEC_PF, 0, SEC_VFS[0])
        host.sysfs.bind(SEC_VFS[0], "hisi_acc_vfio_pci")
        host.start_broker(programs[1]).set_device(SEC_VFS[0], flags=5, match=acc_match(8))
        host.start_agent(programs[0])
        host.wait_connected()
        answer = host.ask("vm", "migrate", "begin", guest(hostdev(SEC_VFS[0])))
        assert answer[0] is allowed
        assert allowed or "[gate.on-no-profile]" in answer[1]
        assert owner(host, SEC_VFS[0])[0] == ("reserved" if allowed else "free")


def test_broker_is_gone(acc_host):
    """The target cannot be asked: unknown, and the message says why. What cannot be right is refused as such."""
    good, bad = incoming(acc_host, SEC_VFS[1]), incoming(acc_host, SEC_VFS[1], **{"qp-num": 4})
    wait_for(lambda: acc_host.get_device(SEC_VFS[1])["Migration"], "the second probe")
    acc_host.broker.stop()
    wait_for(lambda: not acc_host.get("Manager", "BrokerConnected"), "the loss")
    allowed, message, _ = acc_host.ask("vm", "migrate", "begin", good)
    assert not allowed and "the broker does not answer" in message and "[gate.on-unknown]" in message
    assert "[hisi_acc.qp-num]" in acc_host.ask("vm", "migrate", "begin", bad)[1]


def test_broker_comes_back(acc_host, programs):
    """The agent finds it by itself."""
    acc_host.broker.stop()
    wait_for(lambda: not acc_host.get("Manager", "BrokerConnected"), "the loss")
    acc_host.start_broker(programs[1])
    wait_for(lambda: acc_host.get("Manager", "BrokerConnected"), "the broker")


def test_answer_in_time(programs):
    """A device that does not answer costs the hook's time less a second, and no more."""
    with Host(settings="[gate]\nhook-timeout = 3\n") as host:
        host.sysfs.add_pf(SEC_PF)
        host.sysfs.add_vf(SEC_PF, 0, SEC_VFS[0])
        host.sysfs.bind(SEC_VFS[0], "hisi_acc_vfio_pci")
        host.start_broker(programs[1]).set_device(SEC_VFS[0], flags=5, match=acc_match(8))
        host.start_agent(programs[0])
        host.wait_connected()
        xml = incoming(host, SEC_VFS[0])
        host.broker.set_device(SEC_VFS[0], flags=5, match=acc_match(8), hold="true")
        begin = time.monotonic()
        allowed, message, _ = host.ask("vm", "migrate", "begin", xml)
        assert not allowed and "[gate.on-agent-failure]" in message
        assert 1.9 < time.monotonic() - begin < 10
        assert owner(host, SEC_VFS[0]) == ("free", "")
        host.broker.send("release")


def test_lookers_do_not_hold_up_the_gate(acc_host):
    """Anybody may ask for states, as often as they like; most are turned away, and the gate answers."""
    xml = incoming(acc_host, SEC_VFS[1])
    looked_at = {"flags": 5, "match": acc_match(8), "pid": 4711, "state": "running"}
    acc_host.broker.set_device(SEC_VFS[0], **looked_at, hold="true")
    crowd = acc_host.connect()
    for _ in range(100):
        call = dbus.lowlevel.MethodCallMessage(NAME, ROOT, f"{NAME}.Manager", "GetState")
        call.append(SEC_VFS[0], signature="s")
        crowd.send_message(call)
    crowd.flush()
    for _ in range(32):
        acc_host.broker.wait_line(f"^Peek {re.escape(SEC_VFS[0])}")
    with pytest.raises(dbus.DBusException) as error:
        acc_host.interface("Manager").GetState(SEC_VFS[0], timeout=SECONDS)
    assert error.value.get_dbus_name() == f"{NAME}.Error.Limit"
    assert acc_host.ask("vm", "migrate", "begin", xml)[0]
    acc_host.broker.set_device(SEC_VFS[0], **looked_at)
    acc_host.broker.send("release")
    assert not [line for line in acc_host.broker.drain() if line.startswith("Peek")]

    def state():
        with contextlib.suppress(dbus.DBusException):
            return acc_host.interface("Manager").GetState(SEC_VFS[0], timeout=SECONDS)

    wait_for(lambda: state() == "running", "room")
    crowd.close()


def test_hook_waits_for_the_probe(acc_host):
    """libvirt's start is answered when we have let go of the device, not before."""
    xml = incoming(acc_host, SEC_VFS[0])
    for address in SEC_VFS:
        acc_host.broker.wait_line(f"^Probe {re.escape(address)}")  # the agent's own
    wait_for(lambda: acc_host.get_device(SEC_VFS[1])["Migration"], "the second probe")
    acc_host.broker.set_device(SEC_VFS[0], flags=5, match=acc_match(8), hold="true")
    asking = acc_host.ask_async("vm", "migrate", "begin", xml)
    acc_host.broker.wait_line(f"^Probe {re.escape(SEC_VFS[0])}")
    starting = acc_host.ask_async("vm", "prepare", "begin", xml)
    wait_for(lambda: owner(acc_host, SEC_VFS[0])[0] == "reserved", "the reservation")
    assert starting.poll() is None
    acc_host.broker.send("release")
    assert starting.stdout.read().startswith("True") and asking.stdout.read().startswith("True")
    assert starting.wait(SECONDS) == 0 and asking.wait(SECONDS) == 0


def test_one_attempt_at_a_time(acc_host):
    """A second question about the same domain while the first is open."""
    xml = incoming(acc_host, SEC_VFS[0])
    acc_host.broker.wait_line(f"^Probe {re.escape(SEC_VFS[0])}")  # the agent's own
    acc_host.broker.set_device(SEC_VFS[0], flags=5, match=acc_match(8), hold="true")
    first = acc_host.ask_async("vm", "migrate", "begin", xml)
    acc_host.broker.wait_line(f"^Probe {re.escape(SEC_VFS[0])}")
    allowed, message, _ = acc_host.ask("vm", "migrate", "begin", xml)
    assert not allowed and "[gate.twice]" in message
    acc_host.broker.send("release")
    assert first.stdout.read().startswith("True") and first.wait(SECONDS) == 0


def test_other_words_are_allowed(acc_host):
    """Whatever libvirt comes up with."""
    for operation, suboperation in (("reconnect", "begin"), ("attach", "begin"), ("restore", "begin"), ("", ""),
                                    ("migrate", "end"), ("prepare", "begin")):
        assert acc_host.ask("vm", operation, suboperation, b"\xff\xfe not xml") == (True, "", b"")


def test_devices_come_and_go(acc_host):
    """The gate looks at sysfs afresh; objects follow."""
    acc_host.sysfs.add_vf(SEC_PF, 2, "0000:75:00.3")
    acc_host.sysfs.bind("0000:75:00.3", "hisi_acc_vfio_pci")
    acc_host.broker.set_device("0000:75:00.3", flags=5, match=acc_match(8))
    assert acc_host.ask("vm", "migrate", "begin", incoming(acc_host, "0000:75:00.3"))[0]
    assert owner(acc_host, "0000:75:00.3") == ("reserved", "vm")
    acc_host.sysfs.remove_vf(SEC_PF, 2, "0000:75:00.3")
    acc_host.ask("vm2", "migrate", "begin", incoming(acc_host, SEC_VFS[0], uuid=OTHER_UUID))
    objects = acc_host.interface("org.freedesktop.DBus.ObjectManager").GetManagedObjects(timeout=SECONDS)
    assert f"{ROOT}/devices/0000_75_00_3" not in objects


# ---- probe-at-start --------------------------------------------------------------------------------------

TRIES = 3  # of what a busy machine may spoil


@pytest.fixture(name="starting")
def make_starting(programs):
    """Hosts whose two VFs have no driver yet: libvirt manages them."""
    with contextlib.ExitStack() as stack:
        def start(settings="probe-at-start = yes\n"):
            host = stack.enter_context(Host(f"[gate]\n{settings}"))
            host.sysfs.add_pf(SEC_PF)
            broker = host.start_broker(programs[1])
            for index, address in enumerate(SEC_VFS):
                host.sysfs.add_vf(SEC_PF, index, address)
                broker.set_device(address, flags=5, size=176, match=acc_match(8))
            host.start_agent(programs[0])
            host.wait_connected()
            return host
        yield start


MANAGED = guest(*(hostdev(address, i, managed=True) for i, address in enumerate(SEC_VFS)))


def bind(host):
    """What libvirt does between prepare and start."""
    assert host.ask("vm", "prepare", "begin", MANAGED) == (True, "", b"")
    for address in SEC_VFS:
        host.sysfs.bind(address, "hisi_acc_vfio_pci")


def probes(host):
    """Devices that the broker was asked to open since last time."""
    return sorted(line.split()[1] for line in host.broker.drain() if line.startswith("Probe "))


def time_start(host):
    """The seconds for which libvirt waits until it may start QEMU."""
    begin = time.monotonic()
    assert host.ask("vm", "start", "begin", MANAGED) == (True, "", b"")
    return time.monotonic() - begin


def match_of(host, address):
    """The match data in a device's profile, if it has some."""
    return json.loads(host.interface("Manager").GetProfile(address))["device"].get("match")


@pytest.mark.parametrize("setting, asked", [("yes", SEC_VFS), ("no", [])], ids=["yes", "no"])
def test_probe_at_start(starting, setting, asked):
    """Between libvirt's binding of the driver and QEMU's opening of the device, where the operator wants it."""
    host = starting(f"probe-at-start = {setting}\n")
    bind(host)
    assert host.ask("vm", "start", "begin", MANAGED) == (True, "", b"")
    assert probes(host) == asked
    assert owner(host, SEC_VFS[0]) == ("reserved", "vm")
    if asked:
        assert [match_of(host, address) for address in SEC_VFS] == [acc_match(8)] * 2


def test_start_waits_for_all_at_once(starting):
    """Both are open at the same time, and QEMU waits for both."""
    host = starting()
    bind(host)
    for address in SEC_VFS:
        host.broker.set_device(address, flags=5, size=176, match=acc_match(8), hold="true")
    starts = host.ask_async("vm", "start", "begin", MANAGED)
    for _ in SEC_VFS:
        host.broker.wait_line("^Probe ")
    assert starts.poll() is None
    host.broker.send("release")
    assert starts.stdout.read().startswith("True") and starts.wait(SECONDS) == 0
    assert match_of(host, SEC_VFS[1]) == acc_match(8)


def test_start_is_answered_in_time(starting):
    """A device that does not answer costs the hook's time less a second, and the guest starts: the hook is still there.
    A busy machine holds a process up now and then; an agent that is late by itself is so every time."""
    for _ in range(TRIES):
        host = starting("probe-at-start = yes\nhook-timeout = 5\n")
        bind(host)
        host.broker.set_device(SEC_VFS[0], flags=5, hold="true")
        seconds = time_start(host)
        if seconds < 5:
            break
    assert 3.9 < seconds < 5
    assert match_of(host, SEC_VFS[0]) is None and match_of(host, SEC_VFS[1]) == acc_match(8)
    host.broker.send("release")


@pytest.mark.parametrize("error", ["Busy", "Unsupported", "Failed"])
def test_start_despite_failure(starting, error):
    """One line, whatever it is and however many there are."""
    host = starting()
    bind(host)
    for address in SEC_VFS:
        host.broker.set_device(address, error=f"{NAME}.Error.{error}")
    assert host.ask("vm", "start", "begin", MANAGED) == (True, "", b"")
    assert probes(host) == SEC_VFS
    line = host.agent.wait_line(f"could not be asked, the first of them {re.escape(SEC_VFS[0])}: ")
    assert "2 devices of a guest that starts" in line


def test_start_without_broker(starting):
    """Nobody can ask, and nobody waits."""
    host = starting("probe-at-start = yes\nhook-timeout = 20\n")
    bind(host)
    host.broker.stop()
    wait_for(lambda: not host.get("Manager", "BrokerConnected"), "the loss")
    assert time_start(host) < 5


def test_start_again(starting):
    """A guest that is stopped and started at once, faster than the kernel's events: a binding is asked once, another one
    by the same name again."""
    host = starting()
    bind(host)
    for expected in (SEC_VFS, []):
        assert host.ask("vm", "start", "begin", MANAGED)[0]
        assert probes(host) == expected
    for address in SEC_VFS:
        host.sysfs.unbind(address)
        host.broker.set_device(address, flags=5, size=176, match=acc_match(16))
    assert host.ask("vm", "release", "end", MANAGED)[0]
    bind(host)
    assert host.ask("vm", "start", "begin", MANAGED)[0]
    assert probes(host) == SEC_VFS
    assert match_of(host, SEC_VFS[0]) == acc_match(16)


def test_start_of_what_the_gate_asked(starting):
    """A guest that comes: the gate opened the device that has its driver, and not the one that libvirt binds."""
    host = starting("probe-at-start = yes\non-no-profile = accept\n")
    host.sysfs.bind(SEC_VFS[0], "hisi_acc_vfio_pci")
    assert host.ask("vm", "migrate", "begin", MANAGED)[0]
    assert probes(host) == SEC_VFS[:1]
    assert host.ask("vm", "prepare", "begin", MANAGED)[0]
    host.sysfs.bind(SEC_VFS[1], "hisi_acc_vfio_pci")
    assert host.ask("vm", "start", "begin", MANAGED)[0]
    assert probes(host) == SEC_VFS[1:]


def test_start_leaves_the_hosts_driver_alone(starting):
    """Whatever libvirt says."""
    host = starting()
    for address in SEC_VFS:
        host.sysfs.bind(address, "hisi_sec2", vfio=False)
    assert host.ask("vm", "prepare", "begin", MANAGED)[0]
    assert host.ask("vm", "start", "begin", MANAGED)[0]
    assert probes(host) == []
