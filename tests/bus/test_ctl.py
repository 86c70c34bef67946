# SPDX-License-Identifier: GPL-2.0-or-later
"""accmigctl and the real agent, and two of them on two hosts. ACCMIG_CTL names the program.

Between the hosts there is no ssh but a script of its name, which runs the real systemd-stdio-bridge on the other bus.
"""

import contextlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import time

import pytest

from agent import AGENT_USER, SECONDS, Host, Process, wait_for
from conftest import SEC_PF, SEC_VFS, acc_match
from guest import OTHER_UUID, UUID, guest, hostdev

CTL = os.environ.get("ACCMIG_CTL", "")

pytestmark = [pytest.mark.timeout(6 * SECONDS),
              pytest.mark.skipif(not CTL, reason="ACCMIG_CTL does not name the program")]


def environment(host, **more):
    """Of a program on @host."""
    return {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": host.address, "LC_ALL": "C.UTF-8", "TZ": "UTC", **more}


def run(host, *words, status=0, stdin=b"", **more):
    """Runs accmigctl on @host. An error is one line. Returns what it said."""
    done = subprocess.run([CTL, *words], input=stdin, capture_output=True, timeout=2 * SECONDS,
                          env=environment(host, **more), check=False)
    out, err = done.stdout, done.stderr.decode()
    assert done.returncode == status, (done.returncode, out, err)
    if status in (1, 2):
        assert err.startswith("accmigctl: ") and err.count("\n") == 1 and out == b"", (out, err)
        return err
    assert err == ""
    return out.decode()


def probed(host, address=SEC_VFS[0]):
    """Waits until the agent has opened a free device by itself."""
    wait_for(lambda: host.get_device(address)["Migration"], "the probe")


# ---- reads ----------------------------------------------------------------------------------------------------------

def test_devices(acc_host):
    """Every device, sorted, with its properties."""
    for address in SEC_VFS:
        probed(acc_host, address)
    lines = [line.split() for line in run(acc_host, "devices").splitlines()]
    assert lines == [
        ["ADDRESS", "KIND", "FAMILY", "DRIVER", "OWNER", "DOMAIN", "MIGRATION", "PARENT", "NUMA"],
        *[[a, "pci", "hisi_acc", "hisi_acc_vfio_pci", "free", "-", "stop-copy+pre-copy", SEC_PF, "0"] for a in SEC_VFS],
    ]
    shown = json.loads(run(acc_host, "--json", "devices"))
    assert shown["format"] == "accmig-devices/1"
    assert [device["address"] for device in shown["devices"]] == SEC_VFS
    assert shown["devices"][0]["profile-digest"] == acc_host.get_device(SEC_VFS[0])["ProfileDigest"]
    assert (shown["devices"][1]["vf-index"], shown["devices"][1]["numa-node"]) == (1, 0)


def test_profile_and_compare(acc_host, tmp_path):
    """What profile prints in either form is what compare reads."""
    probed(acc_host)
    pretty, canonical = run(acc_host, "profile", SEC_VFS[0]), run(acc_host, "profile", "--json", SEC_VFS[0])
    assert json.loads(pretty) == json.loads(canonical) and pretty.count("\n") > 5 and canonical.count("\n") == 1
    (tmp_path / "pretty").write_text(pretty)
    out = run(acc_host, "compare", str(tmp_path / "pretty"), "-", stdin=canonical.encode())
    assert re.match(f"{SEC_VFS[0]} → {SEC_VFS[0]}: (compatible|degraded)", out)  # by the kernel this runs on
    assert run(acc_host, "profile", "0000:75:00.7", status=1) == "accmigctl: no device 0000:75:00.7 on this host\n"
    assert "neither a PCI address" in run(acc_host, "profile", "../../etc/passwd", status=1)
    assert "not UTF-8" in run(acc_host, "profile", b"\xff", status=2)


def test_nothing_recorded(acc_host):
    """An empty history."""
    assert run(acc_host, "migrations") == "ID  STARTED  DOMAIN  ROLE  PHASE  DOWNTIME  CAUSE\n"
    assert json.loads(run(acc_host, "migrations", "--json")) == {"format": "accmig-migrations/1", "migrations": []}
    assert run(acc_host, "show", status=1) == "accmigctl: no migration was recorded yet\n"
    assert run(acc_host, "show", "7", status=1) == "accmigctl: no migration 7\n"


def test_no_agent(host):
    """A bus, and nobody on it."""
    line = run(host, "devices", status=1)
    assert "does not answer on this host's system bus" in line and line.endswith("is accmigd.service running?\n")


# ---- states ---------------------------------------------------------------------------------------------------------

def test_state(acc_host, tmp_path):
    """Saved to a file and to a pipe, looked into, loaded from either."""
    assert run(acc_host, "state", "get", SEC_VFS[0]) == "running\n"
    assert json.loads(run(acc_host, "state", "get", "--json", SEC_VFS[0])) == {"address": SEC_VFS[0], "state": "running"}
    path = tmp_path / "state"
    said = run(acc_host, "state", "save", SEC_VFS[0], str(path))
    assert re.fullmatch(rf"{SEC_VFS[0]}: {path}, 40 B in \S+ \S+, \S+ \S+/s\n", said), said
    assert path.read_bytes().hex() == acc_match(8) and list(tmp_path.iterdir()) == [path]
    assert path.stat().st_mode & 0o777 == 0o600
    assert "is there already" in run(acc_host, "state", "save", SEC_VFS[0], str(path), status=1)
    run(acc_host, "state", "save", "--force", SEC_VFS[0], str(path))
    assert "/nonexistent/state cannot be written" in run(acc_host, "state", "save", SEC_VFS[0], "/nonexistent/state", status=1)
    piped = subprocess.run([CTL, "state", "save", SEC_VFS[0], "-"], env=environment(acc_host), stdout=subprocess.PIPE,
                           timeout=SECONDS, check=True).stdout
    assert piped == path.read_bytes()
    loaded = json.loads(run(acc_host, "--json", "state", "load", SEC_VFS[1], str(path)))
    assert loaded.pop("usec") > 0
    assert loaded == {"address": SEC_VFS[1], "file": str(path), "bytes": 40}
    run(acc_host, "state", "load", SEC_VFS[1], "-", stdin=piped)


def test_state_refused(acc_host, tmp_path):
    """What a driver refuses has a status of its own; other errors are failures."""
    path = tmp_path / "state"
    run(acc_host, "state", "save", SEC_VFS[0], str(path))
    acc_host.broker.set_device(SEC_VFS[0], error="org.accmig1.Error.Refused")
    done = subprocess.run([CTL, "state", "load", SEC_VFS[0], str(path)], env=environment(acc_host), capture_output=True,
                          timeout=SECONDS, check=False)
    assert done.returncode == 3 and done.stderr.startswith(b"accmigctl: ") and done.stderr.count(b"\n") == 1
    acc_host.broker.set_device(SEC_VFS[0], error="org.accmig1.Error.Busy")
    run(acc_host, "state", "save", "--force", SEC_VFS[0], str(path), status=1)
    assert list(tmp_path.iterdir()) == [path]


def test_state_interrupted(acc_host, tmp_path):
    """Ctrl-C ends the wait, and leaves nothing behind."""
    acc_host.broker.set_device(SEC_VFS[0], flags=5, size=176, match=acc_match(8), hold=1)
    acc_host.broker.drain()
    path = tmp_path / "state"
    waiting = subprocess.Popen([CTL, "state", "save", SEC_VFS[0], str(path)], env=environment(acc_host),
                               stderr=subprocess.PIPE, text=True)
    acc_host.broker.wait_line("^Save")
    waiting.send_signal(signal.SIGINT)
    err = waiting.communicate(timeout=SECONDS)[1]
    acc_host.broker.wait_line(f"^Abort {SEC_VFS[0]}$")  # the agent saw that nobody waits any more
    acc_host.broker.send("release")
    assert waiting.returncode == 1 and err.startswith("accmigctl: interrupted") and err.count("\n") == 1
    assert not list(tmp_path.iterdir())


# ---- two hosts ------------------------------------------------------------------------------------------------------

SSH = """#!/bin/sh -e
[ "$1 $2 $4" = "-xT -- systemd-stdio-bridge" ] || { echo "ssh: strange: $*" >&2; exit 255; }
[ -e "$ACCMIG_TEST_HOSTS/$3" ] || { echo "a banner" >&2; echo "ssh: Could not resolve hostname $3" >&2; exit 255; }
exec systemd-stdio-bridge --bus-path="$(cat "$ACCMIG_TEST_HOSTS/$3")"
"""


@pytest.fixture(name="road")
def make_road(tmp_path):
    """A way from any host to those that are named. A function that names one; more environment for run()."""
    names = tmp_path / "hosts"
    names.mkdir()
    ssh = tmp_path / "bin" / "ssh"
    ssh.parent.mkdir()
    ssh.write_text(SSH)
    ssh.chmod(0o755)

    def name(host, label):
        (names / label).write_text(host.address)
    more = {"PATH": f"{ssh.parent}:{os.environ['PATH']}", "ACCMIG_TEST_HOSTS": str(names)}
    return name, more


def test_another_host(acc_host, programs, road):
    """-H reaches it, wherever it stands; what goes wrong on the way is one line."""
    name, more = road
    name(acc_host, "root@cn02")
    probed(acc_host)
    with Host() as here:
        assert SEC_VFS[0] in run(here, "-H", "root@cn02", "devices", **more)
        assert SEC_VFS[0] in run(here, "devices", "--host=root@cn02", **more)
        line = run(here, "-H", "cn03", "devices", status=1, **more)
        assert line == "accmigctl: cn03 cannot be reached: ssh: Could not resolve hostname cn03\n"
        name(here, "empty")
        line = run(here, "-H", "empty", "devices", status=1, **more)
        assert "does not answer on the system bus of empty" in line and "running there?" in line


@pytest.fixture(name="source")
def make_source(programs, tmp_path):
    """A host with a guest that has an accelerator, and its agent."""
    agent, stub = programs
    with Host() as host:
        node = host.directory / "node.xml"
        xml = guest(hostdev(SEC_VFS[0])).decode().replace("<domain type='qemu'>", "<domain type='test'>")
        node.write_text(f"<node>{xml}</node>")
        host.uri = f"test://{node}"
        host.sysfs.add_pf(SEC_PF)
        host.sysfs.add_vf(SEC_PF, 0, SEC_VFS[0])
        host.sysfs.bind(SEC_VFS[0], "hisi_acc_vfio_pci")
        host.start_broker(stub)
        host.broker.set_device(SEC_VFS[0], flags=5, pid=4711, state="running")
        host.start_agent(agent)
        host.wait_connected()
        host.broker.wait_line("^SetMetadata ")
        yield host


def test_check(source, acc_host, road):
    """Here: whether the guest can be migrated at all; there: whether the other host takes it."""
    name, more = road
    name(acc_host, "cn02")
    probed(acc_host)
    assert run(source, "check", "nobody", status=1) != ""
    alone = json.loads(run(source, "check", "--json", "vm", status=4))
    there = json.loads(run(source, "check", "--json", "vm", "--to", "cn02", status=4, **more))
    for report in (alone, there):
        assert (report["format"], report["domain"], report["outcome"]) == ("accmig-report/1", "vm", "unknown")
        assert len(report["hostdevs"]) == 1, report
        [row] = report["hostdevs"]
        assert (row["alias"], row["target"], row["verdict"]["outcome"]) == ("hostdev0", SEC_VFS[0], "unknown")
    text = run(source, "check", "vm", "--to", "cn02", status=4, **more)
    assert re.match(rf"vm → \S+: unknown\nHOSTDEV .*\nhostdev0 +{SEC_VFS[0]} +{SEC_VFS[0]} +unknown\n", text)
    acc_host.sysfs.remove_vf(SEC_PF, 1, SEC_VFS[1])
    acc_host.sysfs.remove_vf(SEC_PF, 0, SEC_VFS[0])
    acc_host.agent.stop()
    acc_host.start_agent(os.environ["ACCMIG_AGENT"])
    text = run(source, "check", "vm", "--to", "cn02", status=3, **more)
    assert text.startswith("vm → ") and f"no device {SEC_VFS[0]} on this host [gate.no-device]" in text


def moment(name, at, device=None, origin="qemu-event", precision=1):
    """A row of a timeline."""
    return {"at_usec": at, "moment": name, "origin": origin, "precision_usec": precision,
            **({"device": device} if device else {})}


# The destination's clock is 5 s ahead. Outage: 1 s from stop to running; the error: what lies between the fences.
T0, AHEAD = 1_700_000_000_000_000, 5_000_000
SOURCE_MOMENTS = [moment("guest-stop", T0 + 10_000), moment("sent", T0 + 900_000), moment("device-stop", T0, "hostdev0")]
TARGET_MOMENTS = [moment("loaded", T0 + AHEAD + 890_000), moment("guest-resume", T0 + AHEAD + 990_000),
                  moment("device-resuming", T0 + AHEAD + 300_000, "hostdev0"),
                  moment("device-running", T0 + AHEAD + 1_000_000, "hostdev0")]


def record(host, number, role, moments, token="0123456789abcdef", uuid=UUID, offset=0, phase="completed", cause=""):
    """Writes a migration into a history, as an agent of that host would have."""
    started, ended = T0 - 5_000_000 + offset, T0 + 2_000_000 + offset
    figures = {"downtime_usec": AHEAD + 1_010_000, "downtime_net_usec": 1_000_000} if moments else {}
    timeline = {"format": "accmig-timeline/1", "moments": moments, **figures}
    document = {"format": "accmig-migration/1", "id": number, "domain": "vm", "uuid": uuid, "token": token, "role": role,
                "phase": phase, "cause": cause, "worked-out": False, "started-usec": started, "ended-usec": ended,
                "downtime": {"usec": 1_000_000, "error-usec": 0, "complete": False, "origin": "libvirt"},
                "job": {"data-total": 900 << 20, "data-processed": 812 << 20, "device-bytes": 176, "iteration": 3},
                "devices": [{"alias": "hostdev0", "address": SEC_VFS[0], "state": "stop-copy",
                             "outage": {"usec": 1_010_000, "error-usec": 0, "complete": False, "origin": "libvirt"}}],
                "timeline": timeline}
    with contextlib.closing(sqlite3.connect(host.state / "history.db")) as database:
        database.execute("INSERT INTO migration (id, uuid, name, token, role, phase, cause, worked_out, ended, started_usec,"
                         " ended_usec, downtime_usec, document) VALUES (?,?,?,?,?,?,?,0,1,?,?,1000000,?)",
                         (number, uuid, "vm", token, role, phase, cause, started, ended, json.dumps(document)))
        database.commit()
    return document


@pytest.fixture(name="pair")
def make_pair(programs, road):
    """Two hosts with histories: @cn02 took a guest from the other one, at the third attempt and after another guest."""
    name, more = road
    with Host() as one, Host() as two:
        for host in (one, two):
            host.start_agent(programs[0])
        name(two, "cn02")
        record(one, 7, "source", SOURCE_MOMENTS)
        record(one, 8, "source", [], uuid=OTHER_UUID, phase="failed", cause="because \x1b[2J\u202eof that")
        record(two, 1, "destination", [], offset=AHEAD - 100_000_000, phase="refused")
        record(two, 2, "destination", [], offset=AHEAD, token="fedcba9876543210")
        record(two, 3, "destination", TARGET_MOMENTS, offset=AHEAD)
        record(two, 4, "source", [], offset=AHEAD)
        yield one, more


def test_migrations(pair):
    """Newest first, as many as wanted."""
    host, _more = pair
    lines = run(host, "migrations").splitlines()
    assert [line.split()[0] for line in lines] == ["ID", "8", "7"]
    assert lines[2].split() == ["7", "2023-11-14", "22:13:15", "vm", "source", "completed", "1.000", "s", "-"]
    assert lines[1].endswith("because \ufffd[2J\ufffdof that")
    [newest] = json.loads(run(host, "migrations", "--limit", "1", "--json"))["migrations"]
    assert (newest["id"], newest["phase"], newest["uuid"]) == (8, "failed", OTHER_UUID)


def test_show(pair):
    """One host's part says that it is one."""
    host, _more = pair
    text = run(host, "show", "7")
    assert text.startswith("Migration 7 of vm, seen from its source: completed\n")
    assert "at least 1.010 s" in text and "the part that only the other host knows is missing" in text
    assert "812.0 MiB" in text and "176 B" in text
    assert [line.split()[1] for line in text.splitlines() if line.startswith("22:13:2")] == [
        "device-stop", "guest-stop", "sent"]
    assert json.loads(run(host, "--json", "show"))["id"] == 8


def test_show_peer(pair):
    """Both hosts' timelines make one outage, although their clocks differ; the right record is found among several."""
    host, more = pair
    shown = json.loads(run(host, "show", "7", "--peer", "cn02", "--json", **more))
    assert (shown["peer"]["id"], shown["peer"]["role"]) == (3, "destination")
    outage = shown["devices"][0]["outage"]
    assert outage["complete"] and outage["origin"] == "libvirt"
    assert abs(outage["usec"] - 1_000_000) <= outage["error-usec"] < 20_000
    assert shown["downtime"]["complete"] and shown["timeline"]["format"] == "accmig-timeline/1"
    text = run(host, "show", "7", "--peer", "cn02", **more)
    assert "Peer      cn02, where it is migration 3: completed" in text and " ± " in text and "complete" in text
    assert "On the source's clock:" in text and "On the destination's clock:" in text


def test_show_without_peer(pair):
    """One clear sentence."""
    host, more = pair
    line = run(host, "show", "8", "--peer", "cn02", status=1, **more)
    assert line == "accmigctl: cn02 has no record of migration 8 of “vm”, which this host has as its source\n"
    assert "cn09 cannot be reached" in run(host, "show", "7", "--peer", "cn09", status=1, **more)


# ---- monitor --------------------------------------------------------------------------------------------------------

def follow(host, *words):
    """A monitor."""
    return Process([CTL, "monitor", *words], env=environment(host), stderr=subprocess.PIPE)


def qemu_says(host, event, **details):
    """An event of the guest's QEMU."""
    host.broker.send(f"event {UUID} vm {event} {int(time.time() * 1e6)} {json.dumps(details, separators=(',', ':'))}")


END_STATUS = [("failed", 1), ("cancelled", 1)]


@pytest.mark.parametrize("end, status", END_STATUS, ids=[row[0] for row in END_STATUS])
def test_monitor_until_end(source, end, status):
    """Phases and states as they come, and how it ended."""
    monitor = follow(source, "--until-end", "--json")
    qemu_says(source, "MIGRATION", status="setup")
    monitor.wait_line('"phase":"preparing"')
    qemu_says(source, "MIGRATION", status="active")
    monitor.wait_line('"phase":"copying"')
    qemu_says(source, "VFIO_MIGRATION", **{"device-id": "hostdev0", "device-state": "pre-copy"})
    line = json.loads(monitor.wait_line('"state":"pre-copy"'))
    assert (line["domain"], line["uuid"], line["role"], line["id"]) == ("vm", UUID, "source", 1)
    assert line["devices"] == [{"alias": "hostdev0", "address": SEC_VFS[0], "state": "pre-copy", "outage": None}]
    assert line["bytes-total"] == 0 and not line["worked-out"]
    qemu_says(source, "MIGRATION", status=end)
    monitor.wait_line(f'"phase":"{end}"')
    assert monitor.popen.wait(SECONDS) == status
    monitor.stop()


def test_monitor_refused(acc_host):
    """A refusal at the gate: status 3, and the cause on the line. Another guest, let in before, shows that it listens."""
    probed(acc_host)
    profile = run(acc_host, "profile", "--json", SEC_VFS[0]).strip()
    assert acc_host.ask("vm", "migrate", "begin", guest(hostdev(SEC_VFS[0]), profiles={"hostdev0": profile}))[0]
    monitor = follow(acc_host, "--until-end")
    monitor.wait_line(r"vm +destination +accepted")
    late = guest(hostdev("0000:75:00.7"), profiles={}, name="late", uuid=OTHER_UUID)
    assert not acc_host.ask("late", "migrate", "begin", late)[0]
    assert re.match(r"\d\d:\d\d:\d\d\.\d{3}  late +destination  refused .*hostdev0 .*no device 0000:75:00.7",
                    monitor.wait_line("refused"))
    assert monitor.popen.wait(SECONDS) == 3
    monitor.stop()


def test_monitor_survives_the_agent(source, programs):
    """An agent that comes back is watched again; Ctrl-C ends the watch, and that is no failure."""
    qemu_says(source, "MIGRATION", status="setup")
    monitor = follow(source)
    monitor.wait_line(r"vm +source +preparing +hostdev0")
    source.agent.stop()
    assert monitor.popen.stderr.readline() == "accmigctl: the agent is gone; waiting for it to come back\n"
    source.start_agent(programs[0])
    monitor.wait_line(r"vm +source +\w+ +hostdev0")
    assert monitor.stop(signal.SIGINT) == 0


def test_unprivileged_user(acc_host, tmp_path):
    """Reads, and may not touch a device."""
    options = {"user": AGENT_USER, "extra_groups": [], "env": environment(acc_host), "capture_output": True,
               "timeout": SECONDS, "check": False}
    assert subprocess.run([CTL, "devices"], **options).returncode == 0
    tmp_path.chmod(0o755)
    for words in (["get", SEC_VFS[0]], ["save", SEC_VFS[0], "/tmp/accmig-not-allowed"],
                  ["load", "--force", SEC_VFS[0], "/dev/null"]):
        done = subprocess.run([CTL, "state", *words], **options)
        assert done.returncode == 1 and done.stderr.startswith(b"accmigctl: not allowed: "), done
    assert not os.path.exists("/tmp/accmig-not-allowed")
