# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest with registered devices on its way from one host to another, as both agents see it.

The agents are real; the brokers are the stubs of tests/bus, which answer for devices and tell QEMU's events. One
machine has one monotonic clock, so the times that both stubs write down can be held against one another.
"""

import contextlib
import json
import re
import socket
import time
import uuid

import dbus
from dbus.mainloop.glib import DBusGMainLoop
from gi.repository import GLib

import acc
import domains
from agent import NAME, ROOT, SECONDS, Host
from guest import guest, hostdev
from test_registered import Holder

ALL_FLAGS = 7       # stop-copy, p2p, pre-copy
ARC_USEC = 1000     # what each arc of a device takes
STREAM_LIMIT = 300  # seconds that a stream may take


class Departure(Host):
    """A host where a guest runs for each of COUNT accelerators; an agent and a stub."""

    def __init__(self, build, count):
        super().__init__()
        self.build = build
        self.addresses = acc.addresses(count)

    def __enter__(self):
        super().__enter__()
        node = self.directory / "node.xml"
        node.write_text(domains.node_xml(self.addresses))
        self.uri = f"test://{node}"
        acc.add_vfs(self.sysfs, self.addresses)
        self.start_broker(self.build / "tests/bus/broker-stub")
        for address in self.addresses:
            self.broker.set_device(address, flags=ALL_FLAGS, size=176, pid=1, state="running")
        self.start_agent(self.build / "agent/accmigd/accmigd")
        self.wait_connected()
        for _ in self.addresses:
            self.broker.wait_line("^SetMetadata ")  # the last thing that the agent has to do for a guest
        return self


@contextlib.contextmanager
def hosts(build, count):
    """Where COUNT guests leave, and where they arrive."""
    with Departure(build, count) as here, acc.Accelerators(build, count) as there:
        yield here, there


def say(host, name, domain, event, **details):
    """What QEMU of a guest says to HOST's broker; returns when the agent was told, in µs."""
    text = json.dumps({key.replace("_", "-"): value for key, value in details.items()}, separators=(",", ":"))
    host.broker.send(f"event {domain} {name} {event} {int(time.time() * 1e6)} {text}")
    return int(host.broker.wait_line(f"^told {domain} {event} ").split()[3])


def stretches(host, what, domain):
    """When something was done to the devices of a guest: word, from, until; µs."""
    host.broker.drain()
    rows = (re.fullmatch(rf"{what} {domain}/\S+ (\S+) (\d+) (\d+)", line) for line in host.broker.seen)
    return [(row[1], int(row[2]), int(row[3])) for row in rows if row]


def wait_steps(host, domain, state, count):
    """Until COUNT devices of a guest came to a state."""
    for _ in range(count):
        host.broker.wait_line(f"^stepped {domain}/\\S+ {state} ")


class Guest:
    """Number NUMBER, from 1, of the guests that run at a Departure; with devices that its holder registers."""

    def __init__(self, number, count, size=0, arc=ARC_USEC):
        self.number = number
        self.name = f"guest{number}"
        self.uuid = str(uuid.UUID(int=number))
        self.devices = [f"crypto{n}" for n in range(count)]
        self.values = {"flags": ALL_FLAGS, "size": size, "arc": arc, "state": "running"}

    @contextlib.contextmanager
    def registered(self, host):
        """While this lasts, HOST's agent has the devices."""
        for device in self.devices:
            host.broker.set_device(f"{self.uuid}/{device}", **self.values)
        holder = Holder(host)
        for device in self.devices:
            holder.register(device, domain=self.uuid)
        yield
        for device in self.devices:
            holder.unregister(device, domain=self.uuid)
        holder.leave()

    def copy(self, host):
        """QEMU at the source copies the guest's memory, and tells of its own device; so nobody looks at that."""
        say(host, self.name, self.uuid, "MIGRATION", status="setup")
        say(host, self.name, self.uuid, "VFIO_MIGRATION", device_id="hostdev0", device_state="pre-copy")
        say(host, self.name, self.uuid, "MIGRATION", status="active")
        wait_steps(host, self.uuid, "pre-copy", len(self.devices))

    def stop(self, host):
        return say(host, self.name, self.uuid, "STOP")

    def run(self, host):
        return say(host, self.name, self.uuid, "RESUME")

    def fail(self, host):
        say(host, self.name, self.uuid, "MIGRATION", status="failed")

    def come_back(self, host):
        """At the source, from wherever it was: the devices run again."""
        self.fail(host)
        self.run(host)
        wait_steps(host, self.uuid, "running", len(self.devices))

    def announce(self, host):
        """The hook's question at the destination."""
        address = host.addresses[self.number - 1]
        xml = guest(hostdev(address), profiles={"hostdev0": host.profile(address)}, name=self.name, uuid=self.uuid)
        allowed, message, _ = host.ask(self.name, "migrate", "begin", xml)
        assert allowed, message


class Streams:
    """The states of a guest's devices on their way, over a socket each; counts what both agents say in the end."""

    def __init__(self, one, here, there):
        self.waited = 2 * len(one.devices)
        self.failures = []
        self.at_usec = 0  # when the last answer was there
        buses = [dbus.bus.BusConnection(host.address, mainloop=DBusGMainLoop()) for host in (here, there)]
        near, far = (dbus.Interface(bus.get_object(NAME, ROOT, introspect=False), f"{NAME}.Manager") for bus in buses)
        for device in one.devices:
            ends = socket.socketpair()
            with ends[0], ends[1]:
                out, into = (dbus.types.UnixFd(end) for end in ends)
                self._begin(far.ReceiveRegistered, into, into)
                self._begin(near.SendRegistered, one.uuid, device, out)
        wait_steps(there, one.uuid, "resuming", len(one.devices))
        for _ in one.devices:
            there.broker.wait_line(f"^Fill {one.uuid}/")
        self.buses = buses

    def _begin(self, call, *arguments):
        call(*arguments, reply_handler=self._on_reply, error_handler=self._on_error, timeout=STREAM_LIMIT)

    def _on_reply(self, *_answer):
        self.waited -= 1
        self.at_usec = time.monotonic_ns() // 1000

    def _on_error(self, error):
        self.failures.append(error)

    def wait(self):
        """Until all are loaded; returns when, in µs."""
        limit = GLib.timeout_add_seconds(10 * SECONDS, self.failures.append, "no end")
        while self.waited > 0 and not self.failures:
            GLib.MainContext.default().iteration(True)
        GLib.source_remove(limit)
        assert not self.failures, self.failures
        for bus in self.buses:
            bus.close()
        return self.at_usec
