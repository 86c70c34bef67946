# SPDX-License-Identifier: GPL-2.0-or-later
"""accmigctl migrate: a whole migration with one command, and all the ways in which it is not made."""

import itertools
import json
import re

import pytest

from test_failure import BUSY_GUEST, check_back, start

from hosts.domain import Domain

ACC, MIGSIM = "0001:00:00.1", "0000:01:10.0"
LIMIT = 300


def uri(host):
    return f"qemu+tcp://{host.name}/system"


def migrate(origin, target, domain, *options):
    """Run the verb to its end; returns its status, its output, and what it said besides, line by line."""
    done = origin.agent.ctl("migrate", *options, domain.name, uri(target), check=False, timeout=LIMIT)
    return done.returncode, done.stdout, done.stderr.splitlines()


def started(origin, target, domain, *options):
    """Start the verb and wait until the guest is copied; returns it and the process id of accmigctl."""
    before = origin.agent.last_id()
    words = " ".join(["exec accmigctl migrate", *options, domain.name, uri(target)])
    verb = origin.start(words, LIMIT)
    origin.agent.wait_migration(domain, "copying", after=before)
    return verb, int(origin.output("ps -C accmigctl -o pid="))


def test_there_and_back(source, destination, agents):
    """The guest moves, and the summary has both hosts' figures: for a person, and as JSON."""
    domain = Domain("migsim", MIGSIM)
    start(source, domain)
    beat = source.heartbeat(domain)

    status, out, lines = migrate(source, destination, domain)

    assert status == 0, lines
    destination.wait_beat(domain, after=beat)
    assert source.domain_state(domain) == "absent"
    assert re.match(rf"guest has moved to {destination.name} in \d+\.\d+ s\n", out), out
    assert re.search(r"^Downtime +\d.*complete\)$", out, re.MULTILINE), out
    assert re.search(rf"^hostdev0 +{MIGSIM} +\S+ +\d.* ± ", out, re.MULTILINE), out
    phases = [phase for phase, _ in itertools.groupby(line.split(", ")[0] for line in lines)]
    assert phases[:2] == ["guest: preparing", "guest: copying"]
    assert any(re.search(r"copying, \d+ s, .* sent, .* left", line) for line in lines), lines

    destination.agent.wait_profile(domain)
    status, out, lines = migrate(destination, source, domain, "--json", "--max-downtime", "1000", "--bandwidth", "500",
                                 "--timeout", "200")

    assert status == 0, lines
    record = json.loads(out)
    assert record["phase"] == record["peer"]["phase"] == "completed"
    assert record["devices"][0]["outage"]["complete"] is True
    source.wait_beat(domain)
    assert destination.domain_state(domain) == "absent"


def test_refused_before(source, destination, agents):
    """What the destination would refuse is not even tried."""
    destination.devices.down("acc")
    destination.devices.up("acc", accsim={"total_queues": 32})
    domain = Domain("acc", ACC)
    start(source, domain)
    before, cursor = source.agent.last_id(), destination.cursor()

    status, out, lines = migrate(source, destination, domain)

    assert (status, out) == (3, "")
    assert re.fullmatch(rf"accmigctl: “guest” cannot move to {destination.name}: hostdev0: queue count differs: source "
                        rf"has \d+, {ACC} has \d+ \[hisi_acc\.qp-num\]", lines[-1]), lines
    assert source.agent.last_id() == before
    assert not destination.journal(cursor, unit="libvirtd.service")
    check_back(source, destination, domain)


@pytest.mark.more
def test_refused_by_the_gate(source, destination, agents):
    """On paper it fits, but the gate cannot open the device: its sentence is what is shown."""
    destination.agent.configure("[gate]\non-unknown = refuse\n")
    domain = Domain("acc", ACC)
    start(source, domain)
    destination.agent.unit("stop", "accmig-broker.socket", "accmig-broker.service")

    status, out, lines = migrate(source, destination, domain)

    assert (status, out) == (3, "")
    assert re.fullmatch(r"accmigctl: refused guest: hostdev0: .*broker.*; it runs here as before", lines[-1]), lines
    source.wait_beat(domain, after=source.heartbeat(domain))


def test_interrupted(source, destination, agents):
    """Ctrl-C while memory is copied: the guest runs at the source, and nothing is left behind."""
    start(source, BUSY_GUEST)
    verb, pid = started(source, destination, BUSY_GUEST, "--bandwidth", "1")

    source.run(f"kill -INT {pid}")
    done = verb.wait(check=False)

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == \
        "accmigctl: the migration of “guest” was ended: interrupted; it runs here as before"
    check_back(source, destination, BUSY_GUEST)


@pytest.mark.more
def test_takes_too_long(source, destination, agents):
    """The same when its time is over; the limit on downtime is what it was."""
    start(source, BUSY_GUEST)
    limit = source.virsh("migrate-getmaxdowntime", BUSY_GUEST.name).stdout

    status, out, lines = migrate(source, destination, BUSY_GUEST, "--bandwidth", "1", "--timeout", "20",
                                 "--max-downtime", "50")

    assert (status, out) == (1, "")
    assert lines[-1] == ("accmigctl: the migration of “guest” was ended: it had not arrived after 20 s; "
                         "it runs here as before")
    assert source.virsh("migrate-getmaxdowntime", BUSY_GUEST.name).stdout == limit
    check_back(source, destination, BUSY_GUEST)


@pytest.mark.more
def test_second_thoughts_at_libvirt(source, destination, agents):
    """libvirt's own failures are told with where the guest is."""
    domain = Domain("migsim", MIGSIM, managed=False)
    for host in (source, destination):
        host.devices.bind(domain.device)
    start(source, domain)
    destination.devices.fault(MIGSIM, "arc stop resuming errno 16 always")

    status, out, lines = migrate(source, destination, domain)

    assert (status, out) == (1, "")
    assert re.match("accmigctl: libvirt did not move “guest”: .*; it runs here as before$", lines[-1]), lines
    check_back(source, destination, domain)


@pytest.mark.more
def test_nobody_listens(source, destination, agents):
    """A URI at which there is no libvirt: its message, and the guest never notices."""
    domain = Domain("migsim", MIGSIM)
    start(source, domain)

    done = source.agent.ctl("migrate", "--to", destination.name, domain.name, f"qemu+tcp://{destination.name}:1/system",
                            check=False)

    assert (done.returncode, done.stdout) == (1, "")
    assert re.match("accmigctl: libvirt did not move “guest”: .*; it runs here as before$", done.stderr.splitlines()[-1])
    source.wait_beat(domain, after=source.heartbeat(domain))
