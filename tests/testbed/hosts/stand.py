# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest with two registered devices that serves one test after the other: it moves, and moves on from where it is.

To set hosts up anew takes longer than a migration does; so what a test left behind is looked at, and only what is not
as it was is made anew.
"""

from . import pair
from .holder import Holder

HELD = {"crypto0": "0000:01:10.0", "crypto1": "0000:01:10.2"}
OWN = "0000:01:10.4"    # a VF that a guest may have itself; it sends nothing before the guest has stopped

PAYLOAD = 1 << 16
STATE_SIZE = PAYLOAD + 40   # bytes of the stream that migsim makes of it

NO_PRE_COPY, ALL_FLAGS = 3, 7

LIMIT = 120

OPEN_STEPS = "sqlite3 -readonly /var/lib/accmig/history.db \"SELECT name, to_state FROM step WHERE outcome = ''\""


class Stand:
    """HOSTS, with SETTINGS for their agents. At any time the guest is on `here` and can go to `there`."""

    def __init__(self, hosts, settings):
        self.hosts, self.settings = hosts, settings
        self.here, self.there = hosts
        self.domain = None
        self.origin = None
        self.seeds = dict.fromkeys(HELD, 0)
        self._holders = {}
        self._said = {}     # by host: how many lines its holder had said before the present migration
        pair.on_both(self.equip, *hosts)

    def equip(self, host):
        """Give a host that is clean the devices, and its agent the settings."""
        self._holders.pop(host, None)
        host.devices.up("migsim", migsim_vfs=3)
        host.devices.migsim_parameter("payload_size", PAYLOAD)
        for address in HELD.values():
            host.devices.bind(address)
        host.devices.migsim_parameter("migration_flags", NO_PRE_COPY)
        host.devices.bind(OWN)
        host.devices.migsim_parameter("migration_flags", ALL_FLAGS)
        host.agent.configure(self.settings)

    def ready(self, domain):
        """DOMAIN runs on one of the hosts, and so do its devices, on both; no fault is armed."""
        if domain != self.domain or self.where() is None:
            self._start(domain)
        pair.on_both(self._renew, *self.hosts)
        self.seeds = {name: seed + 1000 + number for number, (name, seed) in enumerate(self.seeds.items())}
        for name, address in HELD.items():
            self.here.devices.seed(address, self.seeds[name])
        self.mark()

    def mark(self):
        """A migration is to begin, from `origin`: what holders were told before does not count."""
        self.origin = self.here
        self._said = {host: len(holder.lines()) for host, holder in self._holders.items()}

    def _start(self, domain):
        self.close()
        pair.on_both(lambda host: host.destroy_all(), *self.hosts)
        self.domain = domain
        self.here.start_domain(domain)
        if domain.device:
            self.here.agent.wait_profile(domain)

    def _renew(self, host):
        """The devices run. One that was stopped or has an alarm is opened and registered anew, which resets it."""
        paths = " ".join(f"/sys/kernel/debug/migsim/{address}" for address in (*HELD.values(), OWN))
        host.run(f"for path in {paths}; do echo clear >$path/fault; echo >$path/arcs; done")
        holder = self._holders.get(host)
        if holder is None or any(row["state"] != "running" or row["alarm"] for row in holder.registered().values()):
            self._holders[host] = holder = Holder(host, self.domain.uuid, HELD)
            host.wait_for(lambda: [row["state"] for row in holder.registered().values()] == ["running"] * len(HELD),
                          LIMIT, "registered devices that run", period=0.5)

    def close(self):
        """Let go of all devices."""
        for host, holder in self._holders.items():
            for address in HELD.values():
                host.devices.fault(address, "clear")
            holder.stop()
        self._holders.clear()

    # ---- looking -------------------------------------------------------------------------------------

    def where(self):
        """The host on which the guest runs, which is `here` from now on; None when it runs on none, or on both."""
        states = pair.on_both(lambda host: host.domain_state(self.domain), *self.hosts)
        running = [host for host, state in zip(self.hosts, states) if state == "running"]
        if len(running) != 1:
            return None
        [self.here] = running
        [self.there] = [host for host in self.hosts if host is not self.here]
        return self.here

    def rows(self, host):
        """What the agent of a host says of the devices, by name."""
        return self._holders[host].registered()

    def wait_told(self, host):
        """Until the holder has heard of both devices how the migration ended for them, and nothing is under way."""
        for name in HELD:
            self._holders[host].wait(f"^finished {name} (sent|running|lost)$", after=self._said[host], timeout=LIMIT)
        host.wait_for(lambda: host.output(OPEN_STEPS) == "", LIMIT, "outcomes of all steps", period=0.5)

    def held_seeds(self, host):
        """What the devices of a host hold."""
        return {name: host.devices.seed(address) for name, address in HELD.items()}
