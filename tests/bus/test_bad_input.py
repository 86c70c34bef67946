# SPDX-License-Identifier: GPL-2.0-or-later
"""Whatever comes in: an answer, the same memory as before, and an agent that goes on."""

import json
import random
import subprocess

import dbus
import pytest

from agent import NAME, PYTHON, ROOT, SECONDS
from conftest import SEC_VFS
from guest import guest, hostdev

pytestmark = pytest.mark.timeout(10 * SECONDS)

MIB = 1024 * 1024
ENTITIES = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))
BOMB = f'<!DOCTYPE d [<!ENTITY l0 "x">{ENTITIES}]><domain><name>&l9;</name></domain>'.encode()
OUTSIDE = b'<!DOCTYPE d [<!ENTITY e SYSTEM "file:///etc/passwd">]><domain><name>&e;</name></domain>'
NOISE = random.Random(1).randbytes(MIB)

BAD_XML = {
    "noise": NOISE,
    "empty": b"",
    "zeros": bytes(MIB),
    "entity bomb": BOMB,
    "external entity": OUTSIDE,
    "deep": b"<domain>" * 100000,
    "wrong UTF-8": b"<domain><name>\xff\xfe\xc0\xaf</name></domain>",
    "too large": b"<domain><name>vm</name><!--" + b"x" * MIB + b"--></domain>",
    "truncated": guest(hostdev(SEC_VFS[0]))[:-20],
    "65 hostdevs": guest(*(hostdev(SEC_VFS[0], i) for i in range(65))),
    "address too far": guest(hostdev("0000:75:00.1")).replace(b"0x75", b"0x1ff"),
}


@pytest.mark.parametrize("kind", BAD_XML)
def test_bad_xml(acc_host, kind):
    """Refused with one sentence that repeats nothing of it."""
    allowed, message, new_xml = acc_host.ask("vm", "migrate", "begin", BAD_XML[kind])
    assert not allowed and not new_xml
    assert message.startswith("accmig: refused vm: ") and message.count("\n") == 0 and len(message) < 500
    assert "root:" not in message
    assert acc_host.get("Manager", "HypervisorConnected")


def test_hostile_names(acc_host):
    """A line stays a line; a long word is an error."""
    allowed, message, _ = acc_host.ask("vm\naccepted\x1b[31m\x9b32mä", "migrate", "begin", b"<")
    assert not allowed and message.isprintable() and "[31m 32mä" in message
    with pytest.raises(dbus.DBusException) as error:
        acc_host.ask("x" * 5000, "migrate", "begin", b"<domain/>")
    assert error.value.get_dbus_name() == f"{NAME}.Error.Limit"


def hostdevs(count, **changes):
    """The hostdevs of a description."""
    row = {"alias": "hostdev0", "kind": "pci", "address": SEC_VFS[0], "managed": False, "profile": None}
    return [dict(row, **changes)] * count


def description(**changes):
    """A description, as text."""
    return json.dumps({"format": "accmig-domain/1", "name": "vm", "uuid": "", "hostdevs": hostdevs(1), **changes})


BAD_DESCRIPTIONS = {
    "empty": ("", "Invalid"),
    "not JSON": ("hello", "Invalid"),
    "an array": ("[]", "Invalid"),
    "deep": ("[" * 100000, "Limit"),
    "deep in a comment": ('/*"*/' + "[" * 100000, "Invalid"),
    "deep in single quotes": ("{'\"': " + "[" * 100000, "Invalid"),
    "too large": (json.dumps({"format": "x" * MIB}), "Limit"),
    "open string": ('{"format": "acc', "Invalid"),
    "no format": ("{}", "Invalid"),
    "next version": (description(format="accmig-domain/2"), "Invalid"),
    "no name": (description(name=None), "Invalid"),
    "long name": (description(name="x" * 1000), "Invalid"),
    "no hostdevs": (description(hostdevs=None), "Invalid"),
    "hostdevs of another type": (description(hostdevs={"a": 1}), "Invalid"),
    "hostdev of another type": (description(hostdevs=[7]), "Invalid"),
    "65 hostdevs": (description(hostdevs=hostdevs(65)), "Limit"),
    "alias with a path": (description(hostdevs=hostdevs(1, alias="../x")), "Invalid"),
    "alias of another type": (description(hostdevs=hostdevs(1, alias=["x"])), "Invalid"),
    "address with a path": (description(hostdevs=hostdevs(1, address="../../x")), "Invalid"),
    "address of another kind": (description(hostdevs=hostdevs(1, kind="mdev")), "Invalid"),
    "profile is a number": (description(hostdevs=hostdevs(1, profile=7)), "Invalid"),
}


@pytest.mark.parametrize("kind", BAD_DESCRIPTIONS)
def test_bad_description(acc_host, kind):
    """An error with a name."""
    text, name = BAD_DESCRIPTIONS[kind]
    with pytest.raises(dbus.DBusException) as error:
        acc_host.interface("Manager").CheckDomain(text, timeout=SECONDS)
    assert error.value.get_dbus_name() == f"{NAME}.Error.{name}", error.value


def test_bad_profile_in_description(acc_host):
    """Is that hostdev's refusal, not an error."""
    text = description(hostdevs=hostdevs(1, profile={"format": "accmig-profile/9"}))
    report = json.loads(acc_host.interface("Manager").CheckDomain(text, timeout=SECONDS))
    assert report["outcome"] == "incompatible" and report["hostdevs"][0]["rule"] == "gate.profile"


def test_caller_goes_away(acc_host):
    """Nobody is left to answer when libvirt has."""
    program = ("import sys, os, dbus, dbus.lowlevel; bus = dbus.bus.BusConnection(sys.argv[1]);"
               "m = dbus.lowlevel.MethodCallMessage('org.accmig1', '/org/accmig1', 'org.accmig1.Manager', 'DescribeDomain');"
               "m.append('test', signature='s'); bus.send_message(m); bus.flush(); os._exit(0)")
    for _ in range(5):
        subprocess.run([PYTHON, "-c", program, acc_host.address], check=True, timeout=SECONDS)
    assert acc_host.get("Manager", "HypervisorConnected")


def test_memory_is_flat(acc_host):
    """A thousand bad calls, after a first round that fills caches and arenas."""
    manager, objects = acc_host.interface("Manager"), acc_host.interface("org.freedesktop.DBus.ObjectManager")

    def bad_round(n):
        for i in range(n):
            acc_host.ask("vm", "migrate", "begin", (BOMB, b"<domain>" * 2000, NOISE[:65536])[i % 3])
            for call, argument in ((manager.CheckDomain, "[" * 1000), (manager.GetProfile, "nonsense"),
                                   (manager.DescribeDomain, "nobody")):
                with pytest.raises(dbus.DBusException):
                    call(argument, timeout=SECONDS)
        objects.GetManagedObjects(timeout=SECONDS)

    bad_round(100)
    before = acc_host.resident_kib()
    bad_round(250)
    assert acc_host.resident_kib() - before < 1024, "1 MiB for 1,000 calls"


def test_broker_lies(acc_host):
    """The broker is trusted with privileges, not with sense."""
    acc_host.broker.set_device(SEC_VFS[0], flags=2**64 - 1, size=2**64 - 1, match="00" * 5000)
    allowed, message, _ = acc_host.ask("vm", "migrate", "begin", guest(hostdev(SEC_VFS[0]), profiles={}))
    assert not allowed and message
    acc_host.broker.set_device(SEC_VFS[0], flags=5, pid=1, state="dancing")
    with pytest.raises(dbus.DBusException):
        acc_host.interface("Manager").GetState(SEC_VFS[0], timeout=SECONDS)
    acc_host.broker.send("event not-a-uuid vm MIGRATION 99999999999999999999 {\"status\":\"active\"}")
    acc_host.broker.send("event not-a-uuid vm MIGRATION 1 " + "[" * 3000)
    assert acc_host.get_device(SEC_VFS[0])["Owner"] == "free"
    assert acc_host.agent.popen.poll() is None
    assert acc_host.get("Manager", "BrokerConnected", ROOT)
