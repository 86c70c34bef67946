# SPDX-License-Identifier: GPL-2.0-or-later
"""libvirt's hook against a gate that is told what to answer, or not to.

The hook runs as libvirt runs it: hardly any environment, the XML on a pipe, both outputs on pipes. The bus is a private
one. ACCMIG_HOOK names the binary.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import pathlib
import random
import socket
import subprocess
import sys
import time

import pytest

HOOK = os.environ.get("ACCMIG_HOOK", "")
STUB = pathlib.Path(__file__).with_name("gate_stub.py")
SECONDS = 30  # no single step may take longer, also on a slow machine

PLAIN = b"<domain><name>vm</name><devices><graphics passwd='secret'/></devices></domain>"
GUEST = b"<domain><name>vm</name><devices><graphics passwd='secret'/><hostdev mode='subsystem'/></devices></domain>"
MIB = 1024 * 1024
NOISE = random.Random(1).randbytes(MIB)

INFORMING = [
    ("prepare", "begin"), ("start", "begin"), ("started", "begin"), ("stopped", "end"), ("release", "end"),
]

pytestmark = [
    pytest.mark.skipif(not HOOK, reason="ACCMIG_HOOK does not name the hook"),
    pytest.mark.timeout(4 * SECONDS),
]

BUS_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""


@contextlib.contextmanager
def running(command, **options):
    """A process of ours that is gone afterwards."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture(name="bus", scope="module")
def private_bus(tmp_path_factory):
    """Address of a bus that is up."""
    directory = tmp_path_factory.mktemp("bus")
    config = directory / "bus.conf"
    config.write_text(BUS_CONFIG.format(socket=directory / "socket"))
    with running(["dbus-daemon", f"--config-file={config}", "--nofork", "--print-address"]) as daemon:
        yield daemon.stdout.readline().strip()


class Gate:
    """The stub, and what it was asked."""

    def __init__(self, process):
        self.process = process

    def asked(self):
        """The next question; waits for it."""
        return json.loads(self.process.stdout.readline())

    def end(self):
        """All questions that were not looked at yet."""
        self.process.kill()
        return [json.loads(line) for line in self.process.stdout]


@contextlib.contextmanager
def gate_on(bus, order):
    environment = dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=bus)
    with running([sys.executable, str(STUB)], env=environment, stdin=subprocess.PIPE) as process:
        process.stdin.write(json.dumps(order))
        process.stdin.close()
        assert process.stdout.readline() == "ready\n"
        yield Gate(process)


class Hook:
    """How libvirt sees the hook."""

    def __init__(self, bus, directory):
        self.environment = {
            "LC_ALL": "C", "PATH": "/usr/bin:/bin", "HOME": "/",
            "DBUS_SYSTEM_BUS_ADDRESS": bus, "ACCMIG_CONFIG_DIR": str(directory),
        }
        self.directory = directory

    def configure(self, text):
        (self.directory / "accmig.conf").write_text("[gate]\n" + text)

    def start(self, words, **pipes):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **pipes}
        return subprocess.Popen([HOOK, *words], env=self.environment, cwd="/", **pipes)

    def run(self, *words, xml=GUEST):
        """(exit status, stdout, stderr)"""
        process = self.start(words)
        out, err = process.communicate(xml, timeout=SECONDS)
        return process.returncode, out, err.decode()

    def migrate(self, xml=GUEST):
        return self.run("vm", "migrate", "begin", "-", xml=xml)


@pytest.fixture(name="hook")
def hook_on_bus(bus, tmp_path):
    return Hook(bus, tmp_path)


@pytest.fixture(name="lonely")
def hook_without_bus(tmp_path):
    return Hook(f"unix:path={tmp_path}/nobody", tmp_path)


# ---- what does not concern it ----------------------------------------------------------------------------

@pytest.mark.parametrize("words", [
    (), ("vm",), ("vm", "migrate"),
    ("vm", "reconnect", "begin", "-"), ("vm", "restore", "begin", "-"), ("vm", "attach", "begin", "-"),
    ("vm", "migrate", "end", "-"), ("vm", "release", "begin", "-"), ("vm", "Migrate", "begin", "-"),
    ("vm", "teleport", "begin", "-"), ("", "", "", ""),
], ids=" ".join)
def test_unconcerned(lonely, words):
    """It leaves without reading: standard input stays open and empty, which would hold up a reader."""
    with lonely.start(words) as process:
        assert process.wait(SECONDS) == 0
        assert process.stdout.read() == b"" and process.stderr.read() == b""


@pytest.mark.parametrize("xml", [
    b"", PLAIN, bytes(MIB), NOISE, PLAIN + b" " * (3 * MIB), b"<" * MIB,
    b"<domain><interface type='network'/></domain>",
], ids=["empty", "plain", "zeros", "noise", "three MiB", "brackets", "interface"])
def test_no_hostdev(lonely, xml):
    """Let in though nobody could be asked."""
    assert lonely.migrate(xml) == (0, b"", "")


@pytest.mark.parametrize("operation", INFORMING, ids=" ".join)
def test_no_hostdev_informs_nobody(hook, bus, operation):
    with gate_on(bus, [True, "", ""]) as gate:
        assert hook.run("vm", *operation, "-", xml=PLAIN) == (0, b"", "")
        assert gate.end() == []


# ---- the question ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("xml", [
    GUEST, b"<interface type='hostdev'>", b'<interface type="hostdev">', b"\xff\x00<hostdev" + NOISE[:1000],
    b"<hostdev" + b" " * (MIB - 8), b"<qemu:arg value='vfio-user-pci,socket=/run/vf.sock'/>",
], ids=["hostdev", "interface", "double quotes", "noise", "one MiB", "vfio-user"])
def test_question(hook, bus, xml):
    """The words and the bytes arrive as libvirt gave them."""
    with gate_on(bus, [True, "", ""]) as gate:
        assert hook.run("my vm", "migrate", "begin", "extra", xml=xml) == (0, b"", "")
        asked = gate.asked()
        assert asked["words"] == ["my vm", "migrate", "begin", "extra"]
        assert asked["xml"] == hashlib.sha256(xml).hexdigest()
        assert gate.end() == []


def test_name_that_is_not_utf8(hook, bus):
    with gate_on(bus, [True, "", ""]) as gate:
        assert hook.run(b"v\xffm", "migrate", "begin", "-") == (0, b"", "")
        assert gate.asked()["words"][0] == "v\N{REPLACEMENT CHARACTER}m"


@pytest.mark.parametrize("operation", INFORMING[1:], ids=" ".join)
def test_informing(hook, bus, operation):
    """The agent is told; its opinion is not asked."""
    with gate_on(bus, [False, "accmig: refused vm: no", "<other/>"]) as gate:
        assert hook.run("vm", *operation, "migrated") == (0, b"", "")
        assert gate.asked()["words"] == ["vm", *operation, "migrated"]


# ---- the answer ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("new_xml", ["<domain/>", "<domain>" + "x" * 700000 + "</domain>"], ids=["short", "long"])
def test_changed_xml(hook, bus, new_xml):
    with gate_on(bus, [True, "hostdev0 moved", new_xml]):
        assert hook.migrate() == (0, new_xml.encode(), "")


@pytest.mark.parametrize("message, line", [
    ("accmig: refused vm: hostdev0: no [x]", "accmig: refused vm: hostdev0: no [x]\n"),
    ("two\nlines\r\x1b[0m\n", "two lines  [0m\n"),
    ("", "accmig: refused vm: the agent gave no reason\n"),
    ("ä “q”", "ä “q”\n"),
], ids=["plain", "control characters", "empty", "not ASCII"])
def test_refused(hook, bus, message, line):
    """One line on stderr, and no XML though the gate sent some."""
    with gate_on(bus, [False, message, "<domain/>"]):
        assert hook.migrate() == (1, b"", line)


def test_objection(hook, bus):
    """Before a guest's start the agent may say no; there is nothing else that it may say."""
    line = "accmig: refused vm: hostdev0: 0000:75:00.3 is reserved for domain “web1” [gate.reserved]"
    with gate_on(bus, [False, line, "<domain/>"]) as gate:
        assert hook.run("vm", "prepare", "begin", "-") == (1, b"", line + "\n")
        assert gate.asked()["words"] == ["vm", "prepare", "begin", "-"]
    with gate_on(bus, [True, "", ""]):
        assert hook.run("vm", "prepare", "begin", "-") == (0, b"", "")


# ---- no answer -------------------------------------------------------------------------------------------

def silent_listener(tmp_path):
    """A socket that takes connections and never says a word, as a bus that hangs."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "nobody"))
    listener.listen()
    return listener


FAILURES = {
    "no bus": "cannot reach the system bus: No such file or directory",
    "hanging bus": "no answer in time",
    "nobody": "The name org.accmig1 was not provided by any .service files",
    "silent": "no answer in time",
    "die": "it went away: Connection reset by peer",
    "error": "the device is on fire",
    "wrong": "its answer makes no sense: No such device or address",
}


@pytest.fixture(name="broken", params=FAILURES)
def broken_agent(request, bus, tmp_path):
    """(hook, cause) for each way in which the agent cannot be asked."""
    kind = request.param
    with contextlib.ExitStack() as stack:
        if kind in ("no bus", "hanging bus"):
            hook = Hook(f"unix:path={tmp_path}/nobody", tmp_path)
        else:
            hook = Hook(bus, tmp_path)
        if kind == "hanging bus":
            stack.enter_context(silent_listener(tmp_path))
        elif kind not in ("no bus", "nobody"):
            stack.enter_context(gate_on(bus, kind))
        yield hook, FAILURES[kind]


def test_failure_refuses(broken):
    hook, cause = broken
    hook.configure("hook-timeout=2\n")
    line = f"accmig: refused vm: agent does not answer: {cause} [gate.on-agent-failure]\n"
    assert hook.migrate() == (1, b"", line)


def test_failure_accepts(broken):
    hook, _cause = broken
    hook.configure("hook-timeout=2\non-agent-failure=accept\n")
    assert hook.migrate() == (0, b"", "")


def test_failure_does_not_matter(broken):
    """Neither policy makes a call fail that only informs."""
    hook, _cause = broken
    hook.configure("hook-timeout=1\non-agent-failure=refuse\n")
    for operation in INFORMING:
        assert hook.run("vm", *operation, "-") == (0, b"", "")


def test_bad_policy_refuses(lonely):
    lonely.configure("on-agent-failure=acept\n")
    assert lonely.migrate()[0] == 1


def test_names_in_its_own_sentence(lonely):
    """A name from another host cannot make two lines of one."""
    status, _out, err = lonely.run(b"v\nm\xff\x07", "migrate", "begin", "-")
    assert status == 1
    assert err.startswith("accmig: refused v m\N{REPLACEMENT CHARACTER} : agent does not answer: ")
    assert err.count("\n") == 1


# ---- size ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("xml", [
    GUEST + b" " * MIB, b" " * (2 * MIB) + GUEST, PLAIN + b" " * (4 * MIB),
], ids=["hostdev first", "hostdev last", "too much to look at"])
def test_too_large(hook, bus, xml):
    with gate_on(bus, [True, "", ""]) as gate:
        hook.configure("on-agent-failure=accept\n")
        assert hook.migrate(xml) == (1, b"", "accmig: refused vm: the domain XML has more than 1048576 bytes\n")
        assert hook.run("vm", "prepare", "begin", "-", xml=xml) == (0, b"", "")
        assert gate.end() == []


# ---- time ------------------------------------------------------------------------------------------------

# A busy machine holds a process up now and then; one that waits for too long by itself does so every time.
TRIES = 3


def seconds_of(action, limit):
    """How long it took, and what came of it; tried again where that was not within the limit."""
    for _ in range(TRIES):
        start = time.monotonic()
        result = action()
        seconds = time.monotonic() - start
        if seconds < limit:
            break
    return seconds, result


@pytest.mark.parametrize("timeout", [1, 3])
def test_timeout_is_kept(hook, bus, timeout):
    with gate_on(bus, "silent"):
        hook.configure(f"hook-timeout={timeout}\n")
        seconds, (status, _out, _err) = seconds_of(hook.migrate, timeout + 1.5)
    assert status == 1
    assert timeout - 0.1 <= seconds < timeout + 1.5


def test_informing_waits_three_seconds_at_most(hook, bus):
    with gate_on(bus, "silent"):
        hook.configure("hook-timeout=60\n")
        seconds, result = seconds_of(lambda: hook.run("vm", "start", "begin", "-"), 4.5)
    assert result == (0, b"", "")
    assert 2.9 <= seconds < 4.5


@pytest.mark.parametrize("operation, limit", [("start", 5), ("prepare", 3), ("started", 3)])
def test_start_waits_for_probes(hook, bus, operation, limit):
    """A guest that starts late is better than one that finds its device open."""
    with gate_on(bus, "silent"):
        hook.configure("hook-timeout=5\nprobe-at-start=yes\n")
        seconds, result = seconds_of(lambda: hook.run("vm", operation, "begin", "-"), limit + 1.5)
    assert result == (0, b"", "")
    assert limit - 0.1 <= seconds < limit + 1.5


@pytest.mark.parametrize("words, status, err", [
    (("migrate", "begin"), 1,
     "accmig: refused vm: libvirt did not hand over the domain XML: Connection timed out [gate.on-agent-failure]\n"),
    (("prepare", "begin"), 0, ""),
], ids=["migrate", "prepare"])
def test_input_that_does_not_end(hook, words, status, err):
    hook.configure("hook-timeout=1\n")

    def run():
        with hook.start(("vm", *words, "-")) as process:
            process.stdin.write(GUEST)
            process.stdin.flush()
            return process.wait(SECONDS), process.stdout.read(), process.stderr.read().decode()

    seconds, result = seconds_of(run, 2.5)
    assert result == (status, b"", err)
    assert seconds < 2.5


def test_output_that_nobody_reads(hook, bus):
    """Half of an XML on a pipe is refused, not waited for."""
    hook.configure("hook-timeout=1\n")
    with gate_on(bus, [True, "", "x" * MIB]), hook.start(("vm", "migrate", "begin", "-")) as process:
        process.stdin.write(GUEST)
        process.stdin.close()
        assert process.wait(SECONDS) == 1
        assert process.stderr.read() == b"accmig: refused vm: libvirt did not take the changed XML\n"


@pytest.mark.parametrize("policy", ["refuse", "accept"])
def test_stderr_that_nobody_reads(hook, bus, policy):
    """The one place without a deadline of its own; the backstop ends it, and the gate's refusal stands."""
    reader, writer = os.pipe()
    flags = fcntl.fcntl(writer, fcntl.F_GETFL)
    fcntl.fcntl(writer, fcntl.F_SETFL, flags | os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, b"x" * 4096)
    fcntl.fcntl(writer, fcntl.F_SETFL, flags)
    hook.configure(f"hook-timeout=1\non-agent-failure={policy}\n")

    def run():
        with hook.start(("vm", "migrate", "begin", "-"), stderr=writer) as process:
            process.stdin.write(GUEST)
            process.stdin.close()
            return process.wait(SECONDS)

    with gate_on(bus, [False, "no", ""]):
        seconds, result = seconds_of(run, 3)
    os.close(reader)
    os.close(writer)
    assert result == 1
    assert seconds < 3


# ---- discretion ------------------------------------------------------------------------------------------

def test_no_secret_and_no_child(hook, tmp_path):
    """The whole process group is gone with it, and the XML's password is nowhere to be seen."""
    hook.configure("hook-timeout=1\n")
    process = hook.start(("vm", "migrate", "begin", "-"), start_new_session=True)
    out, err = process.communicate(GUEST, timeout=SECONDS)
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
    assert b"secret" not in out + err
    assert [path.name for path in tmp_path.iterdir()] == ["accmig.conf"]
