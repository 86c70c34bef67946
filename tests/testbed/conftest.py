# SPDX-License-Identifier: GPL-2.0-or-later
"""Fixtures of the tests that need real hosts: `source` and `destination`, clean for every test.

The hosts are booted once per run. With --keep they stay up afterwards and a run finds them as they are.
"""

import pathlib
import re
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from hosts import machine, pair, product, state  # noqa: E402 (the path has to be set first)
from hosts.host import Host  # noqa: E402

HOSTS = pytest.StashKey()       # of the session: both, once they are up
CURSORS = pytest.StashKey()     # of a test: where it begins in each host's journal


def pytest_addoption(parser):
    parser.addoption("--keep", action="store_true", help="leave the test hosts up, and use those that are up")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """Keep what both hosts have to say when any part of a test failed, and be it what was to come before it."""
    report = (yield).get_result()
    hosts = item.session.stash.get(HOSTS, ())
    if report.failed and hosts:
        folder = state.subdirectory("logs") / re.sub(r"[^\w.-]+", "_", item.name)
        for host, cursor in zip(hosts, item.stash.get(CURSORS, [None] * len(hosts))):
            host.save_logs(folder, cursor)
        report.sections.append(("logs of both hosts", str(folder)))


@pytest.fixture(scope="session")
def hosts(request):
    """Both hosts, booted; tests take `source` and `destination` instead."""
    keep = request.config.getoption("--keep")
    pair.build()
    if not keep:
        pair.down()
    request.session.stash[HOSTS] = [Host(one) for one in pair.up(renew=True)]
    yield request.session.stash[HOSTS]
    del request.session.stash[HOSTS]
    if keep:
        state.say("the hosts stay up; end them with: tests/testbed/testbed down")
    else:
        pair.down()


@pytest.fixture(scope="session")
def installed(hosts):
    """accmig as this tree has it, installed and running on both hosts."""
    product.build()
    pair.on_both(lambda host: product.install(host.machine), *hosts)
    for host in hosts:
        host.has_accmig = True


@pytest.fixture
def clean_hosts(request, hosts):
    """Both hosts without domains and with devices as they are by default."""
    pair.on_both(_reset, *hosts)
    request.node.stash[CURSORS] = pair.on_both(lambda host: host.cursor(), *hosts)
    return hosts


@pytest.fixture
def source(clean_hosts):
    return clean_hosts[machine.NAMES.index("host1")]


@pytest.fixture
def destination(clean_hosts):
    return clean_hosts[machine.NAMES.index("host2")]


@pytest.fixture
def agents(clean_hosts, installed):
    """accmig on both hosts, running and connected, with its own configuration."""
    pair.on_both(lambda host: host.agent.reset(), *clean_hosts)
    return [host.agent for host in clean_hosts]


def _reset(host):
    """Clean a host; one whose kernel a test brought to hang, or to its end, is started again."""
    try:
        _clean(host)
    except (TimeoutError, AssertionError):
        if host.responds():
            raise
        state.say(f"{host.name}: does not answer any more, starting it again")
        host.machine.stop()
        host.machine.start()
        host.machine.wait_ready()
        host.devices.touched("acc", "migsim", "mdev")
        if host.has_accmig:
            product.install(host.machine)
        _clean(host)


def _clean(host):
    host.destroy_all()
    host.run("rm -f /var/log/guest-*.log")
    host.devices.reset()
