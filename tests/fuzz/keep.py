#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""keep.py CONTROL CORPUS MAX: copies finds that reach something new into a kept corpus

CONTROL is what libFuzzer's -merge wrote about each file: "COV number edge…". What is kept stays; of the finds
the one that reaches most is taken first, until nothing new is left or MAX files are there.
"""

import pathlib
import shutil
import sys


def read_control(path):
    """The edges that each file reaches, by the file's path."""
    lines = path.read_text().splitlines()
    n_files = int(lines[0])
    files = lines[2 : 2 + n_files]
    edges = {}
    for line in lines[2 + n_files :]:
        word, number, *rest = line.split()
        if word == "COV":
            edges[pathlib.Path(files[int(number)])] = set(rest)
    return edges


def choose(edges, corpus, most):
    """The finds to keep, in the order in which they were chosen."""
    finds = [path for path in edges if path.parent != corpus]
    reached = set().union(*(edges[path] for path in edges if path.parent == corpus))
    chosen = []
    while finds and len(chosen) < most:
        best = max(finds, key=lambda path: (len(edges[path] - reached), -path.stat().st_size))
        if edges[best] <= reached:
            break
        reached |= edges[best]
        finds.remove(best)
        chosen.append(best)
    return chosen


def main():
    control, corpus, most = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), int(sys.argv[3])
    chosen = choose(read_control(control), corpus, most - len(list(corpus.iterdir())))
    for path in chosen:
        shutil.copy(path, corpus / path.name)
    print(f"{corpus.name}: {len(chosen)} more files are kept")


main()
