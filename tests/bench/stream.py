# SPDX-License-Identifier: GPL-2.0-or-later
"""Saving and loading a large device state, on a test host, where there is a device that has one."""

import contextlib
import pathlib
import shlex
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "testbed"))

from hosts import machine, pair, product, state  # noqa: E402 (the path has to be set first)
from hosts.host import Host  # noqa: E402

from figure import Figure, median, samples  # noqa: E402

ROUNDS = 8
GIB = 1 << 30
LIMIT = 1800  # seconds for all rounds; the host is emulated
PROGRAM = "stream-loop"


@contextlib.contextmanager
def running_host():
    """The first host, up; it is stopped again unless it was up before."""
    one = machine.Machine(machine.NAMES[0])
    was_up = one.is_running()
    if not was_up:
        pair.build()
        pair.up([one.name])
    try:
        yield Host(one)
    finally:
        if not was_up:
            pair.down([one.name])


@contextlib.contextmanager
def large_devices(host):
    """Two VFs under migsim with a state of 1 GiB each."""
    addresses = host.devices.up("migsim")["migsim"][:2]
    try:
        for address in addresses:
            host.devices.bind(address)
        host.devices.migsim_parameter("payload_size", GIB)
        yield addresses
    finally:
        host.devices.down("migsim")
        host.devices.up("migsim")


def put_program():
    """Build the loop for the hosts and put it where they see it; returns the path there."""
    product.build()
    folder = state.subdirectory("share") / "bench"
    folder.mkdir(exist_ok=True)
    shutil.copy(state.directory() / "product/tests/bench" / PROGRAM, folder / PROGRAM)
    return f"/share/bench/{PROGRAM}"


def measure(_build):
    """The library against a plain loop, for the same device in the same run."""
    with running_host() as host:
        program = put_program()
        with large_devices(host) as addresses:
            words = shlex.join([program, str(ROUNDS), *addresses])
            found = samples(host.run(words, timeout=LIMIT).stdout)
    for name in ("save", "load"):
        ours, bare = found[name], found[f"bare-{name}"]
        yield Figure(f"{name} of a 1 GiB state", 1024 / median(ours), "MiB/s", len(ours), median(bare) / median(ours),
                     "a plain loop on the same fd", f"best against best {min(bare) / min(ours):.3f}")
