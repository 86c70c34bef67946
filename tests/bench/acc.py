# SPDX-License-Identifier: GPL-2.0-or-later
"""A host with accelerator VFs, made of files, and the real agent: what tests/bus has, in larger numbers."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "bus"))

from agent import Host, wait_for  # noqa: E402 (the path has to be set first)
from conftest import acc_match  # noqa: E402

PF = "0000:75:00.0"
QUEUES = 8


def addresses(count):
    """Of COUNT VFs, in the order in which a PF numbers them."""
    return [f"0000:{0x75 + n // 256:02x}:{n // 8 % 32:02x}.{n % 8}" for n in range(1, count + 1)]


class Accelerators(Host):
    """COUNT free VFs under hisi_acc_vfio_pci, the agent on a bus of its own, and the stub that plays the broker."""

    def __init__(self, build, count):
        super().__init__()
        self.build = build
        self.addresses = addresses(count)

    def __enter__(self):
        super().__enter__()
        add_vfs(self.sysfs, self.addresses)
        self.start_broker(self.build / "tests/bus/broker-stub")
        for address in self.addresses:
            self.broker.set_device(address, flags=7, size=176, match=acc_match(QUEUES))
        self.start_agent(self.build / "agent/accmigd/accmigd")
        self.wait_connected()
        return self

    def profile(self, address):
        """The profile of a device, once it has been probed."""
        wait_for(lambda: self.get_device(address)["Migration"], f"the probe of {address}")
        return str(self.interface("Manager").GetProfile(address))


def add_vfs(sysfs, wanted):
    """Put a PF and its VFs WANTED into the tree."""
    sysfs.add_pf(PF)
    for index, address in enumerate(wanted):
        sysfs.add_vf(PF, index, address)
        sysfs.bind(address, "hisi_acc_vfio_pci")
