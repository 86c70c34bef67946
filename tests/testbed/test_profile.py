# SPDX-License-Identifier: GPL-2.0-or-later
"""The profile of a device that libvirt binds itself: nobody but its guest has it open, unless the agent is let in before."""

import json
import re

import pytest

from hosts.domain import Domain

MIGSIM = "0000:01:10.0"
MANAGED = Domain("migsim", MIGSIM)
PROBE = "[gate]\nprobe-at-start = yes\n"


def renew(host):
    """Make the VFs anew; the agent, which saw them go, knows nothing of them any more."""
    host.devices.down("migsim")
    host.wait_for(lambda: host.agent.device(MIGSIM, "Owner") is None, what="the VF to go", period=1)
    host.devices.up("migsim")
    host.wait_for(lambda: host.agent.device(MIGSIM, "Owner") is not None, what="the new VF", period=1)


def known(host):
    """What the agent says of the guest's device while the guest has it."""
    assert host.agent.device(MIGSIM, "Owner") == "guest"
    return json.loads(host.agent.ctl("profile", MIGSIM, "--json").stdout)


def opened_by(host):
    """Who opened the device since it was bound, in order."""
    return [arc.comm for arc in host.devices.arcs(MIGSIM) if arc.via == "open"]


def check_probed(host):
    """The broker had it open once, before QEMU, and its answer is in the profile."""
    profile = known(host)
    assert re.fullmatch("[0-9a-f]{64}", profile["device"]["match"])
    assert profile["migsim"]["format-version"] is not None
    first, *others = opened_by(host)
    assert first == "probe" and others and "probe" not in others, (first, others)


@pytest.mark.parametrize("setting", ["no", "yes"])
def test_probe_at_start(source, agents, setting):
    """libvirt has bound the driver by the time of its start hook, and QEMU has not opened the device."""
    renew(source)
    source.agent.configure(f"[gate]\nprobe-at-start = {setting}\n")
    source.start_domain(MANAGED)
    carried = source.agent.wait_profile(MANAGED)
    source.wait_beat(MANAGED)

    if setting == "yes":
        check_probed(source)
        assert carried["device"]["match"] == known(source)["device"]["match"]
    else:
        assert "match" not in known(source)["device"]
        assert "probe" not in opened_by(source)


def test_probe_at_arrival(source, destination, agents):
    """The gate could not ask a device that had no driver yet; its own start hook can."""
    for host in (source, destination):
        renew(host)
        host.agent.configure(PROBE)
    source.start_domain(MANAGED)
    source.agent.wait_profile(MANAGED)

    source.migrate(MANAGED, destination)

    destination.wait_beat(MANAGED)
    destination.agent.wait_profile(MANAGED)
    check_probed(destination)
