# SPDX-License-Identifier: GPL-2.0-or-later
"""Asking before: accmigctl on one host, the agents of both, ssh in between as an operator has set it up."""

import json

import pytest

from hosts import link
from hosts.domain import Domain

ACC = "0001:00:00.1"
NOBODY = "host9"


@pytest.fixture(name="desk")
def make_desk(source, destination, agents):  # pylint: disable=unused-argument
    """The host that the operator sits at: it reaches both, itself as well by its name."""
    for host in (source, destination):
        link.make(source, host)
        host.agent.wait_probed(ACC)
    return source


def with_other_queues(host):
    """VFs of HOST that get fewer queues than by default."""
    host.devices.down("acc")
    host.devices.up("acc", accsim={"total_queues": 32})
    host.agent.wait_probed(ACC)


def test_ranking(desk, source, destination):
    """The host that fits comes first; those that do not say why, and one that does not answer is no reason to stop."""
    domain = Domain("acc", ACC)
    source.start_domain(domain)
    source.agent.wait_profile(domain)
    everybody = ",".join([NOBODY, source.name, destination.name])

    ranking = json.loads(link.ask(desk, "check", "--json", domain.name, "--to", everybody).stdout)

    assert ranking["outcome"] == "compatible"
    [best, second, last] = ranking["hosts"]
    assert (best["host"], best["outcome"]) == (destination.name, "compatible")
    assert best["report"]["hostdevs"][0]["target"] == ACC
    # The guest itself has that VF at the source, and nothing was said of others.
    assert (second["host"], second["outcome"]) == (source.name, "incompatible")
    assert second["report"]["hostdevs"][0]["rule"] == "gate.in-use"
    assert last["host"] == NOBODY and NOBODY in last["error"]

    with_other_queues(destination)
    done = link.ask(desk, "check", domain.name, "--to", f"{destination.name},{source.name}", status=3)
    assert "queue count differs" in done.stdout, done.stdout
    done = link.ask(desk, "check", domain.name, "--to", NOBODY, status=1)
    assert NOBODY in done.stderr


def test_fleet(desk, source, destination):
    """Hosts that are alike share their classes; with other queues they share none, and it is said what to change."""
    both = f"{source.name},{destination.name}"

    # The last VF owns the queues that are left over, which makes a class of its own of it.
    fleet = json.loads(link.ask(desk, "fleet", "--json", both).stdout)
    assert accelerators(fleet) == [{source.name, destination.name}] * 2

    with_other_queues(destination)
    fleet = json.loads(link.ask(desk, "fleet", "--json", both).stdout)
    apart = accelerators(fleet)
    assert {source.name} in apart and {destination.name} in apart
    assert {source.name, destination.name} not in apart
    assert "hisi_acc.qp-num" in [split["field"] for split in fleet["splits"]]
    assert "queue count" in link.ask(desk, "fleet", "baseline", both).stdout

    done = link.ask(desk, "fleet", f"{both},{NOBODY}", status=4)
    assert NOBODY in done.stdout + done.stderr


def accelerators(fleet):
    """The hosts of each class of the one family."""
    return [set(one["hosts"]) for one in fleet["classes"] if one["family"] == "hisi_acc"]
