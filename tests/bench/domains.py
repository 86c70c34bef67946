# SPDX-License-Identifier: GPL-2.0-or-later
"""Domain XML for libvirt's test driver, and for the hook."""

import uuid


def hostdev(address):
    domain, bus, rest = address.split(":")
    slot, function = rest.split(".")
    return ("<hostdev mode='subsystem' type='pci' managed='no'><driver name='vfio'/><source>"
            f"<address domain='0x{domain}' bus='0x{bus}' slot='0x{slot}' function='0x{function}'/>"
            "</source></hostdev>")


def guest_xml(name, number, *addresses):
    """A guest with the devices ADDRESSES."""
    return (f"<domain type='test'><name>{name}</name><uuid>{uuid.UUID(int=number)}</uuid>"
            "<memory>65536</memory><vcpu>1</vcpu><os><type arch='i686'>hvm</type></os>"
            f"<devices>{''.join(hostdev(a) for a in addresses)}</devices></domain>")


def node_xml(addresses):
    """What test:///PATH reads: a host where a guest runs with each of ADDRESSES, one device a guest."""
    guests = (guest_xml(f"guest{n}", n, address) for n, address in enumerate(addresses, 1))
    return f"<node>{''.join(guests)}</node>"
