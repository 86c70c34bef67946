# SPDX-License-Identifier: GPL-2.0-or-later
"""The fault matrix of driven devices: every arc that one takes, and its stream, broken in every way.

Whatever happens, the guest runs at exactly one place; each device runs there with what it held, or its alarm says why
not; and nobody waits longer than the limits say. The table of what was tried is printed at the end of the run.

The fault is always crypto0's. The stand goes on from cell to cell, so the guest's present host is the source.
"""

import time

import pytest

from hosts import cutter, pair
from hosts.domain import Domain
from hosts.stand import HELD, OWN, STATE_SIZE, Stand

STEP_LIMIT, SWITCH_LIMIT = 3, 15
SETTINGS = f"[drive]\nstep-limit={STEP_LIMIT}\nswitch-limit={SWITCH_LIMIT}\n"
DELAY = 5   # seconds; more than a step may take

# Two steps of crypto0 may be late, and the streams; the rest is what a migration takes under emulation on a busy
# machine. Shorter than any limit that is not configured.
VERB_LIMIT = 2 * STEP_LIMIT + SWITCH_LIMIT + 60
# A host without power is noticed by those who wait for its answer: ssh after 45 s, and accmigctl asks libvirt to end
# the migration for another 60.
POWER_LIMIT = 45 + 60 + 60
ALARM_LIMIT = 30

QUIET = Domain("migsim", "", name="quiet")
# It dirties memory faster than it may be sent, so what ends its migration finds it copying.
BUSY = Domain("migsim", "", name="busy", memory_mib=128, pages=8000, delay=1)
SLOWLY = ["--bandwidth", "1"]
# It comes back after it has stopped; see refuse().
REFUSED = Domain("migsim", OWN, name="refused", managed=False)

FAULTS = {"once": "errno 16 once", "always": "errno 16 always", "delayed": f"delay {DELAY * 1000} once",
          "hangs": "hang once"}

# Whose arc it is, the arc, and the guest with which it is taken.
ARCS = [
    ("source", "running", "pre-copy", QUIET),
    ("source", "pre-copy", "pre-copy-p2p", QUIET),
    ("source", "pre-copy-p2p", "stop-copy", QUIET),
    ("source", "stop-copy", "stop", QUIET),
    ("destination", "running", "running-p2p", QUIET),
    ("destination", "running-p2p", "stop", QUIET),
    ("destination", "stop", "resuming", QUIET),
    ("destination", "resuming", "stop", QUIET),
    ("destination", "stop", "running-p2p", QUIET),
    ("destination", "running-p2p", "running", QUIET),
    ("source", "stop-copy", "stop", REFUSED),
    ("source", "stop", "running-p2p", REFUSED),
    ("source", "running-p2p", "running", REFUSED),
    ("source", "pre-copy", "running", BUSY),
]

# Where the way ends, or a byte is inverted; where the device itself ends its state, or lies.
OFFSETS = {"0": 0, "1": 1, "39": 39, "40": 40, "41": 41, "half": STATE_SIZE // 2, "last": STATE_SIZE - 1}
STREAMS = [("cut", "end", OFFSETS), ("flipped", "flip", {"12": 12, "half": STATE_SIZE // 2}),
           ("ssh-killed", "kill", {"0": 0, "half": STATE_SIZE // 2}),
           ("short", "stream short", OFFSETS), ("corrupt", "stream corrupt", {"12": 12, "half": STATE_SIZE // 2})]

# These say most; all others are left out unless asked for with -m more.
CHOICE = {"source-pre-copy-p2p-stop-copy-hangs", "source-stop-running-p2p-back-once", "destination-stop-resuming-always",
          "destination-running-p2p-running-hangs", "cut-40", "flipped-half"}


def choose(name, *values):
    return pytest.param(*values, id=name, marks=[] if name in CHOICE else [pytest.mark.more])


def arc_cells():
    for side, origin, target, guest in ARCS:
        back = "" if guest is QUIET else "-back"
        for fault in FAULTS:
            yield choose(f"{side}-{origin}-{target}{back}-{fault}", side, origin, target, guest, fault)


def stream_cells():
    for name, how, offsets in STREAMS:
        for where, offset in offsets.items():
            yield choose(f"{name}-{where}", name, how, where, offset)


@pytest.fixture(scope="module")
def lasting_stand(lasting_hosts):
    for host in lasting_hosts:
        cutter.install(host)
    stand = Stand(lasting_hosts, SETTINGS)
    yield stand
    stand.close()


@pytest.fixture
def stand(lasting_stand, cursors):
    return lasting_stand


def command(stand, *options, breaking=""):
    words = " ".join([*options, stand.domain.name, f"qemu+tcp://{stand.there.name}/system"])
    return f"{breaking} exec accmigctl migrate {words}"


def migrate(stand, cell, *options, breaking=""):
    """Run the verb to its end, within its limit; returns its status."""
    begin = time.monotonic()
    done = stand.here.run(command(stand, *options, breaking=breaking), VERB_LIMIT, check=False)
    cell["seconds"] = f"{time.monotonic() - begin:.1f}"
    return done.returncode


def refuse(stand):
    """The guest's own device, which sends all when the guest has stopped, is refused at the destination; so late that the
    others have sent theirs."""
    stand.here.devices.fault(OWN, "arc stop stop-copy delay 3000")
    stand.here.devices.fault(OWN, "stream corrupt 0")


def unexcused(stand, host):
    """The devices of the guest's host that neither run nor have an alarm."""
    return [name for name, row in stand.rows(host).items() if row["state"] != "running" and not row["alarm"]]


def wait_excused(stand):
    """While crypto0 still hangs, it is said where it is missed."""
    place = stand.where()
    assert place is not None, "the guest runs at no place, or at two"
    place.wait_for(lambda: not unexcused(stand, place), ALARM_LIMIT, "an alarm of each device that does not run",
                   period=0.5)


def judge(stand, cell, hosts):
    """All is over on HOSTS. The guest runs at one place; so do its devices, with what they held, or it is said."""
    place = stand.where()
    assert place is not None, "the guest runs at no place, or at two"
    cell["guest"] = "stayed" if place is stand.origin else "moved"
    pair.on_both(stand.wait_told, *hosts)
    rows, seeds = stand.rows(place), stand.held_seeds(place)
    cell["its devices"] = " ".join(row["state"] for row in rows.values())
    cell["alarm"] = next((brief(row["alarm"]) for row in rows.values() if row["alarm"]), "")
    assert rows.keys() == HELD.keys()
    for name, row in rows.items():
        whole = row["state"] == "running" and seeds[name] == stand.seeds[name]
        assert whole or row["alarm"], f"{name} is in {row['state']} with seed {seeds[name]}, and nothing is said"
    place.wait_beat(stand.domain, after=place.heartbeat(stand.domain))


def brief(sentence, words=12):
    first = sentence.split()[:words]
    return " ".join(first) + (" …" if len(sentence.split()) > words else "")


def struck(arcs, origin, target):
    """Whether the arc was taken and the fault was there."""
    return any((arc.source, arc.target) == (origin, target)
               and (arc.errno == 16 or arc.end_mono is None or arc.end_mono - arc.start_mono > STEP_LIMIT * 10**9)
               for arc in arcs)


@pytest.mark.parametrize("side, origin, target, guest, fault", arc_cells())
def test_arc(stand, cell, side, origin, target, guest, fault):
    cell.update({"what": f"{origin} → {target}" + ("" if guest is QUIET else " (back)"), "fault": fault, "host": side})
    stand.ready(guest)
    broken = stand.here if side == "source" else stand.there
    broken.devices.fault(HELD["crypto0"], f"arc {origin} {target} {FAULTS[fault]}")

    if guest is BUSY:
        migrate(stand, cell, *SLOWLY, breaking=cutter.environment("crypto1", "end", 1))
    else:
        if guest is REFUSED:
            refuse(stand)
        migrate(stand, cell)

    if fault == "hangs":
        wait_excused(stand)
        broken.devices.fault(HELD["crypto0"], "release")
    judge(stand, cell, stand.hosts)
    assert struck(broken.devices.arcs(HELD["crypto0"]), origin, target), "the fault did not strike"


@pytest.mark.parametrize("name, how, where, offset", stream_cells())
def test_stream(stand, cell, name, how, where, offset):
    cell.update({"what": "stream", "fault": f"{name} {where}", "host": "between" if how in cutter.WAYS else "source"})
    stand.ready(QUIET)

    if how in cutter.WAYS:
        status = migrate(stand, cell, breaking=cutter.environment("crypto0", how, offset))
    else:
        stand.here.devices.fault(HELD["crypto0"], f"{how} {offset}")
        status = migrate(stand, cell)

    assert status != 0
    judge(stand, cell, stand.hosts)
    assert cell["guest"] == "stayed" or cell["alarm"] != ""


@pytest.mark.more
def test_destination_powered_off(stand, cell):
    """… while the guest is copied."""
    cell.update({"what": "destination", "fault": "powered off", "host": "destination"})
    stand.ready(BUSY)
    here, there = stand.here, stand.there
    verb = here.start(command(stand, *SLOWLY), POWER_LIMIT)
    here.wait_for(lambda: {row["state"] for row in stand.rows(here).values()} == {"pre-copy"}, ALARM_LIMIT * 4,
                  "devices in pre-copy", period=0.5)
    begin = time.monotonic()
    there.machine.stop()
    try:
        done = verb.wait(POWER_LIMIT + 30, check=False)
        cell["seconds"] = f"{time.monotonic() - begin:.1f}"
        assert done.returncode not in (0, 124), done.stderr
        assert here.domain_state(BUSY) == "running"
    finally:
        there.start_again()
        stand.equip(there)
    judge(stand, cell, [here])
    assert cell["guest"] == "stayed"
