# SPDX-License-Identifier: GPL-2.0-or-later
"""The live agent has the interfaces of the documented XML, member by member."""

import re
import xml.etree.ElementTree as ET

import dbus
import pytest

from agent import NAME, ROOT, SECONDS, SOURCE
from conftest import SEC_VFS
from guest import guest, hostdev

pytestmark = pytest.mark.timeout(4 * SECONDS)

DOCUMENTED = SOURCE / "packaging/dbus/org.accmig1.xml"
EMITS = "org.freedesktop.DBus.Property.EmitsChangedSignal"


def describe(interface):
    """An interface as a set of members, each with everything a caller depends on."""
    members = set()
    for method in interface.findall("method"):
        args = tuple((a.get("name"), a.get("type"), a.get("direction", "in")) for a in method.findall("arg"))
        members.add(("method", method.get("name"), args))
    for signal in interface.findall("signal"):
        members.add(("signal", signal.get("name"), tuple((a.get("name"), a.get("type")) for a in signal.findall("arg"))))
    for prop in interface.findall("property"):
        emits = [a.get("value") for a in prop.findall("annotation") if a.get("name") == EMITS] or ["true"]
        members.add(("property", prop.get("name"), prop.get("type"), prop.get("access"), emits[0]))
    return members


def documented(name):
    """An interface as the installed file has it."""
    root = ET.parse(DOCUMENTED).getroot()
    return describe(root.find(f"interface[@name='{NAME}.{name}']"))


def live(host, name, path):
    """An interface as the agent has it."""
    text = host.interface("org.freedesktop.DBus.Introspectable", path).Introspect(timeout=SECONDS)
    interface = ET.fromstring(text).find(f"interface[@name='{NAME}.{name}']")
    assert interface is not None, text
    return describe(interface)


def test_interfaces_are_as_documented(acc_host):
    """Every interface, on an object that has it."""
    acc_host.ask("vm", "migrate", "begin", guest(hostdev(SEC_VFS[0]), profiles={}))
    paths = {
        "Manager": ROOT, "Gate": ROOT,
        "Device": f"{ROOT}/devices/0000_75_00_1", "Migration": f"{ROOT}/migrations/1",
    }
    for name, path in paths.items():
        assert live(acc_host, name, path) == documented(name), name


def test_documented_interfaces_are_all(acc_host):
    """There is no interface of ours that the file does not have."""
    known = {i.get("name") for i in ET.parse(DOCUMENTED).getroot().findall("interface")}
    objects = acc_host.interface("org.freedesktop.DBus.ObjectManager").GetManagedObjects(timeout=SECONDS)
    text = acc_host.interface("org.freedesktop.DBus.Introspectable").Introspect(timeout=SECONDS)
    found = {i.get("name") for i in ET.fromstring(text).findall("interface")}
    found |= {name for interfaces in objects.values() for name in interfaces}
    assert {name for name in found if name.startswith(NAME)} <= known


def test_every_member_is_documented():
    """Each member is explained in a comment of its interface: "Name: …", or "Name, Other: …"."""
    comments = re.findall("<!--(.*?)-->", DOCUMENTED.read_text(), re.S)
    for interface in ET.parse(DOCUMENTED).getroot().findall("interface"):
        for member in [*interface.findall("method"), *interface.findall("property")]:
            name = member.get("name")
            assert any(re.search(rf"\b{name}\b[\w, ]*: ", comment) for comment in comments), name


def test_log_level_is_turned(acc_host):
    """LogControl1 as systemctl uses it, and only for root."""
    path, interface = "/org/freedesktop/LogControl1", "org.freedesktop.LogControl1"
    control = acc_host.interface("org.freedesktop.DBus.Properties", path)
    assert control.Get(interface, "SyslogIdentifier") == "accmigd"
    control.Set(interface, "LogLevel", dbus.String("debug", variant_level=1))
    assert control.Get(interface, "LogLevel") == "debug"
    denied = acc_host.run_as_other("set-property", NAME, path, interface, "LogLevel", "s", "err")
    assert denied.returncode != 0 and control.Get(interface, "LogLevel") == "debug"
