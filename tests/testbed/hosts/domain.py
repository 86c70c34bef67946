# SPDX-License-Identifier: GPL-2.0-or-later
"""A domain with migratable devices of one kind, and the XML libvirt gets for it.

The guest is the kernel of tests/testbed/guest: no disk, no operating system, a beat on the serial port.
Another kernel may take its place; hosts/linux_guest.py has one.
"""

import dataclasses
import hashlib
import uuid
from xml.etree import ElementTree

QEMU = "http://libvirt.org/schemas/domain/qemu/1.0"
ElementTree.register_namespace("qemu", QEMU)

# What each kind of device needs of QEMU: (property, type, value). The accelerator's driver cannot log
# dirty memory, and without iommufd nobody else does; QEMU has to be told to migrate it nevertheless.
PROPERTIES = {
    "acc": (("enable-migration", "string", "on"), ("x-pre-copy-dirty-page-tracking", "string", "off")),
    "migsim": (),
    "mdev": (),
}


@dataclasses.dataclass(frozen=True)
class Domain:
    """KIND is acc, migsim or mdev; DEVICE the address of the VF or the UUID of the mdev, MORE those of others. A guest
    whose devices a backend process holds has none of its own: DEVICE is "" then."""

    kind: str
    device: str
    managed: bool = True    # migsim only: libvirt binds the driver and takes it away afterwards
    name: str = "guest"
    memory_mib: int = 64
    pages: int = 500
    delay: int = 100        # milliseconds
    events: bool = True     # QEMU reports every change of the device's state
    metadata: str = ""      # text of an element to be put into <metadata>
    kernel: str = "/share/guest.elf"    # paths on both hosts
    initrd: str = ""
    cmdline: str = ""       # instead of pages and delay, which only the small guest knows
    more: tuple = ()

    @property
    def uuid(self):
        return str(uuid.UUID(hashlib.md5(self.name.encode()).hexdigest()))

    @property
    def serial_log(self):
        """Where the guest's beats are printed, on the host it runs on."""
        return f"/var/log/guest-{self.name}.log"

    def xml(self):
        root = ElementTree.fromstring(f"""
            <domain type='qemu'>
              <name>{self.name}</name>
              <uuid>{self.uuid}</uuid>
              <metadata>{self.metadata}</metadata>
              <memory unit='MiB'>{self.memory_mib}</memory>
              <vcpu>1</vcpu>
              <os>
                <type arch='x86_64' machine='q35'>hvm</type>
                <kernel>{self.kernel}</kernel>
                {f"<initrd>{self.initrd}</initrd>" if self.initrd else ""}
                <cmdline>{self.cmdline or f"pages={self.pages} delay={self.delay}"}</cmdline>
              </os>
              <features><acpi/></features>
              <on_poweroff>destroy</on_poweroff>
              <on_reboot>restart</on_reboot>
              <on_crash>destroy</on_crash>
              <devices>
                <emulator>/usr/bin/qemu-system-x86_64</emulator>
                <controller type='usb' model='none'/>
                <memballoon model='none'/>
                <serial type='file'><source path='{self.serial_log}'/></serial>
              </devices>
            </domain>""")
        for device in self._hostdevs():
            root.find("devices").append(self._hostdev(device))
        self._override(root)
        return ElementTree.tostring(root, encoding="unicode")

    def _hostdevs(self):
        return [device for device in (self.device, *self.more) if device]

    def _hostdev(self, device):
        if self.kind == "mdev":
            return ElementTree.fromstring(f"""
                <hostdev mode='subsystem' type='mdev' model='vfio-pci' managed='no'>
                  <source><address uuid='{device}'/></source>
                </hostdev>""")
        domain, bus, rest = device.split(":")
        slot, function = rest.split(".")
        # migsim VFs are left without a driver: managed makes libvirt look for the variant driver itself.
        managed = "yes" if self.kind == "migsim" and self.managed else "no"
        return ElementTree.fromstring(f"""
            <hostdev mode='subsystem' type='pci' managed='{managed}'>
              <source>
                <address domain='0x{domain}' bus='0x{bus}' slot='0x{slot}' function='0x{function}'/>
              </source>
            </hostdev>""")

    def _override(self, root):
        properties = list(PROPERTIES[self.kind])
        if self.events:
            properties.append(("migration-events", "bool", "true"))
        if not properties or not self._hostdevs():
            return
        override = ElementTree.SubElement(root, f"{{{QEMU}}}override")
        for number in range(len(self._hostdevs())):
            device = ElementTree.SubElement(override, f"{{{QEMU}}}device", alias=f"hostdev{number}")
            frontend = ElementTree.SubElement(device, f"{{{QEMU}}}frontend")
            for name, kind, value in properties:
                ElementTree.SubElement(frontend, f"{{{QEMU}}}property", name=name, type=kind, value=value)
