# SPDX-License-Identifier: GPL-2.0-or-later
"""The library's state machine against the kernel's: every pair of states, on real devices."""

import re

MIGSIM = "0000:01:10.0"
ACC = "0001:00:00.3"


def walk(host, address, *options):
    """Run fsm-walk; returns how many pairs it held against the kernel."""
    done = host.run(" ".join(["/share/tools/fsm-walk", *options, address]), timeout=240, check=False)
    found = re.search(r"^(\d+) passed, (\d+) failed", done.stdout, re.MULTILINE)
    assert found, done.stdout + done.stderr
    assert done.returncode == 0 and int(found.group(2)) == 0, done.stdout
    return int(found.group(1))


def test_migsim(source, agents):
    """Every combination of STOP_COPY, P2P and PRE_COPY, each arc seen by the driver, by cdev and by group."""
    source.agent.unit("stop", "accmigd.service")  # it would probe the device meanwhile
    for flags, pairs in ((1, 36), (3, 45), (5, 44), (7, 61)):
        source.devices.down("migsim")
        source.devices.up("migsim", migsim={"migration_flags": flags})
        source.devices.bind(MIGSIM)
        assert (flags, walk(source, MIGSIM, "--access", "cdev")) == (flags, pairs)
        assert (flags, walk(source, MIGSIM, "--access", "group")) == (flags, pairs)


def test_hisi_acc(source, agents):
    """The kernel's own driver for HiSilicon accelerators."""
    source.agent.unit("stop", "accmigd.service")
    assert walk(source, ACC) == 44


def test_mtty(source, agents):
    """The kernel's sample of an mdev."""
    source.agent.unit("stop", "accmigd.service")
    source.devices.touched("mdev")
    assert walk(source, source.devices.show()["mdev"][0]) == 61
