# SPDX-License-Identifier: GPL-2.0-or-later
"""The trial: when the target's driver is asked about the source's match data, and what its answer does."""

import json
import os
import re
import subprocess

import dbus
import pytest

from agent import NAME, SECONDS, Host, wait_for
from conftest import SEC_VFS, acc_match, furnish
from guest import UUID, guest, hostdev
from test_ctl import environment

pytestmark = pytest.mark.timeout(6 * SECONDS)

TRIED = "trial = yes\n"
MATCH = acc_match(8)


@pytest.fixture(name="trying")
def make_trying(programs):
    """Hosts like acc_host, with settings of the gate's."""
    hosts = []

    def start(settings=TRIED):
        host = Host(f"[gate]\n{settings}").__enter__()
        hosts.append(host)
        return furnish(host, programs)
    yield start
    for host in hosts:
        host.__exit__(None, None, None)


def source_profile(host, match=MATCH, **changes):
    """Of a device like this host's first one, with match data as it is carried."""
    wait_for(lambda: host.get_device(SEC_VFS[0])["Migration"], "the probe")
    profile = json.loads(host.interface("Manager").GetProfile(SEC_VFS[0]))
    profile["device"].pop("match", None)
    if match is not None:
        profile["device"]["match"] = match
    profile["hisi_acc"].update(changes)
    return profile


def incoming(host, address=SEC_VFS[1], **changes):
    """A guest with one device on its way here."""
    return guest(hostdev(address), profiles={"hostdev0": json.dumps(source_profile(host, **changes))})


def description(host, **changes):
    """The same, as one that is asked about beforehand."""
    return json.dumps({"format": "accmig-domain/1", "name": "vm", "uuid": UUID, "hostdevs": [
        {"alias": "hostdev0", "kind": "pci", "address": SEC_VFS[1], "managed": False,
         "profile": source_profile(host, **changes)}]})


def options(given):
    """As the bus wants them."""
    return dbus.Dictionary(given, signature="sv")


def set_target(host, address=SEC_VFS[1], **values):
    """What the stub answers for a target."""
    host.broker.set_device(address, flags=5, size=176, match=MATCH, **values)


def ask(host, xml):
    """The gate's answer, and which devices were tried for it, with which match data."""
    host.broker.drain()
    allowed, message, _ = host.ask("vm", "migrate", "begin", xml)
    lines = "\n".join(host.broker.drain())
    return allowed, message, re.findall(r"^Trial (\S+)\nmatch (\S*) ?$", lines, re.M)


def test_driver_refuses(trying):
    """What the rules let pass."""
    host = trying()
    set_target(host, refuses="EFAULT")
    allowed, message, tried = ask(host, incoming(host))
    assert not allowed
    assert message == (f"accmig: refused vm: hostdev0: the driver of {SEC_VFS[1]} refused the source's match data: "
                       "EFAULT [trial]")
    assert tried == [(SEC_VFS[1], MATCH)]
    assert host.get_device(SEC_VFS[1])["Owner"] == "free"


def test_driver_accepts(trying):
    """Then nothing changes."""
    host = trying()
    allowed, message, tried = ask(host, incoming(host))
    assert (allowed, message) == (True, "")
    assert tried == [(SEC_VFS[1], MATCH)]
    assert host.get_device(SEC_VFS[1])["Owner"] == "reserved"


@pytest.mark.parametrize("settings, changes, allowed", [
    pytest.param("trial = no\n", {}, True, id="not wanted"),
    pytest.param("", {}, True, id="by default"),
    pytest.param(TRIED, {"match": None}, True, id="nothing carried"),
    pytest.param(TRIED, {"match": "abc"}, False, id="half a byte"),
    pytest.param(TRIED, {"match": "zz"}, False, id="no hex"),
    pytest.param(TRIED, {"match": ["00"]}, False, id="no text"),
    pytest.param(TRIED, {"qp-num": 4}, False, id="refused by the rules"),
])
def test_driver_is_not_asked(trying, settings, changes, allowed):
    """It would refuse."""
    host = trying(settings)
    set_target(host, refuses="EFAULT")
    answer, message, tried = ask(host, incoming(host, **changes))
    assert (answer, tried) == (allowed, []), message


@pytest.mark.parametrize("error, rule", [("Busy", "gate.in-use"), ("Io", "gate.on-unknown")])
def test_driver_cannot_be_asked(trying, error, rule):
    """That is no answer of the driver's."""
    host = trying()
    set_target(host, **{"error-Trial": f"{NAME}.Error.{error}"})
    allowed, message, _ = ask(host, incoming(host))
    assert not allowed and message.endswith(f"[{rule}]"), message


def test_next_one_is_taken(trying):
    """Where the guest may have another device."""
    host = trying(TRIED + "remap = any\n")
    set_target(host, refuses="EINVAL")
    allowed, message, tried = ask(host, incoming(host))
    assert (allowed, message) == (True, "")
    assert tried == [(SEC_VFS[1], MATCH), (SEC_VFS[0], MATCH)]
    assert host.get_device(SEC_VFS[0])["Owner"] == "reserved"
    assert host.get_device(SEC_VFS[1])["Owner"] == "free"


def test_check_with_trial(trying):
    """Asked for, whatever the gate is set to; nothing is reserved."""
    host = trying("")
    manager = host.interface("Manager")
    set_target(host, refuses="EFAULT")
    text = description(host)
    plain, unwanted, report = [json.loads(manager.CheckDomainWith(text, options(given), timeout=SECONDS))
                               for given in ({}, {"trial": False}, {"trial": True})]
    assert plain["outcome"] == unwanted["outcome"] != "incompatible"
    assert report["outcome"] == "incompatible"
    assert report["hostdevs"][0]["rule"] == "trial" and "EFAULT" in report["hostdevs"][0]["sentence"]
    assert host.get_device(SEC_VFS[1])["Owner"] == "free"


def test_check_is_not_the_gate(trying):
    """What anybody may ask opens nothing, though the gate would."""
    host = trying()
    host.broker.drain()
    set_target(host, refuses="EFAULT")
    report = json.loads(host.interface("Manager").CheckDomain(description(host), timeout=SECONDS))
    assert report["outcome"] != "incompatible"
    assert not [line for line in host.broker.drain() if line.startswith("Trial")]


@pytest.mark.parametrize("given", [{"tryal": True}, {"trial": "yes"}, {"trial": True, "x": 1}])
def test_unknown_option(trying, given):
    """A typo must not pass for a yes."""
    host = trying("")
    with pytest.raises(dbus.DBusException) as caught:
        host.interface("Manager").CheckDomainWith(description(host), options(given), timeout=SECONDS)
    assert caught.value.get_dbus_name() == f"{NAME}.Error.Invalid"


def test_trial_needs_permission(trying):
    """Without polkit: root."""
    host = trying("")
    call = ["call", NAME, "/org/accmig1", f"{NAME}.Manager", "CheckDomainWith", "sa{sv}", description(host)]
    denied = host.run_as_other(*call, "1", "trial", "b", "true")
    allowed = host.run_as_other(*call, "0")
    assert denied.returncode != 0 and "denied" in denied.stderr, denied
    assert allowed.returncode == 0, allowed


def test_ctl(trying):
    """The option goes with --to alone."""
    host = trying("")
    done = subprocess.run([os.environ["ACCMIG_CTL"], "check", "vm", "--trial"], capture_output=True, text=True,
                          timeout=SECONDS, env=environment(host), check=False)
    assert done.returncode == 2 and "--trial needs --to" in done.stderr, done
