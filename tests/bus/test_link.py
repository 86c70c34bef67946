# SPDX-License-Identifier: GPL-2.0-or-later
"""What agents tell each other: a refusal, from the gate of one host to the history of another."""

import contextlib
import hashlib
import json
import os
import pathlib
import re
import socket
import subprocess
import time

import dbus
import pytest

from agent import NAME, OTHER_USER, ROOT, SECONDS, Host, wait_for
from conftest import SEC_PF, SEC_VFS, furnish
from guest import OTHER_UUID, UUID, guest, hostdev
from link import SSH, Link, Ssh, read_line, silent_link

pytestmark = pytest.mark.timeout(6 * SECONDS)

LINK = os.environ.get("ACCMIG_LINK", "")
CAUSE = "hostdev0: queue count differs: source has 4, 0000:75:00.2 has 8 [hisi_acc.qp-num]"


def make_token(digits):
    """The token of a stay on this machine, which is both hosts of these tests; agent/accmigd/token.c has the rule."""
    path = pathlib.Path("/etc/machine-id")
    machine = path.read_text().strip() if path.exists() else ""
    host = machine if re.fullmatch("[0-9a-f]{32}", machine) else socket.gethostname()
    return digits + hashlib.sha256((host + digits).encode()).hexdigest()[:8]


TOKEN, OLD_TOKEN = make_token("0a1b2c3d"), make_token("00000000")


@pytest.fixture(name="source")
def make_source(programs):
    """A host with a running guest that has a VF; its metadata names its stay there."""
    agent, stub = programs
    with Host() as host:
        node = host.directory / "node.xml"
        xml = guest(hostdev(SEC_VFS[0]), profiles={}, token=TOKEN, host="cn01").decode().replace("qemu", "test")
        node.write_text(f"<node>{xml}</node>")
        host.uri = f"test://{node}"
        host.sysfs.add_pf(SEC_PF)
        host.sysfs.add_vf(SEC_PF, 0, SEC_VFS[0])
        host.sysfs.bind(SEC_VFS[0], "hisi_acc_vfio_pci")
        host.start_broker(stub).set_device(SEC_VFS[0], flags=5, pid=4711, state="running")
        host.start_agent(agent)
        host.wait_connected()
        host.broker.wait_line("^SetMetadata ")  # it knows the guest
        yield host


@pytest.fixture(name="destination")
def make_destination(programs):
    """A host that tells cn01."""
    with Host() as host:
        host.settings = f"[link]\nhosts = cn00, cn01\nsocket = {host.directory}/link.socket\n"
        yield furnish(host, programs)


@pytest.fixture(name="link")
def find_link():
    """The program."""
    if not LINK:
        pytest.skip("ACCMIG_LINK does not name a program")
    return LINK


def migrations(host):
    """The records, newest first."""
    return host.interface("Manager").ListMigrations(dbus.UInt32(100), timeout=SECONDS)


def report(host, uuid=UUID, token=TOKEN, name="cn02", cause=CAUSE):
    """What another host's agent says."""
    host.interface("Manager").ReportRefusal(uuid, token, name, cause, timeout=SECONDS)


def refuse(host, uuid=UUID, name="cn01"):
    """Asks the gate about a guest from a host of this NAME that cannot be taken. Returns how long the answer took."""
    xml = guest(hostdev("0000:75:00.7"), profiles={}, token=TOKEN, host=name, uuid=uuid)
    begin = time.monotonic()
    allowed, message, _ = host.ask("vm", "migrate", "begin", xml)
    assert not allowed and "no device 0000:75:00.7" in message
    return time.monotonic() - begin


# ---- what the source takes -----------------------------------------------------------------------------------------


def test_report_becomes_a_record(source):
    """In the history, as an object, in the journal."""
    report(source)
    rows = migrations(source)
    assert len(rows) == 1
    assert (rows[0]["Role"], rows[0]["Phase"], rows[0]["Domain"]) == ("source", "failed", "vm")
    assert rows[0]["Cause"] == f"refused by cn02: {CAUSE}" and rows[0]["EndedUSec"] >= rows[0]["StartedUSec"] > 0
    path = f"{ROOT}/migrations/{rows[0]['Id']}"
    assert source.get("Migration", "Phase", path) == "failed"
    assert [device[:2] for device in source.get("Migration", "Devices", path)] == [("hostdev0", SEC_VFS[0])]
    record = json.loads(source.interface("Manager").DescribeMigration(dbus.UInt64(0)))
    assert record["token"] == TOKEN and record["downtime"] is None and record["devices"][0]["outage"] is None
    source.agent.wait_line("^<4>“vm” at the source: idle → failed: refused by cn02: hostdev0: queue count differs")


@pytest.mark.parametrize("name, changes", [
    ("UnknownDomain", {"uuid": OTHER_UUID}),
    ("UnknownDomain", {"uuid": "../\x1b[2J"}),
    ("Refused", {"token": "00112233445566ff"}),
    ("Refused", {"token": OLD_TOKEN}),
    ("Refused", {"token": ""}),
    ("Limit", {"uuid": "x" * 256}),
    ("Limit", {"token": "x" * 256}),
    ("Limit", {"name": "x" * 256}),
    ("Limit", {"cause": "x" * 1025}),
])
def test_report_in_vain(source, name, changes):
    """An error with a name and a printable sentence, and no record."""
    with pytest.raises(dbus.DBusException) as error:
        report(source, **changes)
    assert error.value.get_dbus_name() == f"{NAME}.Error.{name}"
    assert error.value.get_dbus_message().isprintable()
    assert not migrations(source)


def test_report_during_a_migration(source):
    """What goes on is what counts."""
    details = json.dumps({"status": "setup"}, separators=(",", ":"))
    source.broker.send(f"event {UUID} vm MIGRATION {int(time.time() * 1e6)} {details}")
    wait_for(lambda: migrations(source), "the migration")
    with pytest.raises(dbus.DBusException) as error:
        report(source)
    assert error.value.get_dbus_name() == f"{NAME}.Error.Busy"
    assert [row["Phase"] for row in migrations(source)] == ["preparing"]


def test_report_by_anybody(source):
    """There is no polkit on this bus that would allow it."""
    denied = source.run_as_other("call", NAME, ROOT, f"{NAME}.Manager", "ReportRefusal", "ssss", UUID, TOKEN, "cn02", CAUSE)
    assert denied.returncode != 0 and "denied" in denied.stderr.lower()
    assert not migrations(source)


def test_report_is_printable(source):
    """Of the longest words that are taken, too."""
    report(source, name="c\x1b[31m\x9b32m" + "n" * 240, cause="two\nlines" + "ä" * 500)
    cause = migrations(source)[0]["Cause"]
    assert cause.isprintable() and cause.startswith("refused by c [31m 32mn") and "two lines" in cause


def test_report_is_told_twice(source):
    """Once is enough."""
    report(source)
    report(source)
    assert len(migrations(source)) == 1


# ---- from one to the other -----------------------------------------------------------------------------------------


def test_refusal_reaches_the_source(source, destination, link):
    """Both records tell the same."""
    ssh = Ssh(destination.directory, source)
    with Link(destination, link, ssh) as far:
        refuse(destination)
        wait_for(lambda: migrations(source), "the report")
        (own,), (there,) = migrations(source), migrations(destination)
        assert own["Cause"] == f"refused by {socket.gethostname()}: {there['Cause']}"
        assert there["Phase"] == "refused" and "no device 0000:75:00.7" in there["Cause"]
        assert ssh.calls() == [SSH.format(name="cn01")]
        assert "not told" not in "\n".join(destination.read_agent())
        assert not [line for line in far.drain() if line.startswith("accmig-link")]


def test_source_does_not_take_it(source, destination, link):
    """The far side decides who may; here, who came in may not."""
    with Link(destination, link, Ssh(destination.directory, source), user=OTHER_USER):
        refuse(destination)
        destination.agent.wait_line("^<5>cn01 is not told that “vm” was refused: .*only root may do this$")
    assert not migrations(source)


def test_source_is_not_there(destination, link):
    """ssh ends at once, as when the host is down or the key is not taken."""
    with Link(destination, link, Ssh(destination.directory, None)):
        refuse(destination)
        destination.agent.wait_line("cn01 is not told that “vm” was refused: the link ended")


def test_nobody_else_is_told(destination):
    """Neither a host that is not in the list nor what is no host's name; the next one that is, is."""
    with silent_link(destination) as listener:
        for name in ("cn02", "cn0", "CN01", "-oProxyCommand=id", "cn01,cn00", "cn00, cn01", "", None):
            refuse(destination, name=name)
        refuse(destination, name="cn00")
        assert read_line(listener) == b"cn00\n"


def test_default_is_nobody(acc_host):
    """Without the setting, nothing is connected to."""
    refuse(acc_host)
    assert acc_host.ask("vm", "prepare", "begin", b"<domain/>")[0]
    assert "told" not in "\n".join(acc_host.read_agent())


# ---- when it does not work -----------------------------------------------------------------------------------------


def test_no_link(destination):
    """The socket unit does not run."""
    assert refuse(destination) < 10
    destination.agent.wait_line("cn01 is not told that “vm” was refused: “.*/link.socket”: No such file")


def test_dead_link(destination):
    """The gate's answer is not late for it, and it is over after 20 s."""
    with silent_link(destination):
        assert refuse(destination) < 10
        destination.agent.wait_line("cn01 is not told that “vm” was refused: no answer within 20 s")
        assert destination.ask("vm", "prepare", "begin", b"<domain/>")[0]


def test_eight_at_a_time(destination):
    """One more is dropped; and the agent ends without waiting for those under way."""
    with silent_link(destination):
        took = [refuse(destination, uuid=f"{UUID[:-2]}{number:02}") for number in range(9)]
        assert max(took) < 10
        destination.agent.wait_line("cn01 is not told that “vm” was refused: too much is being told")
        assert destination.agent.stop() == 0


# ---- accmig-link alone ---------------------------------------------------------------------------------------------


def run_link(link, directory, said, close=False, settings="[link]\nhosts = cn01\n"):
    """accmig-link with SAID on its connection. Returns its exit status, its messages, and what ssh was called with."""
    (directory / "accmig.conf").write_text(settings)
    ssh = Ssh(directory, None)
    near, far = socket.socketpair()
    with near, far:
        near.sendall(said)
        if close:
            near.shutdown(socket.SHUT_WR)
        done = subprocess.run([link], stdin=far, stdout=far, stderr=subprocess.PIPE, text=True, timeout=SECONDS, check=False,
                              env={"PATH": ssh.path, "ACCMIG_CONFIG_DIR": str(directory), "LC_ALL": "C.UTF-8"})
        far.setblocking(False)
        rest = b""
        with contextlib.suppress(BlockingIOError):
            rest = far.recv(65536)
    return done.returncode, done.stderr, ssh.calls(), rest


@pytest.mark.parametrize("said", [b"cn02\n", b"\n", b"cn01 \n", b"-oProxyCommand=id\n", b"cn01,cn01\n", b"\xff\x1b[2J\n"])
def test_link_goes_nowhere_else(link, tmp_path, said):
    """Whatever is asked for."""
    status, messages, calls, _ = run_link(link, tmp_path, said)
    assert status == 1 and not calls
    assert "is none of the hosts in the setting link.hosts" in messages and messages.strip().isprintable()


def test_link_without_hosts(link, tmp_path):
    """The default."""
    assert run_link(link, tmp_path, b"cn01\n", settings="")[2] == []


@pytest.mark.parametrize("said, close, message", [
    (b"", True, "ended before the name"),
    (b"cn01", True, "ended before the name"),
    (b"cn01" * 64, False, "too long"),
    (b"cn01", False, "came in time"),
])
def test_link_waits_for_a_line(link, tmp_path, said, close, message):
    """Not for longer than 5 s, nor for more than 256 bytes."""
    begin = time.monotonic()
    status, messages, calls, _ = run_link(link, tmp_path, said, close)
    assert status == 1 and not calls and message in messages
    assert (time.monotonic() - begin > 4.9) == ("in time" in message)


def test_link_reads_the_line_alone(link, tmp_path):
    """What follows is for the bus at the other end; the stand-in did not get there, and left it unread."""
    _, _, calls, rest = run_link(link, tmp_path, b"cn01\n\0AUTH")
    assert calls == [SSH.format(name="cn01")] and rest == b"\0AUTH"
