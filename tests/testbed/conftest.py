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
CELLS = pytest.StashKey()       # of the run: rows of the fault matrix, in the order in which they were tried
FIGURES = pytest.StashKey()     # of the run: lines to be printed at its end


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


def pytest_terminal_summary(terminalreporter, config):
    """The fault matrix, as far as it was tried, and figures."""
    if config.stash.get(FIGURES, []):
        terminalreporter.section("figures")
        for line in config.stash[FIGURES]:
            terminalreporter.write_line(line)
    if config.stash.get(CELLS, []):
        write_matrix(terminalreporter, config.stash[CELLS])


def write_matrix(terminalreporter, rows):
    table = [list(rows[0]), *[list(row.values()) for row in rows]]
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    terminalreporter.section("fault matrix")
    for row in table:
        line = "  ".join(text.ljust(width) for text, width in zip(row, widths))
        terminalreporter.write_line(line.rstrip())


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


@pytest.fixture(scope="module")
def lasting_hosts(hosts, installed):
    """Both hosts, clean, with accmig, for tests that go on from where the one before them ended."""
    pair.on_both(_reset, *hosts)
    pair.on_both(lambda host: host.agent.reset(), *hosts)
    return hosts


@pytest.fixture
def cursors(request, lasting_hosts):
    """Where a test of those begins in each host's journal."""
    request.node.stash[CURSORS] = pair.on_both(lambda host: host.cursor(), *lasting_hosts)


@pytest.fixture
def cell(request):
    """A row of the fault matrix, to be filled in: texts by column."""
    rows = request.config.stash.setdefault(CELLS, [])
    rows.append(dict.fromkeys(("what", "fault", "host", "guest", "its devices", "seconds", "alarm"), "?"))
    return rows[-1]


@pytest.fixture
def figures(request):
    """Lines that are printed at the end of the run."""
    return request.config.stash.setdefault(FIGURES, [])


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
        host.start_again()
        _clean(host)


def _clean(host):
    host.destroy_all()
    host.run("rm -f /var/log/guest-*.log")
    host.devices.reset()
