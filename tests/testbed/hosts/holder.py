# SPDX-License-Identifier: GPL-2.0-or-later
"""A backend process on a host that holds devices and registers them: tests/testbed/tools/holder.c as a unit."""

import json
import re
import shlex

# The unit ends by itself if a test forgets it.
LIFE = 1200
LIMIT = 120


class Holder:
    """A process on HOST that opens DEVICES (name: address), registers them for DOMAIN, and keeps them."""

    def __init__(self, host, domain, devices, *options, unit="holder"):
        self.host, self.unit = host, f"{unit}.service"
        self._input, self._output = f"/run/{unit}.in", f"/run/{unit}.out"
        words = ["/share/tools/holder", *options, domain, *[word for pair in devices.items() for word in pair]]
        # Opened for writing as well, so that its input does not end when whoever sent a line is done.
        command = f"exec {shlex.join(words)} <>{self._input} >{self._output} 2>&1"
        self.stop()
        host.run(f"rm -f {self._input} {self._output}; mkfifo {self._input}; touch {self._output}; "
                 f"systemd-run -q --unit={self.unit} -p RuntimeMaxSec={LIFE} sh -c {shlex.quote(command)}")
        for name in devices:
            self.wait(f"^(registered|failed) {re.escape(name)}", after=0)

    def lines(self):
        """What it has said."""
        return self.host.file(self._output).splitlines()

    def wait(self, pattern, after=0, timeout=LIMIT):
        """Wait for a line that matches, not among the first AFTER; returns it."""
        def find():
            return next((line for line in self.lines()[after:] if re.search(pattern, line)), None)
        return self.host.wait_for(find, timeout, f"a line like “{pattern}” from {self.unit}", period=0.5)

    def send(self, line):
        """A line for it: register NAME, unregister NAME."""
        self.host.run(f"echo {shlex.quote(line)} >{self._input}")

    def kill(self):
        """As a crash would."""
        self.host.run(f"systemctl kill --signal=KILL {self.unit}")
        self.wait_end()

    def stop(self):
        self.host.run(f"systemctl stop {self.unit} 2>/dev/null; systemctl reset-failed {self.unit} 2>/dev/null",
                      check=False)

    def wait_end(self):
        self.host.wait_for(lambda: self.host.run(f"systemctl is-active -q {self.unit}", check=False).returncode != 0,
                           LIMIT, f"the end of {self.unit}", period=0.3)
        self.stop()

    def registered(self):
        """What accmigctl shows of registered devices, by name."""
        shown = json.loads(self.host.agent.ctl("--json", "devices").stdout)
        return {row["name"]: row for row in shown["registered"]}
