# SPDX-License-Identifier: GPL-2.0-or-later
"""Reading and comparing profiles: the arithmetic of one hostdev at the gate."""

import json
import pathlib
import tempfile

import acc
from figure import Figure, median, run_loop

ROUNDS = 200
KERNEL = "7.3.4"  # one that no rule has anything to say about; the verdict must not depend on where this runs


def profile(host, address, **members):
    """The profile the agent writes, with a kernel, and members of the family, of our choice."""
    found = json.loads(host.profile(address))
    assert found["hisi_acc"]
    found["host"] |= {"kernel": KERNEL, "kernel-level": KERNEL}
    found["hisi_acc"] |= {"hardware": "v4"} | members  # with the revision of a file, a remark would be due
    return json.dumps(found, separators=(",", ":"))


def measure(build):
    """Two profiles as the agent writes them, of the same kind of device on two hosts."""
    with acc.Accelerators(build, 2) as host, tempfile.TemporaryDirectory(prefix="accmig-bench-") as directory:
        paths = []
        for address in host.addresses:
            paths.append(pathlib.Path(directory, address))
            paths[-1].write_text(profile(host, address))
        other = pathlib.Path(directory, "other")
        other.write_text(profile(host, address, **{"qp-num": 4}))
        size = sum(path.stat().st_size for path in paths)
        found = run_loop(build, "compat-loop", ROUNDS, *paths, other)
    ours, bare = median(found["compare"]), median(found["parse"])
    yield Figure("profiles read in pairs and compared", 1 / ours, "per second", ROUNDS, ours / bare,
                 "json-glib parsing both texts", f"processor time; {size} bytes together")
    fits, fits_not = median(found["fits"]), median(found["fits-not"])
    yield Figure("verdicts on two read profiles that fit", 1 / fits, "per second", ROUNDS, ours / fits,
                 "reading both and comparing", "processor time")
    yield Figure("verdicts on two read profiles of which one has fewer queues", 1 / fits_not, "per second", ROUNDS,
                 fits_not / fits, "a pair that fits", "processor time")
