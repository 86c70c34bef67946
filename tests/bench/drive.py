# SPDX-License-Identifier: GPL-2.0-or-later
"""Driving registered devices: how soon they follow their guest, and what of the guest's blackout is the agent's."""

import math
import time

import move
from figure import Figure, median

GUESTS = 200  # one sample each
COPYING = 0.1  # seconds that each is copied; what the end of the one before it began is over then
# States of this many bytes, each for guests with so many devices, in so many rounds.
SIZES = (
    ("176 B", 176, (1, 4, 16), 7),
    ("1 MiB", 1 << 20, (1, 4, 16), 7),
    ("256 MiB", 256 << 20, (1, 4), 3),
)


def percentile(values, share):
    """The least that SHARE of them do not exceed."""
    return sorted(values)[math.ceil(share * len(values)) - 1]


def measure_reaction(build):
    """From the word that the guest's vCPUs stopped to the first request for a state."""
    reactions, arcs = [], []
    with move.Departure(build, GUESTS) as here:
        for number in range(1, GUESTS + 1):
            one = move.Guest(number, 1)
            with one.registered(here):
                one.copy(here)
                time.sleep(COPYING)
                stopped = one.stop(here)
                move.wait_steps(here, one.uuid, "stop-copy", 1)
                [(asked, answered)] = [row[1:] for row in move.stretches(here, "stepped", one.uuid)
                                       if row[0] == "pre-copy-p2p"]
                reactions.append(asked - stopped)
                arcs.append(answered - asked)
                one.come_back(here)
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        value = percentile(reactions, share)
        yield Figure(f"guest stopped to first SET, {name}", value, "µs", GUESTS, value / median(arcs),
                     f"an arc that takes {median(arcs):.0f} µs")


def overlap(rows, begin, end):
    """For how long between BEGIN and END any of ROWS lasted."""
    total = 0
    for _, since, until in sorted(rows, key=lambda row: row[1]):
        total += max(min(until, end) - max(since, begin), 0)
        begin = max(begin, until)
    return total


def blackout(one, here, there):
    """Moves a guest; returns for how long its devices kept it standing, and how much of that was theirs; µs."""
    with one.registered(here), one.registered(there):
        one.announce(there)
        one.copy(here)
        streams = move.Streams(one, here, there)
        stopped = one.stop(here)
        loaded = streams.wait()
        resumed = one.run(there)
        move.wait_steps(there, one.uuid, "running", len(one.devices))
        arcs = [row for host in (here, there) for row in move.stretches(host, "stepped", one.uuid)]
        running = max(until for state, _, until in arcs if state == "running")
        one.fail(there)
        one.come_back(here)
    return (loaded - stopped + running - resumed,
            overlap(arcs, stopped, loaded) + overlap(arcs, resumed, running))


def measure_blackout(build):
    """From the guest's stop until its devices are loaded, and from its resumption until they run."""
    found = {(size, count): [] for _, size, counts, _ in SIZES for count in counts}
    turns = [(size, count) for turn in range(max(row[-1] for row in SIZES))
             for _, size, counts, rounds in SIZES if turn < rounds for count in counts]
    with move.hosts(build, len(turns)) as (here, there):
        for number, (size, count) in enumerate(turns, 1):
            found[size, count].append(blackout(move.Guest(number, count, size), here, there))
    for word, size, counts, rounds in SIZES:
        single = median(whole for whole, _ in found[size, 1])
        for count in counts:
            value = median(whole for whole, _ in found[size, count])
            ours = median(1 - arcs / whole for whole, arcs in found[size, count])
            ratio = {} if count == 1 else {"ratio": value / (count * single), "against": f"{count} times one device"}
            yield Figure(f"blackout by {count} device{'s' if count > 1 else ''} of {word}", value / 1e3, "ms", rounds,
                         note=f"{ours:.0%} of it outside of arcs of {move.ARC_USEC} µs", **ratio)


def measure(build):
    """Both."""
    yield from measure_reaction(build)
    yield from measure_blackout(build)
