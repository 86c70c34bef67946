# SPDX-License-Identifier: GPL-2.0-or-later
"""Domain XML as libvirt hands it to the hook."""

import xml.sax.saxutils

UUID = "c7a5fdbd-edaf-9455-926a-d65c16db1809"
OTHER_UUID = "c7a5fdbd-edaf-9455-926a-d65c16db1810"


def hostdev(address, number=0, managed=False):
    """A VFIO hostdev of a VF."""
    domain, bus, rest = address.split(":")
    slot, function = rest.split(".")
    return (f"<hostdev mode='subsystem' type='pci' managed='{'yes' if managed else 'no'}'>"
            f"<driver name='vfio'/><source><address domain='0x{domain}' bus='0x{bus}' slot='0x{slot}' "
            f"function='0x{function}'/></source><alias name='hostdev{number}'/></hostdev>")


def guest(*hostdevs, profiles=None, token="00112233445566ff", host=None, name="vm", uuid=UUID):
    """A domain. @profiles: by alias, as text; None leaves our metadata out. @host: who wrote it."""
    metadata = ""
    if profiles is not None:
        devices = "".join(f"<accmig:device alias='{alias}'>{xml.sax.saxutils.escape(text)}</accmig:device>"
                          for alias, text in profiles.items())
        written = f" host='{host}'" if host is not None else ""
        metadata = (f"<metadata><accmig:devices xmlns:accmig='urn:accmig:1' token='{token}'{written}>{devices}"
                    "</accmig:devices></metadata>")
    return (f"<domain type='qemu'><name>{name}</name><uuid>{uuid}</uuid>{metadata}"
            "<memory>65536</memory><vcpu>1</vcpu><os><type arch='x86_64'>hvm</type></os>"
            f"<devices>{''.join(hostdevs)}</devices></domain>").encode()
