# SPDX-License-Identifier: GPL-2.0-or-later
"""One host as a process here: the emulator, how it is started, reached and stopped.

The emulator is the one inside the host root (this machine's may have no igb), run through that root's own
loader, so nothing is installed for it.
"""

import os
import pathlib
import signal
import socket
import subprocess
import time

from . import image, kernel, roots, state

NAMES = ("host1", "host2")

MEMORY_MIB = 1536
CPU = "qemu64,+ssse3,+sse4.1,+sse4.2,+popcnt"

# Memory taken from the kernel for the registers of the simulated accelerator.
RESERVED = "memmap=32M$0x50000000"

BOOT_LIMIT = 300
STOP_LIMIT = 20


def chosen(names):
    """The machines NAMES, or both when none is named."""
    for name in names:
        if name not in NAMES:
            raise state.Error(f"no host is called {name}; there are {' and '.join(NAMES)}")
    return [Machine(name) for name in names or NAMES]


class Machine:
    """One virtual host, running or not; all that is remembered about it lies in run/."""

    def __init__(self, name):
        self.name = name
        self.number = NAMES.index(name) + 1
        self.run = state.subdirectory("run")
        self.share = state.subdirectory("share")

    def _file(self, suffix):
        return self.run / f"{self.name}.{suffix}"

    @property
    def serial_log(self):
        return self._file("serial")

    @property
    def address(self):
        """Its address on the link between the hosts."""
        return f"10.77.0.{self.number}"

    def pid(self):
        """The emulator's process id, or None when it does not run."""
        try:
            pid = int(self._file("pid").read_text())
            cmdline = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError, ValueError):
            return None
        return pid if str(self._file("pid")).encode() in cmdline else None

    def is_running(self):
        return self.pid() is not None

    def is_current(self):
        """Whether it runs from the disk image that would be used today."""
        booted = self._file("image")
        return booted.exists() and booted.read_text() == state.stamp_of("image")

    def describe(self):
        if not self.is_running():
            return f"{self.name}: down"
        note = "" if self.is_current() else ", from an older disk image (down and up renews it)"
        return f"{self.name}: up, process {self.pid()}, 127.0.0.1:{self._port()}{note}"

    def start(self):
        """Start the emulator; a machine that runs already is left alone."""
        if self.is_running():
            state.say(f"{self.name}: reused (up already)")
            return
        for suffix in ("pid", "serial", "link", "control"):
            self._file(suffix).unlink(missing_ok=True)
        self._file("port").write_text(str(_free_port()))
        self._file("image").write_text(state.stamp_of("image"))
        library = roots.host() / "usr/lib/x86_64-linux-gnu"
        with open(self._file("log"), "wb") as log:
            subprocess.Popen(
                [library / "ld-linux-x86-64.so.2", "--library-path", library,
                 roots.host() / "usr/bin/qemu-system-x86_64", *self._arguments()],
                env={**os.environ, "QEMU_MODULE_DIR": str(library / "qemu")},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        state.say(f"{self.name}: starting")

    def _arguments(self):
        share = roots.host() / "usr/share"
        other = NAMES[2 - self.number]
        n = self.number
        words = ["console=ttyS0", "net.ifnames=0", "loglevel=4", "mitigations=off", "audit=0", "panic=-1",
                 "intel_iommu=on", "iommu=pt", RESERVED, "systemd.show_status=0",
                 f"systemd.machine_id={_machine_id(n)}", f"systemd.hostname={self.name}", f"testbed.host={n}"]
        return [
            "-name", f"accmig-{self.name}", "-uuid", f"00000000-0000-0000-0000-{n:012}",
            "-L", share / "qemu", "-L", share / "seabios",
            "-machine", "q35,kernel-irqchip=split", "-accel", "tcg,thread=multi,tb-size=512", "-cpu", CPU,
            "-smp", "1", "-m", str(MEMORY_MIB), "-nodefaults", "-display", "none", "-no-reboot",
            "-serial", f"file:{self.serial_log}", "-pidfile", self._file("pid"),
            "-kernel", kernel.vmlinuz(), "-initrd", image.initrd(), "-append", " ".join(words),
            "-device", "intel-iommu,intremap=off,caching-mode=on",
            "-device", "pcie-root-port,id=port1,chassis=1",
            "-netdev", "user,id=card,restrict=on",
            "-device", f"igb,bus=port1,netdev=card,mac=52:54:00:88:00:0{n}",
            "-drive", f"file={image.disk()},format=raw,if=none,id=disk,snapshot=on,cache=unsafe",
            "-device", "virtio-blk-pci,drive=disk",
            "-netdev", f"user,id=outside,hostfwd=tcp:127.0.0.1:{self._port()}-:22",
            "-device", f"virtio-net-pci,netdev=outside,romfile=,mac=52:54:00:66:00:0{n}",
            "-netdev", f"dgram,id=between,local.type=unix,local.path={self._file('link')},"
                       f"remote.type=unix,remote.path={self.run / other}.link",
            "-device", f"virtio-net-pci,netdev=between,romfile=,mac=52:54:00:77:00:0{n}",
            "-fsdev", f"local,id=share,path={self.share},security_model=none",
            "-device", "virtio-9p-pci,fsdev=share,mount_tag=share",
            "-device", "virtio-rng-pci",
        ]

    def _port(self):
        return int(self._file("port").read_text())

    def ssh_command(self, command=()):
        """The command line that runs COMMAND (words of a shell command) as root in the host."""
        return [
            "ssh", "-q", "-i", str(image.key()), "-p", str(self._port()),
            "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
            "-o", "ControlMaster=auto", "-o", f"ControlPath={self._file('control')}",
            "-o", "ControlPersist=600", "-o", "ConnectTimeout=20", "root@127.0.0.1", *command]

    def wait_ready(self, limit=BOOT_LIMIT):
        """Wait until a command can be run in the host."""
        begin = time.monotonic()
        while not self._answers():
            if not self.is_running() and time.monotonic() - begin > 5:
                raise state.Error(f"{self.name}: its emulator ended\n{self._file('log').read_text()}")
            if time.monotonic() - begin > limit:
                raise state.Error(f"{self.name}: no answer after {limit} s; last lines of its console:\n"
                                  + "\n".join(self.console().splitlines()[-20:]))
            time.sleep(1)

    def _answers(self):
        try:
            return subprocess.run(self.ssh_command(["true"]), stdin=subprocess.DEVNULL, check=False,
                                  stderr=subprocess.DEVNULL, timeout=30).returncode == 0
        except subprocess.TimeoutExpired:
            return False

    def console(self):
        """What the host has printed on its serial console."""
        return self.serial_log.read_text(errors="replace") if self.serial_log.exists() else ""

    def stop(self):
        """End the emulator; the disk is a snapshot, so there is nothing to save."""
        pid = self.pid()
        if pid is None:
            state.say(f"{self.name}: down already")
            return
        for signum in (signal.SIGTERM, signal.SIGKILL):
            os.kill(pid, signum)
            deadline = time.monotonic() + STOP_LIMIT
            while self.is_running() and time.monotonic() < deadline:
                time.sleep(0.1)
            if not self.is_running():
                state.say(f"{self.name}: stopped")
                return
        raise state.Error(f"{self.name}: process {pid} does not end")


def _machine_id(number):
    return f"{0xacc319:08x}{number:024x}"


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
