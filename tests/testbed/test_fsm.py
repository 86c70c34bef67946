# SPDX-License-Identifier: GPL-2.0-or-later
"""The library's state machine against the kernel's: every pair of states, on real devices."""

import re

MIGSIM = "0000:01:10.0"
ACC = "0001:00:00.3"

# From this release of the series on, the kernel refuses to go from stop-copy to pre-copy; before, it never returns.
FIXED = (6, 12, 96)


def is_fixed(host):
    """Whether the kernel can be asked what an older one must not."""
    release = re.search(r"(\d+)\.(\d+)\.(\d+)", host.output("uname -v"))
    return release is not None and tuple(int(number) for number in release.groups()) >= FIXED


def walk(host, address, *options):
    """Run fsm-walk; returns how many pairs it held against the kernel, and how many could not be asked."""
    asked = ["--ask-blocked"] if is_fixed(host) else []
    done = host.run(" ".join(["/share/tools/fsm-walk", *asked, *options, address]), timeout=240, check=False)
    found = re.search(r"^(\d+) passed, (\d+) failed", done.stdout, re.MULTILINE)
    assert found, done.stdout + done.stderr
    assert done.returncode == 0 and int(found.group(2)) == 0, done.stdout
    skipped = re.search(r"^(\d+) not asked", done.stdout, re.MULTILINE)
    return int(found.group(1)) + (int(skipped.group(1)) if skipped else 0)


def test_migsim(source, agents):
    """Every combination of STOP_COPY, P2P and PRE_COPY, each arc seen by the driver, by cdev and by group."""
    source.agent.unit("stop", "accmigd.service")  # it would probe the device meanwhile
    # Each state that there is, times the nine numbers that can be asked for.
    for flags, pairs in ((1, 4 * 9), (3, 5 * 9), (5, 5 * 9), (7, 7 * 9)):
        source.devices.down("migsim")
        source.devices.up("migsim", migsim={"migration_flags": flags})
        source.devices.bind(MIGSIM)
        for access in ("cdev", "group"):
            assert (flags, access, walk(source, MIGSIM, "--access", access)) == (flags, access, pairs)


def test_hisi_acc(source, agents):
    """The kernel's own driver for HiSilicon accelerators."""
    source.agent.unit("stop", "accmigd.service")
    for access in ("cdev", "group"):
        assert (access, walk(source, ACC, "--access", access)) == (access, 5 * 9)


def test_mtty(source, agents):
    """The kernel's sample of an mdev."""
    source.agent.unit("stop", "accmigd.service")
    source.devices.touched("mdev")
    for access in ("cdev", "group"):
        assert (access, walk(source, source.devices.show()["mdev"][0], "--access", access)) == (access, 7 * 9)
