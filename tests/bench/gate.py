# SPDX-License-Identifier: GPL-2.0-or-later
"""The gate: how long libvirt waits for the agent's decision on an incoming guest."""

import acc
from figure import Figure, median, run_loop
from guest import guest, hostdev

ROUNDS = 100
COUNTS = (1, 8, 64)


def incoming(host, count):
    """A guest with COUNT devices on its way here, each with the profile of a device like the one it will get."""
    chosen = host.addresses[:count]
    profiles = {f"hostdev{n}": host.profile(address) for n, address in enumerate(chosen)}
    return guest(*(hostdev(address, n) for n, address in enumerate(chosen)), profiles=profiles, name="guest")


def measure(build):
    """A whole decision of the real agent: XML, profiles, a probe of every target by the stub, rules, reservation."""
    with acc.Accelerators(build, max(COUNTS)) as host:
        path = host.directory / "guest.xml"
        for count in COUNTS:
            path.write_bytes(incoming(host, count))
            found = run_loop(build, "gate-loop", ROUNDS, "guest", path,
                             env={"DBUS_SYSTEM_BUS_ADDRESS": host.address})
            ours, bare = median(found["ask"]), median(found["ping"])
            yield Figure(f"gate decision, {count} VF{'s' if count > 1 else ''}", ours * 1e3, "ms", ROUNDS,
                         ours / bare, "Peer.Ping to the agent", f"XML of {path.stat().st_size} bytes")
