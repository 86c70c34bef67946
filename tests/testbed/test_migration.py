# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests with each kind of device move between the hosts, gated, watched and timed by the agents."""

import json
import re

import pytest

from hosts.domain import Domain

ACC_STREAM = 176  # bytes hisi_acc_vfio_pci sends for a VF whose driver is ready

KINDS = ("acc", "migsim", "mdev")

# How well the test can tell the hosts' clocks apart: it measures the offset by question and answer over ssh.
CLOCK_TRIES = 12


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


def start(host, domain):
    """A running guest whose device's state is worth something."""
    host.start_domain(domain)
    if domain.kind == "acc":
        host.devices.acc_ready(domain.device)
    host.agent.wait_profile(domain)


def move(origin, target, domain, **options):
    """Migrate, and return both agents' records."""
    before = origin.agent.last_id(), target.agent.last_id()
    beat = max(origin.heartbeat(domain), target.heartbeat(domain))
    origin.migrate(domain, target, **options)
    target.wait_beat(domain, after=beat)
    assert not re.search("boot|corrupt", target.guest_log(domain))
    records = (origin.agent.wait_migration(domain, after=before[0]),
               target.agent.wait_migration(domain, after=before[1]))
    assert [record["alarms"] for record in records] == [[], []]
    return records


def wait_figures(host, record):
    """libvirt's figures come last; the record once it has them."""
    def figures():
        now = host.agent.migration(record["id"])
        return now if now["downtime"] and now["devices"][0]["outage"] else None
    return host.wait_for(figures, what="downtime and outage in the record", period=1)


def check_record(record, role, domain):
    assert record["role"] == role
    assert record["phase"] == "completed", record["cause"]
    assert record["uuid"] == domain.uuid
    assert record["worked-out"] is False
    assert record["downtime"]["usec"] > 0
    assert record["downtime"]["origin"] == "libvirt"
    [device] = record["devices"]
    assert device["alias"] == "hostdev0"
    assert device["address"] == domain.device
    assert device["outage"]["usec"] > 0
    assert device["outage"]["origin"] in ("qemu-event", "poll", "libvirt")


def test_there_and_back(source, destination, agents, kind):
    """Direct there, peer-to-peer back: the guest goes on, both agents say completed, with downtime and outage."""
    domain = Domain(kind, source.devices.show()[kind][0])
    start(source, domain)

    for origin, target, p2p in ((source, destination, False), (destination, source, True)):
        origin.agent.wait_profile(domain)
        left, arrived = move(origin, target, domain, p2p=p2p)
        check_record(wait_figures(origin, left), "source", domain)
        check_record(wait_figures(target, arrived), "destination", domain)
        assert left["token"] == arrived["token"] != ""
        if kind == "acc":
            record = wait_figures(origin, left)
            assert record["job"]["device-bytes"] == ACC_STREAM
            assert target.devices.acc_state(domain.device)["ready"] == "1"
            state = target.agent.call("GetState", "s", domain.device)
            assert state == "running"


def test_devices_without_events_are_looked_at(source, destination, agents):
    """Where QEMU sends no VFIO_MIGRATION events the agent looks, and says that it did."""
    domain = Domain("migsim", "0000:01:10.0", events=False)
    start(source, domain)

    left, arrived = move(source, destination, domain)

    moments = {row["moment"]: row for row in timeline_rows(wait_figures(source, left))}
    assert moments["device-stop"]["origin"] == "poll"
    moments = {row["moment"]: row for row in timeline_rows(wait_figures(destination, arrived))}
    assert moments["device-running"]["origin"] == "poll"


def timeline_rows(record):
    """Every moment of a record's timeline: its name, time (µs), origin, precision (µs)."""
    return record["timeline"]["moments"]


def clock_offset(source, destination):
    """Destination's clock minus the source's in µs, and how wrong that may be: the best of several questions."""
    script = ("import socket,time\n"
              "s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.bind(('',7771)); s.settimeout(60)\n"
              f"for i in range({CLOCK_TRIES}):\n"
              " d,a=s.recvfrom(64); s.sendto(str(time.time_ns()).encode(),a)\n")
    destination.write("/run/clock-server.py", script)
    server = destination.start("python3 /run/clock-server.py", 90)
    client = ("import socket,time\n"
              f"s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.settimeout(1); best=None; n=0\n"
              f"while n<{CLOCK_TRIES}:\n"
              f" t0=time.time_ns(); s.sendto(b'x',('{destination.name}',7771))\n"
              " try: t1=int(s.recvfrom(64)[0])\n"
              " except TimeoutError: continue\n"
              " t2=time.time_ns(); n+=1; e=(t2-t0)//2; o=t1-(t0+t2)//2\n"
              " best=min(best or (e,o),(e,o))\n"
              "print(best[1]//1000,best[0]//1000+1)\n")
    source.write("/run/clock-client.py", client)
    offset, error = source.output("python3 /run/clock-client.py").split()
    server.wait(check=False)
    return int(offset), int(error)


def start_monitor(host):
    """`accmigctl monitor`, when it follows."""
    monitor = host.start("accmigctl --json monitor --until-end", 240)
    host.wait_for(lambda: "accmigctl" in host.run("ps -C accmigctl -o args=", check=False).stdout, what="monitor")
    return monitor


def check_monitor(monitor):
    """It told phases, bytes and the device's states while they happened, and ended with the migration."""
    lines = [json.loads(line) for line in monitor.wait().stdout.splitlines()]
    phases = [line["phase"] for line in lines]
    assert phases[-1] == "completed"
    assert "copying" in phases
    states = {device["state"] for line in lines for device in line["devices"]}
    assert states & {"pre-copy", "pre-copy-p2p", "stop-copy", "stop"}, states


def test_outage_agrees_with_the_driver(source, destination, agents):
    """migsim logs every arc with the kernel's clock; the joined figure holds the truth within its own error. The monitor
    had followed the migration."""
    domain = Domain("migsim", "0000:01:10.0", managed=False)
    for host in (source, destination):
        host.devices.bind(domain.device)
    start(source, domain)
    monitor = start_monitor(source)

    left, arrived = move(source, destination, domain)
    check_monitor(monitor)
    wait_figures(source, left)
    wait_figures(destination, arrived)
    shown = json.loads(source.agent.ctl("--json", "show", str(left["id"]), "--peer", destination.name).stdout)
    outage = next(dev["outage"] for dev in shown["devices"] if dev["alias"] == "hostdev0")
    offset, offset_error = clock_offset(source, destination)

    assert outage["complete"]
    stops = [arc for arc in source.devices.arcs(domain.device)
             if arc.source in ("running", "pre-copy") and arc.target in ("stop", "running-p2p", "pre-copy-p2p")]
    runs = [arc for arc in destination.devices.arcs(domain.device) if arc.target == "running" and arc.via == "arc"]
    truth = (runs[-1].end_real - stops[-1].end_real) // 1000 - offset
    assert abs(outage["usec"] - truth) <= outage["error-usec"] + offset_error, (outage, truth, offset_error)
