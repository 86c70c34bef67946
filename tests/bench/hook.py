# SPDX-License-Identifier: GPL-2.0-or-later
"""libvirt's hook, for the guests that do not concern it: nearly all of them, on every host."""

import pathlib
import tempfile

from domains import guest_xml
from figure import Figure, median, run_loop

ROUNDS = 200
ORDINARY = 8 * 1024  # bytes of a guest with some disks and interfaces
MIB = 1024 * 1024


def pad(xml, size):
    """The domain with a comment that makes it as large as libvirt's hook has ever to read."""
    return xml.replace("</domain>", f"<!--{'x' * (size - len(xml) - 7)}--></domain>")


def measure(build):
    """The hook against /bin/true, with a domain without host devices of ordinary size and of 1 MiB."""
    hook = build / "hooks/50-accmig"
    small = pad(guest_xml("guest", 1), ORDINARY)
    with tempfile.TemporaryDirectory(prefix="accmig-bench-") as directory:
        for size, xml in ((f"{ORDINARY // 1024} KiB", small), ("1 MiB", pad(small, MIB))):
            path = pathlib.Path(directory, "guest.xml")
            path.write_text(xml)
            found = run_loop(build, "spawn-loop", ROUNDS, path, hook, "/bin/true")
            ours, bare = median(found["50-accmig"]), median(found["true"])
            yield Figure(f"hook without host devices, {size}", ours * 1e3, "ms", ROUNDS, ours / bare, "/bin/true",
                         f"{(ours - bare) * 1e3:.2f} ms more")
