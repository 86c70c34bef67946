# SPDX-License-Identifier: GPL-2.0-or-later
"""Devices that their holders register: over the bus into the broker and out again, whoever goes first."""

import json
import os
import pwd
import signal
import subprocess

import dbus
import pytest
from dbus.mainloop.glib import DBusGMainLoop
from gi.repository import GLib

from agent import NAME, OTHER_USER, PYTHON, ROOT, SECONDS, wait_for
from conftest import AGENT, SEC_VFS, STUB, furnish
from test_interface import documented, live

pytestmark = pytest.mark.timeout(4 * SECONDS)

UUID = "6695eb01-f6a4-8304-79aa-97f2502e193f"  # "test" of test:///default
OTHER_UUID = "00000000-0000-4000-8000-000000000001"
ALL_FLAGS = 7


def identify(name, uuid=UUID):
    return f"{uuid}/{name}"


class Holder:
    """A connection to the bus of its own that registers devices."""

    def __init__(self, host):
        self.bus = host.connect()
        self.manager = dbus.Interface(self.bus.get_object(NAME, ROOT, introspect=False), f"{NAME}.Manager")
        self.name = self.bus.get_unique_name()

    def register(self, name, domain=UUID, **options):
        """Registers a device, whose descriptor the stub does not look at. Returns the object's path."""
        with open(os.devnull, "rb") as file:
            return str(self.manager.RegisterDevice(
                domain, name, dbus.types.UnixFd(file), dbus.Dictionary(options, signature="sv"), timeout=SECONDS))

    def unregister(self, name, domain=UUID):
        self.manager.UnregisterDevice(domain, name, timeout=SECONDS)

    def leave(self):
        self.bus.close()


@pytest.fixture(name="registered_host")
def make_registered_host(acc_host):
    """A host whose broker knows two devices that can be adopted."""
    for name in ("crypto0", "crypto1"):
        acc_host.broker.set_device(identify(name), flags=ALL_FLAGS, size=4096, state="running")
    acc_host.broker.drain()
    return acc_host


def get_all(host, path):
    properties = host.interface("org.freedesktop.DBus.Properties", path)
    return {key: value for key, value in
            properties.GetAll(f"{NAME}.RegisteredDevice", timeout=SECONDS).items()}


def paths(host):
    """The objects of registered devices, as the ObjectManager has them."""
    objects = host.interface("org.freedesktop.DBus.ObjectManager").GetManagedObjects(timeout=SECONDS)
    return sorted(path for path, interfaces in objects.items() if f"{NAME}.RegisteredDevice" in interfaces)


def refused(name, call, *arguments, **options):
    """@call is refused with the error NAME. Returns its sentence."""
    with pytest.raises(dbus.DBusException) as caught:
        call(*arguments, **options)
    assert caught.value.get_dbus_name() == (name if "." in name else f"{NAME}.Error.{name}"), caught.value
    return caught.value.get_dbus_message()


def test_registered(registered_host):
    """What is registered is adopted, shown, and owned."""
    holder = Holder(registered_host)
    path = holder.register("crypto0", address=SEC_VFS[0])
    registered_host.broker.wait_line(f"^Adopt {identify('crypto0')}$")
    assert get_all(registered_host, path) == {
        "Domain": UUID, "Name": "crypto0", "Address": SEC_VFS[0], "Holder": holder.name, "State": "running",
        "Migration": "stop-copy+p2p+pre-copy", "Attached": True, "Alarm": "",
    }
    assert paths(registered_host) == [path]
    device = registered_host.get_device(SEC_VFS[0])
    assert (device["Owner"], device["Domain"]) == ("registered", UUID)


def test_its_state(registered_host):
    """A registered device is asked, and reset, through the duplicate, and opened by nobody else."""
    holder = Holder(registered_host)
    holder.register("crypto0", address=SEC_VFS[0])
    registered_host.broker.wait_line("^Adopt")
    assert holder.manager.GetState(SEC_VFS[0], timeout=SECONDS) == "running"
    registered_host.broker.wait_line(f"^StateOf {identify('crypto0')}$")
    assert f"Peek {SEC_VFS[0]}" not in registered_host.broker.seen
    with open(os.devnull, "wb") as file:
        assert UUID in refused("Busy", holder.manager.SaveState, SEC_VFS[0], dbus.types.UnixFd(file), timeout=SECONDS)
    holder.manager.ResetDevice(SEC_VFS[0], timeout=SECONDS)
    registered_host.broker.wait_line(f"^ResetAdopted {identify('crypto0')}$")


def test_registered_by_name(registered_host):
    """libvirt is asked for a name's UUID; a UUID needs no domain."""
    holder = Holder(registered_host)
    assert get_all(registered_host, holder.register("crypto0", domain="test"))["Domain"] == UUID
    registered_host.broker.set_device(identify("later", OTHER_UUID), flags=1)
    path = holder.register("later", domain=OTHER_UUID.upper())
    assert get_all(registered_host, path)["Domain"] == OTHER_UUID


def test_documented_interface(registered_host):
    """The interface is as documented; test_interface.py has the others."""
    holder = Holder(registered_host)
    path = holder.register("crypto0")
    assert live(registered_host, "RegisteredDevice", path) == documented("RegisteredDevice")


@pytest.mark.parametrize("name", ["", "a/b", "a b", "x" * 65, "ä"])
def test_bad_name(registered_host, name):
    """Names are checked before anything is asked."""
    refused("Invalid", Holder(registered_host).register, name)
    assert not [line for line in registered_host.broker.drain() if "Adopt" in line]


def test_refusals(registered_host):
    """Whatever is wrong is said, and nothing is registered."""
    holder = Holder(registered_host)
    assert "colour" in refused("Invalid", holder.register, "crypto0", colour="red")
    refused("UnknownDomain", holder.register, "crypto0", domain="nobody")
    refused("NotFound", holder.register, "crypto0", address="0000:ff:00.0")
    refused("NotFound", holder.register, "crypto9")  # as the broker says
    registered_host.broker.set_device(identify("plain"), **{"error-Adopt": f"{NAME}.Error.Unsupported"})
    refused("Unsupported", holder.register, "plain")
    assert paths(registered_host) == []


def test_long_words(registered_host):
    """A word too long to be repeated is cut between characters, or nobody would get the answer."""
    word = "x" + "🙂" * 40
    cut = f"“{word[:16]}”"  # 61 bytes of 64
    manager = Holder(registered_host).manager
    assert cut in refused("Invalid", Holder(registered_host).register, "crypto0", **{word: "red"})
    assert cut in refused("NotFound", Holder(registered_host).register, "crypto0", address=word)
    assert cut in refused("Invalid", manager.CheckDomainWith, "{}", dbus.Dictionary({word: True}, signature="sv"),
                          timeout=SECONDS)


def test_only_root(registered_host):
    """Without polkit only root may."""
    answer = registered_host.run_as_other("call", NAME, ROOT, f"{NAME}.Manager", "UnregisterDevice", "ss", UUID, "crypto0")
    assert "not registered" in answer.stderr  # asking is everybody's
    program = (
        "import sys, dbus; b = dbus.bus.BusConnection(sys.argv[1]);"
        "m = dbus.Interface(b.get_object('org.accmig1', '/org/accmig1', introspect=False), 'org.accmig1.Manager');"
        "f = open('/dev/null', 'rb');"
        "m.RegisterDevice(sys.argv[2], 'crypto0', dbus.types.UnixFd(f), dbus.Dictionary({}, signature='sv'))")
    answer = run_python_as_other(registered_host, program, UUID)
    assert "AccessDenied" in answer.stderr
    assert paths(registered_host) == []


def run_python_as_other(host, program, *arguments):
    account = pwd.getpwnam(OTHER_USER)
    return subprocess.run([PYTHON, "-c", program, host.address, *arguments], user=account.pw_uid, group=account.pw_gid,
                          extra_groups=[], capture_output=True, text=True, timeout=SECONDS, check=False)


def test_taken(registered_host):
    """A name and an address belong to one holder."""
    first, second = Holder(registered_host), Holder(registered_host)
    first.register("crypto0", address=SEC_VFS[0])
    assert first.name in refused("Busy", second.register, "crypto0")
    assert "crypto0" in refused("Busy", second.register, "crypto1", address=SEC_VFS[0])
    refused("org.freedesktop.DBus.Error.AccessDenied", second.unregister, "crypto0")
    assert len(paths(registered_host)) == 1


def test_unregistered(registered_host):
    """The holder takes it back."""
    holder = Holder(registered_host)
    holder.register("crypto0", address=SEC_VFS[0])
    holder.unregister("crypto0", domain="test")
    registered_host.broker.wait_line(f"^Disown {identify('crypto0')}$")
    assert paths(registered_host) == []
    assert registered_host.get_device(SEC_VFS[0])["Owner"] == "free"
    refused("UnknownDevice", holder.unregister, "crypto0")


def test_holder_leaves(registered_host):
    """What a holder registered ends with its connection, and what others did does not."""
    first, second = Holder(registered_host), Holder(registered_host)
    first.register("crypto0")
    kept = second.register("crypto1")
    first.leave()
    registered_host.broker.wait_line(f"^Disown {identify('crypto0')}$")
    assert paths(registered_host) == [kept]


def test_holder_leaves_early(registered_host):
    """A holder that is gone before the broker answers leaves nothing behind."""
    registered_host.broker.set_device(identify("crypto0"), flags=1, **{"hold-Adopt": "true"})
    holder = Holder(registered_host)
    call = holder.manager.RegisterDevice
    with open(os.devnull, "rb") as file:
        call(UUID, "crypto0", dbus.types.UnixFd(file), dbus.Dictionary({}, signature="sv"), ignore_reply=True)
    registered_host.broker.wait_line("^Adopt")
    holder.leave()
    holder.bus = None
    other = Holder(registered_host)
    # The bus tells of the holder's end before it passes on what comes later.
    refused("Busy", other.register, "crypto0")
    registered_host.broker.send("release")
    registered_host.broker.wait_line(f"^Disown {identify('crypto0')}$")
    assert paths(registered_host) == []


def test_registered_again(registered_host):
    """The same holder may register a device again, and it stays one."""
    registered_host.broker.set_device(identify("crypto0"), flags=ALL_FLAGS, same="true", state="running")
    holder = Holder(registered_host)
    assert holder.register("crypto0") == holder.register("crypto0")
    assert len(paths(registered_host)) == 1


def wait_attached(host, path, attached=True):
    wait_for(lambda: bool(get_all(host, path)["Attached"]) == attached, f"attached: {attached}")


class Listener:
    """Signals of one object."""

    def __init__(self, host, path):
        self.heard = []
        self.bus = dbus.bus.BusConnection(host.address, mainloop=DBusGMainLoop())
        self.bus.add_signal_receiver(lambda *_arguments, member: self.heard.append(member), path=path,
                                     member_keyword="member")
        self.bus.get_name_owner(NAME)  # answered after the rule was taken

    def wait(self, member):
        limit = GLib.timeout_add_seconds(SECONDS, self.heard.append, "nothing")
        while not {member, "nothing"} & set(self.heard):
            GLib.MainContext.default().iteration(True)
        GLib.source_remove(limit)
        assert member in self.heard


def test_broker_dies(registered_host):
    """The holder is asked for what the broker lost, and gives it again."""
    holder = Holder(registered_host)
    path = holder.register("crypto0", address=SEC_VFS[0])
    listener = Listener(registered_host, path)
    registered_host.broker.stop(signal.SIGKILL)
    wait_attached(registered_host, path, False)
    assert get_all(registered_host, path)["State"] == ""
    assert registered_host.get_device(SEC_VFS[0])["Owner"] == "registered"
    registered_host.start_broker(STUB)
    registered_host.broker.set_device(identify("crypto0"), flags=ALL_FLAGS, state="stop")
    listener.wait("Wanted")
    assert holder.register("crypto0", address=SEC_VFS[0]) == path
    assert get_all(registered_host, path)["Attached"] and get_all(registered_host, path)["State"] == "stop"


def test_agent_dies(registered_host):
    """An agent that was killed knows its devices again, the broker has them still, and no holder is asked."""
    holder = Holder(registered_host)
    path = holder.register("crypto0", address=SEC_VFS[0])
    before = get_all(registered_host, path)
    registered_host.agent.stop(signal.SIGKILL)
    registered_host.broker.drain()
    registered_host.start_agent(AGENT)
    registered_host.wait_connected()
    wait_attached(registered_host, path)
    assert get_all(registered_host, path) == before
    assert registered_host.get_device(SEC_VFS[0])["Owner"] == "registered"
    assert not [line for line in registered_host.broker.drain() if line.startswith(("Adopt", "Disown"))]
    holder.leave()
    registered_host.broker.wait_line("^Disown")


def test_holder_dies_with_agent(registered_host):
    """A holder that left while there was no agent has no devices; the broker lets go of them."""
    holder = Holder(registered_host)
    holder.register("crypto0")
    registered_host.agent.stop(signal.SIGKILL)
    holder.leave()
    registered_host.start_agent(AGENT)
    registered_host.broker.wait_line(f"^Disown {identify('crypto0')}$")
    wait_for(lambda: paths(registered_host) == [], "the end of the registration")


def test_damaged_file(host, programs):
    """A file that is damaged, or of another bus, is no reason not to start."""
    (host.state / "registered.json").write_text('{"format": "accmig-registered/1", "bus": "x", "devices": {"a": 1}}')
    furnish(host, programs)
    assert paths(host) == []


def test_ctl_devices(registered_host):
    """accmigctl shows them."""
    holder = Holder(registered_host)
    holder.register("crypto0", address=SEC_VFS[0])
    holder.register("crypto1")
    environment = {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": registered_host.address}

    def run(*words):
        return subprocess.run([os.environ["ACCMIG_CTL"], "devices", *words], env=environment, capture_output=True,
                              text=True, timeout=SECONDS, check=True).stdout

    document = json.loads(run("--json"))
    assert [row["name"] for row in document["registered"]] == ["crypto0", "crypto1"]
    assert document["registered"][0] == {
        "domain": UUID, "name": "crypto0", "address": SEC_VFS[0], "state": "running", "attached": True,
        "migration": "stop-copy+p2p+pre-copy", "holder": holder.name, "alarm": "",
    }
    table = run()
    assert "registered" in table and "crypto1" in table
