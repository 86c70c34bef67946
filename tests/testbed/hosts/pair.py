# SPDX-License-Identifier: GPL-2.0-or-later
"""The two hosts together: everything made, both started, both stopped."""

import concurrent.futures

from . import guest, image, kernel, machine, modules, roots, state


def build():
    """Make everything that is not made yet."""
    roots.build()
    kernel.build()
    modules.build()
    image.build()
    guest.build()


def up(names=(), renew=False):
    """Start the hosts NAMES (both when none is named) and wait until they answer; returns the machines.

    A host that is up already is left alone; with RENEW not so when it runs from an older disk image."""
    machines = machine.chosen(names)
    for one in machines:
        if renew and one.is_running() and not one.is_current():
            one.stop()
        one.start()
    for one in machines:
        one.wait_ready()
    return machines


def down(names=()):
    """Stop the hosts NAMES, both when none is named."""
    for one in machine.chosen(names):
        one.stop()


def on_both(function, *hosts):
    """Call FUNCTION with each host, at the same time; returns the results in order."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        return list(pool.map(function, hosts))
