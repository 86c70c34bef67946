#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A gate that does as it is told.

Owns org.accmig1 on the bus and answers Ask in the one way that its standard input names. Prints "ready" when it can be
called, and each call as one line of JSON, so that a test waits for what happens instead of for time to pass. The XML
stands there as its SHA-256, for a line that does not fit into the pipe would hold up the answer.
"""

import hashlib
import json
import os
import sys

import dbus
import dbus.mainloop.glib
import dbus.service
from gi.repository import GLib

INTERFACE = "org.accmig1.Gate"


class Gate(dbus.service.Object):
    """Answers with what the order says: a list is the answer itself, a word is one of the ways not to give one."""

    def __init__(self, bus, order):
        super().__init__(bus, "/org/accmig1")
        self.order = order

    @dbus.service.method(INTERFACE, "ssssay", "bsay", async_callbacks=("reply", "fail"), byte_arrays=True)
    def Ask(self, domain, operation, suboperation, extra, xml, reply, fail):  # pylint: disable=invalid-name
        words = [str(word) for word in (domain, operation, suboperation, extra)]
        print(json.dumps({"words": words, "xml": hashlib.sha256(bytes(xml)).hexdigest()}), flush=True)
        if self.order == "silent":
            return
        if self.order == "die":
            os._exit(0)
        if self.order == "error":
            fail(dbus.DBusException("the device\nis on fire", name="org.accmig1.Error.Failed"))
            return
        allowed, message, new_xml = self.order
        reply(allowed, message, dbus.ByteArray(new_xml.encode()))


class WrongGate(dbus.service.Object):
    """Answers with one string, which is not what was agreed."""

    @dbus.service.method(INTERFACE, "ssssay", "s")
    def Ask(self, _domain, _operation, _suboperation, _extra, _xml):  # pylint: disable=invalid-name
        return "yes"


def main():
    dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
    bus = dbus.SystemBus()
    order = json.load(sys.stdin)
    gate = WrongGate(bus, "/org/accmig1") if order == "wrong" else Gate(bus, order)
    name = dbus.service.BusName("org.accmig1", bus)
    print("ready", flush=True)
    GLib.MainLoop().run()
    return gate, name


if __name__ == "__main__":
    main()
