# SPDX-License-Identifier: GPL-2.0-or-later
"""accmig itself: built on Debian 13 in the builder root, and installed in running hosts.

The source tree is seen read-only; meson's build directory lies in the state directory, so a second build
compiles only what has changed.
"""

import shutil
import time

from . import roots, state

BUILD_LIMIT = 1200
INSTALL_LIMIT = 600

# The library goes where the loader looks on any Debian; meson would have to ask dpkg-dev for the usual place.
SETUP = ["-Dtest-families=true", "--prefix=/usr", "--libdir=lib", "--sysconfdir=/etc", "--localstatedir=/var",
         "--buildtype=debugoptimized"]

# Programs of the tests that run in the hosts and are not installed: /share/tools there.
TOOLS = ("testbed/tools/fsm-walk", "testbed/tools/broker-call", "testbed/tools/holder", "bench/stream-loop")

UNITS = ("accmig-broker.socket", "accmig-link.socket", "accmigd.service")

# What a package's scripts would do on a host. libvirtd reads its hooks directory when it starts.
INSTALL = f"""
set -e
cp -a --remove-destination /share/product/. /
systemd-sysusers
systemd-tmpfiles --create
ldconfig
systemctl daemon-reload
systemctl reload dbus.service
systemctl try-restart polkit.service
systemctl stop {' '.join(reversed(UNITS))} accmig-broker.service 2>/dev/null || true
systemctl restart libvirtd.service
systemctl start {' '.join(UNITS)}
systemctl is-active {' '.join(UNITS)}
"""


def build():
    """Compile accmig and put what "meson install" makes into the folder shared with the hosts."""
    begin = time.monotonic()
    staged = state.subdirectory("share") / "product"
    tools = state.subdirectory("share") / "tools"
    work = state.make("product", "build directory of accmig", state.directory() / "product",
                      [state.stamp_of("builder"), *SETUP], _configure)
    with state.locked("product"):
        _run(["ninja", "-j2", "-C", "/mnt/build"], work)
        state.remove(work / "staged")
        _run(["env", "DESTDIR=/mnt/build/staged", "meson", "install", "--no-rebuild", "-C", "/mnt/build"], work)
        state.remove(staged)
        (work / "staged").rename(staged)
        tools.mkdir(exist_ok=True)
        for name in TOOLS:
            shutil.copy2(work / "tests" / name, tools)
    state.say(f"accmig: built in {time.monotonic() - begin:.0f} s")


def _configure(work):
    work.mkdir(parents=True)
    _run(["meson", "setup", *SETUP, "/mnt/build", "/mnt/source"], work)


def _run(argv, work):
    roots.run_in_builder(argv, f"building accmig ({argv[0]})", BUILD_LIMIT,
                         binds=[(state.SOURCE, "/mnt/source")], writable=[(work, "/mnt/build")])


def install(machine):
    """Install what was built in a running host, and start it there."""
    state.call(machine.ssh_command([INSTALL]), f"{machine.name}: installing accmig", INSTALL_LIMIT)
    state.say(f"{machine.name}: accmig installed and running")
