# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest's kernel: a few kilobytes of our own that count beats and dirty memory."""

from . import state


def build():
    folder = state.TESTBED / "guest"
    inputs = [path for path in sorted(folder.iterdir()) if path.is_file()]
    state.make("guest", "guest", state.directory() / "guest", inputs, _build)
    state.call(["cp", state.directory() / "guest/guest.elf", state.subdirectory("share")], "guest", 60)


def _build(path):
    path.mkdir(parents=True)
    state.call(["make", "-s", "-C", state.TESTBED / "guest", f"OUT={path}"], "guest", timeout=120)
