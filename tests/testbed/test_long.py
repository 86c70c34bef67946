# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest that drives its accelerator itself moves between the hosts. Takes minutes: ./dev test long."""

import re

import pytest

from hosts import linux_guest
from hosts.domain import Domain

BOOT_LIMIT = 1200       # seconds until the guest's driver has started, or has not
MIGRATION_LIMIT = 600   # more memory than the small guest's
BEAT_LIMIT = 300        # the guest's loop is slow, and its serial port's too

ACC_STREAM = 176        # bytes hisi_acc_vfio_pci sends for a VF whose driver is ready
TIMER_PERIOD = 400      # microseconds; the guest's driver gives up after 1000
EVENT_QUEUE_CONTEXT = 2  # the mailbox command that the guest's driver goes on sending


@pytest.fixture
def driven(source, destination, agents):
    """A running guest on the source whose own hisi_sec2 has started the VF."""
    linux_guest.build()
    for host in (source, destination):
        host.devices.up("acc", accsim={"period_us": TIMER_PERIOD})
    domain = Domain("acc", source.devices.show()["acc"][0], memory_mib=linux_guest.MEMORY_MIB,
                    kernel=linux_guest.KERNEL, initrd=linux_guest.INITRD, cmdline=linux_guest.CMDLINE)
    source.define(domain)
    source.virsh("start", domain.name)
    word = source.wait_for(lambda: re.search("driver (ready|silent)", source.guest_log(domain)), BOOT_LIMIT,
                           f"a word of the driver in {domain.name}", period=5)
    assert word[1] == "ready", source.guest_log(domain)
    return domain


def mailbox_count(host, domain):
    """How often the VF's driver has asked for the context of its event queue."""
    return int(host.devices.acc_state(domain.device)["mailbox-commands"].split(",")[EVENT_QUEUE_CONTEXT])


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_linux_with_its_own_driver(source, destination, agents, driven):
    """Its whole state arrives, it goes on, and on the destination its driver gets answers of the VF there."""
    assert source.devices.acc_state(driven.device)["ready"] == "1"
    source.agent.wait_profile(driven)
    beat = source.wait_beat(driven, timeout=BEAT_LIMIT)
    before = source.agent.last_id(), destination.agent.last_id()

    source.migrate(driven, destination, timeout=MIGRATION_LIMIT)

    destination.wait_beat(driven, after=beat, timeout=BEAT_LIMIT)
    asked = mailbox_count(destination, driven)
    bound = destination.guest_log(driven).count("driver bound")
    destination.wait_for(lambda: destination.guest_log(driven).count("driver bound") > bound, BEAT_LIMIT,
                         "an answer to the guest's driver", period=1)
    assert mailbox_count(destination, driven) > asked
    assert destination.devices.acc_state(driven.device)["ready"] == "1"
    assert not re.search("boot|driver ready", destination.guest_log(driven))

    left = source.agent.wait_migration(driven, after=before[0])
    arrived = destination.agent.wait_migration(driven, after=before[1])
    assert (left["phase"], arrived["phase"]) == ("completed", "completed"), (left["cause"], arrived["cause"])
    assert left["token"] == arrived["token"] != ""
    source.wait_for(lambda: source.agent.migration(left["id"])["job"].get("device-bytes") == ACC_STREAM,
                    what=f"device-bytes {ACC_STREAM} in the record", period=1)
