# SPDX-License-Identifier: GPL-2.0-or-later
"""accmigctl's verbs for a person at a device: state set, path, save with its progress, inspect; device reset."""

import contextlib
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import time

import dbus
import pytest

from agent import AGENT_USER, SECONDS, wait_for
from conftest import SEC_VFS, acc_match
from test_alarm import fail_and_stand_still, say, source_host, wait_alarm
from test_ctl import CTL, environment, make_source, run  # make_source: the fixture "source"
from test_registered import OTHER_UUID, UUID, Holder, get_all, paths

__all__ = ["make_source"]

pytestmark = [pytest.mark.timeout(6 * SECONDS),
              pytest.mark.skipif(not CTL, reason="ACCMIG_CTL does not name the program")]


def whole_acc(qp_num=8):
    """A hisi_acc stream of 176 bytes, of a device with this many queues."""
    return bytes.fromhex(acc_match(qp_num)) + bytes(104) + struct.pack("<4Q", 4096, 8192, 12288, 16384)


def fail(host, *words, status):
    """Runs accmigctl, which ends with @status. Returns both of its outputs."""
    done = subprocess.run([CTL, *words], stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, text=True,
                          env=environment(host), check=False)
    assert done.returncode == status, done
    return done.stdout, done.stderr


class Terminal:
    """A program whose standard input and error are a terminal of ours."""

    def __init__(self, host, *words, stdout=subprocess.PIPE):
        self.ours, theirs = pty.openpty()
        self.popen = subprocess.Popen([CTL, *words], stdin=theirs, stdout=stdout, stderr=theirs, env=environment(host))
        os.close(theirs)
        self.text = ""

    def wait(self, pattern):
        """Until the terminal shows this."""
        deadline = time.monotonic() + SECONDS
        while not re.search(pattern, self.text):
            assert time.monotonic() < deadline, self.text
            if select.select([self.ours], [], [], 0.5)[0]:
                with contextlib.suppress(OSError):  # the program is gone
                    self.text += os.read(self.ours, 4096).decode()

    def type(self, text):
        """What the person types."""
        os.write(self.ours, text.encode())

    def end(self):
        """Returns its exit status and what it wrote to its standard output."""
        out = self.popen.communicate(timeout=SECONDS)[0]
        os.close(self.ours)
        return self.popen.returncode, out


# ---- state set ------------------------------------------------------------------------------------------------------

def test_set(acc_host):
    """A row for each request, with the hops that the library knows; the same as JSON."""
    acc_host.broker.set_device(SEC_VFS[0], flags=5, size=176, match=acc_match(8))
    lines = [line.split() for line in run(acc_host, "state", "set", SEC_VFS[0], "stop-copy", "running").splitlines()]
    assert lines[1:] == [["running", "stop", "stop-copy", "1.5", "ms", "stop-copy"],
                         ["stop-copy", "stop", "running", "1.5", "ms", "running"]]
    shown = json.loads(run(acc_host, "--json", "state", "set", SEC_VFS[0], "pre-copy"))
    assert shown == {"format": "accmig-walk/1", "address": SEC_VFS[0],
                     "steps": [{"from": "running", "to": "pre-copy", "hops": ["pre-copy"], "usec": 1500, "errno": "",
                                "state": "pre-copy"}]}
    acc_host.broker.wait_line("^Walk")
    acc_host.broker.wait_line("^state stop-copy$")


def test_set_refused(acc_host):
    """The kernel's no is in the table, and is the one line that says why it ended."""
    acc_host.broker.set_device(SEC_VFS[0], flags=5, size=176, match=acc_match(8), refuses="EBUSY")
    out, err = fail(acc_host, "state", "set", SEC_VFS[0], "stop", "stop-copy", status=1)
    assert out.splitlines()[-1].split() == ["stop", "-", "stop-copy", "1.5", "ms", "stop", "(EBUSY)"]
    assert err == f"accmigctl: {SEC_VFS[0]} does not go from stop to stop-copy: EBUSY, which left it in stop\n"


def test_set_wrong(acc_host):
    """What is no state is said without asking anybody; the broker's no is passed on."""
    assert "“stopped” is no state" in run(acc_host, "state", "set", SEC_VFS[0], "stop", "stopped", status=2)
    assert "state set needs ADDRESS STATE…" in run(acc_host, "state", "set", SEC_VFS[0], status=2)
    assert "one word too many" in run(acc_host, "state", "set", SEC_VFS[0], *["stop"] * 33, status=2)
    assert "no device 0000:99:00.0" in run(acc_host, "state", "set", "0000:99:00.0", "stop", status=1)
    acc_host.broker.set_device(SEC_VFS[0], **{"flags": 5, "error-Walk": "org.accmig1.Error.BadState"})
    assert "was told to fail" in run(acc_host, "state", "set", SEC_VFS[0], "stop-copy", "pre-copy", status=1)


def test_a_guests_device_is_left_alone(source):
    """Neither set nor reset touch it, and both name the guest."""
    wait_for(lambda: source.get_device(SEC_VFS[0])["Owner"] == "guest", "the guest's device")
    for words in (["state", "set", SEC_VFS[0], "stop"], ["device", "reset", "--yes", SEC_VFS[0]]):
        assert f"{SEC_VFS[0]} is in use for domain “vm”" in run(source, *words, status=1)
    assert not [line for line in source.broker.drain() if line.startswith(("Walk", "Reset"))]


def test_set_registered(acc_host):
    """A registered device stays where it was taken; but it is not stopped under a guest that runs."""
    runs, gone = f"{UUID}/crypto0", f"{OTHER_UUID}/crypto0"  # "test" of libvirt's test driver runs
    for name in (runs, gone):
        acc_host.broker.set_device(name, flags=7, size=4096, state="running")
    holder = Holder(acc_host)
    holder.register("crypto0", UUID)
    holder.register("crypto0", OTHER_UUID)
    lines = [line.split() for line in run(acc_host, "state", "set", gone, "stop", "stop-copy").splitlines()]
    assert [(line[0], line[-1]) for line in lines[1:]] == [("running", "stop"), ("stop", "stop-copy")]
    lines = [line.split() for line in run(acc_host, "state", "set", gone, "running").splitlines()]
    assert lines[1][:5] == ["stop-copy", "stop", "→", "running-p2p", "running"]
    assert "go to running first" in run(acc_host, "state", "set", gone, "stop-copy", "pre-copy", status=1)
    for state in ("stop", "stop-copy", "resuming"):
        said = run(acc_host, "state", "set", runs, "pre-copy", state, status=1)
        assert f"cannot go to {state} while its guest runs" in said
    run(acc_host, "state", "set", runs, "pre-copy", "running")
    holder.leave()
    wait_for(lambda: not paths(acc_host), "the registrations to end")
    assert f"no device is registered as {gone}" in run(acc_host, "state", "set", gone, "running", status=1)


def test_by_hand_is_logged(acc_host):
    """Who set or reset which device, and what came of it: a line each."""
    acc_host.broker.set_device(SEC_VFS[0], flags=5, size=176, match=acc_match(8), refuses="EBUSY")
    fail(acc_host, "state", "set", SEC_VFS[0], "stop", "stop-copy", status=1)
    run(acc_host, "device", "reset", "--yes", SEC_VFS[0])
    name = f"{OTHER_UUID}/crypto0"
    acc_host.broker.set_device(name, flags=7, size=4096, state="running")
    holder = Holder(acc_host)
    holder.register("crypto0", OTHER_UUID)
    run(acc_host, "state", "set", name, "stop", "stop-copy")
    run(acc_host, "state", "set", name, "pre-copy", status=1)
    run(acc_host, "device", "reset", "--yes", name)
    wait_for(lambda: any(f"{name} reset by" in line for line in acc_host.read_agent()), "the last line")
    lines = [line for line in acc_host.read_agent() if "by user" in line]
    wanted = (f"{SEC_VFS[0]} set to stop, stop-copy by user 0: EBUSY on the way to stop-copy, which left it in stop",
              f"{SEC_VFS[0]} reset by user 0: done",
              f"{name} set to stop, stop-copy by user 0: it went to stop-copy",
              f"{name} set to pre-copy by user 0: refused: ",
              f"{name} reset by user 0: done")
    assert len(lines) == len(wanted), lines
    assert all(line.startswith(f"<5>{start}") for line, start in zip(lines, wanted)), lines


def hold_step(host, name):
    """A registered device's first step of two, which its broker does not answer yet. Returns who asked for it."""
    host.broker.set_device(name, **{"flags": 7, "size": 4096, "state": "running", "hold-Step": "true"})
    setting = subprocess.Popen([CTL, "state", "set", name, "running-p2p", "stop"], env=environment(host),
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    host.broker.wait_line(f"^Step {name}$")
    return setting


def test_resumed_meanwhile(acc_host):
    """A guest that is resumed between two steps: the next is not asked for, and it is said where the device is."""
    name = f"{OTHER_UUID}/crypto0"
    acc_host.broker.set_device(name, flags=7, size=4096, state="running")
    holder = Holder(acc_host)
    path = holder.register("crypto0", OTHER_UUID)
    setting = hold_step(acc_host, name)
    acc_host.broker.send(f"event {OTHER_UUID} vm RESUME 1 {{}}")
    acc_host.broker.send("release")
    said = setting.communicate(timeout=SECONDS)[0]
    assert setting.returncode == 1 and "cannot go to stop while its guest runs" in said
    assert "left in running-p2p" in said
    assert get_all(acc_host, path)["State"] == "running-p2p"


def test_resumed_with_a_stopped_device(acc_host):
    """What a person stopped and forgot is an alarm as soon as the guest runs, and is over when it is brought back."""
    name = f"{OTHER_UUID}/crypto0"
    acc_host.broker.set_device(name, flags=7, size=4096, state="running")
    holder = Holder(acc_host)
    path = holder.register("crypto0", OTHER_UUID)
    run(acc_host, "state", "set", name, "stop")
    assert get_all(acc_host, path)["Alarm"] == ""
    acc_host.broker.send(f"event {OTHER_UUID} vm RESUME 1 {{}}")
    wait_for(lambda: get_all(acc_host, path)["Alarm"], "the alarm")
    assert f"accmigctl state set {name} running brings it back" in get_all(acc_host, path)["Alarm"]
    run(acc_host, "state", "set", name, "running")
    wait_for(lambda: not get_all(acc_host, path)["Alarm"], "its end")


def test_others_may_not(acc_host):
    """Setting and resetting need a permission each."""
    for words in (["state", "set", SEC_VFS[0], "stop"], ["device", "reset", "--yes", SEC_VFS[0]]):
        done = subprocess.run([CTL, *words], user=AGENT_USER, extra_groups=[], env=environment(acc_host),
                              capture_output=True, timeout=SECONDS, check=False)
        assert done.returncode == 1 and done.stderr.startswith(b"accmigctl: not allowed: "), done


# ---- state path -----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("flags, ends, hops", [
    ([], ("running", "stop-copy"), ["running-p2p", "stop", "stop-copy opens"]),
    (["--flags", "stop-copy"], ("running", "stop-copy"), ["stop", "stop-copy opens"]),
    (["--flags=stop-copy+pre-copy"], ("pre-copy", "stop-copy"), ["stop-copy"]),
    (["--flags=stop-copy+pre-copy"], ("pre-copy", "stop"), ["running ends", "stop"]),
    ([], ("stop-copy", "running"), ["stop ends", "running-p2p", "running"]),
])
def test_path(acc_host, flags, ends, hops):
    """Hop by hop, and what becomes of the stream."""
    lines = [line.split() for line in run(acc_host, "state", "path", *flags, *ends).splitlines()]
    assert lines[0] == ["FROM", "TO", "STREAM"]
    assert [" ".join(word for word in line[1:] if word != "-") for line in lines[1:]] == hops
    shown = json.loads(run(acc_host, "--json", "state", "path", *flags, *ends))
    assert [f"{hop['to']} {hop['stream']}".strip() for hop in shown["hops"]] == hops


def test_path_none(acc_host):
    """Nothing to do; no way, and why; words that make no sense."""
    assert run(acc_host, "state", "path", "stop", "stop") == "it is in stop already\n"
    for words, why in ((["stop-copy", "pre-copy"], "that would begin another stream; go to running first"),
                       (["--flags=stop-copy", "running", "pre-copy"], "which offers stop-copy"),
                       (["error", "running"], "only a reset leaves")):
        out, err = fail(acc_host, "state", "path", *words, status=3)
        assert out == "" and why in err
    assert "“paused” is no state" in run(acc_host, "state", "path", "running", "paused", status=2)
    assert "“p2q” is no migration flag" in run(acc_host, "state", "path", "--flags=p2q", "running", "stop", status=2)


# ---- device reset ---------------------------------------------------------------------------------------------------

def test_reset(acc_host):
    """Asks first; does not where it was told not to; refuses where nobody can be asked."""
    acc_host.broker.drain()
    assert "--yes" in run(acc_host, "device", "reset", SEC_VFS[0], status=2)
    for answer, status in (("n\n", 1), ("\n", 1), ("y\n", 0)):
        terminal = Terminal(acc_host, "device", "reset", SEC_VFS[0])
        terminal.wait(f"What is in {SEC_VFS[0]} will be lost.*y/N")
        assert not [line for line in acc_host.broker.drain() if line.startswith("Reset")]
        terminal.type(answer)
        assert terminal.end()[0] == status
    acc_host.broker.wait_line(f"^Reset {SEC_VFS[0]}$")
    assert run(acc_host, "device", "reset", "--yes", SEC_VFS[0]) == f"{SEC_VFS[0]} was reset\n"
    assert json.loads(run(acc_host, "--json", "device", "reset", "--yes", SEC_VFS[0])) == {"address": SEC_VFS[0],
                                                                                        "reset": True}


def test_reset_stuck(programs):
    """A guest's device is reset when an alarm says that it stands still, and only then; not while the guest moves."""
    with source_host(programs) as host:
        assert "is in use for domain “vm”" in run(host, "device", "reset", "--yes", SEC_VFS[0], status=1)
        fail_and_stand_still(host)
        wait_alarm(host, "not-running")
        host.broker.drain()
        assert run(host, "device", "reset", "--yes", SEC_VFS[0]) == f"{SEC_VFS[0]} was reset\n"
        host.broker.wait_line(f"^ResetHeld {SEC_VFS[0]}$")
        say(host, "=setup")
        wait_for(lambda: any(row["Phase"] == "preparing" for row in host.interface("Manager").ListMigrations(dbus.UInt32(9))),
                 "the next migration")
        host.broker.drain()
        assert "takes part in a migration" in run(host, "device", "reset", "--yes", SEC_VFS[0], status=1)
        assert not [line for line in host.broker.drain() if line.startswith("Reset")]


def test_reset_registered(acc_host):
    """By its id; its state is then running."""
    name = f"{OTHER_UUID}/crypto0"
    acc_host.broker.set_device(name, flags=7, size=4096, state="running")
    holder = Holder(acc_host)
    path = holder.register("crypto0", OTHER_UUID)
    run(acc_host, "state", "set", name, "stop")
    wait_for(lambda: get_all(acc_host, path)["State"] == "stop", "the state to be known")
    assert run(acc_host, "device", "reset", "--yes", name) == f"{name} was reset\n"
    wait_for(lambda: get_all(acc_host, path)["State"] == "running", "the state to be known")


# ---- state save -----------------------------------------------------------------------------------------------------

def test_progress(acc_host, tmp_path):
    """On a terminal: bytes and rate while it lasts, also of a stream that goes into a pipe; then one line."""
    acc_host.broker.set_device(SEC_VFS[0], flags=5, size=176, match=acc_match(8), hold=1)
    path = tmp_path / "state"
    terminal = Terminal(acc_host, "state", "save", SEC_VFS[0], str(path))
    terminal.wait(rf"{SEC_VFS[0]}: 40 B, \S+ \S+/s")
    acc_host.broker.send("release")
    status, out = terminal.end()
    assert status == 0 and re.fullmatch(rf"{SEC_VFS[0]}: {path}, 40 B in .*/s\n", out.decode())

    terminal = Terminal(acc_host, "state", "save", SEC_VFS[0], "-")
    terminal.wait(rf"{SEC_VFS[0]}: 40 B, \S+ \S+/s")
    acc_host.broker.send("release")
    terminal.wait(rf"{SEC_VFS[0]}: -, 40 B in .*/s")
    assert terminal.end() == (0, bytes.fromhex(acc_match(8)))


def test_interrupted_at_a_terminal(acc_host, tmp_path):
    """Ctrl-C while the agent is at it: nothing is left, neither here nor there."""
    acc_host.broker.set_device(SEC_VFS[0], flags=5, size=176, match=acc_match(8), hold=1)
    for name in (str(tmp_path / "state"), "-"):
        terminal = Terminal(acc_host, "state", "save", SEC_VFS[0], name)
        terminal.wait("40 B, ")
        terminal.popen.send_signal(signal.SIGINT)
        terminal.wait("accmigctl: interrupted")
        assert terminal.end()[0] == 1
        acc_host.broker.wait_line(f"^Abort {SEC_VFS[0]}$")
        acc_host.broker.send("release")
    assert not list(tmp_path.iterdir())


# ---- state inspect --------------------------------------------------------------------------------------------------

def test_inspect(acc_host, tmp_path):
    """What it is and whose driver could take it, without asking anybody."""
    path = tmp_path / "state"
    path.write_bytes(whole_acc())
    lines = run(acc_host, "state", "inspect", str(path)).splitlines()
    assert lines[0] == "hisi_acc, 176 bytes; whole state: the guest's driver was ready"
    assert lines[1].startswith("could be loaded by: ") and "hisi_acc_vfio_pci" in lines[1]
    path.write_bytes(struct.pack("<QII", 3, 0, 0) + b"abc")
    shown = json.loads(run(acc_host, "--json", "state", "inspect", str(path)))
    assert shown["families"] == ["virtio", "mlx5"] and shown["length"] == 19
    out = run(acc_host, "state", "inspect", str(path))
    assert out.startswith("virtio or mlx5, 19 bytes") and out.count("could be loaded by: ") == 2
    assert "--host needs --here" in run(acc_host, "state", "inspect", "-H", "cn02", str(path), status=2)


def test_inspect_against(acc_host, tmp_path):
    """By the gate's rules, with the rule and both values; a device of another family; one that nobody can tell of."""
    wait_for(lambda: acc_host.get_device(SEC_VFS[0])["Migration"], "the probe")
    path, good, other = tmp_path / "state", tmp_path / "a.json", tmp_path / "b.json"
    good.write_text(run(acc_host, "--json", "profile", SEC_VFS[0]))
    profile = json.loads(good.read_text())
    profile["device"]["family"] = "mtty"
    profile["device"].pop("match", None)
    other.write_text(json.dumps(profile))

    path.write_bytes(whole_acc())
    [verdict] = json.loads(run(acc_host, "--json", "state", "inspect", f"--against={good}", str(path)))["devices"]
    assert verdict["address"] == SEC_VFS[0] and verdict["outcome"] in ("compatible", "degraded")
    run(acc_host, "state", "inspect", f"--against={other}", f"--against={good}", "-", stdin=whole_acc())

    path.write_bytes(whole_acc(qp_num=4))
    out, err = fail(acc_host, "--json", "state", "inspect", f"--against={good}", f"--against={other}", str(path), status=3)
    assert err == ""
    queues, family = json.loads(out)["devices"]
    finding = next(row for row in queues["findings"] if row["rule"] == "hisi_acc.qp-num")
    assert (finding["severity"], finding["source"], finding["target"]) == ("refuse", "4", "8")
    assert [row["rule"] for row in family["findings"]] == ["device.family"]
    assert "hisi_acc.qp-num" in fail(acc_host, "state", "inspect", f"--against={good}", str(path), status=3)[0]

    mtty = struct.pack("<QIIII", 0x7e9d09898c3e2c4e, 1, 0, 1, 0) + bytes(36)
    path.write_bytes(mtty)
    out, _ = fail(acc_host, "--json", "state", "inspect", f"--against={other}", str(path), status=4)
    assert json.loads(out)["devices"][0]["outcome"] == "unknown"
    assert "nowhere.json cannot be read" in run(acc_host, "state", "inspect", "--against=nowhere.json", str(path), status=1)


def test_inspect_here(acc_host, tmp_path):
    """Against every device that the agent knows."""
    for address in SEC_VFS:
        wait_for(lambda: acc_host.get_device(address)["Migration"], "the probe")
    path = tmp_path / "state"
    path.write_bytes(whole_acc())
    shown = json.loads(run(acc_host, "--json", "state", "inspect", "--here", str(path)))
    assert sorted(device["address"] for device in shown["devices"]) == sorted(SEC_VFS)
