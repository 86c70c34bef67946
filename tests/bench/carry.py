# SPDX-License-Identifier: GPL-2.0-or-later
"""Carrying: the state of a registered device from one broker to the other, through both agents."""

import subprocess
import time

from gi.repository import GLib

import move
from figure import Figure, median

MIB = 256  # of one device
ROUNDS = 5
LIMIT = 120  # seconds for one pipe


def carry(one, here, there):
    """Seconds from the first byte that the source's broker writes to the last that the destination's has read."""
    with one.registered(here), one.registered(there):
        one.announce(there)
        one.copy(here)
        streams = move.Streams(one, here, there)
        one.stop(here)
        streams.wait()
        [(_, began, _)] = move.stretches(here, "streamed", one.uuid)
        [(size, _, ended)] = move.stretches(there, "streamed", one.uuid)
        assert int(size) == MIB << 20, f"{size} bytes arrived"
        one.fail(there)
        one.come_back(here)
    return (ended - began) / 1e6


def pipe(*command):
    """Seconds that as many zeros take through a program, from pipe to pipe."""
    began = time.monotonic()
    with subprocess.Popen(["head", "-c", f"{MIB}M", "/dev/zero"], stdout=subprocess.PIPE) as head, \
            subprocess.Popen(command, stdin=head.stdout, stdout=subprocess.PIPE) as between, \
            subprocess.Popen(["wc", "-c"], stdin=between.stdout, stdout=subprocess.PIPE) as end:
        head.stdout.close()
        between.stdout.close()
        assert int(end.communicate(timeout=LIMIT)[0]) > 0
    return time.monotonic() - began


def digest():
    """Seconds that GLib takes to sum up as many zeros, which each of the agents does."""
    zeros = GLib.Bytes.new(bytes(MIB << 20))
    began = time.monotonic()
    GLib.compute_checksum_for_bytes(GLib.ChecksumType.SHA256, zeros)
    return time.monotonic() - began


def measure(build):
    """In turns with a bare pipe, and with the digest alone."""
    ours, bare, sums = [], [], []
    with move.hosts(build, ROUNDS) as (here, there):
        for number in range(1, ROUNDS + 1):
            ours.append(carry(move.Guest(number, 1, MIB << 20), here, there))
            bare.append(pipe("cat"))
            sums.append(digest())
    for against, seconds in (("head | cat | wc", bare), ("one SHA-256 by GLib", sums)):
        yield Figure(f"state of {MIB} MiB carried", MIB / median(ours), "MiB/s", ROUNDS,
                     median(seconds) / median(ours), against, f"which makes {MIB / median(seconds):.0f} MiB/s")
