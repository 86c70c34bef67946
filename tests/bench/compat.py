# SPDX-License-Identifier: GPL-2.0-or-later
"""Reading and comparing profiles: the arithmetic of one hostdev at the gate."""

import json
import pathlib
import tempfile

import acc
from figure import Figure, median, run_loop

ROUNDS = 200
KERNEL = "6.12.48"  # one that no rule has anything to say about; the verdict must not depend on where this runs


def profile(host, address):
    """The profile the agent writes, with a kernel of our choice."""
    found = json.loads(host.profile(address))
    assert found["hisi_acc"]
    found["host"]["kernel"] = KERNEL
    return json.dumps(found, separators=(",", ":"))


def measure(build):
    """Two profiles as the agent writes them, of the same kind of device on two hosts."""
    with acc.Accelerators(build, 2) as host, tempfile.TemporaryDirectory(prefix="accmig-bench-") as directory:
        paths = []
        for address in host.addresses:
            paths.append(pathlib.Path(directory, address))
            paths[-1].write_text(profile(host, address))
        size = sum(path.stat().st_size for path in paths)
        found = run_loop(build, "compat-loop", ROUNDS, *paths)
    ours, bare = median(found["compare"]), median(found["parse"])
    yield Figure("profiles read in pairs and compared", 1 / ours, "per second", ROUNDS, ours / bare,
                 "json-glib parsing both texts", f"processor time; {size} bytes together")
