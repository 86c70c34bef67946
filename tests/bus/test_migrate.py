# SPDX-License-Identifier: GPL-2.0-or-later
"""accmigctl migrate and receive with the real agent, as far as a libvirt goes that cannot migrate: its test driver."""

import hashlib
import json
import os
import re
import socket
import struct
import subprocess

import dbus
import pytest

from agent import AGENT_USER, SECONDS
from conftest import SEC_PF, SEC_VFS
from guest import UUID
from test_ctl import CTL, environment, make_road, make_source, probed, run  # noqa: F401 (two are fixtures)

pytestmark = [pytest.mark.timeout(6 * SECONDS),
              pytest.mark.skipif(not CTL, reason="ACCMIG_CTL does not name the program")]


def migrate(host, *words, **more):
    """Runs the verb against the libvirt of @host's agent. Returns its status, its output, its lines of errors."""
    done = subprocess.run([CTL, "migrate", *words], capture_output=True, timeout=3 * SECONDS, check=False, text=True,
                          env=environment(host, LIBVIRT_DEFAULT_URI=host.uri, **more))
    return done.returncode, done.stdout, done.stderr.splitlines()


def test_libvirt_does_not(source, acc_host, road):
    """What the check cannot tell is said; what libvirt says is said with where the guest is."""
    name, more = road
    name(acc_host, "cn02")
    probed(acc_host)
    status, out, lines = migrate(source, "vm", "qemu+tls://cn02/system", **more)
    assert (status, out) == (1, "")
    assert lines[0].startswith("accmigctl: warning: whether “vm” can move to cn02 is not known, its gate decides: hostdev0: ")
    assert re.match("accmigctl: libvirt did not move “vm”: .*not supported.*; it runs here as before$", lines[-1]), lines


def test_it_does_not_fit(source, acc_host, road):
    """What the other host's rules refuse is not tried."""
    name, more = road
    name(acc_host, "cn02")
    acc_host.sysfs.remove_vf(SEC_PF, 1, SEC_VFS[1])
    acc_host.sysfs.remove_vf(SEC_PF, 0, SEC_VFS[0])
    acc_host.agent.stop()
    acc_host.start_agent(os.environ["ACCMIG_AGENT"])
    assert migrate(source, UUID, "qemu+tls://elsewhere/system", "--to", "cn02", **more) == (3, "", [
        f"accmigctl: “{UUID}” cannot move to cn02: hostdev0: no device {SEC_VFS[0]} on this host [gate.no-device]"])


@pytest.mark.parametrize("words, status, sentence", [
    (["vm"], 2, "migrate needs DOMAIN DESTURI"),
    (["vm", "nonsense"], 2, "“nonsense” is no URI of a libvirt, such as qemu+tls://cn02/system"),
    (["vm", "qemu:///system"], 2, "“qemu:///system” names no host; --to says whose agent to ask"),
    (["vm", "qemu+tls://cn02/system", "--to", "cn02,cn03"], 2, "--to is “cn02,cn03”, must be one host"),
    (["vm", "qemu+tls://cn02/system", "--timeout", "0"], 2, "--timeout is “0”, must be 1 to 86400"),
    (["vm", "qemu+tls://cn02/system", "--parallel", "256"], 2, "--parallel is “256”, must be 1 to 255"),
    (["vm", "qemu+tls://cn02/system", "--bandwidth", "1G"], 2, "--bandwidth is “1G”, must be 1 to 1000000"),
    (["vm", "qemu+tls://cn02/system", "--max-downtime", "-1"], 2, "--max-downtime is “-1”, must be 1 to 2000000"),
    (["vm", "qemu+ssh://root@cn09/system"], 1, "root@cn09 cannot be reached: "),
    (["nobody", "qemu+tls://cn02/system"], 1, "nobody"),
])
def test_mistakes(source, road, words, status, sentence):
    """One line, and nothing else."""
    found, out, lines = migrate(source, *words, **road[1])
    assert (found, out, len(lines)) == (status, "", 1), lines
    assert lines[0].startswith("accmigctl: ") and sentence in lines[0]


# ---- the other end --------------------------------------------------------------------------------------------------

READY = b"accmig: ready to receive\n"


def frame(state, **header):
    """A state as an agent frames it."""
    text = json.dumps({"domain": UUID, "flags": 1, "name": "crypto0", **header}, sort_keys=True,
                      separators=(",", ":")).encode()
    start = b"accmig-stream/1 %08x\n" % len(text) + text
    return (start + struct.pack(">I", len(state)) + state + struct.pack(">IQ", 0, len(state))
            + hashlib.sha256(start + state).digest())


@pytest.mark.parametrize("sent, answer, status", [
    (frame(b"x" * 100), f"refused no device “crypto0” is registered for domain {UUID} on this host\n", 3),
    (frame(b"x" * 100, name="../x"), "refused header: the name is none of a registered device\n", 1),
    (frame(b"x")[:40], "refused the stream ended after 0 bytes of state, with 15 of the 76 bytes of its header\n", 1),
    (b"x", "refused the stream ended after 0 bytes of state, with 1 of the 25 bytes of its first line\n", 1),
    (b"SSH-2.0-OpenSSH_9.2 and so on", "refused this is no stream of an accmig agent, or of another version\n", 1),
], ids=["not-registered", "no-name", "cut-40", "cut-1", "foreign"])
def test_receive(acc_host, sent, answer, status):
    """It says that it is there, and then the agent answers whatever comes."""
    done = subprocess.run([CTL, "receive"], input=sent, capture_output=True, timeout=2 * SECONDS, check=False,
                          env=environment(acc_host))
    assert done.stdout == READY + answer.encode()
    assert done.returncode == status
    assert done.stderr.decode() == answer.replace("refused", "accmigctl:", 1)


def test_receive_nothing(acc_host):
    """The other end went away before it had anything to send."""
    done = subprocess.run([CTL, "receive"], input=b"", capture_output=True, timeout=2 * SECONDS, check=False,
                          env=environment(acc_host))
    assert (done.returncode, done.stdout, done.stderr) == (1, READY, b"")


def test_receive_without_agent(host):
    """It does not say that it is there."""
    assert "is accmigd.service running?" in run(host, "receive", status=1)


def call(host, method, signature, *values):
    """A call of the Manager's. Returns the error's name and sentence."""
    with pytest.raises(dbus.DBusException) as caught:
        host.interface("Manager").get_dbus_method(method)(*values, signature=signature, timeout=SECONDS)
    return caught.value.get_dbus_name(), caught.value.get_dbus_message()


def test_send(source):
    """What is not registered is not sent."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert call(source, "SendRegistered", "ssh", UUID, "crypto0", dbus.types.UnixFd(ours)) == (
            "org.accmig1.Error.NotFound", f"no device “crypto0” is registered for domain {UUID} on this host")


def test_unprivileged(acc_host):
    """It is not for everybody; nothing is read then."""
    done = subprocess.run([CTL, "receive"], input=frame(b"x"), user=AGENT_USER, extra_groups=[], capture_output=True,
                          timeout=2 * SECONDS, check=False, env=environment(acc_host))
    assert (done.returncode, done.stdout) == (1, READY)
    assert done.stderr.startswith(b"accmigctl: not allowed: ")
