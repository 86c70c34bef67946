# SPDX-License-Identifier: GPL-2.0-or-later
"""From many profiles to classes: accmigctl fleet, with a fleet as a data centre may have it."""

import json
import pathlib
import random
import re
import subprocess
import tempfile

from figure import LOOP_LIMIT, Figure, median

SIZES = (10_000, 100_000)
ROUNDS = 3
VFS = 62  # of one PF each, as hisi_sec2 offers them

# Distribution kernels of three generations; none has a defect that a rule knows.
KERNELS = [f"6.12.{patch}" for patch in range(40, 60)] + [f"6.6.{patch}" for patch in range(95, 110)]

# What a PF is: id of its VFs, driver, how many queues it has.
ENGINES = [("0xa256", "hisi_sec2"), ("0xa259", "hisi_hpre"), ("0xa251", "hisi_zip")]


def profiles(count, seed=1):
    """COUNT of them, host by host: its name and the profiles of all its VFs.

    Hosts come in batches of one purchase: the same engine, firmware and queue counts, kernels as they were updated.
    The last VF of a PF gets the queues that are left over, and now and then a VF is bound to another driver."""
    numbers = random.Random(seed)
    batch = None
    host = 0
    while count > 0:
        if host % 40 == 0:
            batch = {"engine": numbers.choice(ENGINES), "queues": numbers.choice([4, 8, 16]),
                     "isolation": numbers.choice([0, 0, 1]), "hardware": numbers.choice(["v3+", "v3+", "v4"])}
        vfs = min(VFS, count)
        kernel = numbers.choice(KERNELS)
        yield f"cn{host:05}", [profile(batch, kernel, index, index == VFS - 1, numbers) for index in range(vfs)]
        host += 1
        count -= vfs


def profile(batch, kernel, index, is_last, numbers):
    """One VF."""
    device, pf_driver = batch["engine"]
    address = f"0000:75:{(index + 1) // 8:02x}.{(index + 1) % 8}"
    bound = numbers.random() > 0.002
    return {
        "format": "accmig-profile/1",
        "host": {"kernel": kernel, "kernel-level": kernel, "machine": "aarch64", "page-size": 65536, "cpu": "0x481fd010",
                 "iommu": "arm-smmu-v3"},
        "device": {"address": address, "kind": "pci", "family": "hisi_acc", "vendor": "0x19e5", "device": device,
                   "revision": "0x30" if batch["hardware"] == "v3+" else "0x50",
                   "driver": "hisi_acc_vfio_pci" if bound else "vfio-pci", "vfio": True, "variant": "hisi_acc_vfio_pci",
                   "pf": "0000:75:00.0", "pf-driver": pf_driver, "vf-index": index, "num-vfs": VFS, "numa-node": index % 2,
                   "migration": bound, "flags": 7 if bound else 0, "state-size": 4096},
        "hisi_acc": {"hardware": batch["hardware"], "magic": "0xaaccfeeddecadede", "major": 1, "minor": 0,
                     "qp-num": batch["queues"] + (6 if is_last else 0), "isolation": batch["isolation"]},
    }


def write(directory, count):
    """A file for each host, a profile on each line."""
    for host, found in profiles(count):
        (directory / f"{host}.json").write_text("".join(json.dumps(one, separators=(",", ":")) + "\n" for one in found))


def run(build, directory):
    """Seconds, peak memory in KiB, and what came out."""
    build = pathlib.Path(build)
    output = directory.with_suffix(".out")
    done = subprocess.run([build / "tests/bench/measure-program", output, build / "agent/ctl/accmigctl", "fleet", "--json",
                           f"{directory}/"], capture_output=True, text=True, timeout=LOOP_LIMIT, check=False)
    figures = re.fullmatch(r"(\d+) nanoseconds, (\d+) KiB\n", done.stdout)
    if figures is None:
        raise RuntimeError(f"accmigctl fleet: {done.stderr.strip()}")
    return int(figures[1]) / 1e9, int(figures[2]), json.loads(output.read_text())


def measure(build):
    """The same kind of fleet in two sizes, in turns: the slope is what counts."""
    with tempfile.TemporaryDirectory(prefix="accmig-bench-") as directory:
        found = {size: [] for size in SIZES}
        for size in SIZES:
            path = pathlib.Path(directory, str(size))
            path.mkdir()
            write(path, size)
        for _round in range(ROUNDS):
            for size in SIZES:
                found[size].append(run(build, pathlib.Path(directory, str(size))))
    small, large = (found[size] for size in SIZES)
    for size, runs, base in ((SIZES[0], small, None), (SIZES[1], large, small)):
        shown = runs[0][2]
        note = f"{shown['hosts']} hosts, {shown['groups']} groups, {len(shown['classes'])} classes"
        for name, unit, column, factor in (("time", "s", 0, 1), ("peak memory", "MiB", 1, 1 / 1024)):
            value = median(one[column] for one in runs) * factor
            ratio = value / (median(one[column] for one in base) * factor) if base else None
            yield Figure(f"fleet of {size:,} profiles: {name}", value, unit, len(runs), ratio,
                         f"{SIZES[0]:,} profiles" if base else "", note)
