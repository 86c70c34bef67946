# SPDX-License-Identifier: GPL-2.0-or-later
"""The accelerator's rules: what the gate refuses, the kernel's own driver or QEMU would refuse later, when nobody asks
the gate. Where they would not, the rule is all there is."""

import contextlib
import dataclasses
import json
from xml.etree import ElementTree

from hosts.domain import Domain
from test_refusal import refused, start

PF, ACC, LAST = "0001:00:00.0", "0001:00:00.1", "0001:00:00.3"
ISOLATION_REGISTER = 0x30

THERE = "/run/there.xml"
PASSING = "[gate]\non-agent-failure = accept\n"

# Of the stream. The driver here sends the first and takes the second as well; the third is nobody's.
MAGIC, OLD_MAGIC, OTHER_MAGIC = "0xaaccfeeddecadede", "0xcdcdcdcdfeedaacc", "0x0123456789abcdef"


@dataclasses.dataclass(frozen=True)
class Mismatch:
    """A destination that the driver's own comparison finds wrong: its VF and accsim's parameters, and what the gate and
    the kernel's log have to say."""

    target: str
    accsim: dict
    sentence: str
    kernel: str


ENGINE = Mismatch(
    # hisi_zip keeps 64 queues for the PF unless told otherwise, so its VFs get as many as those of hisi_sec2; and so does
    # hisi_hpre.
    ACC, {"device": 0xa250, "total_queues": 120},
    f"device id differs: source has 0xa256, {ACC} has 0xa251 [device.device]", "failed to match VF devices")
OTHER_ENGINE = Mismatch(
    ACC, {"device": 0xa258, "total_queues": 120},
    f"device id differs: source has 0xa256, {ACC} has 0xa259 [device.device]", "failed to match VF devices")
QUEUES = Mismatch(
    # 56 queues for three VFs: the last one owns what is left over.
    LAST, {"total_queues": 64},
    f"queue count differs: source has 18, {LAST} has 20 [hisi_acc.qp-num]", "failed to match VF qp num")
ISOLATION = Mismatch(
    ACC, {"isolation": 2},
    f"queue isolation differs: source has 0x0, {ACC} has 0x2 [hisi_acc.isolation]", "failed to match isolation state")


@dataclasses.dataclass(frozen=True)
class Binding:
    """A VF that QEMU finds unable to migrate, for what it or its PF was bound to: how it comes to that, and what the
    gate and QEMU have to say."""

    steps: str
    sentence: str
    qemu: str


VF_PLAIN = Binding(
    f"unbind {ACC}; bind {ACC} vfio-pci",
    f"{ACC} is bound to vfio-pci, which offers no migration; it needs hisi_acc_vfio_pci [device.migration]",
    "VFIO migration is not supported in kernel")
PF_PLAIN = Binding(
    # Whoever opens a VF of such a PF needs the token of the PF's user, too.
    f"unbind {PF}; bind {PF} vfio-pci; vfs 1; bind {ACC} hisi_acc_vfio_pci",
    f"PF {PF} of {ACC} is bound to vfio-pci; without hisi_sec2 there hisi_acc_vfio_pci offers no migration "
    "[hisi_acc.pf-driver]",
    "Permission denied")
PF_LATE = Binding(
    # Any other driver of the PF takes its VFs with it when it goes.
    f"unbind {PF}; bind {PF} pci-pf-stub; vfs 1; bind {ACC} hisi_acc_vfio_pci; unbind {PF}; bind {PF} hisi_sec2",
    f"{ACC} is bound to hisi_acc_vfio_pci, which offers no migration for it on this host [device.migration]",
    "VFIO migration is not supported in kernel")

VERBS = f"""
set -e
bind () {{ echo $2 > /sys/bus/pci/devices/$1/driver_override; echo $1 > /sys/bus/pci/drivers_probe; }}
unbind () {{ echo $1 > /sys/bus/pci/devices/$1/driver/unbind; }}
vfs () {{ echo $1 > /sys/bus/pci/devices/{PF}/sriov_numvfs; }}
modprobe -a vfio-pci pci-pf-stub
echo 1 > /sys/module/vfio_pci/parameters/enable_sriov
"""


def renew(host, accsim=()):
    """Make the accelerator anew: only the first stream after it was bound does a VF of this kernel compare."""
    host.devices.down("acc")
    host.devices.up("acc", accsim=accsim)
    host.wait_for(lambda: host.agent.device(ACC, "Migration"), what="the new VFs in the registry")


def aimed_at(source, domain, target):
    """Options of a migration after which the guest has the VF TARGET for its own."""
    root = ElementTree.fromstring(source.virsh("dumpxml", "--migratable", domain.name).stdout)
    root.find("devices/hostdev/source/address").set("function", f"0x{target.rpartition('.')[2]}")
    source.write(THERE, ElementTree.tostring(root, encoding="unicode"))
    return {"extra": ["--xml", THERE]}


@contextlib.contextmanager
def nobody_asks(host):
    """The gate of HOST lets everything pass meanwhile, as it was told to: its agent is not there."""
    host.agent.unit("mask", "--runtime", "--now", "accmigd.service")
    try:
        yield
    finally:
        host.agent.unit("unmask", "--runtime", "accmigd.service")
        host.agent.unit("start", "accmigd.service")
        host.agent.wait_ready()


def failed(source, destination, domain, **options):
    """Migrate in vain past the gate; returns what virsh had to say. The guest at the source never noticed."""
    beat = source.heartbeat(domain)
    with nobody_asks(destination):
        for _ in range(3):
            done = source.migrate(domain, destination, check=False, **options)
            # The source's driver waits 1 ms for an engine whose processor is an emulated one: a busy machine may hold
            # that up for longer, and then nothing has come to the destination yet.
            if "Failed setting device state to PRE_COPY" not in done.stderr:
                break

    assert done.returncode != 0
    assert "accmig" not in done.stderr, done.stderr
    assert source.domain_state(domain) == "running"
    assert destination.domain_state(domain) == "absent"
    source.wait_beat(domain, after=beat)
    return done.stderr


def test_driver_agrees(source, destination, agents):
    """The driver compares the same and refuses the stream, which QEMU calls a bad address."""
    destination.agent.configure(PASSING)
    domain = Domain("acc", ACC)
    start(source, domain)
    for mismatch in (ENGINE, OTHER_ENGINE, QUEUES, ISOLATION):
        renew(destination, mismatch.accsim)
        aim = aimed_at(source, domain, mismatch.target)
        cursor = destination.cursor()

        line = refused(source, destination, domain, **aim)
        stderr = failed(source, destination, domain, **aim)

        assert line == f"accmig: refused guest: hostdev0: {mismatch.sentence}"
        assert "load of migration failed: Bad address" in stderr, stderr
        assert matches(destination, cursor) == [f"hisi_acc_vfio_pci {mismatch.target}: {mismatch.kernel}"]


def matches(host, since):
    """What the driver has told of its comparisons."""
    return [entry["MESSAGE"] for entry in host.journal(since, _TRANSPORT="kernel")
            if "failed to match" in entry["MESSAGE"]]


def test_qemu_agrees(source, destination, agents):
    """No driver offers migration, so QEMU does not even start."""
    destination.agent.configure(PASSING)
    domain = Domain("acc", ACC)
    start(source, domain)
    for binding in (VF_PLAIN, PF_PLAIN, PF_LATE):
        renew(destination)
        destination.run(VERBS + binding.steps)

        line = refused(source, destination, domain)
        stderr = failed(source, destination, domain)

        assert line == f"accmig: refused guest: hostdev0: {binding.sentence}"
        assert binding.qemu in stderr, stderr


def test_compared_once(source, destination, agents):
    """The driver of this kernel takes as it is what comes after the first stream; the gate looks every time."""
    destination.agent.configure(PASSING)
    renew(destination)
    domain = Domain("acc", ACC)
    start(source, domain)
    source.migrate(domain, destination)
    destination.wait_beat(domain)
    destination.destroy_all()
    destination.devices.acc_poke(PF, ISOLATION_REGISTER, ISOLATION.accsim["isolation"])
    start(source, domain)
    source.devices.acc_ready(ACC)
    cursor = destination.cursor()

    line = refused(source, destination, domain)
    with nobody_asks(destination):
        source.migrate(domain, destination)

    assert line == f"accmig: refused guest: hostdev0: {ISOLATION.sentence}"
    destination.wait_beat(domain)
    assert destination.devices.acc_state(ACC)["ready"] == "1"
    assert matches(destination, cursor) == []


def test_stream_format(source, destination, agents):
    """No host here has a driver of another format. So the guest's profile tells of one, and then the match data do,
    which the driver itself looks at in a trial: it takes the older format, of which the gate only warns."""
    renew(destination)
    domain = Domain("acc", ACC)
    source.wait_for(lambda: source.agent.device(ACC, "Migration"), what=f"the probe of {ACC}")
    start(source, domain)
    description = source.agent.call("DescribeDomain", "s", domain.name)
    source.agent.alter_profile(domain, lambda profile: profile["hisi_acc"].update(magic=OTHER_MAGIC))
    cursor = destination.cursor()

    assert refused(source, destination, domain) == (
        f"accmig: refused guest: hostdev0: stream format differs: source has {OTHER_MAGIC}, {ACC} has {MAGIC} "
        "[hisi_acc.magic]")
    assert matches(destination, cursor) == []

    row = tried(destination, description, MAGIC, OTHER_MAGIC)
    assert (row["outcome"], row["rule"]) == ("incompatible", "trial"), row
    assert row["sentence"] == f"the driver of {ACC} refused the source's match data: EFAULT", row
    assert matches(destination, cursor) == [f"hisi_acc_vfio_pci {ACC}: failed to match ACC_DEV_MAGIC"]

    row = tried(destination, description, OLD_MAGIC, OLD_MAGIC)
    assert (row["outcome"], row["rule"]) == ("degraded", "hisi_acc.magic"), row
    assert len(matches(destination, cursor)) == 1


def tried(host, description, magic, match):
    """HOST's answer for the only hostdev of DESCRIPTION, were its profile and its match data of these formats."""
    profile = description["hostdevs"][0]["profile"]
    profile["hisi_acc"]["magic"] = magic
    profile["device"]["match"] = int(match, 16).to_bytes(8, "little").hex() + profile["device"]["match"][16:]
    report = host.agent.call("CheckDomainWith", "sa{sv}", json.dumps(description), 1, "trial", "b", "true")
    return report["hostdevs"][0]
