# SPDX-License-Identifier: GPL-2.0-or-later
"""`accmigctl state set`, `state path`, `state inspect --here` and `device reset` on real devices."""

import json

import pytest

from hosts.domain import Domain

ACC = "0001:00:00.2"
MIGSIM = "0000:01:10.0"

# A round through every state that a device may have, without resuming: that is left with a stream only.
ROUND = {
    1: ["stop", "stop-copy", "running", "stop-copy"],
    3: ["stop-copy", "running-p2p", "running", "stop", "running"],
    5: ["pre-copy", "stop-copy", "stop", "pre-copy", "running"],
    7: ["pre-copy", "pre-copy-p2p", "stop-copy", "running-p2p", "pre-copy-p2p", "running", "stop-copy"],
}


def free(host, address):
    """Waits until the agent has probed the device: asking for its state waits for whoever is at it."""
    host.wait_for(lambda: host.agent.ctl("state", "get", address, check=False).stdout == "running\n", what=f"{address}, free")


def migsim_up(host, flags):
    """A VF with these flags on migsim, known to the agent."""
    host.devices.down("migsim")
    host.devices.up("migsim", migsim={"migration_flags": flags})
    host.devices.bind(MIGSIM)
    host.wait_for(lambda: host.agent.device(MIGSIM, "Driver") == "migsim", what="migsim in the registry")
    free(host, MIGSIM)


def walk(host, address, *states, status=0):
    """state set. Returns its steps."""
    done = host.agent.ctl("--json", "state", "set", address, *states, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return json.loads(done.stdout)["steps"]


def usable(host, address):
    """It runs, and the broker has nothing open."""
    free(host, address)
    host.wait_for(lambda: host.agent.broker_vfio_fds() == 0, 20, "the broker letting go of every device")


@pytest.mark.parametrize("flags", [7, *(pytest.param(flags, marks=pytest.mark.more) for flags in (1, 3, 5))])
def test_set_is_what_the_driver_saw(source, agents, flags):
    """What state set says it did, what state path says beforehand and what the driver logged are the same arcs."""
    migsim_up(source, flags)
    before = {arc.seq for arc in source.devices.arcs(MIGSIM)}
    steps = walk(source, MIGSIM, *ROUND[flags])
    assert [step["to"] for step in steps] == ROUND[flags]
    assert all(step["errno"] == "" and step["state"] == step["to"] and step["usec"] > 0 for step in steps), steps
    said = []
    for step in steps:
        said += list(zip([step["from"], *step["hops"]], step["hops"]))
    seen = [(arc.source, arc.target) for arc in source.devices.arcs(MIGSIM) if arc.seq not in before and arc.via == "arc"]
    assert seen == said
    names = "+".join(name for bit, name in ((1, "stop-copy"), (2, "p2p"), (4, "pre-copy")) if flags & bit)
    for step in steps:
        path = json.loads(source.agent.ctl("--json", "state", "path", f"--flags={names}", step["from"], step["to"]).stdout)
        assert [hop["to"] for hop in path["hops"]] == step["hops"]
    usable(source, MIGSIM)


@pytest.mark.more
def test_the_trap_is_never_sprung(source, agents):
    """stop-copy to pre-copy, and what the device lacks, are refused before the first step."""
    migsim_up(source, 7)
    before = len(source.devices.arcs(MIGSIM))
    done = source.agent.ctl("state", "set", MIGSIM, "stop-copy", "pre-copy", check=False)
    assert done.returncode == 1 and "go to running first" in done.stderr, done.stdout + done.stderr
    assert [arc for arc in source.devices.arcs(MIGSIM)[before:] if arc.via == "arc"] == []
    done = source.agent.ctl("state", "set", ACC, "running-p2p", check=False)
    assert done.returncode == 1 and "is not one of this device" in done.stderr, done.stdout + done.stderr


def test_a_refusal_is_told(source, agents):
    """Of an arc that fails, with the state that the driver says it is in afterwards; and the device runs again."""
    migsim_up(source, 7)
    source.devices.fault(MIGSIM, "arc stop stop-copy errno 16")
    [first, refused] = walk(source, MIGSIM, "running-p2p", "stop-copy", status=1)
    assert first["errno"] == "" and (refused["errno"], refused["state"]) == ("EBUSY", "stop")
    usable(source, MIGSIM)


def test_acc_and_mdev(source, agents):
    """The kernel's own drivers; resuming without a stream is left by neither."""
    mdev = source.devices.show()["mdev"][0]
    for address, states in ((ACC, ROUND[5]), (mdev, ROUND[7])):
        free(source, address)
        assert [step["state"] for step in walk(source, address, *states)] == states
        last = walk(source, address, "resuming", "stop", status=1)[-1]
        assert (last["errno"], last["state"]) == ("EINVAL", "resuming")
        usable(source, address)


def test_reset(source, agents):
    """A free device is reset, migsim's state with it; a guest's is not touched."""
    migsim_up(source, 7)
    before = len(source.devices.arcs(MIGSIM))
    done = source.agent.ctl("device", "reset", MIGSIM, check=False)
    assert done.returncode == 2 and "--yes" in done.stderr
    assert source.agent.ctl("device", "reset", "--yes", MIGSIM).stdout == f"{MIGSIM} was reset\n"
    assert "reset" in [arc.via for arc in source.devices.arcs(MIGSIM)[before:]]
    domain = Domain("acc", ACC)
    source.start_domain(domain)
    source.wait_for(lambda: source.agent.device(ACC, "Owner") == "guest", what="the guest in the registry")
    for words in (["device", "reset", "--yes", ACC], ["state", "set", ACC, "stop"]):
        done = source.agent.ctl(*words, check=False)
        assert done.returncode == 1 and f"in use for domain “{domain.name}”" in done.stderr, done.stderr
    source.wait_beat(domain)


def test_inspect_here(source, destination, agents):
    """A stream of the source's device, held against the destination's: by the rules of its gate, with both values."""
    destination.devices.down("acc")
    destination.devices.up("acc", acc_pf_queues=16)
    for host in (source, destination):
        free(host, ACC)
    for address in destination.devices.show()["acc"]:  # as long as one may still say yes, nobody says no
        destination.agent.wait_probed(address)
    source.run("rm -f /share/inspect.bin")
    source.agent.ctl("state", "save", ACC, "/share/inspect.bin")
    here = source.agent.ctl("--json", "state", "inspect", "--here", "/share/inspect.bin")
    verdicts = {device["address"]: device for device in json.loads(here.stdout)["devices"]}
    assert verdicts[ACC]["outcome"] in ("compatible", "degraded"), verdicts
    there = destination.agent.ctl("--json", "state", "inspect", "--here", "/share/inspect.bin", check=False)
    assert there.returncode == 3, there.stdout + there.stderr
    verdicts = {device["address"]: device for device in json.loads(there.stdout)["devices"]}
    assert "hisi_acc.qp-num" in [row["rule"] for row in verdicts[ACC]["findings"]], verdicts[ACC]
    for address in destination.devices.show()["mdev"]:
        assert [row["rule"] for row in verdicts[address]["findings"]] == ["device.family"]


@pytest.mark.more
def test_interrupted_save(source, agents):
    """Ctrl-C in the middle of a stream: the broker breaks off, the device runs, no file stays."""
    migsim_up(source, 7)
    source.devices.migsim_parameter("payload_size", 64 * 1024 * 1024)
    source.run("mkfifo /run/slow.fifo")
    script = ("(sleep 60 < /run/slow.fifo & echo $! > /run/slow.pid); "
              f"timeout -s INT 5 accmigctl state save {MIGSIM} - > /run/slow.fifo; kill $(cat /run/slow.pid)")
    done = source.run(script, check=False, timeout=60)
    assert "interrupted" in done.stderr, done.stdout + done.stderr
    usable(source, MIGSIM)
    done = source.run(f"timeout -s INT 0.2 accmigctl state save {MIGSIM} /run/slow.bin; ls /run/slow.bin*", check=False)
    assert "/run/slow.bin." not in done.stdout, done.stdout
    usable(source, MIGSIM)
    source.run("rm -f /run/slow.fifo /run/slow.pid")
