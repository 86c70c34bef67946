# SPDX-License-Identifier: GPL-2.0-or-later
"""A directory that looks like /sys to the agent: PFs, VFs, their drivers, mdevs, with the links the kernel makes."""

import os
import pathlib
import shutil

HISILICON = 0x19E5
SEC_PF, SEC_VF = 0xA255, 0xA256
INTEL = 0x8086
IGB_PF, IGB_VF = 0x10C9, 0x10CA

PCI = "devices/pci0000:00"
MTTY = "devices/virtual/mtty/mtty"


class MockSysfs:
    """The tree at @root."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.groups = 0
        (self.root / "bus/pci/devices").mkdir(parents=True)

    def _dir(self, address):
        return self.root / (PCI if ":" in address else MTTY) / address

    def set(self, address, attribute, text):
        """Writes an attribute of a device."""
        (self._dir(address) / attribute).write_text(f"{text}\n")

    def _link(self, link, target):
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(target, link.parent))

    def _function(self, address, vendor, device, revision):
        self._dir(address).mkdir(parents=True)
        for name, text in (("vendor", f"0x{vendor:04x}"), ("device", f"0x{device:04x}"),
                           ("revision", f"0x{revision:02x}"), ("numa_node", "0"),
                           ("modalias", f"pci:v{vendor:08X}d{device:08X}sv00000000sd00000000bc0Bsc40i00")):
            self.set(address, name, text)
        self._link(self.root / "bus/pci/devices" / address, self._dir(address))

    def _group(self, address):
        group = self.root / "kernel/iommu_groups" / str(self.groups)
        self.groups += 1
        (group / "devices" / address).mkdir(parents=True)
        self._link(self._dir(address) / "iommu_group", group)

    def add_pf(self, address, vendor=HISILICON, device=SEC_PF, revision=0x30, driver="hisi_sec2"):
        """A PF on its native driver."""
        self._function(address, vendor, device, revision)
        self.set(address, "sriov_numvfs", 0)
        self.bind(address, driver, vfio=False)

    def add_vf(self, pf, index, address, vendor=HISILICON, device=SEC_VF, revision=0x30):
        """The PF's VF number @index, without a driver."""
        self._function(address, vendor, device, revision)
        self._group(address)
        self._link(self._dir(address) / "physfn", self._dir(pf))
        self._link(self._dir(pf) / f"virtfn{index}", self._dir(address))
        self.set(pf, "sriov_numvfs", index + 1)

    def remove_vf(self, pf, index, address):
        """Takes the PF's last VF away."""
        (self._dir(pf) / f"virtfn{index}").unlink()
        (self.root / "bus/pci/devices" / address).unlink()
        shutil.rmtree(self._dir(address))
        self.set(pf, "sriov_numvfs", index)

    def add_mtty(self, uuid, kind="mtty-1"):
        """An mdev of the sample driver."""
        (self._dir(uuid) / "vfio-dev/vfio0").mkdir(parents=True)
        (self.root / MTTY / "mdev_supported_types" / kind).mkdir(parents=True, exist_ok=True)
        driver = self.root / "bus/mdev/drivers/mtty"
        driver.mkdir(parents=True, exist_ok=True)
        self._link(self._dir(uuid) / "mdev_type", self.root / MTTY / "mdev_supported_types" / kind)
        self._link(self._dir(uuid) / "driver", driver)
        self._link(self.root / "bus/mdev/devices" / uuid, self._dir(uuid))
        self._group(uuid)

    def add_mdev_bus(self, name, kind, instances):
        """Lets the parent of the mdevs have so many more of a type."""
        (self.root / MTTY / "mdev_supported_types" / kind).mkdir(parents=True, exist_ok=True)
        (self.root / MTTY / "mdev_supported_types" / kind / "available_instances").write_text(f"{instances}\n")
        self._link(self.root / "class/mdev_bus" / name, self.root / MTTY)

    def bind(self, address, driver, vfio=True):
        """Binds a function, from whatever it was bound to."""
        self.unbind(address)
        target = self.root / "bus/pci/drivers" / driver
        target.mkdir(parents=True, exist_ok=True)
        self._link(self._dir(address) / "driver", target)
        if vfio:
            (self._dir(address) / "vfio-dev/vfio0").mkdir(parents=True)

    def unbind(self, address):
        """Takes its driver from a function."""
        (self._dir(address) / "driver").unlink(missing_ok=True)
        shutil.rmtree(self._dir(address) / "vfio-dev", ignore_errors=True)
