# SPDX-License-Identifier: GPL-2.0-or-later
"""The gate asks the target's driver, or binds it: real drivers, and a broker that dies in between."""

import json
import re
import shlex

from hosts.domain import Domain
from test_refusal import refused, start

MIGSIM = "0000:01:10.0"
ACC, ACC_PF = "0001:00:00.1", "0001:00:00.0"

UNMANAGED = Domain("migsim", MIGSIM, managed=False)
TRY = "[gate]\ntrial = yes\non-unknown = accept\n"


def bound(*hosts):
    """The igb VF on its driver on every host, and probed as it is bound now: until then the agent goes by what it knows
    from before, and the driver's log begins when it is bound."""
    for host in hosts:
        host.devices.bind(MIGSIM)
    for host in hosts:
        host.wait_for(lambda: [arc for arc in host.devices.arcs(MIGSIM) if (arc.via, arc.comm) == ("close", "probe")],
                      what=f"the probe of {MIGSIM}", period=1)
        host.agent.wait_probed(MIGSIM)


def set_capability(host, value):
    """Another version of migsim; the agent, which asks a device once, is started again."""
    host.devices.migsim_parameter("capability", value)
    host.agent.unit("restart", "accmigd.service")
    host.agent.wait_ready()
    host.wait_for(lambda: capability(host) == value, what="the new probe", period=1)


def capability(host):
    """As the agent knows it of the free VF."""
    return host.agent.call("GetProfile", "s", MIGSIM).get("migsim", {}).get("capability")


def forget(source, domain, family, member):
    """Take a member out of the profile that the running domain carries, but not out of the match data."""
    def change(profile):
        assert profile["device"]["match"]
        del profile[family][member]
    source.agent.alter_profile(domain, change)


def check_usable(source, destination, domain):
    """What was tried takes the guest all the same when nothing is wrong any more."""
    source.migrate(domain, destination)
    destination.wait_beat(domain)


def test_driver_knows_the_isolation(source, destination, agents):
    """The kernel's own driver compares what the source's profile does not tell."""
    destination.devices.down("acc")
    destination.devices.up("acc", accsim={"isolation": 2})
    destination.agent.configure(TRY)
    source.agent.wait_probed(ACC)
    domain = Domain("acc", ACC)
    start(source, domain)
    forget(source, domain, "hisi_acc", "isolation")

    line = refused(source, destination, domain)

    assert line == f"accmig: refused guest: hostdev0: the driver of {ACC} refused the source's match data: EFAULT [trial]"
    assert destination.agent.device(ACC, "Owner") == "free"
    destination.devices.acc_poke(ACC_PF, 0x30, 0)
    check_usable(source, destination, domain)


def test_driver_knows_the_capability(source, destination, agents):
    """The same with another driver; and the operator's own question."""
    bound(source, destination)
    set_capability(source, 3)
    destination.agent.configure(TRY)
    start(source, UNMANAGED)
    forget(source, UNMANAGED, "migsim", "capability")

    line = refused(source, destination, UNMANAGED)

    assert line.endswith(f"the driver of {MIGSIM} refused the source's match data: EFAULT [trial]")
    assert destination.devices.migsim_state(MIGSIM) == "running"

    set_capability(destination, 3)
    source.agent.unit("start", "accmigd.service")
    source.agent.wait_ready()
    source.agent.wait_profile(UNMANAGED)
    before = len(resumings(destination))
    done = source.agent.ctl("check", UNMANAGED.name, "--to", destination.name, "--trial", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(resumings(destination)) == before + 1
    check_usable(source, destination, UNMANAGED)


def resumings(host):
    """The arcs into resuming that the broker asked for."""
    return [arc for arc in host.devices.arcs(MIGSIM) if arc.target == "resuming" and arc.comm == "try"]


def test_broker_dies_in_a_trial(source, destination, agents):
    """The kernel closes what the broker had open, and that resets the VF."""
    bound(source, destination)
    start(source, UNMANAGED)
    description = json.dumps(source.agent.call("DescribeDomain", "s", UNMANAGED.name))
    destination.devices.fault(MIGSIM, "arc stop resuming hang")
    words = ["busctl", "--timeout=100", "call", "org.accmig1", "/org/accmig1", "org.accmig1.Manager", "CheckDomainWith",
             "sa{sv}", description, "1", "trial", "b", "true"]
    trial = destination.start(shlex.join(words))
    destination.wait_for(lambda: [arc for arc in resumings(destination) if arc.errno is None], what="the trial, hanging")
    destination.run(f"kill -KILL {destination.agent.pid('accmig-broker.service')}")
    done = trial.wait()

    assert r'\"outcome\":\"unknown\"' in done.stdout and "broker" in done.stdout, done.stdout
    destination.wait_for(lambda: destination.devices.arcs(MIGSIM)[-1].via in ("close", "reset"), what="the closing")
    assert destination.devices.migsim_state(MIGSIM) == "running"
    assert destination.agent.device(MIGSIM, "Owner") == "free"
    assert destination.agent.broker_vfio_fds() == 0
    destination.agent.wait_ready()
    check_usable(source, destination, UNMANAGED)


def test_bind(source, destination, agents):
    """A VF on plain vfio-pci, which libvirt would leave there, gets the driver that can migrate it."""
    destination.agent.configure("[gate]\nbind = yes\n")
    source.agent.wait_probed(ACC)
    domain = Domain("acc", ACC)
    start(source, domain)
    path = f"/sys/bus/pci/devices/{ACC}"
    destination.run(f"modprobe vfio-pci; echo {ACC} > {path}/driver/unbind; echo vfio-pci > {path}/driver_override; "
                    f"echo {ACC} > /sys/bus/pci/drivers_probe")
    destination.devices.touched("acc")
    destination.wait_for(lambda: destination.agent.device(ACC, "Driver") == "vfio-pci", what="the plain driver", period=1)

    source.migrate(domain, destination)

    destination.wait_beat(domain)
    assert destination.output(f"basename $(readlink {path}/driver)") == "hisi_acc_vfio_pci"


def test_probed_again_after_binding(source, agents):
    """The driver is the same and looks the same, but it says something else now."""
    bound(source)
    source.wait_for(lambda: capability(source) == 1, what="the first probe", period=1)
    source.devices.migsim_parameter("capability", 3)
    source.run(f"cd /sys/bus/pci/drivers/migsim; echo {MIGSIM} > unbind; echo {MIGSIM} > bind")

    source.wait_for(lambda: capability(source) == 3, what="the second probe", period=1)
    assert re.fullmatch("[0-9a-f]{64}", source.agent.call("GetProfile", "s", MIGSIM)["device"]["match"])
