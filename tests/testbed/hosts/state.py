# SPDX-License-Identifier: GPL-2.0-or-later
"""The state directory: everything the testbed generates, made step by step and kept between runs.

A step makes one path from named inputs. Its stamp holds the hash of those inputs and is written after the
path is in place, so a run that was interrupted leaves either the old result or none, never a half-made one.
"""

import contextlib
import datetime
import fcntl
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

SOURCE = pathlib.Path(__file__).resolve().parents[3]
TESTBED = SOURCE / "tests" / "testbed"


class Error(Exception):
    """Something the person at the keyboard has to know; its text is all that is printed."""


def directory():
    """The state directory, created on first use."""
    path = pathlib.Path(os.environ.get("ACCMIG_DEV_DIR", "/var/cache/accmig-dev")).absolute()
    path.mkdir(parents=True, exist_ok=True)
    return path


def subdirectory(name):
    """A directory below the state directory, created on first use."""
    path = directory() / name
    path.mkdir(parents=True, exist_ok=True)
    return path


def say(text):
    sys.stdout.write(f"testbed: {text}\n")
    sys.stdout.flush()


@contextlib.contextmanager
def locked(name, timeout=1800):
    """Hold the lock NAME; two runs of the testbed never make the same thing at the same time."""
    deadline = time.monotonic() + timeout
    with open(subdirectory("stamps") / f"{name}.lock", "w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Error(f"{name}: another run has held its lock for {timeout} s") from None
                time.sleep(0.5)
        yield


def digest(inputs):
    """One hash over INPUTS: texts are taken as they are, paths by name and content."""
    total = hashlib.sha256()
    for item in inputs:
        for label, content in _pieces(item):
            total.update(f"{label}\0{len(content)}\0".encode())
            total.update(content)
    return total.hexdigest()


def _pieces(item):
    if not isinstance(item, pathlib.Path):
        yield "text", str(item).encode()
    elif item.is_dir():
        for path in sorted(p for p in item.rglob("*") if p.is_file()):
            yield str(path.relative_to(item)), path.read_bytes()
    else:
        yield item.name, item.read_bytes()


def make(name, what, output, inputs, build, note=""):
    """Make OUTPUT by calling BUILD with the path to fill in, unless its inputs are those of the last time.

    NAME names the stamp, WHAT is the step in words, NOTE goes into the line printed. Returns OUTPUT."""
    output = pathlib.Path(output)
    stamp = subdirectory("stamps") / f"{name}.json"
    with locked(name):
        wanted = digest(inputs)
        made = json.loads(stamp.read_text()) if stamp.exists() else {}
        if made.get("inputs") == wanted and output.exists():
            say(f"{what}: reused ({', '.join(filter(None, [note, made['date']]))})")
            return output
        begin = time.monotonic()
        stamp.unlink(missing_ok=True)
        fresh = output.with_name(f".{output.name}.new")
        remove(fresh)
        fresh.parent.mkdir(parents=True, exist_ok=True)
        build(fresh)
        remove(output)
        fresh.rename(output)
        _write_stamp(stamp, wanted)
        say(f"{what}: built in {time.monotonic() - begin:.0f} s" + (f" ({note})" if note else ""))
    return output


def _write_stamp(stamp, inputs):
    fresh = stamp.with_suffix(".new")
    fresh.write_text(json.dumps({"inputs": inputs, "date": datetime.date.today().isoformat()}))
    fresh.rename(stamp)


def stamp_of(name):
    """The input hash of the finished step NAME, to be an input of the steps that build on it."""
    return json.loads((subdirectory("stamps") / f"{name}.json").read_text())["inputs"]


def remove(path):
    """Remove a file or a tree; nothing there is fine."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def call(argv, what, timeout, **options):
    """Run a command to its end and return its output; an Error names WHAT and ends with what it printed."""
    try:
        done = subprocess.run(
            [str(word) for word in argv], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL, timeout=timeout, check=False, text=True, errors="replace", **options)
    except subprocess.TimeoutExpired as late:
        raise Error(f"{what}: not finished after {timeout} s") from late
    except FileNotFoundError as missing:
        raise Error(f"{what}: the program {missing.filename} is not installed") from missing
    if done.returncode != 0:
        tail = "\n".join(done.stdout.splitlines()[-40:])
        raise Error(f"{what}: {argv[0]} ended with status {done.returncode}\n{tail}")
    return done.stdout
