# SPDX-License-Identifier: GPL-2.0-or-later
"""What nobody else reports: alarms on the bus, in the record and at the command line, and the repair of a device that
stands still."""

import contextlib
import json
import os
import subprocess
import time

import dbus
import pytest

from agent import NAME, ROOT, SECONDS, Host, Process, wait_for
from conftest import SEC_PF, SEC_VFS
from guest import UUID, guest, hostdev

pytestmark = pytest.mark.timeout(6 * SECONDS)

CTL = os.environ.get("ACCMIG_CTL", "")
VF = SEC_VFS[0]
GRACE = 1  # seconds, the least that can be set

# What QEMU's log says, with the time that the test has.
RESET = ("{time}Z qemu-system-x86_64: {device}: Failed setting device state to STOP_COPY. Recover state is ERROR. "
         "Resetting device: Device or resource busy\n")


@contextlib.contextmanager
def source_host(programs, repair="report"):
    """A host with a guest that runs and has an accelerator without p2p."""
    agent, stub = programs
    with Host(f"[watch]\nrepair = {repair}\nrepair-grace = {GRACE}\n") as host:
        node = host.directory / "node.xml"
        node.write_text(f"<node>{guest(hostdev(VF)).decode().replace('qemu', 'test')}</node>")
        host.uri = f"test://{node}"
        host.sysfs.add_pf(SEC_PF)
        host.sysfs.add_vf(SEC_PF, 0, VF)
        host.sysfs.bind(VF, "hisi_acc_vfio_pci")
        host.start_broker(stub)
        host.broker.set_device(VF, flags=5, pid=4711, state="running")
        host.start_agent(agent)
        host.wait_connected()
        host.broker.wait_line("^SetMetadata ")
        yield host


@pytest.fixture(name="source")
def make_source(programs):
    """That host, with the default policy."""
    with source_host(programs) as host:
        yield host


def say(host, *words):
    """Events of the guest's QEMU: STOP, RESUME, =status, or a state of the device."""
    for word in words:
        if word in ("STOP", "RESUME"):
            event, details = word, {}
        elif word.startswith("="):
            event, details = "MIGRATION", {"status": word[1:]}
        else:
            event, details = "VFIO_MIGRATION", {"device-id": "hostdev0", "device-state": word}
        text = json.dumps(details, separators=(",", ":"))
        host.broker.send(f"event {UUID} vm {event} {int(time.time() * 1e6)} {text}")


def alarms(host):
    """All of them, newest first."""
    return [{str(key): value for key, value in row.items()} for row in host.interface("Manager").ListAlarms(timeout=SECONDS)]


def wait_alarm(host, kind, is_open=True):
    """The newest alarm of that kind, once there is one."""
    def found():
        return [row for row in alarms(host) if row["Kind"] == kind and (row["ClearedUSec"] == 0) == is_open]
    wait_for(found, f"an alarm {kind}")
    return found()[0]


def record(host, number=1):
    return json.loads(host.interface("Manager").DescribeMigration(dbus.UInt64(number), timeout=SECONDS))


def wait_phase(host, phase):
    wait_for(lambda: record(host)["phase"] == phase, phase)


def ctl(host, *words):
    environment = {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": host.address, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    return subprocess.run([CTL, *words], env=environment, capture_output=True, text=True, timeout=SECONDS,
                          check=True).stdout


def test_reset_at_the_source(source):
    """The events of a switch-over that failed, with the device reset: an alarm everywhere it has to be."""
    environment = {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": source.address, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    monitor = Process([CTL, "monitor"], env=environment)
    say(source, "=setup")
    monitor.wait_line("preparing")
    say(source, "pre-copy", "=active", "running", "STOP", "=device", "=failed", "RESUME")
    assert "reset-at-source" in monitor.wait_line("vm +ALARM")
    assert monitor.stop() == 0

    alarm = wait_alarm(source, "reset-at-source")
    assert (alarm["Domain"], alarm["DomainUuid"], alarm["Device"], alarm["Migration"]) == ("vm", UUID, VF, 1)
    assert f"{VF} was running when QEMU had stopped the guest" in alarm["Sentence"]
    assert "driver anew" in alarm["Advice"] and alarm["Outcome"] == ""

    wait_phase(source, "failed")
    [row] = record(source)["alarms"]
    assert (row["kind"], row["device"], row["cleared-usec"]) == ("reset-at-source", VF, 0)
    [row] = source.get("Migration", "Alarms", f"{ROOT}/migrations/1")
    assert (str(row[0]), str(row[1]), int(row[3])) == ("reset-at-source", VF, 0)
    assert f"Alarm     reset-at-source: {VF} was running" in ctl(source, "show", "1")
    assert "reset-at-source" in ctl(source, "alarms") and "driver anew" in ctl(source, "alarms")
    [row] = json.loads(ctl(source, "alarms", "--json"))["alarms"]
    assert (row["kind"], row["migration"], row["cleared-usec"]) == ("reset-at-source", 1, 0)
    assert any("alarm reset-at-source" in line for line in source.read_agent())


def test_signals(source):
    """AlarmRaised and AlarmCleared carry what the list has."""
    watch = Process(["busctl", f"--address={source.address}", "--json=short", "monitor", "--match",
                     f"type='signal',interface='{NAME}.Manager'"], stderr=subprocess.STDOUT)
    watch.wait_line("Monitoring")
    say(source, "=setup", "pre-copy", "pre-copy")
    line = json.loads(watch.wait_line("AlarmRaised"))
    [values] = line["payload"]["data"]
    assert values["Kind"]["data"] == "repeated-step"
    assert values["ClearedUSec"]["data"] == 0
    watch.stop()


def test_good_migrations_raise_nothing(source):
    """A migration as it should be, one that is cancelled, and one that fails honestly."""
    for number, words in enumerate((
            ("=setup", "pre-copy", "=active", "=cancelling", "running", "=cancelled"),
            ("=setup", "pre-copy", "=active", "stop-copy", "STOP", "=device", "=failed", "RESUME", "running"),
            ("=setup", "pre-copy", "=active", "stop-copy", "STOP", "=pre-switchover", "=device", "=completed", "stop"))):
        if number:
            time.sleep(1.1)  # QEMU begins no second migration within a second, and the agent counts on that
        say(source, *words)
        wait_for(lambda: len(source.interface("Manager").ListMigrations(dbus.UInt32(10), timeout=SECONDS)) == number + 1, "the record")
    wait_for(lambda: record(source, 3)["phase"] == "switching", "the last")
    assert alarms(source) == []


def test_the_log_tells(source):
    """Without p2p a reset on the way back looks like success in the events; QEMU's log does not."""
    now = time.strftime("%Y-%m-%dT%H:%M:%S.000000", time.gmtime(time.time() + 1))
    (source.broker.devices / "vm.log").write_text(RESET.format(time=now, device=VF))
    say(source, "=setup", "pre-copy", "=active", "stop-copy", "STOP", "=device", "=failed", "RESUME", "running")
    alarm = wait_alarm(source, "reset-at-source")
    assert f"{VF} was reset by QEMU, which could not set it to STOP_COPY" in alarm["Sentence"]
    assert "Failed setting device state to STOP_COPY" in record(source)["cause"]


@pytest.mark.parametrize("whose, is_excused", [(UUID, True), ("", True), (UUID[::-1], False)])
def test_gap(source, whose, is_excused):
    """Where the broker dropped events, nothing is said to be missing: what came meanwhile was not seen."""
    say(source, "=setup", "pre-copy", "=active")
    source.broker.send(f"gap {whose}")
    say(source, "STOP", "=pre-switchover", "=device", "=completed", "stop")
    wait_for(lambda: source.interface("Manager").ListMigrations(dbus.UInt32(1), timeout=SECONDS), "the record")
    wait_for(lambda: source.get("Migration", "Devices", f"{ROOT}/migrations/1")[0][2] == "stop", "the last event")
    if is_excused:
        assert alarms(source) == []
    else:
        assert "never in stop-copy" in wait_alarm(source, "missing-step")["Sentence"]


def test_said_once(source):
    """An event and the log tell of the same reset."""
    now = time.strftime("%Y-%m-%dT%H:%M:%S.000000", time.gmtime(time.time() + 1))
    (source.broker.devices / "vm.log").write_text(RESET.format(time=now, device=VF))
    say(source, "=setup", "pre-copy", "=active", "running", "STOP", "=device", "=failed", "RESUME")
    wait_alarm(source, "reset-at-source")
    wait_for(lambda: "Failed setting" in record(source)["cause"], "the log")
    assert [row["Kind"] for row in alarms(source)] == ["reset-at-source"]


def fail_and_stand_still(host):
    """A migration that was cancelled, and a device that stays in stop."""
    host.broker.set_device(VF, flags=5, pid=4711, state="stop")
    say(host, "=setup", "pre-copy", "=active", "=cancelling", "=cancelled")


def test_reported(source, programs):
    """With the default policy a device that stands still is reported, left alone, and over when it runs again."""
    fail_and_stand_still(source)
    alarm = wait_alarm(source, "not-running")
    assert f"{VF} is in stop while its guest runs" in alarm["Sentence"]
    assert alarm["Migration"] == 1
    assert not [line for line in source.broker.drain() if line.startswith("Repair")]

    source.agent.stop()
    source.start_agent(programs[0])
    assert wait_alarm(source, "not-running")["RaisedUSec"] == alarm["RaisedUSec"]  # from the history
    source.broker.set_device(VF, flags=5, pid=4711, state="running")
    wait_alarm(source, "not-running", is_open=False)
    assert record(source)["alarms"][0]["cleared-usec"] > 0


def test_repaired(programs):
    """With repair=drive it is set running, and the alarm is over."""
    with source_host(programs, "drive") as host:
        fail_and_stand_still(host)
        host.broker.wait_line(f"^Repair {VF}$")
        host.broker.wait_line("^seen stop$")
        alarm = wait_alarm(host, "not-running", is_open=False)
        assert alarm["Outcome"] == "was repaired: it was stop and is running again"
        assert record(host)["alarms"][0]["outcome"] == alarm["Outcome"]


def test_beyond_repair(programs):
    """One that cannot be set running stays an alarm, which says what helps."""
    with source_host(programs, "drive") as host:
        host.broker.set_device(VF, **{"flags": 5, "pid": 4711, "state": "error",
                                      "error-Repair": "org.accmig1.Error.BadState"})
        say(host, "=setup", "pre-copy", "=active", "=cancelling", "=cancelled")
        host.broker.wait_line(f"^Repair {VF}$")
        wait_for(lambda: wait_alarm(host, "not-running")["Outcome"], "the outcome")
        outcome = wait_alarm(host, "not-running")["Outcome"]
        assert outcome.startswith("was not repaired: ")
        assert f"accmigctl device reset {VF}" in outcome


def test_moved_meanwhile(programs):
    """One that somebody moved after it was looked at is left alone, and looked at once more."""
    with source_host(programs, "drive") as host:
        host.broker.set_device(VF, **{"flags": 5, "pid": 4711, "state": "stop",
                                      "error-Repair": "org.accmig1.Error.Busy"})
        say(host, "=setup", "pre-copy", "=active", "=cancelling", "=cancelled")
        host.broker.wait_line(f"^Repair {VF}$")
        wait_for(lambda: wait_alarm(host, "not-running")["Outcome"], "the outcome")
        outcome = wait_alarm(host, "not-running")["Outcome"]
        assert outcome.startswith("was not repaired: ") and "reset" not in outcome
        host.broker.set_device(VF, flags=5, pid=4711, state="stop-copy")
        host.broker.wait_line("^seen stop-copy$")
        wait_alarm(host, "not-running", is_open=False)


def test_left_alone_during_a_migration(programs):
    """A device in stop is none of anybody's business while a migration goes on."""
    with source_host(programs, "drive") as host:
        fail_and_stand_still(host)
        time.sleep(0.5)  # sooner than the grace time, and later than what QEMU's second attempt must wait for
        wait_phase(host, "cancelled")
        time.sleep(0.7)
        say(host, "=setup", "pre-copy", "=active")
        wait_for(lambda: len(host.interface("Manager").ListMigrations(dbus.UInt32(10), timeout=SECONDS)) == 2, "the second attempt")
        time.sleep(2 * GRACE + 3)  # longer than the inspection would take
        assert alarms(host) == []
        assert not [line for line in host.broker.drain() if line.startswith("Repair")]


def test_idle(source):
    """Once the guests were looked at after the start, nobody asks for anything any more."""
    source.broker.wait_line(f"^Peek {VF}$")
    time.sleep(GRACE + 1)
    source.broker.drain()
    time.sleep(3)
    assert source.broker.drain() == []
