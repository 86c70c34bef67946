# SPDX-License-Identifier: GPL-2.0-or-later
"""A figure: one number, how it compares, and the line it is printed as."""

import dataclasses
import pathlib
import re
import statistics
import subprocess

LOOP_LIMIT = 900  # seconds; a loop that takes longer hangs


@dataclasses.dataclass(frozen=True)
class Figure:
    """VALUE in UNIT of what NAME says, from N samples; RATIO to AGAINST from the same run, where there is one."""

    name: str
    value: float
    unit: str
    n: int
    ratio: float | None = None
    against: str = ""
    note: str = ""

    def __str__(self):
        words = [] if self.ratio is None else [f"ratio {number(self.ratio)} against {self.against}"]
        words += [self.note] if self.note else []
        return f"{self.name}: {number(self.value)} {self.unit} ({'; '.join([*words, f'n={self.n}'])})"


def number(value):
    """Three digits that count, and no more."""
    return f"{value:.0f}" if value == 0 or abs(value) >= 100 else f"{value:.3g}"


def samples(text):
    """What a loop printed, as lists of seconds by variant."""
    found = {}
    for variant, nanoseconds in re.findall(r"^(\S+) ([\d.]+)$", text, re.MULTILINE):
        found.setdefault(variant, []).append(float(nanoseconds) / 1e9)
    return found


def run_loop(build, name, *arguments, **options):
    """Run one of the loops to its end; returns its samples."""
    program = pathlib.Path(build) / "tests/bench" / name
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, timeout=LOOP_LIMIT,
                          check=False, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{name} ended with status {done.returncode}: {done.stderr.strip()}")
    return samples(done.stdout)


median = statistics.median
