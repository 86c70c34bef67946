# SPDX-License-Identifier: GPL-2.0-or-later
"""The test hosts themselves: devices are there and bound, and a device's state arrives with its guest."""

from hosts.domain import Domain


def test_devices_are_there(source, destination):
    for host in (source, destination):
        assert host.devices.show() == {
            "acc": ["0001:00:00.1", "0001:00:00.2", "0001:00:00.3"],
            "migsim": ["0000:01:10.0", "0000:01:10.2"],
            "mdev": ["83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"],
        }
        assert host.output("basename $(readlink -f /sys/bus/pci/devices/0001:00:00.1/driver)") == "hisi_acc_vfio_pci"
        assert host.output("ls -d /dev/iommu /dev/vfio/devices/vfio*").splitlines()[0] == "/dev/iommu"


def test_migsim_state_arrives(source, destination):
    """The number that is migsim's state reaches the other host, and the log there outlives the domain."""
    domain = Domain("migsim", "0000:01:10.0", managed=False)
    for host in (source, destination):
        host.devices.bind(domain.device)
    source.start_domain(domain)
    source.devices.seed(domain.device, 0x5EED)

    source.migrate(domain, destination)

    assert destination.devices.seed(domain.device) == 0x5EED
    taken = [(arc.source, arc.target) for arc in source.devices.arcs(domain.device) if arc.via == "arc"]
    assert taken[-2:] == [("pre-copy-p2p", "stop-copy"), ("stop-copy", "stop")]
