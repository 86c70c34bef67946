# SPDX-License-Identifier: GPL-2.0-or-later
"""The destination's VF: a guest gets one that is free and fits, keeps it until it comes, and shares it with nobody."""

import re
from xml.etree import ElementTree

from hosts.domain import Domain

ACC = [f"0001:00:00.{number}" for number in (1, 2, 3)]
HOOK = "/etc/libvirt/hooks/qemu.d/50-accmig"


def start(host, domain):
    """A running guest whose devices are described in its metadata."""
    host.start_domain(domain)
    for number in range(1 + len(domain.more)):
        host.agent.wait_profile(domain, f"hostdev{number}")


def devices_of(host, domain):
    """The addresses that libvirt has for the domain's hostdevs."""
    root = ElementTree.fromstring(host.virsh("dumpxml", domain.name).stdout)
    found = []
    for address in root.findall("devices/hostdev/source/address"):
        part = {name: int(value, 0) for name, value in address.attrib.items() if name != "type"}
        found.append("{domain:04x}:{bus:02x}:{slot:02x}.{function:x}".format(**part))
    return found


def listed(host, address):
    """What `accmigctl devices` says of a device: its line."""
    return next(line for line in host.agent.ctl("devices").stdout.splitlines() if address in line)


def test_taken_there(source, destination, agents):
    """Another guest has the VF of that address: this one gets the next, and its accelerator goes on."""
    destination.agent.configure("[gate]\nremap = same-pf\n")
    other, domain = Domain("acc", ACC[0], name="other"), Domain("acc", ACC[0])
    destination.start_domain(other)
    start(source, domain)
    source.devices.acc_ready(domain.device)
    cursor, before = destination.cursor(), destination.agent.last_id()
    beat = source.heartbeat(domain)

    report = source.agent.ctl("check", domain.name, "--to", destination.name, check=False)
    source.migrate(domain, destination)

    assert ACC[1] in report.stdout, report.stdout + report.stderr
    destination.wait_beat(domain, after=beat)
    assert not re.search("boot|corrupt", destination.guest_log(domain))
    assert devices_of(destination, domain) == [ACC[1]]
    assert devices_of(destination, other) == [ACC[0]]
    assert destination.devices.acc_state(ACC[1])["ready"] == "1"
    record = destination.agent.wait_migration(domain, "completed", after=before)
    assert [device["address"] for device in record["devices"]] == [ACC[1]]
    assert destination.wait_journal(cursor, f"“guest” gets {ACC[1]} for its hostdev0, in place of {ACC[0]}",
                                    unit="accmigd.service")


def test_two_pairs_onto_three(source, destination, agents):
    """Two guests with two VFs each set out at the same time, and three are free: one arrives, one stays, with a
    sentence."""
    vfs = source.devices.up("migsim", migsim_vfs=4)["migsim"]
    free = destination.devices.up("migsim", migsim_vfs=3)["migsim"]
    assert (len(vfs), len(free)) == (4, 3)
    destination.agent.configure("[gate]\nremap = any\n")
    pairs = [Domain("migsim", vfs[0], name="web1", more=(vfs[1],)),
             Domain("migsim", vfs[2], name="web2", more=(vfs[3],))]
    for domain in pairs:
        start(source, domain)
    beats = {domain.name: source.heartbeat(domain) for domain in pairs}

    moves = [source.migrate_async(domain, destination) for domain in pairs]
    ends = [move.wait(check=False) for move in moves]

    assert sorted(end.returncode != 0 for end in ends) == [False, True], [end.stderr for end in ends]
    left, stayed = sorted(pairs, key=lambda domain: ends[pairs.index(domain)].returncode != 0)
    line = re.search(r"accmig: refused .*", ends[pairs.index(stayed)].stderr)
    assert line, ends[pairs.index(stayed)].stderr
    assert re.fullmatch(rf"accmig: refused {stayed.name}: hostdev\d: .*, and no other that the guest may have is free and "
                        r"fits \[gate\.[a-z-]+\]", line[0]), line[0]
    destination.wait_beat(left, after=beats[left.name])
    assert len(set(devices_of(destination, left)) & set(free)) == 2
    assert source.domain_state(stayed) == "running"
    source.wait_beat(stayed, after=beats[stayed.name])
    assert destination.domain_state(stayed) == "absent"
    owners = [destination.agent.device(address, "Owner") for address in free]
    assert sorted(owners) == ["free", "guest", "guest"]


def test_reservation_ends(source, destination, agents):
    """The gate is asked and the guest does not come. Its VF is nobody else's until the time is over."""
    destination.agent.configure("[gate]\nreservation-timeout = 30\n")
    domain, other = Domain("acc", ACC[0]), Domain("acc", ACC[0], name="other")
    start(source, domain)
    destination.define(other)
    destination.write("/run/incoming.xml", source.virsh("dumpxml", "--migratable", domain.name).stdout)
    before = destination.agent.last_id()

    destination.run(f"{HOOK} {domain.name} migrate begin - < /run/incoming.xml")

    assert destination.agent.device(ACC[0], "Owner") == "reserved"
    assert destination.agent.device(ACC[0], "Domain") == domain.name
    assert re.search(rf"reserved\s+{domain.name}", listed(destination, ACC[0])), listed(destination, ACC[0])
    refused = destination.virsh("start", other.name, check=False)
    assert refused.returncode != 0
    assert (f"accmig: refused other: hostdev0: {ACC[0]} is reserved for domain “guest” [gate.reserved]"
            in refused.stderr), refused.stderr
    assert destination.domain_state(other) == "shut off"

    destination.wait_for(lambda: destination.agent.device(ACC[0], "Owner") == "free", timeout=180, what="the end",
                         period=1)
    record = destination.agent.wait_migration(domain, "failed", after=before)
    assert "before the reservation ran out" in record["cause"]
    destination.virsh("start", other.name)
    destination.wait_beat(other)


def test_mdev_is_made(source, destination, agents):
    """The destination has none of the type, and may make one: it has the UUID of the XML, and the guest gets it."""
    destination.agent.configure("[gate]\ncreate-mdev = yes\n")
    domain = Domain("mdev", source.devices.show()["mdev"][0])
    destination.devices.down("mdev")
    destination.run("modprobe mtty")
    start(source, domain)
    beat = source.heartbeat(domain)

    source.migrate(domain, destination)

    destination.wait_beat(domain, after=beat)
    assert destination.devices.show()["mdev"] == [domain.device]
    destination.wait_for(lambda: destination.agent.device(domain.device, "Owner") == "guest", what="its owner", period=1)
