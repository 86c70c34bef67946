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

REPORTS = pytest.StashKey()


def pytest_addoption(parser):
    parser.addoption("--keep", action="store_true", help="leave the test hosts up, and use those that are up")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """Let fixtures see how the test went."""
    report = (yield).get_result()
    item.stash.setdefault(REPORTS, {})[report.when] = report


@pytest.fixture(scope="session")
def hosts(request):
    """Both hosts, booted; tests take `source` and `destination` instead."""
    keep = request.config.getoption("--keep")
    pair.build()
    if not keep:
        pair.down()
    yield [Host(one) for one in pair.up(renew=True)]
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
    """Both hosts without domains and with devices as they are by default; logs are kept when a test fails."""
    pair.on_both(_reset, *hosts)
    cursors = pair.on_both(lambda host: host.cursor(), *hosts)
    yield hosts
    if any(report.failed for report in request.node.stash.get(REPORTS, {}).values()):
        folder = state.subdirectory("logs") / re.sub(r"[^\w.-]+", "_", request.node.name)
        for host, cursor in zip(hosts, cursors):
            host.save_logs(folder, cursor)
        state.say(f"logs of both hosts: {folder}")


@pytest.fixture
def source(clean_hosts):
    return clean_hosts[machine.NAMES.index("host1")]


@pytest.fixture
def destination(clean_hosts):
    return clean_hosts[machine.NAMES.index("host2")]


@pytest.fixture
def agents(clean_hosts, installed):
    """accmig on both hosts, running and connected, with its own configuration."""
    pair.on_both(_reset_agent, *clean_hosts)
    return [host.agent for host in clean_hosts]


def _reset_agent(host):
    host.agent.unit("unmask", "--runtime", "accmigd.service")
    host.agent.unit("start", "accmig-broker.socket")
    host.agent.configure("")


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
        if host.has_accmig:
            product.install(host.machine)
        _clean(host)


def _clean(host):
    host.destroy_all()
    host.run("rm -f /var/log/guest-*.log")
    host.devices.reset()
