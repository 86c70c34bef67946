# SPDX-License-Identifier: GPL-2.0-or-later
"""Registered devices on a real host: holders that come and go, agents and brokers that die, and the broker's verbs."""

import json

import pytest

from hosts.holder import Holder

MIGSIM = ("0000:01:10.0", "0000:01:10.2")
ACC = ("0001:00:00.1", "0001:00:00.2")  # the last VF has more queues
UUID = "6d2c1a3e-5a0f-4b52-9d0c-8f5f1c7d2a11"
STREAM = "/run/stream"

LIMIT = 60


@pytest.fixture
def holder(source, agents):
    """Two VFs of migsim, held for a guest that is to come."""
    source.devices.touched("migsim")
    for address in MIGSIM:
        source.devices.bind(address)
    held = Holder(source, UUID, dict(zip(("crypto0", "crypto1"), MIGSIM)))
    yield held
    held.stop()


def wait_registered(holder, **wanted):
    """Until exactly these devices are registered, with this in each row."""
    def seen():
        rows = holder.registered()
        return rows.keys() == wanted.keys() and all(row.items() >= wanted[name].items() for name, row in rows.items())
    holder.host.wait_for(seen, LIMIT, f"registered devices like {wanted}", period=0.5)


ATTACHED = {"attached": True, "state": "running", "migration": "stop-copy+p2p+pre-copy"}


def owners(host):
    rows = json.loads(host.agent.ctl("--json", "devices").stdout)["devices"]
    return {row["address"]: row["owner"] for row in rows}


def test_holder(source, holder):
    """They are shown, and gone with their holder; the device is then closed by all."""
    wait_registered(holder, crypto0=ATTACHED, crypto1=ATTACHED)
    assert [owners(source)[address] for address in MIGSIM] == ["registered"] * 2
    assert source.agent.broker_vfio_fds() == 2
    table = source.agent.ctl("devices").stdout
    assert "registered" in table and "crypto1" in table

    holder.send("unregister crypto1")
    holder.wait("^unregistered crypto1$")
    wait_registered(holder, crypto0=ATTACHED)
    assert source.agent.broker_vfio_fds() == 1

    holder.kill()
    wait_registered(holder)
    assert [owners(source)[address] for address in MIGSIM] == ["free"] * 2
    source.wait_for(lambda: source.agent.broker_vfio_fds() == 0, LIMIT, "the broker letting go")
    source.wait_for(lambda: source.devices.arcs(MIGSIM[0])[-1].via == "close", LIMIT, "the last close")


def test_broker_killed(source, holder):
    """The broker's duplicates die with it; the holder is asked, and gives them again."""
    wait_registered(holder, crypto0=ATTACHED, crypto1=ATTACHED)
    said = len(holder.lines())
    source.run(f"kill -KILL {source.agent.pid('accmig-broker.service')}")
    for name in ("crypto0", "crypto1"):
        holder.wait(f"^wanted {name}$", after=said)
        holder.wait(f"^registered {name} ", after=said)
    wait_registered(holder, crypto0=ATTACHED, crypto1=ATTACHED)
    assert source.agent.broker_vfio_fds() == 2
    assert not [arc for arc in source.devices.arcs(MIGSIM[0])[1:] if arc.via in ("open", "close", "reset")][1:]


@pytest.mark.more
def test_agent_killed(source, holder):
    """An agent that comes back knows its devices, without their holder's doing and without a gap in the broker."""
    wait_registered(holder, crypto0=ATTACHED, crypto1=ATTACHED)
    broker = source.agent.pid("accmig-broker.service")
    said = len(holder.lines())
    source.run(f"kill -KILL {source.agent.pid('accmigd.service')}")
    source.agent.wait_ready()
    wait_registered(holder, crypto0=ATTACHED, crypto1=ATTACHED)
    assert source.agent.pid("accmig-broker.service") == broker
    assert not [line for line in holder.lines()[said:] if line.startswith(("wanted", "registered"))]


@pytest.mark.more
def test_agent_stays_away(source, holder):
    """The broker does not keep devices for ever."""
    wait_registered(holder, crypto0=ATTACHED, crypto1=ATTACHED)
    source.agent.unit("stop", "accmigd.service")
    assert source.agent.broker_vfio_fds() == 2
    source.wait_for(lambda: source.agent.broker_vfio_fds() == 0, LIMIT, "the broker letting go")
    source.agent.unit("start", "accmigd.service")
    source.agent.wait_ready()
    wait_registered(holder, crypto0=ATTACHED, crypto1=ATTACHED)
    assert any(line.startswith("wanted") for line in holder.lines())


# ---- the broker's verbs ----------------------------------------------------------------------------


def broker(host, *commands):
    """The answers to commands of broker-call."""
    text = "\n".join(commands)
    return host.output(f"/share/tools/broker-call <<'END'\n{text}\nEND", timeout=240).splitlines()


SOURCE_ID, TARGET_ID = f"{UUID}/source", f"{UUID}/target"

# As a guest's migration takes them, one device after the other, on one host.
MOVE = (f"adopt {SOURCE_ID} s", f"adopt {TARGET_ID} t",
        f"step {SOURCE_ID} pre-copy", f"drain-ahead {SOURCE_ID} {STREAM}", f"step {TARGET_ID} resuming")


def check_refusals(answers):
    """A step without a way is not tried, and a session is not read in the wrong state."""
    assert answers[0].startswith("step: org.accmig1.Error.BadState"), answers
    assert answers[1].startswith("drain: org.accmig1.Error.BadState"), answers


def test_verbs_on_migsim(source, agents):
    """A whole move by the broker's verbs: the arcs are those asked for, and the state arrives."""
    source.devices.touched("migsim")
    for address in MIGSIM:
        source.devices.bind(address)
    source.agent.unit("stop", "accmigd.service")  # it would probe them meanwhile
    source.run(f"rm -f {STREAM}")
    opened = broker(
        source, f"open s {MIGSIM[0]}", f"open t {MIGSIM[1]}", *MOVE,
        f"step {SOURCE_ID} pre-copy-p2p", f"step {SOURCE_ID} stop-copy",
        f"step {SOURCE_ID} pre-copy", f"drain-ahead {SOURCE_ID} {STREAM}",
        f"drain {SOURCE_ID} {STREAM}", f"fill {TARGET_ID} {STREAM}", "list",
        f"step {SOURCE_ID} stop", f"step {TARGET_ID} stop", f"step {TARGET_ID} running-p2p", f"step {TARGET_ID} running",
        f"state {SOURCE_ID}", f"reset {SOURCE_ID}", f"state {SOURCE_ID}", f"disown {SOURCE_ID}", f"state {SOURCE_ID}")
    assert opened[2].startswith("adopt: 7 ") and " running " in opened[2], opened
    assert opened[4] == "step: pre-copy -", opened
    ahead = int(opened[5].split()[1])
    assert ahead >= 32 and opened[5].endswith(" yes"), opened
    assert opened[6:9] == ["step: resuming -", "step: pre-copy-p2p -", "step: stop-copy -"], opened
    check_refusals(opened[9:11])
    rest = int(opened[11].split()[1])
    assert opened[12] == f"fill: {ahead + rest} -", opened
    assert opened[13] == f"list: {SOURCE_ID}=stop-copy {TARGET_ID}=resuming"
    assert opened[14:18] == ["step: stop -", "step: stop -", "step: running-p2p -", "step: running -"], opened
    assert opened[18:22] == ["state: stop", "reset:", "state: running", "disown:"], opened
    assert opened[22].startswith("state: org.accmig1.Error.NotFound"), opened
    arcs = [(arc.source, arc.target) for arc in source.devices.arcs(MIGSIM[0]) if arc.via == "arc"]
    assert arcs[-4:] == [("running", "pre-copy"), ("pre-copy", "pre-copy-p2p"), ("pre-copy-p2p", "stop-copy"),
                         ("stop-copy", "stop")], arcs


@pytest.mark.more
def test_refused_on_migsim(source, agents):
    """The driver's no to a stream is an answer; what follows is a reset."""
    source.devices.touched("migsim")
    source.devices.bind(MIGSIM[0])
    source.agent.unit("stop", "accmigd.service")
    source.run(f"head -c 400 /dev/zero > {STREAM}")
    answers = broker(source, f"open t {MIGSIM[0]}", f"adopt {TARGET_ID} t", f"step {TARGET_ID} resuming",
                     f"fill {TARGET_ID} {STREAM}", f"reset {TARGET_ID}", f"state {TARGET_ID}")
    assert answers[3].startswith("fill: ") and answers[3].endswith(("EFAULT", "EINVAL")), answers
    assert answers[5] == "state: running", answers


def test_verbs_on_acc(source, agents):
    """The kernel's own driver for HiSilicon accelerators; a VF that no guest's driver started sends its match data."""
    source.devices.touched("acc")
    source.agent.unit("stop", "accmigd.service")
    source.run(f"rm -f {STREAM}")
    answers = broker(
        source, f"open s {ACC[0]}", f"open t {ACC[1]}", *MOVE,
        f"step {SOURCE_ID} stop-copy", f"drain {SOURCE_ID} {STREAM}", f"fill {TARGET_ID} {STREAM}",
        f"step {SOURCE_ID} stop", f"step {TARGET_ID} stop", f"step {TARGET_ID} running", f"step {SOURCE_ID} running")
    assert [answers[4], answers[6], answers[7]] == ["step: pre-copy -", "step: resuming -", "step: stop-copy -"], answers
    sent = int(answers[5].split()[1]) + int(answers[8].split()[1])
    assert answers[9] == f"fill: {sent} -" and sent in (40, 176), answers
    assert answers[10:] == ["step: stop -", "step: stop -", "step: running -", "step: running -"], answers
