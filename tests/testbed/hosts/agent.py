# SPDX-License-Identifier: GPL-2.0-or-later
"""accmig on a host, as its users see it: over D-Bus, by accmigctl, and as processes that can be stopped."""

import json
import shlex
from xml.etree import ElementTree

BUS = "org.accmig1"
ROOT = "/org/accmig1"
ENDS = ("completed", "refused", "failed", "cancelled", "lost")

OURS = "/etc/accmig/accmig.conf.d/90-test.conf"

# What tests mask, stop and configure. To unmask lets systemd read all its units anew, which here takes seconds.
RESET = f"""
set -e
[ ! -L /run/systemd/system/accmigd.service ] || systemctl unmask --runtime accmigd.service
systemctl start accmig-broker.socket
rm -f {OURS}
systemctl restart accmigd.service
"""

# Starting an agent under emulation on a busy machine.
AGENT_LIMIT = 120


class Agent:
    """The agent of HOST."""

    def __init__(self, host):
        self.host = host

    # ---- D-Bus ------------------------------------------------------------------------------------

    def call(self, method, signature="", *args, interface="Manager", path=ROOT):
        """Call a method; returns its first result, parsed where it is a JSON document."""
        words = ["busctl", "--json=short", "call", BUS, path, f"{BUS}.{interface}", method]
        if signature:
            words += [signature, *[str(arg) for arg in args]]
        data = json.loads(self.host.run(shlex.join(words)).stdout)["data"][0]
        return json.loads(data) if isinstance(data, str) and data.startswith("{") else data

    def device(self, address, name):
        """A property of a device's object; None when there is no such object."""
        path = f"{ROOT}/devices/" + "".join(c if c.isalnum() else "_" for c in address)
        words = ["busctl", "--json=short", "get-property", BUS, path, f"{BUS}.Device", name]
        done = self.host.run(shlex.join(words), check=False)
        return json.loads(done.stdout)["data"] if done.returncode == 0 else None

    def wait_probed(self, address):
        """Wait until the free device has been asked for what only a free device tells: a guest may have it then."""
        self.host.wait_for(lambda: self.device(address, "Migration"), AGENT_LIMIT, f"the probe of {address}", period=1)

    def migration(self, number=0):
        """The record of one migration; the newest without a number."""
        return self.call("DescribeMigration", "t", number)

    def migrations(self, limit=100):
        """The newest records, newest first, as the list gives them."""
        rows = self.call("ListMigrations", "u", limit)
        return [{key: value["data"] for key, value in row.items()} for row in rows]

    def alarms(self, kind=None):
        """The alarms that the agent knows, newest first; of one KIND, or all."""
        rows = [{key: value["data"] for key, value in row.items()} for row in self.call("ListAlarms")]
        return [row for row in rows if kind in (None, row["Kind"])]

    def wait_migration(self, domain, *phases, after=0, timeout=AGENT_LIMIT):
        """Wait until the newest migration of DOMAIN with a number above AFTER is in one of PHASES (any end when none
        is named); returns its record."""
        phases = phases or ENDS

        def found():
            for row in self.migrations(10):
                if row["DomainUuid"] == domain.uuid and row["Id"] > after:
                    return row["Id"] if row["Phase"] in phases else None
            return None
        number = self.host.wait_for(found, timeout, f"a migration of {domain.name} in {' or '.join(phases)}", period=1)
        return self.migration(number)

    def last_id(self):
        """The number of the newest record; 0 when there is none."""
        rows = self.migrations(1)
        return rows[0]["Id"] if rows else 0

    def wait_profile(self, domain, alias="hostdev0", timeout=AGENT_LIMIT):
        """Wait until the running domain's metadata carries the profile of its device; returns it."""
        def found():
            done = self.host.virsh("metadata", domain.name, "urn:accmig:1", check=False)
            return f'alias="{alias}"' in done.stdout.replace("'", '"') or None
        self.host.wait_for(found, timeout, f"the profile in the metadata of {domain.name}", period=1)
        description = self.call("DescribeDomain", "s", domain.name)
        return next(dev["profile"] for dev in description["hostdevs"] if dev["alias"] == alias)

    def alter_profile(self, domain, change):
        """Call CHANGE with the profile that the running domain carries, and let it carry what that leaves. The agent is
        stopped, or it would put the true one back."""
        self.unit("stop", "accmigd.service")
        devices = ElementTree.fromstring(self.host.virsh("metadata", domain.name, "urn:accmig:1").stdout)
        profile = json.loads(devices[0].text)
        change(profile)
        devices[0].text = json.dumps(profile)
        self.host.virsh("metadata", domain.name, "urn:accmig:1", "--live", "--key", "accmig", "--set",
                        ElementTree.tostring(devices, encoding="unicode"))

    def wait_ready(self, timeout=AGENT_LIMIT):
        """Wait until the agent answers and is connected to libvirt and to its broker."""
        def ready():
            words = "busctl --json=short get-property org.accmig1 /org/accmig1 org.accmig1.Manager "
            done = self.host.run(words + "HypervisorConnected BrokerConnected", check=False)
            return done.returncode == 0 and done.stdout.count("true") == 2
        self.host.wait_for(ready, timeout, "the agent, connected to libvirt and its broker", period=0.5)

    # ---- accmigctl --------------------------------------------------------------------------------

    def ctl(self, *words, check=True, timeout=AGENT_LIMIT):
        return self.host.run(shlex.join(["accmigctl", *words]), timeout, check)

    # ---- processes ----------------------------------------------------------------------------------

    def unit(self, verb, *units):
        self.host.run(shlex.join(["systemctl", verb, *units]))

    def pid(self, unit):
        return int(self.host.output(f"systemctl show -P MainPID {unit}"))

    def broker_vfio_fds(self):
        """How many VFIO and iommufd descriptors the broker has open."""
        pid = self.pid("accmig-broker.service")
        if pid == 0:
            return 0
        text = self.host.run(f"ls -l /proc/{pid}/fd 2>/dev/null", check=False).stdout
        return sum("vfio" in line or "/dev/iommu" in line for line in text.splitlines())

    def write_settings(self, text):
        """Put TEXT into the configuration, which the hook reads each time and the agent when it starts."""
        self.host.run(f"mkdir -p {OURS.rpartition('/')[0]}")
        self.host.write(OURS, text)

    def configure(self, text):
        """Put TEXT into the agent's configuration and restart it."""
        self.write_settings(text)
        self.unit("restart", "accmigd.service")
        self.wait_ready()

    def reset(self):
        """Let it run as it was installed, with a configuration of its own."""
        self.host.run(RESET)
        self.wait_ready()
