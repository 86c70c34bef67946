# SPDX-License-Identifier: GPL-2.0-or-later
"""The real agent on a bus of its own, with a sysfs and, if wanted, a broker that are files.

The bus is a system bus with the policy that gets installed; the agent runs as a user without privileges, as it does in
real life, and is asked by others: by root, which is the test, and by another user. All that only root can set up.
"""

import contextlib
import os
import pathlib
import pwd
import queue
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import dbus

from mock_sysfs import MockSysfs

SECONDS = 30  # no single step may take longer, also on a slow machine
NAME, ROOT = "org.accmig1", "/org/accmig1"
AGENT_USER, OTHER_USER = "nobody", "daemon"
SOURCE = pathlib.Path(__file__).resolve().parents[2]
# The families of this tree, for every program that a test starts.
os.environ.setdefault("ACCMIG_FAMILIES_PATH", f"{SOURCE}/data/families.d:{SOURCE}/tests/data/families.d")
PYTHON = "/usr/bin/python3"

# What a program says of its own defects: GLib, and the sanitizers where it was built with them.
COMPLAINT = "CRITICAL|assertion|runtime error|Sanitizer"

BUS_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus"/>
  </policy>
  {policy}
</busconfig>
"""


def read_policy():
    """The installed policies, for the user that stands in for accmig."""
    text = (SOURCE / "packaging/dbus/org.accmig1.conf").read_text()
    policies = re.findall(r"<policy .*?</policy>", text, re.S)
    return "\n".join(policies).replace('user="accmig"', f'user="{AGENT_USER}"')


class Process:
    """A program of ours, its output line by line."""

    def __init__(self, command, user=None, **options):
        if user is not None:
            account = pwd.getpwnam(user)
            options.update(user=account.pw_uid, group=account.pw_gid, extra_groups=[])
        self.popen = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
                                      errors="replace", **options)
        self.lines = queue.Queue()
        self.seen = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.popen.stdout:
            self.lines.put(line.rstrip("\n"))

    def wait_line(self, pattern):
        """The next line that matches; those before it are kept in ->seen."""
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                line = self.lines.get(timeout=max(deadline - time.monotonic(), 0.001))
            except queue.Empty:
                raise AssertionError(f"no line like {pattern!r}; there were {self.seen}") from None
            self.seen.append(line)
            if re.search(pattern, line):
                return line

    def drain(self):
        """The lines that came and nobody waited for."""
        lines = []
        with contextlib.suppress(queue.Empty):
            while True:
                lines.append(self.lines.get_nowait())
        self.seen += lines
        return lines

    def send(self, line):
        """A line for its standard input."""
        self.popen.stdin.write(line + "\n")
        self.popen.stdin.flush()

    def stop(self, how=signal.SIGTERM):
        """Ends it. Returns its exit status."""
        if self.popen.poll() is None:
            self.popen.send_signal(how)
        try:
            return self.popen.wait(SECONDS)
        finally:
            self.popen.kill()
            self.popen.wait()
            self.reader.join(SECONDS)


class Broker(Process):
    """The stub, and its devices."""

    def __init__(self, program, directory):
        self.devices = directory / "devices"
        self.devices.mkdir(exist_ok=True)
        super().__init__([program, str(directory / "broker.socket"), str(self.devices)])
        self.wait_line("^ready$")
        (directory / "broker.socket").chmod(0o666)

    def set_device(self, address, **values):
        """What the stub answers for a device from now on."""
        text = "[device]\n" + "".join(f"{key}={value}\n" for key, value in values.items())
        path = self.devices / address
        path.parent.mkdir(exist_ok=True)
        path.with_suffix(".new").write_text(text)
        path.with_suffix(".new").rename(path)


class Host:
    """One host: bus, sysfs, agent. A context manager; start what the test needs."""

    def __init__(self, settings=""):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="accmig-bus-"))
        self.directory.chmod(0o755)
        self.sysfs = MockSysfs(self.directory / "sys")
        self.state = self.directory / "state"
        self.state.mkdir()
        shutil.chown(self.state, AGENT_USER)
        self.uri = "test:///default"
        self.settings = settings
        self.bus_process = self.agent = self.broker = self.bus = None

    def __enter__(self):
        config = self.directory / "bus.conf"
        config.write_text(BUS_CONFIG.format(socket=self.directory / "bus", policy=read_policy()))
        self.bus_process = Process(["dbus-daemon", f"--config-file={config}", "--nofork", "--print-address"])
        self.bus_process.wait_line("^unix:")
        self.bus = self.connect()
        return self

    def __exit__(self, *exception):
        status = self.agent.stop() if self.agent is not None else 0
        for process in (self.broker, self.bus_process):
            if process is not None:
                process.stop()
        shutil.rmtree(self.directory)
        complaints = [line for line in self.read_agent() if re.search(COMPLAINT, line)]
        assert status == 0 and not complaints, (status, complaints)

    def read_agent(self):
        """Everything the agent has said."""
        if self.agent is None:
            return []
        self.agent.drain()
        return self.agent.seen

    @property
    def address(self):
        """Of the bus."""
        return f"unix:path={self.directory / 'bus'}"

    def connect(self):
        """A new connection to the bus."""
        return dbus.bus.BusConnection(self.address)

    def start_broker(self, program):
        """The stub."""
        self.broker = Broker(program, self.directory)
        return self.broker

    def start_agent(self, program):
        """The agent; returns when it has its name."""
        config = self.directory / "conf"
        config.mkdir(exist_ok=True)
        (config / "accmig.conf").write_text(
            f"[hypervisor]\nuri = {self.uri}\n[broker]\nsocket = {self.directory / 'broker.socket'}\n{self.settings}")
        environment = {
            "PATH": "/usr/sbin:/usr/bin", "LC_ALL": "C.UTF-8", "HOME": "/nonexistent",
            "DBUS_SYSTEM_BUS_ADDRESS": self.address, "ACCMIG_CONFIG_DIR": str(config),
            "STATE_DIRECTORY": str(self.state), "ACCMIG_SYSFS": str(self.sysfs.root), "ACCMIG_FAMILIES_PATH": os.environ["ACCMIG_FAMILIES_PATH"],
            **{name: os.environ[name] for name in ("LD_LIBRARY_PATH", "UBSAN_OPTIONS") if name in os.environ},
            # The sanitizer would keep what was freed, and a test measures memory.
            "ASAN_OPTIONS": f"{os.environ.get('ASAN_OPTIONS', '')}:quarantine_size_mb=1",
        }
        self.agent = Process([program], user=AGENT_USER, env=environment, stderr=subprocess.STDOUT)
        wait_for(lambda: self.bus.name_has_owner(NAME) or self.agent.popen.poll() is not None, "the agent's name")
        assert self.agent.popen.poll() is None, self.agent.drain()
        return self.agent

    def interface(self, name, path=ROOT):
        """A proxy of one interface."""
        proxy = self.bus.get_object(NAME, path, introspect=False)
        return dbus.Interface(proxy, name if "." in name else f"{NAME}.{name}")

    def get(self, interface, name, path=ROOT):
        """A property."""
        properties = self.interface("org.freedesktop.DBus.Properties", path)
        return properties.Get(f"{NAME}.{interface}", name, timeout=SECONDS)

    def get_device(self, address):
        """Every property of a device."""
        path = f"{ROOT}/devices/{re.sub('[^A-Za-z0-9]', '_', address)}"
        properties = self.interface("org.freedesktop.DBus.Properties", path)
        return properties.GetAll(f"{NAME}.Device", timeout=SECONDS)

    def wait_connected(self):
        """Until the agent knows all domains and, if there is one, has its broker."""
        wait_for(lambda: self.get("Manager", "HypervisorConnected"), "libvirt")
        if self.broker is not None:
            wait_for(lambda: self.get("Manager", "BrokerConnected"), "the broker")

    def ask(self, domain, operation, suboperation, xml, extra="-", timeout=SECONDS):
        """The hook's question. Returns allowed, message, new XML."""
        allowed, message, new_xml = self.interface("Gate").Ask(
            domain, operation, suboperation, extra, dbus.ByteArray(xml), timeout=timeout, byte_arrays=True)
        return bool(allowed), str(message), bytes(new_xml)

    def ask_async(self, domain, operation, suboperation, xml):
        """The same from a process of its own, which does not wait here."""
        program = ("import sys, dbus; b = dbus.bus.BusConnection(sys.argv[1]);"
                   "g = dbus.Interface(b.get_object('org.accmig1', '/org/accmig1', introspect=False), 'org.accmig1.Gate');"
                   "a, m, x = g.Ask(*sys.argv[2:5], '-', dbus.ByteArray(sys.stdin.buffer.read()), timeout=60);"
                   "print(bool(a), m)")
        process = subprocess.Popen([PYTHON, "-c", program, self.address, domain, operation, suboperation],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        process.stdin.write(xml.decode())
        process.stdin.close()
        return process

    def run_as_other(self, *arguments):
        """busctl as a user without privileges. Returns the finished process."""
        account = pwd.getpwnam(OTHER_USER)
        return subprocess.run(["busctl", f"--address={self.address}", f"--timeout={SECONDS}", *arguments],
                              user=account.pw_uid, group=account.pw_gid, extra_groups=[], capture_output=True, text=True,
                              timeout=2 * SECONDS, check=False)

    def resident_kib(self):
        """Memory the agent holds."""
        status = pathlib.Path(f"/proc/{self.agent.popen.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1])


def wait_for(condition, what):
    """Until @condition holds. Asks often: what is waited for is a call to another process, not an event of ours."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come"
        time.sleep(0.02)
